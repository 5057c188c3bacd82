"""How kernels are compiled: to machine code that is kept on disk, lets other threads run, and counts no references."""

from __future__ import annotations

import numba as nb

kernel = nb.njit(cache=True, nogil=True, _nrt=False)  # type: ignore[call-overload]
"""Decorator of a function over arrays and numbers that allocates nothing: what it needs it is given.

Numba would count a reference, with an atomic instruction, for each array in each call between kernels; on short rows
that takes a third of the time. Without its run-time (``_nrt``) it cannot, and ``np.empty`` inside is an error.
"""
