"""What a walk over a site's routes may do: the YAML of its steps, and the arrays that the kernel reads."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from redgen.activity.objects import NONE, OBJECTS, POPULAR
from redgen.clock import MILLISECOND
from redgen.errors import DataError
from redgen.seed import F64
from redgen.spec.model import Cited, Duration, Number, Numbers, Positive, Share
from redgen.table import Column
from redgen.world.sites import ROUTE_KINDS
from redgen.world.world import World

DOES = ("", "password", "factor", "reset", "refresh", "logout", "token")
"""What a step means to the identity provider; ``token`` = a password grant of an app."""

NOTHING, PASSWORD, FACTOR, RESET, REFRESH, LOGOUT, TOKEN = range(7)


class Lognormal(Cited):
    """A lognormal time by its median and the standard deviation of its logarithm."""

    median: Duration
    sigma: Annotated[Number, Field(ge=0, le=4)] = 1.0

    @classmethod
    def of(cls, median: str, sigma: float = 1.0) -> Lognormal:
        """The time as a YAML writes it: ``Lognormal.of("14s", 1.2)``."""
        return cls.model_validate({"median": median, "sigma": sigma})


class Quantiles(Cited):
    """A distribution by its quantiles: the value ``are[k]`` at probability ``at[k]``; straight lines between."""

    at: Numbers
    are: Numbers

    @model_validator(mode="after")
    def _rise(self) -> Quantiles:
        if len(self.at) != len(self.are) or len(self.at) < 2:
            raise ValueError("at and are need the same number of entries, at least 2")
        rises = list(self.at) == sorted(self.at) and list(self.are) == sorted(self.are)
        if self.at[0] != 0 or self.at[-1] != 1 or not rises:
            raise ValueError("at must rise from 0 to 1, and are must not fall")
        return self

    def of(self, u: F64) -> F64:
        """The value at each probability."""
        return np.interp(u, self.at, self.are)


class Step(Cited):
    """What happens at one route: where the walk may go ``next`` (weights), what it loads besides, how long it is read.

    ``then`` follows at once (a redirect). ``loads`` maps routes fetched for the page (scripts, images, calls) to the
    share of views that ask this server for them (a content network or the cache answers the others).
    """

    next: dict[str, Positive] = Field(default_factory=dict)
    object: Literal["none", "popular", "same", "own", "any", "next"] | None = None
    think: Lognormal | None = None
    then: str = ""
    loads: dict[str, Share] = Field(default_factory=dict)
    does: Literal["", "password", "factor", "reset", "refresh", "logout", "token"] | None = None


class Login(Cited):
    """How people get through a login; every share is per login or per try."""

    form: str
    """The route of the login page, or of the call itself where there is no page."""
    submit: str
    factor: str = ""
    """The route that takes a second factor; empty: none is asked for."""
    forgot: str = ""
    """Where those go who give up."""
    remembered: Share = 0.7
    """Sessions that begin signed in."""
    fails: Share = 0.08
    """First tries that fail."""
    retry_succeeds: Share = 0.75
    mistyped: Share = 0.09
    """Failures whose login, not password, was mistyped."""
    gives_up: Share = 0.10
    """Failures after which the owner gives up and resets the password."""
    gap: tuple[Duration, Duration] = (2_000_000, 20_000_000)
    """Shortest and longest time between a failure and the next try (log-uniform)."""
    challenged: Share = 0.35
    """Logins of people with a second factor that are asked for it."""
    factor_fails: Share = 0.04


LOGIN_NUMBERS = ("fails", "retry_succeeds", "mistyped", "gives_up", "gap_low", "gap_high", "challenged", "factor_fails")
LOGIN_STEPS = ("form", "submit", "factor", "forgot", "refresh")

_STEP = np.dtype([
    ("think_mu", "f8"), ("think_sigma", "f8"),   # ln µs
    ("route", "i4"),
    ("then", "i4"),       # step that follows at once, -1 none
    ("first", "i4"), ("stop", "i4"),             # its loads
    ("object", "i1"),     # objects.OBJECTS
    ("does", "i1"),       # DOES
    ("page", "?"),        # later requests refer to it
    ("auth", "?"),        # needs a signed-in person
], align=True)
_LOAD = np.dtype([("share", "f8"), ("route", "i4"), ("same", "?")], align=True)  # same: about the page's object


class Script(NamedTuple):
    """n steps and their m loads as the kernel reads them."""

    steps: Column          # _STEP[n]
    loads: Column          # _LOAD[m]
    upto: Column           # f8[n + 1, n] cumulative shares of what follows; zeros end the session; last row: entry
    login: dict[str, float]     # LOGIN_NUMBERS
    at: dict[str, int]          # LOGIN_STEPS, -1 none; refresh: the first step that refreshes a token

    @property
    def loads_per_page(self) -> float:
        """Upper bound of the mean number of loads that follow a step."""
        return max(float(self.loads["share"][k["first"] : k["stop"]].sum()) for k in self.steps)


def compile_script(
    world: World, steps: dict[str, Step], entry: dict[str, float], think: Lognormal, login: Login | None
) -> Script:
    """The arrays of ``steps`` (by route id); DataError when a name in them is no step or no route."""
    names, rules = list(steps), list(steps.values())
    at = {name: k for k, name in enumerate(names)}
    table = np.zeros(len(names), _STEP)
    table["route"] = [world.routes.code(name) for name in names]
    kinds = [ROUTE_KINDS[k] for k in world.routes.kind[table["route"]]]
    table["think_mu"] = np.log([max((s.think or think).median, MILLISECOND) for s in rules])
    table["think_sigma"] = [(s.think or think).sigma for s in rules]
    table["then"] = [_place(at, s.then, name) for name, s in steps.items()]
    table["stop"] = np.cumsum([len(s.loads) for s in rules])
    table["first"] = table["stop"] - [len(s.loads) for s in rules]
    table["object"] = [_about(s, world, r) for s, r in zip(rules, table["route"], strict=True)]
    table["does"] = [DOES.index(_does(s, kind)) for s, kind in zip(rules, kinds, strict=True)]
    shown = (world.routes.method[table["route"]] == 0) & (world.routes.status[table["route"]] < 300)
    table["page"] = np.isin(kinds, ("page", "login_form")) & shown
    table["auth"] = world.routes.auth[table["route"]]
    loads = np.array([(x, world.routes.code(r), False) for s in rules for r, x in s.loads.items()], _LOAD)
    loads["same"] = world.routes.objects[loads["route"]] > 1
    shares = [_shares(at, s.next, name) for name, s in steps.items()]
    places = {name: _place(at, getattr(login, name), "login") if login else -1 for name in LOGIN_STEPS[:-1]}
    refreshing = np.flatnonzero(table["does"] == REFRESH)
    places["refresh"] = int(refreshing[0]) if len(refreshing) else -1
    numbers = _numbers(login or Login(form="", submit=""))
    return Script(table, loads, np.array([*shares, _shares(at, entry, "entry")]), numbers, places)


def _does(step: Step, kind: str) -> str:
    if step.does is not None:
        return step.does
    return {"login_post": "password", "logout": "logout"}.get(kind, "")


def _about(step: Step, world: World, route: int) -> int:
    if step.object is not None:
        return OBJECTS.index(step.object)
    return POPULAR if world.routes.objects[route] > 1 else NONE


def _place(at: dict[str, int], name: str, where: str) -> int:
    if not name:
        return -1
    if name not in at:
        raise DataError(f"{where}: {name!r} is none of the steps: {', '.join(at)}")
    return at[name]


def _shares(at: dict[str, int], weights: dict[str, float], where: str) -> NDArray[np.float64]:
    """Cumulative shares over the steps; zeros when there are no weights."""
    row = np.zeros(len(at))
    for name, weight in weights.items():
        row[_place(at, name, where)] = weight
    return np.cumsum(row) / (row.sum() or 1.0)


def _numbers(login: Login) -> dict[str, float]:
    gaps = {"gap_low": float(np.log(max(login.gap[0], 1))), "gap_high": float(np.log(max(login.gap[1], 1)))}
    return {name: gaps[name] if name in gaps else getattr(login, name) for name in LOGIN_NUMBERS}
