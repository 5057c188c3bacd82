"""Who types a name without its scheme: a request at the plain port, which sends the browser on to the site it meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from redgen.activity import web, wire
from redgen.activity.connection import number
from redgen.activity.effects import collateral
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import HTTP_VERSIONS, code
from redgen.benign.behaviors._visitors import Identity
from redgen.benign.context import Context, Sessions
from redgen.clock import MILLISECOND

_TRIPS = 4
"""From the redirect to the request that follows it: the answer, TCP, TLS and the request, a round trip each."""


def sent_on(
    ctx: Context, sessions: Sessions, who: Identity, some: NDArray[np.bool_], route: str
) -> tuple[Sessions, Activity]:
    """The sessions with their start put off where ``some`` first ask for ``route``, and those requests."""
    world, at = ctx.world, np.flatnonzero(some)
    client = who.client[at]
    lookup = (30 * MILLISECOND * (1 + ctx.seed.uniform(sessions.id[at], "name"))).astype(np.int64)
    pause = _TRIPS * wire.trips(client) + lookup
    start = sessions.t.copy()
    start[at] += pause
    later = replace(sessions, t=start)
    if not len(at) or not ctx.wants("http", "flow"):
        return later, {}
    t, ids, agent, place = sessions.t[at], sessions.id[at], who.agent[at], world.routes.code(route)
    low, high = world.agents.port_low[agent], world.agents.port_high[agent]
    http, changed = web.respond(world, ctx.root, ctx.effects, rows(
        "http", len(at), id=ctx.seed.noise(ids, "typed request"), cause=ids, t=t, truth=0, client=client, agent=agent,
        cport=low + ((high - low) * ctx.seed.uniform(ids, "typed port")).astype(np.int32), device=who.device[at],
        site=world.routes.site[place], actor=who.person[at], method=world.routes.method[place], route=place,
        conn=number(t, ctx.seed.noise(ids, "typed connection")), conn_n=1, proto=code(HTTP_VERSIONS, "HTTP/1.1"),
    ))
    http = collateral(http, changed)
    return later, {"http": http, "flow": wire.flows(world, ctx.root, http)} if ctx.wants("flow") else {"http": http}
