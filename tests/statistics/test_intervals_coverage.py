"""How often intervals hold the truth: by exact enumeration where possible, else by simulation with a fixed seed.

What gates compare covers at least 94 % at nominal 95 %. The percentile bootstrap alone does not, which is why no bound
rests on it alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from redgen.statistics.differences import recall_change
from redgen.statistics.intervals import clopper_pearson, garwood, tango, wilson
from redgen.statistics.resampling import rate_per_day, ratio_bootstrap
from redgen.statistics.weights import Stratum, clustered, stratified, weighted

NOMINAL, LEAST = 0.95, 0.94


@cache
def every(interval, n: int) -> list:
    """The interval of each result."""
    return [interval(k, n) for k in range(n + 1)]


def covered(interval, n: int, p: float) -> float:
    """The exact coverage of a proportion's interval."""
    found = every(interval, n)
    inside = np.array([e.lower <= p <= e.upper for e in found])
    return float(stats.binom.pmf(np.arange(n + 1), n, p)[inside].sum())


def test_the_coverages_that_made_the_exact_interval_the_gates() -> None:
    """n=20, p=.95 CP .984, Wilson .925; n=50, p=.98 .982 and .922."""
    assert covered(clopper_pearson, 20, 0.95) == pytest.approx(0.984, abs=0.0006)
    assert covered(wilson, 20, 0.95) == pytest.approx(0.925, abs=0.0006)
    assert covered(clopper_pearson, 50, 0.98) == pytest.approx(0.982, abs=0.0006)
    assert covered(wilson, 50, 0.98) == pytest.approx(0.922, abs=0.0006)


@pytest.mark.parametrize("n", [3, 10, 29, 60])
def test_clopper_pearson_never_covers_less(n: int) -> None:
    assert min(covered(clopper_pearson, n, p) for p in np.linspace(0.005, 0.995, 100)) >= NOMINAL


def test_garwood_never_covers_less() -> None:
    found = [garwood(k, 1.0) for k in range(120)]
    for rate in np.linspace(0.1, 40, 100):
        inside = [e.lower <= rate <= e.upper for e in found]
        assert stats.poisson.pmf(np.arange(120), rate)[inside].sum() >= NOMINAL


def paired_coverage(n: int, shares: tuple[float, ...], continuity: float) -> float:
    """The least exact coverage of a paired change over all pairs of shares lost and gained."""
    held: dict[tuple[int, int], tuple[float, float]] = {}
    worst = 1.0
    for lost in shares:
        for gained in shares:
            delta, total, b = gained - lost, 0.0, np.arange(n + 1)
            for i, mass in zip(b, stats.binom.pmf(b, n, lost), strict=True):
                c = np.arange(n - i + 1)
                for j, inner in zip(c, stats.binom.pmf(c, n - i, gained / (1 - lost)), strict=True):
                    if mass * inner < 1e-7:
                        continue
                    if (i, j) not in held:
                        e = tango(int(i), int(j), n, continuity=continuity)
                        held[i, j] = e.lower - 1e-9, e.upper + 1e-9
                    low, high = held[i, j]
                    total += mass * inner * (low <= delta <= high)
            worst = min(worst, total)
    return worst


@pytest.mark.parametrize("n", [15, 40])
def test_a_paired_change_covers_with_half_a_pair_and_not_without(n: int) -> None:
    shares = (0, 0.01, 0.03, 0.08, 0.2, 0.3)
    assert paired_coverage(n, shares, 0.5) >= 0.955
    if n == 40:
        assert 0.92 < paired_coverage(n, shares, 0.0) < LEAST


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.2)])
def test_strata_cover_whatever_their_recalls_are(shares: tuple[float, float]) -> None:
    """Two strata of 5 and 6 campaigns, every result looked at."""
    sizes = (5, 6)
    found = {(a, b): stratified([Stratum(shares[0], a, 5), Stratum(shares[1], b, 6)])
             for a in range(6) for b in range(7)}
    for p in [(0.9, 0.9), (0.5, 1.0), (1.0, 0.5), (0.99, 0.8), (0.7, 0.95), (0.3, 0.6)]:
        truth = sum(w * q for w, q in zip(shares, p, strict=True))
        mass = sum(
            stats.binom.pmf(a, sizes[0], p[0]) * stats.binom.pmf(b, sizes[1], p[1])
            for (a, b), e in found.items() if e.lower - 1e-9 <= truth <= e.upper + 1e-9)
        assert mass >= NOMINAL - 1e-6, p


