"""Truth: what each row really was, a column until the one door where it is split off.

Only builders of activity, playbooks, the rooms that make datasets, and the scorer may import this; sources, renderers,
sinks and detectors cannot (``tests/test_house.py`` holds that).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from redgen.activity.schema import Activity
from redgen.table import Table

LABELS = ("benign", "malicious", "hard_negative", "collateral")


@dataclass(frozen=True)
class Cause:
    """Why rows are not plain benign: a campaign's step, a hard negative, or a campaign's effect on others."""

    label: str                 # one of LABELS
    campaign_id: str = ""      # malicious and collateral
    step_id: str = ""          # malicious: the step; collateral: the effect
    technique: str = ""
    noise_id: str = ""         # hard negatives


@dataclass
class Register:
    """Codes for causes, in the order they were planned; code 0 is plain benign."""

    causes: list[Cause] = field(default_factory=lambda: [Cause("benign")])
    _codes: dict[Cause, int] = field(default_factory=dict, repr=False)

    def code(self, cause: Cause) -> int:
        """The code of ``cause``, new or known."""
        if len(self._codes) != len(self.causes):
            self._codes = {known: code for code, known in enumerate(self.causes)}
        if cause not in self._codes:
            self._codes[cause] = len(self.causes)
            self.causes.append(cause)
        return self._codes[cause]


@dataclass(frozen=True)
class Index:
    """Truth by row id, only for rows that are not plain benign: ``ids`` sorted, ``codes`` beside them."""

    ids: NDArray[np.uint64]
    codes: NDArray[np.int32]

    def of(self, ids: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The truth code of each row id, 0 where nothing is known."""
        if not len(self.ids):
            return np.zeros(len(ids), dtype=np.int32)
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[at] == ids, self.codes[at], 0).astype(np.int32)


def split(activity: Activity) -> tuple[dict[str, Table], Index]:
    """The one door: the same tables without truth, and the truth by row id."""
    ids, codes, blind = [], [], {}
    for kind, table in activity.items():
        known = np.flatnonzero(table["truth"])
        ids.append(table["id"][known])
        codes.append(table["truth"][known])
        blind[kind] = table.without("truth")
    all_ids = np.concatenate(ids) if ids else np.zeros(0, dtype=np.uint64)
    all_codes = np.concatenate(codes) if codes else np.zeros(0, dtype=np.int32)
    order = np.argsort(all_ids, kind="stable")
    return blind, Index(all_ids[order], all_codes[order])
