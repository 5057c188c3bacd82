"""How near rules came to what they missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from redgen.detector import Detector, Events
from redgen.detectors.sigma import Sigma
from redgen.scorecard import MISSED, PARTIAL, NearMiss, Scorecard

MOST = 50
"""Missed campaigns that are looked into: the first of each playbook, in turn, until there are so many."""


def with_near_misses(card: Scorecard, labels: pd.DataFrame, events: Events, detectors: Sequence[Detector]) -> Scorecard:
    """The scorecard with, for each missed campaign, the rule that came closest and what failed.

    ``labels`` are the dataset's; only Sigma rules can be asked.
    """
    wanted = _chosen(card)
    engines = [d for d in detectors if isinstance(d, Sigma)]
    if not wanted or not engines:
        return card
    own = labels[(labels["label"] == "malicious") & labels["campaign_id"].isin(wanted)]
    places = {str(name): list(zip(part["file"].astype(str), part["line"].astype(np.int64).tolist(), strict=True))
              for name, part in own.groupby("campaign_id", observed=True)}
    found: dict[str, NearMiss] = {}
    for engine in engines:
        for name, near in engine.nearest(events, places).items():
            if near.rule_id and (name not in found or near.share > found[name].share):
                found[name] = NearMiss(near.rule_id, near.rule_name, near.share, near.failed)
    return replace(card, campaigns=tuple(replace(c, near=found.get(c.campaign_id, c.near)) for c in card.campaigns))


def _chosen(card: Scorecard) -> set[str]:
    missed = [c for c in card.campaigns if c.status in (MISSED, PARTIAL)]
    rank: dict[str, int] = {}
    turns = []
    for c in missed:
        rank[c.playbook] = rank.get(c.playbook, -1) + 1
        turns.append((rank[c.playbook], c.campaign_id))
    return {name for _, name in sorted(turns)[:MOST]}
