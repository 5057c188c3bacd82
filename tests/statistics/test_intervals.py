"""Intervals against exact functions, other people's implementations, and worked examples from the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from redgen.statistics.intervals import clopper_pearson, garwood, needed, newcombe, planning, tango, wilson, z_value

proportion = pytest.importorskip("statsmodels.stats.proportion")

PAIRS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])
TRIPLES = st.integers(1, 200).flatmap(
    lambda n: st.integers(0, n).flatmap(lambda b: st.tuples(st.just(b), st.integers(0, n - b), st.just(n))))


def ends(e) -> tuple[float, float]:
    return e.lower, e.upper


@given(PAIRS, LEVELS)
@settings(deadline=None)
def test_clopper_pearson_is_what_scipy_and_statsmodels_say(pair: tuple[int, int], level: float) -> None:
    k, n = pair
    exact = stats.binomtest(k, n).proportion_ci(level, "exact")
    assert ends(clopper_pearson(k, n, level)) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert ends(clopper_pearson(k, n, level)) == pytest.approx(
        proportion.proportion_confint(k, n, 1 - level, "beta"), abs=1e-9)


@given(PAIRS, LEVELS)
@settings(deadline=None)
def test_wilson_is_what_scipy_and_statsmodels_say(pair: tuple[int, int], level: float) -> None:
    k, n = pair
    score = stats.binomtest(k, n).proportion_ci(level, "wilson")
    assert ends(wilson(k, n, level)) == pytest.approx((score.low, score.high), abs=1e-9)
    assert ends(wilson(k, n, level)) == pytest.approx(
        proportion.proportion_confint(k, n, 1 - level, "wilson"), abs=1e-9)


@given(st.integers(0, 500), st.floats(0.01, 100), LEVELS)
@settings(deadline=None)
def test_garwood_is_where_the_poisson_tails_reach_alpha_halves(k: int, days: float, level: float) -> None:
    e = garwood(k, days, level)
    half = (1 - level) / 2
    assert stats.poisson.cdf(k, e.upper * days) == pytest.approx(half, rel=1e-6)
    if k:
        assert stats.poisson.sf(k - 1, e.lower * days) == pytest.approx(half, rel=1e-6)
    else:
        assert e.lower == 0


def test_garwood_of_the_tables() -> None:
    """Garwood 1936, table 1: the 95 % limits of 0, 5 and 20 events."""
    for k, low, high in ((0, 0, 3.69), (5, 1.62, 11.67), (20, 12.22, 30.89)):
        assert ends(garwood(k, 1)) == pytest.approx((low, high), abs=0.006)


@given(PAIRS, LEVELS)
@settings(deadline=None)
def test_a_proportion_lies_inside_its_bounds_and_they_inside_0_and_1(pair: tuple[int, int], level: float) -> None:
    k, n = pair
    for interval in (clopper_pearson, wilson):
        e = interval(k, n, level)
        assert 0 <= e.lower <= e.value <= e.upper <= 1
        assert ends(interval(n - k, n, level)) == pytest.approx((1 - e.upper, 1 - e.lower), abs=1e-9)
        if k < n:
            more = interval(k + 1, n, level)
            assert (more.lower, more.upper) >= (e.lower, e.upper)
        wider = interval(k, n, (1 + level) / 2)
        assert wider.lower <= e.lower + 1e-12
        assert wider.upper >= e.upper - 1e-12


@given(TRIPLES, LEVELS)
@settings(deadline=None)
def test_a_paired_change_lies_inside_its_bounds_and_turns_round_with_its_sign(triple, level: float) -> None:
    b, c, n = triple
    for e, turned in ((tango(b, c, n, level), tango(c, b, n, level)),
                      (newcombe(n - b - c, b, c, 0, level), newcombe(n - b - c, c, b, 0, level))):
        assert -1 <= e.lower <= e.value <= e.upper <= 1
        assert (turned.lower, turned.upper) == pytest.approx((-e.upper, -e.lower), abs=1e-7)


@given(TRIPLES)
@settings(deadline=None)
def test_tango_is_what_its_closed_form_says(triple) -> None:
    """The limits are roots of the quartic of Yang, Sun and Hardin, Statistics in Medicine 32, 2013."""
    lost, gained, n = triple
    b, c, g = gained, lost, z_value(0.95) ** 2
    roots = np.roots([
        n**2 * (n / g + 1) ** 2,
        -n * (b - c) * (n / g + 1) * (4 * n / g + 1),
        2 * n * (b - c) ** 2 * (3 * n / g + 2) / g - n**2 * ((b + c) / g + 1),
        n * (b - c) * (2 * (b + c) / g + 1) - (b - c) ** 3 * (4 * n / g + 1) / g,
        (b - c) ** 2 * ((b - c) ** 2 / g - (b + c)) / g])
    found = tango(lost, gained, n)
    for end in ends(found):
        if -1 < end < 1:
            assert min(abs(roots - end)) < 1e-4


def test_paired_examples_from_the_papers() -> None:
    """Fagerland, Lydersen and Laake 2014 (1, 1, 7, 12 pairs); Newcombe 1998, table II (36, 12, 2, 0)."""
    assert ends(tango(7, 1, 21)) == pytest.approx((-0.517, -0.026), abs=0.0006)
    assert ends(newcombe(1, 7, 1, 12)) == pytest.approx((-0.507, -0.026), abs=0.0006)
    assert ends(newcombe(36, 2, 12, 0)) == pytest.approx((0.0569, 0.3404), abs=6e-5)


def test_nothing_changed_still_has_a_width() -> None:
    """±z²/(n + z²): with 20 pairs a loss of 16 points cannot be excluded."""
    e = tango(0, 0, 20)
    assert ends(e) == pytest.approx((-0.1611, 0.1611), abs=1e-4)


def test_a_continuity_correction_moves_both_ends_out() -> None:
    plain, moved = tango(2, 5, 40), tango(2, 5, 40, continuity=0.5)
    assert moved.lower < plain.lower < plain.value == moved.value < plain.upper < moved.upper
    assert ends(tango(40, 0, 40, continuity=0.5))[0] == -1


def test_planning_table() -> None:
    assert [(c.recall, c.campaigns) for c in planning()] == [(0.80, 14), (0.90, 29), (0.95, 59), (0.99, 299)]


@given(st.floats(0.01, 0.999), LEVELS)
@settings(deadline=None)
def test_needed_is_the_least_number(recall: float, level: float) -> None:
    n = needed(recall, level)
    assert clopper_pearson(n, n, 2 * level - 1).lower >= recall - 1e-9 if level > 0.5 else n
    assert n == 1 or (1 - level) ** (1 / (n - 1)) < recall


def test_nothing_observed_says_nothing() -> None:
    for e in (clopper_pearson(0, 0), wilson(0, 0), garwood(0, 0), tango(0, 0, 0), newcombe(0, 0, 0, 0)):
        assert (e.value, e.lower, e.upper) == (None, None, None)
        assert e.note == "nothing observed"


@pytest.mark.parametrize("call", [
    lambda: clopper_pearson(3, 2), lambda: wilson(-1, 2), lambda: garwood(-1, 2), lambda: garwood(1, -2),
    lambda: tango(3, 3, 5), lambda: needed(1.0)])
def test_impossible_counts_are_refused(call) -> None:
    with pytest.raises(ValueError):
        call()


def test_effective_sizes_need_not_be_whole() -> None:
    a, b, c = (clopper_pearson(0.9 * n, n).lower for n in (20, 20.5, 21))
    assert a < b < c
    assert not math.isnan(tango(0.7, 1.3, 14.2).lower)
