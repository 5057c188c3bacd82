"""Comparing datasets line by line, in order, and naming those a campaign's effects account for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from redgen.pipeline.dataset import Dataset
from tests.holds.reading import lines

HOUR = 3_600_000_000


def without(frame: pd.DataFrame, ids: Iterable[str]) -> pd.DataFrame:
    """The rows that no campaign of ``ids`` made (malicious or hard negative) or changed (collateral)."""
    wanted = set(ids)
    return frame[~(frame["campaign_id"].isin(wanted) | frame["noise_id"].isin(wanted))]


def common(left: Sequence[str], right: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both sequences cut down to what they share, each line as often as in the one that has it less often."""
    shared = Counter(left) & Counter(right)
    return _first(left, shared), _first(right, shared)


def _first(texts: Sequence[str], wanted: Counter[str]) -> list[str]:
    left = wanted.copy()
    kept = []
    for text in texts:
        if left[text]:
            left[text] -= 1
            kept.append(text)
    return kept


def extra(frame: pd.DataFrame, known: Iterable[str]) -> pd.DataFrame:
    """The rows whose text is not in ``known``; of a text that is there less often, the last ones."""
    left = Counter(known)
    keep = []
    for text in frame["text"]:
        keep.append(not left[text])
        left[text] -= bool(left[text])
    return frame[keep]


def touched(dataset: Dataset, ids: Iterable[str]) -> dict[str, list[int]]:
    """Client -> times at which an effect of the campaigns ``ids`` changed something of his, in any source."""
    wanted = set(ids)
    found: dict[str, list[int]] = {}
    for source in dataset.sources:
        frame = lines(dataset, source)
        hit = frame[(frame["label"] == "collateral") & frame["campaign_id"].isin(wanted)]
        for who, t in zip(hit["who"], hit["t"], strict=True):
            found.setdefault(who, []).append(t)
    return found


def unexplained(rest: pd.DataFrame, hit: dict[str, list[int]]) -> list[str]:
    """The lines that no effect accounts for: nothing of the same client was changed shortly before or after."""
    return [text for who, t, text in zip(rest["who"], rest["t"], rest["text"], strict=True)
            if not any(abs(t - when) < HOUR for when in hit.get(who, ()))]
