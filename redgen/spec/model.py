"""The base of every YAML model and the types its fields are made of: durations, times, numbers with provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from redgen.clock import parse_duration, parse_time

FARTHEST = 200 * 366 * 86_400 * 1_000_000
"""The longest duration anybody may write (about 200 years): sums of a few stay inside 64 bits."""


class Spec(BaseModel):
    """A part of a YAML file: frozen, strict about types, and no unknown keys.

    Lists are ``tuple[X, ...]``; keys that are Python words take an alias (``Field(alias="with")``).
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )


class Cited(Spec):
    """A part whose numbers come from somewhere: ``source`` covers every number at or below it."""

    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Written:
    """For the JSON Schema: how else a value may be written than as what it becomes; stands last in ``Annotated``."""

    others: Callable[[Mapping[str, Any]], list[Mapping[str, Any]]]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        form = handler(core)
        return {"anyOf": [form, *self.others(form)]}


def also(*forms: Mapping[str, Any]) -> Written:
    """May be written in one of ``forms`` (JSON Schemas) too."""
    return Written(lambda _form: [*forms])


def valued(form: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of ``{value: x, source: …}`` for an x of ``form``."""
    notes = {name: {"type": "string"} for name in ("source", "note", "unit")}
    return {"type": "object", "properties": {"value": form, **notes}, "required": ["value"],
            "additionalProperties": False}


VALUED = Written(lambda form: [valued(form)])
"""May be written ``{value: x, source: …}`` too."""


def bare(value: Any) -> Any:
    """``x`` for ``{value: x, source: …}``, anything else as it is.

    >>> bare({"value": 2, "source": "measured"}), bare(3)
    (2, 3)
    """
    if isinstance(value, dict) and "value" in value and value.keys() <= {"value", "source", "note", "unit"}:
        return value["value"]
    return value


def _row(value: Any) -> Any:
    value = bare(value)
    return tuple(value) if isinstance(value, list) else value


def _duration(value: Any) -> Any:
    value = bare(value)
    if isinstance(value, str):
        micros = parse_duration(value)
        if micros > FARTHEST:
            raise ValueError("longer than 200 years")
        return micros
    if value == 0 and not isinstance(value, bool):
        return 0
    raise ValueError(f"write a duration with its unit, for example 90s, 5m, 1h30m, 7d, not {value!r}")


def _time(value: Any) -> Any:
    value = bare(value)
    if not isinstance(value, str):
        raise ValueError(f"write a time, for example 2026-01-12T00:00:00Z, not {value!r}")  # noqa: TRY004 (pydantic)
    return parse_time(value)


DURATION: Mapping[str, Any] = {
    "type": "string", "pattern": r"^( *\d+(\.\d+)? *(us|ms|s|m|h|d|w))+ *$", "examples": ["5m", "7d"],
}
ZERO = {"const": 0}

Duration = Annotated[int, BeforeValidator(_duration), WithJsonSchema({"anyOf": [DURATION, ZERO]}), VALUED]
"""Microseconds, at least 0; written ``90s``, ``5m``, ``1h30m``, ``7d``."""

TIME = {"type": "string", "pattern": r"^\d{4}-?(\d\d|W\d\d)", "examples": ["2026-01-12T00:00:00Z"]}

Time = Annotated[int, BeforeValidator(_time), WithJsonSchema(TIME), VALUED]
"""UTC microseconds since 1970; written in ISO 8601."""

Number = Annotated[float, BeforeValidator(bare), VALUED]
Positive = Annotated[float, BeforeValidator(bare), Field(gt=0), VALUED]
Share = Annotated[float, BeforeValidator(bare), Field(ge=0, le=1), VALUED]
Count = Annotated[int, BeforeValidator(bare), Field(ge=0), VALUED]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_row), VALUED]
"""Each may be written plainly or as ``{value: x, source: "…"}``."""

NAME = r"^[A-Za-z][A-Za-z0-9_.-]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=80)]
"""A name that can stand in paths, ids and dotted keys."""
