"""Detections from outside: files of alerts in any product's format, with the rules that raised them where known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redgen.alert import Detection, RuleReport
from redgen.reader import AUTO, Options, merged, read_alerts


def read_detections(files: Sequence[Path], *, form: str = AUTO, mapping: Path | None = None, zone: str = "UTC",
                    rules: Sequence[Path] = ()) -> Detection:
    """All alerts of ``files`` as one detection; ``rules`` are the Sigma rules behind them, for names and files."""
    options = Options(mapping, zone)
    alerts = merged([read_alerts(file, form, options) for file in files])
    return Detection(", ".join(f.name for f in files), alerts, rule_reports(rules) if rules else ())


def rule_reports(paths: Sequence[Path]) -> tuple[RuleReport, ...]:
    """What the rules below ``paths`` are, without running them; DataError when there are none."""
    from redgen.sigma.ruleset import load_rules

    return tuple(r for r in load_rules(paths).reports())
