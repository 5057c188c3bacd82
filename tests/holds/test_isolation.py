"""One campaign more, less or different changes nothing that it, or its declared effects, did not touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from redgen.pipeline.dataset import Dataset
from tests.holds.compare import common, extra, touched, unexplained, without
from tests.holds.reading import SOURCES, lines

Change = Callable[[dict[str, Any]], object]


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
    "other prompts": ("ato-mfa-fatigue", other("fatigue", prompts=25)),
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
def test_only_the_changed_campaign_changes(
    day: Dataset, varied: Callable[[Change], Dataset], change: str
) -> None:
    what, how = CHANGES[change]
    again = varied(how)
    ids = [of(day, what), of(again, what)]
    changed = {text for source in SOURCES for text in extra(lines(again, source), lines(day, source)["text"])["text"]}
    changed |= {text for source in SOURCES for text in extra(lines(day, source), lines(again, source)["text"])["text"]}
    assert changed, "the change did nothing"
    for source in SOURCES:
        left, right = without(lines(day, source), ids[0]), without(lines(again, source), ids[1])
        mine, theirs = common(list(left["text"]), list(right["text"]))
        assert mine == theirs, f"{source}: the order differs"
        hits = touched(day, ids[0]), touched(again, ids[1])
        assert not unexplained(extra(left, right["text"]), hits[1]), f"{source}: lines the change took away"
        assert not unexplained(extra(right, left["text"]), hits[0]), f"{source}: lines the change brought"


def test_campaigns_that_stay_keep_their_story(day: Dataset, varied: Callable[[Change], Dataset]) -> None:
    """Path, cast, times and counts of every other campaign are the same; only its number may move."""
    again = varied(gone("fatigue"))

    def stories(dataset: Dataset) -> list[dict[str, Any]]:
        kept = [c for c in dataset.records("campaigns") if c["playbook"] != "ato-mfa-fatigue"]
        return [{k: v for k, v in c.items() if k != "campaign_id"} for c in kept]

    assert stories(again) == stories(day)
