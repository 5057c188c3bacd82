"""The parsers read a dataset's logs as the sources that wrote them: every field, time, place and id of every record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from redgen.clock import SECOND
from redgen.dataset.dataset import Dataset
from redgen.parsers._detect import detect_parser
from redgen.shards.inline import parted
from tests.parsers.reading import Row, relation, rows

EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)  # a TIMESTAMP has no zone
SOURCES = ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns")
WITHOUT_IDS = ("combined", "rfc3164", "rfc3339")
PARSER_OF = {"combined": "nginx_combined", "rfc3164": "syslog_auth", "rfc3339": "syslog_auth", "tsv": "zeek_tsv",
             "json": "ndjson", "s3": "cloudtrail_envelope"}


def leaves(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; below an array of objects each name has the list of what its objects hold."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield prefix + key, value
            yield from leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
            inner: dict[str, list[Any]] = {}
            for element in value:
                for name, leaf in leaves(element) if isinstance(element, dict) else ():
                    inner.setdefault(name, []).extend(leaf if isinstance(leaf, list) else [leaf])
            yield prefix + key, value
            yield from ((f"{prefix}{key}.{name}", found) for name, found in inner.items())
        else:
            yield prefix + key, value


def shown(value: Any) -> Any:
    """A value as parsers give it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [shown(v) for v in value] or None
    return json.dumps(value)


def same(field: str, expected: Any, got: Any) -> bool:
    """Equal, numbers by value."""
    if isinstance(expected, str) and expected.startswith('{"') and got:
        return bool(json.loads(expected) == json.loads(got))
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(same(field, *pair) for pair in zip(expected, got, strict=True))
    if isinstance(expected, str) and isinstance(got, str) and expected != got:
        try:
            return float(expected) == float(got)
        except ValueError:
            return False
    return bool(expected == got)


@pytest.mark.parametrize("source", SOURCES)
def test_every_field_of_every_record(db: duckdb.DuckDBPyConnection, dataset: Dataset, source: str) -> None:
    files, reader = dataset.files(source), dataset.reader(source)
    inline = dataset.manifest["sources"][source]["inline_labels"]
    expected = {}
    for number, file in enumerate(files):
        for line, text in file.records():
            bare = parted(text)[0] if inline else text
            values = {name: shown(value) for name, value in leaves(reader.parse(bare)) if not name.startswith("redgen")}
            expected[number, line] = (values, reader.time_of_line(bare), text)
    fields = {name for values, _, _ in expected.values() for name in values}
    paths = [file.path for file in files]
    assert detect_parser(paths[0]).name == PARSER_OF[reader.format]
    found = relation(db, paths, fields, fulltext=True, year_from=dataset.manifest["window"]["start"],
                     head_lines=[file.head_lines for file in files])
    assert (found.refused, found.rows, found.absent) == (0, len(expected), frozenset())
    got = rows(db, found)
    assert [(row["_file"], row["_line"]) for row in got] == list(expected)
    for row, (values, t, text) in zip(got, expected.values(), strict=True):
        assert (row["_ts"] - EPOCH) // timedelta(microseconds=1) == t, text
        if inline and "message" in row:
            row["message"] = row["message"].rpartition(" redgen=")[0]
        wrong = {name: (values.get(name), row[name]) for name in fields if not same(name, values.get(name), row[name])}
        assert not wrong, (wrong, text)
        if reader.format != "s3":
            assert row["_fulltext"] == text
    _check_labels(dataset, source, {(files[row["_file"]].name, row["_line"]): row for row in got})


def _check_labels(dataset: Dataset, source: str, rows_at: dict[tuple[str, int], Row]) -> None:
    """What the truth calls a line is the row with that line, time and id."""
    labels = dataset.labels[dataset.labels["source"] == source]
    for label in labels.itertuples():
        row = rows_at[label.file, label.line]
        assert row["_event_id"] in (None, label.event_id)
        assert (row["_event_id"] is None) == (dataset.manifest["sources"][source]["format"] in WITHOUT_IDS)
        assert abs((row["_ts"] - EPOCH).total_seconds() - label.t / SECOND) <= 1  # the log's own resolution
