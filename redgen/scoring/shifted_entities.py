"""Campaigns at other times with other people in them: would alerts that name entities have matched these, too?

The steps of a campaign move together by its share of the dataset's time, in a circle; alerts stay where they are. Each
entity is replaced by one of the same type: that of a benign line in the moved window of one of the campaign's steps,
where an index shows such lines, else one drawn from all there are. An attacker is active in an attack; so must be who
takes the place, or an alert for every line would look like skill, since at most moments most people do nothing. A draw
of some attack's own address is one that nobody speaks of: true alerts about one attack are no luck in finding another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from redgen.matching.entities import SAME, SHARED, Named, kind_of
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask
from redgen.matching.match import Matches
from redgen.matching.tables import Tables
from redgen.seed import Seed

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Slots:
    """Places for entities in campaigns, and the alerts about each entity.

    ``first``: where each campaign's slots begin (one more at the end); ``pool``: how many entities there are of the
    slot's type; ``known``: how many of them alerts name, numbered from ``offset`` in ``codes``. ``since``, ``until``:
    where the benign lines with entities of the slot's type stand in ``when`` (rising) and ``active`` (whose they are,
    -1: nobody's whom alerts name). ``segment``: where the alerts of each entity begin in ``starts`` (rising) and
    ``lasts`` (rising).
    """

    first: I64
    pool: I64
    known: I64
    offset: I64
    codes: I64
    since: I64
    until: I64
    when: I64
    active: I64
    segment: I64
    starts: I64
    lasts: I64

    def __len__(self) -> int:
        return len(self.pool)

    def cast(self, seed: Seed, turn: int, share: F64, tables: Tables, horizon: int) -> I64:
        """An entity for every slot: its number among those that alerts name, -1 for one that no alert names."""
        ids = np.arange(len(self.pool), dtype=np.uint64)
        draw = seed.uniform(ids, f"swap {turn}")
        chosen = np.floor(draw * self.pool).astype(np.int64)
        at = np.minimum(self.offset + chosen, max(len(self.codes) - 1, 0))
        anybody = np.where(chosen < self.known, self.codes[at] if len(self.codes) else -1, -1).astype(np.int64)
        if not len(self.when):
            return anybody
        start, stop = self._moved(seed.uniform(ids, f"step {turn}"), share, tables)
        low, high = _between(self.when, self.since, self.until, start, stop + horizon)
        busy = np.minimum(low + np.floor(draw * (high - low)).astype(np.int64), len(self.when) - 1)
        return np.where(high > low, self.active[busy], anybody).astype(np.int64)

    def _moved(self, draw: F64, share: F64, tables: Tables) -> tuple[I64, I64]:
        """Of every slot's campaign, the moved window of one of its steps."""
        campaign = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        bounds = np.searchsorted(tables.step_campaign, np.arange(tables.campaigns + 1)).astype(np.int64)
        many = np.diff(bounds)[campaign]
        step = np.minimum(bounds[campaign] + np.floor(draw * many).astype(np.int64), len(tables.step_t0) - 1)
        base, span = tables.ground.start, tables.ground.stop - tables.ground.start
        start = base + (tables.step_t0[step] - base + (share[campaign] * span).astype(np.int64)) % span
        return start, start + tables.step_t1[step] - tables.step_t0[step]


def slots_of(matches: Matches, wide: tuple[I64, I64], tables: Tables, index: LogIndex | None) -> Slots:
    """The slots of all campaigns: entities of types that count, shared types only where one was found specific."""
    who = matches.who
    pools, codes = _pools(who, tables, index)
    specific = {(int(tables.step_campaign[s]), who.names[v]) for s, v in
                zip(matches.staged.step.tolist(), matches.staged.value.tolist(), strict=True)
                if who.names[v][0] in SHARED}
    first, kinds = [0], list[str]()
    for k, campaign in enumerate(tables.ground.campaigns):
        own = {(kind_of(word), v.lower()) for roles in campaign.entities.values() for word, vs in roles.items()
               for v in vs}
        kinds += sorted(kind for kind, v in own if kind in pools and (kind not in SHARED or (k, (kind, v)) in specific))
        first.append(len(kinds))
    offsets, flat = {}, list[int]()
    for kind, own_codes in codes.items():
        offsets[kind] = len(flat)
        flat += own_codes
    since, until, when, active = _activity(sorted(set(kinds)), who, codes, tables, index)
    order = np.argsort(who.value, kind="stable")
    value = who.value[order]
    start, last = wide[0][who.alert[order]], wide[1][who.alert[order]]
    return Slots(
        _whole(first), _whole([pools[k] for k in kinds]), _whole([len(codes[k]) for k in kinds]),
        _whole([offsets[k] for k in kinds]), _whole(flat),
        _whole([since[k] for k in kinds]), _whole([until[k] for k in kinds]), when, active,
        np.searchsorted(value, np.arange(len(who.names) + 1)).astype(np.int64),
        start[np.lexsort((start, value))], last[np.lexsort((last, value))])


