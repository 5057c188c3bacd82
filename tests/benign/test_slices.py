"""Time can be cut anywhere: a slice sampled alone holds the rows that the whole holds there, value by value."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import KINDS, Activity
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.table import Table, concat
from tests.shops import NOTHING, shop

EVENING = parse_time("2026-01-14T17:00:00Z")
SEEN = {"http": 0, "auth": 0, "flow": 0, "dns": 0}


def troubled() -> Effects:
    """A lock, a hostile reset, revoked tokens and a flood, all in the middle of the evening."""
    world, _ = shop()
    first, stop = world.people.span("customer")
    found = [Effect("overload", 0, EVENING + 20 * MINUTE, EVENING + 50 * MINUTE, level=1.6, truth=9)]
    for person in range(first, stop):
        kind = ("account_locked", "password_reset", "token_revoked")[person % 3]
        found.append(Effect(kind, person, EVENING + 10 * MINUTE, EVENING + 70 * MINUTE, truth=1 + person % 3))
    return Effects.of(found)


def ordered(table: Table) -> Table:
    """The rows by id."""
    return table.take(np.argsort(table["id"], kind="stable"))


def same(a: Activity, b: Activity) -> None:
    """Both hold the same rows; kinds in which nothing happened may be missing."""
    for kind in KINDS:
        if kind not in a or kind not in b:
            assert not len(a.get(kind, ())) and not len(b.get(kind, ())), kind
            continue
        x, y = ordered(a[kind]), ordered(b[kind])
        for name, column in x.items():
            np.testing.assert_array_equal(column, y[name], err_msg=f"{kind}.{name}")


def joined(parts: list[Activity]) -> dict[str, Table]:
    """The rows of all parts."""
    return {k: concat([p[k] for p in parts if k in p]) for k in KINDS if any(k in p for p in parts)}


@pytest.mark.parametrize("effects", [NOTHING, troubled()], ids=["quiet", "troubled"])
def test_parts_make_the_whole(effects: Effects) -> None:
    _, model = shop()
    a, c = EVENING, EVENING + 90 * MINUTE
    whole = model.sample(a, c, SEEN, effects)
    assert len(whole["http"]) > 500
    assert len(whole["auth"]) > 10
    assert len(whole["flow"]) > 200
    for cuts in ([31 * MINUTE + 7], [1, 2 * MINUTE, 5 * MINUTE, 64 * MINUTE + 13 * SECOND]):
        ends = [a, *(a + cut for cut in cuts), c]
        same(whole, joined([model.sample(x, y, SEEN, effects) for x, y in pairwise(ends)]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 60 * MINUTE), st.integers(1, 20 * MINUTE))
def test_any_slice_holds_what_the_whole_holds_there(begin: int, length: int) -> None:
    _, model = shop()
    a, b = EVENING + begin, EVENING + begin + length
    whole = model.sample(EVENING, EVENING + 80 * MINUTE, SEEN, NOTHING)
    expected = {}
    for kind, table in whole.items():
        done = table["t"] + table["dur"]
        expected[kind] = table.take((done >= a) & (done < b))
    same(expected, model.sample(a, b, SEEN, NOTHING))


def test_asking_for_fewer_kinds_changes_none() -> None:
    _, model = shop()
    a, b = EVENING, EVENING + 30 * MINUTE
    every = model.sample(a, b, SEEN, NOTHING)
    for kind in ("http", "auth", "flow"):
        same({kind: every[kind]}, model.sample(a, b, {kind: 0}, NOTHING))


def test_looking_back_gives_the_earlier_rows_too() -> None:
    _, model = shop()
    a, b, back = EVENING + HOUR, EVENING + 70 * MINUTE, 10 * MINUTE
    longer = model.sample(a - back, b, {"http": 0, "flow": 0}, NOTHING)
    same(longer, model.sample(a, b, {"http": back, "flow": back}, NOTHING))
    mixed = model.sample(a, b, {"http": back, "flow": 0}, NOTHING)
    same({"flow": mixed["flow"]}, model.sample(a, b, {"flow": 0}, NOTHING))


def test_ids_are_unique_and_rows_are_done_inside() -> None:
    _, model = shop()
    a, b = EVENING, EVENING + 2 * HOUR
    for kind, table in model.sample(a, b, SEEN, NOTHING).items():
        assert len(np.unique(table["id"])) == len(table), kind
        done = table["t"] + table["dur"]
        assert done.min() >= a
        assert done.max() < b
        assert (table["dur"] >= 0).all()
        assert not table["truth"].any()


def test_a_model_survives_being_sent_to_a_worker() -> None:
    _, model = shop()
    copy = pickle.loads(pickle.dumps(model))
    a, b = EVENING, EVENING + 10 * MINUTE
    same(model.sample(a, b, SEEN, NOTHING), copy.sample(a, b, SEEN, NOTHING))


def test_another_seed_gives_another_day() -> None:
    models = [shop(seed=seed)[1] for seed in (7, 8)]
    ids = [model.sample(EVENING, EVENING + 10 * MINUTE, {"http": 0}, NOTHING)["http"]["id"] for model in models]
    assert not np.isin(*ids).any()


def test_progress_is_foreseen_roughly() -> None:
    _, model = shop()
    a, b = EVENING - 17 * HOUR, EVENING + 7 * HOUR
    rows = len(model.sample(a, b, {"http": 0}, NOTHING)["http"])
    assert 0.6 < model.expected_rows(a, b)(a, b) / rows < 1.6
