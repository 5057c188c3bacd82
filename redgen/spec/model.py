"""The base of every YAML model and the types its fields are made of: durations, times, numbers with provenance."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

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


_COMPACT = r"^(\s*\d+(\.\d+)?\s*(us|ms|s|m|h|d|w))+$"

Duration = Annotated[
    int, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": _COMPACT, "examples": ["5m", "7d"]})
]
"""Microseconds, at least 0; written ``90s``, ``5m``, ``1h30m``, ``7d``."""

Time = Annotated[
    int, BeforeValidator(_time), WithJsonSchema({"type": "string", "examples": ["2026-01-12T00:00:00Z"]})
]
"""UTC microseconds since 1970; written in ISO 8601."""

Number = Annotated[float, BeforeValidator(bare)]
Positive = Annotated[float, BeforeValidator(bare), Field(gt=0)]
Share = Annotated[float, BeforeValidator(bare), Field(ge=0, le=1)]
Count = Annotated[int, BeforeValidator(bare), Field(ge=0)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_row)]
"""Each may be written plainly or as ``{value: x, source: "…"}``."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=80)]
"""A name that can stand in paths, ids and dotted keys."""
