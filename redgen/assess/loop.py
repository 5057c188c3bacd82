"""The whole loop on a dataset that is there: detect, write the alerts, score, judge, and say what came near."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redgen import native
from redgen.assess.detection import all_alerts, run
from redgen.assess.events import of_dataset
from redgen.assess.judge import Terms, judge
from redgen.assess.near import with_near_misses
from redgen.dataset.dataset import Dataset
from redgen.detector import Detector
from redgen.errors import SinkError
from redgen.evidence.outputs import OUTPUTS
from redgen.scorecard import Scorecard

ALERTS = "alerts.ndjson"


def whole_loop(dataset: Dataset, detectors: Sequence[Detector], terms: Terms, *,
               alerts: Path | None = None) -> Scorecard:
    """The scorecard of ``detectors`` on ``dataset``; their alerts go to the file ``alerts``."""
    events = of_dataset(dataset)
    detections = run(events, detectors)
    if alerts is not None:
        native.write(all_alerts(detections), alerts)
    card = judge(dataset.path, detections, terms)
    return with_near_misses(card, dataset.labels, events, detectors)


def report_files(folder: Path | None) -> dict[str, Path]:
    """Kind -> file for every report in a folder, which is made; none without one. ``alerts`` are the alerts."""
    if folder is None:
        return {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{folder} cannot be made ({error.strerror}); name another directory") from None
    return {"alerts": folder / ALERTS, **{kind: folder / output.filename for kind, output in OUTPUTS.items()}}
