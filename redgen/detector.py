"""The contract of a detector: log files in, alerts out, truth never seen.

To add one, write ``redgen/detectors/<name>.py`` with a subclass of ``Detector`` named by its ``DETECTOR`` constant and
override ``detect``. It is given files as a SIEM would get them: it reads bytes from disk, not the generator's memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from redgen.alert import Detection


@dataclass(frozen=True)
class EventFile:
    """One file of events: ``name`` is how alerts and labels call it; ``source`` is its log source, empty when unknown.

    ``format`` is the source's format where known (``combined``, ``tsv``, …). ``head_lines`` are not records.
    """

    path: Path
    name: str
    source: str = ""
    format: str = ""
    head_lines: int = 0
    lines: int = 0
    enveloped: bool = False


@dataclass(frozen=True)
class Events:
    """What detectors read: files, and what is known about them.

    ``logsources``: log source -> Sigma's logsource keys (product, service, category); ``year_from`` is a time (µs UTC)
    near those in the files, for formats that write no year; ``start`` and ``stop`` bound the observation when known
    (0: take them from the events); ``root`` is the dataset's directory, None for foreign files.
    """

    files: tuple[EventFile, ...]
    logsources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    year_from: int = 0
    start: int = 0
    stop: int = 0
    root: Path | None = None
    time_field: str = ""
    routing: bool = True


class Detector(ABC):
    """Anything that turns events into alerts."""

    name: ClassVar[str]    # the file name of its module
    title: ClassVar[str]

    @abstractmethod
    def detect(self, events: Events) -> Detection:
        """All alerts on ``events``. What cannot run is said in the Detection; DataError only for unusable arguments."""
