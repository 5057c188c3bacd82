"""All alerts of all detectors as one table: duplicates dropped, times in dataset time, rules by number.

The table is in an order of its own, so that nothing downstream depends on the order in which alerts came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from redgen.alert import BROKEN, Alerts, Detection, Diagnostic, RuleReport, level_of
from redgen.matching.ledger import Clock

if TYPE_CHECKING:
    import pandas as pd

CAPS = (100, 1_000, 10_000)
"""Alert counts per rule at which products stop: Elastic's ``max_signals`` (100; often raised tenfold), and the result
window of an Elasticsearch search. A rule with exactly that many probably had more."""

_ORDER = ("t_alert", "rule_id", "alert_id", "t_first", "t_last", "severity", "n_events", "raw_ref", "detector")


@dataclass(frozen=True)
class Raised:
    """Alerts as columns, row by row in canonical order.

    ``frame``: detector, rule (numbers), alert_id, raw_ref, severity, t_alert, t_first, t_last, n_events, t (when it is
    deemed raised). ``events`` and ``entities`` as in ``Alerts``, their ``alert`` being a row of ``frame``. ``rules`` by
    number; ``declared`` says which of them a detector spoke of itself.
    """

    frame: pd.DataFrame
    events: pd.DataFrame
    entities: pd.DataFrame
    rules: tuple[RuleReport, ...]
    declared: tuple[bool, ...]
    detectors: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> NDArray[np.int64]:
        """One column of whole numbers."""
        return np.asarray(self.frame[name].to_numpy(dtype=np.int64))

    def spans(self) -> NDArray[np.int64]:
        """The window of each alert's rule, µs."""
        of_rule = np.array([r.span for r in self.rules] or [0], dtype=np.int64)
        return of_rule[self.column("rule")]


def gather(detections: Sequence[Detection], clock: Clock | None = None, stop: int = 0) -> Raised:
    """One table of everything that was raised; what was dropped or looks cut off is said in ``diagnostics``.

    An alert without any time is taken to have come at ``stop``, the end of the dataset: nothing is early by accident.
    """
    import pandas as pd

    frames, events, entities, notes, base = [], [], [], list[Diagnostic](), 0
    for k, detection in enumerate(detections):
        alerts, undated = _dated(_filled(detection.alerts), stop)
        notes += undated
        timed, said = _timed(alerts, clock)
        notes += [*alerts.diagnostics, *detection.diagnostics, *said]
        frames.append(timed.assign(detector=k))
        events.append(alerts.events.assign(alert=alerts.events["alert"] + base))
        entities.append(alerts.entities.assign(alert=alerts.entities["alert"] + base))
        base += len(alerts)
    if not frames:
        empty = _empty()
        frames, events, entities = [_timed(empty, None)[0].assign(detector=0)], [empty.events], [empty.entities]
    frame = pd.concat(frames, ignore_index=True)
    order, dropped = _canonical(frame)
    if dropped:
        notes.append(Diagnostic("DUPLICATE_ALERT", "alerts with an id that was already there were dropped", dropped))
    place = np.full(len(frame), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    rules, declared = _rules(detections, frame)
    numbers = pd.Index([r.rule_id for r in rules]).get_indexer(frame["rule_id"])
    kept = frame.assign(rule=numbers.astype(np.int64)).iloc[order].reset_index(drop=True)
    notes += _rule_notes(kept, rules, declared, [bool(d.rules) for d in detections] or [False])
    if kept.empty:
        notes.append(Diagnostic("NO_ALERTS", "no alert was raised or read, so nothing was detected"))
    return Raised(kept, _moved(pd.concat(events, ignore_index=True), place),
                  _moved(pd.concat(entities, ignore_index=True), place), rules, declared,
                  tuple(d.detector for d in detections), tuple(notes))


def _empty() -> Alerts:
    from redgen.alert import alerts_of

    return alerts_of({})


def _filled(alerts: Alerts) -> Alerts:
    """The alerts with blanks where a reader left texts missing."""
    def whole(table: pd.DataFrame) -> pd.DataFrame:
        missing = [c for c in table.columns if table[c].dtype.kind not in "iu" and table[c].hasnans]
        return table.assign(**{c: table[c].astype("str").where(table[c].notna(), "") for c in missing})

    return replace(alerts, frame=whole(alerts.frame), events=whole(alerts.events), entities=whole(alerts.entities))


def _dated(alerts: Alerts, stop: int) -> tuple[Alerts, list[Diagnostic]]:
    """The alerts with times that are not known (0) replaced by those that are."""
    frame = alerts.frame
    t = {name: np.asarray(frame[name].to_numpy(dtype=np.int64)) for name in ("t_alert", "t_first", "t_last")}
    if all((column > 0).all() for column in t.values()):
        return alerts, []
    when = np.where(t["t_alert"] > 0, t["t_alert"], np.maximum(t["t_last"], t["t_first"]))
    none = when <= 0
    when = np.where(none, stop, when)
    known = {"t_alert": when, **{n: np.where(t[n] > 0, t[n], when) for n in ("t_first", "t_last")}}
    said = [Diagnostic("NO_TIME", "alerts without a time were taken to have come at the end of the dataset",
                       int(none.sum()))] if none.any() else []
    return replace(alerts, frame=frame.assign(**known)), said


def _timed(alerts: Alerts, clock: Clock | None) -> tuple[pd.DataFrame, list[Diagnostic]]:
    """The alerts' frame with ``t``, times mapped to dataset time where they were times of arrival."""
    frame = alerts.frame
    if alerts.clock == "batch":
        return frame.assign(t=frame["t_last"]), []
    if alerts.clock != "arrival":
        return frame.assign(t=frame["t_alert"]), []
    if clock is None:
        said = Diagnostic("ARRIVAL_CLOCK", "times are those of arrival and no ledger says which events they belong to; "
                          "times to detect include the delay of delivery", len(frame))
        return frame.assign(t=frame["t_alert"]), [said]
    mapped = {name: clock.event_time(frame[name].to_numpy(dtype=np.int64)) for name in ("t_alert", "t_first", "t_last")}
    said = Diagnostic("CLOCK_MAPPED", "times of arrival were mapped to event time by the ledger, with an error of up "
                      f"to {clock.error / 1e6:.3f} s", len(frame), "info")
    return frame.assign(**mapped, t=mapped["t_alert"]), [said]


def _canonical(frame: pd.DataFrame) -> tuple[NDArray[np.int64], int]:
    """Rows to keep, in canonical order, and how many repeat the id of another of the same detector."""
    keys = []
    for name in _ORDER:
        column = frame[name]
        if column.dtype.kind in "iu":
            keys.append(column.to_numpy(dtype=np.int64))
        else:
            keys.append(_codes(column))
    order = np.lexsort(keys[::-1]).astype(np.int64)
    ids, detector = keys[_ORDER.index("alert_id")], keys[_ORDER.index("detector")]
    named = (frame["alert_id"] != "").to_numpy(dtype=bool)
    pair = ids * (int(detector.max(initial=0)) + 1) + detector
    pair = np.where(named, pair, -1 - np.arange(len(frame)))[order]
    _, first = np.unique(pair, return_index=True)
    kept = np.sort(first)
    return order[kept], len(order) - len(kept)


def _codes(column: pd.Series) -> NDArray[np.int64]:
    """Numbers in the order of the values."""
    import pandas as pd

    codes, values = pd.factorize(column)
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(np.asarray(values, dtype=object), kind="stable")] = np.arange(len(values))
    return np.asarray(rank[codes] if len(values) else codes.astype(np.int64))


