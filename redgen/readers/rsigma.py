"""rsigma: NDJSON of matched Sigma rules and correlations.

Shape: ``EvaluationResult`` of the rsigma-eval crate. A result has no time of its own: it comes from the event inside
it (``--include-event``) or from a correlation's event references.
"""

from __future__ import annotations

from typing import Any

from redgen.readers._entities import entities_of, found_in
from redgen.readers._rows import RowReader, Rows, severity_of
from redgen.readers._when import event_id_in, time_in
from redgen.records import Record


class Rsigma(RowReader):
    """Results of rsigma."""

    name = "rsigma"
    title = "rsigma results (NDJSON)"
    signature = (("rule_title", "matched_fields"), ("rule_title", "correlation_type"))
    required = ("rule_title",)
    time_key = "event.<time> (run rsigma with --include-event, or correlations with event references)"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One match or one correlation."""
        bodies = [b for b in (record.get("events") or [record.get("event")]) if isinstance(b, dict)]
        refs = [r for r in record.get("event_refs") or () if isinstance(r, dict)]
        times = [t for t in (*map(time_in, bodies), *(r.get("timestamp") for r in refs), record.get("timestamp"))
                 if t is not None]
        rows.alert(line, record.get("rule_id"), times[-1] if times else None, name=record["rule_title"],
                   start=times[0] if times else None, stop=times[-1] if times else None,
                   severity=severity_of(record.get("level")), n=max(len(bodies), len(refs)))
        for reference in (*map(event_id_in, bodies), *(r.get("id") for r in refs)):
            if reference:
                rows.event(reference)
        for field, value in _pairs(record.get("matched_fields")) + _pairs(record.get("group_key")):
            rows.entities(entities_of(field, value))
        for body in bodies:
            rows.entities(found_in(body))


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """(field, value) of ``[{field, value}]``, ``[[field, value]]`` or ``{field: value}``."""
    if isinstance(value, dict):
        return list(value.items())
    found = []
    for item in value or ():
        if isinstance(item, dict):
            found.append((str(item.get("field", "")), item.get("value")))
        elif isinstance(item, list) and len(item) == 2:
            found.append((str(item[0]), item[1]))
    return found


READER = Rsigma()
