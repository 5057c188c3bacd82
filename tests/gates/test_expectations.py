"""Expectations of other products read as gates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from redgen.errors import DataError, SpecError
from redgen.gates.evaluate import evaluate
from redgen.gates.expectations import load_any
from redgen.scorecard import FAILED, PASSED
from tests.scoring.cards import campaigns, card, rule

RSIGMA = """defaults:
  unexpected_detections: fail
expectations:
  - rule: r1
    at_least: 1
  - rule: Health check
    exactly: 0
  - rule: r1
    corpus: benign/day1.ndjson
    at_most: 5
"""

CONTENTCTL = """name: Many Logins Fail
id: 11111111-2222-3333-4444-555555555555
version: 3
type: TTP
search: '`okta` eventType=user.session.start | stats count by user'
tags:
  mitre_attack_id: [T1110]
tests:
- name: True Positive Test
  attack_data:
  - data: https://example.test/okta.log
    source: okta
    sourcetype: okta:im2
- name: More than three
  pass_condition: '| stats count | where count > 3'
  attack_data: []
"""

SCORED = card(campaigns(5), rules=[
    rule(alerts=7), rule("r2", "Health check", alerts=0)])


def statuses(path: Path) -> list[str]:
    return [r.status for r in evaluate(SCORED, load_any(path), today=date(2026, 11, 28))]


def test_rsigma(tmp_path: Path) -> None:
    file = tmp_path / "expectations.yml"
    file.write_text(RSIGMA)
    gates = load_any(file)
    assert [(g.rule, g.min, g.max) for g in gates.spec.gates] == [("r1", 1, None), ("Health check", 0, 0), ("r1", None, 5)]
    assert gates.gate_places[1] == (str(file), 6)
    assert [n.message for n in gates.notes] == [
        "expectation 3 is about benign/day1.ndjson alone; counted over all of the dataset",
        "unexpected_detections: fail has no counterpart; write a gate on fp_groups_per_day"]
    assert statuses(file) == [PASSED, PASSED, FAILED]


@pytest.mark.parametrize(("line", "problem"), [
    ("rule: x", "expectations.0: write one of exactly, at_least, at_most"),
    ("rule: x, exactly: 1, at_least: 2", "expectations.0: exactly cannot stand beside at_least or at_most"),
    ("rule: x, at_least: 3, at_most: 2", "expectations.0: at_least 3 is above at_most 2"),
    ("rule: x, atleast: 3", "expectations.0.atleast: unknown key; did you mean 'at_least'?"),
    ("rule: x, at_least: -1", "expectations.0.at_least: should be greater than or equal to 0, not -1")])
def test_rsigma_mistakes(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "e.yml"
    file.write_text(f"expectations:\n  - {{{line}}}\n")
    with pytest.raises(SpecError) as error:
        load_any(file)
    assert str(error.value) == f"{file}:2: {problem}"


def test_contentctl(tmp_path: Path) -> None:
    file = tmp_path / "many_logins.yml"
    file.write_text(CONTENTCTL)
    gates = load_any(file)
    assert [(g.rule, g.metric, g.min) for g in gates.spec.gates] == [
        ("Many Logins Fail", "alerts", 1), ("Many Logins Fail", "alerts", 4)]
    assert statuses(file) == [PASSED, PASSED]


def test_a_folder_of_detections(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.yml").write_text(CONTENTCTL)
    (tmp_path / "b.yml").write_text(CONTENTCTL.replace("Many Logins Fail", "Silent").replace(
        "  mitre", "  manual_test: needs a second tenant\n  mitre"))
    (tmp_path / "readme.yml").write_text("about: this folder\n")
    gates = load_any(tmp_path)
    assert len(gates.spec.gates) == 2
    assert [n.message for n in gates.notes] == ["Silent: no automatic test, left out"]


def test_a_search_is_found_by_the_name_splunk_gives_it(tmp_path: Path) -> None:
    file = tmp_path / "d.yml"
    file.write_text(CONTENTCTL)
    named = "ESCU - Many Logins Fail - Rule"
    scored = card(campaigns(5), rules=[rule(named, named, alerts=7)])
    assert [r.status for r in evaluate(scored, load_any(file), today=date(2026, 11, 28))] == [PASSED, PASSED]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no detection with tests in it"):
        load_any(tmp_path)
    file = tmp_path / "g.yml"
    file.write_text("version: 1\ngates:\n  - {id: a, metric: precision, min: 0}\n")
    assert load_any(file).spec.gates[0].id == "a"
    with pytest.raises(DataError, match="cannot read"):
        load_any(tmp_path / "gone.yml")
