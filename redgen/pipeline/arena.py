"""Memory that a run's processes share: workers make bytes in it, the parent writes them to disk from it."""

from __future__ import annotations

import mmap
import sys
from multiprocessing import heap

import numpy as np

from redgen.errors import SinkError
from redgen.shards.space import Bytes

_SPANS = tuple(1 << bits for bits in range(36, 26, -2))
"""Bytes to ask for, the most first: a system that promises no more than it has refuses what another lends freely."""
_PASSED = 1 << 30
_NO_RESERVE = 0x4000 if sys.platform == "linux" else 0  # MAP_NORESERVE, mman(2); Python 3.11 has no name for it


class Arena:
    """A block whose pages come into being when they are first written to; it can be handed to a new process."""

    def __init__(self, memory: mmap.mmap | heap.Arena) -> None:
        self._memory = memory

    def block(self) -> Bytes:
        """All of it, shape [size]."""
        memory = self._memory.buffer if isinstance(self._memory, heap.Arena) else self._memory
        return np.frombuffer(memory, dtype=np.uint8)


def arenas(count: int, *, inherited: bool) -> list[Arena]:
    """``count`` equally large arenas; SinkError when the system refuses.

    ``inherited``: processes get them by fork; else they are files of the system's, and can be passed to them.
    """
    if not inherited:
        return [Arena(heap.Arena(_PASSED)) for _ in range(count)]
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | _NO_RESERVE
    for span in _SPANS:
        try:
            return [Arena(mmap.mmap(-1, span, flags=flags)) for _ in range(count)]
        except OSError:
            continue  # those that were lent go back when nobody names them
    raise SinkError("the system gives no memory to share between processes; free some, or use fewer --jobs")
