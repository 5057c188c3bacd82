"""The truth read from a directory, ours or not; and every way in which it can be malformed, with what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from redgen.errors import DataError
from redgen.matching.truth_files import read_ground

T = 1_768_176_000_000_000

CAMPAIGN = {
    "campaign_id": "C-1", "playbook": "spray", "family": "account-takeover", "path": ["wait", "try"], "weight": 0.5,
    "stratum": {"outcome": "end"}, "t_onset": T + 1, "t_impact": None, "t_end": T + 2, "n_events": 2,
    "sources": {"web": 2}, "entities": {"attacker": {"ip": ["10.0.0.1"]}, "victim": {"user": ["ann"]}},
    "steps": [{"step_id": "wait", "technique": "T1", "t0": None, "t1": None, "n_events": 0, "sources": {}},
              {"step_id": "try", "technique": "T2", "t0": T + 1, "t1": T + 2, "n_events": 2, "sources": {"web": 2}}]}
UNLOGGED = {**CAMPAIGN, "campaign_id": "C-2", "t_onset": None, "t_end": None, "n_events": 0, "sources": {},
            "steps": [CAMPAIGN["steps"][0]]}
NOISE = {"noise_id": "N-1", "kind": "backup", "t0": T + 5, "t1": T + 6, "entities": {"attacker": {}, "victim": {
    "user": ["root"]}}}
MANIFEST = {
    "window": {"start": T, "stop": T + 86_400_000_000}, "seed": 9, "scenario": {"id": "demo"},
    "organization": {"people": 12}, "sources": {"web": {"lines": 50}},
    "files": [{"path": "logs/web/web.1.log", "sha256": "b", "lines": 20, "head_lines": 1, "source": "web", "number": 1},
              {"path": "logs/web/web.0.log", "sha256": "a", "lines": 30, "head_lines": 0, "source": "web", "number": 0},
              {"path": "lookups/x.csv", "sha256": "c", "bytes": 3}]}


def labels() -> pd.DataFrame:
    """Two malicious lines and one of a hard negative."""
    return pd.DataFrame({
        "source": "web", "file": "logs/web/web.0.log", "line": [3, 4, 9], "offset": [0, 10, 90], "event_id": ["a", "b", ""],
        "t": [T + 1, T + 2, T + 5], "label": ["malicious", "malicious", "hard_negative"],
        "campaign_id": ["C-1", "C-1", ""], "step_id": ["try", "try", ""], "technique": ["T2", "T2", ""],
        "noise_id": ["", "", "N-1"]})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A dataset's truth and manifest."""
    (tmp_path / "truth").mkdir()
    labels().to_parquet(tmp_path / "truth" / "labels.parquet")
    campaigns(tmp_path, CAMPAIGN, UNLOGGED)
    (tmp_path / "truth" / "hard_negatives.jsonl").write_text(json.dumps(NOISE) + "\n")
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    return tmp_path


