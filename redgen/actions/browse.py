"""Visit pages of a site, signed in or not, one visit per person or address."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._hands import Via, hands
from redgen.actions._pace import rounds
from redgen.actions._requests import Clients, Requests, answer_times, ask, is_person, loads_after, routes_of
from redgen.actions._signins import OP, acts, login_routes, merged, opened, org_of
from redgen.activity import whereabouts
from redgen.activity.groups import running
from redgen.activity.objects import own_objects, popular_objects
from redgen.activity.schema import Activity
from redgen.clock import HOUR, SECOND
from redgen.playbook.stage import Network, People, Stage, Staged, action
from redgen.seed import F64, I64, U64, normal_quantile
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Duration, Share
from redgen.world.sites import ROUTE_KINDS
from redgen.world.world import World

THINK = Distribution.of({"lognormal": {"median": "14s", "sigma": 1.2}})
"""Time on a page: mean 28 s, Pries et al. 2012 (cited); spread unverified."""
_SEEN = tuple(ROUTE_KINDS.index(kind) for kind in ("page", "login_form", "other"))
"""Kinds of routes that later requests refer to."""
_MANY = 10**9
"""From this many objects on they are one-time secrets, not things."""


@action(facts={
    "visited": "persons (or numbers of addresses) whose visits were made",
    "taken": "persons whose account was changed",
})
def browse(
    stage: Stage, *, source: Network, routes: Annotated[tuple[str, ...], Field(min_length=1)],
    who: People | None = None, via: Via = "given", share: Share = 1.0, repeat: Annotated[float, Field(ge=1)] = 1.0,
    within: Delay = Distribution.of("1h"), early: Annotated[float, Field(ge=0.1, le=10)] = 1.0, think: Delay = THINK,
    sign_in: bool = False, does: Literal["", "change_email", "change_password", "reset_password", "session_end"] = "",
    external: bool = False, loads: dict[str, Share] | None = None, locks_out: Duration = 0, code: str = "",
    challenged: Share = 0.4,
) -> Staged:
    """Visit ``routes`` in order, from ``source``: once (or ``repeat`` times) for a ``share`` of the persons ``who``.

    Without ``who`` every address of ``source`` makes a visit as nobody known; ``via`` lets the persons come from
    networks of their own. Visits begin within ``within``, sooner rather than later when ``early`` is above 1; ``think``
    passes between pages. ``sign_in``: the visit begins at the login, with the right password; who has a second factor
    is asked for it on a device that is new to the identity provider, and in a share ``challenged`` of other cases, and
    answers right, at the route ``code`` (empty: the login is posted again, with the code). ``does``: what the last
    posted route does to the account; ``locks_out`` is how long the owner is then kept out. ``external``: somebody
    else's page led here. ``loads``: what pages fetch (route: share of views).
    """
    seed, world = stage.seed, stage.world
    persons = np.full(len(source), -1, dtype=np.int64) if who is None else who.members
    chosen = np.flatnonzero(seed.uniform(np.arange(len(persons), dtype=np.uint64), "share") < share)
    visits = np.repeat(chosen, round(repeat))
    if not len(visits) or not len(source):
        return Staged(ended=stage.t, facts={"visited": persons[:0], "taken": persons[:0]})
    each = np.arange(len(visits), dtype=np.uint64)
    begin = stage.t + (seed.uniform(each, "begin") ** early * max(int(within.one(seed.stream())), 1)).astype(np.int64)
    turn = visits if who is None else rounds(seed, len(visits), len(source))
    clients = Clients(*hands(world, source, turn, persons[visits], via, begin), actor=persons[visits])
    if code:
        routes_of(world, [code])
    asked = _asked_for_more(stage, clients, each, begin, challenged) if sign_in else np.zeros(len(each), dtype=np.bool_)
    made, ended = [], begin.copy()
    for some, extra in ((~asked, None), (asked, code)):
        if some.any():
            path = _Path.of(world, routes_of(world, routes), sign_in, does, extra)
            part, ended[some] = _walk(stage, clients.take(np.flatnonzero(some)), begin[some], path, think, external,
                                      loads or {})
            made.append(part)
    taken = np.unique(persons[visits]) if does.startswith(("change", "reset")) else persons[:0]
    last = dict(zip(persons[visits].tolist(), ended.tolist(), strict=True))
    out = taken.tolist() if locks_out and does in ("change_password", "reset_password") else []
    return Staged(
        activity=merged(*made), ended=int(ended.max()),
        facts={"visited": np.unique(source.members[visits] if who is None else persons[visits]), "taken": taken},
        effects=tuple(stage.effect("password_reset", p, last[p], last[p] + locks_out) for p in out),
    )


def _asked_for_more(stage: Stage, clients: Clients, each: U64, t: I64, challenged: float) -> NDArray[np.bool_]:
    """Whose sign-in goes on to a second factor."""
    world, who = stage.world, np.maximum(clients.actor, 0).astype(np.int32)
    new = ~whereabouts.known_device(world, who, clients.device, t)
    has = (clients.actor >= 0) & (world.people.factor[who] > 0)
    found: NDArray[np.bool_] = has & (new | (stage.seed.uniform(each, "challenged") < challenged))
    return found


class _Path:
    """The routes of a visit in order, where it signs in, what it does, and what each request refers to."""

    def __init__(self, world: World, route: I64, post: int, does: str, coded: bool) -> None:
        kinds, posts = world.routes.kind[route], world.routes.method[route] != 0
        self.route, self.does = route, does
        self.login = int(np.flatnonzero(route == post)[0]) if post >= 0 else -1
        self.code = self.login + 1 if coded and post >= 0 else -1
        signs = np.isin(np.arange(len(route)), [k for k in (self.login, self.code) if k >= 0])
        self.act = int(np.flatnonzero(posts & ~signs).max(initial=-1))
        self.act = len(route) - 1 if self.act < 0 else self.act
        seen = np.isin(kinds, _SEEN)
        before = np.maximum.accumulate(np.where(seen, np.arange(len(route)), -1))
        self.ref = np.append(-1, before[:-1])
        self.at_once = np.append(False, (world.routes.status[route] // 100 == 3)[:-1])
        if self.code >= 0:
            self.at_once[self.code] = False

    @classmethod
    def of(cls, world: World, routes: I64, sign_in: bool, does: str, code: str | None = None) -> _Path:
        """The path, with the login in front where there is one, and its second factor (None: not asked for)."""
        form, post = login_routes(world, int(world.routes.site[routes[0]])) if sign_in else (-1, -1)
        first = [r for r in (form, post) if r >= 0]
        if code is not None:
            first.append(int(routes_of(world, [code])[0]) if code else post)
        return cls(world, np.array([*first, *routes.tolist()], dtype=np.int64), post, does, code is not None)


def _walk(
    stage: Stage, clients: Clients, begin: I64, path: _Path, think: Distribution, external: bool,
    loads: dict[str, float],
) -> tuple[Activity, I64]:
    """The rows of one visit per client, and when each one's last page was asked for."""
    world, n, steps = stage.world, len(begin), len(path.route)
    step = np.arange(n * steps) % steps
    who, asked = _asked(stage, clients, begin, path, think, external)
    some = np.flatnonzero(is_person(world, who.agent) & np.isin(world.routes.kind[asked.route], _SEEN))
    extra, of = loads_after(stage, asked.take(some), loads)
    made = ask(stage, Clients.concat([who, who.take(some[of])]), Requests.concat([asked, extra]))
    told: list[Activity] = []
    session, flow = (stage.seed.noise(asked.id[step == 0], name) for name in ("session", "flow"))
    if path.login >= 0:
        posted, code = asked.id[step == path.login], asked.id[step == path.code] if path.code >= 0 else None
        told.append({"auth": opened(stage, made["http"], posted, clients.actor, session, flow, code)})
    if path.does:
        told.append({"auth": acts(stage, made["http"], asked.id[step == path.act], path.does, {
            "op": OP[path.does], "org": org_of(world, clients.actor), "user": clients.actor, "flow": flow,
            "session": session if path.login >= 0 else 0,
        })})
    return merged(made, *told), asked.t[step == steps - 1]


