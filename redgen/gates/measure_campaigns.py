"""Metrics of campaigns: recall on every level, time to detect, detection before impact.

Campaigns without telemetry, or whose sources failed, are left out of a share and forbid a pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from redgen.gates.bench import BLIND, Bench, Measure, Measured, blind, counted, listed, rule_of
from redgen.gates.file import GateSpec
from redgen.gates.regression import caught, times
from redgen.gates.selection import nearest, steps_of
from redgen.scorecard import CampaignScore
from redgen.statistics.intervals import clopper_pearson, needed
from redgen.statistics.survival import kaplan_meier, quantile_ends
from redgen.statistics.weights import clustered, weighted


def of_campaigns(one: Callable[[Bench, GateSpec, tuple[CampaignScore, ...]], Measured]) -> Measure:
    """A measure of the campaigns that a gate is about and that could have been detected."""

    def measure(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
        chosen = bench.campaigns(gate)
        unseen = blind(chosen)
        if not chosen:
            tail = nearest(gate.where, bench.card.campaigns)
            return (Measured(missing=f"no campaign matches{tail}", n=0, allowed=bench.allowed(gate)),)
        seen = tuple(c for c in chosen if c.status not in BLIND)
        found = one(bench, gate, seen)
        doubt = (f"no telemetry for {listed([c.campaign_id for c in unseen])}",) if unseen else ()
        return (replace(found, doubts=(*found.doubts, *doubt), allowed=bench.allowed(gate)),)

    return measure


def campaign_recall(bench: Bench, gate: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
    """Weighted campaign recall; with a rule, the share of campaigns that this rule catches."""
    rule = None
    if gate.rule is not None:
        rule, fault = rule_of(bench, gate)
        if rule is None:
            return fault
    hits = [caught(c) if rule is None else rule.rule.rule_id in c.rules for c in campaigns]
    names = tuple(c.campaign_id for c, hit in zip(campaigns, hits, strict=True) if not hit)
    return _share(bench, [c.weight for c in campaigns], hits, "campaigns detected", names)


def before_impact(bench: Bench, _: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
    """The share of campaigns with an impact that were detected before it, each counted once."""
    aimed = [c for c in campaigns if c.t_impact is not None]
    hits = [caught(c) and c.t_det is not None and c.t_impact is not None and c.t_det <= c.t_impact for c in aimed]
    names = tuple(c.campaign_id for c, hit in zip(aimed, hits, strict=True) if not hit)
    return _share(bench, [1.0] * len(aimed), hits, "campaigns with an impact detected before it", names)


def _share(
    bench: Bench, weights: Sequence[float], hits: Sequence[bool], what: str, names: tuple[str, ...],
) -> Measured:
    seed = bench.card.settings.seed
    found = weighted(hits, weights, bench.level, seed=seed)
    best = weighted([True] * len(hits), weights, bench.level, seed=seed)
    return Measured(
        f"{sum(hits)} of {len(hits)} {what}", found.value, found.lower, found.upper, len(hits),
        best_lower=best.lower, names=names)


def step_recall(bench: Bench, gate: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
    """Steps that left lines and were detected, clustered by campaign."""
    steps = [steps_of(c, gate.where) for c in campaigns]
    missed = tuple(
        f"{c.campaign_id}/{s.step_id}" for c, own in zip(campaigns, steps, strict=True) for s in own if not s.detected)
    hits = [sum(s.detected for s in own) for own in steps]
    return _clusters(bench, hits, [len(own) for own in steps], "steps detected", missed)


def event_recall(bench: Bench, gate: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
    """Malicious events that alerts name, clustered by campaign."""
    steps = [steps_of(c, gate.where) for c in campaigns]
    hits = [sum(s.events_seen for s in own) for own in steps]
    return _clusters(bench, hits, [sum(s.n_events for s in own) for own in steps], "malicious events in alerts", ())


def _clusters(
    bench: Bench, hits: Sequence[int], sizes: Sequence[int], what: str, names: tuple[str, ...],
) -> Measured:
    found, best = clustered(hits, sizes, bench.level), clustered(sizes, sizes, bench.level)
    return Measured(
        f"{sum(hits)} of {sum(sizes)} {what}", found.value, found.lower, found.upper, sum(s > 0 for s in sizes),
        best_lower=best.lower, names=names)


def technique_recall(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
    """Steps of one technique; of each technique in turn when ``where`` names none."""
    measure = of_campaigns(step_recall)
    if "technique" in gate.where:
        return measure(bench, gate)
    names = sorted({s.technique for c in bench.campaigns(gate) for s in steps_of(c, gate.where) if s.technique})
    each = [(name, gate.model_copy(update={"where": {**gate.where, "technique": name}})) for name in names]
    found = tuple(replace(one, label=name) for name, narrowed in each for one in measure(bench, narrowed))
    return found or measure(bench, gate)


def time_quantile(share: float) -> Measure:
    """The time by which a share of campaigns is detected, misses censored."""

    def one(bench: Bench, gate: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
        told = times(campaigns, bench.card.settings.horizon_seconds)
        curve = kaplan_meier(told.seconds, told.detected)
        value = curve.quantile(share)
        lower, upper = quantile_ends(told.seconds, told.detected, share, bench.level)
        slow = sum(not d for d in told.detected)
        text = f"{curve.n} campaigns, {slow} never detected" if slow else f"{curve.n} campaigns, all detected"
        doubts: tuple[str, ...] = ()
        limit = gate.max if gate.max is not None else gate.min
        if value is None and limit is not None and limit > curve.horizon:
            doubts = (f"campaigns were watched for {curve.horizon:.0f} s, less than the limit",)
        surest = clopper_pearson(curve.n, curve.n, bench.level).lower
        if gate.bound == "upper" and surest is not None and surest < share:
            more = needed(share, (1 + bench.level) / 2)
            doubts = (*doubts, f"{curve.n} campaigns cannot bound this time from above; {more} could")
        return Measured(
            text, math.inf if value is None else value, lower, math.inf if upper is None else upper, curve.n,
            doubts=doubts, names=tuple(c.campaign_id for c, d in zip(campaigns, told.detected, strict=True) if not d))

    return of_campaigns(one)


def detected(bench: Bench, gate: GateSpec, campaigns: tuple[CampaignScore, ...]) -> Measured:
    """How many campaigns were detected, by one rule or by any."""
    if gate.rule is None:
        hits = [caught(c) for c in campaigns]
    else:
        rule, fault = rule_of(bench, gate)
        if rule is None:
            return fault
        hits = [rule.rule.rule_id in c.rules for c in campaigns]
    unseen = len(blind(bench.campaigns(gate)))
    names = tuple(c.campaign_id for c, hit in zip(campaigns, hits, strict=True) if not hit)
    return Measured(
        f"{sum(hits)} of {len(hits)} campaigns detected", sum(hits), sum(hits), sum(hits) + unseen, names=names)


def untold(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
    """How many campaigns left no telemetry."""
    names = tuple(c.campaign_id for c in blind(bench.campaigns(gate)))
    return (counted(len(names), f"{len(names)} campaigns without telemetry", names),)
