"""Leaves of a predicate: how one column is compared with one value, as SQL.

Each function takes the SQL of a scalar expression and returns a condition that is true, false or NULL on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigma.types import Placeholder, SigmaString, SpecialChars

from redgen.sigma.columns import text

MANY, ONE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE

Part = str | SpecialChars | Placeholder


def parts_of(value: SigmaString) -> tuple[Part, ...]:
    """The pieces of a Sigma string: text, wildcards and placeholders; neighboring texts joined, ``**`` made ``*``."""
    joined: list[Part] = []
    for part in value.s:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "" and not (part is MANY and joined and joined[-1] is MANY):
            joined.append(part)
    return tuple(joined)


def plain(parts: Sequence[Part]) -> str | None:
    """The text of a string without wildcards, None when it has any."""
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None


def string(x: str, parts: Sequence[Part], *, fold: bool) -> str:
    """Whether ``x`` matches a pattern; with ``fold``, ``x`` is a lowered column and the pattern is lowered likewise."""
    literal = (lambda s: f"lower({text(s)})") if fold else text
    whole = plain(parts)
    if whole is not None:
        return f"{x} = {literal(whole)}"
    if parts == (MANY,):
        return f"{x} IS NOT NULL"
    match parts:
        case (m, str(inner), n) if m is MANY and n is MANY:
            return f"contains({x}, {literal(inner)})"
        case (str(head), m) if m is MANY:
            return f"starts_with({x}, {literal(head)})"
        case (m, str(tail)) if m is MANY:
            return f"ends_with({x}, {literal(tail)})"
    return f"{x} LIKE {literal(''.join(map(_like, parts)))} ESCAPE '\\'"


def _like(part: Part) -> str:
    if isinstance(part, str):
        return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "%" if part is MANY else "_"


def truth(x: str, value: bool) -> str:
    """Whether a lowered field says true (or false) in either spelling that logs use."""
    return f"{x} IN ('true', '1')" if value else f"{x} IN ('false', '0')"


def fields(a: str, b: str, *, starts: bool, ends: bool) -> str:
    """Whether two lowered fields agree: equal, or the second begins, ends or lies within the first."""
    if starts and ends:
        return f"contains({a}, {b})"
    if starts:
        return f"starts_with({a}, {b})"
    return f"ends_with({a}, {b})" if ends else f"{a} = {b}"


def alternatives(conditions: Sequence[str], size: int = 100) -> str:
    """Any of the conditions, in groups: a flat chain of thousands would nest deeper than planners like."""
    if len(conditions) == 1:
        return conditions[0]
    if len(conditions) <= size:
        return "(" + " OR ".join(conditions) + ")"
    groups = [conditions[i:i + size] for i in range(0, len(conditions), size)]
    return alternatives([alternatives(g, size) for g in groups], size)
