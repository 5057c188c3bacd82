"""Which files make one table: those of one log source in one format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redgen.detector import EventFile, Events
from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._detect import detect_parser
from redgen.registry import PARSERS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Unit:
    """One log source in one format: its files, their parser, and what Sigma calls it."""

    source: str
    parser: Parser
    files: tuple[EventFile, ...]
    logsource: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The files as alerts call them."""
        return tuple(f.name for f in self.files)

    def read(self, db: DuckDBPyConnection, want: Want, events: Events) -> Relation:
        """Its events, parsed."""
        given = Given(events.year_from, events.time_field, [f.head_lines for f in self.files])
        return self.parser.relation(db, [f.path for f in self.files], want, given)


def units(events: Events) -> list[Unit]:
    """The files grouped by log source and format, in the order given; DataError for a file nobody can read."""
    grouped: dict[tuple[str, str], list[EventFile]] = {}
    for file in events.files:
        grouped.setdefault((file.source, detect_parser(file.path, file.format).name), []).append(file)
    return [Unit(source, PARSERS.get(parser), tuple(files), events.logsources.get(source, {}))
            for (source, parser), files in grouped.items()]


def applies(wanted: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Whether a rule for the log source ``wanted`` runs on one that calls itself ``given``: nothing it names differs.

    >>> applies({"product": "aws"}, {"product": "aws", "service": "cloudtrail"}), applies({"product": "aws"}, {})
    (True, False)
    """
    return all(given.get(key, "").casefold() == value.casefold() for key, value in wanted.items())
