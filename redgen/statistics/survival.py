"""Time to detect as survival: misses are censored, never dropped, so fast detection of few does not look good.

Durations are seconds from onset; ``detected`` says whether the duration ended in a detection or in the end of the
horizon (censored). The estimator is Kaplan and Meier's, JASA 53, 1958.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from redgen.scorecard import Estimate
from redgen.statistics.intervals import clopper_pearson, z_value

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve: after each of ``times`` the share ``survival`` is not yet detected.

    ``at_risk`` were still undetected and observed just before, ``events`` were detected at it. ``variance`` is
    Greenwood's sum Σ d / (r (r - d)), infinite once the curve is 0. ``n`` durations in all, the longest ``horizon``.
    """

    times: F64
    survival: F64
    at_risk: F64
    events: F64
    variance: F64
    n: int
    horizon: float

    def at(self, seconds: float) -> float:
        """The share not yet detected after ``seconds``."""
        place = int(np.searchsorted(self.times, seconds, side="right"))
        return float(self.survival[place - 1]) if place else 1.0

    def quantile(self, share: float) -> float | None:
        """The time by which ``share`` is detected; None when the curve does not fall that far."""
        below = np.flatnonzero(self.survival <= 1 - share + 1e-12)
        return float(self.times[below[0]]) if below.size else None

    def rmst(self, tau: float) -> float:
        """Restricted mean time: ∫ S(t) dt from 0 to ``tau``, the mean of min(time, tau)."""
        inside = self.times < tau
        edges = np.concatenate([[0.0], self.times[inside], [tau]])
        heights = np.concatenate([[1.0], self.survival[inside]])
        return float(np.sum(np.diff(edges) * heights))

    def points(self) -> tuple[tuple[float, float], ...]:
        """(seconds, share not yet detected) at each step, for drawing."""
        return tuple(zip(self.times.tolist(), self.survival.tolist(), strict=True))


def kaplan_meier(seconds: ArrayLike, detected: ArrayLike) -> Curve:
    """The curve of durations of which some ended in a detection; shapes (n,) and (n,) of bool.

    >>> c = kaplan_meier([60, 120, 3600], [True, True, False])
    >>> c.quantile(0.5), c.quantile(0.9), round(c.rmst(3600))
    (120.0, None, 1260)
    """
    t, d = _paired(seconds, detected)
    times = np.unique(t[d])
    at_risk, events = _at_risk(t, times), _at(t[d], times)
    survival = np.cumprod(1 - events / at_risk).astype(np.float64)
    left = at_risk - events
    terms = np.divide(events, at_risk * left, out=np.full(len(times), np.inf), where=left > 0)
    greenwood: F64 = np.cumsum(terms)
    return Curve(times, survival, at_risk, events, greenwood, len(t), float(t.max()) if len(t) else 0.0)


def detected_within(seconds: ArrayLike, detected: ArrayLike, limit: float, confidence: float = 0.95) -> Estimate:
    """The share detected within ``limit`` seconds of onset, with its interval.

    Clopper-Pearson when every miss was watched for that long; else 1 - S(limit) of the curve with the log-log interval
    of Greenwood's variance (Kalbfleisch and Prentice 1980), or, where the curve is flat, the exact interval of those
    that were.
    """
    t, d = _paired(seconds, detected)
    early = d & (t <= limit)
    watched = early | (t >= limit)
    share = 1 - kaplan_meier(t, d).at(limit)
    if watched.all() or share in (0.0, 1.0):
        exact = clopper_pearson(int(early.sum()), int(watched.sum()), confidence)
        return exact if watched.all() else replace(exact, note="without those watched for less")
    return _loglog(kaplan_meier(t, d), limit, int(early.sum()), confidence)


