"""Health checks and availability probes: one request each, by the clock, from fixed addresses."""

from __future__ import annotations

import numpy as np

from redgen.activity.schema import Activity
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Lognormal, Step, compile_script
from redgen.benign.behaviors._visitors import Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE

_PROBES = Visitors(networks={"crawler": 1.0}, agents={"monitor": 1.0})
_ONCE = Lognormal(median="1s")


@behavior(gives=("http", "flow"), tiers=(Tier(4 * MINUTE),))
def monitoring(ctx: Context, sessions: Sessions, *, site: str, route: str, probes: Visitors = _PROBES) -> Activity:
    """Each numbered probe asks for ``route`` once per session and closes the connection."""
    world = ctx.world
    script = ctx.once("script", lambda: compile_script(world, {route: Step()}, {route: 1.0}, _ONCE, None))
    who = _visitors.numbered(ctx, sessions, probes)
    pages = np.ones(len(sessions), dtype=np.int64)
    return play(ctx, sessions, script, who, Traits(pages=pages, reuse=False), world.sites.code(site))


BEHAVIOR = monitoring
