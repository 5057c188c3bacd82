"""Campaigns that leave nothing in the logs a scenario asks for, and the sources that would show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from redgen.activity.schema import Activity
from redgen.clock import MINUTE
from redgen.playbook.campaign import Campaign
from redgen.registry import SOURCES
from redgen.shards.plan import Plan
from redgen.source import Source

_NAMED = 3
"""So many campaigns of an entry are named; the others are counted."""


def unseen(plan: Plan) -> list[str]:
    """One sentence for each entry and set of sources: who leaves no line in the chosen ones, and where they would.

    Campaigns that no source there is would show, as those that the window cuts before their first act, are not meant.
    """
    chosen = [outlet.source for outlet in plan.work.outlets]
    names = {outlet.name for outlet in plan.work.outlets}
    missing = [name for name in SOURCES.names() if name not in names]
    if not missing:
        return []
    others: list[Source] = []
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for campaign in plan.campaigns:
        if any(_sees(source, campaign) for source in chosen):
            continue
        others = others or [SOURCES.get(name)(plan.world, plan.seed.child("source", name)) for name in missing]
        if shown := tuple(source.name for source in others if _sees(source, campaign)):
            found.setdefault((campaign.entry, shown), []).append(campaign.id)
    return [_sentence(entry, ids, sorted(names), shown) for (entry, shown), ids in found.items()]


def _sees(source: Source, campaign: Campaign) -> bool:
    """Whether the source has a record for any row of the campaign, before its sensor loses some."""
    return any(source.fanout(kind, table).any() for activity in _activities(campaign)
               for kind, table in activity.items() if kind in source.kinds and len(table))


def _activities(campaign: Campaign) -> Iterator[Activity]:
    """What was staged, then what volumetric steps make: their first minute, or all of it when that is empty."""
    yield campaign.activity
    for step in campaign.expanders:
        first: Any = step.expand(step.start, min(step.start + MINUTE, step.stop))
        yield first if any(map(len, first.values())) else step.expand(step.start, step.stop)


def _sentence(entry: str, ids: Sequence[str], chosen: Sequence[str], shown: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    verb = "leaves" if len(ids) == 1 else "leave"
    return (f"{', '.join(ids[:_NAMED])}{more} ({entry}) {verb} no line in {', '.join(chosen)}; "
            f"to see {'it' if len(ids) == 1 else 'them'}, add to sources: {', '.join(shown)}")
