"""Randomness by name: every draw is a pure function of a named key and a row id.

A ``Seed`` is a path of names below one root. ``noise`` and its relatives draw one value per row id, so a
value depends on nothing but the name and the row: not on the order of calls, the number of workers or the
rows beside it. ``Stream`` draws in sequence and is for planning, where rows are few. None of numpy's
distribution code is used, so the bytes do not change with its version.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@nb.njit("uint64(uint64, uint64)", inline="always", cache=True, nogil=True)
def mix(key, i):  # type: ignore[no-untyped-def]
    """Hash of (key, i) to u64, for use inside kernels: two keyed rounds of splitmix64's finalizer.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = (i + _GOLDEN) * _M1 ^ key
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    z = z ^ (z >> _S31) ^ key
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@nb.njit("float64(uint64)", inline="always", cache=True, nogil=True)
def to_uniform(z):  # type: ignore[no-untyped-def]
    """u64 to a float in the open interval (0, 1), for use inside kernels."""
    return np.float64(z >> _S11) * 2.0**-53 + 2.0**-54


@nb.njit("float64(float64)", cache=True, nogil=True)
def to_normal(p):  # type: ignore[no-untyped-def]
    """Standard normal quantile of p in (0, 1), relative error about 1e-16; for use inside kernels.

    Source: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988 (PPND16).
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
                + 133.14166789178437745) * r + 3.387132872796366608)
        den = (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
                + 42.313330701600911252) * r + 1.0)
        return q * num / den
    r = p if q < 0 else 1.0 - p
    r = np.sqrt(-np.log(r))
    if r <= 5.0:
        r -= 1.6
        num = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                + 4.6303378461565452959) * r + 1.42343711074968357734)
        den = (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0)
    else:
        r -= 5.0
        num = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                + 5.4637849111641143699) * r + 6.6579046435011037772)
        den = (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
                + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                + 0.59983220655588793769) * r + 1.0)
    x = num / den
    return -x if q < 0 else x


@nb.njit("void(uint64, uint64[::1], uint64[::1])", cache=True, nogil=True)
def _mix_rows(key, ids, out):  # type: ignore[no-untyped-def]
    for i in range(ids.shape[0]):
        out[i] = mix(key, ids[i])


@nb.njit("void(uint64, uint64[::1], float64[::1])", cache=True, nogil=True)
def _uniform_rows(key, ids, out):  # type: ignore[no-untyped-def]
    for i in range(ids.shape[0]):
        out[i] = to_uniform(mix(key, ids[i]))


@nb.njit("void(uint64, uint64[::1], float64[::1])", cache=True, nogil=True)
def _normal_rows(key, ids, out):  # type: ignore[no-untyped-def]
    for i in range(ids.shape[0]):
        out[i] = to_normal(to_uniform(mix(key, ids[i])))


@nb.njit("void(float64[::1], float64[::1])", cache=True, nogil=True)
def _quantile_rows(p, out):  # type: ignore[no-untyped-def]
    for i in range(p.shape[0]):
        out[i] = to_normal(min(max(p[i], 2.0**-54), 1.0 - 2.0**-53))


def normal_quantile(p: ArrayLike) -> F64:
    """Standard normal quantile of each p, kept inside the largest and smallest of to_uniform's values."""
    flat = np.ascontiguousarray(p, dtype=np.float64).reshape(-1)
    out = np.empty(len(flat))
    _quantile_rows(flat, out)
    return out.reshape(np.shape(p))[()]


def picked(u: F64, upto: ArrayLike) -> I64:
    """One position per uniform, with probability proportional to the weights whose running totals are ``upto``."""
    totals = np.asarray(upto)
    found: I64 = np.searchsorted(totals, u * totals[-1], side="right")
    return np.minimum(found, len(totals) - 1)


def _drawn(kernel: Callable[..., None], key: int, ids: U64, dtype: type[np.generic]) -> NDArray[Any]:
    """What ``kernel`` draws for each id; kernels take flat arrays, and load sooner than numba's own ufuncs."""
    flat = np.ascontiguousarray(ids, dtype=np.uint64).reshape(-1)
    out = np.empty(len(flat), dtype=dtype)
    kernel(np.uint64(key), flat, out)
    return out.reshape(np.shape(ids))[()]


