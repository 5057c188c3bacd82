"""From cells to a relation: what a parser says about its columns, run once over the files and counted."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import META, Given, Relation, Want
from redgen.parsers._lines import Lines, fresh, run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Cell:
    """One value of every record: SQL over the plan's ``rows``, VARCHAR or (``many``) VARCHAR[]."""

    sql: str
    many: bool = False


@dataclass(frozen=True)
class Plan:
    """How one format becomes columns: ``rows`` is a SELECT of _file, _line, text and whatever the cells read.

    ``ok`` says whether a row is a record, ``why`` what it is not; ``cells`` has one for every wanted field that the
    format knows. Fields in ``unsure`` count as absent when no record has a value.
    """

    rows: str
    ok: str
    why: str
    ts: str
    event_id: str
    cells: Mapping[str, Cell]
    unsure: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


def named(known: Mapping[str, Cell], want: Want) -> dict[str, Cell]:
    """The cell of each wanted field among the ``known`` ones: its own name first, then its aliases, in any case."""
    lower: dict[str, Cell] = {}
    for name, cell in known.items():
        lower.setdefault(name.lower(), cell)
    found: dict[str, Cell] = {}
    for name in want.fields:
        own = [known.get(n) or lower.get(n.lower()) for n in (name, *want.aliases.get(name, ()))]
        cells = list(dict.fromkeys(cell for cell in own if cell))
        if cells:
            found[name] = either(cells)
    return found


def either(cells: Sequence[Cell]) -> Cell:
    """The first of several cells that has a value; a list as soon as one of them is."""
    if len(cells) == 1:
        return cells[0]
    many = any(cell.many for cell in cells)
    parts = [cell.sql if cell.many or not many else f"CASE WHEN {cell.sql} IS NOT NULL THEN [{cell.sql}] END"
             for cell in cells]
    return Cell(f"coalesce({', '.join(parts)})", many)


def column_names(fields: Iterable[str]) -> dict[str, str]:
    """A column for each field: its own name, unless SQL would take it for another's or for one of ours.

    >>> column_names(["a", "A", "_ts"])
    {'A': 'A', '_ts': '_ts~2', 'a': 'a~2'}
    """
    taken = {name.lower() for name in META} | {"_bad", ""}
    names: dict[str, str] = {}
    for name in sorted(fields):
        column, k = name, 2
        while column.lower() in taken:
            column, k = f"{name}~{k}", k + 1
        taken.add(column.lower())
        names[name] = column
    return names


def quoted(name: str) -> str:
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal for SQL."""
    return "'" + value.replace("'", "''") + "'"


def by_file(choices: Sequence[str]) -> str:
    """SQL that differs by file only where the files do."""
    if len(set(choices)) == 1:
        return choices[0]
    return "CASE _file " + " ".join(f"WHEN {k} THEN {choice}" for k, choice in enumerate(choices)) + " END"


def build(db: DuckDBPyConnection, files: Sequence[Path], lines: Lines, plan: Plan, want: Want) -> Relation:
    """Run a plan: a table of META, the wanted columns and ``_bad`` (how a refused row begins), what to say of it."""
    table, columns = fresh("parsed"), column_names(want.fields)
    shown = [f"{plan.cells[name].sql if name in plan.cells else 'NULL::VARCHAR'} AS {quoted(column)}"
             for name, column in columns.items()]
    full = "text" if want.fulltext else "NULL::VARCHAR"
    bad = f"CASE WHEN {plan.ok} THEN NULL ELSE left(text, 80) END AS _bad"
    cells = ", ".join(["_file", "_line", f"({plan.ts})::TIMESTAMP AS _ts", f"{plan.event_id} AS _event_id",
                       f"{full} AS _fulltext", bad, *shown])
    run(db, lines, f"CREATE TEMP TABLE {table} AS SELECT {cells} FROM ({plan.rows})")
    refused, total, *counts = db.execute(
        "SELECT count(_bad), count(*)" + "".join(f", count({quoted(columns[f])})" for f in sorted(plan.unsure))
        + f" FROM {table}").fetchall()[0]
    empty = {name for name, n in zip(sorted(plan.unsure), counts, strict=True) if not n}
    first = _first_refused(db, table, files, plan.why) if refused else ""
    notes = dict(plan.notes)
    if lines.replaced:
        notes["INVALID_UTF8"] = f"{files[0].name}…: bytes that are no UTF-8 were read as U+FFFD"
    listed = ", ".join([*META, *(quoted(column) for column in columns.values())])
    return Relation(
        sql=f"SELECT {listed} FROM {table}" + (" WHERE _bad IS NULL" if refused else ""), table=table, columns=columns,
        rows=total - refused, absent=frozenset(want.fields - plan.cells.keys() | empty),
        lists=frozenset(name for name in columns if name in plan.cells and plan.cells[name].many),
        refused=refused, first_refused=first, notes=notes)


def _first_refused(db: DuckDBPyConnection, table: str, files: Sequence[Path], why: str) -> str:
    """Where the first refused row stands, and how it begins."""
    file, line, begins = db.execute(
        f"SELECT _file, _line, _bad FROM {table} WHERE _bad IS NOT NULL ORDER BY ALL LIMIT 1").fetchall()[0]
    return f"{files[file]}:{line}: {why}: {begins!r}"


def of_lines(db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given,
             plan: Callable[[str], Plan]) -> Relation:
    """The relation of a format whose records are lines: ``plan`` is given the name of a relation of the lines."""
    lines, name = Lines(files, given.head_lines), fresh("lines")
    db.register(name, lines)
    try:
        return build(db, files, lines, plan(name), want)
    finally:
        db.unregister(name)
