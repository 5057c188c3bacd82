"""``redgen detect``: rules on logs, alerts out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redgen.cli import options as o

if TYPE_CHECKING:
    from redgen.alert import Detection


def detect(
    paths: Annotated[list[Path], typer.Argument(metavar="DATASET_OR_FILES", help="A dataset, or log files.")],
    rules: o.Rules = [],  # noqa: B006  # typer copies it
    detector: o.Detectors = None,
    pipeline: o.Pipelines = None,
    placeholders: o.Placeholders = None,
    time_field: Annotated[str, typer.Option("--time-field", help="Which field of foreign files is the time.")] = "",
    no_routing: Annotated[bool, typer.Option("--no-routing", help="Every rule on every event.")] = False,
    raw_fires: o.RawFires = False,
    window_edge: o.WindowEdge = "inclusive",
    evidence: o.Evidence = 1000,
    strict: o.Strict = False,
    out: o.AlertsOut = None,
    quiet: o.Quiet = False,
) -> None:
    """Run Sigma rules (and other detectors) on log files as a SIEM would see them.

    Alerts go to --out or to standard output, one JSON line each; what became of each rule goes to standard error.
    Exit code 4 when a detector failed.
    """
    from redgen import native
    from redgen.assess.detection import all_alerts, detectors_of, run
    from redgen.assess.events import events_of

    chosen = detectors_of(rules, detector or (), pipelines=pipeline or (), placeholders=placeholders,
                          raw_fires=raw_fires, window_edge=window_edge, evidence=evidence, strict=strict)
    found = run(events_of(paths, time_field=time_field, routing=not no_routing), chosen)
    alerts = all_alerts(found)
    if out is not None:
        native.write(alerts, out)
    else:
        for many in native.lines(alerts):
            if many:
                sys.stdout.write(many + "\n")
    if not quiet:
        for detection in found:
            _tell(detection)
    if any(d.failed for d in found):
        raise typer.Exit(4)


def _tell(detection: Detection) -> None:
    from collections import Counter

    from rich.console import Console

    from redgen.alert import BROKEN

    console = Console(stderr=True, highlight=False)
    rules = [r for r in detection.rules if not r.feeds or r.status == BROKEN]
    counts = Counter(r.status for r in rules)
    words = ", ".join(f"{n} {'tested' if s == 'tested' else s}" for s, n in counts.most_common())
    console.print(f"{detection.detector}: {len(detection.alerts):,} alerts; rules: {words or 'its own'}", markup=False)
    raised = Counter(detection.alerts.frame["rule_name"])
    for name, n in raised.most_common(15):
        console.print(f"  {n:>8,}  {name}", markup=False)
    for rule in [r for r in rules if r.status != "tested"][:20]:
        where = f"{rule.file}:{rule.line}" if rule.file else rule.rule_id
        console.print(f"  not tested: {rule.title or rule.rule_id} ({where}): {rule.status}: {rule.reason}",
                      markup=False, soft_wrap=True)
    left = sum(n for s, n in counts.items() if s != "tested") - 20
    if left > 0:
        console.print(f"  not tested: {left} more; the scorecard of redgen ci names each", markup=False)
    for note in (*detection.diagnostics, *detection.alerts.diagnostics):
        console.print(f"  {note.level}: {note.code}: {note.message} ({note.count:,})", markup=False, soft_wrap=True)
    if detection.failed:
        console.print(f"  failed: {detection.failed}", markup=False, soft_wrap=True)