@lru_cache(maxsize=65536)
def _child_key(key: int, names: tuple[str | int, ...]) -> int:
    h = hashlib.blake2b(key.to_bytes(8, "little"), digest_size=8)
    for name in names:
        raw = str(name).encode()
        h.update(len(raw).to_bytes(4, "little") + raw)
    return int.from_bytes(h.digest(), "little")


@dataclass(frozen=True)
class Seed:
    """A named place in the tree of random streams.

    >>> Seed(7).child("benign", "shoppers").key == Seed(7).child("benign").child("shoppers").key
    True
    """

    key: int
    path: tuple[str, ...] = field(default=(), compare=False)

    def child(self, *names: str | int) -> Seed:
        """The stream below this one named ``names``; the same names give the same stream."""
        key = self.key
        for name in names:
            key = _child_key(key, (name,))
        return Seed(key, (*self.path, *(str(n) for n in names)))

    def stream(self) -> Stream:
        """A sequential generator for planning."""
        return Stream(self.key)

    def noise(self, ids: U64, name: str) -> U64:
        """One u64 per row id, from the stream ``name``. Shape: that of ``ids``."""
        return _drawn(_mix_rows, _child_key(self.key, (name,)), ids, np.uint64)

    def uniform(self, ids: U64, name: str) -> F64:
        """One float in (0, 1) per row id."""
        return _drawn(_uniform_rows, _child_key(self.key, (name,)), ids, np.float64)

    def normal(self, ids: U64, name: str) -> F64:
        """One standard normal per row id."""
        return _drawn(_normal_rows, _child_key(self.key, (name,)), ids, np.float64)

    def key_for(self, name: str) -> np.uint64:
        """The key of the stream ``name`` as numpy u64, to hand to a kernel that calls ``mix`` itself."""
        return np.uint64(_child_key(self.key, (name,)))

    def __str__(self) -> str:
        return "/".join(self.path) or "root"


class Stream:
    """Draws in sequence from one key; a scalar when ``size`` is None, else an array of that length."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._at = 0

    def u64(self, size: int) -> U64:
        """``size`` raw draws."""
        ids = np.arange(self._at, self._at + size, dtype=np.uint64)
        self._at += size
        return _drawn(_mix_rows, self._key, ids, np.uint64)

    def uniforms(self, size: int) -> F64:
        """``size`` floats in (0, 1)."""
        return (self.u64(size) >> _S11).astype(np.float64) * 2.0**-53 + 2.0**-54

    def uniform(self) -> float:
        """One float in (0, 1)."""
        self._at += 1
        return float(to_uniform(mix(self._key, self._at - 1)))

    def normals(self, size: int) -> F64:
        """``size`` standard normals."""
        ids = np.arange(self._at, self._at + size, dtype=np.uint64)
        self._at += size
        return _drawn(_normal_rows, self._key, ids, np.float64)

    def integers(self, low: int, high: int, size: int) -> I64:
        """``size`` integers in [low, high)."""
        return low + np.floor(self.uniforms(size) * (high - low)).astype(np.int64)

    def integer(self, low: int, high: int) -> int:
        """One integer in [low, high)."""
        return low + math.floor(self.uniform() * (high - low))

    def weighted(self, weights: Sequence[float] | F64) -> int:
        """One index, with probability proportional to ``weights``."""
        return int(self.weighted_many(weights, 1)[0])

    def weighted_many(self, weights: Sequence[float] | F64, size: int) -> I64:
        """``size`` indexes with replacement, with probability proportional to ``weights``."""
        return picked(self.uniforms(size), np.cumsum(np.asarray(weights, dtype=np.float64)))

    def permutation(self, n: int) -> I64:
        """The integers below n in random order."""
        return np.argsort(self.u64(n), kind="stable").astype(np.int64)

    def sample(self, n: int, size: int) -> I64:
        """``size`` different integers below n (all of them, shuffled, when size >= n).

        Cost follows ``size``, not n, as long as size is well below n.
        """
        if size >= n:
            return self.permutation(n)
        if size * 4 > n:
            return self.permutation(n)[:size]
        seen: dict[int, None] = {}
        while len(seen) < size:
            for value in self.integers(0, n, size - len(seen)).tolist():
                seen.setdefault(value)
        return np.fromiter(seen, dtype=np.int64, count=size)
