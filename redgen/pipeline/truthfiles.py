"""``truth/*.jsonl``: campaigns, hard negatives and effects, with times and counts of what was logged, not planned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redgen.pipeline.ledger import Ledger
from redgen.playbook.campaign import Campaign
from redgen.shards.plan import Plan
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
        """As the truth files say it; ``t0`` and ``t1`` are null when nothing was logged."""
        return {"t0": stamp(self.t0), "t1": stamp(self.t1), "n_events": self.n_events,
                "sources": dict(sorted(self.sources.items()))}


def stamp(t: int) -> int | None:
    """``t`` (µs UTC), null for 0."""
    return t or None


def seen_by_code(ledger: Ledger, codes: int) -> list[Seen]:
    """What the logs show of every truth code."""
    found = [Seen() for _ in range(codes)]
    for outlet, tally in zip(ledger.outlets, ledger.tallies, strict=True):
        for code in range(codes):
            if lines := int(tally.counts[code, 4]):
                found[code].add(Seen({outlet.name: lines}, int(tally.first[code]), int(tally.last[code])))
    return found


def write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """One compact JSON object per line."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(r, separators=(",", ":"), ensure_ascii=False) + "\n" for r in records)


def campaign_records(plan: Plan, ledger: Ledger) -> list[dict[str, Any]]:
    """The lines of ``campaigns.jsonl``, in order of campaign id.

    ``t_onset`` and ``t_end``: first and last logged malicious event; ``t_impact``: first logged event of an objective
    step, null when none was reached or logged. Each step says when it was first and last seen in the logs, in how many
    lines of which source; a step visited several times counts once.
    """
    seen = seen_by_code(ledger, len(plan.causes))
    return [_record(c, seen, plan.causes) for c in plan.campaigns if c.label == "malicious"]


def hard_negative_records(plan: Plan, ledger: Ledger) -> list[dict[str, Any]]:
    """The lines of ``hard_negatives.jsonl``: like campaigns, without impact."""
    seen = seen_by_code(ledger, len(plan.causes))
    found = []
    for noise in plan.campaigns:
        if noise.label == "hard_negative":
            steps = _steps(noise, seen)
            whole = _sum(seen[code] for code in {p.truth for p in noise.steps})
            planned = noise.record()
            kind = planned.pop("playbook")
            found.append({"noise_id": noise.id, "kind": kind, "title": noise.title, **planned, **whole.to_json(),
                          "steps": steps})
    return found


def effect_records(plan: Plan, ledger: Ledger) -> list[dict[str, Any]]:
    """The lines of ``effects.jsonl``: what campaigns did to the world, and what the logs show of it (collateral).

    ``collateral`` counts lines of the step's effects together, since a line does not tell two of them apart.
    """
    seen = seen_by_code(ledger, len(plan.causes))
    found = []
    for campaign in plan.campaigns:
        for effect in sorted(campaign.effects, key=lambda e: (e.t0, e.kind, e.subject)):
            cause = plan.causes[effect.truth]
            found.append({
                "campaign_id" if campaign.label == "malicious" else "noise_id": campaign.id, "step_id": cause.step_id,
                "effect": effect.kind, "subject": _subject(plan, effect.kind, effect.subject),
                "t0": effect.t0, "t1": min(effect.t1, plan.work.layout.window.stop), "level": effect.level,
                "collateral": seen[effect.truth].to_json(),
            })
    return found


def _record(campaign: Campaign, seen: Sequence[Seen], causes: Sequence[Cause]) -> dict[str, Any]:
    own = {p.truth for p in campaign.steps}
    whole = _sum(seen[code] for code in own)
    reached = _sum(seen[code] for code in own if causes[code].step_id in campaign.objectives)
    return {
        "campaign_id": campaign.id, "title": campaign.title, **campaign.record(), "t_onset": stamp(whole.t0),
        "t_impact": stamp(reached.t0), "t_end": stamp(whole.t1), "n_events": whole.n_events,
        "sources": dict(sorted(whole.sources.items())), "steps": _steps(campaign, seen),
        "collateral": _sum(seen[code] for code in set(campaign.collateral.values())).to_json(),
    }


def _steps(campaign: Campaign, seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """The steps in the order they were first played."""
    found: dict[str, dict[str, Any]] = {}
    for played in campaign.steps:
        step = found.setdefault(played.step_id, {
            "step_id": played.step_id, "action": played.action, "technique": played.technique, "visits": 0,
            **seen[played.truth].to_json()})
        step["visits"] += 1
    return list(found.values())


def _sum(parts: Iterable[Seen]) -> Seen:
    whole = Seen()
    for part in parts:
        whole.add(part)
    return whole


def _subject(plan: Plan, kind: str, subject: int) -> str:
    """The person's login, or the site's host."""
    return plan.world.sites.host[subject] if kind == "overload" else plan.world.people.login[subject]
