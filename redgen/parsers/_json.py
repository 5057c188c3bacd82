"""JSON records to a plan: one parse of a record takes out all scalars at once; arrays are opened from their text."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING

from redgen.errors import DataError, did_you_mean
from redgen.parser import Given, Relation, Want
from redgen.parsers._columns import Cell, Plan, build, either, text
from redgen.parsers._documents import documents
from redgen.parsers._lines import Lines, fresh, run
from redgen.parsers._structure import Path, Structure, dotted, pointer
from redgen.parsers._times import ID_FIELDS, TIME_FIELDS, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE = 8 << 20              # bytes read to learn which fields there are; what is not in them is looked for
_LEAST, _MOST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"


class Values:
    """The values that are taken out of each record: pointers, each once, and the cells that read them."""

    def __init__(self) -> None:
        self.pointers: dict[str, int] = {}

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
        opened = f"TRY(json_extract_string({box}, {text('$[*]' + tail)}))"
        lone = f"TRY(json_extract_string({box}, {text('$' + tail)}))" if rest else box
        lone = lone if tail.find("[*]") >= 0 else f"[{lone}]"
        return Cell(f"CASE WHEN {box}[1] = '[' THEN CASE WHEN len({opened}) > 0 THEN {opened} END "
                    f"WHEN {box} IS NOT NULL THEN {lone} END", many=True)

    def sql(self, source: str) -> str:
        """The rows of ``source`` with their values as the list ``v``; v is NULL when a record is no JSON."""
        wanted = ", ".join(text(p) for p in self.pointers) or "'$.\"\"'"
        return (f"SELECT _file, _line, text, TRY(json_extract_string(text, [{wanted}])) AS v "
                f"FROM {source} WHERE text <> ''")


def records_of(db: DuckDBPyConnection, files: Sequence[File], documented: Sequence[bool], want: Want,
               given: Given) -> Relation:
    """The records of JSON files, of which the ``documented`` ones are arrays, envelopes or documents in a row."""
    lines, name = Lines(files, given.head_lines, skip=documented), fresh("lines")
    db.register(name, lines)
    table = documents(db, files, documented) if any(documented) else ""
    parts = [f"SELECT _file, _line, text FROM {name}"] * (not all(documented)) + [f"FROM {table}"] * bool(table)
    try:
        return _relation(db, files, lines, f"({' UNION ALL '.join(parts)})", want, given)
    finally:
        db.unregister(name)
        if table:
            db.execute(f"DROP TABLE {table}")


def _relation(db: DuckDBPyConnection, files: Sequence[File], lines: Lines, source: str, want: Want,
              given: Given) -> Relation:
    """The records of ``source``, a relation of _file, _line and text, some of whose rows are those of ``lines``."""
    whole = any(lines.skip) or _size(lines.files) <= SAMPLE
    seen = _structure(db, lines, source, want, whole=whole)
    values = Values()
    cells, unsure = _cells(seen, values, want, whole=whole)
    stamps = _stamps(db, lines, source, seen, given)
    ids = [values.scalar(path) for name in ID_FIELDS for path in seen.find(name)[:1] if dotted(path) == name]
    moments = [moment(values.scalar(path), given.year_from) for path in stamps]
    notes = {} if stamps else {"NO_TIME": f"{files[0].name}: no field of its records is known as their time; "
                                          "name it with --time-field"}
    plan = Plan(
        rows=values.sql(source), ok="v IS NOT NULL AND ltrim(text)[1] = '{'", why="not a JSON object",
        ts=f"coalesce({', '.join([*moments, 'NULL'])})", event_id=f"coalesce({', '.join([*ids[:3], 'NULL::VARCHAR'])})",
        cells=cells, unsure=unsure, notes=notes)
    return build(db, files, lines, plan, want)


def _size(files: Sequence[File]) -> int:
    """Bytes of the files, roughly: compressed logs are a tenth of themselves."""
    return sum(path.stat().st_size * (10 if path.suffix in (".gz", ".zst") else 1) for path in files)


def _structure(db: DuckDBPyConnection, lines: Lines, source: str, want: Want, *, whole: bool) -> Structure:
    """The paths in all records of a small log; in a large one in a sample, and in all that hold a needed key it lacks.

    So no field is missed for being rare: whoever has it must have a key that the sample has not.
    """
    shapes = "SELECT DISTINCT TRY(json_structure(text)) FROM {}"
    if whole:
        return Structure().add(s for s, in run(db, lines, shapes.format(source)).fetchall())
    sample, name = Lines(lines.files, limit=SAMPLE), fresh("sample")
    db.register(name, sample)
    seen = Structure().add(s for s, in run(db, sample, shapes.format(name)).fetchall())
    db.unregister(name)
    words = set()
    for wanted in _candidates(want):
        if not seen.find(wanted):
            words |= set(sorted(seen.unseen(wanted), key=len)[-1:]) | {wanted.lower()} - seen.keys
    if words:
        pattern = '(?i)"(?:' + "|".join(map(re.escape, sorted(words))) + ')"\\s*:'
        seen.add(s for s, in run(db, lines, shapes.format(
            f"(SELECT text FROM {source} WHERE regexp_matches(text, {text(pattern)}))")).fetchall())
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


def _stamps(db: DuckDBPyConnection, lines: Lines, source: str, seen: Structure, given: Given) -> list[Path]:
    """The paths that hold the records' time: the one asked for, or those known as such that do hold times."""
    known = [path for name in ([given.time_field] if given.time_field else TIME_FIELDS)
             for path in seen.find(name)[:1] if not any(many for _, many in path)]
    if given.time_field:
        if not known:
            raise DataError(f"{lines.files[0]}: no record has a field {given.time_field!r} to take the time from"
                            f"{did_you_mean(given.time_field, _names(seen))}")
        return known
    if not known:
        return []
    values = Values()
    tests = [f"count(*) FILTER ({moment(values.scalar(path), given.year_from)} BETWEEN {_LEAST} AND {_MOST})"
             for path in known]
    counts = run(db, lines, f"SELECT {', '.join(tests)} FROM ({values.sql(source)} LIMIT 2000)").fetchall()[0]
    return [path for path, n in zip(known, counts, strict=True) if n][:3]


def _names(seen: Structure) -> list[str]:
    return sorted({dotted(path) for paths in seen.paths.values() for path in paths if len(path) == 1})
