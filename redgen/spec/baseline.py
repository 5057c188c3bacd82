"""The baseline YAML: what is ordinary, as populations that start sessions of a behavior."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from redgen.clock import parse_duration

PEOPLE_KINDS = Literal["customer", "employee", "admin", "service", "api_client"]


def plain(node: Any) -> Any:
    """``node`` without its notes on provenance: ``source`` and ``note`` go, ``{value: x, source: …}`` is x."""
    if isinstance(node, dict):
        kept = {k: plain(v) for k, v in node.items() if k not in ("source", "note")}
        return kept["value"] if kept.keys() == {"value"} else kept
    return [plain(v) for v in node] if isinstance(node, list) else node


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
"""Microseconds; written as ``90s``, ``5m``, ``1h30m``."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Season(Strict):
    """Multipliers of a rate by local hour and weekday (Monday first); each list is scaled to mean 1."""

    hour: tuple[Annotated[float, Field(ge=0)], ...] = Field(default=(1.0,) * 24, min_length=24, max_length=24)
    weekday: tuple[Annotated[float, Field(ge=0)], ...] = Field(default=(1.0,) * 7, min_length=7, max_length=7)
    timezone: str | dict[str, float] = "+00:00"
    """``local`` (that of each person), an offset such as ``+01:00``, or offsets with their shares."""


class Burst(Strict):
    """A lognormal multiplicative cascade over 5 min · 4^level: log-variance, Hurst exponent, number of levels."""

    variance: Annotated[float, Field(ge=0, le=4)] = 0.0
    hurst: Annotated[float, Field(gt=0.5, lt=1)] = 0.7
    levels: Annotated[int, Field(ge=1, le=6)] = 5


class Rate(Strict):
    """Mean number of sessions a day: in all, per entity, or per person of a kind in the world."""

    per_day: Annotated[float, Field(ge=0)]
    per: Literal["all", "entity", "customer", "employee", "admin", "service", "api_client"] = "all"


class Every(Strict):
    """Sessions by the clock: one per entity and period, at a phase of its own (or all at once), plus jitter."""

    period: Annotated[Duration, Field(gt=0)]
    jitter: Duration = 0
    offset: Duration = 0
    together: bool = False


class Entities(Strict):
    """Who starts sessions: a (keyed) share of the people of one kind, or ``count`` numbered ones, or nobody known."""

    people: PEOPLE_KINDS | None = None
    share: Share = 1.0
    count: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if value == "anonymous":
            return {}
        return {"people": value} if isinstance(value, str) else value


class Population(Strict):
    """One kind of actor: which behavior, who, how often, when, and the behavior's own parameters."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    behavior: str
    entities: Entities = Entities()
    rate: Rate | None = None
    every: Every | None = None
    season: str | Season = Season()
    """A name from the baseline's ``seasons``, or one written in place."""
    burst: str | Burst = Burst()
    """A name from the baseline's ``bursts``, or one written in place."""
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")

    @model_validator(mode="after")
    def _one_clock(self) -> Population:
        if (self.rate is None) == (self.every is None):
            raise ValueError("write either rate or every")
        return self
