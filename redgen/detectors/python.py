"""A Python function as a detector: log sources as DataFrames in, alerts out.

``def find(logs: dict[str, pandas.DataFrame])`` returns a DataFrame or a list of dicts. Each row or dict is an alert:
``rule_id`` and ``ts`` (text, epoch or datetime), and if it likes ``rule_title``, ``level`` or ``severity``,
``first_ts``, ``last_ts``, ``entities`` (type -> values) or a column named as a type of entity, and ``events`` (dicts of
``file``, ``line``, ``event_id``). Rows picked from a log's own frame need only a ``rule_id``: each is an alert on its
event. A function may say which fields it wants: ``find.fields = {"okta_system": ["eventType", "client.ipAddress"]}``.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redgen.alert import ENTITIES, Alerts, Detection
from redgen.detector import Events
from redgen.detectors._configured import Configured, detected, failed
from redgen.detectors._frames import frames
from redgen.errors import DataError, RedgenError, did_you_mean
from redgen.reader import read_alerts

_KEPT = ("alert_id", "rule_id", "rule_title", "rule_name", "level", "severity", "ts", "first_ts", "last_ts", "fires",
         "n_events")


class PythonFunction(Configured):
    """A function over DataFrames."""

    name = "python"
    title = "a Python function over DataFrames"
    takes = "a function, such as package.module:function"

    def __init__(self, function: Callable[[dict[str, Any]], Any], name: str = "") -> None:
        self.function = function
        self.called = name or getattr(function, "__qualname__", "function")

    @classmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> PythonFunction:  # noqa: ARG003  -- it has none
        """A function by ``module:function``; modules of the working directory can be named."""
        module, colon, name = argument.partition(":")
        if not colon or not module or not name:
            raise DataError(f"python:{argument}: write python:package.module:function")
        if "" not in sys.path:
            sys.path.insert(0, "")
        try:
            found: Any = importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  -- anything may happen in there
            raise DataError(f"python:{argument}: {module} does not load: {_last_line(error)}") from None
        for part in name.split("."):
            if not hasattr(found, part):
                public = [n for n in dir(found) if n[0] != "_"]
                raise DataError(f"python:{argument}: {module} has no {part!r}{did_you_mean(part, public)}")
            found = getattr(found, part)
        if not callable(found):
            raise DataError(f"python:{argument}: {name} is not a function")
        return cls(found, argument)

    def detect(self, events: Events) -> Detection:
        """What the function returns; when it fails, its own last line and where."""
        logs = frames(events, getattr(self.function, "fields", {}))
        try:
            returned = self.function(logs)
        except Exception as error:  # noqa: BLE001  -- anything may happen in there
            code = getattr(self.function, "__code__", None)
            return failed(self.name, f"{self.called}: {_last_line(error, getattr(code, 'co_filename', ''))}")
        try:
            return detected(self.name, _alerts(returned, self.called), events)
        except RedgenError as error:
            return failed(self.name, str(error))


def _last_line(error: Exception, code: str = "") -> str:
    """What a traceback says at its end, and where in the file ``code`` it was."""
    said = traceback.format_exception_only(error)[-1].strip()
    own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == code]
    return f"{said} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else said


def _alerts(returned: Any, called: str) -> Alerts:
    """Alerts of what a function returned, read as redgen's own alert lines."""
    import pandas as pd

    if returned is None:
        raise DataError(f"{called} returned nothing: return a DataFrame or a list of alerts (an empty one for none)")
    rows = returned.to_dict("records") if isinstance(returned, pd.DataFrame) else returned
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(r, dict) for r in rows):
        raise DataError(f"{called} returned {type(returned).__name__}: return a DataFrame or a list of dicts")
    with TemporaryDirectory(prefix="redgen-") as folder:
        path = Path(folder) / "returned.ndjson"
        with path.open("w", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(_line(row), default=_plain) + "\n")
        return read_alerts(path, "redgen_native", name=called)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as a line of redgen's."""
    line = {"redgen_alert": 1, **{key: row[key] for key in _KEPT if _there(row.get(key))}}
    if "ts" not in line and _there(row.get("_ts")):
        line["ts"] = row["_ts"]
    entities = dict(row.get("entities") or {})
    for kind in ENTITIES:
        if kind in row and _there(row[kind]):
            entities.setdefault(kind, row[kind])
    line["entities"] = {k: list(v) if isinstance(v, list | tuple | set) else [v] for k, v in entities.items()}
    line["events"] = list(row.get("events") or ())
    if "_line" in row and not line["events"]:
        event = {"file": row["_file"], "line": row["_line"], "event_id": row.get("_event_id")}
        line["events"] = [{k: v for k, v in event.items() if _there(v)}]
    return line


def _there(value: Any) -> bool:
    """Whether a value is one: not None, not NaN, not NaT."""
    return value is not None and not (isinstance(value, float) and math.isnan(value)) and str(value) != "NaT"


def _plain(value: Any) -> Any:
    """Times and NumPy's numbers as JSON has them."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.tolist() if hasattr(value, "tolist") else str(value)


DETECTOR = PythonFunction