def _rules(detections: Sequence[Detection], frame: pd.DataFrame) -> tuple[tuple[RuleReport, ...], tuple[bool, ...]]:
    """Every rule that was run or that alerts name, by id; parts of a correlation count as the correlation.

    A part in error stays: what it feeds cannot have worked.
    """
    known: dict[str, RuleReport] = {}
    for detection in detections:
        for rule in detection.rules:
            if not rule.feeds or rule.status == BROKEN:
                known.setdefault(rule.rule_id, rule)
    others: Mapping[str, RuleReport] = {
        str(row.rule_id): RuleReport(str(row.rule_id), str(row.rule_name), level_of(int(row.severity)))
        for row in frame.groupby("rule_id", as_index=False).agg({"rule_name": "min", "severity": "max"}).itertuples()
        if str(row.rule_id) not in known}
    names = sorted([*known, *others])
    return tuple(known.get(n) or others[n] for n in names), tuple(n in known for n in names)


def _rule_notes(frame: pd.DataFrame, rules: Sequence[RuleReport], declared: Sequence[bool],
                speaks: Sequence[bool]) -> list[Diagnostic]:
    """Alerts of rules that nobody declared, where their detector (``speaks``) named its rules; rules at a cap."""
    counts = np.bincount(frame["rule"].to_numpy(dtype=np.int64), minlength=len(rules))
    notes = []
    told = frame["rule"].to_numpy(dtype=np.int64)[np.asarray(speaks)[frame["detector"].to_numpy(dtype=np.int64)]]
    unknown = [int(k) for k in np.unique(told) if not declared[k]]
    if unknown:
        some = ", ".join(rules[k].rule_id or "(blank)" for k in unknown[:5])
        notes.append(Diagnostic("UNKNOWN_RULE", f"alerts of rules that were not among those run: {some}",
                                int(counts[unknown].sum())))
    capped = [k for k in range(len(rules)) if counts[k] in CAPS]
    if capped:
        some = ", ".join(f"{rules[k].rule_id} ({counts[k]})" for k in capped[:5])
        notes.append(Diagnostic("TRUNCATED", "rules with exactly as many alerts as products cap them at, so there may "
                                f"have been more: {some}", len(capped)))
    return notes


def _moved(table: pd.DataFrame, place: NDArray[np.int64]) -> pd.DataFrame:
    """Rows of a side table under the alerts' new numbers and in their order, those of dropped alerts left out."""
    if table.empty:
        return table
    number = place[table["alert"].to_numpy(dtype=np.int64)]
    order = np.argsort(number, kind="stable")
    order = order[number[order] >= 0]
    return table.take(order).assign(alert=number[order]).reset_index(drop=True)
