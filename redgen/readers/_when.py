"""Where events of any product keep their time and their own id, for formats that carry the event along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redgen.readers._rows import first
from redgen.records import leaf

TIMES = ("@timestamp", "eventTime", "published", "timestamp", "Timestamp", "ts", "SystemTime", "UtcTime", "TimeCreated",
         "Event.System.TimeCreated.#attributes.SystemTime", "Event.System.TimeCreated.@SystemTime",
         "System.TimeCreated.SystemTime", "time", "_time", "createdDateTime", "CreationTime", "event.created",
         "EventTime", "date", "time_local")

IDS = ("redgen.event_id", "redgen_id", "_id", "event.id", "eventID", "uuid", "uid", "metadata.uid", "id")


def time_in(event: Mapping[str, Any], also: str = "") -> Any:
    """The time an event says, or None."""
    return next((v for v in (first(leaf(event, name)) for name in ((also, *TIMES) if also else TIMES))
                 if v is not None and not isinstance(v, dict)), None)


def event_id_in(event: Mapping[str, Any]) -> str:
    """The id an event says, or nothing."""
    found = (first(leaf(event, name)) for name in IDS)
    return next((str(v) for v in found if v is not None and not isinstance(v, dict)), "")
