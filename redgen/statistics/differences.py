"""Differences between two runs: of recall, of false alerts and of time to detect, each with its test.

b counts campaigns detected before and not now, c those not detected before and detected now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from redgen.scorecard import FAILED, INCONCLUSIVE, PASSED, Estimate
from redgen.statistics.intervals import EMPTY, clopper_pearson, tango, wilson
from redgen.statistics.resampling import BURSTY, dispersion, ratio_bootstrap, sign_flip
from redgen.statistics.survival import kaplan_meier, logrank
from redgen.statistics.weights import MOST_RESAMPLED, effective

MARGIN = 0.02
"""How much recall may be lost before a run counts as worse (docs/scoring.md)."""

DISCORDANT = 5
"""With fewer campaigns that changed, McNemar's exact one-sided p cannot fall below 0.05."""

HALF_A_PAIR = 0.5
"""The continuity correction with which the interval of a change covers what it says."""


def mcnemar(lost: int, gained: int) -> float:
    """The exact one-sided p of a loss: Σ C(b+c, i) / 2^(b+c) over i from b (McNemar 1947); 1 when nothing changed.

    >>> [mcnemar(b, 0) for b in (5, 4, 3)]
    [0.03125, 0.0625, 0.125]
    """
    return float(stats.binom.sf(lost - 1, lost + gained, 0.5)) if lost else 1.0


def recall_change(
    before: ArrayLike, now: ArrayLike, weights: ArrayLike, confidence: float = 0.95, *, seed: int = 0,
) -> Estimate:
    """The paired change of recall, Σ w (now - before) / Σ w, with its score interval.

    Under unequal weights it is the wider of the cluster bootstrap and Tango's interval at the effective size, since a
    bootstrap of campaigns of which none changed has no width.
    """
    old, new = np.asarray(before, dtype=np.bool_), np.asarray(now, dtype=np.bool_)
    w = np.asarray(weights, dtype=np.float64)
    lost, gained = old & ~new, new & ~old
    if not len(w) or np.all(w == w[0]):
        return tango(int(lost.sum()), int(gained.sum()), len(w), confidence, continuity=HALF_A_PAIR)
    size, total = effective(w), float(w.sum())
    exact = tango(
        size * float(w @ lost) / total, size * float(w @ gained) / total, size, confidence, continuity=HALF_A_PAIR)
    k = int(gained.sum()) - int(lost.sum())
    whole = replace(exact, n=len(w), n_eff=size, k=k, method=f"{exact.method}, at n_eff")
    ends = ratio_bootstrap(w * gained - w * lost, w, confidence, seed=seed, name="change of recall") \
        if len(w) <= MOST_RESAMPLED else None
    if ends is None or exact.lower is None or exact.upper is None:
        return whole
    return replace(
        whole, lower=min(exact.lower, ends[0]), upper=max(exact.upper, ends[1]), seed=seed,
        method="weighted, wider of bootstrap and Tango score at n_eff")


def pairs_needed(margin: float, confidence: float = 0.95) -> int:
    """How many pairs, none changed, it takes to exclude a loss of more than ``margin``.

    >>> pairs_needed(0.02)
    236
    """
    low, high = 1, 1
    while (tango(0, 0, high, confidence, continuity=HALF_A_PAIR).lower or 0.0) < -margin:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        enough = (tango(0, 0, middle, confidence, continuity=HALF_A_PAIR).lower or 0.0) >= -margin
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def unpaired_change(old_k: int, old_n: int, new_k: int, new_n: int, confidence: float = 0.95) -> Estimate:
    """The change of recall between different datasets, from the Wilson limits of both.

    Method 10 of Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17, 1998.

    >>> e = unpaired_change(48, 80, 56, 70)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.0524, 0.3339)
    """
    if not old_n or not new_n:
        return Estimate(None, confidence=confidence, method="Newcombe", note=EMPTY)
    old, new = wilson(old_k, old_n, confidence), wilson(new_k, new_n, confidence)
    (p1, l1, u1), (p2, l2, u2) = _ends(new), _ends(old)
    lower = p1 - p2 - float(np.hypot(p1 - l1, u2 - p2))
    upper = p1 - p2 + float(np.hypot(u1 - p1, p2 - l2))
    return Estimate(p1 - p2, lower, upper, old_n + new_n, new_k - old_k, confidence, "Newcombe, unpaired")


