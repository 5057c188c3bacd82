"""Zeek's own text logs: separators, field names and types are taken from each file's header.

Truth values read ``true`` and ``false`` as in Zeek's JSON; sets and vectors are lists; unset is NULL, empty is empty.
Source: Zeek, src/logging/writers/ascii.
"""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.errors import DataError
from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._columns import Cell, Plan, by_file, named, of_lines, text
from redgen.parsers._lines import head_of
from redgen.parsers._times import moment, seconds

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ESCAPED = {"\\x09": "\t", "\\x0a": "\n", "\\x0d": "\r", "\\x2c": ",", "\\x2d": "-", "\\x22": '"', "\\x5c": "\\"}


@dataclass(frozen=True)
class Header:
    """What the lines before the first record say."""

    fields: tuple[str, ...]
    types: tuple[str, ...]
    separator: str = "\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"

    @classmethod
    def of(cls, path: Path) -> Header:
        """The header of one file; DataError when it names no fields."""
        said = [line for line in head_of(path).split("\n") if line.startswith("#")]
        code = next((line.partition(" ")[2] for line in said if line.startswith("#separator ")), "\\x09")
        separator = re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), code)
        rest = {key: values for key, *values in (line.split(separator) for line in said) if values}
        if "#fields" not in rest:
            raise DataError(f"{path}: no #fields line at its start; Zeek's TSV cannot be read without its header")
        fields = tuple(rest["#fields"])
        types = tuple(rest.get("#types", ())) + ("string",) * len(fields)
        marks = {"set_separator": "#set_separator", "empty": "#empty_field", "unset": "#unset_field"}
        known = {name: rest[key][0] for name, key in marks.items() if key in rest}
        return cls(fields, types[: len(fields)], separator, **known)


class ZeekTsv(Parser):
    """Any Zeek log in TSV."""

    name = "zeek_tsv"
    title = "Zeek TSV log"

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """Whether it starts with Zeek's header."""
        return 0.98 if head.startswith("#separator ") or "\n#fields\t" in head[:4000] else 0.0

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per record; lines that begin with ``#`` are none."""
        headers = [Header.of(path) for path in files]
        bare = Given(given.year_from, given.time_field)  # headers are known by their mark: files may hold several
        return of_lines(db, files, want, bare, lambda name: _plan(name, headers, want, given))


def _plan(name: str, headers: Sequence[Header], want: Want, given: Given) -> Plan:
    first = headers[0]
    known = {field: _cell(headers, field) for header in headers for field in header.fields}
    split = by_file([f"string_split(text, {text(h.separator)})" for h in headers])
    width = by_file([str(len(h.fields)) for h in headers])
    times = [f for f, t in zip(first.fields, first.types, strict=True) if t == "time"]
    asked = given.time_field or next((f for f in ("ts", *times) if f in first.fields), "")
    if given.time_field and asked not in known:
        raise DataError(f"Zeek log without a field {asked!r}; it has: {', '.join(first.fields)}")
    stamp = f"v[{_place(headers, asked)}]" if asked else "NULL::VARCHAR"
    ids = [known[f].sql for f in ("uid", "fuid") if f in known]
    return Plan(
        rows=f"SELECT _file, _line, text, {split} AS v FROM {name} WHERE text <> '' AND NOT starts_with(text, '#')",
        ok=f"len(v) = {width}", why=f"not {len(first.fields)} columns",
        ts=seconds(stamp) if asked in times else moment(stamp), event_id=f"coalesce({', '.join([*ids, 'NULL'])})",
        cells=named(known, want))


def _place(headers: Sequence[Header], field: str) -> str:
    return by_file([str(h.fields.index(field) + 1) if field in h.fields else "NULL" for h in headers])


def _cell(headers: Sequence[Header], field: str) -> Cell:
    header = next(h for h in headers if field in h.fields)
    kind, value = header.types[header.fields.index(field)], f"v[{_place(headers, field)}]"
    inner = kind.partition("[")[2].rstrip("]") or kind
    unset, empty = text(header.unset), text(header.empty)
    if "[" in kind:
        part = _plain("x", inner, f"WHEN {unset} THEN NULL")
        split = f"list_transform(string_split({value}, {text(header.set_separator)}), lambda x: {part})"
        return Cell(f"CASE {value} WHEN {unset} THEN NULL WHEN {empty} THEN NULL ELSE {split} END", many=True)
    return Cell(_plain(value, inner, f"WHEN {unset} THEN NULL WHEN {empty} THEN ''"))


def _plain(value: str, kind: str, special: str) -> str:
    if kind == "bool":
        return f"CASE {value} WHEN 'T' THEN 'true' WHEN 'F' THEN 'false' END"
    shown = value
    if kind in ("string", "enum", "pattern", "func", "any"):
        for escaped, plain in _ESCAPED.items():
            shown = f"replace({shown}, {text(escaped)}, chr({ord(plain)}))"
        shown = f"CASE WHEN contains({value}, '\\x') THEN {shown} ELSE {value} END"
    return f"CASE {value} {special} ELSE {shown} END"


PARSER = ZeekTsv()
