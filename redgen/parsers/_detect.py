"""Which parser a file is for: every registered one looks at how the file begins, and the surest takes it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from redgen.errors import DataError
from redgen.parser import Parser
from redgen.parsers._lines import head_of
from redgen.registry import PARSERS

_LEAST = 0.2


def detect_parser(path: Path, format: str = "") -> Parser:  # noqa: A002  # its name everywhere
    """The parser for a file; ``format`` is its source's where known. DataError naming what was seen when none fits.

    An empty file is read as JSON lines: it has no records in any format.
    """
    known = _BY_FORMAT.get(format)
    if known:
        return cast("Parser", PARSERS.get(known))
    if not path.is_file():
        raise DataError(f"there is no log file {path}" + ("; it is a directory" if path.is_dir() else ""))
    head = head_of(path)
    if not head.strip():
        return cast("Parser", PARSERS.get("ndjson"))
    parsers = [cast("Parser", PARSERS.get(name)) for name in PARSERS.names()]
    sure, _, best = max((parser.sniff(path, head), parser.name, parser) for parser in parsers)
    if sure < _LEAST:
        first = next(line for line in head.split("\n") if line.strip())
        titles = "; ".join(f"{parser.name}: {parser.title}" for parser in parsers)
        raise DataError(f"{path}: no parser knows this format; it begins {first[:100]!r}. Known are {titles}")
    return best


_BY_FORMAT = {"combined": "nginx_combined", "tsv": "zeek_tsv", "rfc3164": "syslog_auth", "rfc3339": "syslog_auth"}
"""Formats that only one parser reads, by the names that sources give them."""
