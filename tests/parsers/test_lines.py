"""Lines keep their numbers, whatever the blocks in which a file is read and the threads that read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redgen.errors import DataError
from redgen.parsers import _lines
from redgen.parsers._lines import INNER, Lines
from tests.parsers.reading import write

Db = duckdb.DuckDBPyConnection


def lines(db: Db, log: Path, **how: object) -> list[tuple[int, str]]:
    """(line, text) of a file."""
    db.register("it", Lines([log], **how))  # type: ignore[arg-type]
    try:
        return db.execute("SELECT _line, text FROM it ORDER BY _line").fetchall()
    finally:
        db.unregister("it")


TEXTS = st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), max_size=9), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.integers(1, 40), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(0, 4))
def test_any_text_in_any_blocks(db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str],
                                block: int, end: str, closed: bool, head: int) -> None:
    monkeypatch.setattr(_lines, "BLOCK", block)
    monkeypatch.setattr(_lines, "BATCH", 3)
    content = end.join(texts) + end * closed
    expected = list(enumerate(content.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), 1))
    if expected[-1][1] == "":
        expected.pop()
    got = lines(db, write(tmp_path / "x", content), heads=[head])
    assert got == expected[head:]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text('a",\nü', max_size=6), min_size=2, max_size=3), max_size=12), st.integers(1, 30))
def test_records_in_quotes(db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: list[list[str]],
                           block: int) -> None:
    monkeypatch.setattr(_lines, "BLOCK", block)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    expected = []
    for record in records:
        start = written.tell()
        number = written.getvalue().count("\n") + 1
        writer.writerow(record)
        expected.append((number, written.getvalue()[start:-1].replace("\n", INNER)))
    assert lines(db, write(tmp_path / "x", written.getvalue()), quoted=True) == expected


def test_more_than_a_million_lines_on_two_threads(db: Db, tmp_path: Path) -> None:
    n = 1_200_000
    log = write(tmp_path / "x", "".join(f"{i}\n" for i in range(1, n + 1)))
    db.register("it", Lines([log, log]))
    wrong, rows, numbers = db.execute(
        "SELECT count(*) FILTER (text::BIGINT <> _line), count(*), count(DISTINCT (_file, _line)) FROM it").fetchall()[0]
    assert (wrong, rows, numbers) == (0, 2 * n, 2 * n)


def test_a_stream_can_be_scanned_again(db: Db, tmp_path: Path) -> None:
    db.register("it", Lines([write(tmp_path / "x", "a\nb\n")]))
    assert db.execute("SELECT count(*) FROM it").fetchall() == db.execute("SELECT count(*) FROM it").fetchall() == [(2,)]


def test_a_forgotten_quote_is_named(db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lines, "QUOTED", 1_000)
    monkeypatch.setattr(_lines, "BLOCK", 100)
    found = Lines([write(tmp_path / "x", 'a,"b\n' + "c,d\n" * 1_000)], quoted=True)
    db.register("it", found)
    with pytest.raises(DataError, match="a quote that does not close; it begins 'a,\"b"):
        _lines.run(db, found, "SELECT count(*) FROM it")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nowhere"):
        _lines.head_of(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot read"):
        _lines.head_of(tmp_path)
