"""What is in a dataset, in numbers that ``inspect`` shows: per source, per label, per campaign, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from redgen.clock import iso
from redgen.pipeline.dataset import Dataset

BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class SourceLine:
    """One source: what it is, how much, and its timeline."""

    name: str
    format: str
    files: int
    lines: int
    bytes: int
    labels: dict[str, int]
    timeline: list[int]


@dataclass(frozen=True)
class CampaignLine:
    """One campaign or hard negative: what it was, when, how much of it each source shows, and its timeline."""

    id: str
    what: str
    path: str
    onset: str
    impact: str
    end: str
    events: int
    sources: dict[str, int]
    timeline: list[int]


def sources(dataset: Dataset, width: int) -> list[SourceLine]:
    """Every source, with its lines over the window in ``width`` steps."""
    lines = dataset.manifest["timeline"]["lines"]
    return [SourceLine(name, s["format"], s["files"], s["lines"], s["bytes"], s["labels"], squeeze(lines[name], width))
            for name, s in dataset.manifest["sources"].items()]


def campaigns(dataset: Dataset, width: int) -> list[CampaignLine]:
    """Every campaign in order of its onset."""
    found = []
    for c in dataset.manifest["campaigns"]:
        times = dataset.labels.loc[dataset.labels["campaign_id"].eq(c["campaign_id"])
                                   & dataset.labels["label"].eq("malicious"), "t"]
        found.append(CampaignLine(
            c["campaign_id"], c["playbook"], " → ".join(c["path"]), _when(c["t_onset"]), _when(c["t_impact"]),
            _when(c["t_end"]), c["n_events"], c["sources"], _histogram(dataset, times.to_numpy(), width)))
    return sorted(found, key=lambda c: (c.onset or "~", c.id))


def hard_negatives(dataset: Dataset, width: int) -> list[CampaignLine]:
    """Every hard negative in order of its beginning."""
    found = []
    for row in dataset.records("hard_negatives"):
        times = dataset.labels.loc[dataset.labels["noise_id"].eq(row["noise_id"]), "t"].to_numpy()
        found.append(CampaignLine(
            row["noise_id"], row["kind"], " → ".join(row["path"]), _when(row["t0"]), "", _when(row["t1"]),
            row["n_events"], row["sources"], _histogram(dataset, times, width)))
    return sorted(found, key=lambda c: (c.onset or "~", c.id))


def squeeze(counts: Sequence[int], width: int) -> list[int]:
    """``counts`` summed into at most ``width`` steps."""
    edges = np.linspace(0, len(counts), min(width, len(counts)) + 1).astype(int)
    return [int(sum(counts[a:b])) for a, b in pairwise(edges)]


def spark(counts: Sequence[int]) -> str:
    """A line of bars; whatever is there at all shows.

    >>> spark([0, 1, 50, 100])
    ' ▁▄█'
    """
    top = max([*counts, 1])
    return "".join(BARS[-(-c * 8 // top)] for c in counts)


def _when(t: int | None) -> str:
    """ISO 8601, nothing for nothing."""
    return "" if t is None else iso(t)


def _histogram(dataset: Dataset, times: Any, width: int) -> list[int]:
    timeline = dataset.manifest["timeline"]
    start, step = timeline["start"], timeline["step"]
    bins = len(next(iter(timeline["lines"].values()), []))
    at = np.clip(((times - start) // step).astype(int), 0, max(bins - 1, 0))
    return squeeze(np.bincount(at, minlength=bins).tolist(), width)
