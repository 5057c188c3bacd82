"""The same seed gives the same bytes, however the work is cut; another seed gives another day."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import redgen
from redgen.pipeline.dataset import Dataset
from redgen.pipeline.inputs import Request
from redgen.pipeline.plan import Plan, make_plan
from redgen.pipeline.shard import make_shard
from tests.holds.compare import common, extra, touched, unexplained
from tests.holds.conftest import SCENARIO
from tests.holds.reading import SOURCES, lines, texts


def contents(dataset: Dataset) -> dict[str, bytes]:
    return {p.relative_to(dataset.path).as_posix(): p.read_bytes()
            for p in sorted(dataset.path.rglob("*")) if p.is_file()}


def assert_same(left: Dataset, right: Dataset) -> None:
    mine, theirs = contents(left), contents(right)
    assert mine.keys() == theirs.keys()
    assert not [name for name in mine if mine[name] != theirs[name]]


@pytest.mark.parametrize(("jobs", "shard"), [(4, "35m"), (1, "3h"), (2, "25h")])
def test_neither_jobs_nor_shards_change_a_byte(day: Dataset, tmp_path: Path, jobs: int, shard: str) -> None:
    assert_same(day, redgen.generate(SCENARIO, tmp_path / "out", jobs=jobs, settings=[f"shard={shard}"]))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Request(str(SCENARIO), ("shard=1h",)))


@pytest.mark.parametrize("shard", [9, 2, 0])
def test_a_shard_made_alone_is_its_part_of_the_whole(day: Dataset, plan: Plan, shard: int) -> None:
    """Made out of order, with no other shard before it, it gives exactly the bytes that stand in the files."""
    for made in make_shard(plan.work, shard):
        whole = (day.path / made.outlet.path(0)).read_bytes()
        (chunk,) = made.written.chunks
        part = b"".join(bytes(blob) for blob in chunk.blobs)
        assert part.count(b"\n") == chunk.lines > 0
        assert whole.count(part) == 1, made.outlet.name


def test_an_odd_slice_is_its_part_too(day: Dataset, plan: Plan) -> None:
    """Borders that no scenario would give: seventeen minutes and some microseconds."""
    start = plan.work.layout.window.start + 7 * 3_600_000_000 + 123_457
    layout, number = plan.work.layout.alone(start, start + 17 * 60_000_000 + 1)
    alone = type(plan.work)(layout, plan.work.happenings, plan.work.outlets, plan.work.codes)
    for made in make_shard(alone, number):
        (chunk,) = made.written.chunks
        part = b"".join(bytes(blob) for blob in chunk.blobs)
        assert (day.path / made.outlet.path(0)).read_bytes().count(part) == 1, made.outlet.name


def test_another_seed_is_another_day(day: Dataset, tmp_path: Path) -> None:
    """Other people, other addresses, other times; the same kind of place."""
    again = redgen.generate(SCENARIO, tmp_path / "out", jobs=1, seed=22)
    names = [{row["login"] for row in csv.DictReader((d.path / "lookups" / "identities.csv").open())}
             for d in (day, again)]
    assert len(names[0] & names[1]) < 0.25 * len(names[0])
    for source in SOURCES:
        one, two = (set(lines(d, source)["text"]) for d in (day, again))
        assert len(one & two) < 0.01 * len(one), source
    for source in ("zeek_conn", "zeek_dns", "okta_system"):
        one, two = (set(lines(d, source)["t"]) for d in (day, again))
        assert len(one & two) < 0.01 * len(one), f"{source}: the same moments"
    for column in ("t_onset", "t_end"):
        assert not set(day.campaigns[column].dropna()) & set(again.campaigns[column].dropna())
    attackers = [{ip for e in d.campaigns["entities"] for ip in e["attacker"].get("ip", ())} for d in (day, again)]
    assert len(attackers[0] & attackers[1]) < 0.02 * len(attackers[0])


@pytest.mark.parametrize("source", SOURCES)
def test_the_clean_twin_is_the_day_without_its_campaigns(day: Dataset, clean: Dataset, source: str) -> None:
    """Every line that is neither malicious nor collateral stands in both, in the same order; what the twin has more
    belongs to clients whose lines the campaigns' effects changed."""
    whole = lines(day, source)
    kept = whole[whole["label"].isin(["benign", "hard_negative"])]
    twin = texts(clean, source)
    mine, theirs = common(list(kept["text"]), twin)
    assert len(mine) == len(kept), f"lines the twin lacks: {extra(kept, twin)['text'].head(3).tolist()}"
    assert mine == theirs, "the order differs"
    hit = touched(day, set(day.campaigns["campaign_id"]))
    assert not unexplained(extra(lines(clean, source), kept["text"]), hit)
