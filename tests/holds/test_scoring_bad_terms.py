"""Whatever is wrong with gates, options, rules and builds is one message and the right exit code, and never a pass."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import redgen as library
from redgen.assess.rulepack import rules_folder
from tests.holds.command import card, redgen, tree
from tests.holds.spoiling import EVE, GATES, PUSH, RECALL, Alerts, gates, lines, shifted

WRONG_GATES = {
    "an unknown key": (gates(f"levels: 3\ngates:\n{RECALL}"), "gates.yml:2: levels: unknown key"),
    "an unknown key of a gate": (gates("gates:\n- {id: r, metric: campaign_recall, mim: 0.5}\n"), "unknown key; did you mean 'min'"),
    "an unknown metric": (gates("gates:\n- {id: r, metric: campain_recall, min: 0.5}\n"), "did you mean 'campaign_recall'"),
    "text for a number": (gates("gates:\n- {id: r, metric: campaign_recall, min: high}\n"), "gates.yml:3: gates.0.min: should be a number"),
    "a mapping for a list": (gates("gates: {id: r}\n"), "gates.yml:2: gates: should be a list"),
    "a key twice": (gates(f"gates:\n{RECALL}gates:\n{RECALL}"), "gates.yml:4: gates: duplicate key"),
    "an id twice": (gates(f"gates:\n{RECALL}{RECALL}"), "'recall' is there twice"),
    "no version": (f"gates:\n{RECALL}", "version: missing"),
    "a later version": (f"version: 2\ngates:\n{RECALL}", "version: "),
    "no limit": (gates("gates:\n- {id: r, metric: campaign_recall}\n"), "has no limit; write min or max"),
    "a share above 1": (gates("gates:\n- {id: r, metric: campaign_recall, min: 95}\n"), "never 95"),
    "nothing": ("", "gates.yml: empty"),
    "no gates": (gates("gates: []\n"), "a file without gates would pass whatever happens"),
    "a list": ("- a\n", "should be a mapping"),
    "no YAML": (gates("gates: [\n"), "gates.yml:3: not YAML"),
    "bytes": ("\0\1\2", "control character"),
    "another dataset": (gates(f"dataset: {{digest: 'sha256:{'0' * 64}'}}\ngates:\n{RECALL}"), "these gates are for dataset sha256:000"),
    "campaigns by no key": (gates("gates:\n- {id: r, metric: campaign_recall, min: 0.1, where: {playbok: x}}\n"),
                            "did you mean 'playbook'"),
    "an allowance for ever": (gates(f"gates:\n{RECALL}allow:\n- {{campaign: C-0001, reason: x, owner: y}}\n"), "expires: missing"),
    "an allowance until soon": (gates(f"gates:\n{RECALL}allow:\n- {{campaign: C-0001, expires: soon}}\n"), "expires: should be a valid date"),
    "an allowance for no gate": (gates(f"gates:\n{RECALL}allow:\n- {{campaign: C-0001, gate: recal, expires: 2099-01-01}}\n"),
                                 "did you mean 'recall'"),
}


@pytest.mark.parametrize("what", WRONG_GATES)
def test_wrong_gates_are_refused(scored: Path, place: Path, alerts: Alerts, what: str) -> None:
    """With file, line and key; before a report is written."""
    text, said = WRONG_GATES[what]
    (place / "gates.yml").write_text(text)
    (place / "alerts").write_text(lines(alerts))
    before = tree(place)
    done = redgen("score", scored, "alerts", "--gates", "gates.yml", "--json", "card.json", "--html", "x.html", cwd=place)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert done.stderr.startswith("redgen: gates.yml")
    assert tree(place) == before


@pytest.mark.parametrize(("text", "code", "said"), [
    ("gates:\n- {id: r, metric: campaign_recall, min: 0.1, where: {playbook: no-such}}\n", 3, "r: inconclusive: no campaign matches; no campaign has playbook 'no-such'"),
    ("gates:\n- {id: r, metric: campaigns_detected, rule: no-such, min: 1}\n", 1, "no-such"),
    (f"gates:\n{RECALL}allow:\n- {{campaign: C-0001, reason: old, owner: ir-team, expires: 2026-01-01}}\n", 1,
     "gates.yml:5: the allowance for campaign C-0001, old expired on 2026-01-01; ask ir-team"),
    (f"dataset: {{min_campaigns: 500}}\ngates:\n{RECALL}", 3, "the dataset has 40 campaigns, the gates want 500"),
    ("gates:\n- {id: r, metric: lost_campaigns, max: 0}\n", 3, "r: inconclusive"),
])
def test_gates_that_find_nothing_to_judge_do_not_pass(scored: Path, place: Path, alerts: Alerts, text: str, code: int,
                                                      said: str) -> None:
    """Nor does an allowance that has expired."""
    (place / "gates.yml").write_text(gates(text))
    (place / "alerts").write_text(lines(alerts))
    done = redgen("score", scored, "alerts", "--gates", "gates.yml", "-q", cwd=place)
    assert done.returncode == code, done.stderr
    assert said in done.stderr


WRONG_OPTIONS = {
    ("--today", "tomorrow"): "--today 'tomorrow' is no date; write 2027-01-31",
    ("--match", "campain"): "--match cannot be 'campain'; did you mean 'campaign'",
    ("--inconclusive", "maybe"): "--inconclusive cannot be 'maybe'; allowed: fail, pass",
    ("--zone", "Mars/Olympus"): "unknown time zone 'Mars/Olympus'",
    ("--confidence", "95"): "confidence cannot be 95",
    ("--min-purity", "nan"): "min_purity cannot be nan",
    ("--horizon", "-1"): "horizon_seconds cannot be -1",
    ("--k", "0"): "--k",
    ("--alert-format", "elastik"): "did you mean 'elastic'",
    ("--mapping", "none.yml"): "cannot read none.yml: No such file",
    ("--ledger", "none.parquet"): "none.parquet: there is no such ledger",
    ("--observed-sources", "none"): "none: cannot be read (No such file or directory)",
    ("--observed-sources", "gates.yml"): "write a number of events",
    ("--baseline", "none.json"): "none.json: cannot be read (No such file or directory)",
    ("--baseline", "gates.yml"): "gates.yml: no JSON",
    ("--baseline", "other.json"): "other.json: no scorecard; write one with redgen score",
    ("--baseline", "rules"): "rules: cannot be read (Is a directory)",
    ("--gates", "none.yml"): "cannot read none.yml: No such file",
    ("--rules", "none"): "none: no such rule file or folder",
    ("--json", "no/where/card.json"): "no/where/card.json: cannot be written; make the directory no/where first",
    ("--html", "rules"): "rules: is a directory; name a file in it",
    ("--matches", "alerts/x.csv"): "alerts/x.csv: cannot be written",
    ("--write-gates", "gates.yml"): "gates.yml is already there",
}


@pytest.mark.parametrize("option", WRONG_OPTIONS, ids=" ".join)
def test_wrong_options_are_refused(scored: Path, place: Path, alerts: Alerts, option: tuple[str, str]) -> None:
    """Before anything is written, be it another report that could be."""
    (place / "alerts").write_text(lines(alerts))
    (place / "other.json").write_text("{}")
    before = tree(place)
    done = redgen("score", scored, "alerts", "--junit", "junit.xml", *option, cwd=place)
    assert done.returncode == 2, done.stdout
    assert WRONG_OPTIONS[option] in " ".join(done.stderr.replace("│", "").split())
    assert tree(place) == before


@pytest.mark.parametrize(("alerts_", "said"), [("none", "cannot read none: No such file"), ("rules", "cannot read rules: Is a directory")])
def test_alerts_that_are_no_file(scored: Path, place: Path, alerts_: str, said: str) -> None:
    done = redgen("score", scored, alerts_, cwd=place)
    assert (done.returncode, done.stderr) == (2, f"redgen: {said}" + (" or directory\n" if alerts_ == "none" else "\n"))


WRONG_BUILDS: dict[str, tuple[tuple[str, ...], str]] = {
    "no rules": (("--rules", "empty"), "empty: no rule files (*.yml, *.yaml) there"),
    "rules that are not there": (("--rules", "none"), "none: no such rule file or folder"),
    "nothing to run": ((), "nothing to run: name rules with --rules PATH"),
    "no pipeline": (("--rules", "rules", "--pipeline", "none.yml"), "none.yml: cannot be read: No such file"),
    "a broken pipeline": (("--rules", "rules", "--pipeline", "broken.yml"), "broken.yml:2: not YAML"),
    "a pipeline of nothing known": (("--rules", "rules", "--pipeline", "pipe.yml"), "Unknown transformation type 'nosuch'"),
    "no placeholders": (("--rules", "rules", "--placeholders", "none.yml"), "none.yml: cannot be read: No such file"),
    "placeholders as a list": (("--rules", "rules", "--placeholders", "list.yml"), "placeholders are a mapping"),
    "an unknown detector": (("--detector", "sigmar:rules"), "unknown detector 'sigmar'; did you mean 'sigma'"),
    "an unknown module": (("--detector", "python:no_such_module:f"), "no_such_module does not load"),
    "an unknown function": (("--detector", "python:json:dumpz"), "did you mean 'dump'"),
    "alerts that are not there": (("--detector", "alerts:none"), "cannot read none"),
    "a window with no edge": (("--rules", "rules", "--window-edge", "open"), "window edge 'open'"),
    "a sequence of one dataset": (("--rules", "rules", "--sequential", "r0=0.9 r1=0.5"), "name a scenario"),
    "a sequence upside down": (("--rules", "rules", "--sequential", "r0=0.5 r1=0.9"), "write 0 < r1 < r0 < 1"),
    "a sequence of words": (("--rules", "rules", "--sequential", "often"), "--sequential often: write name=value"),
    "a sequence of anything": (("--rules", "rules", "--sequential", "r9=0.5"), "r9"),
    "a seed for a dataset": (("--rules", "rules", "--seed", "4"), "a seed or settings change nothing in it"),
    "no confidence": (("--rules", "rules", "--confidence", "1"), "confidence cannot be 1"),
    "a baseline that is none": (("--rules", "rules", "--baseline", "list.yml"), "list.yml: no JSON"),
    "gates that are there": (("--rules", "rules", "--write-gates", "list.yml"), "list.yml is already there"),
}


@pytest.mark.parametrize("what", WRONG_BUILDS)
def test_wrong_builds_are_refused(scored: Path, place: Path, what: str) -> None:
    """Rules, pipelines, detectors and options that cannot be used, and no report that would look like an answer."""
    more, said = WRONG_BUILDS[what]
    (place / "empty").mkdir()
    (place / "empty" / "readme.txt").write_text("no rule")
    (place / "broken.yml").write_text("transformations: [\n")
    (place / "pipe.yml").write_text("name: x\npriority: 1\ntransformations:\n- {id: a, type: nosuch}\n")
    (place / "list.yml").write_text("- a\n")
    before = tree(place)
    done = redgen("ci", scored, *more, "--gates", "gates.yml", "--reports", "out", cwd=place)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert {name: content for name, content in tree(place).items() if name != "out"} == before


@pytest.mark.parametrize(("scenario", "said"), [
    ("no-such-scenario", "unknown scenario 'no-such-scenario'"), ("identity-si", "did you mean 'identity-ci'"),
    ("rules", "rules is no dataset: it has no manifest.json"), ("rules/push.yml", "rules/push.yml:"),
    ("no/such.yaml", "there is no scenario file")])
def test_scenarios_that_are_none(place: Path, scenario: str, said: str) -> None:
    """Nothing is made for them, not even the directory for the reports."""
    before = tree(place)
    done = redgen("ci", scenario, "--rules", "rules", "--reports", "out", "--cache", "cache", cwd=place)
    assert done.returncode == 2
    assert said in done.stderr
    assert tree(place) == before


@pytest.mark.parametrize("rules", ["title: Broken\ndetection: [\n", PUSH.replace("okta", "windows")], ids=["broken", "unsupported"])
def test_rules_of_which_none_runs_are_no_pass(scored: Path, place: Path, rules: str) -> None:
    """Without gates as with one that silence would meet."""
    (place / "rules" / "push.yml").write_text(rules)
    (place / "gates.yml").write_text(gates("gates:\n- {id: fp, metric: fp_groups_per_day, bound: upper, max: 5}\n"))
    for more in ((), ("--gates", "gates.yml")):
        done = redgen("ci", scored, "--rules", "rules", "-q", *more, cwd=place)
        assert done.returncode == 3, done.stderr
        assert "no rule is known to have run" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_one_may_not_read_or_write(scored: Path, place: Path, alerts: Alerts) -> None:
    (place / "alerts").write_text(lines(alerts))
    (place / "alerts").chmod(0)
    assert "Permission denied" in redgen("score", scored, "alerts", cwd=place).stderr
    (place / "alerts").chmod(0o600)
    (place / "closed").mkdir(mode=0o500)
    done = redgen("score", scored, "alerts", "--json", "closed/card.json", cwd=place)
    assert (done.returncode, "allow writing into closed" in done.stderr) == (2, True)


def test_github_without_a_place_for_its_summary(scored: Path, place: Path) -> None:
    """The verdict stands; what could not be written is said."""
    done = redgen("ci", scored, "--rules", "rules", "-q", cwd=place,
                  environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place / "no" / "summary.md")})
    assert done.returncode == 0
    assert "no step summary" in done.stderr


def test_two_scorecards_that_are_none(scored: Path, place: Path) -> None:
    """``redgen diff`` says which one."""
    assert redgen("ci", scored, "--rules", "rules", "-q", "--reports", "out", cwd=place).returncode == 0
    good = "out/scorecard.json"
    for old, new, said in (("none", good, "none: cannot be read"), (good, "gates.yml", "gates.yml: no JSON"),
                           (good, "out/navigator.json", "out/navigator.json: no scorecard")):
        done = redgen("diff", old, new, cwd=place)
        assert (done.returncode, said in done.stderr, done.stdout) == (2, True, "")
    for option, said in ((("--margin", "2"), "--margin cannot be 2"), (("--markdown", "no/x.md"), "make the directory no first")):
        done = redgen("diff", good, good, *option, cwd=place)
        assert (done.returncode, said in done.stderr, done.stdout) == (2, True, "")
    (place / "later.json").write_text((place / good).read_text().replace('"schema": 1', '"schema": 99'))
    assert "score again" in redgen("diff", good, "later.json", cwd=place).stderr


def test_the_rule_pack_is_copied_whole_or_not_at_all(tmp_path: Path) -> None:
    """Never over a file, and an unknown part is named."""
    assert redgen("rules", "copy", "mine", "--only", "web", cwd=tmp_path).returncode == 0
    before = tree(tmp_path)
    assert {Path(name).name for name in before if name.endswith(".yml")} == {p.name for p in (rules_folder() / "web").glob("*.yml")}
    again = redgen("rules", "copy", "mine", cwd=tmp_path)
    assert (again.returncode, "already there" in again.stderr) == (2, True)
    assert "did you mean 'cloud'" in redgen("rules", "copy", "x", "--only", "clouds", cwd=tmp_path).stderr
    assert tree(tmp_path) == before


def test_a_damaged_copy_in_the_cache_is_made_again(place: Path) -> None:
    """And said to be; a dataset of one's own is not touched."""
    (place / "s.yaml").write_text("id: s\nseed: 3\nwindow: {start: 2026-03-02T08:00:00Z, duration: 30m}\nbaseline: saas-workforce\n"
                                  "world: {scale: {employees: 20, admins: 2}}\nsources: [okta_system]\n")
    run = ("ci", "s.yaml", "--rules", "rules", "--cache", "kept", "--jobs", 1, "-q")
    first = redgen(*run, cwd=place)
    assert first.returncode == 0, first.stderr
    data = next((place / "kept").iterdir())
    log = library.load(data).files()[0].path
    log.write_bytes(log.read_bytes()[:-9])
    refused = redgen("ci", data, "--rules", "rules", "-q", cwd=place)
    assert (refused.returncode, "the dataset is damaged; generate it again" in refused.stderr) == (2, True)
    again = redgen(*run, cwd=place)
    assert (again.returncode, "the dataset is damaged; making it again" in again.stderr) == (0, True)
    assert "dataset from the cache" in redgen(*run, cwd=place).stderr
