"""How each metric of a gates file is measured on a scorecard."""

from __future__ import annotations

from collections.abc import Mapping

from redgen.alert import TESTED
from redgen.gates.bench import Measure, counted, stored
from redgen.gates.measure_baseline import delta, growth, lost, mcnemar_p
from redgen.gates.measure_campaigns import (
    before_impact,
    campaign_recall,
    detected,
    event_recall,
    of_campaigns,
    step_recall,
    technique_recall,
    time_quantile,
    untold,
)
from redgen.gates.measure_costs import false_per_day, false_per_million, of_rule, rules_that

MEASURES: Mapping[str, Measure] = {
    "campaign_recall": of_campaigns(campaign_recall),
    "step_recall": of_campaigns(step_recall),
    "technique_recall": technique_recall,
    "event_recall": of_campaigns(event_recall),
    "adjusted_recall": lambda b, _: (counted(b.card.chance.adjusted, "recall beyond chance"),),
    "p_before_impact": of_campaigns(before_impact),
    "ttd_median_seconds": time_quantile(0.5),
    "ttd_p90_seconds": time_quantile(0.9),
    "campaigns_detected": of_campaigns(detected),
    "campaigns_without_telemetry": untold,
    "precision": lambda b, g: (stored(b, g, b.card.precision, "precision of alert groups"),),
    "precision_alerts": lambda b, g: (stored(b, g, b.card.precision_alerts, "precision of alerts"),),
    "chance_recall": lambda b, _: (counted(b.card.chance.recall, "recall by chance alone"),),
    "fp_groups_per_day": false_per_day,
    "fp_groups_per_million_events": false_per_million,
    "alerts": of_rule("alerts", lambda r: r.alerts),
    "alert_groups": of_rule("alert groups", lambda r: r.groups),
    "false_groups": of_rule("false alert groups", lambda r: r.false_groups),
    "unique_campaigns": of_rule("campaigns caught by no other rule", lambda r: len(r.unique)),
    "untested_rules": rules_that("rules that could not be tested", lambda r: r.rule.status != TESTED),
    "silent_rules": rules_that("rules without an alert", lambda r: r.silent and r.rule.status == TESTED),
    "lost_campaigns": lost,
    "campaign_recall_delta": delta,
    "mcnemar_p": mcnemar_p,
    "fp_growth": growth,
}
"""How every metric of ``gates_file.METRICS`` is measured."""
