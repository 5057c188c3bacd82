"""What a newcomer is shown of a fresh dataset: three neighboring lines, one of them malicious, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from redgen.pipeline.dataset import Dataset

FIRST_CHOICE = ("okta_system", "nginx_access", "aws_cloudtrail", "linux_auth", "zeek_conn", "zeek_dns")
"""Logs that are easiest to read come first."""


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
    titles = {c["campaign_id"]: c for c in dataset.records("campaigns")}
    for source in [s for s in FIRST_CHOICE if s in dataset.sources] or dataset.sources:
        labels = dataset.labels[dataset.labels["source"] == source]
        alone = _alone(labels, dataset)
        if not len(alone):
            continue
        last = {c: record["path"][-1] for c, record in titles.items()}
        final = alone[alone["step_id"].astype(str) == alone["campaign_id"].astype(str).map(last)]
        row = (final if len(final) else alone).iloc[0]
        line, campaign = int(row["line"]), str(row["campaign_id"])
        file = next(f for f in dataset.files(source) if f.name == row["file"])
        around = [(n, file.line(n)) for n in (line - 1, line, line + 1)]
        return Sample(file.name, around, line, campaign, titles[campaign]["title"], row["step_id"], row["technique"])
    return None


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
