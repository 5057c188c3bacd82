"""The order of lines: by write time, then row id, then as the source gave them, whatever order rows came in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.compiled import kernel

_SHARE = 4
"""Rows a bucket of time should hold."""
_MOST = 256
"""Rows of one bucket from which putting them in order one by one costs more than a sort of all."""


def write_order(written: NDArray[np.int64], ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions that sort rows by (written, id); rows of one id and time keep their order.

    Logs fill time about evenly, so rows go to as many short spans of time as there are rows, and are put in order
    there; where a burst fills a span with many, all are sorted.
    """
    n = len(written)
    if n < 2:
        return np.arange(n, dtype=np.int64)
    low = written.min()
    last = int(written.max() - low)
    shift = max(0, last.bit_length() - (n // _SHARE).bit_length())
    until, order = np.zeros((last >> shift) + 2, dtype=np.int64), np.empty(n, dtype=np.int64)
    if _in_buckets(written, ids, low, shift, until, np.empty_like(until), np.empty(n, dtype=np.int64), order):
        return order
    return np.lexsort((ids, written))


@kernel()
def _in_buckets(t, ids, low, shift, until, filled, times, order):  # type: ignore[no-untyped-def]
    """Fill ``order``; False when a bucket holds too many. ``times``: scratch, as long as ``order``.

    ``until`` (zeros, one more than buckets) becomes where each bucket begins; ``filled`` how far it is filled.
    """
    for i in range(t.shape[0]):
        until[((t[i] - low) >> shift) + 1] += 1
    for bucket in range(1, until.shape[0]):
        if until[bucket] > _MOST:
            return False
        until[bucket] += until[bucket - 1]
        filled[bucket - 1] = until[bucket - 1]
    for i in range(t.shape[0]):
        bucket = (t[i] - low) >> shift
        k = filled[bucket]
        filled[bucket] = k + 1
        while k > until[bucket] and (times[k - 1] > t[i] or (times[k - 1] == t[i] and ids[order[k - 1]] > ids[i])):
            times[k], order[k] = times[k - 1], order[k - 1]
            k -= 1
        times[k], order[k] = t[i], i
    return True
