"""Memory that the bytes of a shard are made in, one piece after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.errors import SinkError

Bytes = NDArray[np.uint8]


class Space:
    """A block to fill from its beginning; without a block every piece keeps memory of its own."""

    def __init__(self, block: Bytes | None = None) -> None:
        self._block = block
        self._used = 0

    def free(self) -> Bytes | None:
        """What is not filled yet: make bytes there and ``keep`` them, and nothing is copied."""
        return None if self._block is None else self._block[self._used :]

    def keep(self, data: Bytes | bytes) -> Bytes:
        """``data`` at the next place; SinkError when the block is full."""
        piece = np.frombuffer(data, dtype=np.uint8)
        if self._block is None:
            return piece
        place = self._block[self._used : self._used + len(piece)]
        if len(place) < len(piece):
            raise SinkError(f"a shard is larger than {len(self._block):,} bytes; set a shorter `shard` in the scenario")
        if len(piece) and _address(place) != _address(piece):
            place[:] = piece
        self._used += len(piece)
        return place

    def span(self, piece: Bytes) -> tuple[int, int]:
        """Where a kept piece begins and ends in the block."""
        assert self._block is not None
        first = _address(piece) - _address(self._block) if len(piece) else 0
        return first, first + len(piece)


def _address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)
