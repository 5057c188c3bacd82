"""Memory of our own processes: blocks are kept from shard to shard, and rubbish is looked for seldom."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MOST = 1 << 30


def keep_memory() -> None:
    """Tell glibc's malloc so; a twelfth of a run's time goes into page faults otherwise. Elsewhere, do nothing.

    For processes of our own: it holds for the whole process. The peak hardly grows, since the next shard needs what the
    last one did. Source: mallopt(3).
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, _MOST)
        libc.mallopt(_M_TRIM_THRESHOLD, _MOST)
        libc.mallopt(_M_TOP_PAD, 1 << 26)


def collect_seldom() -> None:
    """Let the garbage collector look at what lives already no more, and at the rest once in a while.

    For processes of our own. Columns hold no cycles; collections while modules are loaded take a tenth of the start-up.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
