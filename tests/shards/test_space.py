"""Bytes are made in a block, one piece after the other, or each in memory of its own."""

from __future__ import annotations

import numpy as np
import pytest

from redgen.errors import SinkError
from redgen.shards.space import Space


def test_what_is_made_in_the_block_is_not_copied() -> None:
    block = np.zeros(100, dtype=np.uint8)
    space = Space(block)
    free = space.free()
    assert free is not None
    free[:3] = [1, 2, 3]
    first, second = space.keep(free[:3]), space.keep(b"abc")
    assert np.shares_memory(first, block)
    assert (space.span(first), space.span(second)) == ((0, 3), (3, 6))
    assert block[:6].tobytes() == b"\x01\x02\x03abc"


def test_without_a_block_pieces_are_their_own() -> None:
    space = Space()
    assert space.free() is None
    assert space.keep(b"abc").tobytes() == b"abc"


def test_a_full_block_says_what_to_do() -> None:
    space = Space(np.zeros(4, dtype=np.uint8))
    space.keep(b"abc")
    with pytest.raises(SinkError, match="set a shorter `shard`"):
        space.keep(b"de")
