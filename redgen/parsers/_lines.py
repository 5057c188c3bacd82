"""Log files as a stream of numbered lines that DuckDB can scan, again and again, without a Python object per line.

Each line carries its number, so nothing downstream depends on the order in which threads hand rows on.
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from redgen.decompress import decompressed
from redgen.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BLOCK = 1 << 18               # fits a processor's cache
BATCH = 30_000                # lines handed on at a time: enough for vectors, few enough for threads to share
LONGEST = 1 << 30             # bytes of one line; DuckDB's strings end at 4 GB, offsets here at 2
QUOTED = 64 << 20             # bytes of one record in quotes; beyond that a quote was forgotten
HEAD = 64 << 10
INNER = "\v"
"""What stands for a newline inside a record."""

_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_NEWLINE, _QUOTE = 10, 34
_NUMBER = count(1)


@contextmanager
def open_log(path: Path) -> Iterator[IO[bytes]]:
    """The decompressed bytes of a plain, gzip or zstd file, told apart by its first bytes; DataError if unreadable."""
    try:
        stream = decompressed(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    with stream:
        yield stream


def head_of(path: Path, size: int = HEAD) -> str:
    """The first ``size`` bytes of a log as text, byte order mark removed; DataError when it cannot be read."""
    try:
        with open_log(path) as stream:
            data = stream.read(size)
    except _unreadable() as error:
        raise DataError(f"cannot read {path}: {error}") from None
    encoding = _BOMS.get(data[:2], "utf-8-sig")
    return data.decode(encoding, "replace").removeprefix("\ufeff").replace("\r\n", "\n")


def blocks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a log in pieces, as UTF-8 (UTF-16 is recoded, invalid bytes still in); DataError when cut short."""
    decoder = None
    with open_log(path) as stream:
        first = True
        while True:
            try:
                block = stream.read(BLOCK)
            except _unreadable() as error:
                raise DataError(f"cannot read {path}: {error}") from None
            if first:
                first = False
                encoding = _BOMS.get(block[:2])
                decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
                block = block.removeprefix(codecs.BOM_UTF8)
            if not block:
                return
            yield decoder.decode(block).removeprefix("\ufeff").encode() if decoder else block


def _unreadable() -> tuple[type[Exception], ...]:
    import zstandard

    return (OSError, EOFError, zlib.error, zstandard.ZstdError)


