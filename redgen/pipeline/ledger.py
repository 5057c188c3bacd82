"""The run's bookkeeping: what each finished shard added, where the next one goes on, and the sums at the end.

A ``Report`` is plain numbers and goes into the journal as JSON; a ``Ledger`` replays reports in shard order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from redgen.errors import PluginError
from redgen.shards.layout import Layout
from redgen.shards.logs import Outlet
from redgen.shards.shard import COUNTS, OutletShard, Tally


@dataclass
class Growth:
    """What a shard adds to one file: lines, uncompressed bytes, bytes on disk, and how many of those are a lead."""

    file: int
    lines: int
    size: int
    stored: int
    lead: int


@dataclass
class OutletReport:
    """One source's numbers of one shard.

    ``counts``: rows of [code, *COUNTS, first, last event time]; ``timeline``: pairs of [step, lines].
    """

    growths: list[Growth]
    counts: list[list[int]]
    timeline: list[list[int]]


@dataclass
class Report:
    """Numbers of one shard, source by source in the plan's order.

    ``marks``: bytes of the shard's file of marked lines; ``parquet``: [path, rows, bytes, sha256] of each file.
    """

    shard: int
    outlets: list[OutletReport]
    marks: int = 0
    parquet: list[list[Any]] = field(default_factory=list)

    def add(self, made: OutletShard) -> None:
        """Count what the next source made."""
        self.outlets.append(_outlet_report(made))

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Report:
        """From the journal."""
        outlets = [OutletReport([Growth(**g) for g in o["growths"]], o["counts"], o["timeline"])
                   for o in entry["outlets"]]
        return cls(entry["shard"], outlets, entry["marks"], entry["parquet"])

    @property
    def lines(self) -> int:
        """All lines of the shard."""
        return sum(g.lines for o in self.outlets for g in o.growths)


def _outlet_report(made: OutletShard) -> OutletReport:
    lead = bool(made.outlet.source.lead)
    growths = [Growth(c.file, c.lines, c.size, c.stored, len(c.blobs[0]) if lead else 0) for c in made.written.chunks]
    tally, timeline = made.tally, made.written.timeline
    used = np.flatnonzero(tally.counts.any(axis=1))
    table = np.column_stack([used, tally.counts[used], tally.first[used], tally.last[used]])
    steps = np.flatnonzero(timeline)
    return OutletReport(growths, table.tolist(), np.column_stack([steps, timeline[steps]]).tolist())


@dataclass(frozen=True)
class Base:
    """A file's state before a shard: records, uncompressed bytes, bytes on disk; whether the next lead is dropped."""

    records: int
    size: int
    stored: int
    drop_lead: bool


@dataclass
class FileState:
    """A log file as it grows.

    ``ranges``: [shard, records before it, uncompressed bytes before it] of each shard that writes to it;
    ``stored_after``: shard -> bytes on disk when it has written.
    """

    path: str
    head_lines: int
    size: int
    stored: int
    records: int = 0
    ranges: list[list[int]] = field(default_factory=list)
    stored_after: dict[int, int] = field(default_factory=dict)


class Files(dict[int, FileState]):
    """A source's files by number; those of lanes begin when something is written to them, others are all there."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__()
        self._outlet = outlet
        for file in range(0 if outlet.source.lanes else outlet.files):
            self[file]

    def __missing__(self, file: int) -> FileState:
        head = self._outlet.header(file)
        state = FileState(self._outlet.path(file), head.count(b"\n"), len(head), len(self._outlet.stored(head)))
        self[file] = state
        return state

    @property
    def in_order(self) -> list[tuple[int, FileState]]:
        """(number, file) in the order of their numbers."""
        return sorted(self.items())


class Ledger:
    """Every file's state and every count, from the reports applied so far (in shard order)."""

    def __init__(self, layout: Layout, outlets: Sequence[Outlet], codes: int) -> None:
        self.layout = layout
        self.outlets = outlets
        self.files = [Files(outlet) for outlet in outlets]
        lowest, highest = np.iinfo(np.int64).min, np.iinfo(np.int64).max
        self.tallies = [Tally(np.zeros((codes, len(COUNTS)), dtype=np.int64), np.full(codes, highest),
                              np.full(codes, lowest)) for _ in outlets]
        self.timelines = [np.zeros(layout.bins, dtype=np.int64) for _ in outlets]
        self.parquet: list[list[Any]] = []
        self.applied = 0
        self.lines = 0

    def apply(self, report: Report) -> list[dict[int, Base]]:
        """Add the next shard; for each source, file number -> where the shard's part begins."""
        assert report.shard == self.applied, f"shard {report.shard} came before {self.applied}"
        bases = []
        for outlet, states, entry in zip(self.outlets, self.files, report.outlets, strict=True):
            bases.append({g.file: self._grow(states[g.file], g, report.shard, len(outlet.source.lead))
                          for g in entry.growths})
        for tally, timeline, entry in zip(self.tallies, self.timelines, report.outlets, strict=True):
            _add(tally, timeline, entry)
        self.applied += 1
        self.lines += report.lines
        return bases

    @staticmethod
    def _grow(state: FileState, growth: Growth, shard: int, lead: int) -> Base:
        drop = bool(lead) and state.records == 0
        base = Base(state.records, state.size - lead * drop, state.stored, drop)
        state.ranges.append([shard, state.records, base.size])
        state.records += growth.lines
        state.size = base.size + growth.size
        state.stored += growth.stored - growth.lead * drop
        state.stored_after[shard] = state.stored
        return base

    def check(self) -> None:
        """Accounting: PluginError when a source gave other records than its activity called for, or lines got lost."""
        wrong = []
        for outlet, states, tally in zip(self.outlets, self.files, self.tallies, strict=True):
            planned, observed, lost, doubled, lines = tally.counts.sum(axis=0).tolist()
            written = sum(s.records for s in states.values())
            open_codes = (tally.counts[:, 0] != tally.counts[:, 1]).any()
            if open_codes or lines != observed - lost + doubled or lines != written:
                wrong.append(f"{outlet.name}: planned {planned}, observed {observed}, lost {lost}, doubled {doubled}, "
                             f"lines {lines}, written {written}")
        if wrong:
            raise PluginError("the accounting does not close; a source breaks its contract (fanout, or write times "
                              "outside its delay):\n" + "\n".join(wrong))


def _add(tally: Tally, timeline: Any, entry: OutletReport) -> None:
    for code, *rest in entry.counts:
        tally.counts[code] += rest[: len(COUNTS)]
        first, last = rest[len(COUNTS) :]
        tally.first[code] = min(tally.first[code], first)
        tally.last[code] = max(tally.last[code], last)
    for step, lines in entry.timeline:
        timeline[step] += lines
