"""Running a parser in a test: relations to plain Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from redgen.parser import Given, Relation, Want
from redgen.parsers._detect import detect_parser
from redgen.registry import PARSERS

Row = dict[str, Any]


def relation(db: duckdb.DuckDBPyConnection, files: Path | Sequence[Path], fields: Iterable[str] = (), *,
             parser: str = "", aliases: Mapping[str, Sequence[str]] | None = None, fulltext: bool = False,
             **given: Any) -> Relation:
    """The relation of some files, by the parser that sniffing finds, or a named one."""
    paths = [files] if isinstance(files, Path) else list(files)
    found = PARSERS.get(parser) if parser else detect_parser(paths[0])
    return found.relation(db, paths, Want(frozenset(fields), fulltext, aliases or {}), Given(**given))


def rows(db: duckdb.DuckDBPyConnection, found: Relation) -> list[Row]:
    """The rows of a relation by file and line, columns under their fields' names."""
    cursor = db.execute(f"SELECT * FROM ({found.sql}) ORDER BY _file, _line")
    back = {column: name for name, column in found.columns.items()}
    names = [back.get(column[0], column[0]) for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def read(db: duckdb.DuckDBPyConnection, files: Path | Sequence[Path], fields: Iterable[str] = (), **how: Any) -> list[Row]:
    """The rows of some files."""
    return rows(db, relation(db, files, fields, **how))


def write(path: Path, text: str | bytes) -> Path:
    """A file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
