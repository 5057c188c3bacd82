"""Numbers and names as people read them: shares, intervals, durations, and text that no terminal can trip on."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

from redgen.clock import SECOND, human
from redgen.scorecard import (
    DETECTED,
    ERROR,
    LATE,
    MISSED,
    NO_TELEMETRY,
    PARTIAL,
    Estimate,
)

STATUS_WORDS = {
    DETECTED: "detected",
    LATE: "detected too late",
    PARTIAL: "seen in part",
    MISSED: "missed",
    NO_TELEMETRY: "no logs of it",
    ERROR: "detector failed",
}
"""What became of a campaign, as a person would say it."""

NOTHING = "–"
"""Stands where no number can be given."""

_CERTIFIED = (0.80, 0.90, 0.95, 0.99)


def clean(text: str) -> str:
    r"""The text on one line and without control characters, so that a name can neither move a cursor nor end a line.

    >>> clean("a\x1b[31m\nb")
    'a�[31m b'
    """
    if text.isprintable():
        return text
    return "".join(" " if c in "\n\r\t\u2028\u2029" else c if unicodedata.category(c) not in _UNSEEN else "�"
                   for c in text)


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode's categories of controls, formats (which reorder text), surrogates, private and unassigned characters."""


def percent(share: float | None) -> str:
    """A share in percent; only all is 100% and only none is 0%.

    >>> percent(0.834), percent(0.9991), percent(1.0), percent(0.002), percent(None)
    ('83%', '99.9%', '100%', '0.2%', '–')
    """
    if share is None or math.isnan(share):
        return NOTHING
    if 0.995 <= share < 1:
        return f"{math.floor(share * 1000) / 10:.1f}%"
    if 0 < share < 0.005:
        return f"{max(math.ceil(share * 1000) / 10, 0.1):.1f}%"
    return f"{share * 100:.0f}%"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that matter, thousands separated, no exponent.

    >>> number(1234567.8), number(0.01234), number(12.0), number(None)
    ('1,234,568', '0.0123', '12', '–')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    places = min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 9)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(count: int, noun: str, many: str = "") -> str:
    """A count and its noun.

    >>> plural(1, "campaign"), plural(1200, "campaign"), plural(2, "miss", "misses")
    ('1 campaign', '1,200 campaigns', '2 misses')
    """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def bounds(estimate: Estimate) -> str:
    """The interval of a share, ``36–100%``; a dash when there is none."""
    if estimate.lower is None or estimate.upper is None:
        return NOTHING
    return f"{percent(estimate.lower).removesuffix('%')}–{percent(estimate.upper)}"


def counted(estimate: Estimate) -> str:
    """``5 of 6``: what a share was counted from."""
    return f"{number(estimate.k, 6)} of {estimate.n:,}"


def share_in_words(estimate: Estimate) -> str:
    """A share, what it was counted from and its interval, in one phrase."""
    if estimate.value is None:
        return "nothing to count"
    tail = f"; {percent(estimate.confidence)} interval {bounds(estimate)}" if estimate.lower is not None else ""
    return f"{percent(estimate.value)} ({counted(estimate)}{tail})"


def rate_in_words(estimate: Estimate) -> str:
    """A rate and its interval: ``12 a day (8.2 to 17)``."""
    if estimate.value is None:
        return NOTHING
    if estimate.lower is None or estimate.upper is None:
        return f"{number(estimate.value)} a day"
    return f"{number(estimate.value)} a day ({number(estimate.lower)} to {number(estimate.upper)})"


def seconds(value: float | None) -> str:
    """A duration given in seconds, in the two largest units that matter."""
    if value is None or math.isnan(value) or math.isinf(value):
        return NOTHING
    return human(round(value * SECOND)) if value >= 0 else "-" + human(round(-value * SECOND))


def moment(t: int | None) -> str:
    """A time to the second, in UTC; a dash when there is none, or when no calendar holds it."""
    if t is None:
        return NOTHING
    try:
        return datetime.fromtimestamp(t // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{t} µs"


def without_a_miss(share: float, confidence: float) -> int:
    """How many campaigns without a miss certify this recall, one-sided: n with ``share ** n <= 1 - confidence``.

    >>> [without_a_miss(share, 0.95) for share in (0.80, 0.90, 0.95, 0.99)]
    [14, 29, 59, 299]
    """
    return math.ceil(math.log(1 - confidence) / math.log(share))


def few(n: int, confidence: float) -> str:
    """What so few campaigns allow to say, in words; empty when there are enough for a recall of 90%."""
    table = [(without_a_miss(share, confidence), share) for share in _CERTIFIED]
    if n == 0:
        return "No campaigns: nothing can be said about recall."
    if n >= table[1][0]:
        return ""
    return (f"{plural(n, 'campaign')}: the interval is wide; {table[1][0]} with no miss certify {table[1][1]:.2f}, "
            f"{table[2][0]} certify {table[2][1]:.2f}.")
