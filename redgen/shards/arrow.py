"""Numpy columns as Arrow arrays: without a copy, and without pandas, whose import by ``pyarrow.array`` takes long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(column: NDArray[Any], null: NDArray[np.bool_] | None = None) -> pa.Array:
    """An Arrow array of the column's type; ``null`` marks rows without a value."""
    valid = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    values = pa.py_buffer(np.ascontiguousarray(column))
    return pa.Array.from_buffers(pa.from_numpy_dtype(column.dtype), len(column), [valid, values])


def strings(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> pa.Array:
    """An Arrow large_string array over rendered bytes, without a copy of them."""
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data)))


def texts(words: Sequence[str]) -> pa.Array:
    """An Arrow string array of a few words."""
    raw = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, raw)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(offsets), pa.py_buffer(b"".join(raw)))


def as_numpy(array: pa.Array) -> NDArray[Any]:
    """A numeric Arrow array without nulls as numpy sees it, again without a copy."""
    dtype = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(array.buffers()[1], dtype=dtype)[array.offset : array.offset + len(array)]
