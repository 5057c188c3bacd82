"""Resampling with named seeds: bootstraps over clusters and blocks, sign flips; the same bytes on every run.

Draws come from ``redgen.seed``, so they depend on the seed and on what they are for, not on numpy's version, on the
order of calls, or on one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from redgen.scorecard import Estimate
from redgen.seed import Seed
from redgen.statistics.intervals import garwood

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

RESAMPLES = 2000
FLIPS = 10_000
BURSTY = 1.5
"""Hourly counts whose variance is more than so many times their mean are no Poisson process (docs/scoring.md)."""
ENUMERABLE = 13
"""Up to so many differences every pattern of signs is looked at: 2¹³ are fewer than FLIPS."""

_CELLS = 4_000_000
"""How many drawn indexes are held at a time."""


def resamples(n: int, many: int, seed: int, name: str) -> Iterator[I64]:
    """``many`` samples with replacement from n things, as rows of indexes, a chunk of rows at a time."""
    stream = Seed(seed).child("resampling", name).stream()
    rows = max(1, min(many, _CELLS // max(n, 1)))
    for start in range(0, many, rows):
        size = min(rows, many - start)
        yield stream.integers(0, n, size * n).reshape(size, n)


def ratio_bootstrap(
    numerators: ArrayLike, denominators: ArrayLike, confidence: float = 0.95, *, seed: int, name: str,
    many: int = RESAMPLES,
) -> tuple[float, float] | None:
    """Percentile interval of Σ numerators / Σ denominators, clusters resampled whole.

    None without clusters or with denominators of 0 alone (Efron 1979; Davison and Hinkley 1997, section 3.8). Fits
    weighted recall (w d over w), step recall (hits over steps, by campaign) and precision (true over all groups, by
    campaign or hour). It is too short where few things failed: see ``weights`` for bounds that hold.
    """
    top, bottom = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if not len(top) or not bottom.any():
        return None
    found = []
    for index in resamples(len(top), many, seed, name):
        below = bottom[index].sum(axis=1)
        found.append(top[index].sum(axis=1)[below > 0] / below[below > 0])
    return _percentiles(np.concatenate(found), confidence)


def block_bootstrap(
    hourly: ArrayLike, confidence: float = 0.95, *, seed: int, name: str, block: int | None = None,
    many: int = RESAMPLES,
) -> tuple[float, float] | None:
    """Percentile interval of the mean of hourly counts, blocks of neighboring hours resampled in a circle.

    None without hours. ``block``: hours, else ``block_length`` (Politis and Romano 1992).
    """
    counts = np.asarray(hourly, dtype=np.float64)
    hours = len(counts)
    if not hours:
        return None
    length = min(block or block_length(counts), hours)
    around = np.concatenate([counts, counts[: length - 1]])
    sums = np.convolve(around, np.ones(length), mode="valid")
    each = math.ceil(hours / length)
    stream = Seed(seed).child("blocks", name).stream()
    drawn = sums[stream.integers(0, hours, many * each).reshape(many, each)]
    return _percentiles(drawn.sum(axis=1) / (each * length), confidence)


def block_length(counts: F64) -> int:
    """A day of hours, or the lag at which autocorrelation falls into noise (2/√n) when that is longer.

    Never more than a fifth of the hours, so that there are blocks to draw from; at least 1.
    """
    hours = len(counts)
    centered = counts - counts.mean()
    power = float(centered @ centered)
    longest = max(1, hours // 5)
    lag = 0
    if power > 0:
        noise = 2 / math.sqrt(hours)
        while lag + 1 < longest and float(centered[lag + 1:] @ centered[: hours - lag - 1]) / power > noise:
            lag += 1
    return max(1, min(max(24, lag + 1), longest))


def dispersion(counts: ArrayLike) -> float | None:
    """Variance over mean of counts: 1 for a Poisson process, above 1.5 too bursty for its intervals; None for no event.

    >>> dispersion([0, 0, 8, 0])
    8.0
    """
    c = np.asarray(counts, dtype=np.float64)
    if len(c) < 2 or c.sum() == 0:
        return None
    return float(c.var(ddof=1) / c.mean())


def overdispersion(hourly: ArrayLike) -> float:
    """By how much counts spread more than a Poisson process: 1 unless hourly counts are bursty (above ``BURSTY``).

    Then the largest variance over mean of the counts in blocks of 1, 2, 3 and 6 hours, for bursts outlast an hour, each
    raised by (t / z)² for having few blocks.
    """
    counts = np.asarray(hourly, dtype=np.float64)
    if (dispersion(counts) or 0.0) <= BURSTY:
        return 1.0
    found = [1.0]
    for length in (1, 2, 3, 6):
        many = len(counts) // length
        if many >= 6:
            spread = dispersion(counts[: many * length].reshape(many, length).sum(axis=1)) or 0.0
            found.append(spread * float(stats.t.isf(0.025, many - 1) / stats.norm.isf(0.025)) ** 2)
    return max(found)


def rate_per_day(hourly: ArrayLike, exposure: Estimate, *, seed: int, name: str = "false alerts") -> Estimate:
    """A rate per day whose interval fits its burstiness.

    ``exposure`` is Garwood's; it stands unless hourly counts are overdispersed, where it is the wider of the block
    bootstrap and Garwood's interval of the count scaled down by the overdispersion (quasi-Poisson, McCullagh and Nelder
    1989). Bursts so rare that none happened in the window cannot be seen by any interval.
    """
    scale = overdispersion(hourly)
    if scale <= 1 or not exposure.value or exposure.lower is None or exposure.upper is None:
        return exposure
    scaled = garwood(exposure.k / scale, exposure.k / exposure.value / scale, exposure.confidence)
    ends = block_bootstrap(hourly, exposure.confidence, seed=seed, name=name)
    assert scaled.lower is not None and scaled.upper is not None and ends is not None  # noqa: PT018
    return replace(
        exposure, lower=min(exposure.lower, scaled.lower, 24 * ends[0]),
        upper=max(exposure.upper, scaled.upper, 24 * ends[1]), seed=seed,
        method="block bootstrap or quasi-Poisson, the wider",
        note=f"bursty: counts spread {scale:.1f} times as much as a Poisson process")


def sign_flip(differences: ArrayLike, *, seed: int, name: str, flips: int = FLIPS) -> float:
    """One-sided p of paired differences being larger than 0 on average, signs exchangeable (Fisher 1935).

    All patterns of signs up to ``ENUMERABLE`` differences that are not 0; else ``flips`` drawn ones, p = (1 + count) /
    (1 + flips) (Phipson and Smyth 2010).

    >>> sign_flip([1, 1, 1, 1, 1], seed=1, name="x")
    0.03125
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if not len(d):
        return 1.0
    least = float(d.sum()) - 1e-9 * float(np.abs(d).sum())
    if len(d) <= ENUMERABLE:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
        return float(np.mean(signs @ d >= least))
    stream = Seed(seed).child("sign flips", name).stream()
    rows = max(1, _CELLS // len(d))
    reached = 0
    for start in range(0, flips, rows):
        size = min(rows, flips - start)
        signs = 1.0 - 2.0 * (stream.u64(size * len(d)) >> np.uint64(63)).astype(np.float64).reshape(size, len(d))
        reached += int(np.sum(signs @ d >= least))
    return (1 + reached) / (1 + flips)


def bootstrap(
    statistic: Callable[[I64], float], n: int, confidence: float = 0.95, *, seed: int, name: str,
    many: int = RESAMPLES,
) -> tuple[float, float] | None:
    """Percentile interval of any statistic of resampled indexes, None for n of 0.

    For plain ratios ``ratio_bootstrap`` is faster.
    """
    if n == 0:
        return None
    values = [statistic(row) for chunk in resamples(n, many, seed, name) for row in chunk]
    return _percentiles(np.array(values, dtype=np.float64), confidence)


def _percentiles(values: F64, confidence: float) -> tuple[float, float]:
    half = (1 - confidence) / 2
    low, high = np.quantile(values, [half, 1 - half])
    return float(low), float(high)
