"""From what rules found to alerts in normal form, column by column."""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from redgen.alert import LEVELS, Alerts, RuleReport
from redgen.sigma.columns import RAW, Columns, text
from redgen.sigma.entities import fields_of_source, type_of
from redgen.sigma.members import event_id
from redgen.sigma.store import Store

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = 1000
"""Events named by one alert at most; ``n_events`` counts them all."""


def begin(store: Store) -> None:
    """Empty tables for what rules find."""
    for name, columns in (
            ("hits", "rule INTEGER, source INTEGER, place BIGINT"),
            ("found", "key BIGINT, rule INTEGER, ts BIGINT, fires BIGINT, grp VARCHAR, metric DOUBLE"),
            ("found_events", "key BIGINT, source BIGINT, place BIGINT, t BIGINT"),
            ("found_sizes", "key BIGINT, n BIGINT")):
        store.db.execute(f"CREATE TEMP TABLE {name} ({columns})")


def single_events(store: Store, rules: Sequence[int]) -> None:
    """Every hit of these rules is an alert; an event without a readable time counts as of 1970."""
    if not rules:
        return
    listed = ", ".join(map(str, rules))
    base = store.one("SELECT coalesce(max(key), -1) + 1 FROM found")
    times = " UNION ALL ".join(
        f"SELECT h.rule, h.source, h.place, coalesce(e.t, 0) AS t FROM hits h JOIN {t.name} e USING (place) "
        f"WHERE h.source = {t.index} AND h.rule IN ({listed})" for t in store.tables)
    store.db.execute(f"CREATE TEMP TABLE singles AS SELECT row_number() OVER () - 1 + {base} AS key, * FROM ({times})")
    store.db.execute("INSERT INTO found SELECT key, rule, t, 1, '{}', 1 FROM singles")
    store.db.execute("INSERT INTO found_events SELECT key, source, place, t FROM singles")
    store.db.execute("DROP TABLE singles")


def alerts_from(store: Store, columns: Columns, reports: Sequence[RuleReport]) -> Alerts:
    """All alerts, by time, rule, group and place; ``reports`` are those of the rules, by number."""
    _place(store)
    rules = pa.table({
        "rule": pa.array(range(len(reports)), pa.int32()), "rule_id": [r.rule_id for r in reports],
        "title": [r.title for r in reports], "severity": pa.array([LEVELS[r.level] for r in reports], pa.int64())})
    store.db.register("rules", rules)
    store.db.execute("""
        CREATE TEMP TABLE alerts AS
        SELECT row_number() OVER (ORDER BY f.ts, r.rule_id, f.grp, p.place, f.key) - 1 AS alert, f.key, r.rule_id,
               r.title, r.severity, f.ts, coalesce(p.first, f.ts) AS first, coalesce(p.last, f.ts) AS last,
               coalesce(s.n, p.n, 0) AS n, f.fires, f.grp
        FROM found f JOIN rules r USING (rule)
        LEFT JOIN (SELECT key, min(t) AS first, max(t) AS last, count(*) AS n, min((file, line)) AS place
                   FROM placed GROUP BY key) p USING (key)
        LEFT JOIN (SELECT key, sum(n)::BIGINT AS n FROM found_sizes GROUP BY key) s USING (key)""")
    return Alerts(_frame(store), _events(store), _entities(store, columns))


def _place(store: Store) -> None:
    """``placed``: the evidence with its place in files; ``files``: their names."""
    names = [name for table in store.tables for name in table.files]
    store.db.register("files", pa.table({"file": pa.array(range(len(names)), pa.int32()),
                                         "name": pa.array(names, pa.string())}))
    nothing = ("SELECT 0::BIGINT AS key, 0::BIGINT AS eid, 0::BIGINT AS t, 0::INTEGER AS file, 0::BIGINT AS line, "
               "''::VARCHAR AS event_id WHERE false")
    parts, first = [nothing], 0
    for table in store.tables:
        parts.append(f"SELECT DISTINCT f.key, {event_id(table, 'f.place')} AS eid, f.t, e.file + {first} AS file, "
                     f"e.line, e.event_id FROM found_events f JOIN {table.name} e USING (place) "
                     f"WHERE f.source = {table.index}")
        first += len(table.files)
    store.db.execute(f"CREATE TEMP TABLE placed AS {' UNION ALL '.join(parts)}")


def _frame(store: Store) -> pd.DataFrame:
    return _pandas(store, """
        SELECT 'A-' || (alert + 1) AS alert_id, rule_id, title AS rule_name, severity, ts AS t_alert, first AS t_first,
               last AS t_last, n AS n_events, '' AS raw_ref, fires, grp AS "group"
        FROM alerts ORDER BY alert""")


def _events(store: Store) -> pd.DataFrame:
    return _pandas(store, """
        SELECT a.alert, coalesce(p.event_id, '') AS event_id, f.name AS file, p.line, '' AS digest
        FROM placed p JOIN alerts a USING (key) JOIN files f USING (file)
        ORDER BY a.alert, p.t, p.file, p.line, p.eid""")


def _entities(store: Store, columns: Columns) -> pd.DataFrame:
    """Values of the fields that name entities, in the evidence and in the groups."""
    parts = ["SELECT 0::BIGINT AS key, '' AS type, '' AS value WHERE false"]
    for table in store.tables:
        for field, kind in fields_of_source(table.source).items():
            key = columns.key(field)
            if key not in table.fields or key in table.absent:
                continue
            value = f"unnest(e.{columns.name(key, RAW)})" if key in table.lists else f"e.{columns.name(key, RAW)}"
            parts.append(f"SELECT f.key, {text(kind)} AS type, {value} AS value FROM found_events f "
                         f"JOIN {table.name} e USING (place) WHERE f.source = {table.index}")
    parts.append("SELECT f.key, t.type, json_extract_string(f.grp, '$.\"' || t.field || '\"') AS value "
                 "FROM found f CROSS JOIN group_types t WHERE f.grp <> '{}'")
    store.db.register("group_types", _group_types(store))
    return _pandas(store, f"""
        SELECT DISTINCT a.alert, p.type, p.value FROM ({' UNION ALL '.join(parts)}) p JOIN alerts a USING (key)
        WHERE p.value IS NOT NULL AND p.value NOT IN ('', '-') ORDER BY ALL""")


def _group_types(store: Store) -> pa.Table:
    """The entity types of group-by fields; a field of no known type names itself."""
    names = sorted({row[0] for row in store.rows(
        "SELECT DISTINCT unnest(json_keys(grp)) FROM (SELECT DISTINCT grp FROM found WHERE grp <> '{}')")})
    return pa.table({"field": pa.array(names, pa.string()),
                     "type": pa.array([type_of(name) or name for name in names], pa.string())})


def _pandas(store: Store, sql: str) -> pd.DataFrame:
    made: pa.Table = store.db.sql(sql).to_arrow_table()
    frame: pd.DataFrame = made.to_pandas()
    return frame


