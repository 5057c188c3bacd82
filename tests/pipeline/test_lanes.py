"""A product that keeps lanes apart: CloudTrail's trail delivers a file per account, region and five minutes."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import redgen
from redgen.clock import MINUTE
from redgen.dataset.dataset import Dataset
from redgen.dataset.explain import explain
from tests.pipeline.conftest import contents

SCENARIO = """
id: lanes
seed: 3
window: {start: 2026-01-12T07:00:00Z, duration: 3h}
baseline: [saas-workforce]
world: {scale: {employees: 60}}
campaigns: [{playbook: api-leaked-aws-key, count: 2, with: {loot: 60}, start: {at: 10m}}]
sources: {aws_cloudtrail: {format: s3}}
"""
KEY = re.compile(r"logs/aws_cloudtrail/AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/2026/01/12/"
                 r"\1_CloudTrail_\2_(20260112T\d{4}Z)_[A-Za-z0-9]{16}\.json")


def made(folder: Path, *settings: str, jobs: int = 1) -> Dataset:
    (folder / "lanes.yaml").write_text(SCENARIO)
    return redgen.generate(folder / "lanes.yaml", folder / "out", jobs=jobs, settings=settings)


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return made(tmp_path_factory.mktemp("lanes"), "shard=30m")


def delivered(dataset: Dataset, name: str) -> list[dict[str, Any]]:
    return json.loads((dataset.path / name).read_bytes())["Records"]


def test_files_stand_where_a_trail_puts_them(trail: Dataset) -> None:
    """One account and region each, stamped with their delivery, after all they hold; none empty, none twice."""
    accounts, unsorted = set(), 0
    for file in trail.files("aws_cloudtrail"):
        key = KEY.fullmatch(file.name)
        assert key, file.name
        records = delivered(trail, file.name)
        assert len(records) == file.lines > 0
        assert {(r["recipientAccountId"], r["awsRegion"]) for r in records} == {(key[1], key[2])}
        times = pd.to_datetime([r["eventTime"] for r in records])
        lag = (pd.Timestamp(key[3]) - times).total_seconds()
        assert pd.Timestamp(key[3]).minute % 5 == 0 and lag.min() >= 0 and lag.max() <= 9 * 60 + 1
        unsorted += not times.is_monotonic_increasing
        accounts.add(key[1])
    assert len(accounts) == 2 and unsorted > len(trail.files()) / 2
    stamps = [file.name for file in trail.files()]
    assert len(set(stamps)) == len(stamps) > 60
    assert any(s > "20260112T1000Z" for s in (KEY.fullmatch(name)[3] for name in stamps)), "it goes on after the window"


def test_nothing_else_is_there(trail: Dataset) -> None:
    there = {p.relative_to(trail.path).as_posix() for p in (trail.path / "logs").rglob("*") if p.is_file()}
    assert there == {file.name for file in trail.files()}


def test_labels_point_into_their_files(trail: Dataset) -> None:
    assert len(trail.labels) > 20 and trail.labels["file"].nunique() > 3
    for name, some in trail.labels.groupby("file", observed=True):
        records, raw = delivered(trail, str(name)), (trail.path / str(name)).read_bytes()
        for line, offset, event in zip(some.line, some.offset, some.event_id, strict=True):
            assert records[line - 1]["eventID"] == event
            assert json.JSONDecoder().raw_decode(raw[offset:].decode())[0] == records[line - 1]


@pytest.mark.parametrize("settings", [["shard=20m"], ["shard=3h"], ["output.rotate=1m", "shard=50m"]])
def test_shards_and_jobs_change_nothing(trail: Dataset, tmp_path: Path, settings: list[str]) -> None:
    again = made(tmp_path, *settings, jobs=2)
    logs = [{k: v for k, v in contents(d).items() if k.startswith(("logs", "truth"))} for d in (trail, again)]
    assert logs[0] == logs[1]


def test_compressed_they_hold_the_same(trail: Dataset, tmp_path: Path) -> None:
    packed = made(tmp_path, "output.compress=gzip")
    assert [f.name for f in packed.files()] == [f"{f.name}.gz" for f in trail.files()]
    for mine, plain in zip(packed.files(), trail.files(), strict=True):
        assert gzip.decompress(mine.path.read_bytes()) == plain.path.read_bytes()


def test_a_line_can_be_explained(trail: Dataset) -> None:
    """Made again alone, a line of the middle of a file is the one that stands there."""
    label = trail.labels.iloc[len(trail.labels) // 2]
    told = explain(trail, f"{label.file}:{label.line}")
    assert json.loads(told.text)["eventID"] == label.event_id
    assert dict(told.facts)["label"] == "malicious" and dict(told.facts)["campaign"].startswith(label.campaign_id)
    quiet = trail.files()[-1]
    record = json.loads(explain(trail, f"{quiet.name}:1").text)
    assert record == delivered(trail, quiet.name)[0]


def test_an_interrupted_run_goes_on(trail: Dataset, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def watch(progress: Any) -> None:
        if progress.shards == 3:
            raise Stop

    (tmp_path / "lanes.yaml").write_text(SCENARIO)
    how = {"jobs": 1, "settings": ["shard=30m"]}
    with pytest.raises(Stop):
        redgen.generate(tmp_path / "lanes.yaml", tmp_path / "out", watch=watch, **how)
    assert (tmp_path / "out.partial").exists()
    assert contents(redgen.generate(tmp_path / "lanes.yaml", tmp_path / "out", **how)) == contents(trail)


def test_strictly_by_time_within_a_file(tmp_path: Path) -> None:
    ordered = made(tmp_path, "output.order=event_time", "output.parquet=true")
    for file in ordered.files():
        times = [r["eventTime"] for r in delivered(ordered, file.name)]
        assert times == sorted(times)
        assert 0 <= (pd.Timestamp(KEY.fullmatch(file.name)[3]) - pd.Timestamp(times[-1])).value // 1000 <= 5 * MINUTE
    columns = [f for f in ordered.manifest["files"] if f["path"].startswith("parquet/")]
    assert sum(f["rows"] for f in columns) == sum(file.lines for file in ordered.files())
