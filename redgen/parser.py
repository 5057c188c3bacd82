"""The contract of a parser: log files to columns in DuckDB, as a SIEM would index them.

To add one, write ``redgen/parsers/<name>.py`` with a subclass of ``Parser`` named by its ``PARSER`` constant. A parser
knows a format, not redgen: the same one reads a dataset's logs and anybody else's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

META = ("_file", "_line", "_ts", "_event_id", "_fulltext")
"""Columns of every relation: index into the files (INTEGER), line from 1 in it (BIGINT), event time (TIMESTAMP, µs UTC,
NULL when unreadable), the product's own event id (VARCHAR or NULL), the record's text (VARCHAR, NULL unless asked for).

A record of a document that is not made of lines (an array, an envelope, Parquet) has its place in it as line."""


@dataclass(frozen=True)
class Want:
    """What a reader needs of the files: fields by the names rules use, and whether keyword rules need the full text.

    ``aliases``: a wanted field -> the names under which these files may hold it, likeliest first; tried after its own.
    """

    fields: frozenset[str]
    fulltext: bool = False
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What is known about the files.

    A time near theirs (µs UTC) for formats without a year, the time field if told, and how many leading lines of each
    file are no records.
    """

    year_from: int = 0
    time_field: str = ""
    head_lines: Sequence[int] = ()


@dataclass(frozen=True)
class Relation:
    """One source's events: ``sql`` is a SELECT of META and one column per wanted field.

    ``columns``: wanted field -> its column, to be quoted; the field's own name, but for names that differ by case alone
    (SQL would take them for one). A column is VARCHAR, or VARCHAR[] for the fields in ``lists``, which sit inside an
    array. Numbers and truth values are their JSON text; a JSON null is NULL. Names match case-insensitively, an exact
    match first. ``absent``: fields that no record has (nor an alias of them) and the format does not know either; their
    columns are NULL throughout.

    ``sql`` reads ``table``, which the parser made in one pass over the files; drop it when done. Records that did not
    parse are left out and counted in ``refused``; ``first_refused`` says which came first: ``file:line: why``.
    ``notes`` are remarks for the user, by code.
    """

    sql: str
    table: str
    columns: Mapping[str, str]
    rows: int
    absent: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    refused: int = 0
    first_refused: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


class Parser(ABC):
    """Reads one format of log files. ``redgen.parsers._detect.detect_parser`` finds the one for a file."""

    name: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def sniff(self, path: Path, head: str) -> float:
        """How sure it is, 0 to 1, that a file beginning with the text ``head`` (up to 64 KB, decompressed) is its."""

    @abstractmethod
    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """The events of ``files`` (plain, .gz or .zst) as a relation; DataError when a file cannot be read."""
