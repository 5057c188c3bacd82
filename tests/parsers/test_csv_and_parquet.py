"""Tables: whatever a CSV writer wrote is read back; Parquet columns of any type become text."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redgen.errors import DataError
from tests.parsers.reading import read, relation, rows, write

Db = duckdb.DuckDBPyConnection
CELLS = st.text(st.characters(exclude_characters="\r\v\0", exclude_categories=("Cs",)), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.sampled_from(",;\t|"), st.booleans())
def test_what_was_written_is_read(db: Db, tmp_path: Path, records: list[tuple[str, str, str]], mark: str, every: bool) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark, lineterminator="\n", quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL)
    writer.writerow(["id", "second", "third"])
    writer.writerows(records)
    found = relation(db, write(tmp_path / "x.csv", out.getvalue()), ["id", "Second", "third"], parser="csv")
    assert not found.refused
    got = [(row["id"], row["Second"], row["third"]) for row in rows(db, found)]
    assert got == [tuple(cell or None for cell in record) for record in records]


def test_places_times_ids_and_refusals(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.csv", '# exported\nEvent Time,_id,note\n2026-01-12T00:00:00Z,a,"two\nlines"\n'
                '2026-01-12T00:00:01Z,b\n2026-01-12T00:00:02Z,c,"x, y"\n')
    found = relation(db, log, ["note", "nix"], fulltext=True)
    assert [(r["_line"], r["_event_id"], r["note"], r["_ts"].second) for r in rows(db, found)] == [
        (3, "a", "two\nlines", 0), (6, "c", "x, y", 2)]
    assert (found.refused, found.absent) == (1, {"nix"})
    assert found.first_refused == f"{log}:5: not 3 cells: '2026-01-12T00:00:01Z,b'"
    assert "Event Time" in found.notes["TIME_GUESSED"]
    assert rows(db, found)[0]["_fulltext"] == '2026-01-12T00:00:00Z,a,"two\nlines"'


def test_tables_with_different_columns(db: Db, tmp_path: Path) -> None:
    logs = [write(tmp_path / "a.csv", "ts,x\n1768176000,1\n"), write(tmp_path / "b.csv", "x;ts;y\n2;1768176001;3\n")]
    assert [(row["x"], row["y"], row["_ts"].second) for row in read(db, logs, ["x", "y"])] == [("1", None, 0), ("2", "3", 1)]


def test_a_table_without_names(db: Db, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no header line"):
        read(db, write(tmp_path / "x.csv", "\n"), ["a"], parser="csv")


def test_parquet_of_many_types(db: Db, tmp_path: Path) -> None:
    times = [datetime(2026, 1, 12, 0, 0, 0, 5, UTC), datetime(2026, 1, 12, 1, tzinfo=UTC)]
    table = pa.table({
        "@timestamp": pa.array(times, pa.timestamp("us", tz="Europe/Berlin")), "uid": ["C1", "C2"], "n": [1, None],
        "d": [1.5, 2.0], "ok": [True, False], "dotted.name": ["x", "y"], "user": [{"id": {"k": 7}}, None],
        "target": [[{"id": "a", "in": [1, 2]}, {"id": "b", "in": [3]}], []], "tags": [["t", None], None]})
    pq.write_table(table, tmp_path / "x.parquet")
    found = relation(db, tmp_path / "x.parquet", ["n", "d", "OK", "dotted.name", "user.id.k", "user", "target.id", "target.in",
                                                  "tags", "nix"], fulltext=True)
    first, second = rows(db, found)
    assert (found.absent, found.lists) == ({"nix"}, {"target.id", "target.in", "tags"})
    assert [first[k] for k in ("n", "d", "OK", "dotted.name", "user.id.k", "target.id", "target.in", "tags")] == [
        "1", "1.5", "true", "x", "7", ["a", "b"], ["1", "2", "3"], ["t", None]]
    assert json.loads(first["user"]) == {"id": {"k": 7}}
    assert [second[k] for k in ("n", "OK", "user.id.k", "user", "tags")] == [None, "false", None, None, None]
    assert [(r["_line"], r["_event_id"], str(r["_ts"])) for r in (first, second)] == [
        (1, "C1", "2026-01-12 00:00:00.000005"), (2, "C2", "2026-01-12 01:00:00")]
    assert json.loads(first["_fulltext"])["dotted.name"] == "x"


def test_parquet_files_that_grew(db: Db, tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts": [1768176000], "a": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"ts": [1768176001.5], "b": ["x"]}), tmp_path / "b.parquet")
    got = read(db, [tmp_path / "a.parquet", tmp_path / "b.parquet"], ["a", "b"])
    assert [(row["_file"], row["a"], row["b"]) for row in got] == [(0, "1", None), (1, None, "x")]


def test_what_is_no_parquet(db: Db, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*x\.parquet"):
        read(db, write(tmp_path / "x.parquet", "PAR1 and then nothing"), ["a"])
