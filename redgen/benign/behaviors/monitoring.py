"""Health checks and availability probes: one request each, by the clock, from fixed addresses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from redgen.activity.schema import Activity
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Lognormal, Step, compile_script
from redgen.benign.behaviors._visitors import Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE
from redgen.errors import DataError, did_you_mean

_PROBES = Visitors(networks={"crawler": 1.0}, anywhere=1.0, agents={"monitor": 1.0})
_ONCE = Lognormal.of("1s")
_BLOCK, _FIRST = np.uint32(0xFFFFFF00), np.uint32(4)
"""Load balancers have the addresses from .4 on in the web server's /24."""


@behavior(gives=("http", "flow"), tiers=(Tier(4 * MINUTE),))
def monitoring(
    ctx: Context, sessions: Sessions, *,
    site: str,
    route: str,
    user_agent: str,
    inner: bool = False,
    probes: Visitors = _PROBES,
) -> Activity:
    """Each numbered probe asks for ``route`` once per session and closes the connection.

    ``user_agent``: as in the world's agents. ``inner``: load balancers beside the web server, with inner addresses.
    """
    world = ctx.world
    script = ctx.once("script", lambda: compile_script(world, {route: Step()}, {route: 1.0}, _ONCE, None))
    code = world.sites.code(site)
    agent = np.full(len(sessions), _agent(ctx, user_agent), dtype=np.int32)
    who = replace(_visitors.numbered(ctx, sessions, probes), agent=agent)
    if inner:
        who = replace(who, client=(world.sites.inner[code] & _BLOCK) + _FIRST + sessions.who.astype(np.uint32))
    pages = np.ones(len(sessions), dtype=np.int64)
    return play(ctx, sessions, script, who, Traits(pages=pages, reuse=False), code)


def _agent(ctx: Context, user_agent: str) -> int:
    try:
        return ctx.world.agents.ua.code(user_agent)
    except KeyError:
        known = [ctx.world.agents.ua[int(k)] for k in ctx.world.agents.agents_of("monitor")[0]]
        raise DataError(f"unknown user agent {user_agent!r}{did_you_mean(user_agent, known)}") from None


BEHAVIOR = monitoring
