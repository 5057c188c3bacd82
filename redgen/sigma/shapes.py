"""Correlation rules in the engine's words: slots, groups, values, a window and what must hold in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaCorrelationRuleError

from redgen.sigma.ruleset import Rule

SECOND = 1_000_000
OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "=", "NEQ": "<>"}
NUMERIC = ("value_sum", "value_avg", "value_median", "value_percentile")
MOST_CLAUSES = 64

Clause = tuple[frozenset[int], frozenset[int]]
"""Slots that must be seen, slots that must not."""


@dataclass(frozen=True)
class Slot:
    """One rule that a correlation refers to, and which of its fields stand for the groups and the values."""

    rule: Rule
    groups: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """One correlation. ``span`` in µs; ``clauses`` (any of which must hold) only for extended conditions."""

    kind: str
    span: int
    groups: tuple[str, ...]
    slots: tuple[Slot, ...]
    operator: str = ">="
    threshold: float = 1
    percentile: float = 50
    clauses: tuple[Clause, ...] = ()

    @property
    def test(self) -> str:
        """What the metric must be, as SQL."""
        return f"{self.operator} {self.threshold!r}"


def shape_of(rule: SigmaCorrelationRule) -> Shape:
    """The shape of a resolved correlation; SigmaError when it asks for what has no meaning."""
    kind = rule.type.name.lower()
    groups = tuple(dict.fromkeys(rule.group_by or ()))
    named = getattr(rule.condition, "fieldref", None)
    values = () if not named else (named,) if isinstance(named, str) else tuple(map(str, named))
    if kind in NUMERIC and len(values) != 1:
        raise SigmaCorrelationRuleError(f"{kind} needs exactly one field")
    if not rule.referenced_rules:
        raise SigmaCorrelationRuleError("it refers to no rule")
    slots = tuple(_slot(rule, r, groups, values) for r in rule.referenced_rules)
    span = rule.timespan.seconds * SECOND
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        return Shape(kind, span, groups, slots, clauses=_clauses(condition, rule.referenced_rules))
    percentile = 50 if condition.percentile is None else condition.percentile
    if not 0 <= percentile <= 100:
        raise SigmaCorrelationRuleError(f"a percentile of {percentile} is not between 0 and 100")
    if kind == "value_percentile" and condition.percentile is None:
        raise SigmaCorrelationRuleError("value_percentile needs a percentile")
    return Shape(kind, span, groups, slots, OPERATORS[condition.op.name], condition.count, percentile)


def _slot(rule: SigmaCorrelationRule, ref: SigmaRuleReference, groups: Sequence[str], values: Sequence[str]) -> Slot:
    names = {ref.reference, ref.rule.name, str(ref.rule.id)}
    mapping = {alias.alias: field for alias in rule.aliases
               for target, field in alias.mapping.items() if target.reference in names}
    return Slot(ref.rule, tuple(mapping.get(g, g) for g in groups), tuple(mapping.get(v, v) for v in values))


def _clauses(condition: SigmaExtendedCorrelationCondition, refs: Sequence[SigmaRuleReference]) -> tuple[Clause, ...]:
    slots: dict[str, int] = {}
    for number, ref in enumerate(refs):
        for name in (ref.reference, ref.rule.name, str(ref.rule.id)):
            if name:
                slots.setdefault(name, number)
    found = tuple(dict.fromkeys(_normal(condition.parsed, slots, negated=False)))
    if any(not positive for positive, _ in found):
        raise SigmaCorrelationRuleError("its condition can hold without any event; name a rule that must be seen")
    if not found:
        raise SigmaCorrelationRuleError("its condition can never hold")
    return found


def _normal(node: object, slots: dict[str, int], *, negated: bool) -> list[Clause]:
    """Disjunctive normal form."""
    if isinstance(node, SigmaRuleReference):
        one = frozenset({slots[node.reference]})
        return [(frozenset(), one) if negated else (one, frozenset())]
    args = getattr(node, "args", [])
    if isinstance(node, CorrelationConditionNOT):
        return _normal(args[0], slots, negated=not negated)
    parts = [_normal(arg, slots, negated=negated) for arg in args]
    if isinstance(node, CorrelationConditionAND) == negated:
        return list(chain.from_iterable(parts))
    found: list[Clause] = [(frozenset(), frozenset())]
    for part in parts:
        found = [(a | c, b | d) for a, b in found for c, d in part if not (a | c) & (b | d)]
        if len(found) > MOST_CLAUSES:
            raise SigmaCorrelationRuleError(f"its condition has more than {MOST_CLAUSES} alternatives")
    return found
