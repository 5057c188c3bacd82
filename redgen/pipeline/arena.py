"""Memory that a run's processes share: workers make bytes in it, the parent writes them to disk from it."""

from __future__ import annotations

import mmap
import sys
from multiprocessing import heap

import numpy as np

from redgen.errors import SinkError
from redgen.shards.space import Bytes

_SPANS = tuple(1 << bits for bits in (36, 34, 32, 30))
"""Bytes to ask for, the most first: a system that promises no more than it has refuses what another lends freely."""
_PASSED = 1 << 30
_NO_RESERVE = 0x4000 if sys.platform == "linux" else 0  # MAP_NORESERVE, mman(2); Python 3.11 has no name for it


class Arena:
    """A block whose pages come into being when they are first written to."""

    def __init__(self, *, inherited: bool) -> None:
        """``inherited``: processes get it by fork; else it is a file of the system's, and can be passed to them."""
        self._memory = _lent() if inherited else heap.Arena(_PASSED)

    def block(self) -> Bytes:
        """All of it, shape [size]."""
        memory = self._memory.buffer if isinstance(self._memory, heap.Arena) else self._memory
        return np.frombuffer(memory, dtype=np.uint8)


def _lent() -> mmap.mmap:
    for span in _SPANS:
        try:
            return mmap.mmap(-1, span, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _NO_RESERVE)
        except OSError:
            continue
    raise SinkError("the system gives no memory to share between processes; free some, or try --jobs 1")
