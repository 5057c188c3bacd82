"""Strangers who try other protocols, or proxies, at the ports of web servers: hellos, banners and lines cut short."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import raw, traffic
from redgen.activity.connection import number
from redgen.activity.groups import expand, running
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import METHODS
from redgen.benign.behaviors import _strangers, _visitors
from redgen.benign.behaviors._script import Lognormal, Quantiles
from redgen.benign.behaviors._strangers import SCANNERS
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE
from redgen.errors import DataError, did_you_mean
from redgen.seed import U64, picked
from redgen.spec.model import Positive, Share
from redgen.world.world import World

_TRIES = Quantiles(at=(0.0, 0.6, 0.85, 0.97, 1.0), are=(1, 1.99, 3, 6, 12))
_PACE = Lognormal.of("1500ms", 1.2)
_LONGEST = 12 * MINUTE
_WHAT = {
    "tls": 0.38, "rdp": 0.07, "ssh": 0.03, "smb": 0.02, "survey": 0.07, "proxy": 0.07, "absolute": 0.05, "old": 0.04,
    "preface": 0.06, "other": 0.09, "empty": 0.12, "plain": 0.3,
}


@behavior(gives=("http", "flow"), tiers=(Tier(15 * MINUTE),))
def raw_probes(
    ctx: Context, sessions: Sessions, *,
    sites: dict[str, Positive],
    what: dict[str, Positive] | None = None,
    tries: Quantiles = _TRIES,
    pace: Lognormal = _PACE,
    one_kind: Share = 0.7,
    agents: dict[str, Positive] | None = None,
    networks: dict[str, Positive] | None = None,
    returning: Share = 0.35,
) -> Activity:
    """Visits of one source to one of ``sites`` (by weight): ``tries`` connections, ``pace`` apart, a request on each.

    ``what``: kinds of raw requests (``activity.raw.KINDS``) by weight, TLS hellos at plain ports alone, plain HTTP at
    the others; ``one_kind``: sources that send one kind only; ``agents``: of the requests that are HTTP.
    """
    world, seed = ctx.world, ctx.seed
    at, rank = expand(np.floor(tries.of(sessions.size)).astype(np.int64))
    row = seed.noise(sessions.id[at] + rank.astype(np.uint64), "try")
    since = running(np.where(rank > 0, pace.median * np.exp(pace.sigma * seed.normal(row, "gap")), 0), rank)
    kept = np.flatnonzero(since < _LONGEST)
    at, row, t = at[kept], row[kept], (sessions.t[at] + since)[kept]
    source = _strangers.sources(ctx, sessions, returning)
    site = _sites(ctx, sessions.id, sites)[at]
    single = (seed.uniform(source, "single") < one_kind)[at]
    kind = _kinds(ctx, np.where(single, source[at], row), what or _WHAT, world.sites.plain[site])
    line = raw.drawn(seed.uniform(row, "line"), kind)
    method, proto = raw.read(line)
    silent = world.agents.agents_of("none")[0][0]
    agent = _visitors.draw_agents(ctx, source, agents or {"none": 0.5, "survey": 0.4, "desktop": 0.1})[at]
    asked = rows(
        "http", len(row), id=seed.noise(row, "row"), cause=sessions.id[at], t=t, truth=0, site=site, raw=line,
        client=_strangers.addresses(ctx, source, networks or SCANNERS)[at], cport=traffic.oports(seed, row, 1024),
        agent=np.where((method >= 0) & (proto >= 0), agent, silent), device=seed.noise(source, "device")[at],
        method=method, proto=proto, obj=site, route=np.where(method >= 0, _fronts(ctx)[site], -1),
        conn=number(t, seed.noise(row, "connection")), conn_n=1,
    )
    http = raw.answer(world, ctx.root, ctx.effects, asked)
    return {"http": http, "flow": raw.flows(world, ctx.root, http)} if ctx.wants("flow") else {"http": http}


def _sites(ctx: Context, key: U64, weights: dict[str, float]) -> NDArray[np.int16]:
    codes = np.array([ctx.world.sites.code(host) for host in weights], dtype=np.int16)
    found: NDArray[np.int16] = codes[picked(ctx.seed.uniform(key, "site"), np.cumsum(list(weights.values())))]
    return found


def _kinds(ctx: Context, key: U64, weights: dict[str, float], plain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A kind per key: what makes no sense at the port has no weight there."""
    for name in weights:
        if name not in raw.KINDS:
            raise DataError(f"unknown kind of raw request {name!r}{did_you_mean(name, raw.KINDS)}")
    u, found = ctx.seed.uniform(key, "kind"), np.zeros(len(key), dtype=np.int64)
    for port, senseless in ((plain, "plain"), (~plain, "tls")):
        left = {name: weight for name, weight in weights.items() if name != senseless}
        if not left:
            raise DataError(f"raw requests of kind {', '.join(weights)} alone make no sense at every port")
        codes = np.array([raw.KINDS.index(name) for name in left])
        found[port] = codes[picked(u[port], np.cumsum(list(left.values())))]
    return found


def _fronts(ctx: Context) -> NDArray[np.int64]:
    """The route of each site that serves GET /."""

    def made(world: World) -> NDArray[np.int64]:
        found = np.full(len(world.sites), -1, dtype=np.int64)
        for route in range(len(world.routes) - 1, -1, -1):
            if world.routes.path[route] == "/" and world.routes.method[route] == METHODS.index("GET"):
                found[world.routes.site[route]] = route
        if (found < 0).any():
            raise DataError(f"no route answers GET / at {world.sites.host[int(np.flatnonzero(found < 0)[0])]}")
        return found

    return ctx.once("fronts", lambda: made(ctx.world))


BEHAVIOR = raw_probes
