"""Resampling: the same bytes on every run, exact where it can be, close to theory where it cannot."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.statistics.intervals import garwood
from redgen.statistics.resampling import (
    block_bootstrap,
    block_length,
    bootstrap,
    dispersion,
    rate_per_day,
    ratio_bootstrap,
    resamples,
    sign_flip,
)


def test_draws_depend_on_seed_and_name_alone() -> None:
    def first(**key):
        return next(resamples(50, 3, **key)).tolist()

    assert first(seed=1, name="a") == first(seed=1, name="a")
    assert first(seed=1, name="a") != first(seed=1, name="b")
    assert first(seed=1, name="a") != first(seed=2, name="a")


def test_frozen_numbers() -> None:
    """Were these to change, every scorecard would; they hold whatever numpy's version."""
    assert next(resamples(10, 1, 20261, "recall"))[0].tolist() == [7, 8, 1, 0, 6, 2, 9, 2, 3, 5]
    assert ratio_bootstrap([1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], seed=20261, name="recall") == pytest.approx(
        (0.3333333333, 1.0))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from redgen.statistics import resampling

    whole = np.concatenate(list(resamples(7, 100, 1, "x")))
    flips = sign_flip(np.arange(-9, 12) + 0.5, seed=1, name="y")
    monkeypatch.setattr(resampling, "_CELLS", 70)
    assert (np.concatenate(list(resamples(7, 100, 1, "x"))) == whole).all()
    assert sign_flip(np.arange(-9, 12) + 0.5, seed=1, name="y") == flips


def test_ratio_bootstrap_comes_near_the_normal_interval_for_many() -> None:
    rng = np.random.default_rng(5)
    d = rng.random(1500) < 0.7
    low, high = ratio_bootstrap(d, np.ones(1500), seed=3, name="z")
    half = 1.96 * np.sqrt(d.mean() * (1 - d.mean()) / 1500)
    assert (low, high) == pytest.approx((d.mean() - half, d.mean() + half), abs=0.003)
    assert bootstrap(lambda i: float(d[i].mean()), 1500, seed=3, name="z", many=300) == pytest.approx(
        (low, high), abs=0.006)


def test_clusters_are_drawn_whole() -> None:
    alike = ratio_bootstrap([10, 0] * 10, [10, 10] * 10, seed=1, name="c")
    mixed = ratio_bootstrap([5, 5] * 10, [10, 10] * 10, seed=1, name="c")
    assert mixed == (0.5, 0.5)
    assert alike[1] - alike[0] > 0.35


def test_bursts_widen_the_rate() -> None:
    calm, bursty = [2] * 240, ([0] * 23 + [48]) * 10
    assert dispersion(calm) == 0
    assert dispersion(bursty) > 20
    plain = garwood(480, 10)
    assert rate_per_day(calm, plain, seed=1) is plain
    wide = rate_per_day([0] * 96 + [20] * 24 + [0] * 120, plain, seed=1)
    assert wide.upper > plain.upper
    assert wide.method == "block bootstrap or quasi-Poisson, the wider"
    assert "times as much as a Poisson process" in wide.note


def test_blocks() -> None:
    assert block_length(np.array([3.0] * 4)) == 1
    assert block_length(np.tile([0.0, 9.0], 240)) == 24
    low, high = block_bootstrap([1, 5] * 120, seed=1, name="b")
    assert low == high == 3.0  # every block of a day has the same mean
    assert block_bootstrap([], seed=1, name="b") is None
    assert dispersion([]) is None


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_sign_flips_of_few_are_all_looked_at(d: list[int]) -> None:
    moved = [x for x in d if x]
    sums = [sum(s * x for s, x in zip(signs, moved, strict=True))
            for signs in itertools.product((1, -1), repeat=len(moved))]
    assert sign_flip(d, seed=1, name="p") == pytest.approx(sum(s >= sum(moved) for s in sums) / len(sums))


def test_sign_flips_of_many_come_near_the_normal_tail() -> None:
    d = np.tile([1.0, 1.0, -1.0], 40)  # z = 40 / √120
    assert sign_flip(d, seed=4, name="q") == pytest.approx(0.00019, abs=0.0003)
    assert sign_flip(-d, seed=4, name="q") > 0.99
    assert sign_flip([0, 0], seed=1, name="q") == 1.0
    assert sign_flip(np.ones(40), seed=1, name="q") == 1 / 10_001
