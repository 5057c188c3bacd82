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


class Script(NamedTuple):
    """Steps as arrays of length n (loads: of length m), for the kernel."""

    route: Column          # i4[n] World.routes
    object: Column         # i1[n] OBJECTS
    think_mu: Column       # f8[n] ln µs
    think_sigma: Column
    then: Column           # i4[n] step that follows at once, -1 none
    does: Column           # i1[n] DOES
    page: Column           # bool[n] later requests refer to it
    auth: Column           # bool[n] needs a signed-in person
    upto: Column           # f8[n, n] cumulative transition shares; a row of zeros ends the session
    first: Column          # i4[n + 1] loads of step k are [first[k], first[k + 1])
    load_route: Column     # i4[m]
    load_share: Column     # f8[m]
    load_same: Column      # bool[m] about the page's object, else object 0 of its own
    entry: Column          # f8[n] cumulative entry shares
    form: int              # the login's steps, -1 none
    submit: int
    factor: int
    forgot: int
    refresh: int           # the first step that refreshes a token, -1 none
    login: Column          # f8[10] the numbers of Login

    @property
    def loads_per_page(self) -> float:
        """Upper bound of the mean number of loads that follow a step."""
        sums = np.add.reduceat(np.append(self.load_share, 0.0), self.first[:-1]) * (np.diff(self.first) > 0)
        return float(sums.max(initial=0.0))


def compile_script(
    world: World, steps: dict[str, Step], entry: dict[str, float], think: Lognormal, login: Login | None
) -> Script:
    """The arrays of ``steps`` (by route id); DataError when a name in them is no step or no route."""
    names = list(steps)
    routes = np.array([world.routes.code(name) for name in names], dtype=np.int32)
    kinds = [ROUTE_KINDS[k] for k in world.routes.kind[routes]]
    at = {name: k for k, name in enumerate(names)}
    rules = list(steps.values())
    thinks = [s.think or think for s in rules]
    loads = [(world.routes.code(r), share) for s in rules for r, share in s.loads.items()]
    does = [DOES.index(_does(s, kind)) for s, kind in zip(rules, kinds, strict=True)]
    load_route = np.array([r for r, _ in loads], dtype=np.int32)
    names_login = ("form", "submit", "factor", "forgot")
    places = [_place(at, getattr(login, name), "login") if login else -1 for name in names_login]
    return Script(
        route=routes,
        object=np.array([_about(s, world, r) for s, r in zip(rules, routes, strict=True)], dtype=np.int8),
        think_mu=np.log([max(t.median, MILLISECOND) for t in thinks]),
        think_sigma=np.array([t.sigma for t in thinks], dtype=np.float64),
        then=np.array([_place(at, s.then, name) for name, s in steps.items()], dtype=np.int32),
        does=np.array(does, dtype=np.int8),
        page=np.isin(kinds, ("page", "login_form", "other")),
        auth=world.routes.auth[routes].copy(),
        upto=np.array([_shares(at, s.next, name) for name, s in steps.items()]),
        first=np.cumsum([0, *(len(s.loads) for s in rules)]).astype(np.int32),
        load_route=load_route,
        load_share=np.array([share for _, share in loads], dtype=np.float64),
        load_same=world.routes.objects[load_route] > 1,
        entry=_shares(at, entry, "entry"),
        form=places[0], submit=places[1], factor=places[2], forgot=places[3],
        refresh=does.index(REFRESH) if REFRESH in does else -1,
        login=_numbers(login or Login(form="", submit="")),
    )


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


def _numbers(login: Login) -> NDArray[np.float64]:
    return np.array([
        login.remembered, login.fails, login.retry_succeeds, login.mistyped, login.gives_up,
        np.log(max(login.gap[0], 1)), np.log(max(login.gap[1], 1)), login.challenged, login.factor_fails,
    ])
