"""Delimited text with a header: comma, semicolon, tab, bar or space, quoted as RFC 4180 has it; an empty cell is NULL.

A record is said to be on the line on which it begins; line ends inside quotes are kept.
"""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.errors import DataError
from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._columns import Cell, Plan, build, by_file, named, text
from redgen.parsers._lines import INNER, Lines, fresh, head_of
from redgen.parsers._stamps import stamps
from redgen.parsers._times import ID_FIELDS, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DELIMITERS = ",;\t|"
_NAME = re.compile(r"[A-Za-z_@#][\w .@#:/()\[\]-]{0,80}")


@dataclass(frozen=True)
class Header:
    """The names of a file's columns, what stands between cells, and how many lines come before the first record."""

    names: tuple[str, ...]
    delimiter: str
    lines: int

    @classmethod
    def of(cls, head: str) -> Header:
        """The first line that is no comment and not empty, cut at the mark of which it has most, else at spaces."""
        lines = head.split("\n")
        at = next((k for k, line in enumerate(lines) if line.strip() and line[0] != "#"), 0)
        delimiter = max(_DELIMITERS, key=lines[at].count)
        delimiter = delimiter if delimiter in lines[at] else " "
        names = next(csv.reader([lines[at]], delimiter=delimiter), [])
        return cls(tuple(name.strip() for name in names), delimiter, at + 1)


class Csv(Parser):
    """Tables as spreadsheets and search consoles export them."""

    name = "csv"
    title = "CSV with a header line"

    def sniff(self, path: Path, head: str) -> float:
        """Whether the first line looks like names, and the records after it have as many cells."""
        try:
            return _likeness(path, head)
        except csv.Error:
            return 0.0  # bytes that are no text: a carriage return or a NUL where none can be

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per record; records with more or fewer cells than the header are refused."""
        headers = [Header.of(head_of(path)) for path in files]
        for path, header in zip(files, headers, strict=True):
            if header.names == ("",) or not header.names:
                raise DataError(f"{path}: no header line; CSV cannot be read without the names of its columns")
        lines, name = Lines(files, [header.lines for header in headers], quoted=True), fresh("lines")
        db.register(name, lines)
        try:
            known = {column: _cell(headers, column) for header in headers for column in header.names}
            rows = _rows(name, headers)
            when = stamps(db, files[0], lines, list(known), given,
                          lambda names: (rows, [known[column].sql for column in names]))
            ids = [known[column].sql for column in ID_FIELDS if column in known]
            moments = [moment(known[column].sql, given.year_from) for column in when.names]
            return build(db, files, lines, Plan(
                rows=rows, ok=f"len(v) = {by_file([str(len(h.names)) for h in headers])}",
                why=f"not {len(headers[0].names)} cells", ts=f"coalesce({', '.join([*moments, 'NULL'])})",
                event_id=f"coalesce({', '.join([*ids, 'NULL::VARCHAR'])})", cells=named(known, want),
                notes=when.notes), want)
        finally:
            db.unregister(name)


def _likeness(path: Path, head: str) -> float:
    header = Header.of(head)
    names = {name.lower() for name in header.names}
    if len(header.names) < 2 or len(names) < len(header.names) or not all(_NAME.fullmatch(n) for n in header.names):
        return 0.0
    after = head.split("\n")[header.lines:][:20]
    records = [record for record in csv.reader(after, delimiter=header.delimiter) if record][:9]
    same = sum(len(record) == len(header.names) for record in records) / max(len(records), 1)
    if header.delimiter == " " and (same < 1 or len(header.names) < 5):
        return 0.0  # prose
    return 0.5 * same + (0.2 if path.suffix in (".csv", ".tsv") else 0.0)


def _rows(name: str, headers: Sequence[Header]) -> str:
    """Records cut into cells, quotes still on; where there are none, cutting is simple."""
    plain = by_file([f"string_split(text, {text(h.delimiter)})" for h in headers])
    careful = by_file([_careful(h.delimiter) for h in headers])
    whole = f"replace(text, {text(INNER)}, chr(10))"
    lines = (f"SELECT _file, _line, CASE WHEN contains(text, '\"') THEN {whole} ELSE text END AS text "
             f"FROM {name} WHERE text <> ''")
    return f"SELECT *, CASE WHEN contains(text, '\"') THEN {careful} ELSE {plain} END AS v FROM ({lines})"


def _careful(delimiter: str) -> str:
    mark = re.escape(delimiter)
    return f"""regexp_extract_all({text(delimiter)} || text, {text(f'{mark}("(?:[^"]|"")*"|[^{mark}]*)')}, 1)"""


def _cell(headers: Sequence[Header], column: str) -> Cell:
    places = [str(h.names.index(column) + 1) if column in h.names else "NULL" for h in headers]
    value = f"v[{by_file(places)}]"
    bare = f"replace({value}[2:-2], '\"\"', '\"')"
    return Cell(f"nullif(CASE WHEN starts_with({value}, '\"') THEN {bare} ELSE {value} END, '')")


PARSER = Csv()
