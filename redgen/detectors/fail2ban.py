"""fail2ban's filters on sshd and nginx logs, and the bans its jails would have imposed.

``fail2ban-regex`` finds the failures; bans follow from them as a jail does it: ``maxretry`` failures of one address
within ``findtime`` ban it for ``bantime``, during which nothing counts (fail2ban's manual, jail.conf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from redgen.alert import TESTED, UNSUPPORTED, Alerts, Detection, Diagnostic, RuleReport, alerts_of
from redgen.detector import Events
from redgen.detectors._configured import Configured, failed, seconds
from redgen.detectors._ordered import AUTH, WEB, Copy, copied, files_of
from redgen.detectors._process import run, tool
from redgen.errors import DataError
from redgen.reader import merged

FILTERS: Mapping[str, str] = {"sshd": AUTH, "nginx-botsearch": WEB, "nginx-bad-request": WEB}
"""Stock filters that read what redgen writes, and which logs they read."""

SECOND = 1_000_000
TIMEOUT = 1800.0
_MARK = "\x1e"


@dataclass(frozen=True)
class Jail:
    """When an address is banned (µs; Debian's jail.conf). ``bans``: else every failure is an alert."""

    maxretry: int = 5
    findtime: int = 600 * SECOND
    bantime: int = 600 * SECOND
    bans: bool = True


@dataclass(frozen=True)
class Failure:
    """One failure that a filter saw: when, whose, and the lines of the copy that tell of it."""

    t: int
    ip: str
    user: str
    rows: tuple[int, ...]


class Fail2Ban(Configured):
    """fail2ban's filters and jails."""

    name = "fail2ban"
    title = "fail2ban filters and jails (sshd, nginx)"
    options: ClassVar = {
        "maxretry": "failures that ban (default: 5)", "findtime": "within how long (default: 10m)",
        "bantime": "how long nothing counts (default: 10m)", "mode": "bans, or matches: every failure is an alert",
        "config": "fail2ban's configuration directory"}

    def __init__(self, filters: Sequence[str] = (), jail: Jail | None = None, config: Path | None = None) -> None:
        self.filters = tuple(filters or FILTERS)
        self.jail, self.config = jail or Jail(), config

    @classmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> Fail2Ban:
        """Filters by name or file, separated by commas; the stock ones when none is named."""
        mode = options.get("mode", "bans")
        if mode not in {"bans", "matches"}:
            raise DataError(f"mode={mode}: it is bans or matches")
        retries = options.get("maxretry", "5")
        if not retries.isdigit() or not int(retries):
            raise DataError(f"maxretry={retries}: write a number of failures, 1 or more")
        find, ban = (int(seconds(options.get(name, "10m"), name) * SECOND) for name in ("findtime", "bantime"))
        config = options.get("config")
        return cls([f.strip() for f in argument.split(",") if f.strip()],
                   Jail(int(retries), find, ban, mode == "bans"), Path(config) if config else None)

    def detect(self, events: Events) -> Detection:
        """Bans (or failures) of each filter on the logs it reads."""
        try:
            program = tool("fail2ban-regex", "apt-get install fail2ban")
        except DataError as error:
            return failed(self.name, str(error))
        parts: list[Alerts] = []
        rules: list[RuleReport] = []
        notes: list[Diagnostic] = []
        with TemporaryDirectory(prefix="redgen-") as folder:
            copies: dict[str, Copy] = {}
            for name in self.filters:
                kind = FILTERS.get(name, FILTERS.get(Path(name).stem, AUTH))
                files = files_of(events, kind)
                reason = "" if files else f"no {'auth logs' if kind == AUTH else 'access logs in combined format'}"
                rules.append(RuleReport(name, f"fail2ban filter {name}", status=UNSUPPORTED if reason else TESTED,
                                        reason=reason, sources=tuple(sorted({f.source or f.name for f in files})),
                                        span=self.jail.findtime))
                if reason:
                    continue
                if kind not in copies:
                    copies[kind] = copied(files, kind, events.year_from, Path(folder) / f"{kind}.log")
                    notes += _dropped(copies[kind])
                found = self._failures(program, name, copies[kind], Path(folder))
                if isinstance(found, str):
                    return replace(failed(self.name, found), rules=tuple(rules))
                parts.append(_alerts(name, found, copies[kind], self.jail))
        return Detection(self.name, merged(parts), tuple(rules), tuple(notes))

    def _failures(self, program: str, name: str, copy: Copy, folder: Path) -> list[Failure] | str:
        """What a filter finds, or what went wrong."""
        out, err = folder / "out", folder / "err"
        config = ["-c", str(self.config)] if self.config else []
        outcome = run([program, *config, "--timezone", "UTC", "--usedns", "no", "-e", "UTF-8", "-o",
                       f"{_MARK}<time>\t<ip>\t<F-USER>\t<matches>", str(copy.path), name], out, err, timeout=TIMEOUT)
        if outcome.trouble:
            return f"filter {name}: fail2ban-regex {outcome.trouble}"
        text = out.read_text(encoding="utf-8", errors="replace")
        records = text.split(_MARK)
        if records[0].strip():
            return f"filter {name}: fail2ban-regex said: {' '.join(records[0].split())[-400:]}"
        places = _places(copy.path)
        return [_failure(record, places) for record in records[1:]]


def bans(failures: Sequence[Failure], jail: Jail) -> list[list[Failure]]:
    """The failures behind each ban, in the order of the bans."""
    waiting: dict[str, list[Failure]] = {}
    free: dict[str, int] = {}
    found = []
    for failure in sorted(failures, key=lambda f: f.t):
        if failure.t < free.get(failure.ip, failure.t):
            continue
        recent = [f for f in waiting.get(failure.ip, ()) if failure.t - f.t < jail.findtime] + [failure]
        if len(recent) >= jail.maxretry:
            found.append(recent)
            free[failure.ip] = failure.t + jail.bantime
            recent = []
        waiting[failure.ip] = recent
    return found


def _dropped(copy: Copy) -> list[Diagnostic]:
    said = f"{copy.files[0].name}…: lines without a time were left out"
    return [Diagnostic("UNDATED_LINE", said, copy.dropped)] if copy.dropped else []


def _places(path: Path) -> dict[str, list[int]]:
    """Text of a line -> where it stands, from 0; fail2ban gives lines back without blanks at their end."""
    found: dict[str, list[int]] = {}
    with path.open(encoding="utf-8", newline="\n") as stream:
        for row, line in enumerate(stream):
            found.setdefault(line.strip(), []).append(row)
    return found


def _failure(record: str, places: Mapping[str, list[int]]) -> Failure:
    t, ip, user, matches = record.split("\t", 3)
    rows = [row for line in matches.splitlines() for row in places.get(line.strip(), ())]
    return Failure(round(float(t) * SECOND), ip, "" if user in {"None", "<F-USER>"} else user,
                   tuple(dict.fromkeys(rows)))


def _alerts(name: str, failures: Sequence[Failure], copy: Copy, jail: Jail) -> Alerts:
    """One alert per ban, or per failure."""
    groups = bans(failures, jail) if jail.bans else [[f] for f in failures]
    events = [(i, *copy.place(row)) for i, group in enumerate(groups) for row in dict.fromkeys(
        row for f in group for row in f.rows)]
    named = [(i, kind, value) for i, group in enumerate(groups) for kind, value in dict.fromkeys(
        pair for f in group for pair in (("ip", f.ip), ("user", f.user)) if pair[1])]
    last = [group[-1].t for group in groups]
    return alerts_of(
        {"alert_id": [f"{name}-{i + 1}" for i in range(len(groups))], "rule_id": [name] * len(groups),
         "rule_name": [f"fail2ban filter {name}"] * len(groups), "t_alert": last,
         "t_first": [group[0].t for group in groups], "t_last": last, "n_events": [len(group) for group in groups]},
        {"alert": [e[0] for e in events], "file": [e[1] for e in events], "line": [e[2] for e in events]},
        {"alert": [n[0] for n in named], "type": [n[1] for n in named], "value": [n[2] for n in named]})


DETECTOR = Fail2Ban
