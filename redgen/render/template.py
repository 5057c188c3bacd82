"""Templates: product text with ``@{holes}``, rendered from columns of integers to bytes in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from redgen.errors import PluginError
from redgen.render import kernel
from redgen.render.holes import Hole
from redgen.render.program import Program, compile_program
from redgen.table import Table

Bytes = NDArray[np.uint8]
Ends = NDArray[np.int64]

BLOCK = 16_384
"""Rows whose columns are gathered at a time, so that they are still in the cache when the kernel reads them."""
_PAD = 24        # columns start this many rows further apart, lest they share cache sets
_SLACK = 64      # the kernel copies in 16-byte steps and may write a few bytes past a row's end
_ROWS_TO_LEARN = 2_048


class Records(Protocol):
    """Anything with columns by name: a ``Table``, or a dict of equally long integer arrays."""

    def __getitem__(self, name: str, /) -> NDArray[Any]: ...


class Template:
    r"""Texts with typed holes; ``render`` fills them for many rows at once.

    ``forms`` are the alternative texts of a row, chosen by the column ``form_column`` (not read when there is only
    one). Each ``@{name}`` in a text is a hole of ``holes``; a ``Forms`` hole is itself a choice of texts over the same
    holes. A mistake in them is a ``PluginError``, here or (a code outside its vocabulary) when rendering.

    >>> from redgen.render.holes import Int, Time
    >>> t = Template(["@{at} took @{ms} ms\n"], {"at": Time("t", "iso_s_z"), "ms": Int("dur")})
    >>> t.texts({"t": np.array([0, 86_400_000_000]), "dur": np.array([5, -1])})
    ['1970-01-01T00:00:00Z took 5 ms\n', '1970-01-02T00:00:00Z took -1 ms\n']
    """

    def __init__(self, forms: Sequence[str], holes: Mapping[str, Hole], form_column: str = "form") -> None:
        self._program: Program = compile_program(forms, holes, form_column)
        self._mean = 0  # bytes of a row, learned from what was rendered; decides how much room to ask for only

    @property
    def columns(self) -> tuple[str, ...]:
        """The record columns that rendering reads."""
        return self._program.columns

    @property
    def longest(self) -> int:
        """No row is longer than this many bytes."""
        return self._program.longest

    def render(self, records: Records, rows: slice | None = None, out: Bytes | None = None) -> tuple[Bytes, Ends]:
        """The bytes of all rows (or of ``rows``) one after the other, and where each row ends in them.

        Returns (uint8[total], int64[n]). ``out`` is a buffer to write into when it is large enough; the bytes
        returned are then a view of it, good until its next use.
        """
        first, stop, _ = (rows or slice(None)).indices(_length(records))
        n = max(stop - first, 0)
        columns = [_reader(records, name) for name in self._program.columns]
        ends = np.zeros(n, dtype=np.int64)
        block = np.empty((max(len(columns), 1), min(n, BLOCK) + _PAD), dtype=np.int64)
        if out is None or len(out) < self.longest + _SLACK:
            room = n * self._mean * 17 // 16 if self._mean else min(n, _ROWS_TO_LEARN) * 128
            out = np.empty(max(room, self.longest) + self.longest + _SLACK, dtype=np.uint8)
        filled = 0
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            for target, read in zip(block, columns, strict=False):
                target[: stop - start] = read(slice(first + start, first + stop))
            out, filled = self._render_block(block, stop - start, out, filled, ends[start:stop], n - start)
        if n:
            self._mean = filled // n + 1
        return out[:filled], ends

    def _render_block(
        self, block: NDArray[np.int64], n: int, out: Bytes, filled: int, ends: Ends, rows_left: int
    ) -> tuple[Bytes, int]:
        program, row, begun, scratch = self._program, 0, filled, np.empty(kernel.SCRATCH, dtype=np.int64)
        while row < n:
            row, filled, trouble = kernel.render(
                program.code, program.starts, program.data, program.offsets, block, row, n, scratch, out, filled, ends,
                len(out) - program.longest - _SLACK,
            )
            if trouble >= 0:
                raise PluginError(program.explain(trouble, block[:, row]))
            if row < n:
                mean = max((filled - begun) // max(row, 1), self._mean, 1)
                wider = np.empty(max(2 * len(out), filled + mean * rows_left * 9 // 8) + self.longest, dtype=np.uint8)
                wider[:filled] = out[:filled]
                out = wider
        return out, filled

    def texts(self, records: Records) -> list[str]:
        """Each row as a string; for tests and for single lines."""
        data, ends = self.render(records)
        whole, at = data.tobytes(), [0, *ends.tolist()]
        return [whole[a:b].decode() for a, b in pairwise(at)]


def _reader(records: Records, name: str) -> Callable[[slice], NDArray[Any]]:
    """How to read some rows of a column as int64; tables need not have picked the whole of it."""
    read = partial(records.part, name) if isinstance(records, Table) else records[name].__getitem__
    dtype = read(slice(0, 0)).dtype
    if dtype.kind not in "iub":
        raise PluginError(f"column {name!r} is {dtype}; templates read integers")
    return (lambda rows: read(rows).view(np.int64)) if dtype == np.uint64 else read


def _length(records: Records) -> int:
    sized = next((records[name] for name in records), None) if isinstance(records, Mapping) else records
    return len(sized) if sized is not None else 0  # type: ignore[arg-type]
