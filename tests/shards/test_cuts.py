"""Where time is cut into shards, and the order of lines inside them."""

from __future__ import annotations

import numpy as np

from redgen.clock import HOUR, MINUTE
from redgen.shards.layout import make_layout
from redgen.shards.order import write_order
from tests.shards.doubles import START, tiny_plan


def test_shards_follow_the_expected_rows() -> None:
    window = tiny_plan().layout.window
    busy = START + 12 * HOUR

    def expected(a: int, b: int) -> float:
        return 1000 * max(0, min(b, busy + HOUR) - max(a, busy)) / HOUR + (b - a) / HOUR

    layout = make_layout(window, 5 * MINUTE, expected, expected, framed=False, rows_per_shard=100)
    assert all((c - START) % (5 * MINUTE) == 0 for c in layout.cuts)
    assert max(expected(*layout.interval(k)) for k in range(layout.shards)) < 260
    assert layout.shards < 20


def test_write_order_is_exact_for_colliding_keys() -> None:
    rng = np.random.default_rng(1)
    written = rng.integers(0, 50, 5000) + START
    ids = (rng.integers(0, 40, 5000).astype(np.uint64) << np.uint64(60)) | rng.integers(0, 3, 5000).astype(np.uint64)
    order = write_order(written, ids)
    assert order.tolist() == sorted(range(5000), key=lambda k: (written[k], ids[k], k))
