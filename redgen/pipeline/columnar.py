"""The same records as Parquet: one file per source and frame, so that the bytes do not depend on the shards."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from redgen.shards.layout import Layout
from redgen.shards.logs import Outlet, render_column
from redgen.shards.shard import Lines
from redgen.source import Column
from redgen.table import Table

_TYPES = {
    "string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(),
    "timestamp[us]": pa.timestamp("us", "UTC"),
}


def column_names(columns: tuple[Column, ...]) -> dict[str, str]:
    """Name -> type of the declared columns."""
    return {c.name: c.type for c in columns}


def to_arrow(columns: tuple[Column, ...], records: Table) -> pa.Table:
    """``records`` as an Arrow table of the source's declared columns."""
    return pa.table({c.name: _column(c, records) for c in columns})


def _column(column: Column, records: Table) -> pa.Array:
    text = render_column(column.template, records)
    if column.empty_is_null:
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
    target = _TYPES[column.type]
    if column.type == "timestamp[us]":
        return pc.cast(pc.cast(text, pa.int64()), target)
    return pc.cast(text, target)


def write_parquet(root: Path, outlet: Outlet, layout: Layout, lines: Lines) -> list[list[Any]]:
    """Write each frame of ``lines`` to a file; [path, rows, bytes, sha256] of each."""
    made: list[list[Any]] = []
    folder = root / "parquet" / outlet.name
    folder.mkdir(parents=True, exist_ok=True)
    files = np.zeros_like(lines.written) if outlet.source.lanes else outlet.file_of(lines.records, lines.written)
    for file, first, stop in layout.pieces(files, lines.written):
        frame = int(layout.frame_of(lines.written[first : first + 1])[0])
        table = to_arrow(outlet.source.columns, lines.records.take(slice(first, stop)))
        path = folder / f"{outlet.name}.{file}.{frame:06d}.parquet"
        pq.write_table(table, path, compression="zstd")
        raw = path.read_bytes()
        made.append([path.relative_to(root).as_posix(), stop - first, len(raw), hashlib.sha256(raw).hexdigest()])
    return made
