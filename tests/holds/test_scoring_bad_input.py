"""Whatever is wrong with what scoring is given, there is one message with the place and the remedy and the right exit
code; nothing is half-written, and nothing of it is counted as a pass."""

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

RECALL = "- {id: recall, metric: campaign_recall, bound: lower, min: 0.2}\n"
GATES = f"version: 1\ngates:\n{RECALL}- {{id: fp, metric: fp_groups_per_day, bound: upper, max: 500}}\n"
PUSH = """\
title: Push sent
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0201
logsource: {product: okta}
detection: {selection: {eventType: system.push.send_factor_verify_push}, condition: selection}
"""


@pytest.fixture(scope="module")
def alerts(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the bundled rules say of the dataset."""
    place = tmp_path_factory.mktemp("alerts")
    assert redgen("detect", scored, "--rules", "bundled", "-q", "-o", "a.ndjson", cwd=place).returncode == 0
    return [json.loads(line) for line in (place / "a.ndjson").read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with gates that these alerts pass, and a rule."""
    (tmp_path / "gates.yml").write_text(GATES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "push.yml").write_text(PUSH)
    return tmp_path


def lines(found: list[dict[str, Any]]) -> str:
    """Alerts as NDJSON."""
    return "".join(json.dumps(a) + "\n" for a in found)


def shifted(found: list[dict[str, Any]], hours: float, zone: bool = True, bare: bool = False) -> str:
    """Alerts whose clock is off by some hours, times without a zone unless ``zone``, without events when ``bare``."""
    out = []
    for alert in found:
        times = {k: datetime.fromisoformat(alert[k]) + timedelta(hours=hours) for k in ("ts", "first_ts", "last_ts")}
        said = {k: t.isoformat().removesuffix("+00:00") + ("Z" if zone else "") for k, t in times.items()}
        out.append({**alert, **said, **({"events": []} if bare else {})})
    return lines(out)


def test_these_alerts_are_good_as_they_stand(scored: Path, place: Path, alerts: list[dict[str, Any]]) -> None:
    """What is changed below is what makes the difference."""
    (place / "alerts").write_text(lines(alerts))
    done = redgen("score", scored, "alerts", "--gates", "gates.yml", "--rules", "bundled", "-q", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


Alerts = list[dict[str, Any]]
EVE = '{"event_type":"alert","timestamp":"2026-03-02T00:00:00Z","alert":{"signature_id":1,"signature":"x"}}\n'
DAMAGED: dict[str, tuple[Callable[[Alerts], str | bytes], list[int], str]] = {
    "cut off in the last line": (lambda a: lines(a)[:-40], [3], "is incomplete"),
    "cut off in the middle": (lambda a: lines(a[:40])[:-40] + "\n" + lines(a[40:]), [2], ":40: not JSON"),
    "two formats": (lambda a: lines(a[:9]) + EVE, [2], ":10: mixed formats"),
    "prose among alerts": (lambda a: lines(a[:9]) + "hello\n" + lines(a[9:]), [2], ":10: not JSON"),
    "no known format": (lambda _: '{"a": 1}\n{"a": 2}\n', [2], "no known alert format"),
    "bytes": (lambda _: bytes(range(256)) * 8, [2], "not an alert file of a known format"),
    "a cut-off gzip": (lambda _: b"\x1f\x8b\x08\x00" + bytes(30), [2], "cannot read alerts"),
    "an array cut off": (lambda a: json.dumps(a)[:-30], [3], "is incomplete"),
    "nothing": (lambda _: "", [1], "no alert was read"),
    "blank lines": (lambda _: "\n \n\n", [1], "no alert was read"),
    "an empty array": (lambda _: "[]\n", [1], "no alert was read"),
    "only headings": (lambda _: "search_name,_time,src\n", [1, 2], ""),
    "one id for all": (lambda a: lines([{**x, "alert_id": "same"} for x in a]), [1], "recall: failed"),
    "no times": (lambda a: lines([{k: v for k, v in x.items() if "ts" not in k} for x in a]), [2], "ts"),
    "times that are none": (lambda a: lines([{**x, "ts": "noonish"} for x in a]), [2], "noonish"),
    "another zone": (lambda a: shifted(a, 5), [3], "in another time zone (--zone says which)"),
    "another zone unsaid": (lambda a: shifted(a, -8, zone=False), [3], "in another time zone (--zone says which)"),
    "another zone, no events": (lambda a: shifted(a, 5, bare=True), [1, 3], "in another time zone (--zone says which)"),
    "another year": (lambda a: shifted(a, 24 * 365), [3], "far from those of the events"),
    "another year, no events": (lambda a: shifted(a, 24 * 365, bare=True), [1], "recall: failed"),
    "rules nobody knows": (lambda a: lines([{**x, "rule_id": "ghost"} for x in a]), [3], "not among those"),
}


FAILING = {"one id for all", "another year, no events"}
"""What can be understood, and is simply no detection: the gate on recall fails."""


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged_alerts_are_no_pass(scored: Path, place: Path, alerts: Alerts, what: str) -> None:
    """Refused where they cannot be understood; where they can, no gate passes on them."""
    make, codes, said = DAMAGED[what]
    content = make(alerts)
    (place / "alerts").write_bytes(content if isinstance(content, bytes) else content.encode())
    run = ("score", scored, "alerts", "--gates", "gates.yml", "--rules", "bundled", "-q")
    before = tree(place)
    done = redgen(*run, "--json", "card.json", cwd=place)
    assert done.returncode in codes, done.stderr
    assert said in done.stderr
    if done.returncode == 2:
        assert done.stderr.startswith(("redgen: alerts", "redgen: cannot read alerts")), done.stderr
        assert done.stderr.count("\n") == 1
        assert tree(place) == before
    else:
        assert what in FAILING or "passed" not in {g["status"] for g in card(place / "card.json")["gates"]}
    bare = redgen("score", scored, "alerts", "--rules", "bundled", cwd=place)
    assert what in FAILING or bare.returncode in {2, 3}, bare.stdout


def test_what_is_known_of_alerts_is_told(scored: Path, place: Path, alerts: Alerts) -> None:
    """Each remark under its code, in the scorecard and on the terminal; a zone that is named is the remedy."""
    many = lines(alerts[:-5]) + lines([{**a, "alert_id": "twice"} for a in alerts[-5:]])
    late = lines([{**alerts[0], "ts": "2027-01-01T00:00:00Z", "first_ts": "2027-01-01T00:00:00Z",
                   "last_ts": "2027-01-01T00:00:00Z", "events": [], "rule_id": "ghost"}])
    (place / "alerts").write_text(many + late)
    done = redgen("score", scored, "alerts", "--rules", "bundled", "--json", "card.json", cwd=place)
    told = {d["code"]: d["count"] for d in card(place / "card.json")["diagnostics"]}
    assert (told["DUPLICATE_ALERT"], told["ALERT_OUTSIDE_WINDOW"], told["UNKNOWN_RULE"]) == (4, 1, 1)
    assert all(code in done.stdout for code in told)
    (place / "local").write_text(shifted(alerts, 5, zone=False))
    put_right = redgen("score", scored, "local", "--zone", "Asia/Karachi", "--gates", "gates.yml", "-q", cwd=place)
    assert put_right.returncode == 0, put_right.stderr


DATASETS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda d: (d / "manifest.json").unlink(), "has no manifest.json"),
    "a cut-off manifest": (lambda d: (d / "manifest.json").write_text('{"format": 1,'), "manifest.json: cannot be read"),
    "a manifest of nothing": (lambda d: (d / "manifest.json").write_text("{}"), "window: it must say"),
    "a manifest of another version": (lambda d: _json(d / "manifest.json", format=9), "its format 9 is not this version's"),
    "no campaigns": (lambda d: (d / "truth/campaigns.jsonl").unlink(), "campaigns.jsonl: missing"),
    "cut-off campaigns": (lambda d: _cut(d / "truth/campaigns.jsonl"), "campaigns.jsonl:40: "),
    "no labels": (lambda d: (d / "truth/labels.parquet").unlink(), "labels.parquet: missing"),
    "cut-off labels": (lambda d: _cut(d / "truth/labels.parquet"), "labels.parquet: cannot be read as Parquet"),
    "labels without times": (lambda d: _labels(d, lambda f: f.drop(columns="t")), "has no column 't'"),
    "labels in seconds": (lambda d: _labels(d, lambda f: f.assign(t=f["t"] // 10**6)), "times are µs UTC"),
    "labels of no campaign": (lambda d: _labels(d, lambda f: f.assign(campaign_id="C-9999")), "'C-9999' is not in campaigns.jsonl"),
    "labels of no kind": (lambda d: _labels(d, lambda f: f.assign(label="evil")), "unknown label 'evil'"),
    "look-alikes of no kind": (lambda d: (d / "truth/hard_negatives.jsonl").write_text("{}\n"), "hard_negatives.jsonl:1: noise_id"),
    "a log file gone": (lambda d: next((d / "logs/okta_system").iterdir()).unlink(), "is missing"),
}


def _json(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _labels(data: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(data / "truth/labels.parquet")).to_parquet(data / "truth/labels.parquet")


@pytest.mark.parametrize("what", DATASETS)
def test_a_damaged_dataset_is_refused(scored: Path, place: Path, alerts: Alerts, what: str) -> None:
    """By ``score``, with the file and what is wrong in it; by ``ci`` as well, which looks before it works."""
    damage, said = DATASETS[what]
    (place / "alerts").write_text(lines(alerts))
    shutil.copytree(scored, place / "data", copy_function=os.link)
    for file in ("manifest.json", "truth/campaigns.jsonl", "truth/labels.parquet", "truth/hard_negatives.jsonl"):
        (place / "data" / file).unlink()
        shutil.copyfile(scored / file, place / "data" / file)
    damage(place / "data")
    before = set(tree(place))
    for verb in (("score", "data", "alerts", "--json", "card.json"), ("ci", "data", "--rules", "rules", "--reports", "out")):
        done = redgen(*verb, "--gates", "gates.yml", cwd=place)
        assert done.returncode == 2, done.stdout
        assert done.stderr.count("\n") == 1, done.stderr
        assert "data" in done.stderr
        assert not done.stdout
        if verb[0] == "score":
            assert said in done.stderr
    assert {name for name in set(tree(place)) - before if name != "out"} == set()


def test_datasets_of_others_need_no_more_than_truth(scored: Path, place: Path, alerts: Alerts) -> None:
    """A manifest with a window, labels and campaigns: logs beside them may be anything."""
    (place / "data" / "logs").mkdir(parents=True)
    shutil.copytree(scored / "truth", place / "data" / "truth")
    window = json.loads((scored / "manifest.json").read_text())["window"]
    (place / "data" / "manifest.json").write_text(json.dumps({"window": window}))
    (place / "alerts").write_text(lines(alerts))
    done = redgen("score", "data", "alerts", "--gates", "gates.yml", cwd=place)
    assert done.returncode in (0, 3), done.stderr


def gates(text: str) -> str:
    """A gates file."""
    return f"version: 1\n{text}"


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
