"""When sessions start: Poisson counts per absolute cell under season, weekday and a cascade of bursts; or by the clock.

Everything is keyed by absolute cells since 1970, so any span of time can be asked for, alone or as part of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr, pdtrik

from redgen import zones
from redgen.benign.context import Sessions, Tier
from redgen.clock import DAY, HOUR, MINUTE
from redgen.seed import F64, I64, Seed, picked
from redgen.spec.baseline import Burst, Every, Season

CELL = 5 * MINUTE
"""The finest span with a rate of its own; absolute cell = floor(t / CELL)."""
MOST_PER_CELL = 1 << 24
"""Sessions of one stream and cell are numbered below this."""
_THURSDAY = 3  # 1970-01-01, Monday = 0


def season_at(season: Season, cells: I64, zone: str | int) -> F64:
    """The season's multiplier at the middle of each absolute cell; mean 1 over a week of constant time.

    ``zone``: whose hours: an IANA time zone, with its summer time, or so many minutes east of UTC.

    Straight lines between the middles of hours, so that a rate does not jump on the hour, through such points that
    each hour's mean is the one given: 3/4 of its own point and 1/8 of either neighbor's.
    """
    middle = cells * CELL + CELL // 2
    local = middle + (zones.offsets([zone], 0, middle) if isinstance(zone, str) else zone) * MINUTE
    weekday = np.array(season.weekday)
    by_hour = np.interp((local % DAY) / HOUR - 0.5, np.arange(-1.0, 25.0), _middles(season.hour))
    day: I64 = (local // DAY + _THURSDAY) % 7
    found: F64 = by_hour * (weekday / weekday.mean())[day]
    return found


@lru_cache(maxsize=64)
def _middles(hours: tuple[float, ...]) -> F64:
    """The points of ``season_at`` at the middles of hours: the day's, with one more on either side."""
    hour = np.array(hours)
    mean = sum(w * np.roll(np.eye(24), k, axis=0) for k, w in ((-1, 0.125), (0, 0.75), (1, 0.125)))
    point = np.maximum(np.linalg.solve(mean, hour / hour.mean()), 0.0)
    return np.concatenate([point[-1:], point, point[:1]])


def cascade_at(burst: Burst, seed: Seed, cells: I64) -> F64:
    """The burst multiplier of each absolute cell: a lognormal multiplicative cascade over blocks of 5 min · 4^level.

    The log-variance of level j falls as 4^(2j(H-1)), so that the variance of block means over m cells falls as
    m^(2H-2), the variance-time law of a series with Hurst exponent H (Leland et al. 1994). Mean 1.
    """
    if not burst.variance:
        return np.ones(len(cells))
    shares = 4.0 ** (2 * (burst.hurst - 1) * np.arange(burst.levels))
    variances = burst.variance * shares / shares.sum()
    log = np.zeros(len(cells))
    for level, variance in enumerate(variances):
        block = (cells >> (2 * level)).astype(np.uint64)
        log += np.sqrt(variance) * seed.normal(block, f"cascade/{level}") - variance / 2
    return np.exp(log)


def poisson(mean: F64, u: F64) -> I64:
    """Poisson counts by inversion: the smallest k with P(K <= k) >= u. ``mean`` and ``u`` of one shape."""
    guess = np.zeros(len(mean))
    some = np.exp(-mean) < u
    guess[some] = pdtrik(u[some], mean[some])
    k = np.ceil(np.nan_to_num(guess) - 1e-6)
    k = np.where(some & (pdtr(k, mean) < u), k + 1, k)
    k = np.where((k > 0) & (pdtr(np.maximum(k - 1, 0), mean) >= u), k - 1, k)
    return np.minimum(k, MOST_PER_CELL - 1).astype(np.int64)


@dataclass(frozen=True)
class Crowd:
    """Those of a population who live by one clock: its ``zone``, ``share`` of the starts, who and how active.

    ``zone`` as in ``season_at``; ``name`` tells a population's crowds apart. ``who`` i8 codes with running totals
    ``upto`` f8 of their weights; both empty when nobody is known.
    """

    zone: str | int
    share: float
    who: NDArray[np.int64]
    upto: F64
    name: int | str = 0

    def pick(self, u: F64) -> I64:
        """One of ``who`` per uniform, by weight; -1 when nobody is known."""
        if not len(self.who):
            return np.full(len(u), -1, dtype=np.int64)
        found: I64 = self.who[picked(u, self.upto)]
        return found


