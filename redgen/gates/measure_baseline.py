"""Metrics of a run against its baseline: campaigns lost, change of recall, growth of false alerts."""

from __future__ import annotations

import math
from dataclasses import replace

from redgen.gates.bench import Bench, Measured, blind, listed, stored
from redgen.gates.file import GateSpec
from redgen.gates.regression import caught
from redgen.gates.selection import nearest
from redgen.scorecard import Regression, together
from redgen.statistics.differences import DISCORDANT, false_alert_change, recall_change

UNPAIRED = "the baseline is of another dataset; campaigns do not pair up"


def regression_of(bench: Bench) -> tuple[Regression | None, Measured]:
    """The comparison with the baseline, or what is to be said without one."""
    found = bench.card.regression
    if found is None:
        return None, Measured(missing="nothing to compare with; give --baseline")
    return found, Measured()


def lost(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
    """Campaigns detected before and not now, without those excused."""
    found, fault = regression_of(bench)
    if found is None or not found.paired:
        return (replace(fault, missing=fault.missing or UNPAIRED),)
    chosen = {c.campaign_id: c for c in bench.campaigns(gate)}
    lost = [x for x in found.lost if x.campaign_id in chosen]
    unseen = blind([chosen[x.campaign_id] for x in lost])
    told = [f"{', '.join(ids)} (seen before by {', '.join(rules)}{'; ' + ', '.join(files) if files else ''})"
            for (rules, files), ids in together(lost).items()]
    text = f"{len(lost)} of {len(chosen)} campaigns lost" + (f": {listed(told, join='; ')}" if told else "")
    doubt = (f"no telemetry for {listed([c.campaign_id for c in unseen])}",) if unseen else ()
    return (Measured(
        text, len(lost), len(lost) - len(unseen), len(lost), doubts=doubt,
        names=tuple(x.campaign_id for x in lost), files=tuple(dict.fromkeys(f for x in lost for f in x.files)),
        allowed=bench.allowed(gate)),)


def delta(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
    """The paired change of campaign recall; unpaired as the comparison holds it."""
    found, fault = regression_of(bench)
    if found is None:
        return (fault,)
    if not found.paired:
        if gate.where:
            return (Measured(missing="the baseline is of another dataset; its campaigns cannot be selected"),)
        return (stored(bench, gate, found.delta, "change of recall against another dataset, unpaired"),)
    chosen = bench.campaigns(gate)
    if not chosen:
        return (Measured(missing=f"no campaign matches{nearest(gate.where, bench.card.campaigns)}", n=0),)
    lost, gained = {x.campaign_id for x in found.lost}, set(found.gained)
    now = [caught(c) for c in chosen]
    before = [c.campaign_id in lost or (hit and c.campaign_id not in gained)
              for c, hit in zip(chosen, now, strict=True)]
    weights, seed = [c.weight for c in chosen], bench.card.settings.seed
    change = recall_change(before, now, weights, bench.level, seed=seed)
    best = recall_change([a and b for a, b in zip(before, now, strict=True)], now, weights, bench.level, seed=seed)
    gone = tuple(c.campaign_id for c in chosen if c.campaign_id in lost)
    came = sum(c.campaign_id in gained for c in chosen)
    few = len(gone) + came < DISCORDANT and bool(gone)
    doubts = (f"only {len(gone) + came} of them changed",) if few else ()
    return (Measured(
        f"{len(gone)} lost, {came} gained of {len(chosen)} campaigns", change.value, change.lower, change.upper,
        len(chosen), best_lower=best.lower, doubts=doubts, names=gone, allowed=bench.allowed(gate)),)


def mcnemar_p(bench: Bench, _: GateSpec) -> tuple[Measured, ...]:
    """McNemar's exact one-sided p of a loss."""
    found, fault = regression_of(bench)
    if found is None or found.mcnemar_p is None:
        return (replace(fault, missing=fault.missing or UNPAIRED),)
    changed = len(found.lost) + len(found.gained)
    doubts = (f"only {changed} campaigns changed",) if changed < DISCORDANT else ()
    text = f"{len(found.lost)} lost, {len(found.gained)} gained"
    return (Measured(text, found.mcnemar_p, None, None, doubts=doubts, names=tuple(x.campaign_id for x in found.lost)),)


def growth(bench: Bench, _: GateSpec) -> tuple[Measured, ...]:
    """False alerts per day over those of the baseline."""
    found, fault = regression_of(bench)
    if found is None:
        return (fault,)
    told = found.false_alerts
    old, new = told.get("old_groups"), told.get("new_groups")
    before, now = told.get("old_days"), told.get("new_days")
    if old is None or new is None or not before or not now:
        return (Measured(missing="the comparison does not hold false alerts"),)
    text = f"{new:.0f} false alert groups in {now:.4g} days, {old:.0f} in {before:.4g} before"
    if not old:
        value = math.inf if new else 1.0
        return (Measured(text, value, value if new else 0.0, math.inf),)
    change = false_alert_change(int(old), before, int(new), now, confidence=bench.level)
    best = false_alert_change(int(old), before, 0, now, confidence=bench.level)["ratio_upper"]
    return (Measured(text, change["ratio"], change["ratio_lower"], change["ratio_upper"], best_upper=best),)
