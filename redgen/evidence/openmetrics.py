"""The scorecard's numbers as OpenMetrics text 1.0, for a dashboard that watches detections over time.

The format: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from redgen.evidence import facts
from redgen.scorecard import Estimate, Scorecard

Sample = tuple[Mapping[str, str], float | None]


@dataclass(frozen=True)
class Family:
    """One gauge: its name, help, samples (labels and value; None is left out) and unit, which ends the name."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    unit: str = ""
    kind: str = "gauge"


def render(card: Scorecard) -> str:
    """All families in a fixed order, without timestamps."""
    lines: list[str] = []
    for family in _families(card):
        samples = [(labels, value) for labels, value in family.samples if value is not None]
        if not samples:
            continue
        lines.append(f"# TYPE {family.name} {family.kind}")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        suffix = "_info" if family.kind == "info" else ""
        lines += [f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(card: Scorecard) -> Iterable[Family]:
    facts_of, found = card.dataset, card.time_to_detect
    yield Family("redgen_dataset", "Which dataset was scored.", (
        ({"digest": facts_of.digest, "scenario": facts_of.scenario,
          "seed": "" if facts_of.seed is None else str(facts_of.seed)}, 1.0),), kind="info")
    yield Family("redgen_campaigns", "Campaigns by what became of them.", tuple(
        ({"status": s}, float(sum(c.status == s for c in card.campaigns)))
        for s in sorted({c.status for c in card.campaigns})))
    yield Family("redgen_recall_ratio", "Share of campaigns detected.", _bounds({}, card.recall), "ratio")
    yield Family("redgen_recall_corrected_ratio", "Recall corrected for chance.", (
        ({}, card.chance.adjusted if card.chance.shifts else None),), "ratio")
    yield Family("redgen_recall_by_ratio", "Recall by family, playbook, technique and other groups.", tuple(
        sample for what, names in card.recall_by.items() for name, e in names.items()
        for sample in _bounds({"by": what, "name": name}, e)), "ratio")
    yield Family("redgen_before_impact_ratio", "Share of campaigns detected before their impact.",
                 _bounds({}, found.before_impact), "ratio")
    yield Family("redgen_precision_ratio", "Share of alert groups that were real.", _bounds({}, card.precision),
                 "ratio")
    yield Family("redgen_false_alerts_per_day", "False alert groups per day.", _bounds({}, card.false_alerts.per_day))
    yield Family("redgen_false_alerts_by_cause", "False alert groups by cause.", tuple(
        ({"cause": cause}, float(count)) for cause, count in card.false_alerts.by_cause.items()))
    yield Family("redgen_time_to_detect_seconds", "Kaplan-Meier quantiles; absent beyond the curve.", (
        ({"quantile": "0.5"}, found.median_seconds), ({"quantile": "0.9"}, found.p90_seconds)), "seconds")
    yield Family("redgen_rule_false_alerts_per_day", "False alert groups per day and rule.", tuple(
        ({"rule": r.rule.rule_id}, r.false_per_day.value) for r in card.rules if r.groups))
    yield Family("redgen_rule_campaigns", "Campaigns caught per rule.", tuple(
        ({"rule": r.rule.rule_id}, float(len(r.campaigns))) for r in card.rules if r.groups))
    yield Family("redgen_rules_untested", "Rules that were not tested, by reason.", tuple(
        ({"reason": status}, float(len(rules))) for status, rules in facts.untested(card).items()))
    yield Family("redgen_gate_passed", "1 passed, 0 failed, absent where inconclusive.", tuple(
        ({"gate": g.gate_id}, {"passed": 1.0, "failed": 0.0}.get(g.status)) for g in card.gates))
    if card.regression is not None:
        yield Family("redgen_lost_campaigns", "Campaigns that the older run caught and this one does not.", (
            ({}, float(len(card.regression.lost))),))


def _bounds(labels: Mapping[str, str], e: Estimate) -> tuple[Sample, ...]:
    return tuple(({**labels, "bound": bound}, value)
                 for bound, value in (("point", e.value), ("lower", e.lower), ("upper", e.upper)))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return "{" + told + "}" if told else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))
