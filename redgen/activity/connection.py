"""Connection numbers that remember when the connection began, so that a server's serials can grow with time.

The value of an ``http`` row's ``conn``: the second of the start (modulo 2**24, 194 days) in the upper 24 bits, 40
hashed bits below, which keep apart the connections of one second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.clock import SECOND

_HASHED = np.uint64(40)
_MASK = np.uint64((1 << 40) - 1)


def number(started: NDArray[np.int64], drawn: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The ``conn`` of connections that began at ``started`` (µs); ``drawn`` is a hash of whatever identifies them."""
    second = (started // SECOND).astype(np.uint64)
    return second << _HASHED | drawn & _MASK


def serial(conn: NDArray[np.uint64], per_second: int, period: int) -> NDArray[np.int64]:
    """A server's count of connections at each one's start: grows with time, begins anew every ``period`` seconds.

    ``per_second`` is how far it advances; connections of one second get numbers within that second's share.
    """
    second = (conn >> _HASHED).astype(np.int64) % period
    share: NDArray[Any] = ((conn & _MASK) * np.uint64(per_second) >> _HASHED).astype(np.int64)
    number: NDArray[np.int64] = 1 + second * per_second + share
    return number
