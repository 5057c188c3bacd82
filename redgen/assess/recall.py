"""Recall of some rules on some campaigns of a dataset, for assertions in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redgen.alert import TESTED
from redgen.assess.detection import detectors_of
from redgen.assess.judge import Terms
from redgen.assess.loop import whole_loop
from redgen.dataset.dataset import Dataset
from redgen.errors import DataError, did_you_mean
from redgen.gates.selection import select, unknown_keys
from redgen.scorecard import CAUGHT, CampaignScore, Estimate, Scorecard, Settings
from redgen.statistics.intervals import clopper_pearson


@dataclass(frozen=True)
class Recall:
    """The recall of a selection of campaigns, and the scorecard it is from."""

    estimate: Estimate
    campaigns: tuple[CampaignScore, ...]
    card: Scorecard


def recall_of(dataset: Dataset, rules: Sequence[Path], *, where: Mapping[str, str] | None = None,
              confidence: float = 0.95) -> Recall:
    """Run ``rules`` on ``dataset``; the share of the campaigns meant by ``where`` that they catch (Clopper-Pearson)."""
    card = whole_loop(dataset, detectors_of(rules), Terms(Settings(confidence=confidence)))
    for _, text in unknown_keys(where or {}, card.campaigns):
        raise DataError(text)
    chosen = select(card.campaigns, where or {})
    if not chosen:
        known = {c.playbook for c in card.campaigns}
        wanted = ", ".join(f"{k}={v}" for k, v in (where or {}).items())
        hint = did_you_mean(next(iter((where or {"": ""}).values())), known)
        raise DataError(f"no campaign of this dataset is {wanted or 'there at all'}{hint}")
    k = sum(c.status in CAUGHT for c in chosen)
    return Recall(clopper_pearson(k, len(chosen), confidence), chosen, card)


def shortfall(found: Recall, least: float, bound: str) -> str:
    """What to say when the recall is below ``least`` by its ``bound`` (lower, point, upper); empty when it is not."""
    e = found.estimate
    values = {"lower": e.lower, "point": e.value, "upper": e.upper}
    if bound not in values:
        raise DataError(f"bound {bound!r}{did_you_mean(bound, values)}")
    value = values[bound]
    refused = found.card.chance.refused
    if value is not None and value >= least and not refused and not found.card.failed:
        return ""
    interval = f"{e.confidence:.0%} interval {e.lower:.2f} to {e.upper:.2f}"
    lines = [f"campaign recall {e.k:.0f} of {e.n}: {e.value:.2f}, {interval}; its {bound} bound must reach {least:g}"]
    if found.card.failed:
        lines.append(f"the detection failed: {'; '.join(found.card.failed)}")
    if refused:
        lines.append(f"chance alone would detect {found.card.chance.recall:.0%} of campaigns")
    lines += [f"  not tested: {r.rule.title or r.rule.rule_id} ({r.rule.file}:{r.rule.line}): {r.rule.status}: "
              f"{r.rule.reason}" for r in found.card.rules if r.rule.status != TESTED]
    for c in found.campaigns:
        if c.status not in CAUGHT:
            near = f"; nearest: {c.near.rule_name}: {c.near.failed}" if c.near else ""
            lines.append(f"  {c.status} {c.campaign_id} {c.playbook} ({' → '.join(c.path)}){near}")
    return "\n".join(lines)
