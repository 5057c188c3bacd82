"""JSON files that are not one record a line: arrays, envelopes around a list, documents one after the other."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.parsers._lines import blocks_of, fresh

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ARRAY = re.compile(r"\s*\[\s*(?:[{\]]|$)")
_ENVELOPE = re.compile(r'\s*\{\s*"(Records|records|value)"\s*:\s*\[')
_LISTS = ("Records", "records", "value")
"""What an envelope calls its list: CloudTrail and S3 notifications, Azure's diagnostic export, Microsoft Graph."""


def is_envelope(head: str) -> bool:
    """Whether a file that begins so is one object around a list of records."""
    return _ENVELOPE.match(head) is not None


def is_document(head: str) -> bool:
    r"""Whether a file that begins so must be read as a whole.

    >>> is_document('[{"a":1},\n{"a":2}]'), is_document('{\n "a": 1\n}'), is_document('{"a":1}\n{"a":')
    (True, True, False)
    """
    if _ARRAY.match(head) or is_envelope(head):
        return True
    first = head.lstrip().split("\n", 1)[0].rstrip()
    return first.startswith("{") and first.endswith(("{", ",", "[")) and "\n" in head.strip()


def documents(db: DuckDBPyConnection, files: Sequence[Path], which: Sequence[bool]) -> str:
    """The name of a new table of _file, _line (a record's place) and text: the records of the files in ``which``.

    What follows the last whole record of a file is one more row, to be refused.
    """
    import pyarrow as pa

    table = fresh("documents")
    db.execute(f"CREATE TEMP TABLE {table} (_file INTEGER, _line BIGINT, text VARCHAR)")
    for number, path in enumerate(files):
        if not which[number]:
            continue
        whole = b"".join(blocks_of(path)).decode("utf-8", "replace")
        if _split_by_engine(db, table, number, whole):
            continue
        rows = list(_one_by_one(whole))
        found = pa.table({"f": pa.array([number] * len(rows), pa.int32()), "n": range(1, len(rows) + 1), "t": rows})
        name = fresh("found")
        db.register(name, found)
        db.execute(f"INSERT INTO {table} SELECT * FROM {name}")
        db.unregister(name)
    return table


def _split_by_engine(db: DuckDBPyConnection, table: str, number: int, whole: str) -> bool:
    """Unpack an array or envelope in one go; False when it is neither or not whole."""
    match = _ENVELOPE.match(whole)
    key = match[1] if match else ""
    shape, inner = (f'{{"{key}":["JSON"]}}', f".{key}") if key else ('["JSON"]', "")
    if not key and not _ARRAY.match(whole):
        return False
    db.execute(f"CREATE OR REPLACE TEMP TABLE _unpacked AS SELECT TRY(from_json(?, '{shape}')){inner} AS r", [whole])
    known = db.execute("SELECT r IS NOT NULL FROM _unpacked").fetchall()[0][0]
    if known:
        db.execute(f"INSERT INTO {table} "
                   f"SELECT {number}, unnest(range(1, len(r) + 1)), unnest(r)::VARCHAR FROM _unpacked")
    db.execute("DROP TABLE _unpacked")
    return bool(known)


def _one_by_one(whole: str) -> Iterator[str]:
    """The records of documents in a row; of a list that breaks off, those before the break, then the rest."""
    decode, at, inside = json.JSONDecoder().raw_decode, 0, False
    gap = re.compile(r"[\s,]*")
    while True:
        at = gap.match(whole, at).end()  # type: ignore[union-attr]
        opened = re.compile(r"\[").match(whole, at) or _ENVELOPE.match(whole, at)
        if inside and (closed := re.compile(r"\]\s*\}?").match(whole, at)):
            at, inside = closed.end(), False
        elif at >= len(whole):
            return
        elif opened and not inside:
            at, inside = opened.end(), True
        else:
            try:
                _, end = decode(whole, at)
            except (ValueError, RecursionError):
                yield whole[at : at + 1000]
                return
            yield whole[at:end]
            at = end
