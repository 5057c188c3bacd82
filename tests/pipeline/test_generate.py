"""Generate, on the real parts: determinism, isolation, truth that equals the logs, accounting."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import redgen
from redgen.clock import MINUTE, SECOND, parse_time
from redgen.pipeline.dataset import Dataset
from tests.pipeline.conftest import SMALL, contents, lines, places

SOURCES = ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns")


def other(tmp_path: Path, spec: dict[str, Any], **more: Any) -> Dataset:
    file = tmp_path / "scenario.yaml"
    file.write_text(yaml.safe_dump(spec))
    return redgen.generate(file, tmp_path / "out", jobs=1, **more)


def told(dataset: Dataset, source: str) -> Any:
    """A function from a line's text to its time, in µs."""
    reader = dataset.reader(source)
    reader.near = dataset.manifest["window"]["start"]
    return reader.time_of_line


def test_every_source_and_label_is_there(small: Dataset) -> None:
    assert tuple(small.sources) == SOURCES
    assert all(s["lines"] > 100 for s in small.manifest["sources"].values())
    assert all(count > 0 for count in small.manifest["labels"].values())


def test_jobs_and_shards_change_no_byte(small: Dataset, tmp_path: Path) -> None:
    again = redgen.generate(SMALL, tmp_path / "out", jobs=3, settings=["shard=50m"])
    assert contents(again) == contents(small)


def test_a_dataset_can_be_remade_from_itself(small: Dataset, tmp_path: Path) -> None:
    again = redgen.generate(small.path / "scenario.yaml", tmp_path / "out", jobs=1)
    assert contents(again) == contents(small)


def test_another_seed_gives_other_people_and_times(small: Dataset, tmp_path: Path) -> None:
    again = redgen.generate(SMALL, tmp_path / "out", jobs=2, seed=12)
    assert again.manifest["seed"] == 12
    for source in SOURCES:
        same = lines(small, source) & lines(again, source)
        assert same.total() < 0.02 * lines(small, source).total(), source
    victims = [set(d.campaigns.loc[2, "entities"]["victim"].get("user", [])) for d in (small, again)]
    assert victims[0] != victims[1]
    assert (small.campaigns["t_onset"] != again.campaigns["t_onset"]).any()


def test_the_clean_twin_has_the_same_benign_lines(small: Dataset, tmp_path: Path) -> None:
    clean = redgen.generate(SMALL, tmp_path / "out", jobs=1, clean=True)
    assert not len(clean.campaigns)
    assert clean.manifest["labels"]["malicious"] == clean.manifest["labels"]["collateral"] == 0
    assert clean.manifest["labels"]["hard_negative"] == small.manifest["labels"]["hard_negative"]
    touched = places(small, label="malicious") | places(small, label="collateral")
    for source in SOURCES:
        assert not lines(small, source, touched) - lines(clean, source), source


@pytest.mark.parametrize("index", range(6))
def test_removing_a_campaign_changes_nothing_else(
    small: Dataset, tmp_path: Path, spec: dict[str, Any], index: int
) -> None:
    """Lines that are not the campaign's stay; lines it suppressed come back only where its effects held."""
    gone = spec["campaigns"][index]["playbook"]
    without = other(tmp_path, {**spec, "campaigns": [c for k, c in enumerate(spec["campaigns"]) if k != index]})
    ids = set(small.campaigns.loc[small.campaigns["playbook"] == gone, "campaign_id"])
    touched = set().union(*(places(small, campaign_id=i) for i in ids))
    effects = small.effects[small.effects["campaign_id"].isin(ids)] if len(small.effects) else small.effects
    spans = [(e.t0 - SECOND, e.t1 + 40 * MINUTE) for e in effects.itertuples()]
    for source in SOURCES:
        assert not lines(small, source, touched) - lines(without, source), f"{gone} changed lines of {source}"
        time = told(small, source)
        for text in lines(without, source) - lines(small, source, touched):
            assert any(a <= time(text) < b for a, b in spans), f"{gone} suppressed a line of {source}: {text}"


