"""JSON records to a plan: one parse of a record takes out all scalars at once; arrays are opened from their text."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import TYPE_CHECKING

from redgen.parser import Given, Relation, Want
from redgen.parsers._columns import Cell, Plan, build, either, text
from redgen.parsers._documents import documents
from redgen.parsers._lines import Lines, fresh, run
from redgen.parsers._stamps import stamps
from redgen.parsers._structure import Path, Structure, dotted, pointer
from redgen.parsers._times import ID_FIELDS, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE = 8 << 20              # bytes read to learn which fields there are; what is not in them is looked for


class Values:
    """The values that are taken out of each record: pointers, each once, and the cells that read them."""

    def __init__(self) -> None:
        self.pointers: dict[str, int] = {}
        self.opened: dict[str, int] = {}

    def scalar(self, path: Path) -> str:
        """SQL of the text at ``path``; an object or array is its JSON text."""
        return f"v[{self.pointers.setdefault(pointer(path), len(self.pointers) + 1)}]"

    def cell(self, path: Path) -> Cell:
        """The value at ``path``: a list when an array is on the way or at its end."""
        arrays = [k for k, (_, many) in enumerate(path) if many]
        if not arrays:
            return Cell(self.scalar(path))
        outer, rest = path[: arrays[0] + 1], path[arrays[0] + 1:]
        box = self.scalar(outer)
        tail = pointer(rest).removeprefix("$") + "[*]" * (bool(rest) and rest[-1][1])
        opened = f"CASE WHEN starts_with({box}, '[') THEN TRY(json_extract_string({box}, {text('$[*]' + tail)})) END"
        column = f"l{self.opened.setdefault(opened, len(self.opened) + 1)}"
        lone = f"TRY(json_extract_string({box}, {text('$' + tail)}))" if rest else box
        lone = lone if "[*]" in tail else f"[{lone}]"
        return Cell(f"CASE WHEN len({column}) > 0 THEN {column} "
                    f"WHEN {box} IS NOT NULL AND NOT starts_with({box}, '[') THEN {lone} END", many=True)

    def sql(self, source: str) -> str:
        """The rows of ``source`` with their values as the list ``v``; v is NULL when a record is no JSON.

        Each opened array is a column, so that it is opened once.
        """
        wanted = ", ".join(text(p) for p in self.pointers) or "'$.\"_\"'"
        rows = (f"SELECT _file, _line, text, TRY(json_extract_string(text, [{wanted}])) AS v "
                f"FROM {source} WHERE text <> ''")
        if not self.opened:
            return rows
        return f"SELECT *, {', '.join(f'{sql} AS l{n}' for sql, n in self.opened.items())} FROM ({rows})"


@dataclass(frozen=True)
class Records:
    """Where JSON records are: ``sql`` is a relation of _file, _line and text; ``sample`` one of some texts.

    Without a sample all records are looked at to learn their fields. ``lines`` are those that the SQL scans, if any.
    """

    sql: str
    sample: str
    lines: Lines


def records_of(db: DuckDBPyConnection, files: Sequence[File], documented: Sequence[bool], want: Want,
               given: Given) -> Relation:
    """The records of JSON files, of which the ``documented`` ones are arrays, envelopes or documents in a row."""
    lines, name = Lines(files, given.head_lines, skip=documented), fresh("lines")
    few, sample = Lines(files, given.head_lines, skip=documented, limit=SAMPLE), fresh("sample")
    db.register(name, lines)
    db.register(sample, few)
    table = documents(db, files, documented) if any(documented) else ""
    parts = [f"SELECT _file, _line, text FROM {name}"] * (not all(documented)) + [f"FROM {table}"] * bool(table)
    whole = bool(table) or _size(files) <= SAMPLE
    records = Records(f"({' UNION ALL '.join(parts)})", "" if whole else sample, lines)
    try:
        return relation_of(db, files, records, want, given)
    finally:
        db.unregister(name)
        db.unregister(sample)
        if table:
            db.execute(f"DROP TABLE {table}")


def relation_of(db: DuckDBPyConnection, files: Sequence[File], records: Records, want: Want, given: Given) -> Relation:
    """The relation of any JSON records."""
    seen = _structure(db, records, want)
    values = Values()
    cells, unsure = _cells(seen, values, want, whole=not records.sample)
    every = [path for paths in seen.paths.values() for path in paths]
    single = {dotted(path): path for path in every if not any(many for _, many in path)}

    def some(names: Sequence[str]) -> tuple[str, Sequence[str]]:
        few = Values()
        found = [few.scalar(single[name]) for name in names]
        return few.sql(records.sql), found

    when = stamps(db, files[0], records.lines, list(single), given, some)
    moments = [moment(values.scalar(single[name]), given.year_from) for name in when.names]
    ids = [values.scalar(single[name]) for name in ID_FIELDS if name in single]
    plan = Plan(
        rows=values.sql(records.sql), why="not a JSON object",
        ok="v IS NOT NULL AND (starts_with(text, '{') OR starts_with(ltrim(text), '{'))",
        ts=f"coalesce({', '.join([*moments, 'NULL'])})",
        event_id=f"coalesce({', '.join([*ids[:3], 'NULL::VARCHAR'])})",
        cells=cells, unsure=unsure, notes=when.notes)
    return build(db, files, records.lines, plan, want)


def _size(files: Sequence[File]) -> int:
    """Bytes of the files, roughly: compressed logs are a tenth of themselves."""
    return sum(path.stat().st_size * (10 if path.suffix in (".gz", ".zst") else 1) for path in files)


def _structure(db: DuckDBPyConnection, records: Records, want: Want) -> Structure:
    """The paths in all records of a small log; in a large one in a sample, and in all that hold a needed key it lacks.

    So no field is missed for being rare: whoever has it must have a key that the sample has not.
    """
    shapes = "SELECT DISTINCT TRY(json_structure(text)) FROM {}"
    first = run(db, records.lines, shapes.format(records.sample or records.sql))
    seen = Structure().add(shape for shape, in first.fetchall())
    words = set()
    for wanted in _candidates(want) if records.sample else ():
        if not seen.find(wanted):
            words |= set(sorted(seen.unseen(wanted), key=len)[-1:]) | {wanted.lower()} - seen.keys
    if words:
        pattern = '(?i)"(?:' + "|".join(map(re.escape, sorted(words))) + ')"\\s*:'
        rest = f"(SELECT text FROM {records.sql} WHERE regexp_matches(text, {text(pattern)}))"
        seen.add(shape for shape, in run(db, records.lines, shapes.format(rest)).fetchall())
    return seen


def _candidates(want: Want) -> list[str]:
    return [name for wanted in sorted(want.fields) for name in (wanted, *want.aliases.get(wanted, ()))]


def _cells(seen: Structure, values: Values, want: Want, *, whole: bool) -> tuple[dict[str, Cell], frozenset[str]]:
    """A cell for each wanted field that was seen; in a large log also for those that may hide, which are unsure."""
    cells: dict[str, Cell] = {}
    unsure = set()
    for wanted in want.fields:
        paths = [path for name in (wanted, *want.aliases.get(wanted, ())) for path in seen.find(name)]
        if not paths and not whole and not seen.unseen(wanted):
            unsure.add(wanted)
            paths = [tuple((part, False) for part in wanted.split("."))]
        if paths:
            cells[wanted] = either([values.cell(path) for path in paths])
    return cells, frozenset(unsure)
