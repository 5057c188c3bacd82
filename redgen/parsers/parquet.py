"""Parquet files: nested columns have dotted names, lists are lists; a record's line is its place in the file."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from redgen.errors import DataError
from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._columns import Cell, Plan, build, named, quoted, text
from redgen.parsers._lines import Lines
from redgen.parsers._stamps import stamps
from redgen.parsers._times import ID_FIELDS, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType


class Parquet(Parser):
    """Columns of any types, as the text that they would be in JSON."""

    name = "parquet"
    title = "Parquet"

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """Whether the file begins with Parquet's four letters."""
        return 1.0 if head.startswith("PAR1") else 0.0

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per row."""
        lines = Lines(())
        rows = " UNION ALL BY NAME ".join(_rows(db, number, path, want) for number, path in enumerate(files))
        found = db.sql(rows)
        known: dict[str, Cell] = {}
        for name, kind in zip(found.columns, found.types, strict=True):
            if name not in ("_file", "_line", "text"):
                known |= dict(_cells(name.removeprefix("="), quoted(name), kind))
        single = {name: cell.sql for name, cell in known.items() if not cell.many}
        when = stamps(db, files[0], lines, list(single), given, lambda names: (rows, [single[name] for name in names]))
        moments = [moment(single[name], given.year_from) for name in when.names]
        ids = [single[name] for name in ID_FIELDS if name in single]
        return build(db, files, lines, Plan(
            rows=rows, ok="true", why="", ts=f"coalesce({', '.join([*moments, 'NULL'])})",
            event_id=f"coalesce({', '.join([*ids[:3], 'NULL::VARCHAR'])})", cells=named(known, want),
            notes=when.notes), want)


def _rows(db: DuckDBPyConnection, number: int, path: Path, want: Want) -> str:
    """The rows of one file, its columns renamed with ``=`` in front: no name of ours begins so."""
    from duckdb import Error

    read = f"read_parquet({text(str(path))}, file_row_number = true)"
    try:
        columns = [name for name in db.sql(f"FROM {read}").columns if name != "file_row_number"]
    except Error as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    shown = ", ".join(f"{quoted(c)} AS {quoted('=' + c)}" for c in columns)
    packed = ", ".join(f"{quoted(c)} := {quoted(c)}" for c in columns)
    full = f"to_json(struct_pack({packed}))::VARCHAR" if want.fulltext else "NULL::VARCHAR"
    return f"SELECT {number} AS _file, file_row_number + 1 AS _line, {full} AS text, {shown} FROM {read}"


def _cells(name: str, sql: str, kind: DuckDBPyType) -> Iterator[tuple[str, Cell]]:
    """The column ``sql`` and everything in it, by dotted name."""
    if kind.id == "list":
        inner = _inside(kind)[0][1]
        yield name, Cell(f"list_transform({sql}, lambda x: {_text('x', inner)})", many=True)
        if inner.id == "struct":
            for key, part in _inside(inner):
                for below, cell in _cells(f"{name}.{key}", f"struct_extract(x, {text(key)})", part):
                    listed = f"list_transform({sql}, lambda x: {cell.sql})"
                    yield below, Cell(f"flatten({listed})" if cell.many else listed, many=True)
        return
    yield name, Cell(_text(sql, kind))
    if kind.id == "struct":
        for key, part in _inside(kind):
            yield from _cells(f"{name}.{key}", f"struct_extract({sql}, {text(key)})", part)


def _inside(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The parts of a struct by name, or the one of a list."""
    return [(key, cast("DuckDBPyType", part)) for key, part in kind.children]


def _text(sql: str, kind: DuckDBPyType) -> str:
    """A value as text: objects as JSON, times in UTC."""
    if kind.id in ("struct", "map", "list", "array", "union"):
        return f"CAST(to_json({sql}) AS VARCHAR)"
    if kind.id == "timestamp with time zone":
        return f"CAST(make_timestamp(epoch_us({sql})) AS VARCHAR)"
    return f"CAST({sql} AS VARCHAR)"


PARSER = Parquet()
