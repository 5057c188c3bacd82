"""From times of arrival to event times, by the ledger of a replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redgen.errors import DataError
from redgen.matching.ledger import clock_of, read_ledger

BASE = 1_768_176_000_000_000


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30), st.data())
def test_the_map_is_monotone_and_never_farther_off_than_it_says(pairs, data) -> None:
    """Whatever the ledger holds, in whatever order."""
    sent, event = (sorted(x) for x in zip(*pairs, strict=True))
    order = data.draw(st.permutations(range(len(pairs))))
    frame = pd.DataFrame({"event_id": "", "ts_event": BASE + np.array(event)[list(order)],
                          "ts_sent": BASE + np.array(sent)[list(order)]})
    clock = clock_of(frame)
    asked = BASE + np.arange(0, 10**6, 50_021)
    assert np.all(np.diff(clock.event_time(asked)) >= 0)
    told = clock.event_time(BASE + np.array(sent))
    last = dict(zip(sent, event, strict=True))
    assert told.tolist() == [BASE + last[s] for s in sent]


def test_a_ledger_of_timestamps_and_one_that_is_none(tmp_path: Path) -> None:
    """Failed events have no time of sending and do not count."""
    frame = pd.DataFrame({"event_id": ["a", "b", "c"], "ts_event": pd.to_datetime([0, 60, 99], unit="s", utc=True),
                          "ts_sent": pd.to_datetime([1000, 1001, None], unit="s", utc=True)})
    assert clock_of(frame).event_time(np.array([1_000_500_000])).tolist() == [30_000_000]
    for bad, say in ((frame.drop(columns="ts_sent"), "no column 'ts_sent'"), (frame.iloc[2:], "no event that was sent"),
                     (frame.assign(ts_sent="x"), "holds no times")):
        with pytest.raises(DataError, match=say):
            clock_of(bad)
    with pytest.raises(DataError, match="no such ledger"):
        read_ledger(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("x")
    with pytest.raises(DataError, match="Parquet file that replay writes"):
        read_ledger(tmp_path / "text.parquet")
