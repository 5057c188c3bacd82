"""When tries happen and from where: shifts of addresses, each making a few tries and making way for the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redgen.activity.groups import expand, running
from redgen.clock import MINUTE, SECOND
from redgen.seed import I64, U64, Seed
from redgen.spec.distributions import Distribution

SPREAD = 0.5
"""How much pauses vary around a gap that was given as one number: sigma of the logarithm. Source: unverified."""


class Tries(NamedTuple):
    """Tries in order of time, columns of one length."""

    t: I64         # µs
    source: I64    # which of the addresses makes it
    shift: I64     # which turn of an address it belongs to
    nth: I64       # how many of the turn's tries came before

    def take(self, index: NDArray[np.integer]) -> Tries:
        """The tries at ``index``."""
        return Tries(self.t[index], self.source[index], self.shift[index], self.nth[index])


def shifts(
    seed: Seed, n: int, *, addresses: int, t: int, pace: float, tries: Distribution, gap: Distribution
) -> Tries:
    """``n`` tries from time ``t`` (µs) at ``pace`` per second in all, made by ``addresses`` that take turns.

    A turn makes ``tries`` tries with ``gap`` between them (drawn per turn and per try); turns begin as a Poisson
    process whose rate makes the whole as fast as ``pace``. Every address has its turn before any has a second one.
    """
    if n <= 0:
        empty = np.zeros(0, dtype=np.int64)
        return Tries(empty, empty, empty, empty)
    which = np.arange(n, dtype=np.uint64)
    size = np.maximum(np.rint(tries.quantile(seed.uniform(which, "tries")).astype(np.float64)), 1).astype(np.int64)
    upto = np.cumsum(size)
    turns = int(np.searchsorted(upto, n)) + 1
    size[turns - 1] -= upto[turns - 1] - n
    shift, nth = expand(size[:turns])
    spacing = SECOND * n / turns / pace
    begins = t + np.cumsum(-np.log(seed.uniform(which[:turns], "turn")) * spacing).astype(np.int64)
    when = begins[shift] + running(np.where(nth > 0, pauses(seed, which, gap), 0), nth)
    order = np.argsort(when, kind="stable")
    source = rounds(seed, turns, addresses)[shift]
    return Tries(when, source, shift, nth).take(order)


def pauses(seed: Seed, ids: U64, gap: Distribution, least: int = 1) -> I64:
    """A pause of ``gap`` (µs, at least ``least``) per id; where the gap is one number, it is the pauses' median."""
    drawn = gap.quantile(seed.uniform(ids, "gap")).astype(np.float64)
    if gap.law == "constant":
        drawn = drawn * np.exp(SPREAD * seed.normal(ids, "spread"))
    return np.maximum(drawn, least).astype(np.int64)


def rounds(seed: Seed, n: int, members: int) -> I64:
    """Who is next, ``n`` times: all ``members`` once in a shuffled order, then all again in another."""
    laps = -(-n // max(members, 1))
    keys = seed.noise(np.arange(laps * members, dtype=np.uint64), "round").reshape(laps, -1)
    return np.argsort(keys, axis=1).reshape(-1)[:n].astype(np.int64)


def arrivals(seed: Seed, n: int, *, t: int, gap: Distribution) -> I64:
    """``n`` times, the first at ``t``, with ``gap`` (µs) between them."""
    pause = pauses(seed, np.arange(n, dtype=np.uint64), gap)
    pause[:1] = 0
    return t + np.cumsum(pause)


def scattered(seed: Seed, n: int, *, t: int, span: int) -> I64:
    """``n`` times spread evenly at random over [t, t + span), in order."""
    u = np.sort(seed.uniform(np.arange(n, dtype=np.uint64), "scatter"))
    return t + (u * max(span, 1)).astype(np.int64)


def too_fast(source: I64, t: I64, allowed: float) -> NDArray[np.bool_]:
    """Requests whose address has made at least ``allowed`` in the minute before: they are turned away."""
    order = np.lexsort((t, source))
    start = t.min(initial=0)
    place = source[order] * (int(t.max(initial=0) - start) + 2 * MINUTE) + t[order] - start
    recent = np.arange(len(order)) - np.searchsorted(place, place - MINUTE)
    out = np.zeros(len(order), dtype=np.bool_)
    out[order] = recent >= allowed
    return out


def streak(who: I64, wrong: NDArray[np.bool_]) -> I64:
    """Per try how many wrong ones in a row its ``who`` has made up to it, itself included; tries in order of time.

    >>> streak(np.array([1, 2, 1, 1, 1]), np.array([True, True, True, False, True])).tolist()
    [1, 1, 2, 0, 1]
    """
    order = np.argsort(who, kind="stable")
    bad = wrong[order]
    count = np.cumsum(bad)
    fresh = np.append(True, who[order][1:] != who[order][:-1])[: len(who)]
    # What was counted before the person's first try, or up to the last one that was not wrong.
    base = np.maximum.accumulate(np.where(fresh, count - bad, np.where(bad, 0, count)))
    out = np.empty(len(who), dtype=np.int64)
    out[order] = np.where(bad, count - base, 0)
    return out
