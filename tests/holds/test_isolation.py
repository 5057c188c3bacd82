"""One campaign more, less or different changes nothing that it, or its declared effects, did not touch."""

from __future__ import annotations

from typing import Any

import pytest

from redgen.dataset.dataset import Dataset
from tests.holds.compare import Touched, difference, others
from tests.holds.conftest import Change, Vary
from tests.holds.reading import SOURCES, raw


def entry(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in [*spec["campaigns"], *spec["hard_negatives"]] if name in (c.get("id"), c.get("kind")))


def one_less(name: str) -> Change:
    return lambda spec: entry(spec, name).update(count=entry(spec, name).get("count", 1) - 1)


def one_more(name: str) -> Change:
    return lambda spec: entry(spec, name).update(count=entry(spec, name).get("count", 1) + 1)


def gone(name: str) -> Change:
    return lambda spec: spec["campaigns"].remove(entry(spec, name))


def other(name: str, **values: Any) -> Change:
    return lambda spec: entry(spec, name)["with"].update(values)


CHANGES: dict[str, tuple[str, Change]] = {
    "one stuffing less": ("ato-credential-stuffing", one_less("stuffing")),
    "other prompts": ("ato-mfa-fatigue", other("fatigue", prompts=25, gap="20s")),
    "one enumeration more": ("api-bola-enumeration", one_more("bola")),
    "no leaked key": ("api-leaked-aws-key", gone("key")),
    "a weaker site": ("ddos-http-flood", other("flood", rate=5, capacity=2)),
    "one brute force less": ("ssh-distributed-brute-force", one_less("brute")),
    "one test window more": ("pentest-window", one_more("pentest-window")),
}


def of(dataset: Dataset, what: str) -> set[str]:
    """The ids of the campaigns or hard negatives of one graph."""
    found = {c["campaign_id"] for c in dataset.records("campaigns") if c["playbook"] == what}
    return found | {n["noise_id"] for n in dataset.records("hard_negatives") if n["kind"] == what}


@pytest.mark.parametrize("change", CHANGES)
def test_only_the_changed_campaign_changes(day: Dataset, vary: Vary, change: str) -> None:
    """On every source, the lines that are not the campaign's are the same, in the same order; where one side has more,
    an effect of the campaign on that client accounts for it."""
    what, how = CHANGES[change]
    again = vary(how)
    ids = of(day, what), of(again, what)
    assert any(raw(day, source) != raw(again, source) for source in SOURCES), "the change did nothing"
    for source in SOURCES:
        found = difference(others(day, source, ids[0]), others(again, source, ids[1]))
        assert found.same_order, source
        if found.left:
            assert not Touched(again, ids[1]).leaves(source, found.left), f"{source}: lines the change took away"
        if found.right:
            assert not Touched(day, ids[0]).leaves(source, found.right), f"{source}: lines the change brought"
    assert stories(day, ids[0]) == stories(again, ids[1])


def stories(dataset: Dataset, but: set[str]) -> list[dict[str, Any]]:
    """Path, cast, times and counts of every other campaign; only its number may move, and what its effects hit."""
    kept = [c for c in dataset.records("campaigns") if c["campaign_id"] not in but]
    return [{k: v for k, v in c.items() if k not in {"campaign_id", "collateral"}} for c in kept]
