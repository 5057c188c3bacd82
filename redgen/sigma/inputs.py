"""Which files make one table: those of one log source in one format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redgen.detector import EventFile, Events
from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._detect import detect_parser
from redgen.parsers._lines import head_of
from redgen.registry import PARSERS
from redgen.sigma.columns import Need
from redgen.sigma.recognize import logsource_of
from redgen.sigma.routing import aliases

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

    @property
    def title(self) -> str:
        """How messages call it."""
        return self.source or self.names[0]

    def read(self, db: DuckDBPyConnection, need: Need, events: Events) -> Relation:
        """Its events, parsed, with the fields that rules need; those go by other names in some products."""
        known = aliases(self.logsource)
        folded = {name.casefold(): own for name, own in known.items()}
        named = {f: known.get(f) or folded.get(f.casefold(), ()) for f in need.fields}
        want = Want(need.fields, need.fulltext, {f: own for f, own in named.items() if own})
        return self.parser.relation(db, [f.path for f in self.files], want, self._given(events))

    def _given(self, events: Events) -> Given:
        return Given(events.year_from, events.time_field, [f.head_lines for f in self.files])


def units(events: Events) -> list[Unit]:
    """The files grouped by log source and format, in the order given; DataError for a file nobody can read.

    A file's ``format`` may also be the name of a parser. A log source that nobody named is recognized where it can be.
    """
    grouped: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[EventFile]] = {}
    for file in events.files:
        told = file.format in PARSERS.names()
        parser = file.format if told else detect_parser(file.path, file.format).name
        known = events.logsources.get(file.source)
        logsource = logsource_of(parser, head_of(file.path)) if known is None else known
        grouped.setdefault((file.source, parser, tuple(logsource.items())), []).append(file)
    return [Unit(source, PARSERS.get(parser), tuple(files), dict(logsource))
            for (source, parser, logsource), files in grouped.items()]