def _asked(
    stage: Stage, clients: Clients, begin: I64, path: _Path, think: Distribution, external: bool
) -> tuple[Clients, Requests]:
    """The requests of all visits, step by step: each follows the answer to the one before and a time of thought."""
    world, n, steps = stage.world, len(begin), len(path.route)
    visit, step = np.divmod(np.arange(n * steps), steps)
    ids, route, who = stage.ids(n * steps, "row" if path.code < 0 else "asked"), path.route[step], clients.take(visit)
    u = stage.seed.uniform(ids, "think")
    pause = np.minimum(think.quantile(u), HOUR).astype(np.int64) + 1_000
    pause = np.where(path.at_once[step], (20_000 + 130_000 * u).astype(np.int64), pause)
    pause = np.where(step == path.code, (SECOND * 12 * np.exp(normal_quantile(u) / 2)).astype(np.int64), pause)
    before = visit * steps + np.maximum(path.ref[step], 0)
    human = is_person(world, who.agent)
    pages = np.uint64(max(len(world.referers), 1))
    led = (stage.seed.noise(ids, "led here") % pages).astype(np.int64)
    asked = Requests.of(
        ids, begin[visit], visit, route, obj=_about(world, route, who.actor, stage.seed.uniform(ids, "object")),
        page=np.where(human & (path.ref[step] >= 0), ids[before], np.uint64(0)),
        external=np.where(human & external & (step == 0), led, -1),
    )
    waited = np.append(0, answer_times(stage, who, asked)[:-1]) + pause
    t = begin[visit] + running(np.where(step > 0, waited, 0), step)
    return who, replace(asked, t=t)


def _about(world: World, route: I64, person: I64, u: F64) -> NDArray[np.int64]:
    """The object of each request: the person's own where the route is for members, else by popularity; -1 = none."""
    found = popular_objects(world, route, u)
    count = world.routes.objects[route]
    found = np.where(count >= _MANY, (u * count).astype(np.int64), found)
    mine = np.flatnonzero(world.routes.auth[route] & (person >= 0) & (count > 1))
    for one in np.unique(route[mine]).tolist():
        some = mine[route[mine] == one]
        found[some] = own_objects(world, person[some], one, (4 * u[some] ** 2).astype(np.int64))
    return found


ACTION = browse
