"""One source's part of one shard: records in the order of writing, their bytes, and where the marked ones stand.

Positions are relative to what the shard adds to a file; the run adds the file's state before the shard (``Base``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from redgen.render.template import Template
from redgen.seed import Seed
from redgen.shards.arrow import numbers, strings
from redgen.shards.compress import COMPRESSORS
from redgen.shards.inline import Inline
from redgen.shards.layout import Layout, Rotation
from redgen.shards.sensors import Sensor
from redgen.shards.space import Bytes, Space
from redgen.source import Source
from redgen.table import Table

SLICE = 1 << 16
"""Rows rendered at a time."""

MARKS = pa.schema([
    ("file", pa.int32()), ("line", pa.int64()), ("offset", pa.int64()), ("event_id", pa.large_string()),
    ("t", pa.int64()), ("code", pa.int32()),
])
"""Marked lines of one shard and source: file number, line and offset from 0 in what the shard adds, truth code."""


@dataclass(frozen=True)
class Outlet:
    """A source of the plan, ready to write: its sensor, its files, its order."""

    name: str
    source: Source
    sensor: Sensor
    seed: Seed                  # of the sensor
    rotation: Rotation
    compression: str = ""       # a key of COMPRESSORS
    inline: Inline | None = None
    parquet: bool = False

    @property
    def lanes(self) -> int:
        """How many files are open at a time."""
        return max(len(self.source.lanes), 1)

    @property
    def files(self) -> int:
        """How many files there may be: numbers of files count periods of the rotation, and lanes within them."""
        return self.rotation.files * self.lanes

    def file_of(self, records: Table, written: NDArray[np.int64]) -> NDArray[np.int64]:
        """File numbers of records that are written at ``written``."""
        period = self.rotation.file_of(written)
        return period * self.lanes + records["lane"] if self.source.lanes else period

    def closed(self, file: int) -> int:
        """When file number ``file`` ends."""
        return self.rotation.closed(file // self.lanes)

    def path(self, file: int) -> str:
        """Where file number ``file`` is kept, relative to the dataset."""
        name = f"{self.name}.{file}.{self.source.formats[self.source.format]}"
        if self.source.lanes:
            name = self.source.filed(file % self.lanes, self.closed(file))
        return str(PurePosixPath("logs", self.name, f"{name}{COMPRESSORS[self.compression][0]}"))

    def header(self, file: int) -> bytes:
        """What file number ``file`` starts with."""
        head = self.source.header(self.rotation.opened(file // self.lanes))
        return self.inline.header(head) if self.inline else head

    def footer(self, file: int) -> bytes:
        """What file number ``file`` ends with."""
        return self.source.footer(self.closed(file))

    def stored(self, data: bytes) -> bytes:
        """``data`` as it stands on disk; nothing stays nothing."""
        return COMPRESSORS[self.compression][1](data) if data else b""

    def lookback(self, kind: str) -> int:
        """How long before a line's delivery its activity may have been done, in µs."""
        return self.source.kinds[kind] + self.sensor.slack


@dataclass
class Chunk:
    """What a shard adds to one file. ``blobs`` go to disk one after the other; ``size`` counts them uncompressed.

    When the source has a ``lead``, the first blob is that of the first record's lead, which is not written where
    the record is the first of its file.
    """

    file: int
    lines: int = 0
    size: int = 0
    blobs: list[Bytes] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """Bytes on disk, lead included."""
        return sum(len(b) for b in self.blobs)


@dataclass
class Written:
    """One source's lines of one shard: chunks by file, marked lines, and how many lines each timeline step has."""

    chunks: list[Chunk]
    marks: pa.RecordBatch
    timeline: NDArray[np.int64]


def write(outlet: Outlet, layout: Layout, records: Table, written: NDArray[np.int64],
          codes: NDArray[np.int32], space: Space) -> Written:
    """Render ``records``, which are sorted by file and have truth ``codes`` beside them, into ``space``."""
    files = outlet.file_of(records, written)
    starts = np.zeros(len(records), dtype=np.int64)
    chunks: dict[int, Chunk] = {}
    for file, first, stop in layout.pieces(files, written):
        chunk = chunks.setdefault(file, Chunk(file))
        _append(outlet, chunk, records, slice(first, stop), codes, starts, space)
    marked = np.flatnonzero(codes)
    first_row = np.searchsorted(files, files[marked])
    shown = records.take(marked)
    marks = pa.RecordBatch.from_arrays([
        numbers(files[marked].astype(np.int32)), numbers(marked - first_row), numbers(starts[marked]),
        _event_ids(outlet.source, shown), numbers(shown["t"]), numbers(codes[marked]),
    ], schema=MARKS)
    timeline = np.bincount(layout.bin_of(written), minlength=layout.bins)
    return Written(list(chunks.values()), marks, timeline)


def _append(outlet: Outlet, chunk: Chunk, records: Table, rows: slice, codes: NDArray[np.int32],
            starts: NDArray[np.int64], space: Space) -> None:
    """Add one piece (one compressed frame, or just bytes) to ``chunk``, noting where each row starts in it."""
    squeeze = COMPRESSORS[outlet.compression][1] if outlet.compression else None
    buffers: list[Bytes] = []
    for at in range(rows.start, rows.stop, SLICE):
        part = slice(at, min(at + SLICE, rows.stop))
        data, ends = outlet.source.template.render(records, part, None if squeeze else space.free())
        if outlet.inline:
            data, ends = outlet.inline.add(data, ends, codes[part])
        starts[part.start] = chunk.size
        starts[part.start + 1 : part.stop] = chunk.size + ends[:-1]
        chunk.size += len(data)
        buffers.append(data if squeeze else space.keep(data))
    lead = outlet.source.lead
    starts[rows] += len(lead)
    chunk.lines += rows.stop - rows.start
    if lead:
        assert buffers[0][: len(lead)].tobytes() == lead, f"{outlet.name}: a record does not start with its lead"
        buffers[:1] = [buffers[0][: len(lead)], buffers[0][len(lead) :]]
    if squeeze:
        first = [space.keep(squeeze(lead))] if lead else []
        buffers = [*first, space.keep(squeeze(b"".join(b.data for b in buffers[len(first) :])))]
    chunk.blobs.extend(buffers)


def _event_ids(source: Source, records: Table) -> pa.Array:
    """The product's own id of each record, or the row's id in hexadecimal where the product has none."""
    if source.event_ids is None:
        digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
        raw = records["id"].astype(">u8").view(np.uint8)
        text = digits[np.stack([raw >> 4, raw & 15], axis=1)].reshape(-1)
        ends = np.arange(1, len(records) + 1, dtype=np.int64) * 16
        return strings(text, ends)
    return strings(*source.event_ids.render(records))


def render_column(template: Template, records: Table) -> pa.Array:
    """The text of each record as an Arrow array."""
    return strings(*template.render(records))
