"""Files of records in anybody's shape: NDJSON, JSON, CSV or YAML, plain or compressed, with or without a BOM.

A file is read as a stream of (line, record); what is wrong with it but can be lived with is counted in ``Notes``.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

from redgen.alert import Diagnostic
from redgen.decompress import decompressed
from redgen.errors import DataError

Record: TypeAlias = dict[str, Any]

HEAD = 1 << 16
"""Characters looked at to tell a file's shape."""

ENVELOPES = (("hits", "hits"), ("results",), ("value",), ("Records",))
"""Where an answer of an API keeps its records: Elasticsearch, Splunk, Microsoft, AWS."""

_DELIMITERS = ",;\t"


@dataclass
class Notes:
    """Collects what a user must know about what was read."""

    found: dict[str, Diagnostic] = field(default_factory=dict)

    def count(self, code: str, message: str, n: int = 1, level: str = "warning") -> None:
        """Note ``code`` ``n`` more times; the first message stays."""
        known = self.found.get(code)
        self.found[code] = Diagnostic(code, known.message if known else message, n + (known.count if known else 0),
                                      level)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All notes, in the order they were first made."""
        return tuple(self.found.values())


@dataclass(frozen=True)
class RecordFile:
    """A file of records, called ``name`` in messages."""

    path: Path
    name: str

    @cached_property
    def head(self) -> str:
        """Its first characters, decompressed."""
        with self.open() as stream:
            return stream.read(HEAD)

    @cached_property
    def shape(self) -> str:
        """``empty``, ``ndjson``, ``json`` (arrays or objects over several lines), ``csv``, ``yaml`` or ``text``."""
        text = self.head.lstrip()
        if not text:
            return "empty"
        if text[0] in "[{":
            return self._json_shape(text)
        first, _, rest = text.partition("\n")
        suffix = {s.lower() for s in self.path.suffixes}
        begun = text.startswith("---\n") or (first.rstrip().endswith(":") and rest[:1] in {" ", "-"})
        if begun or suffix & {".yaml", ".yml"}:
            return "yaml"
        return "csv" if suffix & {".csv", ".tsv"} or _looks_like_header(first) else "text"

    @contextmanager
    def open(self) -> Iterator[IO[str]]:
        """The file as text; UTF-16 is known by its mark, what is no UTF-8 is replaced. DataError when it is damaged."""
        stream = self._opened()
        try:
            yield stream
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"cannot read {self.name}: it is cut off or damaged ({error})") from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "zstandard":
                raise DataError(f"cannot read {self.name}: it is cut off or damaged ({error})") from None
            raise
        finally:
            stream.close()

    def _opened(self) -> IO[str]:
        try:
            with self.path.open("rb") as stream:
                mark = stream.read(2)
            raw = decompressed(self.path)
        except OSError as error:
            raise DataError(f"cannot read {self.name}: {error.strerror or error}") from None
        utf16 = mark in {b"\xff\xfe", b"\xfe\xff"}
        return io.TextIOWrapper(raw, encoding="utf-16" if utf16 else "utf-8-sig", errors="replace", newline="")

    def lines(self) -> Iterator[tuple[int, str]]:
        """Its lines that are not blank, numbered from 1, without line ends."""
        with self.open() as stream:
            for number, line in enumerate(stream, 1):
                text = line.strip("\r\n")
                if text.strip():
                    yield number, text

    def records(self, notes: Notes) -> Iterator[tuple[int, Record]]:
        """Its records with their lines; those inside the envelope of an API's answer one by one.

        A last record that is cut off is left out and noted (``TRUNCATED_FILE``); DataError when one before is broken.
        """
        ways = {"ndjson": self._ndjson, "json": self._json, "csv": self._csv, "yaml": self._yaml}
        way = ways.get(self.shape)
        for line, value in way(notes) if way else ():
            if not isinstance(value, dict):
                raise DataError(f"{self.name}:{line}: a {type(value).__name__} where an object should be")
            for record in unwrapped(value):
                yield line, record

    def _json_shape(self, text: str) -> str:
        first, newline, rest = text.partition("\n")
        if text[0] == "{" and (newline or len(self.head) < HEAD):
            try:
                json.loads(first)
            except ValueError:
                return "json" if rest.strip() else "ndjson"
            return "ndjson"
        return "ndjson" if text[0] == "{" else ("json" if _may_be_array(text) else "text")

    def _ndjson(self, notes: Notes) -> Iterator[tuple[int, Any]]:
        broken: tuple[int, str] | None = None
        for number, line in self.lines():
            if broken:
                raise DataError(f"{self.name}:{broken[0]}: not JSON: {broken[1]}")
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                broken = number, str(error)
        if broken:
            self.cut_off(notes, broken[0])

    def cut_off(self, notes: Notes, line: int) -> None:
        """Note that the last record is cut off."""
        notes.count("TRUNCATED_FILE", f"{self.name}:{line}: the last record is cut off: the file is incomplete",
                    level="error")

    def _json(self, notes: Notes) -> Iterator[tuple[int, Any]]:
        """Objects and arrays one after the other; arrays are spread."""
        with self.open() as stream:
            text = stream.read()
        decode = json.JSONDecoder().raw_decode
        place = line = 0
        while True:
            start = place
            while place < len(text) and text[place] in " \t\r\n,[]":
                place += 1
            line += text.count("\n", start, place)
            if place >= len(text):
                return
            try:
                value, end = decode(text, place)
            except (ValueError, RecursionError) as error:
                if isinstance(error, json.JSONDecodeError) and error.pos < len(text.rstrip()) - 5 \
                        and not error.msg.startswith("Unterminated"):
                    raise DataError(f"{self.name}:{error.lineno}: not JSON: {error.msg}") from None
                self.cut_off(notes, line + 1)
                return
            yield line + 1, value
            line += text.count("\n", place, end)
            place = end

    def _csv(self, notes: Notes) -> Iterator[tuple[int, Record]]:
        delimiter = max(_DELIMITERS, key=self.head.partition("\n")[0].count)
        csv.field_size_limit(1 << 27)
        with self.open() as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            header = next(reader, [])
            for row in reader:
                if len(row) > len(header):
                    raise DataError(f"{self.name}:{reader.line_num}: {len(row)} fields under {len(header)} headings")
                if len(row) < len(header) and row:
                    notes.count("TRUNCATED_FILE", f"{self.name}:{reader.line_num}: fewer fields than headings",
                                level="error")
                elif row:
                    yield reader.line_num, {key: value for key, value in zip(header, row, strict=True) if value != ""}

    def _yaml(self, _notes: Notes) -> Iterator[tuple[int, Any]]:
        import yaml

        with self.open() as stream:
            loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
            try:
                documents = list(yaml.load_all(stream, Loader=loader))
            except yaml.YAMLError as error:
                raise DataError(f"{self.name}: not YAML: {str(error).splitlines()[0]}") from None
        for value in documents:
            yield from ((1, item) for item in (value if isinstance(value, list) else [value]) if item is not None)


def unwrapped(record: Record) -> Iterator[Record]:
    """A record, or those in its envelope, each without the shell that Elasticsearch or Splunk put around it."""
    for path in ENVELOPES:
        inner: Any = record
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, list) and all(isinstance(item, dict) for item in inner):
            for item in inner:
                yield _bare(item)
            return
    yield _bare(record)


def _bare(record: Record) -> Record:
    if isinstance(record.get("result"), dict) and len(record) <= 4:  # Splunk: preview, offset, lastrow, result
        return dict(record["result"])
    for key in ("_source", "fields"):
        if isinstance(record.get(key), dict) and "_id" in record:
            return {**record[key], **{k: v for k, v in record.items() if k in ("_id", "_index")}}
    return record


def _may_be_array(text: str) -> bool:
    inside = text[1:].lstrip()[:1]
    return inside in {"{", "]", ""}


def _looks_like_header(line: str) -> bool:
    """Whether a first line names columns: several short names between delimiters, none of them a number."""
    names = next(csv.reader([line.strip()], delimiter=max(_DELIMITERS, key=line.count)), [])
    return len(names) > 1 and all(
        0 < len(n) <= 64 and not n[0].isdigit() and not set(n) & set("{}[]=|") and n.count(" ") <= 2 for n in names)


def leaf(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, whether the keys are nested, dotted or both; None when there is none.

    >>> leaf({"a.b": {"c": 1}}, "a.b.c"), leaf({"a": {"b.c": 2}}, "a.b.c"), leaf({}, "a")
    (1, 2, None)
    """
    if path in record:
        return record[path]
    for i, letter in enumerate(path):
        if letter == ".":
            inner = record.get(path[:i])
            if isinstance(inner, dict):
                found = leaf(inner, path[i + 1:])
                if found is not None:
                    return found
    return None
