"""Telling a file's format from its first records, and saying what is missing when it cannot be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from redgen.errors import DataError, SpecError
from redgen.reader import Options, merged, read_alerts
from redgen.readers.generic import mapping
from tests.readers.test_contract import SAMPLES


def written(path: Path, *records: Any) -> Path:
    """Records as NDJSON."""
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


def refusal(path: Path, *args: Any) -> str:
    """What a user is told about a file that cannot be read."""
    with pytest.raises(DataError) as caught:
        read_alerts(path, *args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_keys_name_what_was_seen_the_nearest_format_and_what_it_lacks(tmp_path: Path) -> None:
    """A user who exported the wrong fields learns which one to add."""
    said = refusal(written(tmp_path / "a.ndjson", {"rule_title": "x", "level": "high", "when": 1}))
    assert "Keys seen: rule_title, level, when" in said
    assert "Nearest is rsigma" in said
    assert "`matched_fields`" in said
    assert "--mapping" in said


def test_nothing_alike_lists_the_formats(tmp_path: Path) -> None:
    """No key is of any format."""
    said = refusal(written(tmp_path / "a.ndjson", {"foo": 1}))
    assert "allowed: crowdsec, elastic" in said
    assert "Keys seen: foo" in said


def test_text_that_is_no_alert_file_is_shown(tmp_path: Path) -> None:
    """A log handed in by mistake."""
    path = tmp_path / "a.log"
    path.write_text("Jan 12 00:00:01 app03 CRON[1]: session opened\n")
    assert "it begins 'Jan 12 00:00:01 app03" in refusal(path)


def test_two_formats_in_one_file_are_refused(tmp_path: Path) -> None:
    """Wherever the second one begins, the line is named."""
    lines = [(SAMPLES / f"{n}.ndjson").read_text().splitlines()[0] for n in ("redgen_native", "rsigma")]
    path = tmp_path / "a.ndjson"
    path.write_text("\n".join([lines[0]] * 3 + [lines[1]]) + "\n")
    assert "a.ndjson:4: mixed formats: most alerts look like redgen_native" in refusal(path)
    path.write_text("\n".join([lines[0]] * 300 + [lines[1]]) + "\n")
    assert "a.ndjson:301: not a redgen alert: it lacks `redgen_alert`" in refusal(path)


def test_a_forced_format_names_what_its_records_lack(tmp_path: Path) -> None:
    """Forcing is for files whose first records are odd; it does not make keys appear."""
    path = written(tmp_path / "a.ndjson", {"rule": {"id": 1}, "agent": {}})
    assert "a.ndjson:1: not a wazuh alert (Wazuh alerts): it lacks `rule.level`" in refusal(path, "wazuh")
    assert "did you mean 'wazuh'" in refusal(path, "wazu")


@pytest.mark.parametrize("text", ["", "\n \n", "[]", '{"hits": {"hits": []}}', "[\n]"])
def test_no_alerts_is_an_outcome_that_is_said(tmp_path: Path, text: str) -> None:
    """A detector that found nothing writes an empty file: no error, no alerts, and a note."""
    path = tmp_path / "a.json"
    path.write_text(text)
    found = read_alerts(path)
    assert len(found) == 0
    assert [d.code for d in found.diagnostics] == ["EMPTY_FILE"]


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """Missing, a directory, damaged."""
    assert "No such file" in refusal(tmp_path / "none.json")
    assert "cannot read" in refusal(tmp_path)
    broken = tmp_path / "a.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00damaged")
    assert "a.gz" in refusal(broken)


@pytest.mark.parametrize(("said", "micros"), [
    (1_768_201_931, 1_768_201_931_000_000), (1_768_201_931_482, 1_768_201_931_482_000),
    (1_768_201_931_482_113, 1_768_201_931_482_113), (1_768_201_931_482_113_900, 1_768_201_931_482_113),
    ("1768201931.482113", 1_768_201_931_482_113), ("2026-01-12T08:12:11.482113+01:00", 1_768_201_931_482_113),
    ("2026-01-12 07:12:11", 1_768_201_931_000_000), ("12/Jan/2026:07:12:11 +0000", 1_768_201_931_000_000),
    ("2026-01-12T07:12:11.482113999Z", 1_768_201_931_482_113), ("2026/01/12 07:12:11 UTC", 1_768_201_931_000_000)])
def test_times_of_any_stripe(tmp_path: Path, said: Any, micros: int) -> None:
    """Epochs in s, ms, µs and ns, ISO 8601 with any offset, web-log times."""
    path = written(tmp_path / "a", {"redgen_alert": 1, "rule_id": "r", "ts": said})
    assert read_alerts(path).frame["t_alert"].tolist() == [micros]


def test_a_zone_may_be_said_for_times_without_one(tmp_path: Path) -> None:
    """A SIEM that exports local time."""
    path = written(tmp_path / "a", {"redgen_alert": 1, "rule_id": "r", "ts": "2026-07-12T09:12:11"})
    there = read_alerts(path, options=Options(zone="Europe/Berlin")).frame["t_alert"][0]
    assert read_alerts(path).frame["t_alert"][0] - there == 2 * 3_600_000_000
    with pytest.raises(DataError, match="unknown time zone 'Mars'"):
        read_alerts(path, options=Options(zone="Mars"))


def test_a_mapping_is_checked_like_every_yaml(tmp_path: Path) -> None:
    """Unknown keys and unreadable places, with file and line."""
    alerts = written(tmp_path / "a.ndjson", {"r": 1, "t": 2})
    file = tmp_path / "m.yaml"
    file.write_text("map:\n  rule_id: $.r\n  ts: '$.[x'\n  levle: $.l\n")
    with pytest.raises(SpecError) as caught:
        read_alerts(alerts, options=Options(file))
    assert "m.yaml:3: map.ts" in str(caught.value)
    assert "m.yaml:4: map.levle" in str(caught.value)
    file.write_text("map: {rule_id: $.rule, ts: $.t}\n")
    assert "a.ndjson:1: nothing at $.rule (rule_id of the mapping); keys are r, t" in refusal(
        alerts, "auto", Options(file))


def test_a_mapping_reads_csv_columns(tmp_path: Path) -> None:
    """Bare column names are places too; entities may stand in several."""
    path, file = tmp_path / "a.csv", tmp_path / "m.yaml"
    path.write_text("Rule Name;At;Source;Target\nBad login;1768201931;203.0.113.7;203.0.113.8\n")
    file.write_text("map: {rule_id: Rule Name, ts: At}\nentities: {ip: [Source, Target]}\n")
    found = read_alerts(path, options=Options(file))
    assert found.frame["rule_id"].tolist() == ["Bad login"]
    assert found.entities["value"].tolist() == ["203.0.113.7", "203.0.113.8"]


def test_files_are_merged_with_their_references(tmp_path: Path) -> None:
    """Ids of one file do not hide another's; the same id in both counts once."""
    line = {"redgen_alert": 1, "rule_id": "r", "ts": 1_768_201_931}
    parts = [read_alerts(written(tmp_path / n, {**line, "events": [{"event_id": n}]}, {**line, "alert_id": "same"}))
             for n in ("a", "b")]
    whole = merged(parts)
    assert len(whole) == 3
    assert whole.events[["alert", "event_id"]].to_numpy().tolist() == [[0, "a"], [2, "b"]]
    assert sum(d.count for d in whole.diagnostics if d.code == "DUPLICATE_ALERT") == 1


def test_the_mappings_in_the_documentation_are_mappings(tmp_path: Path) -> None:
    """What users copy from there works."""
    import re

    page = Path(__file__).parents[2] / "docs" / "alert-formats.md"
    written_there = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(written_there) >= 3
    for text in written_there:
        path = tmp_path / "m.yaml"
        path.write_text(text, encoding="utf-8")
        mapping(path)
