"""What is in a dataset, in numbers that ``inspect`` shows: per source, per label, per campaign, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from redgen.clock import iso
from redgen.dataset.dataset import Dataset

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
    lines = _timelines(dataset, "malicious", "campaign_id", width)
    found = [
        CampaignLine(c["campaign_id"], c["playbook"], " → ".join(c["path"]), _when(c["t_onset"]), _when(c["t_impact"]),
                     _when(c["t_end"]), c["n_events"], c["sources"], lines.get(c["campaign_id"], []))
        for c in dataset.manifest["campaigns"]
    ]
    return sorted(found, key=lambda c: (c.onset or "~", c.id))


def hard_negatives(dataset: Dataset, width: int) -> list[CampaignLine]:
    """Every hard negative in order of its beginning."""
    lines = _timelines(dataset, "hard_negative", "noise_id", width)
    found = [
        CampaignLine(n["noise_id"], n["kind"], " → ".join(n["path"]), _when(n["t0"]), "", _when(n["t1"]),
                     n["n_events"], n["sources"], lines.get(n["noise_id"], []))
        for n in dataset.records("hard_negatives")
    ]
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


def _timelines(dataset: Dataset, label: str, owner: str, width: int) -> dict[str, list[int]]:
    """Lines over the window of every campaign or hard negative, in one pass over the labels."""
    timeline = dataset.manifest["timeline"]
    bins = max(len(next(iter(timeline["lines"].values()), [])), 1)
    labels = dataset.labels[dataset.labels["label"] == label]
    at = np.clip((labels["t"].to_numpy() - timeline["start"]) // timeline["step"], 0, bins - 1).astype(np.int64)
    whose = labels[owner].astype("category").cat
    counts = np.bincount(whose.codes.to_numpy().astype(np.int64) * bins + at, minlength=len(whose.categories) * bins)
    return {str(name): squeeze(counts[k * bins : (k + 1) * bins].tolist(), width)
            for k, name in enumerate(whose.categories)}
