"""Log files as a stream of numbered lines that DuckDB can scan, again and again, without a Python object per line.

Each line carries its number, so nothing downstream depends on the order in which threads hand rows on.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BLOCK = 8 << 20
BATCH = 30_000                # lines handed on at a time: enough for vectors, few enough for threads to share
LONGEST = 1 << 30             # bytes of one line; DuckDB's strings end at 4 GB, offsets here at 2
HEAD = 64 << 10
_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_NUMBER = count(1)


def open_log(path: Path) -> IO[bytes]:
    """The decompressed bytes of a plain, gzip or zstd file, told apart by its first bytes; DataError if unreadable."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if magic == b"\x28\xb5\x2f\xfd":
        import zstandard

        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True), BLOCK)
    return raw


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

    Files in ``skip`` give none. ``limit`` bytes: no more than that, from the start and from places spread over the
    file; line numbers then say nothing. ``failed`` is the first error of reading, which ends the stream; ``replaced``
    counts the pieces in which invalid UTF-8 became U+FFFD.
    """

    def __init__(self, files: Sequence[Path], heads: Sequence[int] = (), limit: int = 0,
                 skip: Sequence[bool] = ()) -> None:
        self.files = files
        self.heads = [*heads, *[0] * (len(files) - len(heads))]
        self.skip = [*skip, *[False] * (len(files) - len(skip))]
        self.limit = limit
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
        for data, bounds in self._cut(path):
            rows = len(bounds) - 1
            skip = min(max(self.heads[number] - done, 0), rows)
            for k in range(skip, rows, BATCH):
                yield _batch(number, done + k + 1, data, bounds[k : k + BATCH + 1])
            done += rows

    def _cut(self, path: Path) -> Iterator[tuple[bytes, NDArray[np.int32]]]:
        """Pieces of whole lines without their line ends, and the bounds of the lines in the piece."""
        held: list[bytes] = []
        pieces = self._some(path) if self.limit else blocks_of(path)
        for block in pieces:
            cut = block.rfind(b"\n") + 1
            if not cut:
                held.append(block)
                if sum(map(len, held)) > LONGEST:
                    raise DataError(f"{path}: a line of more than {LONGEST >> 20} MB; is this a log?")
                continue
            yield self._whole(b"".join([*held, memoryview(block)[:cut]]))
            held = [block[cut:]]
        rest = b"".join(held)
        if rest:
            yield self._whole(rest + b"\n")

    def _whole(self, data: bytes) -> tuple[bytes, NDArray[np.int32]]:
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
        if not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError:
                self.replaced += 1
                data = data.decode("utf-8", "replace").encode()
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10)
        bounds = np.zeros(len(ends) + 1, dtype=np.int32)
        bounds[1:] = ends - np.arange(len(ends))
        return data.replace(b"\n", b""), bounds

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


def _batch(number: int, line: int, data: bytes, bounds: NDArray[np.int32]) -> pa.RecordBatch:
    """Lines between ``bounds`` of ``data``, the first of them with the number ``line``; nothing is copied."""
    import pyarrow as pa

    rows = len(bounds) - 1
    text = pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    lines = np.arange(line, line + rows, dtype=np.int64)
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
