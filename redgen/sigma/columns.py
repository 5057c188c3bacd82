"""Fields as columns: which fields rules ask for, in which forms, and what those columns are called.

A field ``userIdentity.arn`` becomes ``raw3``; predicates mostly use a derived form of it that is computed once, when a
table is loaded. The names are ours, so a field called ``order``, ``ts`` or ``_line`` needs no care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

RAW, LOWER, NUMBER, ADDRESS, MOMENT = "raw", "lower", "number", "address", "moment"

FORMS: Mapping[str, Callable[[str], str]] = {
    RAW: lambda x: x,
    LOWER: lambda x: f"lower({x})",
    NUMBER: lambda x: f"CASE WHEN isfinite(TRY_CAST({x} AS DOUBLE)) THEN TRY_CAST({x} AS DOUBLE) END",
    ADDRESS: lambda x: f"redgen_address({x})",
    MOMENT: lambda x: f"coalesce(TRY_CAST({x} AS TIMESTAMPTZ), TRY(to_timestamp(TRY_CAST({x} AS DOUBLE))))"
                      " AT TIME ZONE 'UTC'",
}
"""Form -> how it is derived from the field's text. ``address``: 32 hex digits (``redgen.sigma.addresses``); ``moment``:
a timestamp in UTC from ISO 8601 or epoch seconds (a plain cast to TIMESTAMP would drop the offset)."""

FULLTEXT = "fulltext"
"""The lowered text of the whole record, for keyword rules; ``fulltext_raw`` keeps its case for regular expressions."""
FULLTEXT_RAW = "fulltext_raw"


def text(value: object) -> str:
    """A SQL string literal.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Need:
    """What one rule asks of a table: its fields, their forms, and whether it reads the whole record's text."""

    fields: frozenset[str] = frozenset()
    forms: frozenset[tuple[str, str]] = frozenset()
    fulltext: bool = False

    def __or__(self, other: Need) -> Need:
        return Need(self.fields | other.fields, self.forms | other.forms, self.fulltext or other.fulltext)


@dataclass
class Columns:
    """The columns of all tables of a run: one number per field, whatever the case of its letters."""

    numbers: dict[str, int] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """The field as everyone here calls it; two spellings that differ by case alone are one field."""
        folded = name.casefold()
        self.numbers.setdefault(folded, len(self.numbers))
        return self.spelled.setdefault(folded, name)

    def name(self, name: str, form: str = RAW) -> str:
        """The column that holds a field in some form."""
        return f"{form}{self.numbers[self.key(name).casefold()]}"

    def need(self, names: Iterable[str], form: str = RAW) -> Need:
        """The wish for some fields in one form."""
        keys = [self.key(n) for n in names]
        return Need(frozenset(keys), frozenset((k, form) for k in keys))
