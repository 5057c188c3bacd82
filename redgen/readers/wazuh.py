"""Wazuh's alerts.json, or hits of its indexer.

Fields: Wazuh documentation, ruleset and alert output. Its ``timestamp`` is when the manager saw the event, not when it
happened. Levels go from 0 to 15 (its dashboard calls 7 to 11 medium, 12 to 14 high, 15 critical).
"""

from __future__ import annotations

from redgen.alert import digest_of
from redgen.readers._entities import entities_of, found_in
from redgen.readers._rows import RowReader, Rows
from redgen.records import Record, leaf

_STEPS = ((15, 95), (12, 75), (7, 50), (4, 30), (0, 10))


class Wazuh(RowReader):
    """Alerts of a Wazuh manager."""

    name = "wazuh"
    title = "Wazuh alerts"
    signature = (("rule.level", "rule.id", "agent", "timestamp"), ("rule.level", "rule.id", "manager", "timestamp"),
                 ("rule.level", "rule.id", "agent", "@timestamp"))
    clock = "arrival"
    required = ("rule.id", "rule.level")

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert; ``previous_output`` are the lines that led to it."""
        level = int(float(leaf(record, "rule.level")))
        earlier = [text for text in str(record.get("previous_output") or "").splitlines() if text]
        rows.alert(line, leaf(record, "rule.id"), record.get("timestamp") or record.get("@timestamp"),
                   name=leaf(record, "rule.description") or "", alert_id=record.get("id") or record.get("_id") or "",
                   severity=next(severity for least, severity in _STEPS if level >= least), n=1 + len(earlier))
        for text in (*earlier, record.get("full_log")):
            if text:
                rows.event(digest=digest_of(str(text).encode()))
        rows.entities(found_in(record.get("data") or {}))
        rows.entities(entities_of("host", leaf(record, "predecoder.hostname") or leaf(record, "agent.name")))


READER = Wazuh()
