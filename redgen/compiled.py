"""How kernels are compiled: to machine code that is kept on disk, lets other threads run, and counts no references."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb

SOURCES = (
    "seed.py", "compiled.py", "activity/effects.py", "activity/objects.py", "activity/terms.py", "activity/web.py",
    "activity/wire.py", "benign/behaviors/_script.py", "benign/behaviors/_walk.py", "clock.py", "render/digits.py",
    "render/holes.py", "render/kernel.py", "render/program.py", "render/times.py", "shards/order.py", "world/names.py",
    "world/sites.py",
)
"""The modules that hold kernels or constants of kernels."""


def kernel(signature: str = "", **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function over arrays and numbers that allocates nothing: what it needs it is given.

    Numba would count a reference, with an atomic instruction, for each array in each call between kernels; on short
    rows that takes a third of the time. Without its run-time (``_nrt``) it cannot, and ``np.empty`` inside is an error.

    The code on disk is used until any of ``SOURCES`` changes, since kernels hold what they call; numba alone would look
    at the function's own file. ``signature``: compile at once, for these types alone. ``options``: more of ``njit``'s.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made: Any = nb.njit(cache=True, nogil=True, _nrt=False, **options)(function)  # type: ignore[call-overload]
        index: Any = getattr(getattr(made, "_cache", None), "_cache_file", None)
        if hasattr(index, "_source_stamp"):  # numba 0.61 to 0.68; without it the own file's stamp has to do
            index._source_stamp = (index._source_stamp, _stamps())
        if signature:
            made.compile(signature)
            made.disable_compile()
        return made

    return compiled


@cache
def _stamps() -> tuple[tuple[int, int], ...]:
    """Time of change and size of each source; zeros where a source is no file."""
    found = []
    for name in SOURCES:
        path = Path(__file__).parent / name
        state = path.stat() if path.is_file() else None
        found.append((state.st_mtime_ns, state.st_size) if state else (0, 0))
    return tuple(found)
