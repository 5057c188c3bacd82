"""Which rule earned what: campaigns that only it caught, what it cost, and which rules said nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from redgen.alert import TESTED
from redgen.matching.joins import I64, count, unique_pairs
from redgen.matching.match import CAUSES, DILUTED, UNATTRIBUTABLE
from redgen.scorecard import RuleScore
from redgen.scoring.case import Case, campaign_alerts
from redgen.scoring.metrics_burden import false_per_day


def rules(case: Case) -> Mapping[str, Any]:
    """One score per rule, in order of id."""
    size = len(case.raised.rules)
    of_alert = case.raised.column("rule")
    campaigns, unique = _attribution(case)
    false = np.flatnonzero(~case.groups.true)
    false = false[np.argsort(case.groups.rule[false], kind="stable")]
    edges = np.searchsorted(case.groups.rule[false], np.arange(size + 1))
    diluted = count(of_alert[case.matches.caused_by(DILUTED)], size)
    unattributable = count(of_alert[case.matches.caused_by(UNATTRIBUTABLE)], size)
    alerts = count(of_alert, size)
    groups = count(case.groups.rule, size)
    return {"rules": tuple(
        _one(case, k, (int(alerts[k]), int(groups[k]), int(diluted[k]), int(unattributable[k])),
             false[edges[k]:edges[k + 1]], (campaigns[k], unique[k])) for k in range(size))}


def _one(case: Case, k: int, counts: tuple[int, int, int, int], false: I64,
         caught: tuple[list[int], list[int]]) -> RuleScore:
    """The score of rule ``k``; ``false`` are its false groups."""
    alerts, groups, diluted, unattributable = counts
    wrong = len(false)
    rate = false_per_day(case, wrong, case.hours(case.groups.t[false]), f"rule {case.raised.rules[k].rule_id}")
    causes = count(case.groups.cause[false], len(case.matches.causes))
    hard = {name: int(c) for name, c in zip(case.matches.causes[len(CAUSES):], causes[len(CAUSES):], strict=True) if c}
    campaigns, unique = ([case.ground.campaigns[c].campaign_id for c in part] for part in caught)
    rule = case.raised.rules[k]
    return RuleScore(
        rule, alerts, groups, groups - wrong, wrong, diluted, unattributable, tuple(campaigns), tuple(unique), hard,
        rate, len(unique) / rate.value if rate.value else None, rule.status == TESTED and not case.heard[k],
        wrong > 0 and groups == wrong == sum(hard.values()))


def _attribution(case: Case) -> tuple[list[list[int]], list[list[int]]]:
    """By rule: the campaigns its alerts matched, and those caught with it and not without it (leave one rule out)."""
    size, rule = len(case.raised.rules), case.raised.column("rule")
    campaign, alert = campaign_alerts(case)
    of, cells = np.unique(campaign * size + rule[alert], return_counts=True)
    total = count(campaign, case.tables.campaigns)
    here, who = of // size, of % size
    lone = _lone_steps(case, here, who)
    steps = count(case.tables.step_campaign[case.step_hit & case.tables.step_core], case.tables.campaigns)
    cores = count(case.tables.step_campaign[case.tables.step_core], case.tables.campaigns)
    wanted = np.clip(cores, 1, max(1, case.settings.min_steps))
    left = (total[here] - cells >= max(1, case.settings.k)) & (steps[here] - lone >= wanted[here])
    vital = case.outcome.caught[here] & case.scored[here] & ~left
    campaigns: list[list[int]] = [[] for _ in range(size)]
    unique: list[list[int]] = [[] for _ in range(size)]
    for c, r, needed in zip(here.tolist(), who.tolist(), vital.tolist(), strict=True):
        campaigns[r].append(c)
        if needed:
            unique[r].append(c)
    return campaigns, unique


def _lone_steps(case: Case, campaign: I64, rule: I64) -> I64:
    """How many steps that count of each campaign only this rule hit."""
    keep = case.counting & case.tables.step_core[case.matches.step]
    step, who = unique_pairs(case.matches.step[keep], case.raised.column("rule")[case.matches.alert[keep]])
    alone = count(step, len(case.tables.step_campaign))[step] == 1
    size = len(case.raised.rules)
    cell = case.tables.step_campaign[step[alone]] * size + who[alone]
    wanted = campaign * size + rule
    order = np.sort(cell)
    return np.asarray(np.searchsorted(order, wanted, side="right") - np.searchsorted(order, wanted, side="left"),
                      dtype=np.int64)
