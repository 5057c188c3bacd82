"""Numbers of login sessions on each host, as systemd-logind gives them: one more with every session since its boot.

logind takes the number from the kernel's audit session, which PAM also opens for cron's jobs and for a user's own
manager; so each of those uses up a number, too, though only logins are announced. Benign sessions are counted day by
day, from the benign model alone: any process counts a day again and finds the same. What campaigns and hard negatives
staged is fitted into the numbers that stayed free between two logins, so that it renumbers no benign line; where a
burst needs more of them than there are, it takes the nearest free ones, on the other side of a login. Each campaign is
fitted in alone: it renumbers no other one either, and two that come to a host at the same time may share a number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from redgen.activity import schema
from redgen.activity.effects import Effects
from redgen.activity.schema import Activity
from redgen.activity.ssh import LONGEST_REFUSED
from redgen.activity.terms import SHELL_OPS
from redgen.benign.model import BenignModel
from redgen.clock import DAY, SECOND, parse_time
from redgen.seed import I64, U64
from redgen.table import Table, concat
from redgen.world.world import World

_IN, _OUT, _CRON = (SHELL_OPS.index(op) for op in ("accepted", "disconnect", "cron_open"))
_USUAL_DAY = parse_time("2026-01-13T00:00:00Z") // DAY
"""A Tuesday: what happens on it says how many numbers a host gets through in a day."""
_ROOM, _SPARE = 1.5, 24
"""Numbers a host gets through in a day: those of a usual one times this, and so many more; for sessions that no log
announces (su, scheduled tasks of users) and for campaigns. Source: unverified."""
_UPTIME = 60
"""Days between two boots of a host: kernels are updated. Source: unverified."""
_MANAGER_STAYS = 10 * SECOND
"""A user's manager outlives the last session by this much (logind's UserStopDelaySec)."""
_APART = 1 << 42
"""Further apart than any two ends of a day's sessions."""
_KEPT = 4
"""Days whose counts are kept."""


@dataclass(frozen=True)
class _Day:
    """Sessions and jobs that began on a day, by host and time: ``upto`` numbers are used up when each has begun.

    ``begins`` says where each host's entries begin. ``conn`` sorted, with the ``serial`` of each login and whether it
    found no manager of its user (``fresh``).
    """

    t: I64
    login: NDArray[np.bool_]
    upto: I64
    number: I64
    begins: I64
    conn: U64
    serial: I64
    fresh: I64


