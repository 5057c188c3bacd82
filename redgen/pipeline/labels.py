"""``truth/labels.parquet``: every line that is not plain benign, with its file, line number, offset and cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redgen.pipeline.ledger import Files, Ledger
from redgen.pipeline.maker import marks_name
from redgen.shards.arrow import as_numpy, numbers, texts
from redgen.truth import Cause

_WORD = pa.dictionary(pa.int32(), pa.string())
LABELS_SCHEMA = pa.schema([
    ("source", _WORD), ("file", _WORD), ("line", pa.int64()), ("offset", pa.int64()), ("event_id", pa.large_string()),
    ("t", pa.int64()), ("label", _WORD), ("campaign_id", _WORD), ("step_id", _WORD), ("technique", _WORD),
    ("noise_id", _WORD),
])
"""``file`` is relative to the dataset; ``line`` counts from 1, headers included; ``offset`` is in the uncompressed
file; ``t`` is the event time in µs UTC before the log's own rounding. Rows stand by source, file and line."""

GROUP = 1 << 18
"""Rows of one row group: a fixed number, so that the file does not depend on the shards."""


def write_labels(path: Path, root: Path, ledger: Ledger, causes: Sequence[Cause]) -> int:
    """Join the marks that the workers left with the final positions; how many labels there are."""
    words = {name: texts([getattr(c, name) for c in causes])
             for name in ("label", "campaign_id", "step_id", "technique", "noise_id")}
    total = 0
    with pq.ParquetWriter(path, LABELS_SCHEMA, compression="zstd") as writer:
        held: list[pa.Table] = []
        waiting = 0
        for table in _tables(root, ledger, words):
            held.append(table)
            waiting += len(table)
            total += len(table)
            if waiting >= GROUP:
                whole = pa.concat_tables(held)
                full = waiting - waiting % GROUP
                writer.write_table(_plain(whole.slice(0, full)), row_group_size=GROUP)
                held, waiting = [whole.slice(full)], waiting - full
        if waiting:
            writer.write_table(_plain(pa.concat_tables(held)), row_group_size=GROUP)
    return total


def _plain(table: pa.Table) -> pa.Table:
    """One chunk, with dictionaries made from the rows themselves, so that only content decides the bytes."""
    table = table.combine_chunks()
    columns = []
    for column, field in zip(table.columns, LABELS_SCHEMA, strict=True):
        word = pa.types.is_dictionary(field.type)
        columns.append(column.cast(pa.string()).dictionary_encode() if word else column)
    return pa.table(columns, schema=LABELS_SCHEMA)


def _tables(root: Path, ledger: Ledger, words: dict[str, pa.Array]) -> Iterator[pa.Table]:
    marked = [shard for shard in range(ledger.layout.shards) if (root / marks_name(shard)).exists()]
    for k, outlet in enumerate(ledger.outlets):
        states = ledger.files[k]
        where = {(shard, n): (records, size) for n, s in states.items() for shard, records, size in s.ranges}
        for shard in marked:
            with pa.memory_map(str(root / marks_name(shard))) as source:
                batch = pa.ipc.open_file(source).get_batch(k)
                if len(batch):
                    yield _table(outlet.name, states, shard, where, batch, words)


def _table(source: str, states: Files, shard: int, where: dict[tuple[int, int], tuple[int, int]],
           batch: pa.RecordBatch, words: dict[str, pa.Array]) -> pa.Table:
    n = len(batch)
    files = as_numpy(batch["file"])
    used, at = np.unique(files, return_inverse=True)
    base = np.array([where[shard, int(f)] for f in used], dtype=np.int64)
    mine = [states[int(f)] for f in used]
    heads = np.array([state.head_lines for state in mine], dtype=np.int64)
    codes = as_numpy(batch["code"])
    columns = {
        "source": pa.DictionaryArray.from_arrays(numbers(np.zeros(n, dtype=np.int32)), texts([source])),
        "file": pa.DictionaryArray.from_arrays(numbers(at.astype(np.int32)), texts([state.path for state in mine])),
        "line": numbers(as_numpy(batch["line"]) + base[at, 0] + heads[at] + 1),
        "offset": numbers(as_numpy(batch["offset"]) + base[at, 1]),
        "event_id": _copied(batch["event_id"]),
        "t": numbers(as_numpy(batch["t"]).copy()),
        **{name: pa.DictionaryArray.from_arrays(numbers(codes.copy()), values) for name, values in words.items()},
    }
    return pa.table([columns[name] for name in LABELS_SCHEMA.names], schema=LABELS_SCHEMA)


def _copied(column: pa.Array) -> pa.Array:
    """The array in memory of its own, so that the mapped file can be closed."""
    return pa.concat_arrays([column, pa.nulls(0, column.type)])
