"""``redgen ci``: generate, detect, score and judge in one command, for builds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from redgen.cli import options as o
from redgen.cli.generate import Jobs, Seed

if TYPE_CHECKING:
    from redgen.assess.judge import Terms
    from redgen.detector import Detector
    from redgen.scorecard import Scorecard
    from redgen.statistics.sequential import Sprt


def ci(
    scenario: Annotated[str, typer.Argument(help="A bundled scenario, a scenario's file, or a dataset's directory.")],
    rules: o.Rules = [],  # noqa: B006  # typer copies it
    gates: o.Gates = None,
    baseline: o.Baseline = None,
    detector: o.Detectors = None,
    pipeline: o.Pipelines = None,
    placeholders: o.Placeholders = None,
    reports: o.Reports = None,
    write_gates: o.WriteGates = None,
    cache: o.Cache = None,
    seed: Seed = None,
    settings: o.Settings = None,
    sequential: o.Sequential = None,
    jobs: Jobs = None,
    raw_fires: o.RawFires = False, window_edge: o.WindowEdge = "inclusive", strict: o.Strict = False,
    confidence: o.Confidence = None, k: o.K = 1, min_severity: o.MinSeverity = 0, min_steps: o.MinSteps = 1,
    min_purity: o.MinPurity = 0.10, horizon: o.Horizon = 3600.0, lenient: o.Lenient = False,
    match: o.MatchLevel = "campaign", allow_chance: o.AllowChance = False, inconclusive: o.Inconclusive = None,
    attempt: o.Attempt = 1, today: o.Today = None, quiet: o.Quiet = False,
) -> None:
    """Fail the build when detection got worse: make the dataset (or take it from the cache), detect, score, judge.

    Exit code 0: every gate passed; 1: a gate failed; 2: bad input; 3: inconclusive; 4: a detector failed.
    """
    from redgen.assess import cache as datasets
    from redgen.assess.detection import detectors_of
    from redgen.assess.judge import verdict
    from redgen.assess.loop import report_files
    from redgen.statistics.sequential import parse

    terms = o.terms(gates=gates, baseline=baseline, confidence=confidence, k=k, min_severity=min_severity,
                    min_steps=min_steps, min_purity=min_purity, horizon=horizon, lenient=lenient, match=match,
                    attempt=attempt, allow_chance=allow_chance, inconclusive=inconclusive, today=today)
    chosen = detectors_of(rules, detector or (), pipelines=pipeline or (), placeholders=placeholders,
                          raw_fires=raw_fires, window_edge=window_edge, strict=strict)
    terms.check()
    test = parse([sequential]) if sequential else None
    datasets.check(scenario, tuple(settings or ()))
    o.check_targets({}, write_gates)
    files = report_files(reports)
    alerts = files.pop("alerts", None)
    how = {"seed": seed, "settings": tuple(settings or ()), "jobs": jobs, "folder": cache, "said": _say}
    card, place = _scored(scenario, chosen, terms, test, alerts, how)
    o.publish(card, files, write_gates=write_gates, quiet=quiet, dataset=place)
    if reports and not quiet:
        _say(f"reports: {reports / 'report.html'} is the one for people")
    raise typer.Exit(verdict(card, terms))


def _scored(scenario: str, detectors: Sequence[Detector], terms: Terms, test: Sprt | None, alerts: Path | None,
            how: dict[str, Any]) -> tuple[Scorecard, Path]:
    """The scorecard, and the dataset that it is of: the only one, or the last of a sequence."""
    from redgen.assess.cache import dataset_for
    from redgen.assess.loop import whole_loop
    from redgen.assess.sequence import decide

    if test is not None:
        card, place, _ = decide(scenario, detectors, terms, test, **how)
        return card, place
    dataset = dataset_for(scenario, **how)
    return whole_loop(dataset, detectors, terms, alerts=alerts), dataset.path


def _say(text: str) -> None:
    print(text, file=sys.stderr)
