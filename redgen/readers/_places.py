"""Places in a record, written as in JSONPath: ``$.a.b``, ``$.list[*].x``, ``$.list[0]``, ``$['dotted.key']``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from redgen.records import leaf

_STEP = re.compile(
    r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[(?P<all>\*)\]|\[(['\"])(?P<key>[^'\"]+)\4\]|\.(?P<any>\*)")


@dataclass(frozen=True)
class Place:
    """A place in a record. Dotted keys and nested ones are the same to it.

    >>> Place.of("$.a[*].b").values({"a": [{"b": 1}, {"b": 2}]}), Place.of("x.y").values({"x": {"y": [3]}})
    ([1, 2], [3])
    """

    text: str
    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, text: str) -> Place:
        """The place written as ``text``; ValueError when it is none."""
        if not text.startswith("$"):
            if not text or text.startswith("."):
                raise ValueError(f"write a place such as $.rule.id or a column's name, not {text!r}")
            return cls(text, (text,))
        steps: list[str | int] = []
        at = 1
        while at < len(text):
            match = _STEP.match(text, at)
            if match is None:
                raise ValueError(f"cannot read {text!r} from {text[at:]!r} on; write $.a.b, $.list[*].x or $['a.b']")
            index = match["index"]
            steps.append(int(index) if index else (match["name"] or match["key"] or "*"))
            at = match.end()
        if not steps:
            raise ValueError("`$` alone is the whole record; name a field in it")
        return cls(text, _joined(steps))

    def values(self, record: Mapping[str, Any]) -> list[Any]:
        """What stands there: nothing, one value, or several; lists are spread."""
        found: list[Any] = [record]
        for step in self.steps:
            found = [inner for value in found for inner in _inside(value, step)]
        spread = (v for value in found for v in (value if isinstance(value, list) else [value]))
        return [v for v in spread if not isinstance(v, dict | list) and v is not None and v != ""]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.of, core_schema.str_schema())


def _joined(steps: list[str | int]) -> tuple[str | int, ...]:
    """Names that follow each other become one dotted name, so that dotted keys are found too."""
    found: list[str | int] = []
    for step in steps:
        if found and isinstance(step, str) and isinstance(found[-1], str) and "*" not in {step, found[-1]}:
            found[-1] = f"{found[-1]}.{step}"
        else:
            found.append(step)
    return tuple(found)


def _inside(value: Any, step: str | int) -> list[Any]:
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and step < len(value) else []
    if step == "*":
        return list(value.values()) if isinstance(value, dict) else (value if isinstance(value, list) else [])
    if isinstance(value, list):
        return [inner for item in value for inner in _inside(item, step)]
    found = leaf(value, step) if isinstance(value, dict) else None
    return [] if found is None else [found]
