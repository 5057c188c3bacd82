"""What every detector promises, as checks: run them on yours with ``for check in CHECKS: check(Case(...))``.

Each takes a ``Case`` (a configured detector and some events) and raises ``PluginError`` saying what was broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from redgen.alert import ALERT_COLUMNS, BROKEN, CLOCKS, ENTITY_COLUMNS, EVENT_COLUMNS, TESTED, Detection
from redgen.detector import Detector, Events
from redgen.errors import PluginError, RedgenError


@dataclass(frozen=True)
class Case:
    """One detector on some events. ``steady``: it says the same of the same files (some engines race)."""

    detector: Detector
    events: Events
    steady: bool = field(default=True)

    @cached_property
    def detection(self) -> Detection:
        """What it says."""
        return self.detector.detect(self.events)


def _require(held: bool, message: str) -> None:
    if not held:
        raise PluginError(message)


def check_declarations(case: Case) -> None:
    """Name and title are declared; the name is the module's and the detection's."""
    detector = case.detector
    _require(type(detector).__module__.endswith(f".{detector.name}"),
             f"detector {detector.name!r} lives in {type(detector).__module__}")
    _require(len(detector.title) > 3, f"{detector.name}: no title")
    _require(case.detection.detector.partition(":")[0] == detector.name,
             f"{detector.name}: calls itself {case.detection.detector!r} in what it detected")


def check_frames(case: Case) -> None:
    """Alerts are in normal form: columns (more may follow), order of windows, references to alerts that are there."""
    alerts, name = case.detection.alerts, case.detector.name
    for frame, schema in ((alerts.frame, ALERT_COLUMNS), (alerts.events, EVENT_COLUMNS),
                          (alerts.entities, ENTITY_COLUMNS)):
        _require(list(frame.columns)[:len(schema)] == list(schema), f"{name}: columns {list(frame.columns)}")
        _require(not frame[list(schema)].isna().any().any(), f"{name}: a value is missing")
    _require(alerts.clock in CLOCKS, f"{name}: clock {alerts.clock!r}")
    _require(bool((alerts.frame["t_first"] <= alerts.frame["t_last"]).all()), f"{name}: an alert ends before it begins")
    _require(bool(alerts.frame["severity"].between(0, 100).all()), f"{name}: a severity outside 0 to 100")
    _require(alerts.frame["alert_id"].is_unique, f"{name}: two alerts of one id")
    for part in (alerts.events, alerts.entities):
        _require(bool(part["alert"].between(0, max(0, len(alerts) - 1)).all()), f"{name}: a reference to no alert")


def check_places(case: Case) -> None:
    """Files are called as the events call them, and lines are in them."""
    known = {f.name: f.lines for f in case.events.files}
    named = case.detection.alerts.events
    for file, line in named[named["file"] != ""].groupby("file")["line"].max().items():
        _require(str(file) in known, f"{case.detector.name}: names a file {file!r} that it was not given")
        most = known[str(file)]
        _require(not most or int(line) <= most, f"{case.detector.name}: line {line} of {file}, which has {most}")


def check_rules(case: Case) -> None:
    """Every alert's rule is reported; an untested rule says why and raised nothing."""
    reports = {rule.rule_id: rule for rule in case.detection.rules}
    raised = set(case.detection.alerts.frame["rule_id"])
    strange = sorted(raised - reports.keys())
    _require(not strange, f"{case.detector.name}: alerts of unreported rules {strange}")
    for rule in reports.values():
        _require(rule.status == TESTED or bool(rule.reason), f"{case.detector.name}: {rule.rule_id} untested, no why")
        _require(rule.status in {TESTED, BROKEN} or rule.rule_id not in raised,
                 f"{case.detector.name}: {rule.rule_id} is said to be untested and raised an alert")


def check_same(case: Case) -> None:
    """The same files give the same alerts."""
    if not case.steady:
        return
    again = case.detector.detect(case.events)
    for what in ("frame", "events", "entities"):
        _require(getattr(again.alerts, what).equals(getattr(case.detection.alerts, what)),
                 f"{case.detector.name}: {what} changed from run to run")


def check_nothing(case: Case) -> None:
    """No files, no traceback: nothing is found or it is said why; a missing file likewise."""
    gone = tuple(type(f)(f.path.with_name("gone.log"), "gone.log", f.source, f.format) for f in case.events.files[:1])
    for files in ((), gone):
        try:
            found = case.detector.detect(Events(files, case.events.logsources, case.events.year_from))
        except RedgenError:
            continue
        except Exception as error:
            raise PluginError(f"{case.detector.name}: {type(error).__name__} without files: {error}") from error
        _require(isinstance(found, Detection), f"{case.detector.name}: returned {type(found).__name__}")


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_declarations, check_frames, check_places, check_rules, check_same, check_nothing,
)
