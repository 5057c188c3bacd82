"""Each campaign's own page: its steps, what saw them, and the marks of alerts on its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from redgen.ground import Campaign
from redgen.matching.joins import I64, count, least
from redgen.matching.match import EVENT, LEVELS, NEVER
from redgen.scorecard import CampaignScore, Mark, StepScore
from redgen.scoring.case import Case
from redgen.scoring.metrics_time import lost_events

MOST_MARKS = 100
"""Marks kept of one campaign, the first of them: a flood has thousands, and a timeline has no room for more."""


@dataclass(frozen=True)
class _Told:
    """Of every step: lines seen, when it was first hit, and rule ids in the order in which they fired."""

    seen: I64
    first: I64
    rules: list[tuple[str, ...]]


def campaign_scores(case: Case) -> Mapping[str, Any]:
    """One score per campaign, in the truth's order."""
    told, marks = _steps(case), _marks(case)
    lost, by_rule = lost_events(case), _rules(case)
    lines = count(case.tables.step_campaign[case.tables.row_step[case.tables.evil]], case.tables.campaigns)
    levels = _levels(case)
    found, at = [], 0
    for k, campaign in enumerate(case.ground.campaigns):
        steps = tuple(_step(campaign, i, at + i, told, case) for i in range(len(campaign.steps)))
        at += len(campaign.steps)
        caught = bool(case.outcome.caught[k])
        found.append(CampaignScore(
            campaign.campaign_id, campaign.playbook, campaign.family, campaign.title, case.status[k], campaign.weight,
            campaign.stratum, campaign.t_onset, campaign.t_impact, campaign.t_end,
            int(case.outcome.t_det[k]) if caught else None, levels[k] if case.outcome.touched[k] else "", by_rule[k],
            steps, marks[k], int(lines[k]) or campaign.n_events, sum(s.events_seen for s in steps), int(lost[k]),
            campaign.path))
    return {"campaigns": tuple(found)}


def _step(campaign: Campaign, i: int, number: int, told: _Told, case: Case) -> StepScore:
    step = campaign.steps[i]
    hit = bool(case.step_hit[number])
    return StepScore(step.step_id, step.technique, step.t0, step.t1, step.n_events, int(told.seen[number]), hit,
                     int(told.first[number]) if hit else None, told.rules[number])


def _steps(case: Case) -> _Told:
    size = len(case.tables.step_campaign)
    step, t = case.matches.step[case.counting], case.matches.t[case.counting]
    rule = case.raised.column("rule")[case.matches.alert[case.counting]]
    return _Told(count(case.tables.row_step[case.row_seen], size), least(step, t, size, NEVER),
                 _ordered(case, step, rule, t, size))


def _rules(case: Case) -> list[tuple[str, ...]]:
    """Per campaign, the rules that matched, the first to fire first."""
    step, t = case.matches.step[case.counting], case.matches.t[case.counting]
    rule = case.raised.column("rule")[case.matches.alert[case.counting]]
    return _ordered(case, case.tables.step_campaign[step], rule, t, case.tables.campaigns)


def _ordered(case: Case, owner: I64, rule: I64, t: I64, size: int) -> list[tuple[str, ...]]:
    """Of each owner its distinct rules, by their first time, then by id."""
    width = len(case.raised.rules)
    pair, inverse = np.unique(owner * width + rule, return_inverse=True)
    first = least(inverse.astype(np.int64), t, len(pair), NEVER)
    of, who = pair // width if width else pair, pair % width if width else pair
    order = np.lexsort((who, first, of))
    edges = np.searchsorted(of[order], np.arange(size + 1))
    ids = [case.raised.rules[r].rule_id for r in who[order].tolist()]
    return [tuple(ids[a:b]) for a, b in pairwise(edges.tolist())]


def _levels(case: Case) -> list[str]:
    by_event = np.zeros(case.tables.campaigns, dtype=bool)
    keep = case.counting & (case.matches.level == EVENT)
    by_event[case.tables.step_campaign[case.matches.step[keep]]] = True
    return [LEVELS[0] if e else LEVELS[1] for e in by_event.tolist()]


def _marks(case: Case) -> list[tuple[Mark, ...]]:
    """Per campaign, its first marks: one for each alert group, step and level."""
    keep = case.counting
    alert, step, level = case.matches.alert[keep], case.matches.step[keep], case.matches.level[keep]
    width, size = len(case.groups.rule) + 1, len(case.tables.step_campaign)
    pair, inverse, many = np.unique((step * 2 + level) * width + case.groups.of[alert], return_inverse=True,
                                    return_counts=True)
    t = least(inverse.astype(np.int64), case.matches.t[keep], len(pair), NEVER)
    of_step, of_level, group = pair // width // 2, pair // width % 2, pair % width
    owner = case.tables.step_campaign[of_step] if size else of_step
    order = np.lexsort((group, of_step, t, owner))
    edges = np.searchsorted(owner[order], np.arange(case.tables.campaigns + 1))
    names = [s.step_id for c in case.ground.campaigns for s in c.steps]
    kept = np.concatenate([order[a:min(b, a + MOST_MARKS)] for a, b in pairwise(edges.tolist())] or [order])
    made = [Mark(*mark) for mark in zip(
        t[kept].tolist(), [case.raised.rules[r].rule_id for r in case.groups.rule[group[kept]].tolist()],
        [names[s] for s in of_step[kept].tolist()], [LEVELS[k] for k in of_level[kept].tolist()], many[kept].tolist(),
        strict=True)]
    ends = np.cumsum(np.minimum(np.diff(edges), MOST_MARKS)).tolist()
    return [tuple(made[a:b]) for a, b in pairwise([0, *ends])]
