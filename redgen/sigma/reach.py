"""Whether a correlation can say anything when some of the rules it refers to could not be tested."""

from __future__ import annotations

from collections.abc import Sequence

from redgen.alert import TESTED, RuleReport
from redgen.sigma.shapes import Shape


def unsatisfiable(shape: Shape, reports: Sequence[RuleReport]) -> tuple[str, str, tuple[str, ...]] | None:
    """Status, reason and missing fields of a correlation that cannot fire for lack of its rules; None when it can."""
    tested = {i for i, r in enumerate(reports) if r.status == TESTED}
    lost = [r for r in reports if r.status != TESTED]
    if not lost:
        return None
    if shape.clauses:
        possible = any(positive <= tested for positive, _ in shape.clauses)
    elif shape.kind.startswith("temporal"):
        least = shape.threshold + (1 if shape.operator == ">" else 0)
        possible = bool(tested) and (shape.operator not in {">", ">=", "="} or len(tested) >= least)
    else:
        possible = bool(tested)
    if possible:
        return None
    first = lost[0]
    return first.status, f"it needs {first.title!r}, which was not tested: {first.reason}", first.missing
