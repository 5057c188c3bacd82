"""Zircolite: an array of rules with the rows that each matched; every row is an alert.

Shape: Zircolite's ``detected_events.json`` (title, id, sigmafile, sigma, rule_level, tags, count, matches). Rows are
flattened events; the id they were given by the data set is kept where Zircolite's field mapping keeps it.
"""

from __future__ import annotations

from redgen.readers._entities import found_in
from redgen.readers._rows import RowReader, Rows, severity_of
from redgen.readers._when import event_id_in, time_in
from redgen.records import Record


class Zircolite(RowReader):
    """Detected events of Zircolite."""

    name = "zircolite"
    title = "Zircolite detected events"
    signature = (("title", "sigma", "matches"), ("title", "rule_level", "matches", "sigmafile"))
    required = ("title", "matches")
    time_key = "matches[].<time>"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert per row."""
        for row in record["matches"]:
            rows.alert(line, record.get("id"), time_in(row), name=record["title"], n=1,
                       severity=severity_of(record.get("rule_level")))
            reference = event_id_in({k: v for k, v in row.items() if k != "id"})
            if reference:
                rows.event(reference)
            rows.entities(found_in({k: v for k, v in row.items() if k != "row_id"}))


READER = Zircolite()
