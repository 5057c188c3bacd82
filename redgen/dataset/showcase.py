"""What a newcomer is shown of a fresh dataset: three neighboring lines, one of them malicious, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redgen.dataset.dataset import Dataset

EASY = ("nginx_access", "linux_auth", "okta_system", "aws_cloudtrail")
FAMILIES = ("account-takeover", "api-misuse", "distributed")
"""Logs and families that are easiest to understand, in this order."""


@dataclass(frozen=True)
class Sample:
    """Neighboring lines of one file; ``marked`` is the malicious one's line number, ``about`` says what it is."""

    file: str
    lines: list[tuple[int, str]]
    marked: int
    campaign_id: str
    title: str
    step_id: str
    technique: str


def sample(dataset: Dataset) -> Sample | None:
    """A malicious line of an objective step, or of any, that stands between benign ones; None when there is none."""
    runs = {c["campaign_id"]: c for c in dataset.records("campaigns")}
    alone = _alone(dataset.labels, dataset)
    if not len(alone):
        return None
    family = [_rank(FAMILIES, runs[str(c)]["family"]) for c in alone["campaign_id"]]
    source = [_rank(EASY, str(s)) for s in alone["source"]]
    whose = zip(alone["campaign_id"].astype(str), alone["step_id"].astype(str), strict=True)
    earlier = [-_rank(runs[campaign]["path"], step) for campaign, step in whose]
    row = alone.iloc[np.lexsort((alone["t"], earlier, source, family))[0]]
    line, run = int(row["line"]), runs[str(row["campaign_id"])]
    file = next(f for f in dataset.files() if f.name == row["file"])
    around = [(n, file.line(n)) for n in (line - 1, line, line + 1)]
    return Sample(file.name, around, line, run["campaign_id"], run["title"], row["step_id"], row["technique"])


def _rank(order: Sequence[str], word: str) -> int:
    return order.index(word) if word in order else len(order)


def _alone(labels: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Malicious lines with unlabelled records before and after them in their file."""
    taken = set(zip(labels["file"].astype(str), labels["line"], strict=True))
    ends = {f.name: (f.head_lines + 1, f.head_lines + f.lines) for f in dataset.files()}
    malicious = labels[labels["label"] == "malicious"]
    free = [
        ends[file][0] < line < ends[file][1] and (file, line - 1) not in taken and (file, line + 1) not in taken
        for file, line in zip(malicious["file"].astype(str), malicious["line"], strict=True)
    ]
    return malicious[free]
