"""redgen's own alerts as JSON lines: one alert, one line, whatever detector raised it.

``{"redgen_alert": 1, "rule_id", "rule_title", "level", "ts", "first_ts", "last_ts", "fires", "group": {field: value},
"entities": {type: [values]}, "events": [{"file", "line", "event_id"}]}``: times are ISO 8601 in UTC with microseconds;
``events`` say what is known of each, and ``n_events`` how many there are when not all are named. Lines are written by
DuckDB from columns, a slice of alerts at a time, and the same alerts give the same bytes.
"""

# ruff: noqa: S608  (nothing here comes from outside but numbers)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from redgen.alert import Alerts, level_of
from redgen.atomic import whole

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

VERSION = 1
OPTIONAL = ("fires", "group")
"""Columns that an alert frame may have beyond the contract: how often a rule fired, and its group as a JSON object."""

SLICE = 50_000


def lines(alerts: Alerts) -> Iterator[str]:
    """The alerts as JSON lines in the order of their frame, many at a time, joined by newlines, none at the end."""
    import duckdb

    events, entities = _sorted(alerts.events), _sorted(alerts.entities)
    db = duckdb.connect(config={"threads": 2})
    db.execute("SET enable_progress_bar = false")
    try:
        for first in range(0, len(alerts), SLICE):
            last = min(first + SLICE, len(alerts))
            _register(db, _heads(alerts.frame.iloc[first:last], first), _cut(events, first, last),
                      _cut(entities, first, last))
            yield "\n".join(db.sql(_SQL).to_arrow_table().column(0).to_pylist())
    finally:
        db.close()


def write(alerts: Alerts, path: Path) -> int:
    """Write the alerts to a file, whole or not at all; how many. SinkError when it cannot be written."""
    with whole(path) as out:
        out.writelines(many.encode("utf-8", "replace") + b"\n" for many in lines(alerts))
    return len(alerts)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """By alert, whatever the detector's order; the order within an alert stays."""
    return frame if frame["alert"].is_monotonic_increasing else frame.sort_values("alert", kind="stable")


def _cut(frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """The rows of some alerts."""
    begin, end = np.searchsorted(frame["alert"].to_numpy(), [first, last])
    return frame.iloc[begin:end]


def _heads(frame: pd.DataFrame, first: int) -> pa.Table:
    """The alerts' own columns, with optional ones filled in."""
    import pyarrow as pa

    names = ("rule_id", "rule_name", "t_alert", "t_first", "t_last", "n_events")
    columns = {name: pa.Array.from_pandas(frame[name]) for name in names}
    levels = {severity: level_of(severity) for severity in frame["severity"].unique()}
    columns["level"] = pa.array(frame["severity"].map(levels).to_list(), pa.string())
    columns["fires"] = pa.Array.from_pandas(frame["fires"]) if "fires" in frame else pa.array([1] * len(frame))
    columns["grp"] = pa.Array.from_pandas(frame["group"]) if "group" in frame else pa.array(["{}"] * len(frame))
    columns["alert"] = pa.array(np.arange(first, first + len(frame)))
    return pa.table(columns)


def _register(db: DuckDBPyConnection, heads: pa.Table, events: pd.DataFrame, entities: pd.DataFrame) -> None:
    import pyarrow as pa

    db.register("alerts", heads)
    db.register("events", pa.Table.from_pandas(events, preserve_index=False))
    db.register("entities", pa.Table.from_pandas(entities, preserve_index=False))


def _time(column: str) -> str:
    return f"'\"' || strftime(make_timestamp({column}), '%Y-%m-%dT%H:%M:%S.%fZ') || '\"'"


_PLACE = """'{' || concat_ws(',',
    CASE WHEN file <> '' THEN '"file":' || to_json(file) END,
    CASE WHEN line > 0 THEN '"line":' || line END,
    CASE WHEN event_id <> '' THEN '"event_id":' || to_json(event_id) END,
    CASE WHEN digest <> '' THEN '"digest":' || to_json(digest) END) || '}'"""

_SQL = f"""
    SELECT '{{"redgen_alert":{VERSION},"rule_id":' || to_json(rule_id) || ',"rule_title":' || to_json(rule_name) ||
           ',"level":"' || level || '","ts":' || {_time('t_alert')} || ',"first_ts":' || {_time('t_first')} ||
           ',"last_ts":' || {_time('t_last')} || ',"fires":' || fires || ',"group":' || grp ||
           ',"entities":{{' || coalesce(n.said, '') || '}},"events":[' || coalesce(e.said, '') || ']' ||
           CASE WHEN n_events > coalesce(e.named, 0) THEN ',"n_events":' || n_events ELSE '' END || '}}'
    FROM alerts a
    LEFT JOIN (SELECT alert, string_agg({_PLACE}, ',' ORDER BY n) AS said, count(*) AS named
               FROM (SELECT *, row_number() OVER () AS n FROM events) GROUP BY alert) e USING (alert)
    LEFT JOIN (SELECT alert, string_agg(to_json(type) || ':[' || said || ']', ',' ORDER BY type) AS said
               FROM (SELECT alert, type, string_agg(DISTINCT value, ',' ORDER BY value) AS said
                     FROM (SELECT alert, type, to_json(value)::VARCHAR AS value FROM entities)
                     GROUP BY alert, type) GROUP BY alert) n USING (alert)
    ORDER BY alert"""
