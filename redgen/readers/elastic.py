"""Elastic Security alerts: search hits or NDJSON, keys dotted or nested, of every rule type.

Fields: Elastic's alert schema (``kibana.alert.*``), and ``signal.*`` of versions before 8. An alert of a sequence, a
threshold or a suppressed rule names no events itself or only some; its window then comes from what the rule says of it.
Alerts of building-block rules are hidden in Kibana: they are not alerts here either, but lend their events to those
that are built of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redgen.errors import DataError
from redgen.readers._entities import entities_of, found_in
from redgen.readers._rows import RowReader, Rows, first, severity_of
from redgen.records import Notes, Record, RecordFile, leaf

_OLD = {"kibana.alert.rule.uuid": "signal.rule.id", "kibana.alert.rule.rule_id": "signal.rule.rule_id",
        "kibana.alert.rule.name": "signal.rule.name", "kibana.alert.severity": "signal.rule.severity",
        "kibana.alert.original_time": "signal.original_time", "kibana.alert.ancestors": "signal.ancestors",
        "kibana.alert.threshold_result": "signal.threshold_result", "kibana.alert.depth": "signal.depth",
        "kibana.alert.building_block_type": "signal.rule.building_block_type"}


class Elastic(RowReader):
    """Alerts of Elastic Security."""

    name = "elastic"
    title = "Elastic Security detection alerts"
    signature = (("kibana.alert.rule.name",), ("kibana.alert.rule.uuid",), ("kibana.alert.rule.rule_id",),
                 ("signal.rule.id", "signal.rule.name"))
    clock = "batch"  # the alert's own time is when the rule ran; the events' times are beside it
    time_key = "kibana.alert.original_time` or `@timestamp"

    def records(self, file: RecordFile, notes: Notes) -> Iterator[tuple[int, Record]]:
        """The alerts that people see, building blocks' events given to those built of them."""
        every = list(self._every(file, notes))
        blocks = {str(_own_id(r)): list(_events(r)) for _, r in every if first(_said(r, "building_block_type"))}
        for line, record in every:
            if first(_said(record, "building_block_type")):
                notes.count("BUILDING_BLOCK", f"{file.name}: alerts of building-block rules: not alerts of their own",
                            level="info")
                continue
            lent = [e for a in _list(_said(record, "ancestors")) if isinstance(a, dict)
                    for e in blocks.get(str(a.get("id")), ())]
            yield line, {**record, "redgen.lent": lent}

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert, with the window of its events as far as it tells."""
        threshold = first(_said(record, "threshold_result")) or {}
        begun = [_said(record, "suppression.start"), leaf(threshold, "from"), _said(record, "original_time")]
        ended = [_said(record, "suppression.end"), _said(record, "original_time")]
        start, stop = (next((first(v) for v in said if first(v) is not None), None) for said in (begun, ended))
        counted = first(_said(record, "suppression.docs_count")) or first(leaf(threshold, "count")) or 0
        clocks = (_said(record, "start"), leaf(record, "@timestamp"), start)
        at = next((first(v) for v in clocks if v is not None), None)
        if "from" in threshold and stop is None:
            stop = at
        rows.alert(line, first(_said(record, "rule.rule_id")) or first(_said(record, "rule.uuid")), at,
                   name=first(_said(record, "rule.name")) or "", alert_id=_own_id(record) or "", start=start, stop=stop,
                   severity=severity_of(_said(record, "severity") or _said(record, "risk_score")),
                   n=int(counted) + (1 if _said(record, "suppression.docs_count") is not None else 0))
        for event in dict.fromkeys([*_events(record), *record.pop("redgen.lent", ())]):
            rows.event(event)
        for terms in (leaf(threshold, "terms"), _said(record, "suppression.terms")):
            for term in _list(terms):
                if isinstance(term, dict):
                    rows.entities(entities_of(str(term.get("field", "")), term.get("value")))
        rows.entities(found_in({k: v for k, v in record.items() if not k.startswith(("kibana", "signal"))}))

    def _every(self, file: RecordFile, notes: Notes) -> Iterator[tuple[int, Record]]:
        for line, record in file.records(notes):
            if all(_said(record, f"rule.{part}") is None for part in ("name", "uuid", "rule_id")):
                raise DataError(self.lack(file, line, record, ["kibana.alert.rule.name"]))
            yield line, record


def _said(record: Record, path: str) -> Any:
    """What an alert says under ``kibana.alert``, or where versions before 8 said it."""
    now = leaf(record, f"kibana.alert.{path}")
    old = _OLD.get(f"kibana.alert.{path}")
    return leaf(record, old) if now is None and old else now


def _own_id(record: Record) -> Any:
    return first(_said(record, "uuid")) or record.get("_id")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else ([] if value is None else [value])


def _events(record: Record) -> Iterator[str]:
    """Ids of the events an alert names: what the data set's own id says, else its ancestors at depth 0."""
    own = leaf(record, "redgen.event_id")
    if own is not None:
        yield from (str(v) for v in _list(own))
        return
    for ancestor in _list(_said(record, "ancestors")):
        if isinstance(ancestor, dict) and first(ancestor.get("depth")) in (0, None) and ancestor.get("id"):
            yield str(first(ancestor["id"]))
    ids = leaf(record, "kibana.alert.ancestors.id")  # the fields API tells them in columns
    depths = _list(leaf(record, "kibana.alert.ancestors.depth"))
    yield from (str(i) for i, d in zip(_list(ids), depths, strict=False) if d == 0)


READER = Elastic()
