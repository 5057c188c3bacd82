"""A flood is the same however it is cut, keeps its rate and its pulses, and leaves an overload behind."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity.schema import merge
from redgen.clock import MINUTE, SECOND
from redgen.playbook.stage import Staged
from tests.actions.examples import EXAMPLES
from tests.actions.stages import NOON, play, stage


def flood(**changes: object) -> Staged:
    """The example's flood, with other settings."""
    example = EXAMPLES["http_flood"]
    return play("http_flood", stage(example.roles), example.settings | changes)


WHOLE = flood()


@given(st.lists(st.integers(0, 12 * 60 * SECOND), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_slices_add_up_to_the_whole(cuts: list[int]) -> None:
    assert WHOLE.expand is not None
    edges = [NOON - MINUTE, *(NOON + cut for cut in sorted(set(cuts))), WHOLE.until]
    edges = sorted(set(edges))
    parts = merge([WHOLE.expand(a, b) for a, b in pairwise(edges)])
    whole = WHOLE.expand(NOON - MINUTE, WHOLE.until)
    for kind, table in whole.items():
        one, other = np.argsort(table["id"]), np.argsort(parts[kind]["id"])
        assert all(np.array_equal(column[one], parts[kind][name][other]) for name, column in table.items())


def test_rows_of_a_slice_are_done_in_it() -> None:
    assert WHOLE.expand is not None
    a, b = NOON + 20 * SECOND, NOON + 50 * SECOND
    for table in WHOLE.expand(a, b).values():
        done = table["t"] + table["dur"]
        assert len(table) and (done >= a).all() and (done < b).all()
    assert not any(len(table) for table in WHOLE.expand(WHOLE.until, WHOLE.until + 10 * MINUTE).values())


def test_it_asks_as_often_as_it_says_and_only_in_its_pulses() -> None:
    found = flood(rate=200, lasting="2m", pulses=2, pause="5m", ramp="1s", capacity=1000)
    assert found.expand is not None
    t = found.expand(NOON - MINUTE, found.until)["http"]["t"]
    assert abs(len(t) / (2 * 120 * 200) - 1.0) < 0.1
    between = (t > NOON + 200 * SECOND) & (t < NOON + 415 * SECOND)
    assert not between.any()
    assert found.facts == {"overloaded": False, "pulses": 2}


def test_too_much_makes_the_site_fail_for_everyone() -> None:
    found = flood(rate=400, capacity=100, lasting="1m", pulses=1)
    assert found.facts["overloaded"]
    (effect,) = found.effects
    assert (effect.kind, effect.t0, effect.t1, effect.level) == ("overload", NOON, NOON + MINUTE, 4.0)
    assert found.expand is not None
    status = found.expand(NOON + 20 * SECOND, NOON + MINUTE)["http"]["status"]
    assert 0.3 < np.isin(status, (499, 502, 503, 504)).mean() < 0.95


def test_heavy_bots_and_many_of_them() -> None:
    assert WHOLE.expand is not None
    client = WHOLE.expand(NOON - MINUTE, WHOLE.until)["flow"]["orig"]
    _, counts = np.unique(client, return_counts=True)
    assert len(counts) > 120
    assert counts.max() > 4 * np.median(counts)
