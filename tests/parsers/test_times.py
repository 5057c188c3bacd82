"""Event times in every usual writing, to the microsecond, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.clock import parse_time
from redgen.errors import DataError
from redgen.parsers._times import moment
from tests.parsers.reading import read, relation, write

Db = duckdb.DuckDBPyConnection
NEAR = parse_time("2026-01-12T00:00:00Z")
ENGINE = duckdb.connect(config={"threads": 1})
EPOCH = datetime.fromtimestamp(0, UTC)


def micros(values: list[str | None], near: int = NEAR) -> list[int | None]:
    """The µs of texts as the SQL reads them."""
    rows = ", ".join("(?)" for _ in values)
    sql = f"SELECT epoch_us({moment('x', near)}) FROM (VALUES {rows}) t(x)"
    return [value for value, in ENGINE.execute(sql, values).fetchall()]


@pytest.mark.parametrize(("text", "meant"), [
    ("2026-01-12T07:12:11Z", "2026-01-12T07:12:11Z"),
    ("2026-01-12T07:12:11.5Z", "2026-01-12T07:12:11.5Z"),
    ("2026-01-12T07:12:11.123456789Z", "2026-01-12T07:12:11.123456Z"),
    ("2026-01-12 07:12:11", "2026-01-12T07:12:11Z"),
    ("2026-01-12 07:12:11.25 UTC", "2026-01-12T07:12:11.25Z"),
    ("2026-01-12 07:12:11Z", "2026-01-12T07:12:11Z"),
    ("2026-01-12T07:12:11,250+01:00", "2026-01-12T06:12:11.25Z"),
    ("2026-01-12T07:12:11-0530", "2026-01-12T12:42:11Z"),
    ("2026-01-12T07:12:11+02", "2026-01-12T05:12:11Z"),
    ("2026-01-12", "2026-01-12T00:00:00Z"),
    ("20260112T071211Z", "2026-01-12T07:12:11Z"),
    ("2026/01/12 07:12:11", "2026-01-12T07:12:11Z"),
    ("12/Jan/2026:07:12:11 +0000", "2026-01-12T07:12:11Z"),
    ("12/Jan/2026:07:12:11 -0830", "2026-01-12T15:42:11Z"),
    ("Jan 12 07:12:11", "2026-01-12T07:12:11Z"),
    ("Jan  2 07:12:11", "2026-01-02T07:12:11Z"),
    ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
    ("Feb 29 00:00:01", "2024-02-29T00:00:01Z"),
    ("Mon Jan 12 07:12:11 2026", "2026-01-12T07:12:11Z"),
    ("Mon, 12 Jan 2026 07:12:11 GMT", "2026-01-12T07:12:11Z"),
    ("1/12/2026 7:12:11 PM", "2026-01-12T19:12:11Z"),
    ("1768201931", "2026-01-12T07:12:11Z"),
    ("1768201931.123", "2026-01-12T07:12:11.123Z"),
    ("1768201931123", "2026-01-12T07:12:11.123Z"),
    ("1768201931123456", "2026-01-12T07:12:11.123456Z"),
    ("1768201931123456789", "2026-01-12T07:12:11.123456Z"),
    ("1.768201931e9", "2026-01-12T07:12:11Z"),
])
def test_a_time(text: str, meant: str) -> None:
    if text.startswith("Feb 29"):
        assert micros([text], parse_time("2024-05-01T00:00:00Z")) == [parse_time(meant)]
    else:
        assert micros([text]) == [parse_time(meant)]


def test_what_is_no_time_is_null() -> None:
    texts = ["", "-", "yesterday", "2026-13-01T00:00:00Z", "12/Foo/2026:00:00:00 +0000", "NaN", "infinity", "1e999",
             "12", "9" * 40, "Feb 30 00:00:00", "2026-01-12T25:00:00Z", None]
    assert micros(texts) == [None] * len(texts)


MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(MOMENTS, OFFSETS), min_size=1, max_size=30))
def test_iso_times_with_any_offset(cases: list[tuple[datetime, timezone]]) -> None:
    expected = [(when - EPOCH) // timedelta(microseconds=1) for when, _ in cases]
    local = [when.astimezone(zone) for when, zone in cases]
    assert micros([t.isoformat() for t in local]) == expected
    assert micros([t.strftime("%Y-%m-%d %H:%M:%S.%f%z") for t in local]) == expected
    assert micros([when.isoformat().replace("+00:00", "Z") for when, _ in cases]) == expected


@settings(max_examples=12, deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=30))
def test_epochs_of_every_unit(cases: list[datetime]) -> None:
    us = [(when - EPOCH) // timedelta(microseconds=1) for when in cases]
    assert micros([f"{t // 1_000_000}.{t % 1_000_000:06d}" for t in us]) == us
    assert micros([str(t * 1000 + 999) for t in us]) == us
    assert micros([str(t) for t in us]) == us
    assert micros([str(t // 1000) for t in us]) == [t // 1000 * 1000 for t in us]
    assert micros([str(t // 10**6) for t in us]) == [t // 10**6 * 10**6 for t in us]


@settings(max_examples=12, deadline=None)
@given(MOMENTS, st.floats(-180, 180))
def test_the_year_is_the_nearest(near: datetime, days: float) -> None:
    when = (near + timedelta(days=days)).replace(microsecond=0)
    middle = (near - EPOCH) // timedelta(microseconds=1)
    text = when.strftime("%b %d %H:%M:%S")
    assert micros([text], middle) == [(when - EPOCH) // timedelta(microseconds=1)]


def test_the_field_that_holds_the_time_is_found_by_its_values(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", '{"time":"0.002","timestamp":"n/a","@timestamp":"2026-01-12T00:00:00Z"}\n')
    assert str(read(db, log)[0]["_ts"]) == "2026-01-12 00:00:00"
    guessed = relation(db, write(tmp_path / "b.json", '{"took_time":3,"q":{"query_timestamp":"2026-01-12 00:00:00"}}\n'))
    assert "'q.query_timestamp'" in guessed.notes["TIME_GUESSED"]
    none = relation(db, write(tmp_path / "c.json", '{"a":1}\n'))
    assert "--time-field" in none.notes["NO_TIME"]
    assert read(db, tmp_path / "c.json")[0]["_ts"] is None


def test_the_field_that_holds_the_time_can_be_named(db: Db, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", '{"ts":1,"mine":{"when":"2026-01-12T00:00:00Z"}}\n')
    assert str(read(db, log, time_field="mine.when")[0]["_ts"]) == "2026-01-12 00:00:00"
    with pytest.raises(DataError, match=r"'mine\.wen'.*did you mean 'mine\.when'"):
        read(db, log, time_field="mine.wen")
    table = write(tmp_path / "a.csv", "when,x\n2026-01-12,1\n")
    assert str(read(db, table, time_field="When")[0]["_ts"]) == "2026-01-12 00:00:00"
    with pytest.raises(DataError, match="did you mean 'when'"):
        read(db, table, time_field="wehn")