@pytest.mark.parametrize(("n", "p"), [(10, 0.8), (20, 0.9), (50, 0.9), (50, 0.95)])
def test_weighted_recall_covers_where_the_bootstrap_does_not(n: int, p: float) -> None:
    rng, hits, boot, many = np.random.default_rng(7), 0, 0, 400
    for _ in range(many):
        w = np.where(rng.random(n) < 0.3, 5.0, 1.0)
        d = rng.random(n) < p
        e = weighted(d, w, many=300)
        hits += e.lower <= p <= e.upper
        low, high = ratio_bootstrap(w * d, w, seed=1, name="coverage", many=300) or (0, 1)
        boot += low <= p <= high
    assert hits / many >= LEAST
    if (n, p) in {(50, 0.9), (20, 0.9)}:
        assert boot / many < 0.94, "the bootstrap alone got better than it is"


@pytest.mark.parametrize(("n", "p", "icc"), [
    (10, 0.7, 0.3), (20, 0.9, 0.3), (20, 0.9, 0.7), (50, 0.95, 0.7), (50, 0.95, 0.05), (150, 0.98, 0.7)])
def test_steps_in_campaigns_cover_at_any_correlation(n: int, p: float, icc: float) -> None:
    """Beta-binomial clusters of about five steps."""
    rng, hits, many, s = np.random.default_rng(11), 0, 1500, (1 - icc) / icc
    for _ in range(many):
        m = 1 + rng.poisson(4, n)
        k = rng.binomial(m, rng.beta(p * s, (1 - p) * s, n))
        e = clustered(k, m)
        hits += e.lower <= p <= e.upper
    assert hits / many >= LEAST


@pytest.mark.parametrize("days", [7, 30])
@pytest.mark.parametrize("kind", ["restless", "bursts"])
def test_rates_of_bursty_alerts_cover_where_a_poisson_interval_does_not(kind: str, days: int) -> None:
    """Twelve false groups a day: hours of gamma-distributed rates, or one burst a day that lasts three hours."""
    rng, hits, plain, many = np.random.default_rng(4), 0, 0, 400
    for _ in range(many):
        if kind == "restless":
            hourly = rng.poisson(rng.gamma(0.25, 2.0, 24 * days))
        else:
            hourly = np.zeros(24 * days + 3, dtype=np.int64)
            for at in np.flatnonzero(rng.random(24 * days + 3) < 1 / 24):
                hourly[at:at + 3] += rng.poisson(4, 3)[: len(hourly) - at]
            hourly = hourly[3:]
        poisson = garwood(int(hourly.sum()), days)
        e = rate_per_day(hourly, poisson, seed=1)
        hits += e.lower <= 12 <= e.upper
        plain += poisson.lower <= 12 <= poisson.upper
    assert hits / many >= LEAST
    assert plain / many < 0.8


@pytest.mark.parametrize(("lost", "gained"), [(0.05, 0.02), (0.2, 0.05), (0.02, 0.2)])
def test_a_weighted_change_covers(lost: float, gained: float) -> None:
    rng, hits, many, n = np.random.default_rng(6), 0, 300, 60
    for _ in range(many):
        u, w = rng.random(n), np.where(rng.random(n) < 0.3, 5.0, 1.0)
        both = u > 0.5
        e = recall_change((u < lost) | both, ((u >= lost) & (u < lost + gained)) | both, w)
        hits += e.lower <= gained - lost <= e.upper
    assert hits / many >= LEAST
