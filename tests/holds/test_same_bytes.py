"""The same seed gives the same bytes, however the work is cut; another seed gives another day."""

from __future__ import annotations

import pandas as pd
import pytest

import redgen
from redgen.dataset.dataset import Dataset
from redgen.shards.inputs import Request
from redgen.shards.plan import Plan, make_plan
from redgen.shards.shard import make_shard
from tests.holds.compare import Touched, difference
from tests.holds.conftest import SCENARIO, Make
from tests.holds.reading import SOURCES, columns, marked, raw, read


def assert_same(left: Dataset, right: Dataset) -> None:
    mine, theirs = ({p.relative_to(d.path).as_posix(): p for p in d.path.rglob("*") if p.is_file()}
                    for d in (left, right))
    assert mine.keys() == theirs.keys()
    assert not [name for name in mine if mine[name].read_bytes() != theirs[name].read_bytes()]


@pytest.mark.parametrize(("jobs", "shard"), [(4, "35m"), (1, "3h"), (2, "25h")])
def test_neither_jobs_nor_shards_change_a_byte(day: Dataset, make: Make, jobs: int, shard: str) -> None:
    assert_same(day, make(jobs=jobs, settings=[f"shard={shard}"]))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Request(str(SCENARIO), ("shard=1h",)))


def test_a_shard_made_alone_is_its_part_of_the_whole(day: Dataset, plan: Plan) -> None:
    """Made out of order, with no other shard before it, it gives exactly the bytes that stand in the files."""
    for shard in (9, 2, 0):
        for made in make_shard(plan.work, shard):
            (chunk,) = made.written.chunks
            part = b"".join(bytes(blob) for blob in chunk.blobs)
            assert part.count(b"\n") == chunk.lines > 0
            assert (day.path / made.outlet.path(0)).read_bytes().count(part) == 1, made.outlet.name


def test_an_odd_slice_is_its_part_too(day: Dataset, plan: Plan) -> None:
    """Borders that no scenario would give: seventeen minutes and some microseconds."""
    start = plan.work.layout.window.start + 7 * 3_600_000_000 + 123_457
    layout, number = plan.work.layout.alone(start, start + 17 * 60_000_000 + 1)
    alone = type(plan.work)(layout, plan.work.happenings, plan.work.outlets, plan.work.codes)
    for made in make_shard(alone, number):
        (chunk,) = made.written.chunks
        part = b"".join(bytes(blob) for blob in chunk.blobs)
        assert (day.path / made.outlet.path(0)).read_bytes().count(part) == 1, made.outlet.name


def test_another_seed_is_another_day(day: Dataset, make: Make) -> None:
    """Other people, other attackers, other times; only what comes with the baselines (partners, names) is the same."""
    again = make(seed=22)
    people = [pd.read_csv(d.path / "lookups" / "identities.csv") for d in (day, again)]
    logins = [set(p.loc[p["kind"] == "customer", "login"]) for p in people]
    assert len(logins[0] & logins[1]) < 0.02 * len(logins[0])
    for source in SOURCES:
        one, two = (set(raw(d, source)[1]) for d in (day, again))
        assert len(one & two) < 0.01 * len(one), source
    for source in ("zeek_conn", "zeek_dns", "okta_system"):
        one, two = ({read(source, x, columns(d, source))["t"] for x in raw(d, source)[1]} for d in (day, again))
        assert len(one & two) < 0.01 * len(one), f"{source}: the same moments"
    for column in ("t_onset", "t_end"):
        assert not set(day.campaigns[column].dropna()) & set(again.campaigns[column].dropna())
    attackers = [{ip for e in d.campaigns["entities"] for ip in e["attacker"].get("ip", ())} for d in (day, again)]
    assert len(attackers[0] & attackers[1]) < 0.1 * len(attackers[0])  # mobile carriers have few exits


@pytest.mark.parametrize("source", SOURCES)
def test_the_clean_twin_is_the_day_without_its_campaigns(day: Dataset, clean: Dataset, source: str) -> None:
    """Every line that is neither malicious nor collateral stands in both, in the same order; what the twin has more
    belongs to clients whose lines the campaigns' effects changed."""
    not_mine = marked(day, source, label={"malicious", "collateral"})
    kept = [text for place, text in zip(*raw(day, source), strict=True) if place not in not_mine]
    found = difference(kept, raw(clean, source)[1])
    assert not found.left, "lines that the twin lacks"
    assert found.same_order
    if found.right:
        assert not Touched(day, day.campaigns["campaign_id"]).leaves(source, found.right)
