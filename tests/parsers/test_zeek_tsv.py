"""Zeek's TSV, as its header says it is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from redgen.errors import DataError
from tests.parsers.reading import read, relation, rows, write

Db = duckdb.DuckDBPyConnection

HEAD = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n#open\t2026-01-12-00-00-00\n"
        "#fields\tts\tuid\tname\tflag\ttags\tports\n#types\ttime\tstring\tstring\tbool\tset[string]\tvector[port]\n")
FIELDS = ("name", "flag", "tags", "ports")


def test_types_unset_empty_and_escapes(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.log", HEAD + (
        "1768201931.123456\tC1\ta\\x09b\\x5cx\tT\tone,two\t80,-\n"
        "1768201931.000001\tC2\t-\tF\t(empty)\t-\n"
        "1768201931\tC3\t(empty)\t-\t\\x2d\t443\n"
        "#close\t2026-01-13-00-00-00\n"))
    got = read(db, log, FIELDS)
    assert [tuple(row[name] for name in FIELDS) for row in got] == [
        ("a\tb\\x", "true", ["one", "two"], ["80", None]), (None, "false", None, None), ("", None, ["-"], ["443"])]
    assert [row["_line"] for row in got] == [9, 10, 11]
    assert [row["_event_id"] for row in got] == ["C1", "C2", "C3"]
    assert [str(row["_ts"]) for row in got] == [
        "2026-01-12 07:12:11.123456", "2026-01-12 07:12:11.000001", "2026-01-12 07:12:11"]


def test_other_separators(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.log", "#separator |\n#set_separator|;\n#unset_field|?\n#empty_field|EMPTY\n"
                "#fields|ts|tags\n#types|time|set[string]\n1768201931.0|a;b\n1768201932.0|?\n")
    assert [row["tags"] for row in read(db, log, ["tags"])] == [["a", "b"], None]


def test_wrong_column_counts_are_refused(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.log", HEAD + "1.5\tC1\ta\tT\tx\t1\n1.5\tC2\ttoo few\n\n1.5\tC3\ta\tT\tx\t1\tmore\n")
    found = relation(db, log, ["name"])
    assert (found.rows, found.refused) == (1, 2)
    assert found.first_refused == f"{log}:10: not 6 columns: '1.5\\tC2\\ttoo few'"


def test_files_with_different_columns(db: Db, tmp_path: Path) -> None:
    first = write(tmp_path / "a.log", HEAD + "1768201931.0\tC1\ta\tT\tx\t1\n")
    second = write(tmp_path / "b.log", HEAD.replace("name\tflag", "extra\tname").replace("string\tbool", "string\tstring")
                   + "1768201932.0\tC2\tnew\tb\tx\t1\n")
    found = relation(db, [first, second], ["name", "extra", "FLAG"])
    assert [(row["name"], row["extra"], row["FLAG"]) for row in rows(db, found)] == [("a", None, "true"), ("b", "new", None)]


def test_without_a_header(db: Db, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no #fields line"):
        read(db, write(tmp_path / "x.log", "1.5\tC1\n"), parser="zeek_tsv")