@dataclass(frozen=True)
class SessionNumbers:
    """Fills in ``serial`` of shell rows: logins and logouts of one session get its number.

    ``staged``: the sessions that each campaign and hard negative planned; ``start``: when the dataset begins.
    """

    benign: BenignModel
    staged: tuple[Table, ...]
    start: int
    _days: OrderedDict[int, _Day] = field(default_factory=OrderedDict, repr=False, compare=False)

    @classmethod
    def of(cls, benign: BenignModel, staged: Sequence[Activity], start: int) -> SessionNumbers:
        """The numbers of a dataset that begins at ``start``, with what its campaigns and hard negatives planned."""
        return cls(benign, tuple(_sessions([part]) for part in staged if "shell" in part), start)

    def filled(self, shell: Table) -> Table:
        """``shell`` with the numbers of its sessions."""
        at = np.flatnonzero((shell["op"] == _IN) | (shell["op"] == _OUT))
        if not len(at):
            return shell
        serial, fresh = shell["serial"].copy(), shell["fresh"].copy()
        conn, day = shell["conn"][at], shell["start"][at] // DAY
        for one in np.unique(day).tolist():
            some = np.flatnonzero(day == one)
            counted = self._day(one)
            serial[at[some]] = _found(counted.conn, counted.serial, conn[some])
            fresh[at[some]] = _found(counted.conn, counted.fresh, conn[some], -1)
        known, numbers = self._campaigns
        mine = at[serial[at] == -1]
        serial[mine] = _found(known, numbers, shell["conn"][mine])
        return shell.replace(serial=serial, fresh=fresh)

    @cached_property
    def _per_day(self) -> I64:
        """Numbers that each host gets through in a day."""
        rows = self._benign(_USUAL_DAY)
        rows = rows.take(np.flatnonzero(rows["op"] != _OUT))
        used = np.bincount(rows["host"], weights=1.0 + (rows["op"] == _IN), minlength=len(self._world.hosts))
        numbers: I64 = np.floor(used * _ROOM + _SPARE).astype(np.int64)
        return numbers

    @cached_property
    def _boots(self) -> I64:
        """The day each host booted last before the dataset begins."""
        hosts = np.arange(len(self._world.hosts), dtype=np.uint64)
        phase = (self._world.seed.noise(hosts, "boot") % np.uint64(_UPTIME)).astype(np.int64)
        last = self.start // DAY - 2
        booted: I64 = last - (last + phase) % _UPTIME
        return booted

    @property
    def _world(self) -> World:
        return self.benign.world

    def _benign(self, day: int) -> Table:
        """The rows with which benign sessions and jobs of a day begin."""
        window = {"shell": (day * DAY, (day + 1) * DAY + LONGEST_REFUSED)}
        played = [p.play(window, Effects.of()) for p in self.benign.populations if "shell" in p.behavior.gives]
        found = _sessions(played)
        return found.take(np.flatnonzero(found["start"] // DAY == day))

    def _day(self, day: int) -> _Day:
        if day in self._days:
            self._days.move_to_end(day)
            return self._days[day]
        rows = _by_host(self._benign(day))
        left = rows.take(np.flatnonzero(rows["op"] == _OUT))
        rows = rows.take(np.flatnonzero(rows["op"] != _OUT))
        t, host, conn, login = rows["t"], rows["host"].astype(np.int64), rows["conn"], rows["op"] == _IN
        begins = np.searchsorted(host, np.arange(len(self._world.hosts) + 1))
        upto = np.cumsum(1 + login)
        before = np.concatenate([[0], upto])
        upto = upto - before[begins[host]]
        total = before[begins[1:]] - before[begins[:-1]]
        first = np.maximum(day - self._boots, 0) * self._per_day + 1
        number = first[host] + upto - login + self._spread(day, t, np.maximum(self._per_day - total, 1)[host])
        order = np.flatnonzero(login)
        order = order[np.argsort(conn[order], kind="stable")]
        made = _Day(t, login, upto, number, begins, conn[order], number[order], _fresh(rows, left, day)[order])
        self._days[day] = made
        if len(self._days) > _KEPT:
            self._days.popitem(last=False)
        return made

    @staticmethod
    def _spread(day: int, t: I64, spare: I64 | int) -> I64:
        """Numbers used up by what no log announces: ``spare`` of them, evenly over the day."""
        since = np.clip(t - day * DAY, 0, DAY - 1)
        used: I64 = (spare * (since / DAY)).astype(np.int64)
        return used

    @cached_property
    def _campaigns(self) -> tuple[U64, I64]:
        """Connections of staged sessions, sorted, and their numbers: the first free ones after what began before."""
        parts = [self._fitted_in(part) for part in self.staged]
        conn = np.concatenate([np.zeros(0, dtype=np.uint64), *(part[0] for part in parts)])
        number = np.concatenate([np.zeros(0, dtype=np.int64), *(part[1] for part in parts)])
        order = np.argsort(conn, kind="stable")
        return conn[order], number[order]

    def _fitted_in(self, staged: Table) -> tuple[U64, I64]:
        """Connections of one campaign's sessions and their numbers."""
        rows = _by_host(staged.take(np.flatnonzero(staged["op"] == _IN)))
        least, most = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
        host, t = rows["host"].astype(np.int64), rows["t"]
        taken: dict[int, set[int]] = {}
        for day in np.unique(t // DAY).tolist():
            some = np.flatnonzero(t // DAY == day)
            least[some], most[some] = self._between(day, host[some], t[some])
            for counted in (self._day(day), self._day(day + 1)):
                for one in np.unique(host[some]).tolist():
                    there = slice(int(counted.begins[one]), int(counted.begins[one + 1]))
                    taken.setdefault(one, set()).update(counted.number[there][counted.login[there]].tolist())
        room = (np.maximum(most - least, 0) // 2 + 1).astype(np.uint64)
        least += (rows["conn"] % room).astype(np.int64)  # not where every other campaign begins
        return rows["conn"], _settled(host, _fitted(host, least, most), taken)

    def _between(self, day: int, host: I64, t: I64) -> tuple[I64, I64]:
        """The number due at each time on each host, and the last one that is free before the next login's."""
        counted = self._day(day)
        least, most = np.zeros(len(t), dtype=np.int64), np.zeros(len(t), dtype=np.int64)
        for one in np.unique(host).tolist():
            some = np.flatnonzero(host == one)
            low, high = int(counted.begins[one]), int(counted.begins[one + 1])
            times, upto = counted.t[low:high], np.concatenate([[0], counted.upto[low:high]])
            place = np.searchsorted(times, t[some], side="right")
            first = int(max(day - self._boots[one], 0) * self._per_day[one]) + 1
            spare = max(int(self._per_day[one] - upto[-1]), 1)
            least[some] = first + upto[place] + self._spread(day, t[some], spare)
            logins = np.flatnonzero(counted.login[low:high])
            ahead = np.append(counted.number[low:high][logins], first + max(self._per_day[one], upto[-1] + 1))
            most[some] = ahead[np.searchsorted(logins, place)] - 1
        return least, most


def _sessions(parts: Sequence[Activity]) -> Table:
    """The rows with which sessions and jobs begin, and with which sessions end."""
    found = concat([part["shell"] for part in parts if "shell" in part] or [schema.rows("shell", 0)])
    return found.take(np.flatnonzero(np.isin(found["op"], (_IN, _OUT, _CRON))))


def _fresh(begun: Table, left: Table, day: int) -> I64:
    """1 for what begins while no other session of its user on its host is open, or was in the last seconds."""
    order = np.argsort(left["conn"], kind="stable")
    ends = _found(left["conn"][order], left["t"][order], begun["conn"], (day + 1) * DAY)
    ends = np.where(begun["op"] == _IN, ends, 0) + _MANAGER_STAYS
    by = np.lexsort((begun["t"], begun["name"], begun["host"]))
    host, name = begun["host"][by], begun["name"][by]
    group = np.cumsum(np.append(True, (np.diff(host) != 0) | (np.diff(name) != 0))[: len(by)]) - 1
    reach = np.maximum(ends[by] - day * DAY, 0) + group * _APART
    last = np.append(0, np.maximum.accumulate(reach)[:-1])[: len(by)]
    fresh = np.zeros(len(by), dtype=np.int64)
    fresh[by] = last <= begun["t"][by] - day * DAY + group * _APART
    return fresh


def _by_host(rows: Table) -> Table:
    """``rows`` by host and time."""
    return rows.take(np.lexsort((rows["id"], rows["t"], rows["host"])))


def _fitted(host: I64, least: I64, most: I64) -> I64:
    """Numbers that rise from session to session of a host: at least ``least`` and, given room, at most ``most``."""
    number = np.zeros(len(host), dtype=np.int64)
    for one in np.unique(host).tolist():
        some = np.flatnonzero(host == one)
        rank = np.arange(len(some))
        low = np.maximum.accumulate(least[some] - rank) + rank
        high = np.minimum(low, most[some])
        number[some] = np.minimum.accumulate((high - rank)[::-1])[::-1] + rank
    return number


def _settled(host: I64, number: I64, taken: Mapping[int, Collection[int]]) -> I64:
    """``number`` (by host, in order), moved on where it does not rise or is among those ``taken`` on the host."""
    settled, before = number.copy(), (-1, 0)
    for k, (one, wanted) in enumerate(zip(host.tolist(), number.tolist(), strict=True)):
        given = max(wanted, before[1] + 1) if before[0] == one else wanted
        while given in taken.get(one, ()):
            given += 1
        settled[k], before = given, (one, given)
    return settled


def _found(conn: U64, value: I64, wanted: U64, missing: int = -1) -> I64:
    """The value of each connection, ``missing`` where it is not among ``conn`` (sorted)."""
    if not len(conn):
        return np.full(len(wanted), missing, dtype=np.int64)
    at = np.minimum(np.searchsorted(conn, wanted), len(conn) - 1)
    return np.where(conn[at] == wanted, value[at], missing)
