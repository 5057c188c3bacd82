"""Tables: named numpy columns of one length, with a declared schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Schema = Mapping[str, str]


class Table:
    """Columns of equal length under a schema of name -> dtype; frozen: every verb gives a new table.

    A column that is left out is filled with the schema's blank (see ``blank``): scalars broadcast.

    >>> t = Table({"t": "i8", "status": "i2"}, t=[3, 1], status=200)
    >>> len(t), t["status"].tolist()
    (2, [200, 200])
    """

    __slots__ = ("_columns", "schema")

    def __init__(self, schema: Schema, n: int | None = None, /, **columns: Any) -> None:
        unknown = columns.keys() - schema.keys()
        if unknown:
            raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
        arrays = {name: np.asarray(value, dtype=schema[name]) for name, value in columns.items()}
        if n is None:
            n = next((len(a) for a in arrays.values() if a.ndim), 0)
        self.schema = schema
        self._columns: dict[str, Column] = {}
        for name, dtype in schema.items():
            array = arrays.get(name)
            if array is None:
                array = np.full(n, blank(name, dtype), dtype=dtype)
            elif array.ndim == 0:
                array = np.full(n, array, dtype=dtype)
            if len(array) != n:
                raise ValueError(f"column {name} has {len(array)} rows, not {n}")
            self._columns[name] = array

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def items(self) -> Iterable[tuple[str, Column]]:
        """(name, column) pairs in schema order."""
        return self._columns.items()

    def take(self, index: Column | slice) -> Table:
        """The rows at ``index``: positions, a boolean mask, or a slice."""
        return _made(self.schema, {name: column[index] for name, column in self._columns.items()})

    def replace(self, **columns: Any) -> Table:
        """The same rows with some columns changed."""
        return Table(self.schema, len(self), **{**self._columns, **columns})

    def without(self, *names: str) -> Table:
        """The same rows with fewer columns."""
        schema = {k: v for k, v in self.schema.items() if k not in names}
        return _made(schema, {k: self._columns[k] for k in schema})


def _made(schema: Schema, columns: dict[str, Column]) -> Table:
    table = object.__new__(Table)
    table.schema = schema
    table._columns = columns
    return table


def concat(tables: Sequence[Table]) -> Table:
    """All rows of tables of one schema, in order; at least one table."""
    if len(tables) == 1:
        return tables[0]
    schema = tables[0].schema
    return _made(schema, {name: np.concatenate([t[name] for t in tables]) for name in schema})


def blank(name: str, dtype: str) -> int:
    """What a column holds when nothing was said: -1 for signed codes, 0 for counts, times and unsigned."""
    unsigned = np.dtype(dtype).kind in "ub"
    return 0 if unsigned or name in ZERO_BLANK else -1


ZERO_BLANK = frozenset({
    "t", "w", "dur", "truth", "status", "bytes", "req_bytes", "orig_bytes", "resp_bytes", "ttl", "rtt", "n", "flags",
})
"""Signed columns whose 'nothing said' is 0: times, durations, sizes and counts."""
