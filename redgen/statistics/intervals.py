"""Intervals of proportions, rates and paired differences, each from few campaigns and each with its source.

All are pure functions that return an ``Estimate``; ``confidence`` is two-sided, so its lower end alone is a one-sided
bound at (1 + confidence) / 2. Where nothing was observed, value and ends are None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from scipy import optimize, stats

from redgen.scorecard import Estimate

EMPTY = "nothing observed"


def z_value(confidence: float) -> float:
    """The normal quantile of a two-sided confidence.

    >>> round(z_value(0.95), 6)
    1.959964
    """
    return float(stats.norm.isf((1 - confidence) / 2))


def clopper_pearson(k: float, n: float, confidence: float = 0.95) -> Estimate:
    """The exact interval of a proportion ``k`` of ``n``; it never covers less than it says, so gates use it.

    Ends are quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k) (Clopper and Pearson, Biometrika 26, 1934). ``k``
    and ``n`` may be effective sizes that are no whole numbers.

    >>> e = clopper_pearson(29, 29, 0.90)
    >>> e.value, round(e.lower, 4), e.upper
    (1.0, 0.9019, 1.0)
    """
    _checked(k, n)
    if n == 0:
        return _nothing("Clopper-Pearson", confidence)
    half = (1 - confidence) / 2
    lower = float(stats.beta.ppf(half, k, n - k + 1)) if k > 0 else 0.0
    upper = float(stats.beta.isf(half, k + 1, n - k)) if k < n else 1.0
    return Estimate(k / n, lower, upper, math.floor(n), k, confidence, "Clopper-Pearson")


def wilson(k: float, n: float, confidence: float = 0.95) -> Estimate:
    """The score interval of a proportion: shorter than the exact one, covering about what it says on average only.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) (Wilson, JASA 22, 1927).

    >>> e = wilson(8, 10)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.4902, 0.9433)
    """
    _checked(k, n)
    if n == 0:
        return _nothing("Wilson", confidence)
    p, z = k / n, z_value(confidence)
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    lower = max(0.0, (middle - half) / scale) if k > 0 else 0.0
    upper = min(1.0, (middle + half) / scale) if k < n else 1.0
    return Estimate(p, lower, upper, math.floor(n), k, confidence, "Wilson")


def garwood(k: float, exposure: float, confidence: float = 0.95, unit: str = "") -> Estimate:
    """The exact interval of a Poisson rate: ``k`` occurrences in ``exposure`` (days, million events, …).

    [χ²(α/2; 2k) / 2T, χ²(1-α/2; 2k+2) / 2T] (Garwood, Biometrika 28, 1936).

    >>> e = garwood(0, 1.0)
    >>> e.value, e.lower, round(e.upper, 4)
    (0.0, 0.0, 3.6889)
    """
    if k < 0 or exposure < 0:
        raise ValueError(f"a count and its exposure are not negative, as {k} in {exposure} is")
    if exposure == 0:
        return replace(_nothing("Garwood", confidence), k=k, unit=unit)
    half = (1 - confidence) / 2
    lower = float(stats.chi2.ppf(half, 2 * k)) / (2 * exposure) if k > 0 else 0.0
    upper = float(stats.chi2.isf(half, 2 * k + 2)) / (2 * exposure)
    return Estimate(k / exposure, lower, upper, math.floor(k), k, confidence, "Garwood", unit)


def tango(lost: float, gained: float, n: float, confidence: float = 0.95, *, continuity: float = 0.0) -> Estimate:
    """The score interval of a paired difference (gained - lost) / n, both out of the same ``n`` campaigns.

    The limits are where the score statistic reaches ±z (Tango, Statistics in Medicine 17, 1998). The sizes may be
    effective ones that are no whole numbers.

    ``continuity`` moves each limit out by so many pairs. Plain limits cover as little as 92.8 % at 95 %; half a pair
    makes that 95.5 % (enumerated in tests/scoring/test_intervals_coverage.py), so gates use 0.5.

    >>> e = tango(7, 1, 21)
    >>> round(e.value, 3), round(e.lower, 3), round(e.upper, 3)
    (-0.286, -0.517, -0.026)
    """
    _checked_pairs(lost, gained, n)
    if n == 0:
        return _nothing("Tango score", confidence)
    z = z_value(confidence)
    value = (gained - lost) / n

    def above(delta: float) -> float:
        return _tango_score(delta, gained - lost - continuity, lost, gained, n) - z

    def below(delta: float) -> float:
        return _tango_score(delta, gained - lost + continuity, lost, gained, n) + z

    edge = 1 - 1e-12
    lower = _root(above, -edge, value) if value > -1 else -1.0
    upper = _root(below, value, edge) if value < 1 else 1.0
    method = "Tango score, corrected" if continuity else "Tango score"
    return Estimate(value, lower, upper, math.floor(n), gained - lost, confidence, method)


def newcombe(both: int, lost: int, gained: int, neither: int, confidence: float = 0.95) -> Estimate:
    """The hybrid score interval of a paired difference (gained - lost) / n, from the Wilson limits of both margins.

    Method 10 of Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
    paired data", Statistics in Medicine 17, 1998: correlation corrected for continuity.

    >>> e = newcombe(36, 2, 12, 0)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.0569, 0.3404)
    """
    n = both + lost + gained + neither
    _checked_pairs(lost, gained, n)
    if n == 0:
        return _nothing("Newcombe", confidence)
    new, old = wilson(both + gained, n, confidence), wilson(both + lost, n, confidence)
    phi = _newcombe_phi(both, gained, lost, neither)
    assert new.value is not None and new.lower is not None and new.upper is not None  # noqa: PT018
    assert old.value is not None and old.lower is not None and old.upper is not None  # noqa: PT018
    d1, u1 = new.value - new.lower, new.upper - new.value
    d2, u2 = old.value - old.lower, old.upper - old.value
    value = (gained - lost) / n
    lower = value - math.sqrt(max(0.0, d1 * d1 - 2 * phi * d1 * u2 + u2 * u2))
    upper = value + math.sqrt(max(0.0, u1 * u1 - 2 * phi * u1 * d2 + d2 * d2))
    return Estimate(value, max(-1.0, lower), min(1.0, upper), n, gained - lost, confidence, "Newcombe")


@dataclass(frozen=True)
class Certificate:
    """How many campaigns without a single miss show that recall is at least ``recall``."""

    recall: float
    campaigns: int


def needed(recall: float, confidence: float = 0.95) -> int:
    """The least n whose one-sided exact lower bound reaches ``recall`` when all n are detected: (1-confidence)^(1/n).

    >>> [needed(r) for r in (0.80, 0.90, 0.95, 0.99)]
    [14, 29, 59, 299]
    """
    if not 0 <= recall < 1:
        raise ValueError(f"no number of campaigns shows a recall of {recall}; write one of at least 0 and below 1")
    if recall == 0:
        return 1
    n = max(1, math.ceil(math.log(1 - confidence) / math.log(recall)))
    while n > 1 and (1 - confidence) ** (1 / (n - 1)) >= recall:
        n -= 1
    while (1 - confidence) ** (1 / n) < recall:
        n += 1
    return n


def planning(confidence: float = 0.95) -> tuple[Certificate, ...]:
    """The planning table: how many campaigns, all detected, certify a recall (one-sided)."""
    return tuple(Certificate(r, needed(r, confidence)) for r in (0.80, 0.90, 0.95, 0.99))


def _tango_score(delta: float, change: float, lost: float, gained: float, n: float) -> float:
    """Tango's z of a change at a difference, the nuisance proportion at its maximum likelihood under it."""
    a = 2.0 * n
    b = -gained - lost + (2 * n - gained + lost) * delta
    c = -lost * delta * (1 - delta)
    q = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    top = change - n * delta
    variance = n * (2 * q + delta * (1 - delta))
    if variance <= 0:
        return 0.0 if top == 0 else math.copysign(math.inf, top)
    return top / math.sqrt(variance)


def _newcombe_phi(a: int, b: int, c: int, d: int) -> float:
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return 0.0
    cross, n = a * d - b * c, a + b + c + d
    corrected = max(cross - n / 2, 0.0) if cross > 0 else float(cross)
    return corrected / math.sqrt(margins)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses zero between two places; the place itself when it does not cross."""

    def finite(x: float) -> float:
        return max(min(function(x), 1e9), -1e9)

    if finite(low) <= 0:
        return low
    if finite(high) >= 0:
        return high
    return float(optimize.brentq(finite, low, high, xtol=1e-12, rtol=1e-12))


def _checked(k: float, n: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no proportion")


def _checked_pairs(lost: float, gained: float, n: float) -> None:
    if lost < 0 or gained < 0 or lost + gained > n * (1 + 1e-9):
        raise ValueError(f"{lost} lost and {gained} gained do not fit into {n} pairs")


def _nothing(method: str, confidence: float) -> Estimate:
    return Estimate(None, confidence=confidence, method=method, note=EMPTY)
