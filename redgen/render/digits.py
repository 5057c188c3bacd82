"""The kernel's hands: each ``put_*`` writes one value into ``out`` at ``o`` and returns where it ends."""

from __future__ import annotations

import numba as nb
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.extending import intrinsic

from redgen.seed import mix

hand = nb.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)  # type: ignore[call-overload]
"""For what the kernel calls: compiled and cached as part of it, not to be called from Python, no test for / 0."""

_PAIRS = np.frombuffer("".join(f"{k:02d}" for k in range(100)).encode(), dtype=np.uint8)
_HEX_PAIRS = np.frombuffer("".join(f"{k:02x}" for k in range(256)).encode(), dtype=np.uint8)
_GREGORIAN = 12_219_292_800_000_000  # microseconds from 1582-10-15, where UUID time begins, to 1970-01-01
_LENGTH_WORD = 1 << 31               # the word of a seed that decides how long drawn text is


@intrinsic
def _copy16(typingctx, out, o, data, a):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Copy 16 bytes of ``data`` at ``a`` to ``out`` at ``o`` in one load and one store; nothing is checked."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        block = ir.VectorType(ir.IntType(8), 16).as_pointer()

        def place(k):  # type: ignore[no-untyped-def]
            start = context.make_array(signature.args[k])(context, builder, args[k]).data
            return builder.bitcast(builder.gep(start, [args[k + 1]]), block)

        builder.store(builder.load(place(2), align=1), place(0), align=1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return nb.void(out, nb.int64, data, nb.int64), generate


@hand
def put_bytes(out, o, data, a, length):  # type: ignore[no-untyped-def]
    """``data[a : a + length]``; reads and writes up to 15 bytes further, which both buffers allow for."""
    for k in range(0, length, 16):
        _copy16(out, o + k, data, a + k)  # type: ignore[call-arg]  # numba passes the first one
    return o + length


@hand
def put_pair(out, o, v):  # type: ignore[no-untyped-def]
    """0 <= v < 100 as two digits."""
    out[o] = _PAIRS[2 * v]
    out[o + 1] = _PAIRS[2 * v + 1]
    return o + 2


@hand
def put_fixed(out, o, v, width):  # type: ignore[no-untyped-def]
    """The low ``width`` digits of v >= 0, zero padded."""
    u = np.uint64(v)
    for k in range(o + width - 1, o - 1, -1):
        out[k] = np.uint64(48) + u % np.uint64(10)
        u //= np.uint64(10)
    return o + width


@hand
def _magnitude(v):  # type: ignore[no-untyped-def]
    """|v| as u64, right for the least int64 too."""
    return np.uint64(v) if v >= 0 else np.uint64(0) - np.uint64(v)


@hand
def _width(u):  # type: ignore[no-untyped-def]
    """How many decimal digits u has."""
    n = 1
    while u >= np.uint64(10000):
        u //= np.uint64(10000)
        n += 4
    return n + (u >= np.uint64(10)) + (u >= np.uint64(100)) + (u >= np.uint64(1000))


@hand
def _put_uint(out, o, u):  # type: ignore[no-untyped-def]
    n = _width(u)
    k = o + n
    while u >= np.uint64(100):
        rest = np.int64(u % np.uint64(100))
        u //= np.uint64(100)
        k -= 2
        put_pair(out, k, rest)
    if u >= np.uint64(10):
        put_pair(out, k - 2, np.int64(u))
    else:
        out[k - 1] = np.uint64(48) + u
    return o + n


@hand
def put_int(out, o, v):  # type: ignore[no-untyped-def]
    """The number v in decimal."""
    if v < 0:
        out[o] = 45
        o += 1
    return _put_uint(out, o, _magnitude(v))


@hand
def put_padded(out, o, v, width, fill):  # type: ignore[no-untyped-def]
    """The number v right-aligned in ``width`` characters, the sign before zeros and after blanks."""
    u = _magnitude(v)
    gap = width - _width(u) - (v < 0)
    if v < 0 and fill == 48:
        out[o] = 45
        o += 1
    for _ in range(gap):
        out[o] = fill
        o += 1
    if v < 0 and fill != 48:
        out[o] = 45
        o += 1
    return _put_uint(out, o, u)


@hand
def put_decimal(out, o, v, digits, trim, unit):  # type: ignore[no-untyped-def]
    """The number v / unit, unit = 10**digits, with ``digits`` decimals; ``trim`` drops trailing zeros but one."""
    if v < 0:
        out[o] = 45
        o += 1
    u = _magnitude(v)
    whole = u // np.uint64(unit)
    o = _put_uint(out, o, whole)
    out[o] = 46
    o = put_fixed(out, o + 1, u - whole * np.uint64(unit), digits)
    if trim:
        while out[o - 1] == 48 and out[o - 2] != 46:
            o -= 1
    return o


@hand
def put_ipv4(out, o, v):  # type: ignore[no-untyped-def]
    """0 <= v < 2**32 in dotted form."""
    for shift in (24, 16, 8, 0):
        part = (v >> shift) & 255
        if part >= 100:
            out[o] = 48 + part // 100
            o = put_pair(out, o + 1, part % 100)
        elif part >= 10:
            o = put_pair(out, o, part)
        else:
            out[o] = 48 + part
            o += 1
        out[o] = 46
        o += 1
    return o - 1


@hand
def _word(seed, salt, k):  # type: ignore[no-untyped-def]
    """The k-th u64 drawn from a seed."""
    return mix(np.uint64(seed), np.uint64((salt << 32) + k))


@hand
def pick(seed, salt, n):  # type: ignore[no-untyped-def]
    """A number below n <= 2**32, drawn from a seed."""
    return np.int64((_word(seed, salt, 0) >> np.uint64(32)) * np.uint64(n) >> np.uint64(32))


@hand
def _put_hex_bytes(out, o, u, first, last):  # type: ignore[no-untyped-def]
    """Bytes ``first``..``last`` (exclusive, 0 the most significant) of u64 as hexadecimal pairs."""
    for k in range(first, last):
        byte = np.int64((u >> np.uint64(56 - 8 * k)) & np.uint64(255))
        out[o] = _HEX_PAIRS[2 * byte]
        out[o + 1] = _HEX_PAIRS[2 * byte + 1]
        o += 2
    return o


@hand
def put_hex(out, o, seed, salt, width):  # type: ignore[no-untyped-def]
    """``width`` hexadecimal digits, 16 from each word of the seed."""
    stop = o + width
    k = 0
    while o < stop:
        o = _put_hex_bytes(out, o, _word(seed, salt, k), 0, min(8, (stop - o + 1) // 2))
        k += 1
    return stop


@hand
def put_letters(out, o, seed, salt, lengths, data, alphabet):  # type: ignore[no-untyped-def]
    """Characters of an alphabet in ``data`` (its place << 9 | its size), four from the 16-bit parts of each word."""
    shortest, longest = lengths >> 16, lengths & 0xFFFF
    at, size = alphabet >> 9, np.uint64(alphabet & 511)
    if longest > shortest:
        spread = _word(seed, salt, _LENGTH_WORD) >> np.uint64(32)
        shortest += np.int64(spread * np.uint64(longest - shortest + 1) >> np.uint64(32))
    u = np.uint64(0)
    for k in range(shortest):
        if k & 3 == 0:
            u = _word(seed, salt, k >> 2)
        out[o + k] = data[at + np.int64((u & np.uint64(0xFFFF)) * size >> np.uint64(16))]
        u >>= np.uint64(16)
    return o + shortest


@hand
def put_base62(out, o, seed, words, first_bits, data, alphabet):  # type: ignore[no-untyped-def]
    """``words`` u64 (the first cut to ``first_bits``) in base 62, low digit first."""
    for k in range(words):
        u = _word(seed, 0, k)
        if k == 0:
            u >>= np.uint64(64 - first_bits)
        while True:
            out[o] = data[alphabet + np.int64(u % np.uint64(62))]
            u //= np.uint64(62)
            o += 1
            if u == 0:
                break
    return o


@hand
def _put_uuid(out, o, high, low):  # type: ignore[no-untyped-def]
    for first, last in ((0, 4), (4, 6), (6, 8)):
        o = _put_hex_bytes(out, o, high, first, last)
        out[o] = 45
        o += 1
    o = _put_hex_bytes(out, o, low, 0, 2)
    out[o] = 45
    return _put_hex_bytes(out, o + 1, low, 2, 8)


@hand
def put_uuid4(out, o, seed, salt):  # type: ignore[no-untyped-def]
    """A UUID of 122 drawn bits, version 4, variant 1 (RFC 9562)."""
    high = _word(seed, salt, 0) & np.uint64(0xFFFFFFFFFFFF0FFF) | np.uint64(0x4000)
    low = _word(seed, salt, 1) & np.uint64(0x3FFFFFFFFFFFFFFF) | np.uint64(0x8000000000000000)
    return _put_uuid(out, o, high, low)


@hand
def put_uuid1(out, o, seed_t, seed):  # type: ignore[no-untyped-def]
    """A UUID of the time ``seed_t`` in µs (RFC 9562, version 1), its last 100 ns digit, clock and node drawn."""
    drawn = _word(seed, 0, 0)
    ticks = np.uint64((seed_t + _GREGORIAN) * 10) + drawn % np.uint64(10)
    high = ticks << np.uint64(32) | (ticks >> np.uint64(16)) & np.uint64(0xFFFF0000)
    high |= (ticks >> np.uint64(48)) & np.uint64(0x0FFF) | np.uint64(0x1000)
    low = _word(seed, 0, 1) & np.uint64(0x3FFFFFFFFFFFFFFF) | np.uint64(0x8000000000000000)
    return _put_uuid(out, o, high, low)
