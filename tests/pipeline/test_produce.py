"""The engine on stand-ins: the same bytes for any cut of time and any number of workers; exact labels; resuming."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zstandard

from redgen.clock import DAY, HOUR, MINUTE, SECOND
from redgen.errors import PluginError, SinkError
from redgen.pipeline.labels import write_labels
from redgen.pipeline.ledger import Ledger
from redgen.pipeline.produce import produce
from redgen.pipeline.staging import open_staging
from redgen.shards.sensors import Sensor
from redgen.shards.shard import ShardPlan, make_shard
from redgen.truth import Cause
from tests.shards.doubles import START, Slow, tiny_plan

CAUSES = [Cause("benign"), Cause("malicious", "C-0001", "staged", "T1110"), Cause("malicious", "C-0001", "volley")]


def make(plan: ShardPlan, target: Path, jobs: int = 1) -> Ledger:
    """A bare dataset: logs and labels."""
    with open_staging(target, "digest") as staging:
        ledger, _ = produce(plan, lambda: plan, staging, jobs=jobs)
        write_labels(staging.path / "labels.parquet", staging.path, ledger, CAUSES)
        shutil.rmtree(staging.path / "marks")
        (staging.path / "manifest.json").write_text('{"files": []}')
        staging.promote(force=False)
    return ledger


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("reference") / "out"
    make(tiny_plan(), target)
    return target


@pytest.mark.parametrize(("shard", "jobs"), [(None, 3), (20 * MINUTE, 1), (5 * HOUR, 2), (3 * DAY, 1)])
def test_neither_shards_nor_jobs_change_a_byte(reference: Path, tmp_path: Path, shard: int | None, jobs: int) -> None:
    make(tiny_plan(shard=shard), tmp_path / "out", jobs)
    assert contents(tmp_path / "out") == contents(reference)


def test_another_seed_gives_other_lines(reference: Path, tmp_path: Path) -> None:
    make(tiny_plan(seed=4), tmp_path / "out")
    assert contents(tmp_path / "out")["logs/quick/quick.0.log"] != contents(reference)["logs/quick/quick.0.log"]


def test_without_the_attack_the_benign_lines_stay(reference: Path, tmp_path: Path) -> None:
    make(tiny_plan(attack=False), tmp_path / "out")
    labels = pd.read_parquet(reference / "labels.parquet")
    for n in range(4):
        name = f"logs/quick/quick.{n}.log"
        lines = (reference / name).read_text().splitlines()
        marked = set(labels.loc[labels.file == name, "line"])
        clean = (tmp_path / "out" / name).read_text().splitlines()
        assert [x for k, x in enumerate(lines, 1) if k not in marked] == clean


def test_files_rotate_and_are_ordered_by_writing(reference: Path) -> None:
    names = [f"quick.{n}.log" for n in range(4)]
    assert sorted(p.name for p in (reference / "logs/quick").iterdir()) == names
    times = [x.split()[0] for n in names for x in (reference / "logs/quick" / n).read_text().splitlines()]
    assert times == sorted(times)
    slow = (reference / "logs/slow/slow.3.log").read_text().splitlines()
    assert (slow[0], slow[-1]) == ("#opened", "#closed")
    assert slow[2:-1] == sorted(slow[2:-1], key=lambda x: x.split()[0])
    assert slow[-2].split()[0] > "2026-01-13", "what is written after the window belongs to the last file"


def test_envelopes_stay_whole(reference: Path, tmp_path: Path) -> None:
    make(tiny_plan(compression="gzip", shard=30 * MINUTE), tmp_path / "out")
    for n in range(4):
        plain = json.loads((reference / f"logs/wrapped/wrapped.{n}.json").read_text())
        packed = json.loads(gzip.decompress((tmp_path / "out" / f"logs/wrapped/wrapped.{n}.json.gz").read_bytes()))
        assert plain == packed
        assert len(plain["Records"]) > 1000


def test_labels_point_at_their_lines(reference: Path) -> None:
    labels = pd.read_parquet(reference / "labels.parquet")
    assert set(labels.source) == {"quick", "slow", "wrapped"}
    assert (labels.groupby("source", observed=True).size()).to_dict() == {"quick": 6300, "slow": 12450, "wrapped": 6300}
    for name, some in labels.groupby("file", observed=True):
        raw = (reference / str(name)).read_bytes()
        lines = raw.splitlines(keepends=True)
        starts = np.cumsum([0, *(len(x) for x in lines)])
        if some.source.iloc[0] == "slow":
            assert (starts[some.line - 1] == some.offset).all()
            assert all(lines[k - 1].split()[2].decode() == e for k, e in zip(some.line, some.event_id, strict=True))
            told = [Slow(None).time_of_line(lines[k - 1].decode()) for k in some.line]
            assert told == some.t.tolist()
        elif some.source.iloc[0] == "wrapped":
            records = json.loads(raw)["Records"]
            for line, offset, t in zip(some.line, some.offset, some.t, strict=True):
                assert records[line - 1]["t"] == t
                assert raw[offset : offset + 4] == b'{"t"'
    assert labels.loc[labels.source == "quick", ["file", "line"]].apply(tuple, axis=1).is_monotonic_increasing


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files_hold_the_same_whatever_the_shards(
    reference: Path, tmp_path: Path, compression: str
) -> None:
    make(tiny_plan(compression=compression), tmp_path / "a", 2)
    make(tiny_plan(compression=compression, shard=DAY), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for n in range(4):
        raw = (tmp_path / f"a/logs/slow/slow.{n}.log.{'gz' if compression == 'gzip' else 'zst'}").read_bytes()
        plain = gzip.decompress(raw) if compression == "gzip" else (
            zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read())
        assert plain == (reference / f"logs/slow/slow.{n}.log").read_bytes()
    a, b = pd.read_parquet(tmp_path / "a/labels.parquet"), pd.read_parquet(reference / "labels.parquet")
    assert (a.drop(columns="file") == b.drop(columns="file")).all().all()


def test_any_shard_alone_is_the_same(reference: Path) -> None:
    plan = tiny_plan(shard=3 * HOUR)
    quick, slow, _ = make_shard(plan, 2)
    whole = (reference / "logs/quick/quick.0.log").read_bytes() + (reference / "logs/quick/quick.1.log").read_bytes()
    made = b"".join(bytes(b) for c in quick.written.chunks for b in c.blobs)
    assert made in whole
    assert len(slow.written.chunks) == 2, "the shard spans a rotation"


def test_event_order_sorts_strictly(tmp_path: Path) -> None:
    plans = [tiny_plan(by_event_time=True, shard=s) for s in (HOUR, None)]
    for k, plan in enumerate(plans):
        make(plan, tmp_path / str(k))
    assert contents(tmp_path / "0") == contents(tmp_path / "1")
    times = [x.split()[1] for n in range(4) for x in (tmp_path / f"0/logs/slow/slow.{n}.log").read_text().splitlines()
             if x[0] != "#"]
    assert times == sorted(times)


def test_sensors_lose_double_delay_and_count(tmp_path: Path) -> None:
    sensor = Sensor(latency=10 * SECOND, loss=0.05, duplicates=0.02, skew=-90 * SECOND)
    ledger = make(tiny_plan(sensor=sensor), tmp_path / "a")
    make(tiny_plan(sensor=sensor, shard=40 * MINUTE), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    planned, observed, lost, doubled, lines = ledger.tallies[0].counts.sum(axis=0).tolist()
    assert planned == observed == pytest.approx(288 * 40 + 6300, rel=0.01)
    assert 0.04 < lost / planned < 0.06
    assert 0.015 < doubled / planned < 0.025
    assert lines == observed - lost + doubled == sum(
        p.read_bytes().count(b"\n") for p in (tmp_path / "a/logs/quick").iterdir())
    first = min(x.split()[0] for x in (tmp_path / "a/logs/quick/quick.0.log").read_text().splitlines())
    assert "2026-01-11T23:58:30" < first < "2026-01-11T23:58:45"


def test_a_source_that_breaks_its_word_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "fanout", lambda *_: np.ones(len(_[2]), dtype=np.int32))
    with pytest.raises(PluginError, match="slow: planned"):
        make(tiny_plan(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["nothing", "torn journal", "torn file", "lost file"])
def test_a_killed_run_goes_on(reference: Path, tmp_path: Path, damage: str) -> None:
    plan = tiny_plan()
    target = tmp_path / "out"
    staging = open_staging(target, "digest")

    def stop(progress: Any) -> None:
        if progress.shards == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce(plan, lambda: plan, staging, jobs=2, watch=stop)
    staging.close()
    assert not target.exists()
    journal, log = staging.path / "journal.jsonl", staging.path / "logs/slow/slow.0.log"
    assert len(journal.read_text().splitlines()) == 4
    if damage == "torn journal":
        journal.write_bytes(journal.read_bytes()[:-30])
    elif damage == "torn file":
        with log.open("r+b") as stream:
            stream.seek(90_000)
            stream.write(b"garbage")
    elif damage == "lost file":
        log.unlink()
    made: list[int] = []
    staging = open_staging(target, "digest")
    produce(plan, lambda: plan, staging, jobs=1, watch=lambda p: made.append(p.shards))
    left = plan.layout.shards - {"nothing": 3, "torn journal": 2}.get(damage, 0)
    assert len(made) == left + 1 or damage == "torn file"
    staging.close()
    for name, raw in contents(reference).items():
        if name.startswith("logs"):
            assert (staging.path / name).read_bytes() == raw


def test_another_plan_starts_clean(reference: Path, tmp_path: Path) -> None:
    other = tiny_plan(seed=9)
    staging = open_staging(tmp_path / "out", "other")
    produce(other, lambda: other, staging, jobs=1)
    staging.close()
    make(tiny_plan(), tmp_path / "out")
    assert contents(tmp_path / "out") == contents(reference)


def test_a_worker_that_dies_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tiny_plan()
    parent = os.getpid()
    before = Slow.observe

    def die(self: Slow, activity: Any) -> Any:
        if os.getpid() != parent:
            os._exit(9)
        return before(self, activity)

    monkeypatch.setattr(Slow, "observe", die)
    staging = open_staging(tmp_path / "out", "digest")
    with pytest.raises(SinkError, match="worker process died"):
        produce(plan, lambda: plan, staging, jobs=2)
    staging.close()
