"""Splunk: notables, risk events and alert results, as ``{"result": {…}}``, search results or CSV.

Field names: Splunk Enterprise Security's notable and risk indexes (``search_name``, ``orig_time``, ``info_min_time``,
``risk_object``, …). A search's window is where it looked, not what it found: ``orig_time`` is better where it is given.
"""

from __future__ import annotations

from typing import Any

from redgen.alert import digest_of
from redgen.readers._entities import entities_of, found_in
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.records import Record

_OBJECTS = {"user": "user", "system": "either"}
_LEFT_OUT = ("_raw", "risk_object", "source", "sourcetype", "orig_raw", "search_name", "host", "orig_source",
             "orig_host")
"""``host`` and ``source`` of a notable are those of the search head."""


class Splunk(RowReader):
    """Notables and risk events."""

    name = "splunk"
    title = "Splunk notable or risk events"
    signature = (("search_name", "_time"), ("risk_object", "_time"), ("rule_name", "event_id", "_time"))
    required = ("_time",)
    time_key = "_time"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert."""
        own = first(record.get("orig_time"))
        low, high = (_moment(record.get(name)) for name in ("info_min_time", "info_max_time"))
        shown = first(record.get("rule_title")) or first(record.get("rule_name")) or ""
        n = first(record.get("count"))
        rows.alert(line, first(record.get("search_name")) or shown, first(record["_time"]), name=shown,
                   severity=severity_of(record.get("severity") or record.get("urgency") or record.get("risk_score")),
                   start=own or low, stop=own or high or first(record["_time"]), n=int(n) if str(n).isdigit() else 0,
                   alert_id=first(record.get("event_id")) or "")
        for value in _several(record.get("orig_event_id")):
            rows.event(value)
        for value in _several(record.get("orig_raw")) if isinstance(record.get("orig_raw"), list) else (
                [record["orig_raw"]] if record.get("orig_raw") else []):
            rows.event(digest=digest_of(str(value).encode()))
        kind = _OBJECTS.get(str(first(record.get("risk_object_type"))).lower(), "")
        for value in _several(record.get("risk_object")) if kind else ():
            rows.entities(entities_of("dest" if kind == "either" else "", value, "" if kind == "either" else kind))
        rows.entities(found_in({k: _several(v) if isinstance(v, str) else v for k, v in record.items()
                                if k not in _LEFT_OUT and not k.startswith("_")}))


def _several(value: Any) -> list[Any]:
    """The values of a multi-value field: a list, or lines of a cell."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else str(value).splitlines()


def _moment(value: Any) -> Any:
    """A bound of a search, None where it is open (0, +Infinity)."""
    said = first(value)
    return None if said is None or str(said).strip().lower() in {"", "+infinity", "infinity", "0", "0.000"} else said


READER = Splunk()
