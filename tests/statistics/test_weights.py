"""Recall under weights, in clusters and in strata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.statistics.intervals import clopper_pearson
from redgen.statistics.weights import Stratum, clustered, effective, stratified, weighted


def test_equal_weights_are_no_weights() -> None:
    assert weighted([1] * 27 + [0] * 3, [2.5] * 30) == clopper_pearson(27, 30)


def test_hajek_worked() -> None:
    """Σwd/Σw = (1 + 1 + 4) / (1 + 1 + 4 + 4)."""
    e = weighted([1, 1, 1, 0], [1, 1, 4, 4])
    assert e.value == pytest.approx(0.6)
    assert (e.n, e.k) == (4, 3)
    assert e.lower < 0.6 < e.upper


def test_all_detected_falls_back_to_the_exact_bound_at_the_effective_size() -> None:
    w = [1] * 10 + [3] * 10
    e = weighted([1] * 20, w)
    assert effective(w) == 16
    assert (e.value, e.lower) == (1.0, clopper_pearson(16, 16).lower)
    assert e.n_eff == 16


def test_a_campaign_without_weight_does_not_count() -> None:
    assert weighted([1, 1, 0], [1, 1, 0]) == clopper_pearson(2, 2)
    assert weighted([1], [0]).value is None
    assert weighted([], []).value is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 10)), min_size=2, max_size=30))
@settings(max_examples=40, deadline=None)
def test_weighted_recall_lies_inside_its_bounds(rows) -> None:
    e = weighted([d for d, _ in rows], [w for _, w in rows], many=200)
    assert 0 <= e.lower <= e.value + 1e-9
    assert e.value - 1e-9 <= e.upper <= 1


def test_many_campaigns_are_not_resampled() -> None:
    rng = np.random.default_rng(3)
    w = rng.uniform(1, 2, 5000)
    e = weighted(rng.random(5000) < 0.9, w)
    assert e.seed is None
    assert e.upper - e.lower < 0.03


def test_steps_of_one_campaign_are_no_independent_trials() -> None:
    """Ten campaigns whose ten steps stand and fall together weigh as ten, not as a hundred."""
    together = clustered([10] * 8 + [0] * 2, [10] * 10)
    apart = clustered([8] * 10, [10] * 10)
    assert together.value == apart.value == 0.8
    assert together.upper - together.lower > 1.8 * (apart.upper - apart.lower)
    assert together.n_eff <= 12 < 25 < apart.n_eff


def test_all_steps_seen_rest_on_the_campaigns() -> None:
    e = clustered([5] * 6, [5] * 6)
    assert (e.value, e.n, e.k, e.n_eff) == (1.0, 30, 30, 6)
    assert e.lower == clopper_pearson(6, 6).lower


def test_clusters_of_one_are_plain_trials() -> None:
    e, exact = clustered([1, 0, 1, 1], [1, 1, 1, 1]), clopper_pearson(3, 4)
    assert (e.lower, e.upper) == (exact.lower, exact.upper)


def test_bad_clusters_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and its size"):
        clustered([3], [2])
    with pytest.raises(ValueError, match="one weight"):
        weighted([1], [-1])
    assert clustered([0], [0]).value is None


@given(st.integers(1, 9), st.data())
@settings(max_examples=15, deadline=None)
def test_strata_in_proportion_are_the_pooled_sample(n: int, data: st.DataObject) -> None:
    """By Hoeffding 1956 equal recalls are the worst case of the tail, so the exact bounds are Clopper-Pearson's."""
    ks = data.draw(st.lists(st.integers(0, n), min_size=2, max_size=3))
    e = stratified([Stratum(1 / len(ks), k, n) for k in ks])
    pooled = clopper_pearson(sum(ks), n * len(ks))
    assert e.method == "stratified exact"
    assert e.lower == pytest.approx(pooled.lower, abs=2e-3)
    assert e.upper == pytest.approx(pooled.upper, abs=2e-3)


def test_large_strata_combine_their_wilson_limits() -> None:
    e = stratified([Stratum(0.9, 45, 50), Stratum(0.1, 10, 20)])
    assert e.value == pytest.approx(0.86)
    assert e.method == "stratified Wilson"
    assert 0.75 < e.lower < 0.86 < e.upper < 0.94


def test_a_stratum_without_campaigns_is_named() -> None:
    e = stratified([Stratum(0.5, 5, 5), Stratum(0.5, 0, 0)])
    assert e.value == 1.0
    assert e.note == "1 strata without campaigns left out"
    assert stratified([]).value is None


def test_the_same_seed_gives_the_same_bounds_and_another_name_others() -> None:
    d, w = [1, 0] * 10, list(range(1, 21))
    assert weighted(d, w, seed=5) == weighted(d, w, seed=5)
