"""The cut of time: shards that workers make, files that logs rotate into, frames that compression may not cross.

Everything here is arithmetic on the plan, so that any worker, in any order, puts a line in the same place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from redgen.clock import MINUTE, Window

ROWS_PER_SHARD = 300_000
ROWS_PER_POPULATION = 10_000
"""Activity rows a shard aims at, in all and for each population that plays in it: long shards repeat little look-back
and seldom call what a call costs, short ones stay near the processor and below 1.5 GB."""
ROWS_PER_FRAME = 60_000
"""Rows a compressed frame aims at: some megabytes of text, beyond which compression gains nothing."""
LONGEST_FRAME = 360 * MINUTE
FEWEST_ROWS = 80_000
"""Rows below which a shard is not worth its look-back; small datasets are cut into four where that leaves more."""
_TURNS = 4
BLOCKS = 2_000
TIMELINE_BINS = 96
ROWS_PER_BIN = 200_000
"""At least this many steps, and no more rows in one: a step can be made again alone, to explain one of its lines."""


@dataclass(frozen=True)
class Rotation:
    """How one log is cut into files: a new one every ``length`` µs of write time."""

    window: Window
    length: int

    @property
    def files(self) -> int:
        """How many files there are."""
        return max(1, -(-self.window.duration // self.length))

    def opened(self, file: int) -> int:
        """When file number ``file`` begins."""
        return self.window.start + file * self.length

    def closed(self, file: int) -> int:
        """When file number ``file`` ends."""
        return min(self.window.start + (file + 1) * self.length, self.window.stop)

    def file_of(self, written: NDArray[np.int64]) -> NDArray[np.int64]:
        """File numbers of write times; lines written after the window go to the last file."""
        return np.clip((written - self.window.start) // self.length, 0, self.files - 1)


@dataclass(frozen=True)
class Layout:
    """How the window is cut for work; all times are UTC µs of write time.

    ``cuts``: int64[n + 1] shard borders. ``frame``: length of one compressed frame (0: no frames). ``bin``: length of
    one step of the timeline in the manifest.
    """

    window: Window
    cuts: tuple[int, ...]
    frame: int
    bin: int

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self.cuts) - 1

    def interval(self, shard: int) -> tuple[int, int]:
        """The write times that ``shard`` owns; the last one also owns what is written after the window."""
        return self.cuts[shard], self.cuts[shard + 1]

    def is_last(self, shard: int) -> bool:
        """Whether ``shard`` also takes what is written late."""
        return shard == self.shards - 1

    def alone(self, a: int, b: int) -> tuple[Layout, int]:
        """A layout in which [a, b) is a shard, and that shard's number."""
        cuts = tuple(sorted({self.window.start, a, b, self.window.stop}))
        return replace(self, cuts=cuts), cuts.index(a)

    def frame_of(self, written: NDArray[np.int64]) -> NDArray[np.int64]:
        """Frame numbers of write times."""
        return np.clip((written - self.window.start) // self.frame, 0, (self.window.duration - 1) // self.frame)

    def bin_of(self, written: NDArray[np.int64]) -> NDArray[np.int64]:
        """Timeline steps of write times."""
        return np.clip((written - self.window.start) // self.bin, 0, self.bins - 1)

    @property
    def bins(self) -> int:
        """How many steps the timeline has."""
        return max(1, -(-self.window.duration // self.bin))

    def pieces(self, file: NDArray[np.int64], written: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        """(file, first row, last row + 1) of each stretch of rows, sorted by file, that shares a file and a frame."""
        if not len(written):
            return []
        key = file * (1 << 32) + self.frame_of(written) if self.frame else file
        borders = [0, *(np.flatnonzero(key[1:] != key[:-1]) + 1).tolist(), len(key)]
        return [(int(file[a]), a, b) for a, b in pairwise(borders)]


Expected = Callable[[int, int], float]
"""How many rows to expect in [a, b)."""


def make_layout(window: Window, cell: int, expected: Expected, usual: Expected, *, framed: bool,
                shard: int | None = None, rows_per_shard: int = ROWS_PER_SHARD) -> Layout:
    """Cut ``window`` into shards of whole cells.

    ``expected`` counts all rows and sizes the shards; ``usual`` counts benign ones and sizes what shows in the
    dataset. ``shard`` fixes the length of a shard instead (µs, rounded up to whole cells, or whole frames when
    ``framed``, since a frame's bytes are made in one go).
    """
    frame = _frame(window, cell, usual) if framed else 0
    grain = frame or cell
    if shard is not None:
        step = max(1, -(-shard // grain)) * grain
        inner = list(range(window.start + step, window.stop, step))
    else:
        inner = _even(window, grain, expected, rows_per_shard)
    few = ROWS_PER_BIN / max(usual(window.start, window.stop), 1) * window.duration
    steps = max(1, int(min(window.duration / TIMELINE_BINS, few)) // cell)
    return Layout(window, (window.start, *inner, window.stop), frame, steps * cell)


def _frame(window: Window, cell: int, usual: Expected) -> int:
    """A power of two of cells that holds about ROWS_PER_FRAME rows on average."""
    frame = cell
    rate = usual(window.start, window.stop) / window.duration
    while frame * 2 <= LONGEST_FRAME and rate * frame * 2 <= ROWS_PER_FRAME:
        frame *= 2
    return frame


def _even(window: Window, grain: int, expected: Expected, target: int) -> list[int]:
    """Inner shard borders: shards of as many rows each, about ``target`` at most, cut at multiples of ``grain``.

    Their number is a multiple of four where there are that many, so that a few workers end at the same time.
    """
    total = expected(window.start, window.stop)
    aim = min(max(total / _TURNS, FEWEST_ROWS), target)
    if total <= aim:
        return []
    many = math.ceil(total / aim)
    many = -(-many // _TURNS) * _TURNS if many > _TURNS else many
    grains = -(-window.duration // grain)
    block = -(-grains // min(16 * many, BLOCKS)) * grain
    starts = [*range(window.start, window.stop, block), window.stop]
    upto = np.cumsum([0.0, *(expected(a, b) for a, b in pairwise(starts))])
    at = np.interp(np.arange(1, many) * (upto[-1] / many), upto, np.array(starts, dtype=np.float64) - window.start)
    grid = np.unique(np.round(at / grain).astype(np.int64)) * grain + window.start
    return [int(cut) for cut in grid if window.start < cut < window.stop]