class Lines:
    """The lines of ``files`` as an Arrow stream of ``_file``, ``_line``, ``text`` (line ends and CR removed).

    ``heads`` lines at the start of each file, and all of the files in ``skip``, are left out. ``limit`` bytes: no more
    than that, from the start and from places spread over the file; line numbers then say nothing. ``quoted``: a line
    ends outside of double quotes only, and holds ``INNER`` for those within. ``failed`` is the first error of reading,
    which ends the stream; ``replaced`` counts the pieces in which invalid UTF-8 became U+FFFD.
    """

    def __init__(self, files: Sequence[Path], heads: Sequence[int] = (), *, limit: int = 0,
                 skip: Sequence[bool] = (), quoted: bool = False) -> None:
        self.files = files
        self.heads = [*heads, *[0] * (len(files) - len(heads))]
        self.skip = [*skip, *[False] * (len(files) - len(skip))]
        self.limit = limit
        self.quoted = quoted
        self.failed: DataError | None = None
        self.replaced = 0

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A fresh stream for every scan (the Arrow PyCapsule protocol)."""
        import pyarrow as pa

        schema = pa.schema({"_file": pa.int32(), "_line": pa.int64(), "text": pa.string()})
        return pa.RecordBatchReader.from_batches(schema, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self.replaced = 0
        try:
            for number, path in enumerate(self.files):
                if not self.skip[number]:
                    yield from self._of_file(number, path)
        except DataError as error:
            self.failed = error

    def _of_file(self, number: int, path: Path) -> Iterator[pa.RecordBatch]:
        done = 0
        for piece in self._pieces(path):
            numbers = piece.numbers + done
            skip = int(np.searchsorted(numbers, self.heads[number], side="right"))
            for k in range(skip, len(numbers), BATCH):
                yield _batch(number, numbers[k : k + BATCH], piece.data, piece.bounds[k : k + BATCH + 1])
            done += piece.lines

    def _pieces(self, path: Path) -> Iterator[_Piece]:
        """The file in pieces of whole lines."""
        held: list[bytes] = []
        for block in self._some(path) if self.limit else blocks_of(path):
            cut = block.rfind(b"\n") + 1
            if cut and self.quoted:
                block, held = b"".join([*held, block]), []  # noqa: PLW2901  # quotes count from where they open
                cut = _end(block)
            if cut:
                yield self._whole(b"".join([*held, memoryview(block)[:cut]]))
                held = []
            held.append(block[cut:])
            if sum(map(len, held)) > (QUOTED if self.quoted else LONGEST):
                what = "a quote that does not close" if self.quoted else f"a line of more than {LONGEST >> 20} MB"
                raise DataError(f"{path}: {what}; it begins {held[0][:60].decode('utf-8', 'replace')!r}")
        if rest := b"".join(held):
            yield self._whole(rest + b"\n" * (not rest.endswith(b"\n")))

    def _whole(self, data: bytes) -> _Piece:
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if not data.isascii() and not _is_utf8(data):
            self.replaced += 1
            data = data.decode("utf-8", "replace").encode()
        if self.quoted and b'"' in data:
            return _quoted(data)
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE)
        bounds = np.zeros(len(ends) + 1, dtype=np.int32)
        bounds[1:] = ends - np.arange(len(ends))
        return _Piece(data.replace(b"\n", b""), bounds, np.arange(1, len(ends) + 1), len(ends))

    def _some(self, path: Path) -> Iterator[bytes]:
        """At most ``limit`` bytes: half from the start, the rest (of a plain file) in pieces spread over it."""
        share, size, taken = max(self.limit // len(self.files), 1 << 20), path.stat().st_size, 0
        for block in blocks_of(path):
            yield block[: max(share // 2 - taken, 0)].rpartition(b"\n")[0] + b"\n" if size > share else block
            taken += len(block)
            if taken >= (share // 2 if size > share else 8 * share):
                break
        with open_log(path) as stream:
            if size <= share or not isinstance(stream, io.BufferedReader) or stream.raw.__class__ is not io.FileIO:
                return
            for at in np.linspace(taken, size, 17, dtype=np.int64)[:-1].tolist():
                stream.seek(at)
                yield stream.read(share // 32).partition(b"\n")[2].rpartition(b"\n")[0] + b"\n"


@dataclass(frozen=True)
class _Piece:
    """Lines without their ends: their bytes, the bounds of each, its number in the piece, how many lines there are."""

    data: bytes
    bounds: NDArray[np.int32]
    numbers: NDArray[np.int64]
    lines: int


def _is_utf8(data: bytes) -> bool:
    """Whether all of it is; ten times as fast as decoding."""
    import pyarrow as pa

    bounds = np.array([0, len(data)], dtype=np.int32)
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _end(data: bytes) -> int:
    """Where the last record of ``data`` ends that is whole, quotes and all; 0 when there is none."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    ends = _outside(data)[0]
    return int(ends[-1]) + 1 if len(ends) else 0


def _outside(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of newlines outside and inside of quotes."""
    raw = np.frombuffer(data, dtype=np.uint8)
    newlines, quotes = np.flatnonzero(raw == _NEWLINE), np.flatnonzero(raw == _QUOTE)
    inside = np.searchsorted(quotes, newlines) % 2 == 1
    return newlines[~inside], newlines[inside]


def _quoted(data: bytes) -> _Piece:
    """Records that may span lines; the newlines inside become ``INNER``."""
    ends, inner = _outside(data)
    if not len(ends) or ends[-1] != len(data) - 1:  # the file ends within quotes: what is left is one record
        ends, inner = np.append(ends, len(data) - 1), inner[:-1]
    raw = np.frombuffer(data, dtype=np.uint8).copy()
    raw[inner] = ord(INNER)
    bounds = np.zeros(len(ends) + 1, dtype=np.int32)
    bounds[1:] = ends - np.arange(len(ends))
    starts = np.concatenate(([0], ends[:-1] + 1))
    every = np.sort(np.concatenate((ends, inner)))
    return _Piece(np.delete(raw, ends).tobytes(), bounds, np.searchsorted(every, starts) + 1, len(every))


def _batch(number: int, lines: NDArray[np.int64], data: bytes, bounds: NDArray[np.int32]) -> pa.RecordBatch:
    """The texts between ``bounds`` of ``data`` with their line numbers; nothing is copied."""
    import pyarrow as pa

    rows = len(bounds) - 1
    text = pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    return pa.record_batch([pa.array(np.full(rows, number, dtype=np.int32)), pa.array(lines), text],
                           names=["_file", "_line", "text"])


def fresh(word: str) -> str:
    """A name that nothing else in the database has: ``_lines_7``."""
    return f"_{word}_{next(_NUMBER)}"


def run(db: DuckDBPyConnection, lines: Lines, sql: str) -> DuckDBPyConnection:
    """Execute SQL that scans ``lines``; the error of reading, when there was one, is raised in the caller."""
    from duckdb import Error

    try:
        done = db.execute(sql)
    except Error:
        if lines.failed is None:
            raise
    if lines.failed is not None:
        raise lines.failed
    return done
