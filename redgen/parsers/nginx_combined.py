r"""Access logs of nginx and Apache in the combined or common format, also with a virtual host in front.

Lines are taken apart at their quotes; Apache's backslash escapes are undone, nginx's ``\x22`` is left as logged.
Source: nginx ngx_http_log_module; Apache mod_log_config.
"""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._columns import Cell, Plan, named, of_lines
from redgen.parsers._times import clf

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LINE = re.compile(r'(?:\S+ )?\S+ \S+ \S.* \[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8} [+-]\d{4}\] ".*" \d{3} (?:\d+|-)(?: |$)')
_AFTER = "regexp_replace(substr(request, strpos(request, ' ') + 1), ' HTTP/[\\d.]+$', '')"
_READ = "contains(request, ' ') AND NOT starts_with(request, '\\x')"
"""Whether there are words: a request that begins with an escaped byte is none of HTTP's."""
_TARGET = f"CASE WHEN {_READ} THEN {_AFTER} END"
_LAST = "regexp_extract(request, ' (HTTP/[\\d.]+)$', 1)"

FIELDS: Mapping[str, str] = {
    "remote_addr": "split_part(who, ' ', 1)", "remote_ident": "split_part(who, ' ', 2)",
    "remote_user": "substr(who, length(split_part(who, ' ', 1)) + length(split_part(who, ' ', 2)) + 3)",
    "server_name": "CASE WHEN vhost <> '' THEN vhost END",
    "time_local": "time_local", "request": "request", "status": "status", "body_bytes_sent": "nullif(bytes, '-')",
    "http_referer": "referer", "http_user_agent": "agent",
    "request_method": f"CASE WHEN {_READ} THEN split_part(request, ' ', 1) END",
    "request_uri": _TARGET, "uri": f"split_part({_TARGET}, '?', 1)",
    "args": f"nullif(split_part({_TARGET}, '?', 2), '')", "server_protocol": f"nullif({_LAST}, '')",
}
"""nginx's own name of each value -> SQL over the parts of a line."""

W3C: Mapping[str, Sequence[str]] = {
    "remote_addr": ("c-ip", "src_ip", "clientip"), "remote_user": ("cs-username", "user", "auth"),
    "request_method": ("cs-method", "verb", "method"), "server_name": ("cs-host", "vhost"),
    "request_uri": ("c-uri", "cs-uri", "cs-uri-query", "c-uri-query"), "uri": ("cs-uri-stem", "c-uri-stem", "uri_path"),
    "args": ("uri_query",), "status": ("sc-status", "response"), "body_bytes_sent": ("sc-bytes", "bytes"),
    "http_user_agent": ("cs-user-agent", "c-useragent", "cs(User-Agent)", "user_agent", "agent"),
    "http_referer": ("cs-referer", "cs-referrer", "cs(Referer)", "c-referer", "referer", "referrer"),
    "server_protocol": ("cs-version", "http_version"), "time_local": ("time", "timestamp"),
}
"""Other names of the same values, the W3C extended format's first. Sigma's corpus means the whole target by
``cs-uri-query``: most rules give it a path, and those that name parameters use ``contains``."""


class NginxCombined(Parser):
    """Web servers' access logs."""

    name = "nginx_combined"
    title = "combined or common access log (nginx, Apache)"

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """How many of the first lines have the format."""
        lines = [line for line in head.split("\n")[:50] if line]
        whole = lines[:-1] or lines
        return 0.9 * sum(_LINE.match(line) is not None for line in whole) / max(len(whole), 1)

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per request line."""
        return of_lines(db, files, want, given, lambda name: _plan(name, want))


def _plan(name: str, want: Want) -> Plan:
    known = {field: Cell(sql) for field, sql in FIELDS.items()}
    for field, others in W3C.items():
        known |= {other: known[field] for other in others if other not in known}
    return Plan(rows=_rows(name), ok="regexp_full_match(status, '\\d{3}') AND _at IS NOT NULL",
                why="not a line of the combined format", ts="_at", event_id="NULL::VARCHAR", cells=named(known, want))


def _rows(name: str) -> str:
    r"""Lines cut at their quotes; what was ``\"`` or ``\\`` in Apache's is held as a control character meanwhile."""
    held = r"CASE WHEN contains(text, '\') THEN replace(replace(text, '\\', chr(2)), '\"', chr(1)) ELSE text END"
    cut = f"SELECT _file, _line, text, string_split({held}, '\"') AS q FROM {name} WHERE text <> ''"
    back = "CASE WHEN contains(text, '\\') THEN replace(replace({0}, chr(1), '\"'), chr(2), '\\') ELSE {0} END"
    parts = f"""SELECT *, rtrim(left(q[1], strpos(q[1], ' [') - 1)) AS front,
        substr(q[1], strpos(q[1], ' [') + 2, 26) AS time_local,
        {back.format("q[2]")} AS request, split_part(q[3], ' ', 2) AS status, split_part(q[3], ' ', 3) AS bytes,
        {back.format("q[4]")} AS referer, {back.format("q[6]")} AS agent FROM ({cut})"""
    who = "CASE WHEN split_part(front, ' ', 4) <> '' AND split_part(front, ' ', 3) = '-' THEN {} ELSE {} END"
    return f"""SELECT *, {clf("time_local")} AS _at,
        {who.format("split_part(front, ' ', 1)", "''")} AS vhost,
        {who.format("substr(front, strpos(front, ' ') + 1)", "front")} AS who FROM ({parts})"""


PARSER = NginxCombined()
