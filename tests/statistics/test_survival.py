"""Time to detect as survival, against statsmodels and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.statistics.intervals import clopper_pearson
from redgen.statistics.survival import detected_within, kaplan_meier, logrank, quantile_ends

duration = pytest.importorskip("statsmodels.duration.survfunc")

ROWS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40)

DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
DRUG_ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
"""Remission of leukemia in weeks: Freireich et al., Blood 21, 1963."""


def test_the_textbook_example_of_censoring() -> None:
    """6-mercaptopurine: S(6) .857, S(7) .807, S(10) .753, S(22) .538, S(23) .448; median 23 weeks; placebo 8."""
    curve = kaplan_meier(DRUG, DRUG_ENDED)
    for week, share in ((5, 1.0), (6, 0.857), (7, 0.807), (10, 0.753), (13, 0.690), (22, 0.538), (23, 0.448)):
        assert curve.at(week) == pytest.approx(share, abs=6e-4)
    assert curve.quantile(0.5) == 23
    assert kaplan_meier(PLACEBO, [1] * 21).quantile(0.5) == 8
    assert curve.quantile(0.9) is None
    assert np.sqrt(curve.variance[0]) * curve.survival[0] == pytest.approx(0.0764, abs=1e-4)  # Greenwood's


def test_logrank_of_the_textbook() -> None:
    """χ² = 16.79 with 9 remissions ended of 19.25 expected."""
    found = logrank(DRUG, DRUG_ENDED, PLACEBO, [1] * 21)
    assert (found.observed, found.expected) == (9, pytest.approx(19.25, abs=0.01))
    assert found.chi2 == pytest.approx(16.79, abs=0.01)
    assert found.p < 1e-4


@given(ROWS)
@settings(deadline=None)
def test_the_curve_is_what_statsmodels_says(rows) -> None:
    t, d = [float(x) for x, _ in rows], [y for _, y in rows]
    curve, known = kaplan_meier(t, d), duration.SurvfuncRight(np.array(t), np.array(d, dtype=int))
    fallen = known.n_events > 0
    assert curve.times.tolist() == known.surv_times[fallen].tolist()
    assert curve.survival == pytest.approx(known.surv_prob[fallen])
    assert curve.at_risk.tolist() == known.n_risk[fallen].tolist()


@given(ROWS, ROWS)
@settings(deadline=None)
def test_logrank_is_what_statsmodels_says(one, two) -> None:
    if not any(d for _, d in one + two) or len(one) + len(two) < 3:
        return
    found = logrank(*zip(*one, strict=True), *zip(*two, strict=True))
    times, ended = zip(*(one + two), strict=True)
    groups = [0] * len(one) + [1] * len(two)
    try:
        with np.errstate(all="ignore"):
            chi2, p = duration.survdiff(np.array(times, float), np.array(ended, int), np.array(groups))
    except np.linalg.LinAlgError:  # no variance at all
        chi2, p = 0.0, 1.0
    if np.isfinite(chi2):
        assert found.chi2 == pytest.approx(chi2, abs=1e-6)
        assert found.p == pytest.approx(p, abs=1e-6)


@given(ROWS)
@settings(deadline=None)
def test_restricted_mean_is_the_mean_when_nothing_is_censored(rows) -> None:
    t = [float(x) for x, _ in rows]
    assert kaplan_meier(t, [True] * len(t)).rmst(25.0) == pytest.approx(np.minimum(t, 25).mean())


@given(ROWS, st.integers(0, 40))
@settings(deadline=None)
def test_detected_within_lies_inside_its_bounds(rows, limit: int) -> None:
    e = detected_within(*zip(*rows, strict=True), limit)
    if e.value is not None and e.lower is not None:
        assert -1e-9 <= e.lower <= e.value + 1e-9
        assert e.value - 1e-9 <= e.upper <= 1 + 1e-9


def test_within_a_limit_that_all_were_watched_for_is_a_plain_proportion() -> None:
    assert detected_within([10, 20, 3600, 3600], [1, 1, 0, 0], 60) == clopper_pearson(2, 4)


def test_within_a_limit_that_some_were_not_watched_for() -> None:
    e = detected_within([10, 20, 30, 3600, 3600], [1, 0, 1, 0, 0], 60)
    assert e.value == pytest.approx(1 - 0.8 * 2 / 3)
    assert e.note == "some watched for less"
    nobody = detected_within([10, 3600], [0, 0], 60)
    assert (nobody.value, nobody.n, nobody.upper) == (0.0, 1, clopper_pearson(0, 1).upper)


def test_misses_are_not_dropped() -> None:
    """Ten detected in a minute, ten never: no median of one minute, and no p90."""
    curve = kaplan_meier([60] * 10 + [7200] * 10, [True] * 10 + [False] * 10)
    assert curve.quantile(0.5) == 60
    assert curve.quantile(0.51) is None
    assert curve.rmst(7200) == pytest.approx(3630)
    assert curve.points() == ((60.0, 0.5),)


def test_ends_of_a_quantile_invert_the_share() -> None:
    """60 of 60 detected, one a minute: p90 surely by the 59th (lower end .911 there), not before the upper end gets to .9."""
    low, high = quantile_ends([60 * i for i in range(1, 61)], [True] * 60, 0.9)
    assert high == 60 * 59
    assert clopper_pearson(59, 60).lower >= 0.9 > clopper_pearson(58, 60).lower
    first = next(k for k in range(61) if clopper_pearson(k, 60).upper >= 0.9)
    assert low == 60 * first
    assert quantile_ends([1, 2, 3], [1, 1, 1], 0.9) == (1, None)
    assert quantile_ends([1, 2, 3], [1, 1, 1], 0.5) == (0, None)
    assert quantile_ends([9] * 40, [0] * 40, 0.5) == (9, None)


def test_nothing_and_nonsense() -> None:
    curve = kaplan_meier([], [])
    assert (curve.quantile(0.5), curve.at(5), curve.n) == (None, 1.0, 0)
    assert logrank([], [], [1], [True]).p == 1.0
    for bad in (([1, 2], [True]), ([-1], [True]), ([float("nan")], [True])):
        with pytest.raises(ValueError):
            kaplan_meier(*bad)
