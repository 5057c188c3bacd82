"""Metrics of rules and of what they cost: alerts, false alert groups per day, allowances taken off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from redgen.gates.bench import Bench, Measure, Measured, counted, file_of, rule_of
from redgen.gates.file import GateSpec
from redgen.gates.regression import days
from redgen.gates.selection import find_rule, plain
from redgen.scorecard import Estimate, RuleScore
from redgen.statistics.intervals import garwood
from redgen.statistics.resampling import overdispersion


def of_rule(what: str, count: Callable[[RuleScore], int]) -> Measure:
    """A measure that counts something of the rule a gate names."""
    def measure(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
        rule, fault = rule_of(bench, gate)
        if rule is None:
            return (fault,)
        return (counted(count(rule), f"{count(rule)} {what} of rule {rule.rule.title!r}", files=file_of(rule)),)

    return measure


def rules_that(what: str, fits: Callable[[RuleScore], bool]) -> Measure:
    """A measure that counts rules of a kind."""
    def measure(bench: Bench, _: GateSpec) -> tuple[Measured, ...]:
        found = [r for r in bench.card.rules if fits(r)]
        names = tuple(r.rule.title or r.rule.rule_id for r in found)
        return (counted(len(found), f"{len(found)} {what}", names, tuple(f for r in found for f in file_of(r))),)

    return measure


def false_per_day(bench: Bench, gate: GateSpec) -> tuple[Measured, ...]:
    """False alert groups per day, of one rule or all, without those excused."""
    costs, span = bench.card.false_alerts, days(bench.card)
    rule: RuleScore | None = None
    if gate.rule is not None:
        rule, fault = rule_of(bench, gate)
        if rule is None:
            return (fault,)
    groups = costs.groups if rule is None else rule.false_groups
    excused = _excused_groups(bench, gate, rule, span)
    left = max(0, groups - sum(excused.values()))
    found = costs.per_day if rule is None else rule.false_per_day
    if excused or abs(found.confidence - bench.level) > 1e-9:
        found = _rate(left, span, costs.hourly, bench.level)
    if found.value is None:
        return (Measured(missing="the dataset's window has no length"),)
    files = tuple(dict.fromkeys(f for r in bench.card.rules if r.false_groups for f in file_of(r)))
    return (Measured(
        f"{left} false alert groups in {span:.4g} days", found.value, found.lower, found.upper,
        best_upper=garwood(0, span, bench.level).upper, files=files if rule is None else file_of(rule),
        allowed=tuple(f"{n} of {kind}" for kind, n in excused.items())),)


def _rate(groups: int, exposure: float, hourly: Sequence[int], level: float) -> Estimate:
    """Garwood's interval; of the count scaled down by the overdispersion where counts are bursty (quasi-Poisson)."""
    scale = overdispersion(hourly)
    return garwood(groups / scale, exposure / scale, level)


def _excused_groups(bench: Bench, gate: GateSpec, rule: RuleScore | None, span: float) -> dict[str, int]:
    """False alert groups that allowances excuse: kind -> how many."""
    found: dict[str, int] = {}
    for entry in bench.excused(gate):
        if entry.fp_kind is None:
            continue
        named = find_rule(entry.rule, bench.card.rules) if entry.rule is not None else None
        if (entry.rule is not None and named is None) or (rule is not None and named is not None and named is not rule):
            continue
        only = rule or named
        counts: Mapping[str, int] = bench.card.false_alerts.by_cause if only is None else only.hard_negatives
        many = sum(n for kind, n in counts.items() if plain(kind) == plain(entry.fp_kind))
        most = many if entry.max_per_day is None else math.floor(entry.max_per_day * span + 1e-9)
        if many and most:
            found[entry.fp_kind] = min(many, found.get(entry.fp_kind, 0) + min(many, most))
    return found


def false_per_million(bench: Bench, _: GateSpec) -> tuple[Measured, ...]:
    """False alert groups per million events."""
    costs, lines = bench.card.false_alerts, sum(bench.card.dataset.lines.values()) / 1e6
    found = _rate(costs.groups, lines, costs.hourly, bench.level)
    if found.value is None:
        return (Measured(missing="the dataset has no lines"),)
    best = garwood(0, lines, bench.level).upper
    text = f"{costs.groups} false alert groups in {lines:.4g} million events"
    return (Measured(text, found.value, found.lower, found.upper, best_upper=best),)
