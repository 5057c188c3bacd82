"""auth.log of Linux hosts: sshd, PAM, logind, sudo, cron and account tools, as rsyslog writes them.

One activity row is a chain of lines (``_auth_lines.CHAINS``). Process ids grow with time: they count slots of it, from
a start and at a pace of the host's own. The number of a session comes with the row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity.schema import Activity
from redgen.activity.terms import SHELL_OPS, SSH_METHODS
from redgen.clock import DAY, MILLISECOND, MINUTE, SECOND, parse_time
from redgen.render.holes import BASE64, Hole, Int, IPv4, Letters, Pick, Text, Time
from redgen.render.template import Template
from redgen.seed import I64, Seed
from redgen.source import RECORD, Column, Field, Source
from redgen.sources._auth_lines import CHAINS, LINES, LONGEST
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from redgen.world.people import PEOPLE_KINDS
from redgen.world.world import World

_FORKS = (18, 90)                               # processes begun per second, by host; slow enough to look idle, fast
                                                # enough that two connections seldom share an id. Source: unverified
_PID_MAX, _FIRST_PID = 4_194_304, 300          # pid_max of a 64-bit host under systemd; pids below belong to the boot
_SESSION_SLOT, _UNCOUNTED = 90 * SECOND, 365 * DAY  # for sessions that nobody counted: one number per slot of a year
_MANAGER_SHARE = 0.7                           # of logins that nobody looked at find no user manager left
_KEY_TYPES = Vocabulary.of(["ED25519"] * 7 + ["RSA"] * 2 + ["ECDSA"])
_BYES = Vocabulary.of(["Bye Bye"] * 4 + ["Normal Shutdown, Thank you for playing"])
_FIRST_PERSON = 1000                           # uids below are those of system accounts
_TTYS = ("pts/0", "pts/1", "pts/2", "pts/3", "unknown")
_PROGRAMS = [PEOPLE_KINDS.index("service"), PEOPLE_KINDS.index("api_client")]
_LAST_OF_43 = "AEIMQUYcgkosw048"               # 256 bits end with four of a base64 digit's six

_WAYS = {"accepted": " first", "sudo_denied": " tried", "max_tries": " few", "pam_more_failures": " one"}
"""Ops with two kinds of chain: no user manager yet, wrong passwords given, few tries allowed, one failure more."""

_TIMES = {"rfc3164": "syslog", "rfc3339": "rfc3339_us"}
_LINE = re.compile(
    r"(?P<timestamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00) "
    r"(?P<host>\S+) (?P<process>[A-Za-z-]+)(?:\[(?P<pid>\d+)\])?: (?P<message>.*)",
)


class LinuxAuth(Source):
    """The authentication log of all hosts, as their central syslog server writes it."""

    name = "linux_auth"
    title = "Linux auth.log (sshd, PAM, sudo, cron)"
    sigma: ClassVar = {"product": "linux", "service": "auth"}
    kinds: ClassVar = {"shell": LONGEST + 1}
    formats: ClassVar = {"rfc3164": "log", "rfc3339": "log"}
    fields = (
        Field("timestamp", "time", "local time of the host (UTC): 1 s without a year, or with microseconds"),
        Field("host", "string", "name of the host"),
        Field("process", "string", "program that wrote the line"),
        Field("pid", "integer", "its process id; sudo writes none"),
        Field("message", "string", "what it says"),
    )
    schema = RECORD | {
        "host": "i2", "name": "i4", "ip": "u4", "port": "i4", "key": "u8", "n": "i4", "more": "i4", "command": "i4",
        "uid": "i4", "pid": "i4", "child": "i4", "manager": "i4", "tool": "i4", "session": "i4",
        "tty": "i1", "plural": "i1",
    }

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        texts = [f"@{{time}} @{{host}} {text}\n" for text in LINES.values()]
        holes = _holes(world, _TIMES[self.format])
        self.template = Template(texts, holes)
        self.columns = tuple(_parquet(holes))
        hosts = np.arange(len(world.hosts), dtype=np.uint64)
        self._first_slot = (world.seed.noise(hosts, "pid") % np.uint64(_PID_MAX)).astype(np.int64)
        span = np.uint64(_FORKS[1] - _FORKS[0])
        self._forks = _FORKS[0] + (world.seed.noise(hosts, "forks") % span).astype(np.int64)
        self._uids = _uids(world)

    def fanout(self, kind: str, table: Table) -> NDArray[np.int32]:
        """How many lines each row writes."""
        if kind not in self.kinds:
            return np.zeros(len(table), dtype=np.int32)
        return _chains().lengths[self._chain(table)].astype(np.int32)

    def observe(self, activity: Activity) -> Table:
        """The lines of each row's chain, in order."""
        shell = activity.get("shell")
        if shell is None or not len(shell):
            return self.nothing()
        chains, chain = _chains(), self._chain(shell)
        lengths = chains.lengths[chain]
        row = np.repeat(np.arange(len(shell)), lengths)
        place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        w = (shell["t"] + shell["dur"])[row] + self._offsets(shell, chain)[row, place]
        columns = {name: column[row] for name, column in self._facts(shell).items()}
        form = chains.lines[chain[row], place]
        return Table(self.schema, len(row), id=shell["id"][row], t=w, w=w, form=form, **columns)

    def _chain(self, shell: Table) -> NDArray[np.int64]:
        """Which chain each row is: by op, method, whether the account exists, and tries."""
        name, n = shell["name"], shell["n"]
        owner = np.where(name < 0, 2, np.where(name >= self.world.hosts.owned, 1, 0))
        drawn = self.seed.uniform(shell["id"], "manager") < _MANAGER_SHARE
        fresh = np.where(shell["fresh"] >= 0, shell["fresh"] > 0, drawn)
        ways = {"sudo_denied": n > 0, "accepted": fresh, "max_tries": n <= 3, "pam_more_failures": n == 1}
        special = np.zeros(len(shell), dtype=np.int64)
        for op, way in ways.items():
            special |= (shell["op"] == SHELL_OPS.index(op)) & way
        return np.asarray(_chains().code[shell["op"], np.maximum(shell["method"], 0), owner, special])

    def _offsets(self, shell: Table, chain: NDArray[np.int64]) -> I64:
        """[rows, longest chain] µs of each line after the row is done; log-uniform steps, added up.

        A sudo session is closed after the command's run time: the row's dur, or n milliseconds.
        """
        chains = _chains()
        low, high = chains.low[chain], chains.high[chain]
        u = np.stack([self.seed.uniform(shell["id"], f"line {k}") for k in range(low.shape[1])], axis=1)
        steps = np.floor(np.maximum(low, 1) * (np.maximum(high, 1) / np.maximum(low, 1)) ** u).astype(np.int64)
        steps[:, 0] = 0
        ran = np.where(shell["dur"] > 0, shell["dur"], shell["n"].astype(np.int64) * MILLISECOND)
        sudo = (shell["op"] == SHELL_OPS.index("sudo")) & (ran > 0)
        steps[:, 2] = np.where(sudo, np.clip(ran, low[:, 2], high[:, 2]), steps[:, 2])
        return np.cumsum(steps, axis=1)

    def _facts(self, shell: Table) -> dict[str, Any]:
        host, conn = shell["host"], shell["conn"]
        start = np.where(shell["start"] > 0, shell["start"], shell["t"])
        wide = (self.seed.noise(conn, "child") % np.uint64(60)).astype(np.int64)
        jobs = np.isin(shell["op"], [SHELL_OPS.index("cron_open"), SHELL_OPS.index("cron_close")])
        beside = np.where(jobs, 16 * (shell["name"] % 8) + wide % 16, 0)  # jobs of a minute begin together, each in a
        begun = np.where(jobs, start - start % MINUTE, start)             # process of its own
        n, last = shell["n"], shell["op"] == SHELL_OPS.index("max_tries")
        return {
            "host": host, "name": shell["name"], "ip": shell["client"], "port": shell["cport"], "key": shell["key"],
            "n": n, "more": n - last, "plural": n != 1, "command": shell["command"], "uid": self._uids[shell["name"]],
            "pid": self._pid(host, begun, beside), "child": self._pid(host, start, 12 + wide // 2),
            "manager": self._pid(host, start, 5 + wide // 8), "tool": self._pid(host, shell["t"], 1),
            "session": np.where(shell["serial"] > 0, shell["serial"], 1 + start % _UNCOUNTED // _SESSION_SLOT),
            "tty": np.where(self._is_program(shell), len(_TTYS) - 1, self.seed.noise(conn, "tty") % np.uint64(4)),
        }

    def _is_program(self, shell: Table) -> NDArray[np.bool_]:
        """Whether nobody sits in front of a terminal: services run their commands without one."""
        user, uid = shell["user"], self._uids[shell["name"]]
        service = np.isin(self.world.people.kind[np.maximum(user, 0)], _PROGRAMS)
        return np.where(user < 0, (uid > 0) & (uid < _FIRST_PERSON), service)

    def _pid(self, host: NDArray[np.int16], start: I64, later: I64 | int) -> I64:
        """The process id of a process begun at ``start``, ``later`` forks on: slots of time, wrapped at pid_max."""
        slot = start * self._forks[host] // SECOND + self._first_slot[host] + later
        return _FIRST_PID + slot % (_PID_MAX - _FIRST_PID)

    def parse(self, line: str) -> dict[str, Any]:
        """Time, host, program, process id and message."""
        found = _LINE.fullmatch(line.rstrip("\n"))
        if found is None:
            raise ValueError(f"not a line of auth.log: {line[:120]!r}")
        fields = {name: value for name, value in found.groupdict().items() if value is not None}
        return fields | ({"pid": int(fields["pid"])} if "pid" in fields else {})

    def time_of_line(self, line: str) -> int:
        """The line's time; RFC 3164 writes no year: the one that brings it nearest to ``near``."""
        if self.format == "rfc3339":
            return parse_time(line[:32])
        year = datetime.fromtimestamp(self.near / SECOND, UTC).year
        month, day = "JanFebMarAprMayJunJulAugSepOctNovDec".index(line[:3]) // 3 + 1, int(line[4:6])
        leap = [y for y in (year - 1, year, year + 1) if (month, day) != (2, 29) or y % 4 == 0]
        return min((parse_time(f"{y:04d}-{month:02d}-{day:02d}T{line[7:15]}Z") for y in leap or [2024]),
                   key=lambda t: abs(t - self.near))


class _Chains:
    """Chains as arrays: by chain the lines, how many, and the steps between them; and the chain of each kind of row."""

    def __init__(self) -> None:
        names, longest = list(CHAINS), max(map(len, CHAINS.values()))
        line = {name: k for k, name in enumerate(LINES)}

        def padded(part: int | None) -> NDArray[np.int64]:
            cut = [[line[s] if part is None else step[part] for s, step in chain] for chain in CHAINS.values()]
            return np.array([row + [0] * (longest - len(row)) for row in cut], dtype=np.int64)

        self.lines, self.low, self.high = padded(None), padded(0), padded(1)
        self.lengths = np.array([len(chain) for chain in CHAINS.values()], dtype=np.int64)
        self.code = np.array([[[[names.index(_name(op, method, owner, special)) for special in (0, 1)]
                                for owner in ("", " invalid", " unnamed")] for method in range(len(SSH_METHODS))]
                              for op in SHELL_OPS], dtype=np.int64)


def _name(op: str, method: int, owner: str, special: int) -> str:
    """The chain of a row; an owner for whom there is no chain of its own takes the plain one."""
    way = ("password", "key", "keyboard")[method]
    base = {"failed_password": f"failed_{way}", "accepted": f"accepted_{way}"}.get(op, op)
    base += _WAYS.get(op, "") * special
    return base + owner if base + owner in CHAINS else base


@cache
def _chains() -> _Chains:
    return _Chains()


def _uids(world: World) -> NDArray[np.int32]:
    """The uid of each account name; accounts that an attacker adds get the next ones."""
    known = world.hosts.uids
    added = max(1_000, int(known.max(initial=999)) + 1) + np.arange(len(known)) % 7
    return np.where(known >= 0, known, added).astype(np.int32)


def _holes(world: World, style: str) -> dict[str, Hole]:
    hosts = world.hosts
    homes = ("/root" if name == "root" else f"/home/{name}" for name in hosts.unix_names)
    logind = (int(k) for k in 600 + world.seed.noise(np.arange(len(hosts), dtype=np.uint64), "logind") % np.uint64(300))
    numbers = {name: Int(name) for name in ("port", "pid", "child", "manager", "tool", "session", "uid", "n", "more")}
    return {
        **numbers,
        "time": Time("t", style), "host": Text(hosts.name, "host"), "ip": IPv4("ip"),
        "name": Text(hosts.unix_names, "name"),
        "name8": Text(Vocabulary.of(f"{name:>8}" for name in hosts.unix_names), "name"),
        "home": Text(Vocabulary.of(homes), "name"), "command": Text(hosts.commands, "command"),
        "logind": Text(Vocabulary.of(map(str, logind)), "host"),
        "plural": Text(Vocabulary.of(["", "s"]), "plural"),
        "tty": Text(Vocabulary.of(_TTYS), "tty"),
        "tty_path": Text(Vocabulary.of([*(f"/dev/{name}" for name in _TTYS[:-1]), ""]), "tty"),
        "tty_from": Text(Vocabulary.of([*(f"/dev/{name}" for name in _TTYS[:-1]), "none"]), "tty"),
        "bye": Pick(_BYES, "ip"),
        "key_type": Pick(_KEY_TYPES, "key", salt=2), "key_42": Letters("key", BASE64, 42),
        "key_43": Letters("key", _LAST_OF_43, 1, salt=1),
    }


def _parquet(holes: dict[str, Hole]) -> Sequence[Column]:
    """Columns from the same forms: program and pid are what stands before the first ``: ``."""
    process, pid, message = [], [], []
    for text in LINES.values():
        tag, _, said = text.partition(": ")
        program, _, number = tag.partition("[")
        process.append(program)
        pid.append(number.rstrip("]"))
        message.append(said)
    epoch = holes | {"epoch": Time("t", "epoch_us")}
    return [
        Column("timestamp", "timestamp[us]", Template(["@{epoch}"], epoch)),
        Column("host", "string", Template(["@{host}"], holes)),
        Column("process", "string", Template(process, holes)), Column("pid", "int64", Template(pid, holes)),
        Column("message", "string", Template(message, holes)),
    ]


SOURCE = LinuxAuth
