"""OCSF Detection Findings (class 2004), as Security Lake and others write them.

Fields: OCSF schema 1.8, detection_finding. Severity ids 1 to 6 are informational to fatal, times epoch milliseconds.
"""

from __future__ import annotations

from redgen.readers._entities import found_in
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.records import Record, leaf

_SEVERITIES = {"1": 10, "2": 30, "3": 50, "4": 75, "5": 95, "6": 95}


class Ocsf(RowReader):
    """Detection findings."""

    name = "ocsf"
    title = "OCSF detection findings"
    signature = (("class_uid=2004", "finding_info"), ("class_uid=2004", "time"))
    required = ("finding_info", "time")
    time_key = "time"

    def wanted(self, record: Record) -> bool:
        """Detection findings that somebody raised (closing one is no alert)."""
        return str(record.get("class_uid")) == "2004" and str(record.get("activity_id", 1)) in {"0", "1", "99"}

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One finding."""
        info = record["finding_info"]
        start = record.get("start_time") or leaf(info, "first_seen_time")
        stop = record.get("end_time") or leaf(info, "last_seen_time")
        evidences = [e for e in record.get("evidences") or () if isinstance(e, dict)]
        related = [e for e in leaf(info, "related_events") or () if isinstance(e, dict)]
        name = leaf(info, "analytic.name") or leaf(info, "title") or ""
        rows.alert(line, leaf(info, "analytic.uid") or name, record["time"], name=name, start=start, stop=stop,
                   alert_id=leaf(info, "uid") or leaf(record, "metadata.uid") or "",
                   n=int(first(record.get("count")) or len(related) or len(evidences)),
                   severity=severity_of(str(record.get("severity_id", "")), _SEVERITIES))
        for event in related:
            if event.get("uid"):
                rows.event(event["uid"])
        for evidence in evidences:
            said = leaf(evidence, "uid") or leaf(evidence, "data.event_id") or leaf(evidence, "data.metadata.uid")
            if said:
                rows.event(said)
            rows.entities(found_in(evidence))
        for part in ("resources", "actor", "src_endpoint", "dst_endpoint", "device", "user", "cloud"):
            if record.get(part):
                rows.entities(found_in({part: record[part]}))


READER = Ocsf()
