"""Effects: who is locked, reset, revoked or overloaded when, and whose doing it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redgen.activity.effects import Effect, Effects, collateral
from redgen.activity.schema import rows

LOCK = Effect("account_locked", subject=5, t0=100, t1=200, truth=3)


def test_an_effect_holds_from_its_start_until_just_before_its_end() -> None:
    effects = Effects.of([LOCK])
    people = np.array([5, 5, 5, 5, 4, -1])
    t = np.array([99, 100, 199, 200, 150, 150])
    assert effects.locked(people, t).tolist() == [0, 3, 3, 0, 0, 0]
    assert not effects.reset(people, t).any()


def test_nothing_happened() -> None:
    level, code = Effects.of().load(np.array([0, 1]), 5)
    assert level.tolist() == [0.0, 0.0]
    assert code.tolist() == [0, 0]


def test_floods_add_up_and_the_strongest_is_to_blame() -> None:
    effects = Effects.of([
        Effect("overload", 1, 0, 100, level=0.8, truth=1), Effect("overload", 1, 50, 150, level=2.0, truth=2),
    ])
    level, code = effects.load(np.ones(4, dtype=np.int64), np.array([10, 60, 120, 150]))
    assert level.tolist() == [0.8, 2.8, 2.0, 0.0]
    assert code.tolist() == [1, 2, 2, 0]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown effect 'locked'"):
        Effects.of([Effect("locked", 1, 0, 1)])


def test_collateral_never_overwrites_a_cause() -> None:
    table = rows("http", id=[1, 2, 3], truth=[0, 7, 0])
    assert collateral(table, np.array([4, 4, 0], dtype=np.int32))["truth"].tolist() == [4, 7, 0]


SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(1, 30), st.integers(1, 9)), max_size=12)


@given(SPANS, st.integers(0, 3), st.integers(-5, 100))
def test_lookups_agree_with_a_plain_search(spans: list[tuple[int, int, int, int]], who: int, t: int) -> None:
    effects = [Effect("overload", s, t0, t0 + n, level=float(w), truth=w) for s, t0, n, w in spans]
    holding = [e for e in effects if e.subject == who and e.t0 <= t < e.t1]
    level, code = Effects.of(effects).load(np.array([who]), t)
    assert level[0] == sum(e.level for e in holding)
    assert code[0] == max((e.truth for e in holding), default=0)
