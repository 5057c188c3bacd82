"""Field gaps: rules that cannot say anything about a source because it lacks their fields.

A field that is merely empty in these events is no gap. A condition is judged in three values: leaves on fields that the
source cannot have are known beforehand, all others are open. A rule whose outcome is known without a single event was
not tested.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionItem, ConditionNOT, ConditionOR
from sigma.rule import SigmaRule
from sigma.types import SigmaExists, SigmaFieldReference, SigmaNull

from redgen.sigma.columns import Columns


def fields_of(node: object) -> set[str]:
    """Every field that a condition names."""
    if isinstance(node, ConditionFieldEqualsValueExpression):
        other = {node.value.field} if isinstance(node.value, SigmaFieldReference) else set()
        return {node.field} | other
    return set().union(*(fields_of(a) for a in node.args)) if isinstance(node, ConditionItem) else set()


def gap(rule: SigmaRule, absent: Collection[str], columns: Columns) -> tuple[str, ...]:
    """The fields for whose lack the rule cannot be tested, or nothing when it can."""
    trees = [c.parsed for c in rule.detection.parsed_condition]
    if any(_known(tree, absent, columns) is None for tree in trees):
        return ()
    return missing(rule, absent, columns)


def missing(rule: SigmaRule, absent: Collection[str], columns: Columns) -> tuple[str, ...]:
    """The fields of the rule that the source lacks."""
    named = set().union(*(fields_of(c.parsed) for c in rule.detection.parsed_condition))
    return tuple(sorted(f for f in named if columns.key(f) in absent))


def _known(node: object, absent: Collection[str], columns: Columns) -> bool | None:
    """What the condition is, whatever the event; None when that depends on the event (Kleene's three values)."""
    if isinstance(node, ConditionFieldEqualsValueExpression):
        if not any(columns.key(f) in absent for f in fields_of(node)):
            return None
        return isinstance(node.value, SigmaNull) or (isinstance(node.value, SigmaExists) and not node.value.exists)
    if isinstance(node, ConditionNOT):
        inner = _known(node.args[0], absent, columns) if node.args else None
        return None if inner is None else not inner
    if isinstance(node, ConditionAND | ConditionOR):
        return _joined([_known(a, absent, columns) for a in node.args], stop=isinstance(node, ConditionOR))
    return None


def _joined(values: Iterable[bool | None], *, stop: bool) -> bool | None:
    found = set(values)
    if stop in found:
        return stop
    return None if None in found else not stop