def campaigns(root: Path, *records: dict[str, object]) -> None:
    """Write campaigns.jsonl."""
    (root / "truth" / "campaigns.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))


def test_a_dataset_is_read(root: Path) -> None:
    """Campaigns with the steps that left lines, files in order, and those that nobody can see apart."""
    ground = read_ground(root)
    (campaign,) = ground.campaigns
    assert (campaign.campaign_id, campaign.weight, campaign.t_impact, campaign.path) == ("C-1", 0.5, None, ("wait", "try"))
    assert [(s.step_id, s.t0, s.n_events) for s in campaign.steps] == [("try", T + 1, 2)]
    assert ground.unlogged == ("C-2",)
    assert ground.hard_negatives[0].entities == {"user": ("root",)}
    assert [(f.name, f.lines, f.head_lines) for f in ground.files] == [
        ("logs/web/web.0.log", 30, 0), ("logs/web/web.1.log", 20, 1)]
    assert (ground.lines, ground.seed, ground.scenario, ground.people) == ({"web": 50}, 9, "demo", 12)
    assert ground.labels["line"].tolist() == [3, 4, 9]


def test_the_digest_names_logs_and_truth(root: Path) -> None:
    """Not the lookups, not the order of files; but any change of a log or of the truth."""
    digest = read_ground(root).digest
    assert digest.startswith("sha256:")
    assert len(digest) == 71
    other = {**MANIFEST, "files": [{**f, "sha256": "z"} if f["path"].startswith("lookups") else f
                                   for f in reversed(MANIFEST["files"])]}
    (root / "manifest.json").write_text(json.dumps(other))
    assert read_ground(root).digest == digest
    campaigns(root, {**CAMPAIGN, "weight": 1.0}, UNLOGGED)
    assert read_ground(root).digest != digest


def test_a_foreign_directory_needs_little(root: Path) -> None:
    """A window, labels and campaigns; what is not said is taken from the labels or left blank."""
    (root / "manifest.json").write_text(json.dumps({"start": T, "stop": T + 1000, "sources": {"web": 99}, "population": 5}))
    (root / "truth" / "hard_negatives.jsonl").unlink()
    labels().drop(columns=["offset", "event_id", "technique", "noise_id"]).to_parquet(root / "truth" / "labels.parquet")
    few = {k: CAMPAIGN[k] for k in ("campaign_id", "playbook", "t_onset", "t_end")}
    campaigns(root, {**few, "steps": [{"step_id": "try", "t0": T + 1, "t1": T + 2}]})
    ground = read_ground(root)
    assert (ground.lines, ground.files, ground.hard_negatives, ground.people) == ({"web": 99}, (), (), 5)
    assert (ground.campaigns[0].steps[0].n_events, ground.campaigns[0].weight) == (2, 1.0)


def spoiled_labels(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """Labels with something wrong."""
    return lambda root: change(labels()).to_parquet(root / "truth" / "labels.parquet")


def spoiled(**change: object) -> Callable[[Path], None]:
    """A campaign with something wrong."""
    return lambda root: campaigns(root, {**CAMPAIGN, **change})


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no manifest": (lambda r: (r / "manifest.json").unlink(), "is no dataset: it has no manifest.json"),
    "broken manifest": (lambda r: (r / "manifest.json").write_text("{"), "manifest.json: cannot be read"),
    "manifest of a list": (lambda r: (r / "manifest.json").write_text("[]"), "holds no JSON object"),
    "no window": (lambda r: (r / "manifest.json").write_text("{}"), "window: it must say when"),
    "window in seconds": (lambda r: (r / "manifest.json").write_text('{"window": {"start": 1768176000, "stop": 1768262400}}'),
                          "write microseconds"),
    "files of another shape": (lambda r: (r / "manifest.json").write_text(json.dumps({**MANIFEST, "files": ["x"]})),
                               r"files\[0\]: write"),
    "no labels": (lambda r: (r / "truth" / "labels.parquet").unlink(), "labels.parquet: missing"),
    "labels of text": (lambda r: (r / "truth" / "labels.parquet").write_text("x"), "cannot be read as Parquet"),
    "no column": (spoiled_labels(lambda f: f.drop(columns="step_id")), "has no column 'step_id'"),
    "lines of text": (spoiled_labels(lambda f: f.assign(line=["a", "b", "c"])), "column 'line' is .*, not whole numbers"),
    "unknown label": (spoiled_labels(lambda f: f.assign(label="malicous")), "row 1: unknown label 'malicous'; did you"),
    "line 0": (spoiled_labels(lambda f: f.assign(line=[3, 0, 9])), "row 2: line is below 1"),
    "labels in seconds": (spoiled_labels(lambda f: f.assign(t=f["t"] // 1_000_000)), "row 1: t is before 1973"),
    "whose line": (spoiled_labels(lambda f: f.assign(campaign_id=["C-1", "", ""])), "row 2: malicious, but no campaign_id"),
    "unknown campaign": (spoiled_labels(lambda f: f.assign(campaign_id=["C-9", "C-1", ""])), "campaign 'C-9' is not in"),
    "unknown step": (spoiled_labels(lambda f: f.assign(step_id=["tri", "try", ""])), "has no logged step 'tri'.*'try'"),
    "lines of the unlogged": (spoiled_labels(lambda f: f.assign(campaign_id=["C-2", "C-1", ""])), "t_onset .* is null"),
    "no campaigns": (lambda r: (r / "truth" / "campaigns.jsonl").unlink(), "campaigns.jsonl: missing"),
    "half a record": (lambda r: (r / "truth" / "campaigns.jsonl").write_text(json.dumps(CAMPAIGN) + '\n{"campaign_id": "C'),
                      r"campaigns.jsonl:2: record: Invalid JSON"),
    "no playbook": (lambda r: campaigns(r, {k: v for k, v in CAMPAIGN.items() if k != "playbook"}),
                    r"campaigns.jsonl:1: playbook: Field required"),
    "twice": (lambda r: campaigns(r, CAMPAIGN, CAMPAIGN), r"campaigns.jsonl:2: campaign_id: 'C-1' is there twice"),
    "no onset": (spoiled(t_onset=None), r":1: t_onset: null, but n_events is 2"),
    "ends first": (spoiled(t_end=T), r":1: t_end: before t_onset"),
    "onset in seconds": (spoiled(t_onset=1768176000), r":1: t_onset: .* write microseconds"),
    "weight": (spoiled(weight=0), r":1: weight: Input should be greater than 0"),
    "no step seen": (spoiled(steps=[CAMPAIGN["steps"][0]]), r":1: steps: none has a time"),
    "steps twice": (spoiled(steps=[CAMPAIGN["steps"][1]] * 2), r":1: steps: a step_id is there twice"),
    "entities": (spoiled(entities={"ip": "10.0.0.1"}), r":1: entities: write"),
    "noise": (lambda r: (r / "truth" / "hard_negatives.jsonl").write_text('{"noise_id": "N-1"}\n'),
              r"hard_negatives.jsonl:1: kind: Field required"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_malformed_is_said(root: Path, name: str) -> None:
    """One sentence with the file, the place and the remedy."""
    spoil, message = BAD[name]
    spoil(root)
    with pytest.raises(DataError, match=message):
        read_ground(root)


def test_no_directory(tmp_path: Path) -> None:
    """Says how to make one."""
    with pytest.raises(DataError, match="redgen generate"):
        read_ground(tmp_path / "none")
