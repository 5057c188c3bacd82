"""A slow renderer in plain Python, written from what ``holes`` promises and not from the kernel: its oracle."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as Exact
from typing import Any

from redgen.render import holes as h

Row = Mapping[str, int]
MASK = (1 << 64) - 1


def mix(key: int, i: int) -> int:
    """``redgen.seed.mix`` in Python integers."""
    m1, m2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
    z = ((i + 0x9E3779B97F4A7C15) & MASK) * m1 & MASK ^ key
    for _ in range(2):
        z = (z ^ z >> 30) * m1 & MASK
        z = (z ^ z >> 27) * m2 & MASK
        z = z ^ z >> 31
        if _ == 0:
            z ^= key
    return z


def word(seed: int, salt: int, k: int) -> int:
    """The k-th u64 drawn from a seed."""
    return mix(seed & MASK, (salt << 32) + k)


def render(forms: Sequence[str], holes: Mapping[str, h.Hole], row: Row, form_column: str = "form") -> str:
    """One row as text."""
    text = forms[row[form_column] if len(forms) > 1 else 0]
    return fill(text, holes, row)


def fill(text: str, holes: Mapping[str, h.Hole], row: Row) -> str:
    """A form with its holes filled."""
    return re.sub(r"@\{([^{}]*)\}", lambda m: one(holes[m[1]], holes, row), text)


def one(hole: h.Hole, holes: Mapping[str, h.Hole], row: Row) -> str:
    """What one hole shows."""
    return WRITERS[type(hole)](hole, holes, row)


def text(hole: h.Text, holes: Mapping[str, h.Hole], row: Row) -> str:
    code = row[hole.column]
    if code == -1 and hole.missing is not None:
        return hole.missing
    return hole.vocabulary[code]


def pad(hole: h.Pad, holes: Mapping[str, h.Hole], row: Row) -> str:
    return f"{row[hole.column]:{hole.fill if hole.fill == '0' else ''}{hole.width}d}"


def decimal(hole: h.Decimal, holes: Mapping[str, h.Hole], row: Row) -> str:
    value = row[hole.column]
    shown = f"{Exact(abs(value)).scaleb(-hole.digits):.{hole.digits}f}"
    if hole.trim:
        shown = shown.rstrip("0")
        shown += "0" if shown.endswith(".") else ""
    return "-" * (value < 0) + shown


def time(hole: h.Time, holes: Mapping[str, h.Hole], row: Row) -> str:
    t, style = row[hole.column], hole.style
    if style.startswith("epoch"):
        unit, digits = {"epoch_s": (10**6, 0), "epoch_ms": (1000, 0), "epoch_us": (1, 0),
                        "epoch_s_ms": (1000, 3), "epoch_s_us": (1, 6)}[style]
        return decimal(h.Decimal("x", digits), {}, {"x": t // unit}) if digits else str(t // unit)
    zone = timezone(timedelta(minutes=hole.offset_minutes))
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)).astimezone(zone)
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][at.month - 1]
    sign, minutes = "-" if hole.offset_minutes < 0 else "+", abs(hole.offset_minutes)
    flat = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
    day, clock = f"{at.year:04d}-{at.month:02d}-{at.day:02d}", f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    comma = "," if style.endswith("comma") else ""
    amazon = f"{month} {at.day}, {at.year:04d}{comma} {(at.hour + 11) % 12 + 1}{clock[2:]} {'AP'[at.hour // 12]}M"
    return {
        "iso_s_z": f"{day}T{clock}Z",
        "iso_ms_z": f"{day}T{clock}.{at.microsecond // 1000:03d}Z",
        "iso_us_z": f"{day}T{clock}.{at.microsecond:06d}Z",
        "iso_s_offset": f"{day}T{clock}{flat[:3]}:{flat[3:]}",
        "iso_ms_offset": f"{day}T{clock}.{at.microsecond // 1000:03d}{flat[:3]}:{flat[3:]}",
        "rfc3339_us": f"{day}T{clock}.{at.microsecond:06d}{flat[:3]}:{flat[3:]}",
        "clf": f"{at.day:02d}/{month}/{at.year:04d}:{clock} {flat}",
        "syslog": f"{month} {at.day:2d} {clock}",
        "aws_date": amazon, "aws_date_comma": amazon,
        "date": day,
        "slash_date": day.replace("-", "/"),
        "basic_m_z": f"{day}T{clock[:5]}Z".replace("-", "").replace(":", ""),
        "basic_s_z": f"{day}T{clock}Z".replace("-", "").replace(":", ""),
        "zeek_open": f"{day}-{clock}".replace(":", "-"),
    }[style]


def hexadecimal(hole: h.Hex, holes: Mapping[str, h.Hole], row: Row) -> str:
    words = range(-(-hole.width // 16))
    return "".join(f"{word(row[hole.column], hole.salt, k):016x}" for k in words)[: hole.width]


def letters(hole: h.Letters, holes: Mapping[str, h.Hole], row: Row) -> str:
    seed, size, n = row[hole.column], len(hole.alphabet), hole.length
    if hole.longest > hole.length:
        n += (word(seed, hole.salt, 1 << 31) >> 32) * (hole.longest - hole.length + 1) >> 32
    parts = (word(seed, hole.salt, k // 4) >> 16 * (k % 4) & 0xFFFF for k in range(n))
    return "".join(hole.alphabet[p * size >> 16] for p in parts)


def base62(hole: h.Base62, holes: Mapping[str, h.Hole], row: Row) -> str:
    words, shown = -(-hole.bits // 64), ""
    for k in range(words):
        u = word(row[hole.column], 0, k) >> (64 - ((hole.bits - 1) % 64 + 1) if k == 0 else 0)
        part = h.BASE62[u % 62]
        while u := u // 62:
            part += h.BASE62[u % 62]
        shown += part
    return shown


def uuid4(hole: h.Uuid4, holes: Mapping[str, h.Hole], row: Row) -> str:
    high, low = (word(row[hole.column], hole.salt, k) for k in (0, 1))
    return str(uuid.UUID(int=high << 64 | low, version=4))


def uuid1(hole: h.Uuid1, holes: Mapping[str, h.Hole], row: Row) -> str:
    drawn, low = (word(row[hole.seed], 0, k) for k in (0, 1))
    since = datetime(1970, 1, 1, tzinfo=UTC) - datetime(1582, 10, 15, tzinfo=UTC)
    ticks = (row[hole.time] + since // timedelta(microseconds=1)) * 10 + drawn % 10
    fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF, low >> 56 & 0x3F, low >> 48 & 0xFF,
              low & (1 << 48) - 1)
    return str(uuid.UUID(fields=fields, version=1))


WRITERS: dict[type, Callable[[Any, Mapping[str, h.Hole], Row], str]] = {
    h.Text: text,
    h.Int: lambda hole, holes, row: str(row[hole.column]),
    h.Pad: pad,
    h.Decimal: decimal,
    h.IPv4: lambda hole, holes, row: str(ipaddress.IPv4Address(row[hole.column])),
    h.Time: time,
    h.Pick: lambda hole, holes, row: hole.vocabulary[
        (word(row[hole.column], hole.salt, 0) >> 32) * len(hole.vocabulary) >> 32],
    h.Hex: hexadecimal,
    h.Letters: letters,
    h.Base62: base62,
    h.Uuid4: uuid4,
    h.Uuid1: uuid1,
    h.Forms: lambda hole, holes, row: "" if row[hole.column] < 0 else fill(hole.forms[row[hole.column]], holes, row),
}
