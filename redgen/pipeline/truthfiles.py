"""``truth/*.jsonl``: campaigns, hard negatives and effects, with times and counts of what was logged, not planned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redgen.clock import iso
from redgen.pipeline.ledger import Ledger
from redgen.truth import Cause


@dataclass
class Seen:
    """What the logs show of one cause: lines by source, first and last event time (µs; 0 when nothing was logged)."""

    sources: dict[str, int] = field(default_factory=dict)
    t0: int = 0
    t1: int = 0

    @property
    def n_events(self) -> int:
        """Lines in all sources."""
        return sum(self.sources.values())

    def add(self, other: Seen) -> None:
        """Take the lines of another cause in."""
        if not other.sources:
            return
        self.t0 = min(self.t0, other.t0) if self.sources else other.t0
        self.t1 = max(self.t1, other.t1)
        for source, lines in other.sources.items():
            self.sources[source] = self.sources.get(source, 0) + lines

    def to_json(self) -> dict[str, Any]:
        """``t0`` and ``t1`` in ISO 8601, null when nothing was logged."""
        return {"t0": stamp(self.t0), "t1": stamp(self.t1), "n_events": self.n_events,
                "sources": dict(sorted(self.sources.items()))}


def stamp(t: int) -> str | None:
    """ISO 8601 of ``t``, null for 0."""
    return iso(t) if t else None


def seen_by_code(ledger: Ledger, codes: int) -> list[Seen]:
    """What the logs show of every truth code."""
    found = [Seen() for _ in range(codes)]
    for outlet, tally in zip(ledger.outlets, ledger.tallies, strict=True):
        for code in range(codes):
            if lines := int(tally.counts[code, 4]):
                found[code].add(Seen({outlet.name: lines}, int(tally.first[code]), int(tally.last[code])))
    return found


def together(causes: Sequence[Cause], seen: Sequence[Seen], wanted: Callable[[Cause], bool]) -> Seen:
    """What the logs show of all causes that are ``wanted``."""
    whole = Seen()
    for cause, some in zip(causes, seen, strict=True):
        if wanted(cause):
            whole.add(some)
    return whole


def write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """One compact JSON object per line."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(r, separators=(",", ":"), ensure_ascii=False) + "\n" for r in records)
