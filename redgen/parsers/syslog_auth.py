"""Syslog lines of Linux hosts: RFC 3164, the same with RFC 3339 times, RFC 5424; with or without ``<PRI>``.

``host``, ``process``, ``pid`` and ``message`` of any program; more of those that speak of logins (``_auth_messages``).
"""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._auth_messages import READINGS, outcome, reading
from redgen.parsers._columns import Cell, Plan, named, of_lines, text
from redgen.parsers._times import iso, yearless

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRI = r"(?:<\d{1,3}>)?"
_LINE = re.compile(
    rf"{_PRI}(?:[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) \S+ [^\s:]+(?: \S+)?: "
    r"|<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ [-\[]")
_RFC5424 = r"^1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?\x{FEFF}?(.*)$"
_PARTS = ("timestamp", "host", "process", "pid", "msgid", "sd", "message")

OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "host": ("hostname", "syslog_hostname", "Computer"),
    "process": ("program", "app", "app_name", "appname", "comm", "service"),
    "pid": ("process_id", "procid", "ProcessId"), "message": ("msg", "content", "Message"),
    "user": ("username", "User", "acct"), "src_ip": ("source_ip", "rhost_ip", "SourceIp", "addr", "ip"),
    "src_port": ("source_port", "port"), "method": ("auth_method",), "command": ("cmd", "CommandLine"),
    "pwd": ("cwd", "CurrentDirectory"), "outcome": ("result", "res", "status"), "timestamp": ("time",),
}
"""A value's other names."""


class SyslogAuth(Parser):
    """Syslog files, with the fields of authentication messages."""

    name = "syslog_auth"
    title = "syslog (sshd, sudo, PAM, cron, account tools and others)"

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """How many of the first lines have the format."""
        lines = [line for line in head.split("\n")[:50] if line]
        whole = lines[:-1] or lines
        return 0.85 * sum(_LINE.match(line) is not None for line in whole) / max(len(whole), 1)

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per line; without a year, a time is the one nearest to ``given.year_from`` (0: the file's)."""
        near = given.year_from or int(files[0].stat().st_mtime) * 1_000_000
        return of_lines(db, files, want, given, lambda name: _plan(name, want, near))


def _plan(name: str, want: Want, near: int) -> Plan:
    known = {field: Cell(reading(field, "said")) for field in READINGS}
    known |= {field: Cell(field) for field in ("host", "process", "pid", "message", "timestamp")}
    known |= {"outcome": Cell(outcome("said")), "priority": Cell("pri"),
              "facility": Cell("(TRY_CAST(pri AS INTEGER) // 8)::VARCHAR"),
              "severity": Cell("(TRY_CAST(pri AS INTEGER) % 8)::VARCHAR"),
              "msgid": Cell("msgid"), "structured_data": Cell("sd")}
    for field, others in OTHER_NAMES.items():
        known |= {other: known[field] for other in others if other not in known}
    return Plan(rows=_rows(name, near), ok="_at IS NOT NULL AND host <> '' AND message <> ''",
                why="not a syslog line", ts="_at", event_id="NULL::VARCHAR", cells=named(known, want))


def _rows(name: str, near: int) -> str:
    """Lines cut into time, host, tag and message; ``said`` is the message that rsyslog may have wrapped as repeated.

    ``kind``: 0 for RFC 3164, 1 with an RFC 3339 time, 2 for RFC 5424 (``p`` holds its parts).
    """
    priority = "CASE WHEN starts_with(text, '<') THEN nullif(regexp_extract(text, '^<(\\d{1,3})>', 1), '') END"
    kind = "CASE WHEN pri IS NOT NULL AND starts_with(b, '1 ') THEN 2 WHEN substr(b, 5, 1) = '-' THEN 1 ELSE 0 END"
    names = ", ".join(f"'{part}'" for part in _PARTS)
    tag = "split_part(tag, '[', 1)"
    old = {
        "timestamp": "t", "host": "left(r, strpos(r, ' ') - 1)",
        "process": f"nullif(split_part({tag}, ' ', 1), '')",
        "pid": "CASE WHEN contains(tag, '[') THEN nullif(regexp_extract(tag, '\\[(\\d+)\\]$', 1), '') END",
        "message": "substr(m, CASE WHEN contains(m, ': ') THEN strpos(m, ': ') + 2 ELSE 1 END)",
        "msgid": "NULL", "sd": "NULL",
    }
    columns = ", ".join(f"CASE kind WHEN 2 THEN nullif(p.{part}, '-') ELSE {sql} END AS {part}"
                        for part, sql in old.items())
    inner = "regexp_extract(message, '^message repeated \\d+ times: \\[ ?(.*)\\]$', 1)"
    steps = (
        f"SELECT _file, _line, text, {priority} AS pri FROM {name} WHERE text <> ''",
        "SELECT *, CASE WHEN pri IS NULL THEN text ELSE substr(text, length(pri) + 3) END AS b FROM ({})",
        f"SELECT *, {kind} AS kind FROM ({{}})",
        f"SELECT *, CASE kind WHEN 2 THEN regexp_extract(b, {text(_RFC5424)}, [{names}]) END AS p FROM ({{}})",
        "SELECT *, CASE kind WHEN 0 THEN left(b, 15) WHEN 1 THEN split_part(b, ' ', 1) END AS t FROM ({})",
        "SELECT *, CASE WHEN kind < 2 THEN substr(b, length(t) + 2) END AS r FROM ({})",
        "SELECT *, CASE WHEN r IS NOT NULL THEN substr(r, strpos(r, ' ') + 1) END AS m FROM ({})",
        "SELECT *, CASE WHEN contains(m, ': ') THEN left(m, strpos(m, ': ') - 1) END AS tag FROM ({})",
        f"SELECT _file, _line, text, pri, kind, {columns} FROM ({{}})",
        f"SELECT *, CASE kind WHEN 0 THEN {yearless('timestamp', near)} ELSE {iso('timestamp')} END AS _at FROM ({{}})",
        f"SELECT *, CASE WHEN starts_with(message, 'message rep') THEN {inner} ELSE message END AS said FROM ({{}})",
    )
    return reduce(lambda sql, step: step.replace("({})", f"({sql})"), steps)


PARSER = SyslogAuth()
