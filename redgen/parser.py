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
NULL when unreadable), the product's own event id (VARCHAR or NULL), the record's text (VARCHAR, when asked for)."""


@dataclass(frozen=True)
class Want:
    """What a reader needs of the files: fields by the names rules use, and whether keyword rules need the full text."""

    fields: frozenset[str]
    fulltext: bool = False


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
    """One source's events: ``sql`` is a SELECT of META and one column per wanted field, quoted by its own name.

    A field's column is VARCHAR, or VARCHAR[] when the field sits inside an array (``lists`` names those); fields that
    the format cannot have are NULL columns and listed in ``absent``. Field names match case-insensitively, an exact
    match first. ``rows`` that did not parse are left out of the relation and counted in ``refused``.
    """

    sql: str
    absent: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    refused: int = 0
    first_refused: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


class Parser(ABC):
    """Reads one format of log files."""

    name: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def sniff(self, path: Path, head: str) -> float:
        """How sure it is, 0 to 1, that a file beginning with the text ``head`` (up to 64 KB, decompressed) is its."""

    @abstractmethod
    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """The events of ``files`` (plain, .gz or .zst) as a relation; DataError when a file cannot be read."""
