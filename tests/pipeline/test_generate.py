"""Generate on the real parts: what a dataset holds besides its lines (``tests/holds`` judges lines and truth)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

import redgen
from redgen.dataset.dataset import Dataset
from redgen.pipeline import workers
from tests.pipeline.conftest import SMALL, contents, lines

SOURCES = ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns")


def test_every_source_and_label_is_there(small: Dataset) -> None:
    assert tuple(small.sources) == SOURCES
    assert all(s["lines"] > 100 for s in small.manifest["sources"].values())
    assert all(count > 0 for count in small.manifest["labels"].values())


def test_a_dataset_can_be_remade_from_itself(small: Dataset, tmp_path: Path) -> None:
    again = redgen.generate(small.path / "scenario.yaml", tmp_path / "out", jobs=1)
    assert contents(again) == contents(small)


def test_workers_that_share_no_memory_make_the_same(small: Dataset, tmp_path: Path, monkeypatch) -> None:
    """Where processes cannot fork, each builds the plan again from the request."""
    monkeypatch.setattr(workers.sys, "platform", "darwin")
    again = redgen.generate(SMALL, tmp_path / "out", jobs=2, settings=["shard=5h"])
    assert contents(again) == contents(small)


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
    for source in ("nginx_access", "okta_system", "zeek_dns"):
        said = inline.logs(source)["redgen.label"]
        assert (said != "benign").sum() == len(small.labels[small.labels["source"] == source])


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


def test_deliveries_to_s3_are_whole_documents(small: Dataset, tmp_path: Path) -> None:
    """Many small files, each one JSON document; labels count records inside them."""
    settings = ["sources={aws_cloudtrail: s3}", "output.compress=gzip"]
    made = redgen.generate(SMALL, tmp_path / "out", jobs=2, settings=settings)
    files = made.files("aws_cloudtrail")
    whole = [record for f in files for record in json.loads(gzip.decompress(f.path.read_bytes()))["Records"]]
    assert len(whole) == small.manifest["sources"]["aws_cloudtrail"]["lines"]
    labels = made.labels.set_index(["file", "line"])["event_id"].to_dict()
    for file in files:
        for number, text in file.records():
            event = labels.pop((file.name, number), None)
            assert event is None or json.loads(text)["eventID"] == event
    assert not labels
    assert len(made.logs("aws_cloudtrail")) == len(whole)


def test_event_order_is_strict(small: Dataset, tmp_path: Path) -> None:
    made = redgen.generate(SMALL, tmp_path / "out", jobs=2, settings=["output.order=event_time"])
    for source in SOURCES:
        assert lines(made, source) == lines(small, source)
        time = made.reader(source).time_of_line
        times = [time(x) for f in made.files(source) for _, x in f.records()]
        assert times == sorted(times), source


def test_the_dataset_in_pandas(small: Dataset) -> None:
    okta = small.logs("okta_system")
    assert {"file", "line", "eventType", "client.ipAddress"} <= set(okta.columns)
    merged = okta.merge(small.labels.astype({"file": str}), on=["file", "line"])
    assert (merged["uuid"] == merged["event_id"]).all()
    assert len(small.logs("zeek_conn")) == small.manifest["sources"]["zeek_conn"]["lines"]
    assert set(small.hard_negatives["kind"]) == {
        "password-manager-retry", "office-nat-egress", "travelling-user", "pentest-window"}
    assert redgen.load(small.path).manifest == small.manifest
    assert json.loads((small.path / "manifest.json").read_text()) == small.manifest


def test_generate_needs_no_place_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = redgen.generate(SMALL, settings=["window.duration=20m", "campaigns=[]", "hard_negatives=[]"])
    assert made.path == tmp_path / "redgen-small"
