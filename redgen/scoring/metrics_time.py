"""How soon: time to detect with misses censored, before impact or not, and what was lost until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.clock import SECOND
from redgen.matching.joins import I64, count
from redgen.scorecard import Estimate, TimeToDetect
from redgen.scoring.case import Case
from redgen.statistics.intervals import clopper_pearson
from redgen.statistics.resampling import ratio_bootstrap
from redgen.statistics.survival import detected_within, kaplan_meier

F64 = NDArray[np.float64]

WITHIN: Mapping[str, float] = {"5m": 300.0, "1h": 3_600.0, "24h": 86_400.0}

DECAY = 3_600.0
"""Seconds in which a detection after the impact loses all but 1/e of its worth."""

PENALTY, MOST_FALSE = 0.2, 50.0
"""What false alerts can cost of the timeliness score, and how many groups a day cost all of it: a day's work."""


def time_to_detect(case: Case) -> Mapping[str, Any]:
    """Kaplan-Meier figures from onset to detection; misses count as watched until one horizon after their end."""
    onset, end, impact = _times(case)
    horizon = round(case.settings.horizon_seconds * SECOND)
    caught = case.outcome.caught
    until = np.where(caught, np.maximum(case.outcome.t_det, onset), end + horizon)
    use = case.scored
    seconds, seen = ((until - onset) / SECOND)[use], caught[use]
    curve = kaplan_meier(seconds, seen)
    reached = use & (impact >= 0)
    early = reached & caught & (case.outcome.t_det <= impact)
    confidence = case.settings.confidence
    return {"time_to_detect": TimeToDetect(
        int(use.sum()), int(seen.sum()), curve.quantile(0.5), curve.quantile(0.9), curve.horizon,
        curve.rmst(curve.horizon),
        {name: detected_within(seconds, seen, limit, confidence) for name, limit in WITHIN.items()},
        clopper_pearson(int(early.sum()), int(reached.sum()), confidence), curve.points(), _lost(case))}


def _times(case: Case) -> tuple[I64, I64, I64]:
    """Onset, end and impact (-1: none) of every campaign."""
    rows = [(c.t_onset, c.t_end, -1 if c.t_impact is None else c.t_impact) for c in case.ground.campaigns]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def lost_events(case: Case) -> I64:
    """Malicious lines of each campaign before it was detected; all of them when it was missed."""
    evil = case.tables.evil
    owner = case.tables.step_campaign[case.tables.row_step[evil]]
    before = case.tables.row_t[evil] < case.outcome.t_det[owner]
    return count(owner[before], case.tables.campaigns)


def _lost(case: Case) -> Estimate:
    """Mean malicious lines per campaign before detection, campaigns resampled."""
    lost = lost_events(case)[case.scored].astype(np.float64)
    if not len(lost):
        return Estimate(None, unit="events", method="mean", note="nothing observed")
    ends = ratio_bootstrap(lost, np.ones(len(lost)), case.settings.confidence, seed=case.settings.seed,
                           name="lost events", many=case.settings.bootstrap) or (None, None)
    return Estimate(float(lost.mean()), ends[0], ends[1], len(lost), float(lost.sum()), case.settings.confidence,
                    "bootstrap of the mean", "events", seed=case.settings.seed)


def timeliness(case: Case) -> Mapping[str, Any]:
    """One number for early and quiet: 1 at onset, linear to 0.5 at impact, then decaying; less for false alerts.

    U = Σ w u / Σ w - λ min(1, φ / φ_max), after the Numenta benchmark (Lavin and Ahmad 2015) with exact onsets. For
    information only.
    """
    use = case.scored
    if not use.any():
        return {"timeliness": None}
    onset, end, impact = _times(case)
    worth = np.where(case.outcome.caught, _worth(case.outcome.t_det, onset, np.where(impact >= 0, impact, end)), 0.0)
    weights = case.weights[use]
    false = int((~case.groups.true).sum()) / case.days
    value = float(weights @ worth[use] / weights.sum()) - PENALTY * min(1.0, false / MOST_FALSE)
    return {"timeliness": value}


def _worth(t: I64, onset: I64, impact: I64) -> F64:
    length = np.maximum(impact - onset, 1)
    late = np.clip((t - impact) / SECOND, 0.0, 1e9)
    early = 1 - 0.5 * np.clip((t - onset) / length, 0.0, 1.0)
    worth = np.where(t <= onset, 1.0, np.where(t <= impact, early, 0.5 * np.exp(-late / DECAY)))
    return np.asarray(worth, dtype=np.float64)
