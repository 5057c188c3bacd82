"""Sequential decisions: Wald's constants, error rates, bounds that hold at every moment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from redgen.errors import DataError
from redgen.scorecard import FAILED, INCONCLUSIVE, PASSED
from redgen.statistics.intervals import clopper_pearson
from redgen.statistics.multiplicity import benjamini_hochberg, holm
from redgen.statistics.sequential import Sprt, confidence_sequence, parse, run


def test_walds_constants() -> None:
    """-0.111, +1.099, ±2.944; n ≈ 52 at r0 and 38 at r1."""
    t = Sprt()
    assert (t.detected, t.missed) == pytest.approx((-0.111, 1.099), abs=5e-4)
    assert (t.lower, t.upper) == pytest.approx((-2.944, 2.944), abs=5e-4)
    assert (round(t.expected(0.95)), round(t.expected(0.85))) == (52, 38)


def test_runs() -> None:
    assert run(Sprt(), [True] * 100) == run(Sprt(), [True] * 27)
    assert (run(Sprt(), [True] * 100).status, run(Sprt(), [True] * 100).n) == (PASSED, 27)
    assert (run(Sprt(), [False] * 9).status, run(Sprt(), [False] * 9).n) == (FAILED, 3)
    going = run(Sprt(), [True, False])
    assert (going.status, going.done, going.n) == (INCONCLUSIVE, False, 2)
    assert run(Sprt(), []).n == 0


def test_error_rates_hold_and_it_takes_as_long_as_wald_says() -> None:
    rng = np.random.default_rng(2)
    for recall, wrong, expected in ((0.95, FAILED, 52), (0.85, PASSED, 38)):
        found = [run(Sprt(), rng.random(500) < recall) for _ in range(1500)]
        assert np.mean([d.status == wrong for d in found]) <= 0.05 + 0.012
        assert np.mean([d.n for d in found]) == pytest.approx(expected, rel=0.2)


def test_a_truncated_test_decides_by_the_exact_interval() -> None:
    """54 of 60 (90 %: .812 to .957): better than .80 passes, worse than .97 fails, between .87 and .93 nobody knows."""
    mixed = ([True] * 9 + [False]) * 6
    for r0, r1, status in ((0.97, 0.93, FAILED), (0.95, 0.80, PASSED), (0.93, 0.87, INCONCLUSIVE)):
        d = run(Sprt(r0, r1, n_max=60), mixed)
        assert (d.status, d.truncated, d.done, d.n) == (status, True, True, 60)


def test_nonsense_is_refused() -> None:
    for bad in ({"r0": 0.8, "r1": 0.9}, {"alpha": 0.0}, {"n_max": 0}):
        with pytest.raises(ValueError):
            Sprt(**bad)
    with pytest.raises(ValueError):
        confidence_sequence(2, 1)


@pytest.mark.parametrize(("text", "problem"), [
    ("r2=0.5", "--sequential r2=0.5: write name=value; did you mean 'r0'?"),
    ("r0", "--sequential r0: write name=value"), ("r0=high", "'high' is no number"),
    ("r0=0.8 r1=0.9", "--sequential: write 0 < r1 < r0 < 1, not r0=0.8 r1=0.9")])
def test_settings_that_make_no_sense(text: str, problem: str) -> None:
    with pytest.raises(DataError) as error:
        parse([text])
    assert problem.partition(";")[0] in str(error.value)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_a_confidence_sequence_is_wider_than_the_fixed_interval(pair: tuple[int, int]) -> None:
    k, n = pair
    e, fixed = confidence_sequence(k, n), clopper_pearson(k, n)
    assert 0 <= e.lower <= e.value <= e.upper <= 1
    assert e.lower <= fixed.lower + 1e-9
    assert e.upper >= fixed.upper - 1e-9
    turned = confidence_sequence(n - k, n)
    assert (turned.lower, turned.upper) == pytest.approx((1 - e.upper, 1 - e.lower), abs=1e-6)


def test_looking_after_every_campaign_is_paid_for() -> None:
    """Over 400 runs of 150 looks each, the truth is ever outside in at most 5 % (the fixed interval: far more)."""
    rng, p = np.random.default_rng(9), 0.9
    bounds = {(k, n): confidence_sequence(k, n) for n in range(1, 151) for k in range(n + 1) if abs(k - p * n) < 30}
    fixed = {key: clopper_pearson(*key) for key in bounds}
    ever = {"sequence": 0, "fixed": 0}
    for _ in range(400):
        ks = np.cumsum(rng.random(150) < p)
        for name, held in (("sequence", bounds), ("fixed", fixed)):
            ever[name] += any(not held[int(k), n].lower <= p <= held[int(k), n].upper for n, k in enumerate(ks, 1))
    assert ever["sequence"] / 400 <= 0.05
    assert ever["fixed"] / 400 > 0.1


@given(st.lists(st.floats(0, 1), max_size=20))
@settings(deadline=None)
def test_adjusted_p_values_are_by_the_book(p: list[float]) -> None:
    """Benjamini and Hochberg's as scipy has them; Holm's by its definition."""
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p) if p else ())
    order = sorted(range(len(p)), key=lambda i: p[i])
    for i, adjusted in enumerate(holm(p)):
        before = order[: order.index(i) + 1]
        assert adjusted == pytest.approx(min(1.0, max((len(p) - r) * p[j] for r, j in enumerate(before))))


def test_adjusted_p_values_are_what_statsmodels_says() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = [0.01, 0.04, 0.03, 0.005, 0.8, 0.03]
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1])
