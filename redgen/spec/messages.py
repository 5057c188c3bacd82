"""Pydantic's findings in the words of the author of a YAML: where it is, what is wrong, what is allowed."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from redgen.clock import human
from redgen.errors import did_you_mean
from redgen.spec.model import NAME

Path = tuple[str | int, ...]

_NOUNS = {
    "int": "a whole number", "float": "a number", "string": "text", "bool": "true or false",
    "dict": "a mapping (key: value)", "model": "a mapping (key: value)", "tuple": "a list", "list": "a list",
}
_SHOWN = 40
_LIMITS = {"greater_than": "longer than", "greater_than_equal": "at least",
           "less_than": "shorter than", "less_than_equal": "at most"}
"""Limits of what is written as text and read as a number: of durations."""
_PATTERNS = {NAME: "a name of letters, digits, '_', '.' and '-' that begins with a letter"}


def described(value: Any) -> str:
    """A value as a message shows it, with its type where that is the point."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    shown = value if len(str(value)) <= _SHOWN else f"{str(value)[:_SHOWN]}…"
    return f"the text {shown!r}" if isinstance(value, str) else str(shown)


def _bounded(error: ErrorDetails) -> str:
    """A finding about the length of a time or a list, or the letters of a text; empty when it is about none."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if isinstance(value, str) and kind in _LIMITS:
        (limit,) = context.values()
        return f"should be {_LIMITS[kind]} {_duration(limit)}, not {value}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"should be {_PATTERNS.get(pattern, f'text that matches {pattern}')}, not {described(value)}"
    if kind == "too_short":
        return f"should have at least {context['min_length']} entries" if value else "is empty; write at least one"
    return ""


def _duration(limit: Any) -> str:
    if not isinstance(limit, int):
        return str(limit)
    return f"-{human(-limit)}" if limit < 0 else human(limit)


def located(data: Any, error: ErrorDetails) -> tuple[Path, Path]:
    """Where a finding lies in ``data``, and where its location first leaves the data for a branch of a union.

    Both are the same when there is no union on the way. A key that is missing from the data is kept.
    """
    loc = error["loc"]
    path: list[str | int] = []
    home: Path | None = None
    here = data
    for at, part in enumerate(loc):
        if part in (here if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()):
            here = here[part]
        elif not (error["type"] == "missing" and at == len(loc) - 1):
            home = tuple(path) if home is None else home
            continue
        path.append(part)
    return tuple(path), tuple(path) if home is None else home


def message(error: ErrorDetails, allowed: Iterable[str]) -> str:
    """One finding as a sentence; ``allowed`` lists the keys known where a key is unknown."""
    kind = error["type"]
    value = error["input"]
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(error['loc'][-1]), allowed)}"
    if kind == "missing":
        return "missing; this key is required"
    if kind in ("literal_error", "enum"):
        words = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
        return f"{described(value)} is not allowed{did_you_mean(str(value), words)}"
    family, _, rest = kind.partition("_")
    if family in _NOUNS and rest in ("type", "parsing"):
        return f"should be {_NOUNS[family]}, not {described(value)}"
    if said := _bounded(error):
        return said
    text = re.sub(r"^(Value error, |Assertion failed, )", "", error["msg"])
    if text.startswith("Input "):
        text = text.removeprefix("Input ")
        plain = isinstance(value, int | float | str) or value is None
        return f"{text}, not {described(value)}" if plain else text
    return text


def keys_at(annotation: Any, path: Sequence[str | int]) -> set[str]:
    """Every key that the models at ``path`` below a type allow (over all branches of a union)."""
    found: set[str] = set()
    for kind in _branches(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {(field.alias or name): field for name, field in kind.model_fields.items()}
            if not path:
                found |= fields.keys()
            elif path[0] in fields:
                found |= keys_at(fields[str(path[0])].annotation, path[1:])
        elif path:
            origin, args = get_origin(kind), get_args(kind)
            if isinstance(origin, type) and issubclass(origin, Mapping) and len(args) == 2:
                found |= keys_at(args[1], path[1:])
            elif origin in (tuple, list) and args:
                found |= keys_at(args[0], path[1:])
    return found


def _branches(annotation: Any) -> list[Any]:
    """The members of a union, without their decorations."""
    if get_origin(annotation) is Annotated:
        return _branches(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [branch for arg in get_args(annotation) for branch in _branches(arg)]
    return [annotation]
