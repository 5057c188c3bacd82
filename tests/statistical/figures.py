"""Figures of traffic as their sources define them: dispersion, Hurst exponents, sessions by silence, Zipf slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.clock import DAY, MINUTE
from redgen.table import Table

CELLS = 288
"""Five-minute counts in a day."""


def five_minute_counts(done: NDArray[np.int64], start: int, days: int) -> NDArray[np.float64]:
    """Rows done in each five minutes, shape [days, 288]."""
    counts = np.bincount((done - start) // (5 * MINUTE), minlength=days * CELLS)
    return counts[: days * CELLS].reshape(days, CELLS).astype(np.float64)


def hourly_profile(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean count by hour of day, scaled to mean 1."""
    hours = counts.mean(axis=0).reshape(24, 12).mean(axis=1)
    return hours / hours.mean()


def weekly_profile(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean count by weekday, Monday first (``counts`` begins on a Monday and holds whole weeks), mean 1."""
    week = counts.mean(axis=1).reshape(-1, 7).mean(axis=0)
    return week / week.mean()


def dispersion(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Index of dispersion (variance over mean) of the counts, and after subtracting the mean day's hours."""
    daily = np.repeat(counts.mean(axis=0).reshape(24, 12).mean(axis=1), 12)
    return float(counts.var() / counts.mean()), float((counts - daily).var() / counts.mean())


def hurst(counts: NDArray[np.float64]) -> float:
    """Hurst exponent by variance-time, blocks of 5 min to 5.3 h, with day and week divided out (Leland et al. 1994)."""
    days = len(counts)
    expected = hourly_profile(counts).repeat(12)[None, :] * np.tile(weekly_profile(counts), days // 7)[:, None]
    series = (counts / expected).ravel()
    sizes = np.array([1, 2, 4, 8, 16, 32, 64])
    variances = [series[: len(series) // m * m].reshape(-1, m).mean(axis=1).var() for m in sizes]
    return float(1 + np.polyfit(np.log(sizes), np.log(variances), 1)[0] / 2)


def requests_per_client(http: Table) -> NDArray[np.int64]:
    """Requests of each address."""
    return np.unique(http["client"], return_counts=True)[1]


def visits(http: Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(requests of each visit, visits of each address); a visit ends with 30 minutes of silence."""
    order = np.lexsort((http["t"], http["client"]))
    client, t = http["client"][order], http["t"][order]
    begins = np.append(True, (client[1:] != client[:-1]) | (np.diff(t) > 30 * MINUTE))
    first = np.flatnonzero(begins)
    return np.diff(np.append(first, len(t))), np.unique(client[first], return_counts=True)[1]


def targets(http: Table) -> NDArray[np.int64]:
    """Requests of each path, most popular first."""
    columns = np.stack([http[c].astype(np.int64) for c in ("site", "route", "obj", "obj2", "word")], axis=1)
    return np.sort(np.unique(columns, axis=0, return_counts=True)[1])[::-1]


def zipf_slope(counts: NDArray[np.int64], top: int = 300) -> float:
    """Exponent of popularity by rank over the ``top`` ranks (least squares in logs)."""
    top = min(top, len(counts))
    return float(-np.polyfit(np.log(np.arange(1, top + 1)), np.log(counts[:top]), 1)[0])


def share(column: NDArray[np.generic], value: object) -> float:
    """Share of rows that have ``value``."""
    return float((column == value).mean())


def span(days: float) -> int:
    """Days in microseconds."""
    return int(days * DAY)
