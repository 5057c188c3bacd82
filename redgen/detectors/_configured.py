"""Detectors that a user configures in one line of text, and what they have in common when they hand back alerts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from redgen.alert import Alerts, Detection, RuleReport, alerts_of, level_of
from redgen.clock import parse_duration
from redgen.detector import Detector, Events
from redgen.errors import DataError
from redgen.reader import AUTO, Options

READING: Mapping[str, str] = {
    "format": "alert format (default: told by its keys)", "mapping": "mapping YAML for the generic format",
    "zone": "time zone of times without one (default: UTC)"}
"""Options of whatever reads a file of alerts."""


class Configured(Detector):
    """A detector that ``name[option=value,…]:argument`` describes.

    ``takes`` says what its argument is, empty when it has none; ``options`` its options and what each means.
    """

    takes: ClassVar[str] = ""
    options: ClassVar[Mapping[str, str]] = {}

    @classmethod
    @abstractmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> Self:
        """The detector so configured; DataError naming what is wrong with the argument or an option's value."""


def reading(options: Mapping[str, str]) -> tuple[str, Options]:
    """Format and reading options among a detector's options."""
    mapping = options.get("mapping")
    return options.get("format", AUTO), Options(Path(mapping) if mapping else None, options.get("zone", "UTC"))


def seconds(text: str, name: str) -> float:
    """A duration option (``90s``, ``5m``, or seconds) in seconds."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else parse_duration(text) / 1e6
    except ValueError:
        raise DataError(f"{name}={text}: write a duration such as 90s or 5m") from None


def detected(name: str, alerts: Alerts, events: Events) -> Detection:
    """A detection of alerts that somebody else raised: files called as in the dataset, rules as they name them."""
    names = {str(f.path): f.name for f in events.files} | {str(f.path.resolve()): f.name for f in events.files}
    files = alerts.events["file"]
    if files.isin(list(names)).any():
        alerts = replace(alerts, events=alerts.events.assign(file=files.map(lambda f: names.get(f, f)).astype("str")))
    return Detection(name, alerts, rules_of(alerts))


def rules_of(alerts: Alerts) -> tuple[RuleReport, ...]:
    """The rules that alerts name, as bad as the worst alert of each."""
    frame = alerts.frame
    worst = frame.groupby("rule_id", sort=True).agg(name=("rule_name", "first"), severity=("severity", "max"))
    return tuple(RuleReport(str(rule), str(row.name), level_of(int(row.severity)))
                 for rule, row in zip(worst.index, worst.itertuples(index=False, name="Row"), strict=True))


def failed(name: str, why: str) -> Detection:
    """A detection that did not come about, and why."""
    return Detection(name, alerts_of({}), failed=why)
