"""JSON records: one on each line, or one array of them, or documents one after the other.

A field is found by its dotted name, whether the dots stand between keys or in them. A record of an array, and of
documents that span lines, has its place among them as line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._documents import is_document
from redgen.parsers._json import records_of
from redgen.parsers._lines import head_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Ndjson(Parser):
    """Any product's JSON records."""

    name = "ndjson"
    title = "JSON records, one per line or in an array"

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """Whether a line of the first few is a JSON object, or the file a document."""
        return 0.8 if is_document(head) or _has_object(head) else 0.0

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per object, whatever fields each has."""
        return records_of(db, files, [is_document(head_of(path)) for path in files], want, given)


def _has_object(head: str) -> bool:
    for line in head.split("\n")[:20]:
        if line.lstrip().startswith("{"):
            try:
                return isinstance(json.loads(line), dict)
            except ValueError:
                continue
    return False


PARSER = Ndjson()
