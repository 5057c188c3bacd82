"""The order of lines: by write time, then row id, then as the source gave them, whatever order rows came in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def write_order(written: NDArray[np.int64], ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions that sort rows by (written, id); rows of one id and time keep their order.

    Times and positions are packed into one number and those are sorted, which numpy does several times faster than it
    finds the order of a column; then the few rows of equal time are put right.
    """
    n = len(written)
    if n < 2:
        return np.arange(n, dtype=np.int64)
    offset = written - written.min()
    bits = int(n - 1).bit_length()
    if int(offset.max()) >= 1 << (63 - bits):
        return np.lexsort((ids, written))
    packed = np.sort((offset << bits) | np.arange(n, dtype=np.int64))
    order: NDArray[np.int64] = packed & ((1 << bits) - 1)
    packed >>= bits
    same = packed[1:] == packed[:-1]
    if same.any():
        tied = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        rows = order[tied]
        order[tied] = rows[np.lexsort((rows, ids[rows], written[rows]))]
    return order
