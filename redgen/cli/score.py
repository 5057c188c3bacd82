"""``redgen score``: alerts against truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from redgen.cli import options as o


def score(
    dataset: Annotated[Path, typer.Argument(help="A dataset directory (its truth is read).")],
    alerts: Annotated[list[Path], typer.Argument(help="Files of alerts, in any known format.")],
    gates: o.Gates = None,
    baseline: o.Baseline = None,
    json: o.Json = None, html: o.Html = None, markdown: o.Markdown = None, junit: o.Junit = None,
    sarif: o.Sarif = None, navigator: o.Navigator = None, openmetrics: o.Openmetrics = None, csv: o.Csv = None,
    matches: o.Matches = None, write_gates: o.WriteGates = None, rules: o.RulesBehind = None,
    alert_format: o.AlertFormat = "auto", mapping: o.Mapping_ = None, zone: o.Zone = "UTC", ledger: o.Ledger = None,
    observed: o.Observed = None,
    confidence: o.Confidence = None, k: o.K = 1, min_severity: o.MinSeverity = 0, min_steps: o.MinSteps = 1,
    min_purity: o.MinPurity = 0.10, horizon: o.Horizon = 3600.0, lenient: o.Lenient = False,
    match: o.MatchLevel = "campaign", allow_chance: o.AllowChance = False, inconclusive: o.Inconclusive = None,
    attempt: o.Attempt = 1, today: o.Today = None, quiet: o.Quiet = False,
) -> None:
    """Say what share of a dataset's attacks a detection caught, how sure that is, how soon, and at what cost.

    Exit code 0: every gate passed; 1: a gate failed; 2: bad input; 3: inconclusive; 4: a detector failed.
    """
    from redgen.assess.alerts import read_detections
    from redgen.assess.judge import judge, verdict
    from redgen.assess.rulepack import rule_paths

    terms = o.terms(gates=gates, baseline=baseline, confidence=confidence, k=k, min_severity=min_severity,
                    min_steps=min_steps, min_purity=min_purity, horizon=horizon, lenient=lenient, match=match,
                    attempt=attempt, allow_chance=allow_chance, inconclusive=inconclusive, today=today, ledger=ledger,
                    observed=observed)
    files = {"json": json, "html": html, "markdown": markdown, "junit": junit, "sarif": sarif, "navigator": navigator,
             "openmetrics": openmetrics, "csv": csv,
             "parquet" if matches and matches.suffix == ".parquet" else "matches": matches}
    o.check_targets(files, write_gates)
    found = read_detections(alerts, form=alert_format, mapping=mapping, zone=zone, rules=rule_paths(rules or ()))
    card = judge(dataset, [found], terms)
    o.publish(card, files, write_gates=write_gates, quiet=quiet, dataset=dataset)
    raise typer.Exit(verdict(card, terms))
