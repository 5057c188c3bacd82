"""Suricata's EVE log: its alert events; those of other types are counted and left out.

Fields: Suricata user guide, EVE JSON format. A severity of 1 is the highest.
"""

from __future__ import annotations

from redgen.readers._entities import entities_of, found_in
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.records import Record, leaf

_SEVERITIES = {"1": 75, "2": 50, "3": 30, "4": 10}


class Suricata(RowReader):
    """Alert events of an EVE log."""

    name = "suricata"
    title = "Suricata EVE alerts"
    signature = (("event_type=alert", "alert.signature_id", "timestamp"), ("event_type", "flow_id", "timestamp"),
                 ("event_type=stats", "stats", "timestamp"))
    required = ("timestamp", "alert.signature_id")

    def wanted(self, record: Record) -> bool:
        """Alerts only."""
        return record.get("event_type") == "alert"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert: one packet or flow."""
        said = first(leaf(record, "alert.metadata.signature_severity"))
        severity = severity_of(said or str(leaf(record, "alert.severity")), _SEVERITIES)
        rows.alert(line, leaf(record, "alert.signature_id"), record["timestamp"], severity=severity, n=1,
                   name=leaf(record, "alert.signature") or "")
        if record.get("pcap_filename") and record.get("pcap_cnt"):
            rows.event(file=str(record["pcap_filename"]), line=int(record["pcap_cnt"]))
        rows.entities(found_in({k: v for k, v in record.items() if k not in {"alert", "host"}}))
        rows.entities(entities_of("", leaf(record, "tls.sni"), "domain"))


READER = Suricata()
