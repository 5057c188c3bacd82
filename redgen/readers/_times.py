"""Times as products write them, to UTC microseconds: ISO 8601 of any stripe, web-log and syslog shapes, epochs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError

UNREADABLE: Final = np.iinfo(np.int64).min

LATEST_SECONDS = 1e11
"""An epoch up to this is seconds (year 5138), up to a thousand times as much milliseconds, and so on to nanoseconds."""

MANY = 4096
"""From so many values on, common ones are read at once."""

_ISO = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9})\d*)?\s*"
                  r"(Z|UTC|[+-]\d\d:?\d\d)?(?:(?<=\d\d) ([A-Z]{3,4}))?",
                  re.ASCII | re.IGNORECASE)
_SHAPES = ("%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %z", "%Y %b %d %H:%M:%S",
           "%m/%d/%Y-%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%d")


def micros(values: Sequence[Any], zone: str = "UTC") -> tuple[NDArray[np.int64], int]:
    """Microseconds of each value (``UNREADABLE`` where it is no time), and how many said no zone.

    A time without zone is one of ``zone``. Numbers, and text that is a number, are epochs in s, ms, µs or ns.

    >>> micros(["2026-01-12T00:00:06Z", 1768176006, "2026-01-12 01:00:06.5 +01:00", "soon"])[0].tolist()[:3]
    [1768176006000000, 1768176006000000, 1768176006500000]
    """
    found, rest = _common(values) if len(values) >= MANY else (_unread(len(values)), range(len(values)))
    naive = 0
    there = zone_of(zone)
    at = getattr(values, "iloc", values)
    for i in rest:
        value = at[i]
        if value is None:
            continue
        t, bare = _number(value) if isinstance(value, int | float) else _text(str(value), there)
        found[i] = t
        naive += bare
    return found, naive


def _unread(n: int) -> NDArray[np.int64]:
    return np.full(n, UNREADABLE, np.int64)


def _common(values: Sequence[Any]) -> tuple[NDArray[np.int64], Iterable[int]]:
    """Many values at once where they are ISO 8601 in UTC, and the places of all others."""
    import pandas as pd

    found = _unread(len(values))
    texts = pd.Series(values, dtype="str").reset_index(drop=True)
    common = (texts.str.endswith("Z") & (texts.str.slice(4, 5) == "-") & (texts.str.slice(10, 11) == "T"))
    read = pd.to_datetime(texts[common := common.to_numpy(bool)], format="ISO8601", utc=True, errors="coerce")
    sound = read.notna().to_numpy()
    places = np.flatnonzero(common)
    found[places[sound]] = read[sound].dt.as_unit("us").astype("int64")
    rest = texts.notna().to_numpy(copy=True)
    rest[places[sound]] = False
    return found, np.flatnonzero(rest).tolist()


def zone_of(name: str) -> tzinfo:
    """The time zone called ``name``; DataError when there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise DataError(f"unknown time zone {name!r}: write one such as UTC or Europe/Berlin") from None


def _number(value: float) -> tuple[int, bool]:
    """An epoch by its size."""
    size = abs(value)
    if isinstance(value, bool) or not math.isfinite(size):
        return int(UNREADABLE), False
    for factor, limit in ((1_000_000, 1.0), (1_000, 1e3), (1, 1e6)):
        if size < LATEST_SECONDS * limit:
            return round(value * factor), False
    return (int(value // 1_000), False) if size < LATEST_SECONDS * 1e9 else (int(UNREADABLE), False)


@lru_cache(maxsize=1 << 16)
def _text(text: str, zone: tzinfo) -> tuple[int, bool]:
    shown = text.strip()
    match = _ISO.fullmatch(shown)
    if match:
        year, month, day, minute, second, fraction, offset, letters = match.groups()
        if letters and offset is None:  # letters name no one zone; beside an offset, as Go writes them, they repeat it
            return int(UNREADABLE), False
        moment = f"{year}-{month}-{day}T{minute}{second or ':00'}.{(fraction or '0')[:6]:0<6}"
        said = "" if offset is None else ("+00:00" if offset.upper() in {"Z", "UTC"} else offset)
        try:
            return _since(datetime.fromisoformat(moment + said), zone)
        except ValueError:
            return int(UNREADABLE), False
    try:
        return _number(float(shown)) if not shown.isdigit() else _number(int(shown))
    except ValueError:
        pass
    for shape in _SHAPES:
        try:
            return _since(datetime.strptime(shown, shape), zone)  # noqa: DTZ007  -- the zone is added below
        except ValueError:
            continue
    return int(UNREADABLE), False


def _since(moment: datetime, zone: tzinfo) -> tuple[int, bool]:
    bare = moment.tzinfo is None
    aware = moment.replace(tzinfo=zone) if bare else moment
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds, bare
