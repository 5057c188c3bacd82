"""A first gates file written from a run: limits that this run meets, rounded away from it, for people to tighten."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator

from redgen.gates.bench import BLIND, Bench
from redgen.gates.evaluate import FEW
from redgen.gates.file import GateSpec, Where
from redgen.gates.measures import MEASURES
from redgen.scorecard import Scorecard
from redgen.statistics.intervals import needed


def write_gates(card: Scorecard) -> str:
    """The text of a ``redgen-gates.yml`` that this scorecard passes, with a comment on what each gate rests on."""
    bench = Bench(card, card.settings.confidence)
    n = sum(c.status not in BLIND for c in card.campaigns)
    lines = [
        "# Written from a run of redgen score; every limit below is one that this run meets.",
        "version: 1",
        f"dataset: {{digest: {_text(card.dataset.digest)}, min_campaigns: {n}}}",
        f"confidence: {card.settings.confidence:g}",
        "gates:",
        *_recall(bench),
        *_costs(bench),
        *_times(bench),
        "  # With --baseline: no campaign that was detected before may be missed now.",
        f"  {'' if card.regression is not None else '# '}- {{id: no-loss, metric: lost_campaigns, max: 0}}",
        "# allow:",
        "#   - {campaign: C-0001, gate: no-loss, reason: why, owner: who, expires: 2030-01-31}",
    ]
    return "\n".join(lines) + "\n"


def _recall(bench: Bench) -> Iterator[str]:
    """The whole and each family of at least five campaigns, by its lower bound."""
    families = sorted({c.family for c in bench.card.campaigns})
    chosen: list[tuple[str, dict[str, Where]]] = [("recall", {})]
    for name in families:
        taken = {known for known, _ in chosen}
        chosen.append((next(n for n in _names(f"recall-{name}") if n not in taken), {"family": name}))
    for name, where in chosen:
        found = MEASURES["campaign_recall"](bench, GateSpec(id="x", metric="campaign_recall", where=where, min=0))[0]
        if found.lower is None or found.value is None or (where and (found.n or 0) < FEW):
            continue
        limit = math.floor(found.lower * 100 + 1e-9) / 100
        only = f", where: {{family: {_text(where['family'])}}}" if where else ""
        yield f"  # {found.text}; a lower bound of 0.9 takes {needed(0.9, (1 + bench.level) / 2)} without a miss"
        yield f"  - {{id: {name}, metric: campaign_recall{only}, bound: lower, min: {limit:g}}}"


def _costs(bench: Bench) -> Iterator[str]:
    found = MEASURES["fp_groups_per_day"](bench, GateSpec(id="x", metric="fp_groups_per_day", max=0))[0]
    if found.upper is not None:
        yield f"  # {found.text}"
        yield f"  - {{id: false-alerts, metric: fp_groups_per_day, bound: upper, max: {math.ceil(found.upper):d}}}"


def _times(bench: Bench) -> Iterator[str]:
    found = MEASURES["ttd_median_seconds"](bench, GateSpec(id="x", metric="ttd_median_seconds", max=0))[0]
    if found.value is not None and math.isfinite(found.value) and (found.n or 0) >= FEW:
        yield f"  # {found.text}"
        yield f"  - {{id: time-to-detect, metric: ttd_median_seconds, max: {max(1, math.ceil(found.value)):d}}}"
    impact = MEASURES["p_before_impact"](bench, GateSpec(id="x", metric="p_before_impact", min=0))[0]
    if impact.value is not None and (impact.n or 0) >= FEW:
        limit = math.floor(impact.value * 100 + 1e-9) / 100
        yield f"  # {impact.text}"
        yield f"  - {{id: before-impact, metric: p_before_impact, min: {limit:g}}}"


def _names(text: str) -> Iterator[str]:
    """Names that may stand for a text: without what a name must not have, then numbered."""
    kept = "".join(ch if (ch.isascii() and ch.isalnum()) or ch in "-_." else "-" for ch in text)[:70]
    yield kept
    yield from (f"{kept}-{i}" for i in itertools.count(2))


def _text(value: object) -> str:
    """A YAML scalar in double quotes."""
    return json.dumps(str(value), ensure_ascii=False)
