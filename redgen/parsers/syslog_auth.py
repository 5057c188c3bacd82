"""Syslog lines of Linux hosts: RFC 3164, RFC 3339 times as rsyslog writes them, RFC 5424, each with or without ``<PRI>``.

``host``, ``process``, ``pid`` and ``message`` of any program; more of those that speak of logins (``_auth_messages``).
"""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._auth_messages import READINGS, outcome, reading
from redgen.parsers._columns import Cell, Plan, named, of_lines
from redgen.parsers._times import iso, yearless

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRI = r"(?:<\d{1,3}>)?"
_LINE = re.compile(
    rf"{_PRI}(?:[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) \S+ [^\s:]+(?: \S+)?: ?"
    r"|<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ [-\[]")

OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "host": ("hostname", "syslog_hostname", "Computer"), "process": ("program", "app", "app_name", "appname", "comm", "service"),
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
        """One row per line; a line without year takes the one nearest to ``given.year_from``, or to the file's own time."""
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
    return Plan(rows=_rows(name, near), ok="_at IS NOT NULL AND host <> '' AND message <> ''", why="not a syslog line", ts="_at",
                event_id="NULL::VARCHAR", cells=named(known, want))


def _rows(name: str, near: int) -> str:
    """Lines cut into time, host, tag and message; ``said`` is the message that rsyslog may have wrapped as repeated."""
    marked = "CASE WHEN starts_with(text, '<') THEN nullif(regexp_extract(text, '^<(\\d{1,3})>', 1), '') END"
    bare = "CASE WHEN pri IS NULL THEN text ELSE substr(text, length(pri) + 3) END"
    lines = f"SELECT *, {bare} AS b FROM (SELECT *, {marked} AS pri FROM {name} WHERE text <> '')"
    new = "pri IS NOT NULL AND starts_with(b, '1 ')"
    kind = f"CASE WHEN {new} THEN 2 WHEN b[5] = '-' THEN 1 ELSE 0 END"
    parsed = r"regexp_extract(b, '^1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\xEF\xBB\xBF)?(.*)$'," \
             " ['timestamp', 'host', 'process', 'pid', 'msgid', 'sd', 'message'])"
    timed = f"""SELECT *, CASE kind WHEN 2 THEN {parsed} END AS p, CASE kind WHEN 0 THEN b[:15]
        WHEN 1 THEN split_part(b, ' ', 1) END AS t FROM (SELECT *, {kind} AS kind FROM ({lines}))"""
    rest = f"SELECT *, CASE kind WHEN 2 THEN NULL ELSE substr(b, length(t) + 2) END AS r FROM ({timed})"
    hosted = f"SELECT *, CASE WHEN r IS NOT NULL THEN substr(r, strpos(r, ' ') + 1) END AS m FROM ({rest})"
    tagged = f"SELECT *, left(m, strpos(m, ': ') - 1) AS tag FROM ({hosted})"

    def part(new_name: str, old: str) -> str:
        return f"CASE kind WHEN 2 THEN nullif(p.{new_name}, '-') ELSE {old} END AS {new_name}"

    pid = "CASE WHEN contains(tag, '[') THEN regexp_extract(tag, '\\[(\\d+)\\]$', 1) END"
    columns = ", ".join([
        part("timestamp", "t"), part("host", "left(r, strpos(r, ' ') - 1)"),
        part("process", "CASE WHEN NOT contains(split_part(tag, '[', 1), ' ') THEN nullif(split_part(tag, '[', 1), '') END"),
        part("pid", pid), part("message", "CASE WHEN contains(m, ': ') THEN substr(m, strpos(m, ': ') + 2) ELSE m END"),
        "CASE kind WHEN 2 THEN nullif(p.msgid, '-') END AS msgid", "CASE kind WHEN 2 THEN nullif(p.sd, '-') END AS sd"])
    at = f"CASE kind WHEN 0 THEN {yearless('timestamp', near)} ELSE {iso('timestamp')} END"
    said = "CASE WHEN starts_with(message, 'message repeated ') THEN regexp_extract(message, " \
           "'^message repeated \\d+ times: \\[ ?(.*)\\]$', 1) ELSE message END"
    return f"SELECT *, {at} AS _at, {said} AS said FROM (SELECT _file, _line, text, pri, kind, {columns} FROM ({tagged}))"


PARSER = SyslogAuth()
