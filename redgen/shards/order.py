"""The order of lines: by write time, then row id, then as the source gave them, whatever order rows came in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ID_BITS = 18
_LONGEST = 1 << (63 - _ID_BITS)


def write_order(written: NDArray[np.int64], ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions that sort rows by (written, id); rows of one id and time keep their order.

    One unstable sort of packed keys, then the few rows whose keys collide are put right: half the time of a
    stable sort by two keys.
    """
    n = len(written)
    if n < 2:
        return np.arange(n, dtype=np.int64)
    offset = written - written.min()
    if int(offset.max()) >= _LONGEST:
        return np.lexsort((ids, written))
    packed = (offset << _ID_BITS) | (ids >> np.uint64(64 - _ID_BITS)).astype(np.int64)
    order = np.argsort(packed).astype(np.int64)
    packed = packed[order]
    same = packed[1:] == packed[:-1]
    if same.any():
        tied = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        rows = np.sort(order[tied])
        order[tied] = rows[np.lexsort((rows, ids[rows], written[rows]))]
    return order
