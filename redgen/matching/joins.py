"""Joins of sorted columns: ranges unrolled, intervals that overlap, values of groups; no Python loop over rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


def ranges(starts: I64, stops: I64) -> tuple[I64, I64]:
    """Every number of the half-open ranges, and which range each is of.

    >>> [a.tolist() for a in ranges(np.array([5, 9]), np.array([7, 10]))]
    [[5, 6, 9], [0, 0, 1]]
    """
    sizes = np.maximum(stops - starts, 0)
    owner = np.repeat(np.arange(len(starts)), sizes)
    ends = np.cumsum(sizes)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    return np.asarray(starts[owner] + within, dtype=np.int64), owner.astype(np.int64)


def equal(left: I64, right: I64) -> tuple[I64, I64]:
    """All pairs (row of ``left``, row of ``right``) of the same value; values below 0 are blank and match nothing.

    >>> [a.tolist() for a in equal(np.array([3, -1, 4]), np.array([4, 3, 3]))]
    [[0, 0, 2], [1, 2, 0]]
    """
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    low = np.searchsorted(ordered, left, side="left")
    high = np.where(left >= 0, np.searchsorted(ordered, left, side="right"), low)
    flat, owner = ranges(low.astype(np.int64), high.astype(np.int64))
    return owner, np.asarray(order[flat], dtype=np.int64)


def distinct(values: I64) -> I64:
    """The distinct values, sorted: by sorting, which for whole numbers beats numpy's hashing."""
    ordered = np.sort(values)
    keep = np.ones(len(ordered), dtype=bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def unique_pairs(first: I64, second: I64) -> tuple[I64, I64]:
    """The distinct pairs of two columns of numbers from 0, sorted."""
    if not len(first):
        return first, second
    width = int(second.max()) + 1
    both = distinct(first * width + second)
    return both // width, both % width


def count(owner: I64, size: int) -> I64:
    """How often each of 0..size-1 occurs."""
    return np.bincount(owner, minlength=size).astype(np.int64)


def any_of(owner: I64, flag: Mask, size: int) -> Mask:
    """Whether any flagged row belongs to each of 0..size-1."""
    found = np.zeros(size, dtype=bool)
    found[owner[flag]] = True
    return found


def least(owner: I64, value: I64, size: int, default: int) -> I64:
    """The least value of each of 0..size-1, ``default`` where there is none."""
    found = np.full(size, default, dtype=np.int64)
    np.minimum.at(found, owner, value)
    return found


def nth(owner: I64, value: I64, wanted: I64, default: int) -> I64:
    """The ``wanted``-th least value (from 1) of each owner, ``default`` for owners with fewer.

    >>> nth(np.array([0, 0, 1]), np.array([9, 4, 7]), np.array([2, 2]), -1).tolist()
    [9, -1]
    """
    order = np.lexsort((value, owner))
    owner, value = owner[order], value[order]
    size = len(wanted)
    first = np.searchsorted(owner, np.arange(size), side="left")
    last = np.searchsorted(owner, np.arange(size), side="right")
    at = first + wanted - 1
    enough = at < last
    return np.where(enough, value[np.minimum(at, max(len(value) - 1, 0))] if len(value) else default, default)


ROOM = 2**62
"""Keys times the span of time that fit into one 64-bit number; more are taken in turns."""


def overlapping(key: I64, start: I64, stop: I64, other_key: I64, other_start: I64, other_stop: I64,
                room: int = ROOM) -> tuple[I64, I64]:
    """All pairs of closed intervals with equal keys that share a moment.

    The other intervals are taken in classes of similar length, so that one of a week does not make every search wide:
    within a class those that can overlap begin within one longest length before the sought interval.

    >>> one = np.array([7]), np.array([10]), np.array([20])
    >>> two = np.array([7, 7, 8]), np.array([0, 18, 12]), np.array([9, 30, 13])
    >>> [a.tolist() for a in overlapping(*one, *two)]
    [[0], [1]]
    """
    lefts, rights = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    length = np.maximum(other_stop - other_start, 0)
    classes = np.frexp(length.astype(np.float64))[1]
    for mine, left, theirs, right in _turns(key, start, stop, other_key, other_start, other_stop, room):
        base, width = _span(start[mine], stop[mine], other_start[theirs], other_stop[theirs])
        for c in np.unique(classes[theirs]):
            own = classes[theirs] == c
            at = right[own] * width + (other_start[theirs[own]] - base)
            order = np.argsort(at, kind="stable")
            at, rows = at[order], theirs[own][order]
            first = np.maximum(start[mine] - base - int(length[rows].max()), 0)
            low = np.searchsorted(at, left * width + first, side="left")
            high = np.searchsorted(at, left * width + (stop[mine] - base), side="right")
            flat, owner = ranges(low.astype(np.int64), high.astype(np.int64))
            real = other_stop[rows[flat]] >= start[mine[owner]]
            lefts.append(mine[owner[real]])
            rights.append(rows[flat[real]])
    return np.concatenate(lefts), np.concatenate(rights)


def within(key: I64, start: I64, stop: I64, other_key: I64, t: I64, room: int = ROOM) -> I64:
    """How many of the moments ``t`` with the same key lie in each closed interval.

    >>> within(np.array([7, 9]), np.array([0, 0]), np.array([5, 5]), np.array([7, 7, 7]), np.array([5, 6, 0])).tolist()
    [2, 0]
    """
    found = np.zeros(len(key), dtype=np.int64)
    for mine, left, theirs, right in _turns(key, start, stop, other_key, t, t, room):
        base, width = _span(start[mine], stop[mine], t[theirs], t[theirs])
        at = np.sort(right * width + (t[theirs] - base))
        low = np.searchsorted(at, left * width + (start[mine] - base), side="left")
        found[mine] = np.searchsorted(at, left * width + (stop[mine] - base), side="right") - low
    return found


def _span(*columns: I64) -> tuple[int, int]:
    """The least of all times, and one more than how far the greatest lies from it."""
    base = min(int(c.min()) for c in columns)
    return base, max(int(c.max()) for c in columns) - base + 2


def _turns(key: I64, start: I64, stop: I64, other_key: I64, other_start: I64, other_stop: I64,
           room: int) -> Iterator[tuple[I64, I64, I64, I64]]:
    """Rows of both sides whose keys are on both, so many keys at a time as fit; and their keys, numbered from 0."""
    keys = np.intersect1d(key, other_key)
    if not len(keys):
        return
    _, width = _span(start, stop, other_start, other_stop)
    step = max(1, room // width)
    for low in range(0, len(keys), step):
        some = keys[low:low + step]
        yield (*_among(key, some), *_among(other_key, some))


def _among(key: I64, some: I64) -> tuple[I64, I64]:
    """Rows with one of ``some`` sorted keys, and which."""
    at = np.minimum(np.searchsorted(some, key), len(some) - 1)
    rows = np.flatnonzero(some[at] == key)
    return rows.astype(np.int64), at[rows].astype(np.int64)
