"""One shard: all that is written in [a, b), made from the plan alone, so that any process can make any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from redgen.clock import SECOND
from redgen.shards.happenings import Happenings
from redgen.shards.layout import Layout
from redgen.shards.logs import Outlet, Written, write
from redgen.shards.order import write_order
from redgen.shards.sensors import Sensed, sense, skewed
from redgen.shards.space import Space
from redgen.table import Table
from redgen.truth import Index, split

_WARM = 10 * SECOND
COUNTS = ("planned", "observed", "lost", "duplicated", "lines")
"""What the accounting counts per source and truth code. planned: records that the rows done in the shard must give;
observed: records written in it, before the sensor lost or doubled any; lines = observed - lost + duplicated."""


@dataclass(frozen=True)
class ShardPlan:
    """The part of a plan that making shards needs.

    ``codes``: how many truth codes there are. ``by_event_time``: outlets order by event time, not as products do.
    """

    layout: Layout
    happenings: Happenings
    outlets: tuple[Outlet, ...]
    codes: int
    by_event_time: bool = False


@dataclass(frozen=True)
class Lines:
    """What a source logs in a shard, file by file: ``records`` (as stated), ``written`` (sort key), truth ``codes``."""

    records: Table
    written: NDArray[np.int64]
    codes: NDArray[np.int32]


@dataclass
class Tally:
    """Counts and first and last event time by truth code: int64[codes, len(COUNTS)], int64[codes] twice."""

    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass
class OutletShard:
    """One source's share of a shard: bytes and marks, counts, and the records for Parquet when they are wanted."""

    outlet: Outlet
    written: Written
    tally: Tally
    lines: Lines | None


def make_shard(plan: ShardPlan, shard: int, space: Space | None = None) -> Iterator[OutletShard]:
    """The logs of ``shard``, source by source, in the plan's order; their bytes in ``space``."""
    for outlet, lines, tally in observe_shard(plan, shard):
        written = write(outlet, plan.layout, lines.records, lines.written, lines.codes, space or Space())
        yield OutletShard(outlet, written, tally, lines if outlet.parquet else None)


def observe_shard(plan: ShardPlan, shard: int) -> Iterator[tuple[Outlet, Lines, Tally]]:
    """What each source sees of ``shard``, before any byte is rendered."""
    a, b = plan.layout.interval(shard)
    activity = plan.happenings.between(a, b, lookback(plan.outlets), begun=plan.by_event_time)
    planned = [_planned(o, activity, a, b, plan.codes) for o in plan.outlets]
    blind, truth = split(activity)
    del activity
    for outlet, due in zip(plan.outlets, planned, strict=True):
        seen = sense(outlet.sensor, outlet.seed, outlet.source.observe(blind))
        lines, tally = _keep(outlet, seen, truth, plan, shard)
        tally.counts[:, 0] = due
        yield outlet, lines, tally


def warm(plan: ShardPlan) -> None:
    """Make a few minutes in the middle of the window and forget them: what compiles, compiles once, before a fork."""
    window = plan.layout.window
    noon = window.start + window.duration // 2
    layout, shard = plan.layout.alone(noon, min(noon + max(plan.layout.frame, _WARM), window.stop))
    for _ in make_shard(replace(plan, layout=layout), shard):
        pass


def lookback(outlets: Sequence[Outlet]) -> Mapping[str, int]:
    """Kind -> how long before its last possible delivery a row of that kind may have been done."""
    kinds: dict[str, int] = {}
    for outlet in outlets:
        for kind in outlet.source.kinds:
            kinds[kind] = max(kinds.get(kind, 0), outlet.lookback(kind))
    return kinds


def _planned(outlet: Outlet, activity: Mapping[str, Table], a: int, b: int, codes: int) -> NDArray[np.int64]:
    """Records by truth code that the rows done in [a, b) must give."""
    due = np.zeros(codes, dtype=np.float64)
    for kind in outlet.source.kinds:
        if kind in activity and len(activity[kind]):
            table = activity[kind]
            done = table["t"] + table["dur"]
            records = np.where((done >= a) & (done < b), outlet.source.fanout(kind, table), 0)
            due += np.bincount(table["truth"], weights=records, minlength=codes)
    return due.astype(np.int64)


def _keep(outlet: Outlet, seen: Sensed, truth: Index, plan: ShardPlan, shard: int) -> tuple[Lines, Tally]:
    """The lines of ``shard`` among what was seen, in order, and their counts."""
    a, b = plan.layout.interval(shard)
    key = seen.records["t"] if plan.by_event_time else seen.written
    inside = (key >= a) | (a == plan.layout.window.start)  # what began before the window is the first shard's
    if not plan.layout.is_last(shard):
        inside &= key < b
    kept = np.flatnonzero(inside & ~seen.lost)
    kept = kept[write_order(key[kept], seen.records["id"][kept])]
    if outlet.source.lanes:  # several files are open at a time: one after the other, each in the order of writing
        kept = kept[np.argsort(outlet.file_of(seen.records, key)[kept], kind="stable")]
    records = skewed(outlet.sensor, seen.records.take(kept))
    codes = truth.of(records["id"])
    tally = _tally(records["t"], codes, seen.again[kept], plan.codes)
    lost = np.flatnonzero(inside & seen.lost)
    if len(lost):
        tally.counts[:, 2] = np.bincount(truth.of(seen.records["id"][lost]), minlength=plan.codes)
    tally.counts[:, 1] = tally.counts[:, 4] - tally.counts[:, 3] + tally.counts[:, 2]
    return Lines(records, key[kept], codes), tally


def _tally(t: NDArray[np.int64], codes: NDArray[np.int32], again: NDArray[np.bool_], n: int) -> Tally:
    """Lines, copies, first and last event time by truth code."""
    counts = np.zeros((n, len(COUNTS)), dtype=np.int64)
    counts[:, 4] = np.bincount(codes, minlength=n)
    if again.any():
        counts[:, 3] = np.bincount(codes[again], minlength=n)
    first = np.full(n, np.iinfo(np.int64).max)
    last = np.full(n, np.iinfo(np.int64).min)
    marked = np.flatnonzero(codes)
    np.minimum.at(first, codes[marked], t[marked])
    np.maximum.at(last, codes[marked], t[marked])
    return Tally(counts, first, last)
