"""Comparing datasets line by line, in order, and naming the lines a campaign's effects account for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redgen.dataset.dataset import Dataset
from tests.holds.reading import SOURCES, columns, marked, raw, read, who

HOUR = 3_600_000_000
INNER = "10."
"""Clients in an office: the identity provider sees their NAT egress, Zeek their own address."""


@dataclass
class Difference:
    """Two sequences of records: those that only one has, and whether the shared ones stand in the same order."""

    left: list[str]
    right: list[str]
    same_order: bool


def others(dataset: Dataset, source: str, ids: Iterable[str]) -> list[str]:
    """The records that no campaign of ``ids`` made (malicious or hard negative) or changed (collateral)."""
    wanted = set(ids)
    mine = marked(dataset, source, campaign_id=wanted) | marked(dataset, source, noise_id=wanted)
    return [text for place, text in zip(*raw(dataset, source), strict=True) if place not in mine]


def difference(left: Sequence[str], right: Sequence[str]) -> Difference:
    """What only one has (of a line one has more often: its last copies), and the order of the rest."""
    if left == right:
        return Difference([], [], same_order=True)
    shared = Counter(left) & Counter(right)
    parts = [_parted(texts, shared.copy()) for texts in (left, right)]
    return Difference(parts[0][1], parts[1][1], same_order=parts[0][0] == parts[1][0])


def _parted(texts: Sequence[str], wanted: Counter[str]) -> tuple[list[str], list[str]]:
    kept, rest = [], []
    for text in texts:
        (kept if wanted[text] else rest).append(text)
        wanted[text] -= bool(wanted[text])
    return kept, rest


class Touched:
    """When the effects of some campaigns changed something of which client, in any source."""

    def __init__(self, dataset: Dataset, ids: Iterable[str]) -> None:
        self.names = {source: columns(dataset, source) for source in SOURCES}
        self.when: dict[str, list[int]] = {}
        for source in SOURCES:
            hit = marked(dataset, source, campaign_id=set(ids), label={"collateral"})
            for place, text in zip(*raw(dataset, source), strict=True) if hit else ():
                if place in hit:
                    record = read(source, text, self.names[source])
                    self.when.setdefault(who(source, record), []).append(record["t"])
                    if source == "okta_system":
                        self.when.setdefault(INNER, []).append(record["t"])

    def leaves(self, source: str, texts: Iterable[str]) -> list[str]:
        """The lines that no effect accounts for: nothing of the same client was changed within an hour."""
        found = []
        for text in texts:
            record = read(source, text, self.names[source])
            client = who(source, record)
            times = self.when.get(INNER if client.startswith("10.") else client, ())
            if not any(abs(record["t"] - t) < HOUR for t in times):
                found.append(text)
        return found
