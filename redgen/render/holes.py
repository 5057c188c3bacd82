"""Holes: what a template can leave open, each naming the record column that fills it.

A column is any integer array; it is read as int64 (u64 seeds keep their bits). Vocabularies are escaped by
whoever builds the holes (``redgen.render.escapes``), once per format. Text that is *drawn* (``Pick``, ``Hex``,
``Letters``, ``Base62``, ``Uuid4``, ``Uuid1``) is a pure function of the u64 seed in its column: equal seeds give equal
text. Two holes that draw from one column give the same random digits unless their ``salt`` differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redgen.vocabulary import Vocabulary

TIME_STYLES = (
    "iso_s_z",          # 2026-01-12T03:14:07Z
    "iso_ms_z",         # 2026-01-12T03:14:07.482Z
    "iso_us_z",         # 2026-01-12T03:14:07.482113Z
    "iso_s_offset",     # 2026-01-12T03:14:07+00:00
    "iso_ms_offset",    # 2026-01-12T03:14:07.482+00:00
    "rfc3339_us",       # 2026-01-12T03:14:07.482113+00:00
    "clf",              # 12/Jan/2026:03:14:07 +0000
    "syslog",           # Jan 12 03:14:07, the day padded with a space
    "aws_date",         # Jan 12, 2026 3:14:07 AM
    "aws_date_comma",   # Jan 12, 2026, 3:14:07 AM
    "date",             # 2026-01-12
    "slash_date",       # 2026/01/12
    "basic_s_z",        # 20260112T031407Z
    "basic_m_z",        # 20260112T0314Z
    "zeek_open",        # 2026-01-12-03-14-07
    "epoch_s",          # 1768187647
    "epoch_ms",         # 1768187647482
    "epoch_us",         # 1768187647482113
    "epoch_s_ms",       # 1768187647.482
    "epoch_s_us",       # 1768187647.482113
)
"""Ways to write a time; all of them floor to their resolution. Offsets apply to the calendar styles only."""

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
BASE32_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Text:
    """The string of ``vocabulary`` whose code is in ``column``; code -1 gives ``missing`` when that is set.

    Any other code is a ``PluginError``.
    """

    vocabulary: Vocabulary
    column: str
    missing: str | None = None


@dataclass(frozen=True)
class Int:
    """The number itself, signed."""

    column: str


@dataclass(frozen=True)
class Pad:
    """A number right-aligned in ``width`` characters with ``fill`` ("0" or " "); wider numbers stay whole.

    A negative number is padded on its left as printf would: ``-05`` with zeros, `` -5`` with spaces.
    """

    column: str
    width: int
    fill: str = "0"


@dataclass(frozen=True)
class Decimal:
    """``value / 10**digits`` written exactly, 1 <= digits <= 18; ``trim`` drops trailing zeros but one."""

    column: str
    digits: int
    trim: bool = False


@dataclass(frozen=True)
class IPv4:
    """A u32 address in dotted form."""

    column: str


@dataclass(frozen=True)
class Time:
    """Microseconds of UTC in one of ``TIME_STYLES``, shown in the zone ``offset_minutes`` east of UTC.

    Years 1 to 9999; anything else is a ``PluginError``.
    """

    column: str
    style: str
    offset_minutes: int = 0


@dataclass(frozen=True)
class Pick:
    """One string of a non-empty ``vocabulary``, drawn from the seed in ``column``, each as likely."""

    vocabulary: Vocabulary
    column: str
    salt: int = 0


@dataclass(frozen=True)
class Hex:
    """``width`` lower-case hexadecimal digits drawn from the seed in ``column``."""

    column: str
    width: int
    salt: int = 0


@dataclass(frozen=True)
class Letters:
    """Characters of an ASCII ``alphabet`` drawn from the seed: ``length`` of them, or ``length``..``longest``."""

    column: str
    alphabet: str
    length: int
    longest: int = 0
    salt: int = 0


@dataclass(frozen=True)
class Base62:
    """A random number of ``bits`` bits as Zeek writes it: per 64-bit word, base 62, low digit first, no padding.

    96 bits give 17 or 18 characters after Zeek's prefix, seldom 16. Source: Zeek, src/UID.cc and util.cc uitoa_n.
    """

    column: str
    bits: int = 96


@dataclass(frozen=True)
class Uuid4:
    """A random (version 4) UUID drawn from the seed."""

    column: str
    salt: int = 0


@dataclass(frozen=True)
class Uuid1:
    """A time-based (version 1) UUID of the microseconds in ``time``; clock sequence and node from ``seed``."""

    time: str
    seed: str


@dataclass(frozen=True)
class Forms:
    """One of several texts, chosen by ``column``; -1 writes nothing. Their holes are the template's own."""

    forms: Sequence[str]
    column: str


Hole = Text | Int | Pad | Decimal | IPv4 | Time | Pick | Hex | Letters | Base62 | Uuid4 | Uuid1 | Forms