def test_changing_a_campaign_changes_only_itself(small: Dataset, tmp_path: Path, spec: dict[str, Any]) -> None:
    changed = [dict(c) for c in spec["campaigns"]]
    changed[2]["with"] = {"harvest": 500}
    again = other(tmp_path, {**spec, "campaigns": changed})
    ids = set(small.campaigns.loc[small.campaigns["playbook"] == "api-bola-enumeration", "campaign_id"])
    for source in SOURCES:
        mine = [set().union(*(places(d, campaign_id=i) for i in ids)) for d in (small, again)]
        assert lines(small, source, mine[0]) == lines(again, source, mine[1]), source


def test_labels_name_lines_that_exist(small: Dataset) -> None:
    """File, line, offset, time and native id agree with what stands there."""
    for (source, name), some in small.labels.groupby(["source", "file"], observed=True):
        raw = (small.path / str(name)).read_bytes()
        starts = np.concatenate([[0], np.flatnonzero(np.frombuffer(raw, dtype=np.uint8) == 10) + 1])
        assert (starts[some["line"] - 1] == some["offset"]).all()
        texts = [raw[a : raw.index(b"\n", a)].decode() for a in some["offset"]]
        time = told(small, str(source))
        assert all(0 <= t - time(x) < 1.01 * SECOND for t, x in zip(some["t"], texts, strict=True)), source
        ids = {"okta_system": '"uuid":"{}"', "aws_cloudtrail": '"eventID":"{}"'}.get(str(source))
        if ids:
            assert all(ids.format(e) in x for e, x in zip(some["event_id"], texts, strict=True))


def test_inline_labels_say_the_same(small: Dataset, tmp_path: Path) -> None:
    """Labels inside the lines and labels beside them are two independent ways of saying the same."""
    inline = redgen.generate(SMALL, tmp_path / "out", jobs=1, settings=["output.inline_labels=true"])
    for source in SOURCES:
        for file, bare in zip(inline.files(source), small.files(source), strict=True):
            marked = Counter()
            for (number, text), (_, plain) in zip(file.records(), bare.records(), strict=True):
                stem = plain.removesuffix("}")
                assert text.startswith(stem)
                label = next(w for w in ("malicious", "hard_negative", "collateral", "benign") if w in text[len(stem):])
                if label != "benign":
                    marked[number] += 1
            labels = small.labels[small.labels["file"] == bare.name]
            assert set(marked) == set(labels["line"]), source
            assert max(marked.values(), default=1) == 1


def test_campaign_times_and_counts_are_those_of_the_logs(small: Dataset) -> None:
    """Everything campaigns.jsonl says about times and counts, computed again from the lines that labels point to."""
    labels = small.labels[small.labels["label"] == "malicious"].copy()
    times: dict[tuple[str, int], int] = {}
    for source in SOURCES:
        time = told(small, source)
        wanted = places(small, source=source, label="malicious")
        for file in small.files(source):
            times |= {(file.name, n): time(x) for n, x in file.records() if (file.name, n) in wanted}
    labels["logged"] = [times[f, n] for f, n in zip(labels["file"].astype(str), labels["line"], strict=True)]
    for campaign in small.campaigns.to_dict("records"):
        own = labels[labels["campaign_id"] == campaign["campaign_id"]]
        assert len(own) == campaign["n_events"] == sum(s["n_events"] for s in campaign["steps"]) > 0
        assert own.groupby("source", observed=True).size().to_dict() == campaign["sources"]
        assert near(campaign["t_onset"], own["logged"].min())
        assert near(campaign["t_end"], own["logged"].max())
        for step in campaign["steps"]:
            part = own[own["step_id"] == step["step_id"]]
            assert part.groupby("source", observed=True).size().to_dict() == step["sources"]
            if len(part):
                assert near(pd.Timestamp(step["t0"], unit="us", tz="UTC"), part["logged"].min())
                assert near(pd.Timestamp(step["t1"], unit="us", tz="UTC"), part["logged"].max())
    reached = small.campaigns[small.campaigns["t_impact"].notna()]
    assert len(reached)
    assert (reached["t_impact"] >= reached["t_onset"]).all()
    assert (reached["t_impact"] <= reached["t_end"]).all()


