"""Civil time: how far local clocks are from UTC at a time, by the rules of the IANA time zone database.

The database is the ``tzdata`` package's, not the machine's, so that a dataset does not depend on where it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from redgen.clock import MINUTE, SECOND
from redgen.seed import I64

_SLOT = 30 * MINUTE
"""Clocks are set at full or half hours of UTC everywhere."""
_LOOKS = 14
"""Days between two looks at a zone's offset; in between it changes at most once."""
_KNOWN = range(2024, 2026)
"""Years by which zones are compared: past ones, so that a newer database does not regroup a population."""


@cache
def known() -> frozenset[str]:
    """Names of all zones: ``Europe/Dublin``."""
    text = files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def _zone(name: str) -> ZoneInfo:
    if name not in known():
        raise KeyError(name)
    with files("tzdata.zoneinfo").joinpath(name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _minutes(name: str, when: datetime) -> int:
    offset = when.astimezone(_zone(name)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60


@cache
def _looks(name: str, year: int) -> tuple[tuple[datetime, int], ...]:
    """Offsets of a year, every other week, and at the next year's beginning."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    times = [*(first + timedelta(days=d) for d in range(0, 366, _LOOKS)), datetime(year + 1, 1, 1, tzinfo=UTC)]
    return tuple((when, _minutes(name, when)) for when in times)


@cache
def _year(name: str, year: int) -> NDArray[np.int16]:
    """Minutes east of UTC in every half hour of a year."""
    slot = timedelta(minutes=_SLOT // MINUTE)
    first, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    found = np.empty((end - first) // slot, dtype=np.int16)
    looks = _looks(name, year)
    for (a, before), (b, after) in pairwise(looks):
        low, high = (a - first) // slot, (b - first) // slot
        changes = high
        while before != after and changes - low > 1:
            middle = (low + changes) // 2
            low, changes = (middle, changes) if _minutes(name, first + middle * slot) == before else (low, middle)
        found[(a - first) // slot:changes] = before
        found[changes:high] = after
    return found


@lru_cache(maxsize=16)
def _years(names: tuple[str, ...], year: int) -> NDArray[np.int16]:
    return np.stack([_year(name, year) for name in names])


def offsets(names: Sequence[str], zone: NDArray[np.integer] | int, t: I64) -> I64:
    """Minutes east of UTC at each time ``t`` (µs UTC); ``zone``: positions in ``names``, one per time or one for all.

    >>> offsets(["Europe/Dublin"], 0, np.array([1_784_000_000_000_000])).tolist()   # in July
    [60]
    """
    t = np.asarray(t, dtype=np.int64)
    if not t.size:
        return np.zeros(t.shape, dtype=np.int64)
    every, zone = tuple(names), np.broadcast_to(np.asarray(zone), t.shape)
    first, last = (datetime.fromtimestamp(int(edge) // SECOND, UTC).year for edge in (t.min(), t.max()))
    found = np.zeros(t.shape, dtype=np.int64)
    for year in range(first, last + 1):
        begins = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * SECOND
        table = _years(every, year)
        slot = (t - begins) // _SLOT
        if first == last:
            found[...] = table[zone, slot]
            break
        some = (slot >= 0) & (slot < table.shape[1])
        found[some] = table[zone[some], slot[some]]
    return found


def standard(name: str) -> int:
    """Minutes east of UTC in a zone's winter."""
    return min(minutes for _, minutes in _looks(name, _KNOWN[0]))


@cache
def rules(name: str) -> tuple[int, ...]:
    """What tells zones apart whose clocks differ some time: their offsets, every other week of two years."""
    return tuple(minutes for year in _KNOWN for _, minutes in _looks(name, year))