@dataclass(frozen=True)
class Arrivals:
    """Session starts of one population by a non-homogeneous Poisson process; ``per_day`` is their mean number."""

    seed: Seed
    burst_seed: Seed
    per_day: float
    season: Season
    burst: Burst
    crowds: tuple[Crowd, ...]
    tiers: tuple[Tier, ...]

    def rates(self, first: int, stop: int) -> F64:
        """Expected starts in each absolute cell of [first, stop), all crowds and tiers."""
        cells = np.arange(first, stop, dtype=np.int64)
        shape = sum((c.share * season_at(self.season, cells, c.zone) for c in self.crowds), np.zeros(len(cells)))
        return self.per_day * (CELL / DAY) * shape * cascade_at(self.burst, self.burst_seed, cells)

    def sessions(self, low: int, high: int, tail: int = 0) -> Sessions:
        """Every session that may have rows done in [low, high); its last are done ``tail`` after its stop."""
        parts = [
            self._tier(k, crowd, low - tail, high) for k in range(len(self.tiers)) for crowd in self.crowds
        ]
        return Sessions.concat(parts)

    def _tier(self, k: int, crowd: Crowd, low: int, high: int) -> Sessions:
        tier = self.tiers[k]
        cells = np.arange((low - tier.reach) // CELL, -(-high // CELL), dtype=np.int64)
        mean = self.per_day * (CELL / DAY) * crowd.share * tier.share * season_at(self.season, cells, crowd.zone)
        mean *= cascade_at(self.burst, self.burst_seed, cells)
        seed = self.seed.child("tier", k, "zone", crowd.name)
        counts = poisson(mean, seed.uniform(cells.astype(np.uint64), "count"))
        cell = np.repeat(cells, counts)
        rank = np.arange(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
        serial = cell.astype(np.uint64) * np.uint64(MOST_PER_CELL) + rank.astype(np.uint64)
        t = cell * CELL + np.floor(seed.uniform(serial, "start") * CELL).astype(np.int64)
        keep = np.flatnonzero((t < high) & (t + tier.reach > low))
        serial, t = serial[keep], t[keep]
        floor = sum(earlier.share for earlier in self.tiers[:k])
        return Sessions(
            id=seed.noise(serial, "session"),
            t=t,
            stop=t + tier.reach,
            who=crowd.pick(seed.uniform(serial, "who")),
            size=floor + tier.share * seed.uniform(serial, "size"),
        )


@dataclass(frozen=True)
class Timetable:
    """Session starts by the clock: each of ``who`` once a period."""

    seed: Seed
    every: Every
    who: NDArray[np.int64]
    reach: int

    @property
    def per_day(self) -> float:
        """Sessions a day, all entities."""
        return len(self.who) * DAY / self.every.period

    def sessions(self, low: int, high: int, tail: int = 0) -> Sessions:
        """Every session that may have rows done in [low, high); its last are done ``tail`` after its stop."""
        every, low = self.every, low - tail
        whom = self.who.astype(np.uint64)
        phase = np.zeros(len(whom)) if every.together else self.seed.uniform(whom, "phase") * every.period
        start = every.offset + np.floor(phase).astype(np.int64)
        first = (low - self.reach - every.jitter - every.offset) // every.period - 1
        turns = np.arange(first, high // every.period + 1)
        who = np.repeat(self.who, len(turns))
        turn = np.tile(turns, len(self.who)).astype(np.uint64)
        ids = self.seed.noise(who.astype(np.uint64) ^ self.seed.noise(turn, "turn"), "session")
        t = np.repeat(start, len(turns)) + turn.astype(np.int64) * every.period
        t += np.floor(self.seed.uniform(ids, "jitter") * every.jitter).astype(np.int64)
        keep = np.flatnonzero((t < high) & (t + self.reach > low))
        ids, t, who = ids[keep], t[keep], who[keep]
        return Sessions(ids, t, t + self.reach, who, self.seed.uniform(ids, "size"))
