"""Sigma conditions as SQL predicates over the columns of ``redgen.sigma.columns``.

Absent fields are NULL. A comparison with NULL is NULL, a negation of anything but true is true: ``NOT coalesce(x,
false)``, at every level, so that ``not filter`` holds for events that lack the filter's fields.
"""

# ruff: noqa: ARG002  (pySigma's signatures carry a state that SQL predicates have no use for)

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import ClassVar, cast

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError, SigmaPlaceholderError
from sigma.rule import SigmaRule
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
)

from redgen.sigma import leaves, patterns
from redgen.sigma.addresses import bounds
from redgen.sigma.columns import ADDRESS, FULLTEXT, FULLTEXT_RAW, LOWER, MOMENT, NUMBER, RAW, Columns, Need, text

Test = Callable[[str], str]
Leaf = ConditionFieldEqualsValueExpression
Word = ConditionValueExpression

OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "<>"}


class Predicates(TextQueryBackend):
    """The pySigma backend. ``lists`` names the fields that are arrays in the table at hand: any element may match."""

    name: ClassVar[str] = "redgen"
    formats: ClassVar[dict[str, str]] = {"default": "SQL predicates"}
    and_token, or_token, not_token, eq_token = "AND", "OR", "NOT", "="

    def __init__(self, columns: Columns) -> None:
        super().__init__()
        self.columns = columns
        self.lists: Collection[str] = ()
        self._need = Need()

    def predicate(self, rule: SigmaRule, lists: Collection[str] = ()) -> str:
        """When an event is one of the rule's: any of its conditions; SigmaError when it cannot be said in SQL."""
        with self._over(lists):
            found = [self._sql(c.parsed) for c in rule.detection.parsed_condition]
        return leaves.alternatives([f"({c})" for c in found if c]) if any(found) else "false"

    def part(self, condition: object, lists: Collection[str] = ()) -> str:
        """One node of a rule's condition as SQL."""
        with self._over(lists):
            return self._sql(condition) or "false"

    def _sql(self, condition: object) -> str:
        return cast("str", self.convert_condition(cast("ConditionItem", condition), ConversionState())) or ""

    def need(self, rule: SigmaRule) -> Need:
        """Which columns the rule reads."""
        self._need = Need()
        self.predicate(rule)
        return self._need

    @contextmanager
    def _over(self, lists: Collection[str]) -> Iterator[None]:
        self.lists = lists
        yield
        self.lists = ()

    def _column(self, field: str, form: str) -> str:
        self._need |= self.columns.need([field], form)
        return self.columns.name(field, form)

    def _any(self, field: str, form: str, test: Test, variable: str = "_x") -> str:
        """The test on a field, or on any element of it."""
        column = self._column(field, form)
        if self.columns.key(field) not in self.lists:
            return test(column)
        return f"list_bool_or(list_transform({column}, lambda {variable}: {test(variable)}))"

    # ---- connectives

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> str:
        """All of them."""
        found = [self._sql(a) for a in cond.args]
        return "(" + " AND ".join(c for c in found if c) + ")" if any(found) else ""

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> str:
        """Any of them; plain texts of one field become one set."""
        sets: dict[str, list[str]] = {}
        others = []
        for arg in cond.args:
            whole = self._plain(arg)
            if whole is None:
                others.append(self._sql(arg))
            else:
                sets.setdefault(cast("Leaf", arg).field, []).append(whole)
        found = [self._one_of(f, words) for f, words in sets.items()] + [c for c in others if c]
        return leaves.alternatives(found) if found else ""

    def _plain(self, cond: object) -> str | None:
        if not isinstance(cond, Leaf) or not isinstance(cond.value, SigmaString) or not cond.field:
            return None
        return None if isinstance(cond.value, SigmaCasedString) else leaves.plain(leaves.parts_of(cond.value))

    def _one_of(self, field: str, words: list[str]) -> str:
        if len(words) == 1:
            return self._any(field, LOWER, lambda x: leaves.string(x, words, fold=True))
        listed = ", ".join(f"lower({text(w)})" for w in words)
        return self._any(field, LOWER, lambda x: f"{x} IN ({listed})")

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> str:
        """Anything but true."""
        inner = self._sql(cond.args[0]) if cond.args else ""
        return f"NOT coalesce(({inner}), false)" if inner else ""

    # ---- a field and a value

    def convert_condition_field_eq_val_str(self, cond: Leaf, state: ConversionState) -> str:
        """Text and wildcards, whatever the case of letters."""
        parts = _resolved(cast("SigmaString", cond.value))
        return self._any(cond.field, LOWER, lambda x: leaves.string(x, parts, fold=True))

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Leaf, state: ConversionState) -> str:
        """Text and wildcards, letter by letter."""
        parts = _resolved(cast("SigmaString", cond.value))
        return self._any(cond.field, RAW, lambda x: leaves.string(x, parts, fold=False))

    def convert_condition_field_eq_val_num(self, cond: Leaf, state: ConversionState) -> str:
        """A number, written as a number or as text."""
        number = cast("SigmaNumber", cond.value).number
        return self._any(cond.field, NUMBER, lambda x: f"{x} = {number!r}::DOUBLE")

    def convert_condition_field_compare_op_val(self, cond: Leaf, state: ConversionState) -> str:
        """Less, more, or another number."""
        value = cast("SigmaCompareExpression", cond.value)
        operator, number = OPERATORS[value.op.name], value.number.number
        return self._any(cond.field, NUMBER, lambda x: f"{x} {operator} {number!r}::DOUBLE")

    def convert_condition_field_eq_val_bool(self, cond: Leaf, state: ConversionState) -> str:
        """True or false, as words or digits."""
        value = cast("SigmaBool", cond.value).boolean
        return self._any(cond.field, LOWER, lambda x: leaves.truth(x, value))

    def convert_condition_field_eq_val_re(self, cond: Leaf, state: ConversionState) -> str:
        """A regular expression found anywhere."""
        value = cast("SigmaRegularExpression", cond.value)
        _no_placeholder(value.regexp)
        return self._any(cond.field, RAW, lambda x: patterns.condition(x, value))

    def convert_condition_field_eq_val_cidr(self, cond: Leaf, state: ConversionState) -> str:
        """An address inside a network."""
        first, last = bounds(cast("SigmaCIDRExpression", cond.value).network)
        return self._any(cond.field, ADDRESS, lambda x: f"{x} BETWEEN {text(first)} AND {text(last)}")

    def convert_condition_field_eq_val_timestamp_part(self, cond: Leaf, state: ConversionState) -> str:
        """Minute, hour, day of month, ISO week, month or year of a time, in UTC."""
        value = cast("SigmaTimestampPart", cond.value)
        part = text(value.timestamp_part.name.lower())
        return self._any(cond.field, MOMENT, lambda x: f"date_part({part}, {x}) = {value.number}")

    def convert_condition_field_eq_field(self, cond: Leaf, state: ConversionState) -> str:
        """Two fields of one event compared."""
        ref = cast("SigmaFieldReference", cond.value)

        def outer(x: str) -> str:
            def inner(y: str) -> str:
                return leaves.fields(x, y, starts=ref.starts_with, ends=ref.ends_with)

            return self._any(ref.field, LOWER, inner, "_y")

        return self._any(cond.field, LOWER, outer)

    def convert_condition_field_eq_val_null(self, cond: Leaf, state: ConversionState) -> str:
        """No value."""
        return f"NOT {self._given(cond.field)}"

    def convert_condition_field_exists(self, cond: Leaf, state: ConversionState) -> str:
        """Some value."""
        return self._given(cond.field)

    def convert_condition_field_eq_val_exists(self, cond: Leaf, state: ConversionState) -> str:
        """Some value, or none."""
        return self._given(cond.field) if cond.value else f"NOT {self._given(cond.field)}"

    def _given(self, field: str) -> str:
        column = self._column(field, RAW)
        if self.columns.key(field) in self.lists:
            return f"(coalesce(len(list_filter({column}, lambda _x: _x IS NOT NULL)), 0) > 0)"
        return f"({column} IS NOT NULL)"

    def convert_condition_field_eq_expansion(self, cond: Leaf, state: ConversionState) -> str:
        """One of several encodings of a value."""
        values = cast("SigmaExpansion", cond.value).values
        return self.convert_condition_or(ConditionOR([Leaf(cond.field, v) for v in values]), state)

    def convert_condition_field_eq_query_expr(self, cond: Leaf, state: ConversionState) -> str:
        """Never: a pipeline for another product."""
        raise SigmaFeatureNotSupportedByBackendError("a pipeline puts another product's query into the rule")

    # ---- keywords

    def convert_condition_val_str(self, cond: Word, state: ConversionState) -> str:
        """A word anywhere in the record."""
        value = cast("SigmaString", cond.value)
        cased = isinstance(value, SigmaCasedString)
        parts = (leaves.MANY, *_resolved(value), leaves.MANY)
        whole = SigmaString()
        whole.s = list(parts)
        return leaves.string(self._record(raw=cased), leaves.parts_of(whole), fold=not cased)

    def convert_condition_val_num(self, cond: Word, state: ConversionState) -> str:
        """A number's digits anywhere in the record."""
        return f"contains({self._record()}, {text(cast('SigmaNumber', cond.value).number)})"

    def convert_condition_val_re(self, cond: Word, state: ConversionState) -> str:
        """A regular expression found anywhere in the record."""
        return patterns.condition(self._record(raw=True), cast("SigmaRegularExpression", cond.value))

    def convert_condition_val(self, cond: Word, state: ConversionState) -> str:
        """A value without a field."""
        if isinstance(cond.value, SigmaExpansion):
            return self.convert_condition_or(ConditionOR([Word(v) for v in cond.value.values]), state)
        return cast("str", super().convert_condition_val(cond, state))

    def convert_condition_query_expr(self, cond: Word, state: ConversionState) -> str:
        """Never: a pipeline for another product."""
        raise SigmaFeatureNotSupportedByBackendError("a pipeline puts another product's query into the rule")

    def _record(self, *, raw: bool = False) -> str:
        self._need |= Need(fulltext=True)
        return FULLTEXT_RAW if raw else FULLTEXT


def _resolved(value: SigmaString) -> tuple[leaves.Part, ...]:
    _no_placeholder(value)
    return leaves.parts_of(value)


def _no_placeholder(value: SigmaString) -> None:
    open_ones = sorted({p.name for p in value.s if isinstance(p, Placeholder)})
    if open_ones:
        raise SigmaPlaceholderError(", ".join(f"%{name}%" for name in open_ones))
