"""The baseline YAML: what is ordinary, as populations that start sessions of a behavior."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from redgen import zones
from redgen.errors import did_you_mean
from redgen.spec.model import Cited, Count, Duration, Name, Number, Numbers, Positive, Share, also
from redgen.spec.world import WorldSpec

PeopleKind = Literal["customer", "employee", "admin", "service", "api_client"]


def _is_zone(value: str) -> str:
    if value[:1] not in ("+", "-") and value not in zones.known():
        raise ValueError(f"unknown time zone {value!r}{did_you_mean(value, zones.known())}")
    return value


Zone = Annotated[
    str, Field(pattern=r"^([+-](0[0-9]|1[0-4]):[0-5][0-9]|[A-Z][A-Za-z]+(/[A-Za-z_-]+)+)$"), AfterValidator(_is_zone),
]
"""East of UTC all year (``+01:00``), or a place's own time with its summer (``Europe/Dublin``)."""


def _multipliers(values: tuple[float, ...]) -> tuple[float, ...]:
    if min(values) < 0 or sum(values) <= 0:
        raise ValueError("multipliers are at least 0, and not all 0")
    return values


Hours = Annotated[Numbers, Field(min_length=24, max_length=24), AfterValidator(_multipliers)]
Weekdays = Annotated[Numbers, Field(min_length=7, max_length=7), AfterValidator(_multipliers)]


class Season(Cited):
    """Multipliers of a rate by local hour and by weekday, Monday first; each list is scaled to mean 1."""

    hour: Hours = (1.0,) * 24
    weekday: Weekdays = (1.0,) * 7
    timezone: Literal["local"] | Zone | dict[Zone, Positive] = "+00:00"
    """``local`` (that of each person), a zone such as ``+01:00`` or ``Europe/Dublin``, or zones with their shares."""

    @property
    def zones(self) -> dict[str, float]:
        """Zones and their shares; empty for ``local``."""
        if isinstance(self.timezone, dict):
            return dict(self.timezone)
        return {} if self.timezone == "local" else {self.timezone: 1.0}


class Burst(Cited):
    """A lognormal multiplicative cascade over 5 min · 4^level: log-variance, Hurst exponent, number of levels.

    Populations whose bursts have one ``together`` name rise and fall together, as all do that refer to the same of the
    baseline's named bursts; without one a population bursts on its own.
    """

    variance: Annotated[Number, Field(ge=0, le=4)] = 0.0
    hurst: Annotated[Number, Field(gt=0.5, lt=1)] = 0.7
    levels: Annotated[Count, Field(ge=1, le=6)] = 5
    together: str = ""


class Rate(Cited):
    """Mean number of sessions a day: in all, per entity of the population, or per person of a kind in the world."""

    per_day: Annotated[Number, Field(ge=0)]
    per: Literal["all", "entity", "customer", "employee", "admin", "service", "api_client"] = "all"


class Every(Cited):
    """Sessions by the clock: one per entity and period, at a phase of its own (or all together), plus jitter."""

    period: Annotated[Duration, Field(gt=0)]
    jitter: Duration = 0
    offset: Duration = 0
    together: bool = False


_WORDS = {"enum": [*get_args(PeopleKind), "anonymous"]}


def _entities(value: Any) -> Any:
    if value == "anonymous":
        return {}
    return {"people": value} if isinstance(value, str) else value


class Entities(Cited):
    """Who starts sessions: a (keyed) share of the people of one kind, or ``count`` numbered ones, or nobody known.

    A bare word is a kind of people, or ``anonymous``.
    """

    people: PeopleKind | None = None
    share: Share = 1.0
    count: Count = 0

    @model_validator(mode="after")
    def _one_kind(self) -> Entities:
        if self.people is not None and self.count:
            raise ValueError("write either people or count")
        return self


class Population(Cited):
    """One kind of actor: which behavior, who, how often, when, and the behavior's own parameters.

    ``season`` and ``burst`` are written in place or name one of the baseline's.
    """

    id: Name
    behavior: str
    entities: Annotated[Entities, BeforeValidator(_entities), also(_WORDS)] = Entities()
    rate: Rate | None = None
    every: Every | None = None
    season: Season | str = Season()
    burst: Burst | str = Burst()
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")

    @model_validator(mode="after")
    def _one_clock(self) -> Population:
        if (self.rate is None) == (self.every is None):
            raise ValueError("write either rate or every")
        return self


class Baseline(Cited):
    """A whole baseline: the world it needs and its populations; ``seasons`` and ``bursts`` are named once."""

    id: Name
    title: str
    description: str = ""
    world: WorldSpec = WorldSpec()
    seasons: dict[str, Season] = Field(default_factory=dict)
    bursts: dict[str, Burst] = Field(default_factory=dict)
    populations: tuple[Population, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Baseline:
        seen: set[str] = set()
        for p in self.populations:
            if p.id in seen:
                raise ValueError(f"two populations are called {p.id!r}")
            seen.add(p.id)
            if isinstance(p.season, str) and p.season not in self.seasons:
                raise ValueError(f"population {p.id!r}: unknown season {p.season!r}")
            if isinstance(p.burst, str) and p.burst not in self.bursts:
                raise ValueError(f"population {p.id!r}: unknown burst {p.burst!r}")
        return self

    def resolved(self) -> tuple[Population, ...]:
        """The populations with named seasons and bursts put in place."""
        return tuple(
            p.model_copy(update={
                "season": self.seasons[p.season] if isinstance(p.season, str) else p.season,
                "burst": self._burst(p.burst) if isinstance(p.burst, str) else p.burst,
            })
            for p in self.populations
        )

    def _burst(self, name: str) -> Burst:
        burst = self.bursts[name]
        return burst if burst.together else burst.model_copy(update={"together": f"{self.id}/{name}"})
