"""From times of arrival back to event times, by the ledger of a replay.

A collector that stamps alerts with its own clock says when events came, not when they happened. A replay's ledger has
both times of every event; between them lies a monotone, piecewise linear map, which is inverted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

LEDGER_COLUMNS = ("event_id", "ts_event", "ts_sent")
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Clock:
    """A monotone map: ``sent`` (strictly rising, µs) to ``event`` (not falling, µs), linear between, slope 1 outside.

    ``error``: the largest gap in event time between two neighbours (µs): no mapped time is farther off than that.
    """

    sent: I64
    event: I64
    error: int

    def event_time(self, arrived: I64) -> I64:
        """Event times of times of arrival."""
        inside = np.interp((arrived - self.sent[0]).astype(np.float64), (self.sent - self.sent[0]).astype(np.float64),
                           (self.event - self.event[0]).astype(np.float64)).round().astype(np.int64) + self.event[0]
        before, after = np.minimum(arrived - self.sent[0], 0), np.maximum(arrived - self.sent[-1], 0)
        return np.asarray(inside + before + after, dtype=np.int64)


def clock_of(ledger: pd.DataFrame) -> Clock:
    """The map of a ledger with LEDGER_COLUMNS; what arrived at one moment has that moment's latest event time.

    >>> import pandas as pd
    >>> c = clock_of(pd.DataFrame({"event_id": ["a", "b"], "ts_event": [0, 600], "ts_sent": [1000, 1010]}))
    >>> c.event_time(np.array([1005, 1012])).tolist(), c.error
    ([300, 602], 600)
    """
    missing = [c for c in LEDGER_COLUMNS[1:] if c not in ledger.columns]
    if missing:
        raise DataError(f"the ledger has no column {missing[0]!r}; it needs {', '.join(LEDGER_COLUMNS)}")
    whole = ledger[ledger["ts_sent"].notna() & ledger["ts_event"].notna()]
    if whole.empty:
        raise DataError("the ledger holds no event that was sent, so times of arrival cannot be mapped")
    sent, event = (_micros(whole[c], c) for c in ("ts_sent", "ts_event"))
    order = np.lexsort((event, sent))
    sent, event = sent[order], np.maximum.accumulate(event[order])
    last = np.append(sent[1:] != sent[:-1], True)
    sent, event = sent[last], event[last]
    gap = int(np.diff(event).max()) if len(event) > 1 else 0
    return Clock(sent, event, gap)


def read_ledger(path: Path) -> pd.DataFrame:
    """The ledger file of a replay; DataError when it is none."""
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such ledger; leave it out, or name the one that replay wrote") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no ledger can be read from it ({error}); it is a Parquet file that replay "
                        "writes") from None


def _micros(column: pd.Series, name: str) -> I64:
    """Whole microseconds of a column of numbers or timestamps."""
    if column.dtype.kind == "M":
        plain = column.dt.tz_convert(None) if getattr(column.dtype, "tz", None) is not None else column
        return np.asarray(plain.to_numpy().astype("datetime64[us]").astype(np.int64))
    if column.dtype.kind not in "iuf":
        raise DataError(f"the ledger's column {name!r} holds no times; they are µs UTC as whole numbers")
    return np.asarray(column.to_numpy(dtype=np.int64))
