"""A worker's hands: make one shard in memory that the writer reads, and say how much it is and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from redgen.pipeline.columnar import write_parquet
from redgen.pipeline.ledger import Base, Report
from redgen.pipeline.staging import writing
from redgen.pipeline.writer import Addition
from redgen.shards.logs import MARKS
from redgen.shards.shard import OutletShard, ShardPlan, make_shard
from redgen.shards.space import Bytes, Space

MARKS_FOLDER = "marks"


def marks_name(shard: int) -> str:
    """Where the marked lines of ``shard`` wait until positions are final, relative to the staging directory."""
    return f"{MARKS_FOLDER}/{shard:08d}.arrow"


def marks_of(report: Report) -> dict[str, int]:
    """The file of a shard's marked lines and its bytes; nothing when it has none."""
    return {marks_name(report.shard): report.marks} if report.marks else {}


@dataclass(frozen=True)
class Made:
    """A shard in memory: its numbers, and for each source file number -> where its pieces stand in the block."""

    report: Report
    spans: list[dict[int, list[tuple[int, int]]]]

    def parts(self, block: Bytes, plan: ShardPlan, bases: list[dict[int, Base]]) -> list[tuple[str, int, list[Bytes]]]:
        """(path, byte where it begins there, pieces) of each file's part, given where the ledger puts them."""
        found = []
        for outlet, places, files in zip(plan.outlets, bases, self.spans, strict=True):
            for file, base in places.items():
                pieces = [block[a:b] for a, b in (files[file][1:] if base.drop_lead else files[file])]
                if begins := outlet.source.lanes and base.records == 0:  # nobody opened such a file before
                    pieces.insert(0, np.frombuffer(outlet.stored(outlet.header(file)), dtype=np.uint8))
                found.append((outlet.path(file), 0 if begins else base.stored, pieces))
        return found


class Maker:
    """Makes shards of ``plan``; what is not the logs' bytes (Parquet, marked lines) it writes below ``root`` itself."""

    def __init__(self, plan: ShardPlan, root: Path) -> None:
        self._plan = plan
        self._root = root

    def make(self, shard: int, block: Bytes) -> Made:
        """Make ``shard`` in ``block``, over what was there."""
        space = Space(block)
        report, spans, marks = Report(shard, []), [], []
        for one in make_shard(self._plan, shard, space):
            report.add(one)
            spans.append({c.file: [space.span(blob) for blob in c.blobs] for c in one.written.chunks})
            marks.append(one.written.marks)
            self._write_parquet(report, one)
        report.marks = self._keep_marks(shard, marks)
        return Made(report, spans)

    def _write_parquet(self, report: Report, one: OutletShard) -> None:
        if one.lines is not None:
            with writing(self._root):
                report.parquet += write_parquet(self._root, one.outlet, self._plan.layout, one.lines)

    def _keep_marks(self, shard: int, batches: list[pa.RecordBatch]) -> int:
        if not any(len(b) for b in batches):
            return 0
        path = self._root / marks_name(shard)
        with writing(path):
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, MARKS) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            return path.stat().st_size


def addition(made: Made, block: Bytes, plan: ShardPlan, bases: list[dict[int, Base]],
             release: Callable[[], None]) -> Addition:
    """What the writer needs to know of a made shard."""
    return Addition(made.parts(block, plan, bases), marks_of(made.report), made.report.to_json(), release)
