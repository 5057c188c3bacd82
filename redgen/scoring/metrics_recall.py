"""How much was caught: campaigns, by kind and level; steps and techniques; events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.ground import Campaign
from redgen.matching.joins import Mask, count
from redgen.matching.match import ENTITY, EVENT
from redgen.scorecard import Estimate
from redgen.scoring.case import Case
from redgen.statistics.intervals import clopper_pearson, wilson
from redgen.statistics.weights import clustered, weighted

STRATA: Mapping[str, Callable[[Campaign], object]] = {
    "family": lambda c: c.family, "playbook": lambda c: c.playbook, "outcome": lambda c: c.stratum.get("outcome"),
    "stealth": lambda c: c.stratum.get("stealth")}
"""How campaigns are told apart; a blank is no stratum."""


def campaign_recall(case: Case) -> Mapping[str, Any]:
    """Recall of campaigns: weighted by importance, plainly with the exact interval, and with Wilson's."""
    caught, scored = case.outcome.caught & case.scored, case.scored
    k, n = int(caught.sum()), int(scored.sum())
    told = replace(recall_of(case, caught, scored, "recall"), note=_left_out(case))
    return {
        "recall": told, "recall_plain": clopper_pearson(k, n, case.settings.confidence),
        "recall_wilson": wilson(k, n, case.settings.confidence)}


def recall_of(case: Case, caught: Mask, among: Mask, name: str) -> Estimate:
    """Weighted recall of the campaigns ``among`` all."""
    return weighted(caught[among], case.weights[among], case.settings.confidence, seed=case.settings.seed, name=name,
                    many=case.settings.bootstrap)


def _left_out(case: Case) -> str:
    blind, unlogged = int((~case.scored).sum()), len(case.ground.unlogged)
    said = [f"{blind} without telemetry"] * (blind > 0) + [f"{unlogged} that left no line"] * (unlogged > 0)
    return f"left out: {' and '.join(said)}" if said else ""


def recall_by_kind(case: Case) -> Mapping[str, Any]:
    """Recall by family, playbook, outcome and stealth of campaigns, and of their steps and techniques."""
    found: dict[str, Mapping[str, Estimate]] = {}
    for by, key in STRATA.items():
        words = np.array([_word(key(c)) for c in case.ground.campaigns], dtype=object)
        names = sorted({w for w in words[case.scored] if w})
        if names:
            found[by] = {name: recall_of(case, case.outcome.caught, case.scored & (words == name), f"{by} {name}")
                         for name in names}
    steps = [(c.playbook, s) for c in case.ground.campaigns for s in c.steps]
    found["technique"] = _of_steps(case, [s.technique for _, s in steps])
    found["step"] = _of_steps(case, [f"{playbook}/{s.step_id}" for playbook, s in steps])
    return {"recall_by": found}


def _word(value: object) -> str:
    return "" if value is None else str(value)


def _of_steps(case: Case, words: Iterable[str]) -> Mapping[str, Estimate]:
    """Recall of steps by word; steps of one campaign are no independent trials, so campaigns are the clusters."""
    names: NDArray[Any] = np.array(list(words), dtype=object)
    owner, size = case.tables.step_campaign, case.tables.campaigns
    found = {}
    for name in sorted(set(names.tolist()) - {""}):
        own = (names == name) & case.scored[owner]
        if own.any():
            found[name] = clustered(count(owner[own & case.step_hit], size), count(owner[own], size),
                                    case.settings.confidence)
    return found


def recall_by_level(case: Case) -> Mapping[str, Any]:
    """Campaign recall by events alone, by entities alone, and by both."""
    told = {"event": case.at_level(EVENT).caught, "entity": case.at_level(ENTITY).caught,
            "campaign": case.at_level(EVENT).caught | case.at_level(ENTITY).caught}
    if case.settings.match_level == "campaign":
        told["campaign"] = case.outcome.caught
    return {"recall_by_level": {name: recall_of(case, caught, case.scored, f"level {name}")
                                for name, caught in told.items()}}


def event_recall(case: Case) -> Mapping[str, Any]:
    """The share of malicious lines that some alert names; campaigns are the clusters. For information only."""
    evil = case.tables.evil
    owner = case.tables.step_campaign[case.tables.row_step[evil]]
    size = case.tables.campaigns
    seen = count(owner[case.row_seen[evil]], size)
    return {"event_recall": clustered(seen[case.scored], count(owner, size)[case.scored], case.settings.confidence)}


def held_out(case: Case) -> Mapping[str, Any]:
    """Recall without the rules that were tuned on this very dataset, by its seed or its digest; None without any."""
    names = {str(case.ground.seed), case.ground.digest, case.ground.digest.removeprefix("sha256:")} - {"None", ""}
    tuned = np.array([bool(names & {str(t) for t in r.tuned_on}) for r in case.raised.rules], dtype=bool)
    if not tuned.any():
        return {"recall_held_out": None}
    told = recall_of(case, case.without(tuned).caught, case.scored, "held out")
    return {"recall_held_out": replace(told, note=f"without {int(tuned.sum())} rules tuned on this dataset")}
