"""redgen's own alert lines: what comes in comes out, whatever shape the file has, and what is wrong is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import DataError
from redgen.reader import read_alerts

LINE = {"redgen_alert": 1, "rule_id": "r-1", "rule_title": "A rule", "level": "high", "ts": "2026-01-12T00:00:06Z",
        "entities": {"ip": ["203.0.113.7"]}, "events": [{"file": "a.log", "line": 3, "event_id": "e"}]}
T = 1_768_176_006_000_000


def written(path: Path, *records: dict[str, Any], end: str = "\n") -> Path:
    """The records as NDJSON."""
    path.write_text("".join(json.dumps(r) + end for r in records), encoding="utf-8")
    return path


def test_a_line_says_rule_time_events_and_entities(tmp_path: Path) -> None:
    """An alert is one row; what it names are rows that point to it."""
    found = read_alerts(written(tmp_path / "a.ndjson", {**LINE, "fires": 4}, LINE), name="a.ndjson")
    assert found.frame.to_dict("records")[0] == {
        "alert_id": "a.ndjson:1", "rule_id": "r-1", "rule_name": "A rule", "severity": 75, "t_alert": T, "t_first": T,
        "t_last": T, "n_events": 4, "raw_ref": "a.ndjson:1"}
    assert found.events.to_dict("records")[1] == {"alert": 1, "event_id": "e", "file": "a.log", "line": 3, "digest": ""}
    assert found.entities["alert"].tolist() == [0, 1]
    assert (found.clock, found.diagnostics) == ("event", ())


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda b: b"\xef\xbb\xbf" + b, lambda b: b"\n\n" + b,
                                  lambda b: b.decode().encode("utf-16"), lambda b: b.replace(b"\n", b"\r\n"),
                                  lambda b: b"[" + b.strip().replace(b"\n", b",\n") + b"]"],
                         ids=["gzip", "zstd", "mark", "blank-lines", "utf-16", "crlf", "array"])
def test_any_packing_reads_the_same(tmp_path: Path, pack: Any) -> None:
    """Compression, byte order marks, line ends and arrays change nothing."""
    plain = written(tmp_path / "plain.ndjson", LINE, {**LINE, "rule_id": "r-2"})
    packed = tmp_path / "packed"
    packed.write_bytes(pack(plain.read_bytes()))
    columns = ["rule_id", "t_alert", "severity"]
    found = read_alerts(packed)
    assert found.frame[columns].equals(read_alerts(plain).frame[columns])
    assert len(found.events) == len(found.entities) == 2


def test_a_cut_off_last_line_is_left_out_and_said(tmp_path: Path) -> None:
    """What stands before it counts; the file is reported as incomplete."""
    path = written(tmp_path / "a.ndjson", LINE)
    path.write_text(path.read_text() + json.dumps(LINE)[:40])
    found = read_alerts(path)
    assert len(found) == len(found.events) == 1
    assert [(d.code, d.level) for d in found.diagnostics] == [("TRUNCATED_FILE", "error")]


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """It is not the end of an interrupted write: the file is damaged."""
    path = written(tmp_path / "a.ndjson", LINE)
    path.write_text(path.read_text() + json.dumps(LINE)[:40] + "\n" + path.read_text())
    with pytest.raises(DataError, match=r"a\.ndjson:2: not JSON"):
        read_alerts(path)


@pytest.mark.parametrize(("change", "said"), [
    ({"rule_id": None}, "lacks `rule_id`"), ({"ts": None}, "lacks `ts`"), ({"ts": "soon"}, "'soon', which is no time")])
def test_what_an_alert_lacks_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """With file and line."""
    path = written(tmp_path / "a.ndjson", LINE, {k: v for k, v in {**LINE, **change}.items() if v is not None})
    with pytest.raises(DataError, match=rf"a\.ndjson:2: .*{said}"):
        read_alerts(path, "redgen_native")


def test_the_same_id_twice_counts_once(tmp_path: Path) -> None:
    """The first stays, with its events; the others are counted."""
    other = {**LINE, "alert_id": "B", "events": [{"event_id": "f"}]}
    found = read_alerts(written(tmp_path / "a", {**LINE, "alert_id": "A"}, {**LINE, "alert_id": "A"}, other))
    assert found.frame["alert_id"].tolist() == ["A", "B"]
    assert found.events[["alert", "event_id"]].to_numpy().tolist() == [[0, "e"], [1, "f"]]
    assert [(d.code, d.count) for d in found.diagnostics] == [("DUPLICATE_ALERT", 1)]


def test_times_without_zone_are_utc_and_said(tmp_path: Path) -> None:
    """Naive times are read as UTC; the user hears how many."""
    found = read_alerts(written(tmp_path / "a", {**LINE, "ts": "2026-01-12 00:00:06"}))
    assert found.frame["t_alert"].tolist() == [T]
    assert [(d.code, d.count) for d in found.diagnostics] == [("NAIVE_TIME", 1)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 4_000_000_000_000_000), st.dictionaries(
    st.sampled_from(["ip", "user", "rôle"]), st.lists(st.text(min_size=1, max_size=8), max_size=3), max_size=2)),
    min_size=1, max_size=5))
def test_entities_and_times_survive(tmp_path_factory: pytest.TempPathFactory, alerts: list[Any]) -> None:
    """Any text, any number of values, times to the microsecond."""
    path = tmp_path_factory.mktemp("native") / "a.ndjson"
    written(path, *({**LINE, "ts": t / 1e6 if t < 1 << 50 else t, "entities": e} for t, e in alerts))
    found = read_alerts(path)
    assert abs(found.frame["t_alert"] - [t for t, _ in alerts]).max() <= 1
    assert list(zip(found.entities["alert"], found.entities["type"], found.entities["value"], strict=True)) == [
        (i, kind, v) for i, (_, e) in enumerate(alerts) for kind, values in e.items() for v in values]


def test_what_redgen_writes_it_reads(tmp_path: Path) -> None:
    """Alerts of any format, written as redgen's own lines, say the same when read back."""
    from redgen import native

    sample = Path(__file__).with_name("samples") / "rsigma.ndjson"
    whole = read_alerts(sample)
    path = tmp_path / "a.ndjson"
    native.write(whole, path)
    again = read_alerts(path)
    kept = ["rule_id", "rule_name", "severity", "t_alert", "t_first", "t_last", "n_events"]
    assert again.frame[kept].equals(whole.frame[kept])
    assert again.events.equals(whole.events)
    assert set(zip(*again.entities.to_numpy().T, strict=True)) == set(zip(*whole.entities.to_numpy().T, strict=True))
