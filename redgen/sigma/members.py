"""Members of a correlation: the events (or inner fires) that its rules found, by group and time.

The table ``m<c>`` has ``slot`` (which referenced rule), ``eid`` (see ``event_id``; negative for fires of an inner
correlation), ``g`` (number of the group in ``k<c>``), ``t`` (UTC µs) and ``v`` (the value, where the condition has a
field). Events without a time or without a group are left out and counted.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redgen.alert import Diagnostic
from redgen.sigma.columns import FORMS, NUMBER, RAW, Columns
from redgen.sigma.shapes import NUMERIC, Shape, Slot
from redgen.sigma.store import Store, Table

PLACES = 56
"""Bits of a place in an event's id; above them stands its table."""


@dataclass(frozen=True)
class Inner:
    """A correlation that another one refers to: its number, its shape, and its own inner ones by slot."""

    number: int
    shape: Shape
    inners: Mapping[int, Inner] = field(default_factory=dict)


def event_id(table: Table, place: str) -> str:
    """The id of an event among all tables, as SQL over its place."""
    return f"({table.index}::BIGINT << {PLACES}) + {place}"


def members(store: Store, columns: Columns, number: int, shape: Shape, title: str,
            feeds: list[list[tuple[int, Table]] | Inner]) -> list[Diagnostic]:
    """Make ``m<number>`` and ``k<number>``.

    ``feeds`` says for each slot where its members come from: (rule number, table) pairs in ``hits``, or an inner
    correlation.
    """
    parts = []
    for index, (slot, feed) in enumerate(zip(shape.slots, feeds, strict=True)):
        if isinstance(feed, Inner):
            parts.append(_of_fires(index, shape, slot, feed))
        else:
            parts += [_of_events(columns, index, shape, slot, rule, table) for rule, table in feed]
    k = len(shape.groups)
    empty = (f"SELECT 0 AS slot, 0::BIGINT AS eid, 0::BIGINT AS t, {_nothing(shape)} AS v"
             + "".join(f", '' AS r{i}" for i in range(k)) + " WHERE false")
    store.db.execute(f"CREATE TEMP TABLE u{number} AS {' UNION ALL '.join([empty, *parts])}")
    keyed = " AND ".join(["t IS NOT NULL"] + [f"r{i} IS NOT NULL" for i in range(k)])
    listed = ", ".join(f"lower(r{i}) AS g{i}" for i in range(k))
    shown = "".join(f", min(r{i}) AS r{i}" for i in range(k))
    order = ", ".join(f"g{i}" for i in range(k))
    store.db.execute(
        f"CREATE TEMP TABLE k{number} AS SELECT row_number() OVER (ORDER BY {order}) - 1 AS g, * FROM "
        f"(SELECT {listed}{shown} FROM u{number} WHERE {keyed} GROUP BY ALL)" if k else
        f"CREATE TEMP TABLE k{number} AS SELECT 0::BIGINT AS g")
    on = " AND ".join(f"lower(u.r{i}) = k.g{i}" for i in range(k)) or "true"
    store.db.execute(f"CREATE TEMP TABLE m{number} AS SELECT u.slot, u.eid, k.g, u.t, u.v "
                     f"FROM u{number} u JOIN k{number} k ON {on} WHERE u.t IS NOT NULL")
    found = _dropped(store, number, title, keyed)
    store.db.execute(f"DROP TABLE u{number}")
    return found


def _dropped(store: Store, number: int, title: str, keyed: str) -> list[Diagnostic]:
    timeless, groupless = store.rows(
        f"SELECT count(DISTINCT eid) FILTER (t IS NULL), count(DISTINCT eid) FILTER (t IS NOT NULL AND NOT ({keyed})) "
        f"FROM u{number}")[0]
    said = []
    if timeless:
        said.append(Diagnostic("NO_TIME", f"{title}: events without a readable time cannot be correlated", timeless))
    if groupless:
        said.append(Diagnostic("NO_GROUP", f"{title}: events without the fields it groups by", groupless, "info"))
    return said


def _nothing(shape: Shape) -> str:
    return "NULL::DOUBLE" if shape.kind in NUMERIC else "NULL::VARCHAR"


def _of_events(columns: Columns, index: int, shape: Shape, slot: Slot, rule: int, table: Table) -> str:
    """Members from one rule's hits in one table; a field that is an array counts once for each of its elements."""
    lists: dict[str, str] = {}

    def scalar(field: str) -> str:
        column = f"e.{columns.name(field, RAW)}"
        if columns.key(field) not in table.lists:
            return column
        return lists.setdefault(column, f"x{len(lists)}")

    groups = "".join(f", {scalar(f)} AS r{i}" for i, f in enumerate(slot.groups))
    value = _value(shape, [scalar(f) for f in slot.values])
    unnested = "".join(f" LEFT JOIN (SELECT unnest(list_distinct({column}))) AS _{name}({name}) ON true"
                       for column, name in lists.items())
    return (f"SELECT {index} AS slot, {event_id(table, 'h.place')} AS eid, e.t, {value} AS v{groups} "
            f"FROM hits h JOIN {table.name} e USING (place){unnested} "
            f"WHERE h.rule = {rule} AND h.source = {table.index}")


def _value(shape: Shape, texts: list[str]) -> str:
    if not texts:
        return _nothing(shape)
    if shape.kind in NUMERIC:
        return FORMS[NUMBER](texts[0])
    if len(texts) == 1:
        return f"lower({texts[0]})"
    all_there = " AND ".join(f"{x} IS NOT NULL" for x in texts)
    return f"CASE WHEN {all_there} THEN to_json([{', '.join(f'lower({x})' for x in texts)}])::VARCHAR END"


def _of_fires(index: int, shape: Shape, slot: Slot, inner: Inner) -> str:
    """Members from an inner correlation: one for each of its groups and times; its metric is a field too."""
    have = {name.casefold(): f"k.r{i}" for i, name in enumerate(inner.shape.groups)}
    metrics = {inner.shape.kind: "f.metric", "sigma_metric": "f.metric"}
    groups = "".join(f", {have.get(f.casefold(), 'NULL::VARCHAR')} AS r{i}" for i, f in enumerate(slot.groups))
    texts = [have.get(f.casefold()) or f"{metrics.get(f, 'NULL')}::VARCHAR" for f in slot.values]
    return (f"SELECT {index} AS slot, -((({index} + 1)::BIGINT << {PLACES}) + f.fire) AS eid, f.t, "
            f"{_value(shape, texts)} AS v{groups} FROM "
            f"(SELECT min(fire) AS fire, g, t, max(metric) AS metric FROM f{inner.number} GROUP BY g, t) f "
            f"JOIN k{inner.number} k USING (g)")
