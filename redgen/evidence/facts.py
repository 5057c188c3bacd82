"""What several reports tell: the verdict, what was missed, which rules cost most, which were never tested, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redgen.alert import BROKEN, FIELD_GAP, PLACEHOLDER, TESTED, UNSUPPORTED
from redgen.evidence.words import clean, plural
from redgen.scorecard import (
    CAUGHT,
    ERROR,
    FAILED,
    INCONCLUSIVE,
    MISSED,
    NO_TELEMETRY,
    PARTIAL,
    PASSED,
    CampaignScore,
    GateResult,
    LostCampaign,
    RuleScore,
    Scorecard,
)

UNTESTED_WORDS = {
    UNSUPPORTED: "no such kind of log in the dataset",
    FIELD_GAP: "none of the logs has its fields",
    PLACEHOLDER: "no pipeline filled in its placeholders",
    BROKEN: "could not be read or run",
}
"""Why a rule was not tested, in words."""

NO_GATES = "no gates"
BROKEN_RUN = "error"


@dataclass(frozen=True)
class Verdict:
    """The outcome in one word (``passed``, ``failed``, ``inconclusive``, ``error``, ``no gates``) and one sentence."""

    status: str
    sentence: str


@dataclass(frozen=True)
class Cause:
    """A cause of false alerts: background, or benign behavior that resembles an attack (``look_alike``)."""

    name: str
    groups: int
    share: float
    look_alike: bool


def verdict(card: Scorecard) -> Verdict:
    """What the gates say together: a failed detector weighs most, then a failed gate, then an inconclusive one."""
    counts = {s: sum(g.status == s for g in card.gates) for s in (FAILED, INCONCLUSIVE, PASSED)}
    if card.failed:
        return Verdict(BROKEN_RUN, f"{plural(len(card.failed), 'detector')} failed: the numbers below are incomplete.")
    if not card.gates:
        return Verdict(NO_GATES, "No gates were set: these are measurements, not a pass.")
    told = f"{counts[PASSED]} of {plural(len(card.gates), 'gate')} passed"
    if counts[FAILED]:
        also = f", {counts[INCONCLUSIVE]} inconclusive" if counts[INCONCLUSIVE] else ""
        return Verdict(FAILED, f"{plural(counts[FAILED], 'gate')} failed{also}; {told}.")
    if counts[INCONCLUSIVE]:
        return Verdict(INCONCLUSIVE, f"{plural(counts[INCONCLUSIVE], 'gate')} could not be decided; {told}.")
    return Verdict(PASSED, f"{told}.")


_URGENCY = {s: i for i, s in enumerate((ERROR, MISSED, PARTIAL, NO_TELEMETRY))}


def uncaught(card: Scorecard) -> list[CampaignScore]:
    """Campaigns that were not detected, lost ones first, then the worst status, then by id."""
    gone = lost(card)
    found = [c for c in card.campaigns if c.status not in CAUGHT]
    return sorted(found, key=lambda c: (c.campaign_id not in gone, _URGENCY.get(c.status, 9), c.campaign_id))


def lost(card: Scorecard) -> Mapping[str, LostCampaign]:
    """Campaigns that the older run caught and this one does not, by id."""
    return {} if card.regression is None else {c.campaign_id: c for c in card.regression.lost}


def required(card: Scorecard) -> Mapping[str, tuple[str, ...]]:
    """Campaign id -> the failed gates that name it."""
    known = {c.campaign_id for c in card.campaigns}
    found: dict[str, list[str]] = {}
    for gate in card.gates:
        if gate.status == FAILED:
            for name in gate.names:
                if name in known:
                    found.setdefault(name, []).append(gate.gate_id)
    return {name: tuple(gates) for name, gates in found.items()}


def unsaid(gate: GateResult, most: int) -> str:
    """What a gate that did not pass is about, as the tail of its message, unless that says it already."""
    if gate.status == PASSED or not gate.names or gate.names[0] in gate.message:
        return ""
    return f": {', '.join(gate.names[:most])}" + (" …" if len(gate.names) > most else "")


def untested(card: Scorecard) -> Mapping[str, list[RuleScore]]:
    """Status -> rules that were not tested for that reason; the order is that of ``UNTESTED_WORDS``, then others."""
    rules = [r for r in card.rules if r.rule.status != TESTED]
    order = {status: i for i, status in enumerate(UNTESTED_WORDS)}
    found: dict[str, list[RuleScore]] = {}
    for rule in sorted(rules, key=lambda r: (order.get(r.rule.status, 99), r.rule.status, name_of(r), r.rule.rule_id)):
        found.setdefault(rule.rule.status, []).append(rule)
    return found


def costly(card: Scorecard) -> list[RuleScore]:
    """Rules with false alerts, the costliest first."""
    return sorted((r for r in card.rules if r.false_groups), key=lambda r: (-r.false_groups, r.rule.rule_id))


def causes(card: Scorecard) -> list[Cause]:
    """What caused false alerts, the most frequent first."""
    total = sum(card.false_alerts.by_cause.values())
    found = [Cause(clean(key.removeprefix("hard_negative:")), count, count / total if total else 0.0,
                   not key.startswith("background"))
             for key, count in card.false_alerts.by_cause.items() if count]
    return sorted(found, key=lambda c: (-c.groups, c.name))


def name_of(rule: RuleScore) -> str:
    """A rule's title, or its id when it has none."""
    return clean(rule.rule.title or rule.rule.rule_id)


def names(card: Scorecard) -> Mapping[str, str]:
    """Rule id -> its title."""
    return {r.rule.rule_id: name_of(r) for r in card.rules}


def where(card: Scorecard) -> Mapping[str, tuple[str, int]]:
    """Rule id -> the file and line (0: unknown) where it stands, for rules that came from files."""
    return {r.rule.rule_id: (r.rule.file, r.rule.line) for r in card.rules if r.rule.file}


def title_of(card: Scorecard) -> str:
    """What to call the dataset: its name, else its scenario, else the start of its digest."""
    facts = card.dataset
    return clean(facts.name or facts.scenario or facts.digest[:19] or "unnamed dataset")
