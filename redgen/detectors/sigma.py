"""The embedded Sigma engine as one detector among others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.alert import Detection
from redgen.detector import Detector, Events
from redgen.errors import DataError

if TYPE_CHECKING:
    from redgen.sigma.engine import Options
    from redgen.sigma.near import Near


class Sigma(Detector):
    """Sigma rules and correlations, run by DuckDB over the log files.

    ``rules``: files and folders; ``pipelines``: pySigma pipeline files, in order; ``placeholders``: a YAML file with
    the values of ``%names%``. ``evidence``: events named by one alert at most. ``window_edge``: whether a correlation's
    window holds its old end. ``strict``: a rule in error fails the detection.
    """

    name = "sigma"
    title = "Sigma rules on DuckDB"

    def __init__(self, rules: Sequence[Path | str], *, pipelines: Sequence[Path | str] = (),
                 placeholders: Path | str | None = None, raw_fires: bool = False, window_edge: str = "inclusive",
                 evidence: int = 1000, strict: bool = False, memory: str = "2GB") -> None:
        if window_edge not in {"inclusive", "exclusive"}:
            raise DataError(f"window edge {window_edge!r}: it is inclusive or exclusive")
        if evidence < 1:
            raise DataError(f"evidence {evidence}: an alert names at least one event")
        self.rules = tuple(map(Path, rules))
        self.pipelines = tuple(map(Path, pipelines))
        self.placeholders = None if placeholders is None else Path(placeholders)
        self.raw_fires, self.exclusive, self.strict = raw_fires, window_edge == "exclusive", strict
        self.evidence, self.memory = evidence, memory

    def detect(self, events: Events) -> Detection:
        """All alerts on ``events``, and what became of each rule; DataError when a path or a file cannot be used."""
        from redgen.sigma.engine import detect

        return detect(events, self._options())

    def nearest(self, events: Events, wanted: Mapping[str, Collection[tuple[str, int]]]) -> dict[str, Near]:
        """Name -> the rule that came closest to finding the events at its places (file, line), and what failed."""
        from redgen.sigma.near import nearest

        return nearest(events, self._options(), wanted)

    def _options(self) -> Options:
        from redgen.sigma.engine import Options

        return Options(self.rules, self.pipelines, self.placeholders, self.raw_fires, self.exclusive, self.evidence,
                       self.strict, self.memory)


DETECTOR = Sigma