def verdict(change: Estimate, p: float | None, discordant: int, margin: float = MARGIN, alpha: float = 0.05) -> str:
    """What the generalisation test says: passed when a loss above ``margin`` is excluded, failed when a loss is shown.

    A loss is shown by McNemar's p at ``alpha``, or by an interval wholly below -margin; with few discordant campaigns
    neither can happen and the answer is inconclusive.
    """
    if change.lower is None or change.upper is None:
        return INCONCLUSIVE
    if change.lower > -margin:
        return PASSED
    if change.upper < -margin or (p is not None and p < alpha and discordant >= DISCORDANT):
        return FAILED
    return INCONCLUSIVE


def false_alert_change(
    old_k: int, old_days: float, new_k: int, new_days: float, *, old_hourly: Sequence[int] = (),
    new_hourly: Sequence[int] = (), confidence: float = 0.95, seed: int = 0,
) -> dict[str, float | None]:
    """False alert groups against those of before: rates, their ratio with its exact interval, one-sided p of growth.

    New ones are Binomial(all, T_new / (T_new + T_old)) under equal rates (Przyborowski and Wilenski, Biometrika 31,
    1940). Given hours that pair up and counts that are overdispersed, signs are flipped by hour instead.
    """
    told: dict[str, float | None] = {
        "old_groups": old_k, "new_groups": new_k, "old_days": old_days, "new_days": new_days,
        "old_per_day": old_k / old_days if old_days else None, "new_per_day": new_k / new_days if new_days else None,
        "ratio": None, "ratio_lower": None, "ratio_upper": None, "p": None, "p_binomial": None, "p_sign_flip": None,
        "dispersion": dispersion(new_hourly) if len(new_hourly) else None}
    if not old_days or not new_days:
        return told
    share = new_days / (new_days + old_days)
    total = old_k + new_k
    told["p_binomial"] = told["p"] = float(stats.binom.sf(new_k - 1, total, share)) if new_k else 1.0
    if total:
        bounds = clopper_pearson(new_k, total, confidence)
        told["ratio"] = _odds(new_k / total) * old_days / new_days if old_k else None
        told["ratio_lower"] = _odds(bounds.lower) * old_days / new_days if old_k else None
        told["ratio_upper"] = _odds(bounds.upper) * old_days / new_days if old_k and new_k < total else None
    bursty = max(dispersion(new_hourly) or 0.0, dispersion(old_hourly) or 0.0) > BURSTY
    if bursty and len(old_hourly) == len(new_hourly):
        gaps = np.asarray(new_hourly, dtype=np.float64) - np.asarray(old_hourly, dtype=np.float64)
        told["p_sign_flip"] = told["p"] = sign_flip(gaps, seed=seed, name="false alerts by hour")
    return told


@dataclass(frozen=True)
class Times:
    """Times to detect of one run: seconds from onset, and whether they ended in a detection."""

    seconds: Sequence[float]
    detected: Sequence[bool]


def time_change(old: Times, new: Times, *, paired: bool) -> dict[str, float | None]:
    """How much slower detection became: Wilcoxon's signed ranks on pairs both detected, logrank on all.

    ``wilcoxon_p`` is one-sided for slower (Wilcoxon 1945; exact for few pairs), ``logrank_p`` two-sided. None where a
    test has nothing to test.
    """
    before, after = kaplan_meier(old.seconds, old.detected), kaplan_meier(new.seconds, new.detected)
    told: dict[str, float | None] = {
        "old_median_seconds": before.quantile(0.5), "new_median_seconds": after.quantile(0.5),
        "old_p90_seconds": before.quantile(0.9), "new_p90_seconds": after.quantile(0.9),
        "pairs": None, "median_shift_seconds": None, "wilcoxon_p": None, "logrank_p": None}
    if before.n and after.n and (len(before.times) or len(after.times)):
        told["logrank_p"] = logrank(new.seconds, new.detected, old.seconds, old.detected).p
    if not paired:
        return told
    both = np.asarray(old.detected, dtype=np.bool_) & np.asarray(new.detected, dtype=np.bool_)
    shift = np.asarray(new.seconds, dtype=np.float64)[both] - np.asarray(old.seconds, dtype=np.float64)[both]
    told["pairs"] = float(len(shift))
    if len(shift):
        told["median_shift_seconds"] = float(np.median(shift))
        told["wilcoxon_p"] = float(stats.wilcoxon(shift, alternative="greater").pvalue) if shift.any() else 1.0
    return told


def _odds(share: float | None) -> float:
    assert share is not None
    return share / (1 - share)


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.value is not None
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.value, estimate.lower, estimate.upper
