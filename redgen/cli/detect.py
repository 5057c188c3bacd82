"""``redgen detect``: rules on logs, alerts out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redgen.cli import options as o

if TYPE_CHECKING:
    from redgen.alert import Detection, RuleReport

MOST = 15
"""Rules, and reasons for not testing some, that are told one by one."""


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

    o.check_targets({"alerts": out}, None)
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
    for detection in found:
        for line in _failed(detection) if quiet else _told(detection):
            print(line, file=sys.stderr)
    if any(d.failed for d in found):
        raise typer.Exit(4)


def _told(detection: Detection) -> Iterator[str]:
    """What became of a detection: how many alerts, of which rules, and what was not tested."""
    from collections import Counter

    from redgen.alert import BROKEN, TESTED

    rules = [r for r in detection.rules if not r.feeds or r.status == BROKEN]
    counts = Counter(r.status for r in rules)
    words = ", ".join(f"{n} {status}" for status, n in counts.most_common())
    yield f"{detection.detector}: {len(detection.alerts):,} alerts; rules: {words or 'its own'}"
    for name, n in Counter(detection.alerts.frame["rule_name"]).most_common(MOST):
        yield f"  {n:>8,}  {name}"
    yield from _untested([r for r in rules if r.status != TESTED])
    for note in (*detection.diagnostics, *detection.alerts.diagnostics):
        yield f"  {note.level}: {note.code}: {note.message}" + (f" ({note.count:,})" if note.count > 1 else "")
    yield from _failed(detection)


def _untested(rules: Sequence[RuleReport]) -> Iterator[str]:
    """Rules that were not tested, those with the same reason at bottom together; which logs there are is said once."""
    reasons: dict[tuple[str, str], list[RuleReport]] = {}
    said = ""
    for rule in rules:
        reason, _, there = rule.reason.rpartition("which was not tested: ")[2].partition("; there are ")
        reasons.setdefault((rule.status, reason), []).append(rule)
        said = said or there
    for (status, reason), alike in list(reasons.items())[:MOST]:
        first = alike[0]
        where = f" ({first.file}:{first.line})" if first.file else ""
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        yield f"  not tested: {first.title or first.rule_id}{where}{more}: {status}: {reason}"
    if said:
        yield f"  the logs here: {said}"
    left = sum(len(alike) for alike in list(reasons.values())[MOST:])
    if left:
        yield f"  not tested: {left} more; the scorecard of redgen ci names each"


def _failed(detection: Detection) -> Iterator[str]:
    if detection.failed:
        yield f"redgen: the detection failed: {detection.detector}: {detection.failed}"
