"""A worker's hands: make one shard, say how much it is, write it where told."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa

from redgen.pipeline.columnar import write_parquet
from redgen.pipeline.ledger import Base, Report
from redgen.pipeline.staging import writing
from redgen.shards.logs import MARKS, Chunk
from redgen.shards.shard import OutletShard, ShardPlan, make_shard

MARKS_FOLDER = "marks"
_OPEN_FILES = 64


def marks_name(shard: int) -> str:
    """Where the marked lines of ``shard`` wait until positions are final, relative to the staging directory."""
    return f"{MARKS_FOLDER}/{shard:08d}.arrow"


class Maker:
    """Makes shards of ``plan`` below ``root``; holds one shard at a time."""

    def __init__(self, plan: ShardPlan, root: Path) -> None:
        self._plan = plan
        self._root = root
        self._held: tuple[Report, list[OutletShard]] | None = None
        self._open: dict[str, int] = {}

    def make(self, shard: int) -> Report:
        """Make ``shard`` and keep its bytes until ``write``."""
        made = list(make_shard(self._plan, shard))
        report = Report.of(shard, made)
        self._held = report, made
        return report

    def write(self, bases: list[dict[int, Base]]) -> Report:
        """Write the held shard, source by source, from where ``bases`` say; the report, with Parquet files added."""
        assert self._held is not None
        report, made = self._held
        for one, places in zip(made, bases, strict=True):
            for chunk in one.written.chunks:
                base, path = places[chunk.file], one.outlet.path(chunk.file)
                if one.outlet.source.lanes and base.records == 0:
                    self._begin(path, one.outlet.stored(one.outlet.header(chunk.file)))
                self._put(path, chunk, base)
            if one.lines is not None:
                with writing(self._root):
                    report.parquet += write_parquet(self._root, one.outlet, self._plan.layout, one.lines)
        report.marks = self._keep_marks(report.shard, [one.written.marks for one in made])
        self._held = None
        return report

    def close(self) -> None:
        """Close all files."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    def _begin(self, path: str, head: bytes) -> None:
        """A file that nobody else opens: the folder it is in, and what it starts with."""
        with writing(self._root / path):
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            os.pwrite(self._fd(path), head, 0)

    def _put(self, path: str, chunk: Chunk, base: Base) -> None:
        with writing(self._root / path):
            fd = self._fd(path)
            at = base.stored
            for blob in chunk.blobs[1:] if base.drop_lead else chunk.blobs:
                view = memoryview(blob)
                while view:
                    done = os.pwrite(fd, view, at)
                    at += done
                    view = view[done:]

    def _fd(self, path: str) -> int:
        if path not in self._open:
            if len(self._open) >= _OPEN_FILES:
                self.close()
            self._open[path] = os.open(self._root / path, os.O_WRONLY | os.O_CREAT, 0o644)
        return self._open[path]

    def _keep_marks(self, shard: int, batches: list[pa.RecordBatch]) -> int:
        if not any(len(b) for b in batches):
            return 0
        path = self._root / marks_name(shard)
        with writing(path):
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, MARKS) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            return path.stat().st_size
