"""Groups: several elements for each of some things, as flat columns: positions, ranks and running totals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.seed import I64


def expand(counts: NDArray[np.integer]) -> tuple[I64, I64]:
    """Position of the thing and rank within it, for ``counts`` elements per thing.

    >>> [column.tolist() for column in expand(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)


def running(steps: NDArray[Any], rank: I64) -> I64:
    """Running totals of ``steps`` within each thing, the element itself included, in whole units.

    Fractions are dropped first: sums of integers do not depend on what other things stand before.

    >>> running(np.array([5, 7, 3]), np.array([0, 1, 0])).tolist()
    [5, 12, 3]
    """
    whole = np.asarray(steps).astype(np.int64)
    if not len(whole):
        return whole
    total = np.cumsum(whole)
    before = np.maximum.accumulate(np.where(rank == 0, np.arange(len(rank)), 0))
    within: I64 = total - total[before] + whole[before]
    return within
