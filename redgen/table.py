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

    __slots__ = ("_columns", "_from", "_rows", "schema")

    def __init__(self, schema: Schema, n: int | None = None, /, **columns: Any) -> None:
        unknown = columns.keys() - schema.keys()
        if unknown:
            raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
        arrays = {name: np.asarray(value, dtype=schema[name]) for name, value in columns.items()}
        if n is None:
            n = next((len(a) for a in arrays.values() if a.ndim), 0)
        self.schema = schema
        self._columns: dict[str, Column] = {}
        self._from: Mapping[str, Column] = {}
        self._rows: Column | None = None
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
        if self._rows is not None:
            return len(self._rows)
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __getitem__(self, name: str) -> Column:
        column = self._columns.get(name)
        if column is None:
            whole, rows = self._from[name], self._rows
            column = self._columns[name] = whole if rows is None else whole.take(rows, mode="clip")
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self.schema)

    def items(self) -> Iterable[tuple[str, Column]]:
        """(name, column) pairs in schema order."""
        return ((name, self[name]) for name in self.schema)

    def part(self, name: str, rows: slice) -> Column:
        """Some rows of a column; unlike ``table[name]`` it does not keep what it had to pick."""
        if name in self._columns or self._rows is None:
            return self._columns[name][rows]
        return self._from[name].take(self._rows[rows], mode="clip")  # they were checked; this mode does not again

    def put(self, name: str, out: Column) -> None:
        """Write a column into ``out``, without a copy in between."""
        if name in self._columns or self._rows is None:
            out[...] = self._columns[name]
        else:
            np.take(self._from[name], self._rows, out=out, mode="clip")  # the mode that needs no buffer

    def take(self, index: Column | slice) -> Table:
        """The rows at ``index``: positions, a boolean mask, or a slice. Columns are picked when they are asked for."""
        if isinstance(index, slice):
            return _made(self.schema, {name: column[index] for name, column in self.items()})
        rows = _positions(index, len(self))
        if self._rows is None:
            return _made(self.schema, {}, self._columns, rows)
        return _made(self.schema, {}, self._from, self._rows.take(rows))

    def replace(self, **columns: Any) -> Table:
        """The same rows with some columns changed."""
        return Table(self.schema, len(self), **{**dict(self.items()), **columns})

    def without(self, *names: str) -> Table:
        """The same rows with fewer columns."""
        schema = {k: v for k, v in self.schema.items() if k not in names}
        return _made(schema, {k: v for k, v in self._columns.items() if k in schema}, self._from, self._rows)


def _made(schema: Schema, columns: dict[str, Column], source: Mapping[str, Column] | None = None,
          rows: Column | None = None) -> Table:
    table = object.__new__(Table)
    table.schema = schema
    table._columns = columns
    table._from = source or {}
    table._rows = rows
    return table


def _positions(index: Column, n: int) -> Column:
    """``index`` as positions from 0; IndexError when one is outside."""
    rows = np.asarray(index)
    if rows.dtype == np.bool_:
        return np.flatnonzero(rows)
    rows = rows.astype(np.intp, copy=False)
    if len(rows) and (rows.min() < -n or rows.max() >= n):
        raise IndexError(f"a position outside a table of {n} rows")
    return np.where(rows < 0, rows + n, rows) if len(rows) and rows.min() < 0 else rows


def concat(tables: Sequence[Table]) -> Table:
    """All rows of tables of one schema, in order; at least one table."""
    schema = tables[0].schema
    some = [table for table in tables if len(table)]
    if len(some) < 2:
        return some[0] if some else tables[0]
    ends = np.cumsum([len(table) for table in some]).tolist()
    columns = {}
    for name, dtype in schema.items():
        columns[name] = whole = np.empty(ends[-1], dtype=dtype)
        for table, end in zip(some, ends, strict=True):
            table.put(name, whole[end - len(table) : end])
    return _made(schema, columns)


def blank(name: str, dtype: str) -> int:
    """What a column holds when nothing was said: -1 for signed codes, 0 for counts, times and unsigned."""
    unsigned = np.dtype(dtype).kind in "ub"
    return 0 if unsigned or name in ZERO_BLANK else -1


ZERO_BLANK = frozenset({
    "t", "w", "dur", "truth", "status", "bytes", "req_bytes", "orig_bytes", "resp_bytes", "ttl", "rtt", "n", "flags",
})
"""Signed columns whose 'nothing said' is 0: times, durations, sizes and counts."""
