"""Alerts that somebody's SIEM raised already, in a file that it exported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from redgen.alert import Detection
from redgen.detector import Events
from redgen.detectors._configured import READING, Configured, detected, reading
from redgen.reader import AUTO, Options, read_alerts


class ExportedAlerts(Configured):
    """A file of alerts, as a detector."""

    name = "alerts"
    title = "a file of alerts exported from a SIEM"
    takes = "a file of alerts"
    options = READING

    def __init__(self, file: Path, *, form: str = AUTO, given: Options | None = None) -> None:
        self.file, self.form, self.given = file, form, given

    @classmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> ExportedAlerts:
        """A file by its path."""
        form, given = reading(options)
        return cls(Path(argument), form=form, given=given)

    def detect(self, events: Events) -> Detection:
        """The alerts in the file; DataError when it cannot be read."""
        return detected(self.name, read_alerts(self.file, self.form, self.given), events)


DETECTOR = ExportedAlerts
