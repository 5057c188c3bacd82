"""evtx-sigma-checker, the judge of SigmaHQ's baselines: a JSON line per match, with the event beside the rule.

Keys: ``RuleId``, ``RuleTitle``, ``RuleLevel`` as SigmaHQ's regression tests read them; events as evtx parsers write
them.
"""

from __future__ import annotations

from typing import Any

from redgen.readers._entities import found_in
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.readers._when import event_id_in, time_in
from redgen.records import Record, leaf

_NUMBERS = ("RecordID", "EventRecordID", "Event.System.EventRecordID", "System.EventRecordID")


class EvtxChecker(RowReader):
    """Matches of evtx-sigma-checker."""

    name = "evtx_checker"
    title = "evtx-sigma-checker matches (NDJSON)"
    signature = (("RuleId", "RuleTitle"), ("RuleId", "RuleLevel"))
    required = ("RuleId",)
    time_key = "Timestamp"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert."""
        rows.alert(line, record["RuleId"], time_in(record), name=record.get("RuleTitle") or "", n=1,
                   severity=severity_of(record.get("RuleLevel") or record.get("Level")))
        number = next((v for v in (_first_at(record, name) for name in _NUMBERS) if v), None)
        file = str(_first_at(record, "EvtxFile") or _first_at(record, "File") or "")
        if number and str(number).isdigit():
            rows.event("" if file else str(number), file=file, line=int(number) if file else 0)
        elif event_id_in({k: v for k, v in record.items() if k != "id"}):
            rows.event(event_id_in(record))
        rows.entities(found_in({k: v for k, v in record.items() if not k.startswith("Rule")}))


def _first_at(record: Record, path: str) -> Any:
    return first(leaf(record, path))


READER = EvtxChecker()
