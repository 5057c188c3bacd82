"""JSON records in all the ways in which products and people write them down."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest
import zstandard

from redgen.errors import DataError
from redgen.parsers import _json
from tests.parsers.reading import read, relation, rows, write

Db = duckdb.DuckDBPyConnection


def test_fields_are_found_by_their_dotted_names(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"a":{"b":"nested"}}\n{"a.b":"dotted"}\n{"a":{"b.c":"mixed"}}\n')
    assert [(row["a.b"], row["a.b.c"]) for row in read(db, log, ["a.b", "a.b.c"])] == [
        ("nested", None), ("dotted", None), (None, "mixed")]


def test_exact_spelling_wins_over_another_case(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"userName":"exact","USERNAME":"loud"}\n{"USERNAME":"loud"}\n')
    found = read(db, log, ["userName", "USERNAME", "username"])
    assert [row["userName"] for row in found] == ["exact", "loud"]
    assert [row["USERNAME"] for row in found] == ["loud", "loud"]
    assert found[1]["username"] == "loud"


def test_names_that_differ_by_case_alone_are_columns_of_their_own(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"Category":"a","category":"b","_ts":"mine","_line":7}\n')
    found = relation(db, log, ["Category", "category", "_ts", "_line"])
    assert rows(db, found)[0]["Category"] == "a"
    assert rows(db, found)[0]["category"] == "b"
    assert len(set(map(str.lower, found.columns.values()))) == 4
    assert {found.columns["_ts"], found.columns["_line"]}.isdisjoint({"_ts", "_line"})


def test_values_are_their_json_text(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"t":true,"f":false,"i":-7,"d":1.25,"n":null,"s":"a\\n\\u00e9\\"","o":{"k":[1]},"e":""}\n')
    row = read(db, log, ["t", "f", "i", "d", "n", "s", "o", "e"])[0]
    assert {k: row[k] for k in "tfidnse"} == {
        "t": "true", "f": "false", "i": "-7", "d": "1.25", "n": None, "s": 'a\né"', "e": ""}
    assert row["o"] == '{"k":[1]}'


def test_null_is_present_in_the_format_and_nowhere_is_absent(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"a":null,"b":{"c":{}}}\n')
    assert relation(db, log, ["a", "b.c", "b.c.d", "z"]).absent == {"b.c.d", "z"}


def test_arrays_at_the_end_and_on_the_way(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", "\n".join(json.dumps(r) for r in (
        {"tags": ["a", 2, None], "target": [{"id": "x", "who": {"n": 1}}, {"id": "y"}], "deep": [{"in": [1, 2]}, {"in": [3]}]},
        {"tags": [], "target": None},
        {"tags": "alone", "target": {"id": "z"}})))
    found = relation(db, log, ["tags", "target.id", "target.who.n", "deep.in", "target"])
    assert found.lists == {"tags", "target.id", "target.who.n", "deep.in", "target"}
    got = rows(db, found)
    assert [row["tags"] for row in got] == [["a", "2", None], None, ["alone"]]
    assert [row["target.id"] for row in got] == [["x", "y"], None, ["z"]]
    assert got[0]["target.who.n"] == ["1"]
    assert got[0]["deep.in"] == ["1", "2", "3"]
    assert [json.loads(v) for v in got[0]["target"]] == [{"id": "x", "who": {"n": 1}}, {"id": "y"}]


def test_aliases_are_tried_after_the_own_name(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"ip":"own","addr":"other"}\n{"ADDR":"other"}\n{"host":"last"}\n')
    found = read(db, log, ["ip"], aliases={"ip": ("addr", "host")})
    assert [row["ip"] for row in found] == ["own", "other", "last"]
    assert not relation(db, log, ["x"], aliases={"x": ("host",)}).absent


@pytest.mark.parametrize(("name", "text", "places"), [
    ("array", '[{"a":1},\n {"a":2}]', [1, 2]),
    ("empty array", "[]", []),
    ("pretty", '{\n "a": 1\n}\n{\n "a": 2\n}\n', [1, 2]),
    ("in a row", '{\n"a":1}{"a":2}', [1, 2]),
    ("envelope", '{"Records":[{"a":1},{"a":2},{"a":3}]}', [1, 2, 3]),
    ("envelopes in a row", '{"Records":[{"a":1}]}\n{"Records":[{"a":2}]}', [1, 2]),
    ("graph", '{"value": [ {"a":1} , {"a":2} ]}\n', [1, 2]),
])
def test_documents(db: Db, tmp_path: Path, name: str, text: str, places: list[int]) -> None:
    found = relation(db, write(tmp_path / "x.json", text), ["a"])
    assert [(row["_line"], row["a"]) for row in rows(db, found)] == [(n, str(n)) for n in places]
    assert not found.refused


def test_a_document_that_breaks_off_gives_what_it_has(db: Db, tmp_path: Path) -> None:
    found = relation(db, write(tmp_path / "x.json", '{"Records":[{"a":1},{"a":2},{"a":'), ["a"])
    assert (found.rows, found.refused) == (2, 1)
    assert "x.json:3: not a JSON object" in found.first_refused


def test_broken_lines_are_counted_and_the_first_is_named(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"a":1}\nwhat is this\n\n{"a":3}\n[1]\n"text"\n{"a":')
    found = relation(db, log, ["a"])
    assert [(row["_line"], row["a"]) for row in rows(db, found)] == [(1, "1"), (4, "3")]
    assert found.refused == 4  # an empty line is none
    assert found.first_refused == f"{log}:2: not a JSON object: 'what is this'"


@pytest.mark.parametrize("text", [
    b'\xef\xbb\xbf{"a":1}\r\n{"a":2}\r\n', '{"a":1}\n{"a":2}'.encode("utf-16"), b'{"a":1}\n\n\n{"a":2}\n'])
def test_byte_order_marks_and_line_ends(db: Db, tmp_path: Path, text: bytes) -> None:
    assert [row["a"] for row in read(db, write(tmp_path / "x.json", text), ["a"])] == ["1", "2"]


def test_invalid_utf8_is_replaced_and_said(db: Db, tmp_path: Path) -> None:
    found = relation(db, write(tmp_path / "x.json", b'{"a":"ok"}\n{"a":"\xff\xfe!"}\n{"a":"\xc3\xa9"}\n'), ["a"])
    assert [row["a"] for row in rows(db, found)] == ["ok", "\ufffd\ufffd!", "é"]
    assert "INVALID_UTF8" in found.notes


def test_nothing_at_all(db: Db, tmp_path: Path) -> None:
    assert relation(db, write(tmp_path / "x.json", ""), ["a"]).rows == 0
    assert relation(db, write(tmp_path / "y.json", "\n\n"), ["a"]).absent == {"a"}


def test_a_very_long_line(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"a":1}\n{"b":"' + "x" * 5_000_000 + '"}\n{"a":3}')
    assert [(row["_line"], row["a"]) for row in read(db, log, ["a"])] == [(1, "1"), (2, None), (3, "3")]


def test_gzip_and_zstd_by_content_not_by_name(db: Db, tmp_path: Path) -> None:
    text = b'{"a":1}\n{"a":2}\n'
    zipped = write(tmp_path / "x.log", gzip.compress(text[:8]) + gzip.compress(text[8:]))
    packed = write(tmp_path / "y.log", zstandard.compress(text[:8]) + zstandard.compress(text[8:]))
    got = read(db, [zipped, packed], ["a"])
    assert [(row["_file"], row["_line"], row["a"]) for row in got] == [(0, 1, "1"), (0, 2, "2"), (1, 1, "1"), (1, 2, "2")]


def test_a_compressed_file_cut_short_is_an_error(db: Db, tmp_path: Path) -> None:
    whole = gzip.compress("".join(f'{{"a":{n * 7919}}}\n' for n in range(9_000)).encode())
    with pytest.raises(DataError, match=r"x\.gz"):
        read(db, write(tmp_path / "x.gz", whole[:-2_000]), ["a"], parser="ndjson")


def test_a_rare_field_of_a_large_log_is_not_missed(db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample shows neither field; one record far behind has both, one of them in another case."""
    monkeypatch.setattr(_json, "SAMPLE", 4_096)
    common = '{"ts":1768176000,"status":{"code":7},"name":"x"}\n'
    rare = '{"ts":1768176001,"RARE":{"Thing":"here"},"status":{"name":"deep"},"name":"y"}\n'
    log = write(tmp_path / "x.json", common * 70_000 + rare + common * 70_000)
    found = relation(db, log, ["rare.thing", "status.name", "never.seen", "code"])
    assert found.absent == {"never.seen", "code"}
    got = db.execute(f'SELECT _line, "rare.thing", "status.name" FROM ({found.sql}) WHERE "rare.thing" IS NOT NULL').fetchall()
    assert got == [(70_001, "here", "deep")]


def test_the_first_id_that_products_use(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"id":"b","uuid":"a"}\n{"id":7}\n{"x":1}\n')
    assert [row["_event_id"] for row in read(db, log)] == ["a", "7", None]


def test_odd_keys(db: Db, tmp_path: Path) -> None:
    record = {'quo"te': "1", "per%cent": "2", "apos'trophe": "3", "sp ace": "4", "ünï": "5", "a[0]": "6", "$.x": "7", "*": "8"}
    log = write(tmp_path / "x.json", json.dumps(record, ensure_ascii=False))
    row = read(db, log, list(record))[0]
    assert {key: row[key] for key in record} == record


def test_full_text_when_asked(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "x.json", '{"a": "b"}\r\n')
    assert read(db, log, fulltext=True)[0]["_fulltext"] == '{"a": "b"}'
    assert read(db, log)[0]["_fulltext"] is None
