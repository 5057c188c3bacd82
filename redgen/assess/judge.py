"""A dataset and what detectors said about it, held against the truth: the scorecard with regression and gates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.alert import Detection
from redgen.assess.events import of_dataset
from redgen.assess.index import LogFiles
from redgen.dataset.dataset import load
from redgen.errors import DataError
from redgen.gates.evaluate import evaluate, exit_code
from redgen.gates.expectations import load_any
from redgen.gates.regression import compare
from redgen.matching.ledger import read_ledger
from redgen.matching.truth_files import read_ground
from redgen.scorecard import Scorecard, Settings, from_json
from redgen.scoring.score import checked, score

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Terms:
    """How to score and what to hold the score against.

    ``gates``: a gates file (or another product's expectations); ``baseline``: the scorecard of an older run;
    ``today`` decides which allowances have expired; ``ledger``: when events were sent; ``observed``: events that
    arrived, by source; ``inconclusive``: ``pass`` or ``fail`` to count such answers so.
    """

    settings: Settings = field(default_factory=Settings)
    gates: Path | None = None
    baseline: Path | None = None
    allow_chance: bool = False
    inconclusive: str | None = None
    ledger: Path | None = None
    observed: Mapping[str, int] | None = None
    today: date | None = None

    def check(self) -> None:
        """Look at all it names, so that a mistake shows before anything is made; DataError or SpecError for one."""
        checked(self.settings)
        if self.gates:
            load_any(self.gates)
        if self.baseline:
            read_scorecard(self.baseline)


def judge(dataset: Path, detections: Sequence[Detection], terms: Terms) -> Scorecard:
    """The scorecard of ``detections`` on the dataset in a directory; DataError or SpecError for unusable input."""
    gates = load_any(terms.gates) if terms.gates else None
    old = read_scorecard(terms.baseline) if terms.baseline else None
    ground = read_ground(dataset)
    ledger: pd.DataFrame | None = read_ledger(terms.ledger) if terms.ledger else None
    name = ground.scenario or dataset.name
    card = score(ground, detections, terms.settings, _logs(dataset), ledger, terms.observed, name)
    if old is not None:
        card = replace(card, regression=compare(old, card))
    if gates is not None and gates.notes:
        card = replace(card, diagnostics=(*card.diagnostics, *gates.notes))
    results = evaluate(card, gates, today=terms.today or datetime.now(UTC).date(), allow_chance=terms.allow_chance)
    return replace(card, gates=results)


def _logs(dataset: Path) -> LogFiles | None:
    """The logs to ask; None where there are none, or where somebody else wrote the manifest and ours says nothing."""
    manifest = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))
    return LogFiles(of_dataset(load(dataset))) if "format" in manifest and (dataset / "logs").is_dir() else None


def verdict(card: Scorecard, terms: Terms) -> int:
    """The exit code: 0 passed, 1 a gate failed, 3 no verdict, 4 a detector failed."""
    return exit_code(card.gates, card.failed, terms.inconclusive)


def read_scorecard(path: Path) -> Scorecard:
    """The scorecard in a file; DataError when it cannot be read or is none."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); a scorecard is what redgen score --json writes"
                        ) from None
    return from_json(text, str(path))


def read_observed(path: Path) -> Mapping[str, int]:
    """How many events of each log source arrived: a JSON object, or lines ``source count``; DataError when neither."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read ({why}); it says how many events of each source arrived: a JSON "
                        "object, or lines of a source and a number") from None
    if text.lstrip()[:1] == "{":
        try:
            found = json.loads(text)
        except ValueError as error:
            raise DataError(f"{path}: no JSON ({error})") from None
        pairs = list(found.items())
    else:
        pairs = [(*line.replace(",", " ").split(), "")[:2] for line in text.splitlines() if line.strip()]
    for source, count in pairs:
        if not str(count).isdigit():
            raise DataError(f"{path}: {source!r} has the count {count!r}; write a number of events")
    return {str(source): int(count) for source, count in pairs}
