"""How much of a plain rule holds for an event that it does not find, and what fails, in words.

The share of a condition: of an AND the mean of its parts, of an OR the best of them, of anything else 1 or 0. A filter
that does not exclude an event is no merit; one that does takes a tenth away.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sigma.conditions import ConditionAND, ConditionItem, ConditionNOT, ConditionOR
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from redgen.sigma.backend import Predicates

Lists = Collection[str]


def share(rule: SigmaRule, predicates: Predicates, lists: Lists) -> str:
    """SQL of the share of a rule that holds for a row."""
    parts = [_share(c.parsed, predicates, lists) for c in rule.detection.parsed_condition]
    return f"greatest({', '.join(parts)})" if len(parts) > 1 else parts[0]


def _share(node: object, predicates: Predicates, lists: Lists) -> str:
    if isinstance(node, ConditionAND):
        filters = [a for a in node.args if isinstance(a, ConditionNOT)]
        parts = [_share(a, predicates, lists) for a in node.args if a not in filters] or ["1.0"]
        kept = "".join(f" * CASE WHEN {predicates.part(f, lists)} THEN 1.0 ELSE 0.9 END" for f in filters)
        return f"(({' + '.join(parts)}) / {len(parts)}{kept})"
    if isinstance(node, ConditionOR) and any(isinstance(a, ConditionItem) for a in node.args):
        return f"greatest({', '.join(_share(a, predicates, lists) for a in node.args)})"
    if node is None:
        return "0.0"
    return f"CASE WHEN {predicates.part(node, lists)} THEN 1.0 ELSE 0.0 END"


@dataclass(frozen=True)
class Piece:
    """A named part of a rule, its SQL, and whether the rule wants it (or, for a filter, wants it not)."""

    name: str
    sql: str
    wanted: bool


def pieces(rule: SigmaRule, predicates: Predicates, lists: Lists) -> list[Piece]:
    """The named detections of a rule; one that asks for several fields also field by field."""
    unwanted = _negated(rule)
    found = []
    for name, detection in rule.detection.detections.items():
        tree = _tree(rule, detection)
        if tree is None:
            continue
        found.append(Piece(name, predicates.part(tree, lists), name not in unwanted))
        if isinstance(tree, ConditionAND) and name not in unwanted:
            found += [Piece(f"{name}.{_field(item)}", predicates.part(part, lists), wanted=True)
                      for item in detection.detection_items if (part := _tree(rule, item)) is not None]
    return found


def _tree(rule: SigmaRule, part: SigmaDetection | SigmaDetectionItem) -> ConditionItem | None:
    try:
        return part.postprocess(rule.detection)  # type: ignore[return-value]
    except SigmaError:
        return None


def _field(item: SigmaDetection | SigmaDetectionItem) -> str:
    return getattr(item, "field", None) or "keywords"


def _negated(rule: SigmaRule) -> set[str]:
    """Names of detections that the condition wants not to hold, by where NOT stands before them."""
    found = set()
    for text in rule.detection.condition:
        words = text.replace("(", " ( ").replace(")", " ) ").split()
        found |= {name for name in rule.detection.detections if _is_negated(words, name)}
    return found


def _is_negated(words: Sequence[str], name: str) -> bool:
    negated, depths, pending = False, [False], False
    for word in words:
        if word.lower() == "not":
            pending = not pending
        elif word == "(":
            depths.append(depths[-1] != pending)
            pending = False
        elif word == ")":
            depths = depths[:-1] or [False]
        elif word.lower() in {"and", "or", "of", "1", "all", "any"}:
            continue
        else:
            if _names(word, name):
                negated = depths[-1] != pending
            pending = False
    return negated


def _names(word: str, name: str) -> bool:
    return word == name or (word.endswith("*") and name.startswith(word[:-1])) or (word == "them" and name[:1] != "_")


def words(counts: Sequence[tuple[Piece, int]], events: int) -> str:
    """What fails, from how many of the events each piece holds for."""
    top = [(p, n) for p, n in counts if "." not in p.name or not any(q.name == p.name.split(".")[0] for q, _ in counts)]
    excluding = [p.name for p, n in top if not p.wanted and n]
    held = [f"{p.name} holds for {n or 'none'} of {events} events" for p, n in top if p.wanted]
    for piece, n in top:
        if piece.wanted and not n:
            fields = [f"{q.name[len(piece.name) + 1:]} for {m or 'none'}" for q, m in counts
                      if q.name.startswith(piece.name + ".")]
            if fields:
                held[held.index(f"{piece.name} holds for none of {events} events")] += f" ({', '.join(fields)})"
    if excluding:
        held.append(f"{' and '.join(excluding)} exclude{'' if len(excluding) > 1 else 's'} them")
    return "; ".join(held) or "its condition does not hold"
