"""What every reader of alerts promises, as checks: run them on yours with ``for check in CHECKS: check(Case(...))``.

Each takes a ``Case`` (a sample file in the reader's format) and raises ``PluginError`` saying what was broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redgen.alert import ALERT_COLUMNS, CLOCKS, ENTITIES, ENTITY_COLUMNS, EVENT_COLUMNS, Alerts
from redgen.errors import PluginError, RedgenError
from redgen.reader import Options, Reader, read_alerts, recognize
from redgen.records import RecordFile

_STRANGE: tuple[Any, ...] = (7, [], {}, "", None, ["x"], {"x": 1}, True)
"""Values of the wrong kind, one for each key in turn."""

_KINDS = {"int64": ("int64",), "string": ("str", "string", "object")}


@dataclass(frozen=True)
class Case:
    """One reader on one sample."""

    reader: Reader
    sample: Path
    options: Options = field(default_factory=Options)

    @cached_property
    def alerts(self) -> Alerts:
        """The sample's alerts."""
        return self.read(self.sample)

    @property
    def text(self) -> str:
        """The sample as text."""
        return self.sample.read_text(encoding="utf-8")

    def read(self, path: Path) -> Alerts:
        """A file's alerts, called by its bare name."""
        return read_alerts(path, self.reader.name, self.options, path.name)


def _require(held: bool, message: str) -> None:
    if not held:
        raise PluginError(message)


def check_declarations(case: Case) -> None:
    """Name and title are declared, the clock is a known one."""
    reader = case.reader
    _require(type(reader).__module__.endswith(f".{reader.name}"), f"{reader.name!r} lives in {type(reader).__module__}")
    _require(len(reader.title) > 3, f"{reader.name}: no title")
    _require(reader.clock in CLOCKS, f"{reader.name}: clock {reader.clock!r}")


def check_recognized(case: Case) -> None:
    """Unless a mapping is needed, a sample is told to be this format's without help."""
    if case.options.mapping is None:
        found = recognize(RecordFile(case.sample, case.sample.name))
        _require(found is not None and found.name == case.reader.name,
                 f"{case.sample.name}: taken for {found and found.name}, not {case.reader.name}")


def check_frames(case: Case) -> None:
    """Frames have the columns and types of ``redgen.alert``, and there is an alert in a sample."""
    _require(len(case.alerts) > 0, f"{case.sample.name}: no alerts in it")
    for frame, schema in ((case.alerts.frame, ALERT_COLUMNS), (case.alerts.events, EVENT_COLUMNS),
                          (case.alerts.entities, ENTITY_COLUMNS)):
        _require(list(frame.columns) == list(schema), f"{case.reader.name}: columns {list(frame.columns)}")
        for name, kind in schema.items():
            _require(str(frame[name].dtype) in _KINDS[kind], f"{case.reader.name}: {name} is {frame[name].dtype}")
        _require(not frame.isna().any().any(), f"{case.reader.name}: a value is missing")


def check_values(case: Case) -> None:
    """Windows are in order, severities 0 to 100, ids there and unique, references point to alerts and say something."""
    found, name = case.alerts, case.reader.name
    frame = found.frame
    _require(bool((frame["t_first"] <= frame["t_last"]).all()), f"{name}: an alert ends before it begins")
    _require(bool(frame["severity"].between(0, 100).all()), f"{name}: a severity outside 0 to 100")
    _require(bool((frame["rule_id"] != "").all()), f"{name}: an alert without a rule")
    _require(bool((frame["alert_id"] != "").all() and frame["alert_id"].is_unique), f"{name}: ids are not unique")
    for part in (found.events, found.entities):
        _require(bool(part["alert"].between(0, len(frame) - 1).all()), f"{name}: a reference to no alert")
    told = (found.events["event_id"] != "") | (found.events["line"] > 0) | (found.events["digest"] != "")
    _require(bool(told.all()), f"{name}: an event that is not named by anything")
    strange = set(found.entities["type"]) - set(ENTITIES)
    _require(not strange, f"{name}: entity types {sorted(strange)} are not redgen's")


def check_same(case: Case) -> None:
    """Reading twice gives the same, packed or not."""
    import gzip

    with TemporaryDirectory() as folder:
        packed = Path(folder) / f"{case.sample.name}.gz"
        packed.write_bytes(gzip.compress(case.sample.read_bytes()))
        again = case.read(packed)
    kept = ["rule_id", "severity", "t_alert", "t_first", "t_last", "n_events"]
    _require(again.frame[kept].equals(case.alerts.frame[kept]), f"{case.reader.name}: another result when packed")
    _require(again.events.equals(case.alerts.events), f"{case.reader.name}: other events when packed")
    _require(again.entities.equals(case.alerts.entities), f"{case.reader.name}: other entities when packed")


def check_nothing(case: Case) -> None:
    """An empty file holds no alerts, and says so."""
    with TemporaryDirectory() as folder:
        empty = Path(folder) / case.sample.name
        empty.write_text("\n", encoding="utf-8")
        found = case.read(empty)
    _require(len(found) == 0 and any(d.code == "EMPTY_FILE" for d in found.diagnostics),
             f"{case.reader.name}: an empty file is not said to be empty")


def check_cut_off(case: Case) -> None:
    """A file cut off anywhere is read as far as it goes, or refused with a message; never more, never a traceback."""
    text = case.text
    for at in sorted({len(text) * i // 7 for i in range(1, 7)} | {len(text) - 2}):
        found = _tried(case, text[:at])
        whole = len(case.alerts)
        _require(found is None or len(found) <= whole, f"{case.reader.name}: more alerts in a part than in the whole")


def check_lacking(case: Case) -> None:
    """An alert that lacks any one of its keys is read without it, or refused with a message naming the file."""
    if RecordFile(case.sample, "").shape != "ndjson":
        return
    lines = case.text.splitlines()
    record = json.loads(lines[-1])
    for i, key in enumerate(record):
        rest = {k: v for k, v in record.items() if k != key}
        for changed in (rest, {**rest, key: _STRANGE[i % len(_STRANGE)]}):
            _tried(case, "\n".join([*lines[:-1], json.dumps(changed)]))


def _tried(case: Case, text: str) -> Alerts | None:
    """The alerts in a changed sample; None when it is refused properly."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / case.sample.name
        path.write_text(text, encoding="utf-8")
        try:
            return case.read(path)
        except RedgenError as error:
            _require(case.sample.name in str(error), f"{case.reader.name}: a message that names no file: {error}")
            return None
        except Exception as error:
            raise PluginError(f"{case.reader.name}: {type(error).__name__}: {error} on {text[:300]!r}") from error


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_declarations, check_recognized, check_frames, check_values, check_same, check_nothing, check_cut_off,
    check_lacking,
)
