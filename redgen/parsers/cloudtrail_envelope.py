"""CloudTrail as it lies in S3: one object ``{"Records": […]}`` a file; a record's line is its place in the list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parser import Given, Parser, Relation, Want
from redgen.parsers._documents import is_envelope
from redgen.parsers._json import records_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class CloudtrailEnvelope(Parser):
    """Records inside one object."""

    name = "cloudtrail_envelope"
    title = 'JSON records in an envelope {"Records": […]}'

    def sniff(self, path: Path, head: str) -> float:  # noqa: ARG002
        """Whether the file is an object that opens a list called Records."""
        return 0.95 if is_envelope(head) else 0.0

    def relation(self, db: DuckDBPyConnection, files: Sequence[Path], want: Want, given: Given) -> Relation:
        """One row per record of the list."""
        return records_of(db, files, [True] * len(files), want, given)


PARSER = CloudtrailEnvelope()
