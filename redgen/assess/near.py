"""How near rules came to what they missed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redgen.detector import Detector, Events
from redgen.scorecard import Scorecard


def with_near_misses(card: Scorecard, dataset: Path, events: Events, detectors: Sequence[Detector]) -> Scorecard:
    """The scorecard with, for each missed campaign, the rule that came closest and what failed."""
    return card
