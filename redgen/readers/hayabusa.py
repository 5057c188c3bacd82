"""Hayabusa timelines (CSV, JSON or JSONL): one row per matched Windows event or correlation.

Columns: Hayabusa's output profiles. ``Details`` is an object in JSON and ``name: value ¦ …`` in CSV; levels are short.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PureWindowsPath
from typing import Any

from redgen.readers._entities import entities_of
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.records import Record

_SHORT = {"TgtUser": "user", "SrcUser": "user", "User": "user", "SrcIP": "ip", "TgtIP": "ip", "DstIP": "ip", "IP": "ip",
          "SrcComp": "host", "TgtComp": "host", "Workstation": "host", "Query": "domain", "LID": "session"}
"""Hayabusa's abbreviations in ``Details`` (its rules' ``config/details`` alias)."""


class Hayabusa(RowReader):
    """Rows of a Hayabusa timeline."""

    name = "hayabusa"
    title = "Hayabusa timeline (CSV, JSON, JSONL)"
    signature = (("RuleTitle", "RecordID", "Timestamp"), ("RuleTitle", "Details", "Timestamp"),
                 ("RuleTitle", "Channel", "Level", "Timestamp"))
    required = ("Timestamp", "RuleTitle")
    time_key = "Timestamp"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert."""
        rows.alert(line, record.get("RuleID") or record.get("RuleTitle"), record["Timestamp"],
                   name=record["RuleTitle"], severity=severity_of(record.get("Level")), n=1)
        number = str(record.get("RecordID", "")).strip()
        if number.isdigit():  # a correlation has none
            file = PureWindowsPath(str(record.get("EvtxFile", ""))).name
            rows.event("" if file else number, file=file, line=int(number) if file else 0)
        rows.entities(entities_of("host", record.get("Computer")))
        for part in (record.get("Details"), record.get("ExtraFieldInfo"), record.get("AllFieldInfo")):
            for field, value in _details(part):
                rows.entities(entities_of(field, value, _SHORT.get(field, "")))


def _details(value: Any) -> Iterator[tuple[str, Any]]:
    """(field, value) of an object, or of text such as ``TgtUser: ada ¦ SrcIP: 192.0.2.9``."""
    if isinstance(value, dict):
        yield from value.items()
        return
    for part in str(first(value) or "").split("¦"):
        field, colon, said = part.partition(":")
        if colon:
            yield field.strip(), said.strip()


READER = Hayabusa()
