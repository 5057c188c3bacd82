"""fail2ban: its own log, or what ``fail2ban-regex -o row`` prints.

In the log every ban is an alert whose events are what was found of that address since its last ban; the jail is the
rule. Rows of fail2ban-regex are matched lines: every one is an alert of the filter that was tried.
"""

from __future__ import annotations

import ast
import re

from redgen.alert import LEVELS, Alerts
from redgen.errors import DataError
from redgen.reader import Options, Reader, Sample
from redgen.readers._entities import entities_of
from redgen.readers._rows import Rows
from redgen.records import Notes, RecordFile

FILTER = "fail2ban-regex"
"""The rule of rows, which do not say which filter was tried."""

_LOG = re.compile(r"(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) fail2ban\.\w+\s+\[\d+\]: [A-Z]+\s+(?P<rest>.*)",
                  re.ASCII)
_SAID = re.compile(r"\[(?P<jail>[^\]]+)\] (?P<verb>Found|Ban|Restore Ban) (?P<ip>\S+)(?: - (?P<when>[\d: -]+))?",
                   re.ASCII)
_ROW = re.compile(r"\['?[^,]*,\s*[\d.]+,\s*\{.*\}\],?", re.ASCII)


class Fail2Ban(Reader):
    """Bans of a fail2ban log, or rows of fail2ban-regex."""

    name = "fail2ban"
    title = "fail2ban log or fail2ban-regex rows"

    def sniff(self, sample: Sample) -> float:
        """How many of the first lines are fail2ban's."""
        lines = [line for line in sample.head.splitlines()[:50] if line.strip()]
        if sample.records or not lines:
            return 0.0
        return sum(bool(_LOG.match(line) or _ROW.fullmatch(line.strip())) for line in lines) / len(lines)

    def read(self, file: RecordFile, options: Options, notes: Notes) -> Alerts:
        """All bans or rows of a file."""
        rows = Rows(file, options, notes)
        found: dict[tuple[str, str], list[str]] = {}
        for line, text in file.lines():
            entry = _LOG.match(text)
            if entry:
                self._said(line, entry["t"], entry["rest"], found, rows)
            elif _ROW.fullmatch(text.strip()):
                self._row(line, text, rows)
            else:
                notes.count("OTHER_LINE", f"{file.name}:{line}: lines that fail2ban did not write: left out")
        if "OTHER_LINE" in notes.found and not len(rows) and not found:
            raise DataError(f"{file.name}: no line of fail2ban's log and no row of fail2ban-regex -o row")
        return rows.done(self.clock, "the time at the line's start")

    def _said(self, line: int, t: str, rest: str, found: dict[tuple[str, str], list[str]], rows: Rows) -> None:
        said = _SAID.match(rest)
        if said is None:
            return
        key = said["jail"], said["ip"]
        if said["verb"] == "Found":
            found.setdefault(key, []).append((said["when"] or t).strip())
        elif said["verb"] == "Ban":
            seen = found.pop(key, [])
            rows.alert(line, said["jail"], t, severity=LEVELS["medium"], start=min(seen, default=None),
                       stop=max(seen, default=None), n=len(seen))
            rows.entities(entities_of("ip", said["ip"]))

    def _row(self, line: int, text: str, rows: Rows) -> None:
        try:
            who, t, data = ast.literal_eval(text.strip().rstrip(","))
            users = {data.get("user"), *(data.get("users") or ())} - {None, ""}
        except (AttributeError, TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
            raise DataError(f"{rows.file.name}:{line}: not a row of fail2ban-regex -o row") from None
        rows.alert(line, FILTER, t, severity=LEVELS["medium"], n=1)
        rows.entities(entities_of("ip", who))
        for user in sorted(map(str, users)):
            rows.entities(entities_of("user", user))


READER = Fail2Ban()