def _pools(who: Named, tables: Tables, index: LogIndex | None) -> tuple[dict[str, int], dict[str, list[int]]]:
    """By type of entity, how many there are, and the numbers of those that alerts name.

    Attackers' entities are counted, but not among the numbers unless they are most of their type. Without an index:
    those that alerts or truth name, and no fewer people than the organization has.
    """
    codes: dict[str, list[int]] = {}
    for k, (kind, _) in enumerate(who.names):
        codes.setdefault(kind, []).append(k)
    known = {kind: {who.names[k][1] for k in numbers} for kind, numbers in codes.items()}
    hostile = {(kind_of(word), v.lower()) for c in tables.ground.campaigns
               for word, vs in c.entities.get("attacker", {}).items() for v in vs}
    for owner in (*(e for c in tables.ground.campaigns for e in c.entities.values()),
                  *(h.entities for h in tables.ground.hard_negatives)):
        for word, given in owner.items():
            if kind_of(word) in known:
                known[kind_of(word)].update(v.lower() for v in given)
    pools = {}
    for kind, values in known.items():
        told = [] if index is None else [
            index.names(word) for word in (kind, *(w for w, same in SAME.items() if same == kind))]
        for names in told:
            values.update(n.lower() for n in names or ())
        least = tables.ground.people if kind == "user" and not any(told) else 0
        pools[kind] = max(len(values), least)
        most = any(told) and 2 * sum((kind, v) in hostile for v in values) > len(values)
        if not most:
            codes[kind] = [k for k in codes[kind] if who.names[k] not in hostile]
    return pools, codes


LINES = 200_000
"""Lines of one type of entity looked at to tell who was active when: one in ten of two million."""


def _activity(kinds: Sequence[str], who: Named, codes: Mapping[str, Sequence[int]], tables: Tables,
              index: LogIndex | None) -> tuple[dict[str, int], dict[str, int], I64, I64]:
    """By type, where its benign lines begin and end in the times and the numbers that follow; see ``Slots``."""
    since, until = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    nothing = np.zeros(0, dtype=np.int64)
    times, numbers, total = [nothing], [nothing], 0
    for kind in kinds:
        lines = _benign(kind, tables, index)
        known = {who.names[k][1]: k for k in codes[kind]}
        times.append(lines["t"].to_numpy(dtype=np.int64))
        numbers.append(_whole([known.get(name, -1) for name in lines["name"].tolist()]))
        since[kind], until[kind] = total, total + len(lines)
        total = until[kind]
    return since, until, np.concatenate(times), np.concatenate(numbers)


def _benign(kind: str, tables: Tables, index: LogIndex | None) -> pd.DataFrame:
    """Lines with an entity of a type that are not malicious, by time: name, t."""
    words = (kind, *(w for w, same in SAME.items() if same == kind))
    found = [lines for word in words if index is not None and (lines := index.sample(word, LINES)) is not None]
    if not found:
        return pd.DataFrame({"name": pd.Series(dtype="str"), "t": pd.Series(dtype="int64")})
    lines = pd.concat(found, ignore_index=True)
    file = pd.Index(tables.files.names, dtype="str").get_indexer(lines["file"].astype("str")).astype(np.int64)
    row = tables.rows_at(file, lines["line"].to_numpy(dtype=np.int64))
    evil = np.zeros(len(row), dtype=bool)
    evil[row >= 0] = tables.evil[row[row >= 0]]
    return lines.loc[~evil, ["name", "t"]].sort_values(["t", "name"], kind="stable")


@nb.njit(cache=True, nogil=True)
def _between(when, since, until, start, stop):  # type: ignore[no-untyped-def]
    """Where times of [start, stop] stand in the part of ``when`` that belongs to each row."""
    low, high = np.empty_like(start), np.empty_like(start)
    for i in range(len(start)):
        part = when[since[i]:until[i]]
        low[i] = since[i] + np.searchsorted(part, start[i], side="left")
        high[i] = since[i] + np.searchsorted(part, stop[i], side="right")
    return low, high


def _whole(values: list[int]) -> I64:
    return np.array(values, dtype=np.int64)


def step_hits(slots: Slots, codes: I64, share: F64, tables: Tables, *, all_: bool) -> tuple[Mask, I64]:
    """Which steps an alert matches after the shift, and how many alerts match each campaign.

    Unless ``all_`` is asked for, a campaign is left at its first hit on a step that counts. An alert that names two
    entities of a campaign counts twice.
    """
    ground = tables.ground
    hit = np.zeros(len(tables.step_campaign), dtype=bool)
    alerts = np.zeros(tables.campaigns, dtype=np.int64)
    steps = np.searchsorted(tables.step_campaign, np.arange(tables.campaigns + 1)).astype(np.int64)
    _walk(slots.first, codes, steps, tables.step_t0, tables.step_t1, share, ground.start, ground.stop - ground.start,
          slots.segment, slots.starts, slots.lasts, tables.step_core, all_, hit, alerts)
    return hit, alerts


@nb.njit(cache=True, nogil=True)
def _count(segment, code, starts, lasts, a, b):  # type: ignore[no-untyped-def]
    """Alerts about an entity that share a moment with [a, b]: begun by b, less those over before a."""
    low, high = segment[code], segment[code + 1]
    begun = np.searchsorted(starts[low:high], b, side="right")
    over = np.searchsorted(lasts[low:high], a, side="left")
    return begun - over


@nb.njit(cache=True, nogil=True)
def _walk(first, codes, steps, t0, t1, share, base, span,  # type: ignore[no-untyped-def]
          segment, starts, lasts, core, all_, hit, alerts):
    """Fill ``hit`` and ``alerts``."""
    for c in range(len(alerts)):
        by = np.int64(share[c] * span)
        done = False
        for slot in range(first[c], first[c + 1]):
            code = codes[slot]
            if code < 0:
                continue
            for s in range(steps[c], steps[c + 1]):
                a = base + (t0[s] - base + by) % span
                b = a + t1[s] - t0[s]
                n = (_count(segment, code, starts, lasts, a, b)
                     + _count(segment, code, starts, lasts, a - span, b - span))
                if n > 0:
                    hit[s] = True
                    alerts[c] += n
                    done = done or core[s]
            if done and not all_:
                break
