"""The embedded engine as a detector among others."""

from __future__ import annotations

import json
from pathlib import Path

from redgen.detector import Detector, EventFile, Events
from redgen.registry import DETECTORS
from tests.sigma.lab import at, selects


def test_it_is_found_by_name_and_keeps_the_contract(tmp_path: Path) -> None:
    """A Detection with its alerts, its rules and nothing failed."""
    made = DETECTORS.get("sigma")
    assert issubclass(made, Detector)
    (tmp_path / "r.yml").write_text(selects("a", k="a"))
    log = tmp_path / "x.ndjson"
    log.write_text(json.dumps(at(0, k="a")) + "\n")
    detection = made([tmp_path / "r.yml"]).detect(
        Events((EventFile(log, "x.ndjson"),), time_field="@timestamp", routing=False))
    assert (detection.detector, detection.failed, len(detection.alerts)) == ("sigma", "", 1)
    assert [r.status for r in detection.rules] == ["tested"]
