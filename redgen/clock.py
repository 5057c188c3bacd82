"""Times: integers of UTC microseconds since 1970, half-open windows, durations written as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"us": MICROSECOND, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+")


@dataclass(frozen=True)
class Window:
    """Half-open [start, stop) in UTC microseconds."""

    start: int
    stop: int

    @property
    def duration(self) -> int:
        """Length in microseconds."""
        return self.stop - self.start


def parse_duration(text: str) -> int:
    """Microseconds of a duration such as ``5m``, ``1h30m``, ``2.5s``, ``1w``; ValueError when it is none.

    >>> parse_duration("1h30m") == 90 * MINUTE
    True
    """
    compact = text.replace(" ", "")
    if not _WHOLE.fullmatch(compact):
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 5m, 1h30m, 7d")
    return round(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact)))


def parse_time(text: str) -> int:
    """UTC microseconds of an ISO 8601 time; without a zone it is UTC. ValueError when it is none.

    >>> iso(parse_time("2026-01-12T07:12:11.5Z"))
    '2026-01-12T07:12:11.500000Z'
    """
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write for example 2026-01-12T00:00:00Z") from None
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    delta = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def iso(t: int) -> str:
    """ISO 8601 with microseconds and ``Z``."""
    seconds, micros = divmod(int(t), SECOND)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros:06d}Z"


def human(duration: int) -> str:
    """A duration in the two largest units that matter: ``1h30m``, ``4.2s``."""
    if duration < MINUTE:
        return f"{duration / SECOND:.3g}s"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, duration = divmod(duration, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