def quantile_ends(
    seconds: ArrayLike, detected: ArrayLike, share: float, confidence: float = 0.95,
) -> tuple[float, float | None]:
    """The interval of the time by which ``share`` is detected: where the bounds of ``detected_within`` reach it.

    The lower end is 0 when even without a detection so far the share is possible, and the longest duration when no
    detection is late enough; the upper end is None then (Brookmeyer and Crowley, Biometrics 38, 1982, by inversion).
    """
    t, d = _paired(seconds, detected)
    times = np.unique(t[d])

    def first(end: str) -> int:
        low, high = 0, len(times)
        while low < high:
            middle = (low + high) // 2
            bound = getattr(detected_within(t, d, float(times[middle]), confidence), end)
            low, high = (low, middle) if bound is not None and bound >= share else (middle + 1, high)
        return low

    none_yet = clopper_pearson(0, len(t), confidence).upper
    early, late = first("upper"), first("lower")
    lower = float(times[early]) if early < len(times) else float(t.max()) if len(t) else 0.0
    if none_yet is None or none_yet >= share:
        lower = 0.0
    return lower, float(times[late]) if late < len(times) else None


@dataclass(frozen=True)
class Logrank:
    """A logrank test: observed and expected detections of the first group, χ² on one degree of freedom, two-sided p."""

    observed: float
    expected: float
    chi2: float
    p: float


def logrank(seconds: ArrayLike, detected: ArrayLike, others: ArrayLike, others_detected: ArrayLike) -> Logrank:
    """Whether two groups are detected at the same pace (Mantel 1966; Peto and Peto 1972); p is 1 without detections.

    Fewer detections observed than expected in the first group mean that it is slower.
    """
    t1, d1 = _paired(seconds, detected)
    t2, d2 = _paired(others, others_detected)
    times = np.unique(np.concatenate([t1[d1], t2[d2]]))
    risk1, risk2 = _at_risk(t1, times), _at_risk(t2, times)
    hits1, hits2 = _at(t1[d1], times), _at(t2[d2], times)
    risk, hits = risk1 + risk2, hits1 + hits2
    expected = hits * risk1 / risk
    spread = np.divide(
        hits * risk1 * risk2 * (risk - hits), risk**2 * (risk - 1), out=np.zeros_like(risk), where=risk > 1)
    variance = float(spread.sum())
    gap = float((hits1 - expected).sum())
    chi2 = gap * gap / variance if variance > 0 else 0.0
    p = float(stats.chi2.sf(chi2, 1))
    return Logrank(float(hits1.sum()), float(expected.sum()), chi2, p)


def _loglog(curve: Curve, limit: float, early: int, confidence: float) -> Estimate:
    """1 - S(limit), strictly between 0 and 1, with the interval symmetric in log(-log S)."""
    place = int(np.searchsorted(curve.times, limit, side="right")) - 1
    left = curve.at(limit)
    half = z_value(confidence) * math.sqrt(float(curve.variance[place])) / abs(math.log(left))
    lower, upper = 1 - left ** math.exp(-half), 1 - left ** math.exp(half)
    return Estimate(
        1 - left, lower, upper, curve.n, early, confidence, "Kaplan-Meier log-log", note="some watched for less")


def _paired(seconds: ArrayLike, detected: ArrayLike) -> tuple[F64, NDArray[np.bool_]]:
    t, d = np.asarray(seconds, dtype=np.float64), np.asarray(detected, dtype=np.bool_)
    if t.shape != d.shape or t.ndim != 1:
        raise ValueError(f"durations {t.shape} and outcomes {d.shape} are not two columns of one table")
    if np.any(t < 0) or np.any(np.isnan(t)):
        raise ValueError("a duration is a number of seconds, not negative")
    return t, d


def _at_risk(t: F64, times: F64) -> F64:
    return (len(t) - np.searchsorted(np.sort(t), times, side="left")).astype(np.float64)


def _at(t: F64, times: F64) -> F64:
    ordered = np.sort(t)
    found = np.searchsorted(ordered, times, side="right") - np.searchsorted(ordered, times, side="left")
    return found.astype(np.float64)