def near(stamp: pd.Timestamp, logged: int) -> bool:
    """Whether a logged time is a stamp, rounded down to at most a second."""
    return 0 <= stamp.value // 1000 - logged < 1.01 * SECOND


def test_every_line_is_accounted_for(small: Dataset) -> None:
    for source, count in small.manifest["accounting"].items():
        on_disk = sum(1 for file in small.files(source) for _ in file.records())
        assert count["planned"] == count["observed"] == count["lines"] == on_disk
        assert sum(part["lines"] for part in count["by"].values()) == on_disk
        labelled = small.labels[small.labels["source"] == source]
        assert count["lines"] - small.manifest["sources"][source]["labels"]["benign"] == len(labelled)


def test_the_manifest_lists_every_file(small: Dataset) -> None:
    files = {f["path"]: f for f in small.manifest["files"]}
    on_disk = contents(small)
    assert set(files) == set(on_disk) - {"manifest.json"}
    for name, raw in on_disk.items():
        if name != "manifest.json":
            assert files[name]["sha256"] == hashlib.sha256(raw).hexdigest()
            assert files[name]["bytes"] == len(raw)


def test_parquet_holds_the_same_records(small: Dataset, tmp_path: Path) -> None:
    made = redgen.generate(SMALL, tmp_path / "out", jobs=2, settings=["output.parquet=true", "output.compress=zstd"])
    for source in SOURCES:
        rows = pq.read_table(made.path / "parquet" / source)
        assert len(rows) == small.manifest["sources"][source]["lines"]
        assert rows.column_names == list(made.manifest["sources"][source]["columns"])
        assert lines(made, source) == lines(small, source)


def test_sensor_faults_are_declared_and_counted(small: Dataset, tmp_path: Path, spec: dict[str, Any]) -> None:
    faults = {"okta_system": {"loss": 0.1}, "nginx_access": {"duplicates": 0.05, "skew": "-3s"}, "zeek_dns": {}}
    made = other(tmp_path, {**spec, "sources": faults})
    count = made.manifest["accounting"]["okta_system"]
    assert count["planned"] == small.manifest["accounting"]["okta_system"]["planned"]
    assert count["lines"] == count["planned"] - count["lost"]
    assert 0.07 < count["lost"] / count["planned"] < 0.13
    assert made.manifest["sources"]["okta_system"]["sensor"]["loss"] == 0.1
    assert made.manifest["sources"]["nginx_access"]["sensor"]["skew_us"] == -3_000_000
    assert not lines(made, "okta_system") - lines(small, "okta_system")
    assert lines(made, "zeek_dns") == lines(small, "zeek_dns")


def test_event_order_is_strict(small: Dataset, tmp_path: Path) -> None:
    made = redgen.generate(SMALL, tmp_path / "out", jobs=2, settings=["output.order=event_time"])
    for source in SOURCES:
        assert lines(made, source) == lines(small, source)
        time = told(made, source)
        times = [time(x) for f in made.files(source) for _, x in f.records()]
        assert times == sorted(times), source


def test_the_dataset_in_pandas(small: Dataset) -> None:
    okta = small.logs("okta_system")
    assert {"file", "line", "eventType", "client.ipAddress"} <= set(okta.columns)
    merged = okta.merge(small.labels, on=["file", "line"])
    assert (merged["uuid"] == merged["event_id"]).all()
    assert len(small.logs("zeek_conn")) == small.manifest["sources"]["zeek_conn"]["lines"]
    assert set(small.hard_negatives["kind"]) == {
        "password-manager-retry", "office-nat-egress", "travelling-user", "pentest-window"}
    assert redgen.load(small.path).manifest == small.manifest
    assert json.loads((small.path / "manifest.json").read_text()) == small.manifest
