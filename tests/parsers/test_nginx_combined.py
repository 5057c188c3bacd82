"""Access logs as nginx and Apache write them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.parsers.reading import read, relation, rows, write

Db = duckdb.DuckDBPyConnection
WHEN = "[12/Jan/2026:08:12:11 +0100]"


def test_w3c_names_of_a_combined_line(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "access.log", f'203.0.113.7 - alice {WHEN} "GET /a/b?x=1&y=2 HTTP/1.1" 404 12 "https://r.test/" "UA/1"\n')
    wanted = {"c-ip": "203.0.113.7", "cs-username": "alice", "cs-method": "GET", "c-uri": "/a/b?x=1&y=2",
              "cs-uri-query": "/a/b?x=1&y=2", "cs-uri-stem": "/a/b", "args": "x=1&y=2", "sc-status": "404", "sc-bytes": "12",
              "cs-referer": "https://r.test/", "cs-user-agent": "UA/1", "cs-version": "HTTP/1.1", "cs-host": None}
    row = read(db, log, wanted)[0]
    assert {name: row[name] for name in wanted} == wanted
    assert str(row["_ts"]) == "2026-01-12 07:12:11"
    assert relation(db, log, ["cs-cookie", "c-ip"]).absent == {"cs-cookie"}


def test_other_shapes_of_lines(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "access.log", (
        f'::1 - - {WHEN} "GET / HTTP/1.0" 200 -\n'                                              # common, no body
        f'shop.test:443 203.0.113.7 - - {WHEN} "GET / HTTP/1.1" 200 5 "-" "UA"\n'                # virtual host in front
        f'203.0.113.7 - - {WHEN} "GET /\\"q\\" HTTP/1.1" 200 5 "-" "a \\"b\\" \\\\"\n'           # Apache's escapes
        f'203.0.113.7 - - {WHEN} "\\x16\\x03\\x01" 400 157 "-" "-"\n'                            # no request at all
        f'203.0.113.7 - - {WHEN} "\\x03\\x00\\x00/*\\xE0Cookie: mstshash=hello" 400 157 "-" "-"\n'
        f'203.0.113.7 - - {WHEN} "" 400 0 "-" "-"\n'
        f'203.0.113.7 - - {WHEN} "-" 408 0 "-" "-"\n'
        f'203.0.113.7 - - {WHEN} "GET /a b c HTTP/1.1" 200 5 "-" "UA" "198.51.100.1" rt=0.5\n'   # spaces; more at the end
        f'203.0.113.7 - J. Doe {WHEN} "PROPFIND * HTTP/1.1" 207 5 "-" "UA"\n'))
    fields = ("c-ip", "cs-host", "cs-method", "c-uri", "sc-bytes", "cs-user-agent", "request")
    got = [tuple(row[name] for name in fields) for row in read(db, log, fields)]
    assert got == [
        ("::1", None, "GET", "/", None, None, "GET / HTTP/1.0"),
        ("203.0.113.7", "shop.test:443", "GET", "/", "5", "UA", "GET / HTTP/1.1"),
        ("203.0.113.7", None, "GET", '/"q"', "5", 'a "b" \\', 'GET /"q" HTTP/1.1'),
        ("203.0.113.7", None, None, None, "157", "-", "\\x16\\x03\\x01"),
        ("203.0.113.7", None, None, None, "157", "-", "\\x03\\x00\\x00/*\\xE0Cookie: mstshash=hello"),
        ("203.0.113.7", None, None, None, "0", "-", ""),
        ("203.0.113.7", None, None, None, "0", "-", "-"),
        ("203.0.113.7", None, "GET", "/a b c", "5", "UA", "GET /a b c HTTP/1.1"),
        ("203.0.113.7", None, "PROPFIND", "*", "5", "UA", "PROPFIND * HTTP/1.1"),
    ]


def test_what_is_no_request_is_refused(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "access.log", f'1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200 5 "-" "UA"\n'
                f'1.2.3.4 - - {WHEN} "GET / HTT\nrubbish\n1.2.3.4 - - [99/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5\n')
    found = relation(db, log, ["c-ip"])
    assert ([row["_line"] for row in rows(db, found)], found.refused) == ([1], 3)
    assert found.first_refused.startswith(f"{log}:2: not a line of the combined format: '1.2.3.4")
