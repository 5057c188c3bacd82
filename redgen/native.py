"""redgen's own alerts as JSON lines: one alert, one line, whatever detector raised it.

``{"redgen_alert": 1, "rule_id", "rule_title", "level", "ts", "first_ts", "last_ts", "fires", "group": {field: value},
"entities": {type: [values]}, "events": [{"file", "line", "event_id"}]}``: times are ISO 8601 in UTC with microseconds;
``events`` say what is known of each, and ``n_events`` how many there are when not all are named. Lines are written by
DuckDB from columns, and the same alerts give the same bytes.
"""

# ruff: noqa: S608  (nothing here comes from outside but numbers)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.alert import Alerts, level_of
from redgen.errors import SinkError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

VERSION = 1
OPTIONAL = ("fires", "group")
"""Columns that an alert frame may have beyond the contract: how often a rule fired, and its group as a JSON object."""

BATCH = 100_000


def lines(alerts: Alerts) -> Iterator[str]:
    """The alerts as JSON lines, in the order of their frame, without line ends; many at a time, joined by newlines."""
    import duckdb

    db = duckdb.connect(config={"threads": 2})
    try:
        _register(db, alerts)
        for batch in db.sql(_SQL).to_arrow_reader(BATCH):
            yield "\n".join(batch.column(0).to_pylist())
    finally:
        db.close()


def write(alerts: Alerts, path: Path) -> int:
    """Write the alerts to a file; how many. SinkError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="\n") as out:
            for many in lines(alerts):
                if many:
                    out.write(many + "\n")
    except OSError as error:
        raise SinkError(f"{path}: cannot be written: {error.strerror or error}") from error
    return len(alerts)


def _register(db: DuckDBPyConnection, alerts: Alerts) -> None:
    """The three frames as tables, with optional columns filled in."""
    import pyarrow as pa

    frame = alerts.frame.reset_index(drop=True)
    names = ["rule_id", "rule_name", "severity", "t_alert", "t_first", "t_last", "n_events"]
    columns = {name: frame[name] for name in names}
    columns["fires"] = frame["fires"] if "fires" in frame else frame["severity"] * 0 + 1
    table = pa.table({name: pa.Array.from_pandas(column) for name, column in columns.items()})
    group = pa.Array.from_pandas(frame["group"]) if "group" in frame else pa.array(["{}"] * len(frame), pa.string())
    table = table.append_column("grp", group).append_column("alert", pa.array(range(len(frame)), pa.int64()))
    db.register("alerts", table)
    db.register("events", _table(alerts.events))
    db.register("entities", _table(alerts.entities))
    severities = sorted(set(frame["severity"].tolist()))
    db.register("levels", pa.table({"severity": pa.array(severities, pa.int64()),
                                    "level": pa.array([level_of(s) for s in severities], pa.string())}))


def _table(frame: object) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


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
    FROM alerts a JOIN levels USING (severity)
    LEFT JOIN (SELECT alert, string_agg({_PLACE}, ',' ORDER BY n) AS said, count(*) AS named
               FROM (SELECT *, row_number() OVER () AS n FROM events) GROUP BY alert) e USING (alert)
    LEFT JOIN (SELECT alert, string_agg(to_json(type) || ':' || said, ',' ORDER BY type) AS said
               FROM (SELECT alert, type, to_json(list(DISTINCT value ORDER BY value)) AS said
                     FROM entities GROUP BY alert, type) GROUP BY alert) n USING (alert)
    ORDER BY alert"""
