"""The kernel's clock: microseconds of UTC to calendar text, with the day's date kept from row to row."""

from __future__ import annotations

import numpy as np

from redgen.render.digits import hand, put_fixed, put_int, put_pair
from redgen.render.holes import TIME_STYLES

_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", dtype=np.uint8)
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # 0001-01-01T00:00:00 and 9999-12-31T23:59:59

_CLF = TIME_STYLES.index("clf")
_SYSLOG = TIME_STYLES.index("syslog")
_AWS = TIME_STYLES.index("aws_date")
_AWS_COMMA = TIME_STYLES.index("aws_date_comma")
_DATE = TIME_STYLES.index("date")
_SLASH = TIME_STYLES.index("slash_date")
_BASIC = TIME_STYLES.index("basic_s_z")
_MINUTE = TIME_STYLES.index("basic_m_z")
_ZEEK = TIME_STYLES.index("zeek_open")
_EPOCH_S = TIME_STYLES.index("epoch_s")
_EPOCH_MS = TIME_STYLES.index("epoch_ms")
_EPOCH_US = TIME_STYLES.index("epoch_us")
_EPOCH_S_MS = TIME_STYLES.index("epoch_s_ms")
# the ISO styles come first: per style the digits of its fraction, and whether it ends in Z
_FRACTION = np.array([0, 3, 6, 0, 3, 6], dtype=np.int64)
_ZULU = np.array([1, 1, 1, 0, 0, 0], dtype=np.int64)


@hand
def time_fits(t, offset):  # type: ignore[no-untyped-def]
    """Whether the local time lies in the years 1 to 9999."""
    s = t // 1_000_000
    return min(s, s + offset * 60) >= _FIRST and max(s, s + offset * 60) <= _LAST


@hand
def _set_day(day, calendar):  # type: ignore[no-untyped-def]
    """Put year, month and day of month of a day since 1970 into ``calendar``.

    Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    z = day + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    calendar[0] = day
    calendar[1] = yoe + era * 400 + (month <= 2)
    calendar[2] = month
    calendar[3] = doy - (153 * mp + 2) // 5 + 1


@hand
def _put_month(out, o, month):  # type: ignore[no-untyped-def]
    for k in range(3):
        out[o + k] = _MONTHS[3 * month - 3 + k]
    return o + 3


@hand
def _put_date(out, o, calendar, gap):  # type: ignore[no-untyped-def]
    """yyyy-mm-dd, or yyyymmdd when ``gap`` is 0."""
    o = put_fixed(out, o, calendar[1], 4)
    out[o] = 45
    o = put_pair(out, o + gap, calendar[2])
    out[o] = 45
    return put_pair(out, o + gap, calendar[3])


@hand
def _put_clock(out, o, second, colon, gap):  # type: ignore[no-untyped-def]
    """hh:mm:ss of a second of the day, ``colon`` between them when ``gap`` is 1."""
    minute = second // 60
    o = put_pair(out, o, minute // 60)
    out[o] = colon
    o = put_pair(out, o + gap, minute % 60)
    out[o] = colon
    return put_pair(out, o + gap, second % 60)


@hand
def _put_zone(out, o, offset, gap):  # type: ignore[no-untyped-def]
    """+hh:mm, or +hhmm when ``gap`` is 0."""
    out[o] = 43 if offset >= 0 else 45
    o = put_pair(out, o + 1, abs(offset) // 60)
    out[o] = 58
    return put_pair(out, o + gap, abs(offset) % 60)


@hand
def _put_epoch(out, o, t, style):  # type: ignore[no-untyped-def]
    if style == _EPOCH_S:
        return put_int(out, o, t // 1_000_000)
    if style == _EPOCH_MS:
        return put_int(out, o, t // 1_000)
    if style == _EPOCH_US:
        return put_int(out, o, t)
    unit, width = (1_000, 3) if style == _EPOCH_S_MS else (1, 6)
    v = t // unit
    if v < 0:
        out[o] = 45
        o += 1
        v = -v
    second = 1_000_000 // unit
    o = put_int(out, o, v // second)
    out[o] = 46
    return put_fixed(out, o + 1, v % second, width)


@hand
def put_time(out, o, t, style, offset, calendar):  # type: ignore[no-untyped-def]
    """The time t (µs) in a style of ``TIME_STYLES``, shown ``offset`` minutes east of UTC, floored."""
    if style >= _EPOCH_S:
        return _put_epoch(out, o, t, style)
    s = t // 1_000_000 + offset * 60
    micros = t - t // 1_000_000 * 1_000_000
    day = s // 86_400
    second = s - day * 86_400
    if day != calendar[0]:
        _set_day(day, calendar)
    if style < _CLF:
        o = _put_date(out, o, calendar, 1)
        out[o] = 84
        o = _put_clock(out, o + 1, second, 58, 1)
        width = _FRACTION[style]
        if width:
            out[o] = 46
            o = put_fixed(out, o + 1, micros if width == 6 else micros // 1_000, width)
        if _ZULU[style]:
            out[o] = 90
            return o + 1
        return _put_zone(out, o, offset, 1)
    return _put_named(out, o, style, offset, second, calendar)


@hand
def _put_named(out, o, style, offset, second, calendar):  # type: ignore[no-untyped-def]
    """The styles that are not ISO 8601."""
    if style == _CLF:
        o = put_pair(out, o, calendar[3])
        out[o] = 47
        o = _put_month(out, o + 1, calendar[2])
        out[o] = 47
        o = put_fixed(out, o + 1, calendar[1], 4)
        out[o] = 58
        o = _put_clock(out, o + 1, second, 58, 1)
        out[o] = 32
        return _put_zone(out, o + 1, offset, 0)
    if style == _SYSLOG:
        o = _put_month(out, o, calendar[2])
        out[o] = 32
        put_pair(out, o + 1, calendar[3])
        if calendar[3] < 10:
            out[o + 1] = 32
        out[o + 3] = 32
        return _put_clock(out, o + 4, second, 58, 1)
    if style in (_AWS, _AWS_COMMA):
        return _put_aws(out, o, second, style == _AWS_COMMA, calendar)
    if style == _SLASH:
        o = _put_date(out, o, calendar, 1)
        out[o - 6] = out[o - 3] = 47
        return o
    if style == _MINUTE:
        o = _put_date(out, o, calendar, 0)
        out[o] = 84
        o = put_pair(out, o + 1, second // 3600)
        o = put_pair(out, o, second // 60 % 60)
        out[o] = 90
        return o + 1
    o = _put_date(out, o, calendar, style != _BASIC)
    if style == _DATE:
        return o
    out[o] = 84 if style == _BASIC else 45
    o = _put_clock(out, o + 1, second, 45, style != _BASIC)
    out[o] = 90
    return o + (style == _BASIC)


@hand
def _put_aws(out, o, second, comma, calendar):  # type: ignore[no-untyped-def]
    """``Jan 2, 2026 3:14:07 AM``, or with a ``comma`` after the year."""
    o = _put_month(out, o, calendar[2])
    out[o] = 32
    o = put_int(out, o + 1, calendar[3])
    out[o] = 44
    out[o + 1] = 32
    o = put_fixed(out, o + 2, calendar[1], 4)
    out[o] = 44
    o += comma
    out[o] = 32
    hour = second // 3600
    o = put_int(out, o + 1, (hour + 11) % 12 + 1)
    out[o] = 58
    o = put_pair(out, o + 1, second // 60 % 60)
    out[o] = 58
    o = put_pair(out, o + 1, second % 60)
    out[o] = 32
    out[o + 1] = 65 if hour < 12 else 80
    out[o + 2] = 77
    return o + 3
