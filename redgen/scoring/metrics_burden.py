"""What detection costs: precision, false alerts and their causes, and what that means at other rates of attack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from redgen.clock import HOUR
from redgen.matching.joins import I64, count, unique_pairs
from redgen.matching.match import DILUTED, NEVER, UNATTRIBUTABLE
from redgen.scorecard import Deployment, Estimate, FalseAlerts
from redgen.scoring.case import Case
from redgen.statistics.intervals import garwood
from redgen.statistics.resampling import dispersion, rate_per_day
from redgen.statistics.weights import clustered

RATES = (1.0, 1 / 7, 1 / 30)
"""Attacks per day: one a day, a week, a month."""


def precision(case: Case) -> Mapping[str, Any]:
    """The share of alert groups, and of alerts, that are true; campaigns and background hours are the clusters."""
    groups = case.groups
    alerts = np.where(groups.true, count(groups.of[case.matches.true], len(groups.rule)), 0)
    return {"precision": _share(case, groups.true.astype(np.int64), np.ones(len(groups.rule), dtype=np.int64)),
            "precision_alerts": _share(case, alerts, groups.alerts)}


def _share(case: Case, hits: I64, sizes: I64) -> Estimate:
    """Σ hits / Σ sizes over alert groups, in blocks that may be exchanged."""
    hour = (case.groups.t - case.ground.start) // HOUR
    campaign = case.group_campaign
    block = np.where(campaign < NEVER, campaign, case.tables.campaigns + np.clip(hour, -1, None) + 1)
    _, number = np.unique(block, return_inverse=True)
    size = int(number.max(initial=-1)) + 1
    top, bottom = (np.bincount(number, weights=x, minlength=size) for x in (hits, sizes))
    return clustered(top, bottom, case.settings.confidence)


def false_alerts(case: Case) -> Mapping[str, Any]:
    """False alert groups: how many per day, per million events, per thousand people; by cause, and how bursty."""
    false = ~case.groups.true
    k = int(false.sum())
    lines, people = sum(case.ground.lines.values()), case.ground.people
    causes = count(case.groups.cause[false], len(case.matches.causes))
    hourly = case.false_hours
    return {"false_alerts": FalseAlerts(
        k, int((~case.matches.true).sum()), false_per_day(case, k, hourly, "false alerts"),
        k / lines * 1e6 if lines else None, k / case.days / people * 1e3 if people else None,
        {name: int(c) for name, c in zip(case.matches.causes, causes, strict=True) if c}, dispersion(hourly),
        tuple(hourly.tolist()), int(case.matches.caused_by(DILUTED).sum()),
        int(case.matches.caused_by(UNATTRIBUTABLE).sum()))}


def false_per_day(case: Case, k: int, hourly: I64, name: str) -> Estimate:
    """Groups per day with Garwood's interval, wider where they come in bursts."""
    told = garwood(k, case.days, case.settings.confidence, "per day")
    return rate_per_day(hourly, told, seed=case.settings.seed, name=name)


def deployment(case: Case) -> Mapping[str, Any]:
    """What an analyst would live with at one attack a day, a week, a month (Axelsson, ACM TISSEC 3, 2000).

    PPV = ρRa / (ρRa + φ), ρ attacks a day, R recall, a alert groups per detected campaign, φ false groups a day.
    """
    caught = case.outcome.caught & case.scored
    total = float(case.weights[case.scored].sum())
    recall = float(case.weights[caught].sum()) / total if total else None
    keep = case.counting
    campaign, _ = unique_pairs(case.tables.step_campaign[case.matches.step[keep]],
                               case.groups.of[case.matches.alert[keep]])
    each = count(campaign, case.tables.campaigns)[caught]
    per_attack = float(each.mean()) if len(each) else 0.0
    false = int((~case.groups.true).sum()) / case.days
    return {"deployment": tuple(_at_rate(rate, recall, per_attack, false) for rate in RATES)}


def _at_rate(rate: float, recall: float | None, per_attack: float, false: float) -> Deployment:
    if recall is None:
        return Deployment(rate, None, None)
    true = rate * recall * per_attack
    share = true / (true + false) if true + false > 0 else None
    return Deployment(rate, share, 1 / (rate * recall) if recall else None)
