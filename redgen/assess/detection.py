"""Detectors chosen by name and run, one after another, on the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redgen.alert import Alerts, Detection
from redgen.assess.rulepack import rule_paths
from redgen.detector import Detector, Events
from redgen.errors import DataError
from redgen.reader import merged


def detectors_of(rules: Sequence[Path], specs: Sequence[str] = (), *, pipelines: Sequence[Path] = (),
                 placeholders: Path | None = None, raw_fires: bool = False, window_edge: str = "inclusive",
                 evidence: int = 1000, strict: bool = False) -> tuple[Detector, ...]:
    """The embedded engine for ``rules``, and one detector for each of ``specs``; DataError when there are neither."""
    found: list[Detector] = []
    if rules:
        from redgen.detectors.sigma import Sigma
        from redgen.sigma.documents import rule_files

        rule_files(rule_paths(rules))
        found.append(Sigma(rule_paths(rules), pipelines=pipelines, placeholders=placeholders, raw_fires=raw_fires,
                           window_edge=window_edge, evidence=evidence, strict=strict))
    if specs:
        from redgen.detectors._spec import detector_of

        found += [detector_of(spec) for spec in specs]
    if not found:
        raise DataError("nothing to run: name rules with --rules PATH (`bundled` is redgen's pack), or a --detector")
    return tuple(found)


def run(events: Events, detectors: Sequence[Detector]) -> tuple[Detection, ...]:
    """What each detector says of ``events``."""
    return tuple(d.detect(events) for d in detectors)


def all_alerts(detections: Sequence[Detection]) -> Alerts:
    """The alerts of all detections in one; ids get their detector's name where two gave the same."""
    if len(detections) == 1:
        return detections[0].alerts
    return merged([_named(d) for d in detections])


def _named(detection: Detection) -> Alerts:
    frame = detection.alerts.frame
    return replace(detection.alerts, frame=frame.assign(alert_id=detection.detector + ":" + frame["alert_id"]))
