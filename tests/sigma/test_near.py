"""Near misses in words: what a detection engineer would want to read first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from redgen.detector import EventFile, Events
from redgen.sigma.engine import Options
from redgen.sigma.near import Near, nearest
from tests.sigma.lab import at, correlation, rule, selects


def miss(folder: Path, rules: Sequence[str], events: Sequence[dict[str, Any]], lines: Sequence[int]) -> Near:
    """The near miss of a campaign that left these lines."""
    (folder / "rules").mkdir()
    for number, text in enumerate(rules):
        (folder / "rules" / f"{number}.yml").write_text(text)
    log = folder / "events.ndjson"
    log.write_text("".join(json.dumps(e) + "\n" for e in events))
    given = Events((EventFile(log, "logs/x.ndjson", format="ndjson"),), time_field="@timestamp", routing=False)
    places = [("logs/x.ndjson", line) for line in lines]
    return nearest(given, Options((folder / "rules",)), {"C-1": places})["C-1"]


EVENTS = [at(i, k="a" if i % 2 else "b", f="x" if i < 3 else "y", g="u") for i in range(8)]


def test_a_field_that_never_has_its_value(tmp_path: Path) -> None:
    """Told by selection and by field."""
    near = miss(tmp_path, [rule("selection: {k: a, f: z}\ncondition: selection")], EVENTS, [1, 2, 3, 4])
    assert near == Near("probe", "probe", 0.5, "selection holds for none of 4 events (k for 2, f for none)")


def test_a_filter_that_excludes(tmp_path: Path) -> None:
    """The selection holds, and something takes the events away."""
    text = rule("selection: {k: a}\nfilter_main: {g: u}\ncondition: selection and not 1 of filter_*")
    near = miss(tmp_path, [text], EVENTS, [1, 2, 3])
    assert near.failed == "selection holds for 1 of 3 events; filter_main excludes them"
    assert near.share == pytest.approx(0.9)


def test_a_threshold_not_reached(tmp_path: Path) -> None:
    """How far it came, among the campaign's own events."""
    rules = [selects("a", k="a"), correlation("event_count", ["a"], "10m", {"gte": 10})]
    near = miss(tmp_path, rules, EVENTS, [2, 4, 6])
    assert (near.rule_id, near.failed) == ("corr", "event_count 3 of at least 10 within 10m")
    assert near.share == pytest.approx(0.65)


def test_a_rule_of_a_sequence_that_found_nothing(tmp_path: Path) -> None:
    """Named by its title."""
    rules = [selects("a", k="a"), selects("c", k="c"), correlation("temporal_ordered", ["a", "c"], "90s")]
    assert miss(tmp_path, rules, EVENTS, [2, 4]).failed == "1 of 2 rules within 90s; never: c"


def test_the_closest_of_several(tmp_path: Path) -> None:
    """Half a selection is nearer than none."""
    rules = [rule("s: {k: q, f: q}\ncondition: s", "far"), rule("s: {k: a, f: q}\ncondition: s", "near")]
    assert miss(tmp_path, rules, EVENTS, [2, 4]).rule_id == "near"


def test_nothing_near(tmp_path: Path) -> None:
    """Said so."""
    near = miss(tmp_path, [rule("s: {k: q}\ncondition: s")], EVENTS, [1])
    assert near == Near("", "", 0.0, "no rule comes near its events in logs/x.ndjson")
