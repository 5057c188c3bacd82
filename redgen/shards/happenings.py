"""All that happens, for any span of time: benign rows, staged campaign rows and expanded ones, merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from redgen.activity.effects import Effects
from redgen.activity.schema import Activity, done_between, merge
from redgen.activity.wire import FLOW_TAIL
from redgen.benign.model import BenignModel
from redgen.clock import HOUR, SECOND, Window
from redgen.shards.session_numbers import SessionNumbers
from redgen.table import Table

LONGEST_EXPANDED = HOUR
"""No row of a volumetric step lasts longer."""
Expand = Callable[[int, int], Activity]


@dataclass(frozen=True)
class Staged:
    """Rows of one kind planned up front, sorted by when they are done."""

    table: Table
    done: NDArray[np.int64]

    @property
    def longest(self) -> int:
        """The longest duration of a row."""
        return int(self.table["dur"].max(initial=0))

    @classmethod
    def of(cls, table: Table) -> Staged:
        """Sort ``table`` by end, then id."""
        done = table["t"] + table["dur"]
        order = np.lexsort((table["id"], done))
        return cls(table.take(order), done[order])

    def between(self, a: int, b: int) -> Table:
        """The rows done in [a, b)."""
        low, high = np.searchsorted(self.done, [a, b])
        return self.table.take(slice(int(low), int(high)))


@dataclass(frozen=True)
class Expansion:
    """A volumetric step: its rows are made when asked for. Rows are done within [start, stop)."""

    start: int
    stop: int
    expand: Expand

    @cached_property
    def rate(self) -> float:
        """About how many rows it has per µs, from one second in its middle."""
        middle = (self.start + self.stop) // 2
        upto = min(middle + SECOND, self.stop)
        return sum(len(t) for t in self.expand(middle, upto).values()) / max(upto - middle, 1)


@dataclass(frozen=True)
class Happenings:
    """The benign model and the campaigns of one dataset; ``between`` is a pure function of its arguments."""

    window: Window
    benign: BenignModel | None
    effects: Effects
    staged: Mapping[str, Staged]
    expansions: Sequence[Expansion] = ()
    sessions: SessionNumbers | None = None

    @classmethod
    def of(cls, window: Window, benign: BenignModel | None, effects: Effects, activities: Sequence[Activity],
           expansions: Sequence[Expansion]) -> Happenings:
        """Collect the campaigns' rows, sorted, whatever order the campaigns come in."""
        staged = {kind: Staged.of(table) for kind, table in merge(list(activities)).items() if len(table)}
        sessions = SessionNumbers.of(benign, activities, window.start) if benign else None
        return cls(window, benign, effects, staged, tuple(expansions), sessions)

    def between(self, a: int, b: int, kinds: Mapping[str, int], *, begun: bool = False) -> dict[str, Table]:
        """The rows of each kind k done in [a - kinds[k], b), and inside the window; truth included.

        With ``begun`` also those that begin before b and are done later, as event order needs them, and some more.
        """
        stop = self.window.stop
        since = {kind: max(a - back, self.window.start) for kind, back in kinds.items()}
        parts = self._benign(a, b, since, begun=begun)
        for kind, low in since.items():
            if kind in self.staged:
                rows = self.staged[kind]
                parts.append({kind: rows.between(low, min(b + rows.longest * begun, stop))})
        first = min(since.values(), default=b)
        for expansion in self.expansions:
            low, high = max(expansion.start, first), min(expansion.stop, b + LONGEST_EXPANDED * begun, stop)
            if low < high:
                made = {k: t for k, t in expansion.expand(low, high).items() if k in kinds}
                parts.extend(done_between({k: t}, since[k], high) for k, t in made.items())
        found = merge(parts)
        if self.sessions is not None and "shell" in found:
            found["shell"] = self.sessions.filled(found["shell"])
        return found

    def _benign(self, a: int, b: int, since: Mapping[str, int], *, begun: bool) -> list[Activity]:
        if self.benign is None:
            return []
        stop = self.window.stop
        if not begun:
            return self.benign.parts(a, min(b, stop), {k: a - low for k, low in since.items()}, self.effects)
        return [
            p.play({k: (low, min(b + max(t.reach for t in p.behavior.tiers) + FLOW_TAIL, stop))
                    for k, low in since.items()}, self.effects)
            for p in self.benign.populations
        ]

    def campaign_rows(self, a: int, b: int) -> float:
        """About how many rows the campaigns add in [a, b): staged ones are counted, expanded ones estimated."""
        rows = sum(float(np.diff(np.searchsorted(s.done, [a, b]))[0]) for s in self.staged.values())
        for expansion in self.expansions:
            low, high = max(expansion.start, a), min(expansion.stop, b)
            if low < high:
                rows += expansion.rate * (high - low)
        return rows
