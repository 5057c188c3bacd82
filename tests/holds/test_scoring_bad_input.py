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
from tests.holds.spoiling import EVE, GATES, PUSH, RECALL, Alerts, gates, lines, shifted


def test_these_alerts_are_good_as_they_stand(scored: Path, place: Path, alerts: list[dict[str, Any]]) -> None:
    """What is changed below is what makes the difference."""
    (place / "alerts").write_text(lines(alerts))
    done = redgen("score", scored, "alerts", "--gates", "gates.yml", "--rules", "bundled", "-q", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


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
