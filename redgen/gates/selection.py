"""Which campaigns a gate's ``where`` means, and which rule its ``rule``: by any of the names that people use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from redgen.errors import did_you_mean
from redgen.gates.file import Scalar, Where
from redgen.scorecard import CampaignScore, RuleScore, StepScore

FIXED = ("family", "playbook", "technique", "step", "campaign")
"""Keys that every campaign has; all others are those of its stratum."""


def plain(name: object) -> str:
    """A name without the differences that mean nothing.

    >>> plain("account_takeover") == plain("Account-Takeover")
    True
    """
    return str(name).casefold().replace("_", "-").replace(" ", "-")


def unknown_keys(where: Mapping[str, Where], campaigns: Iterable[CampaignScore]) -> Iterator[tuple[str, str]]:
    """(key, message) for each key of ``where`` that no campaign has."""
    known = {*FIXED, *(key for c in campaigns for key in c.stratum)}
    for key in where:
        if key not in known:
            yield key, f"campaigns of this dataset have no {key!r}{did_you_mean(key, known)}"


def select(campaigns: Sequence[CampaignScore], where: Mapping[str, Where]) -> tuple[CampaignScore, ...]:
    """The campaigns that have one of the values wanted, for every key; ``playbook`` also takes a family's name."""
    return tuple(c for c in campaigns if all(_has(c, key, _wanted(value)) for key, value in where.items()))


def steps_of(campaign: CampaignScore, where: Mapping[str, Where]) -> tuple[StepScore, ...]:
    """The steps that left lines and are those ``where`` means, if it speaks of steps or techniques."""
    steps = (s for s in campaign.steps if s.n_events)
    techniques, names = _wanted(where.get("technique", ())), {plain(v) for v in _wanted(where.get("step", ()))}
    return tuple(
        s for s in steps
        if (not techniques or any(is_technique(s.technique, v) for v in techniques))
        and (not names or plain(s.step_id) in names))


def is_technique(technique: str, wanted: object) -> bool:
    """Whether a technique is the one wanted, or below it.

    >>> is_technique("T1110.004", "T1110"), is_technique("T1110", "T1110.004")
    (True, False)
    """
    name = str(wanted).upper()
    return technique.upper() == name or technique.upper().startswith(f"{name}.")


def nearest(where: Mapping[str, Where], campaigns: Sequence[CampaignScore]) -> str:
    """The tail of a message when nothing matches: what the first value that no campaign has might mean."""
    for key, value in where.items():
        for wanted in _wanted(value):
            if not any(_has(c, key, (wanted,)) for c in campaigns):
                return f"; no campaign has {key} {wanted!r}{did_you_mean(str(wanted), _values(key, campaigns))}"
    return ""


def find_rule(name: str, rules: Sequence[RuleScore]) -> RuleScore | None:
    """The rule with that id, else the only one with that title (as Splunk names a search: ``ESCU - title - Rule``)."""
    for rule in rules:
        if rule.rule.rule_id == name:
            return rule
    wanted = plain(name)
    titled = [r for r in rules if wanted in _titles(r.rule.title) or wanted in _titles(r.rule.rule_id)]
    return titled[0] if len(titled) == 1 else None


def _titles(title: str) -> set[str]:
    parts = title.split(" - ")
    inner = " - ".join(parts[1:-1]) if len(parts) > 2 and plain(parts[-1]) == "rule" else title
    return {plain(title), plain(inner)}


def _wanted(value: Where) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _has(campaign: CampaignScore, key: str, wanted: Sequence[Scalar]) -> bool:
    if key == "technique":
        return any(is_technique(s.technique, v) for s in campaign.steps if s.n_events for v in wanted)
    if key == "playbook":
        names = {plain(campaign.playbook), plain(campaign.family)}
        return any(plain(v) in names for v in wanted)
    if key in FIXED:
        return any(plain(v) in _names(campaign, key) for v in wanted)
    return key in campaign.stratum and any(_same(campaign.stratum[key], v) for v in wanted)


def _names(campaign: CampaignScore, key: str) -> set[str]:
    if key == "step":
        return {plain(s.step_id) for s in campaign.steps if s.n_events}
    return {plain(campaign.family if key == "family" else campaign.campaign_id)}


def _same(value: object, wanted: Scalar) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return float(value) == float(wanted)
    return plain(value) == plain(wanted)


def _values(key: str, campaigns: Sequence[CampaignScore]) -> set[str]:
    if key == "technique":
        return {s.technique for c in campaigns for s in c.steps}
    if key == "step":
        return {s.step_id for c in campaigns for s in c.steps}
    if key == "playbook":
        return {name for c in campaigns for name in (c.playbook, c.family)}
    if key in FIXED:
        return {c.family if key == "family" else c.campaign_id for c in campaigns}
    return {str(c.stratum[key]) for c in campaigns if key in c.stratum}
