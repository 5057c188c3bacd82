"""What gates are measured on and what a measure tells: a value, its interval, and all that a verdict must know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redgen.alert import TESTED
from redgen.errors import did_you_mean
from redgen.gates.file import AllowSpec, GateSpec
from redgen.gates.selection import find_rule, select
from redgen.scorecard import ERROR, NO_TELEMETRY, CampaignScore, Estimate, RuleScore, Scorecard

BLIND = (NO_TELEMETRY, ERROR)
"""What becomes of campaigns that no rule could have seen."""


@dataclass(frozen=True)
class Measured:
    """A metric's value and interval, and what a verdict must know about them.

    ``n``: campaigns it rests on (None: it does not). ``best_lower``, ``best_upper``: the ends if nothing had gone
    wrong, which show limits out of reach. ``doubts`` forbid a pass; ``missing`` says why there is no verdict at all,
    ``broken`` why it failed without one. ``label`` names the part of the metric when it has several.
    """

    text: str = ""
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    best_lower: float | None = None
    best_upper: float | None = None
    doubts: tuple[str, ...] = ()
    missing: str = ""
    broken: str = ""
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Bench:
    """What metrics are measured on: a scorecard, the two-sided confidence, and what is excused today."""

    card: Scorecard
    level: float
    allow: tuple[AllowSpec, ...] = ()
    one_sided: bool = False

    @property
    def said(self) -> str:
        """The confidence as a gates file has it, for people."""
        return f"{(1 + self.level) * 50:.4g} % one-sided" if self.one_sided else f"{self.level * 100:.4g} %"

    def excused(self, gate: GateSpec) -> tuple[AllowSpec, ...]:
        """The allowances that hold for a gate."""
        return tuple(a for a in self.allow if a.gate in (None, gate.id))

    def campaigns(self, gate: GateSpec) -> tuple[CampaignScore, ...]:
        """The campaigns a gate is about, without those excused."""
        gone = {a.campaign for a in self.excused(gate)}
        return tuple(c for c in select(self.card.campaigns, gate.where) if c.campaign_id not in gone)

    def allowed(self, gate: GateSpec) -> tuple[str, ...]:
        """The ids of excused campaigns that the gate is about."""
        gone = {a.campaign for a in self.excused(gate)}
        return tuple(c.campaign_id for c in select(self.card.campaigns, gate.where) if c.campaign_id in gone)


Measure = Callable[[Bench, GateSpec], tuple[Measured, ...]]


def blind(campaigns: Sequence[CampaignScore]) -> tuple[CampaignScore, ...]:
    """Those that could not have been detected, whatever the rules."""
    return tuple(c for c in campaigns if c.status in BLIND)


def counted(value: float, text: str, names: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> Measured:
    """A plain count, which has no interval."""
    return Measured(text, value, value, value, names=names, files=files)


def stored(bench: Bench, gate: GateSpec, estimate: Estimate, text: str) -> Measured:
    """An estimate that the scorecard holds already; its interval only serves at its own confidence."""
    if gate.bound != "point" and abs(estimate.confidence - bench.level) > 1e-9:
        return Measured(missing=f"the scorecard's interval is at {estimate.confidence:g}, the gate's at "
                                f"{bench.level:g}; score with confidence {bench.level:g}")
    if estimate.value is None:
        return Measured(missing=f"{text}: {estimate.note or 'nothing to measure'}")
    return Measured(text, estimate.value, estimate.lower, estimate.upper)


def rule_of(bench: Bench, gate: GateSpec) -> tuple[RuleScore | None, Measured]:
    """The rule a gate names, or what is to be said when there is none or it could not be tested."""
    rules = bench.card.rules
    assert gate.rule is not None
    rule = find_rule(gate.rule, rules)
    if rule is None:
        known = [name for r in rules for name in (r.rule.rule_id, r.rule.title)]
        return None, Measured(broken=f"no rule {gate.rule!r} in this run{did_you_mean(gate.rule, known)}")
    if rule.rule.status != TESTED:
        reason = rule.rule.reason or rule.rule.status
        return None, Measured(missing=f"rule {rule.rule.title!r} could not be tested: {reason}", files=file_of(rule))
    return rule, Measured()


def file_of(rule: RuleScore) -> tuple[str, ...]:
    """The file of a rule, if it is known."""
    return (rule.rule.file,) if rule.rule.file else ()


def listed(names: Sequence[str], most: int = 5, join: str = ", ") -> str:
    """A few names, and how many more."""
    return join.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
