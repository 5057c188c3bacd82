"""Crawlers that declare themselves: robots.txt now and then, then page after page at a polite distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from redgen.activity.schema import Activity
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Lognormal, Quantiles, Step, compile_script
from redgen.benign.behaviors._visitors import Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE
from redgen.spec.model import Positive, Share

_PAGES = Quantiles(at=(0.0, 0.6, 0.8, 0.93, 0.99, 1.0), are=(1, 2, 4, 12, 60, 240))
_DELAY = Lognormal.of("8s", 0.6)
_FLEET = Visitors(
    networks={"crawler": 1.0}, anywhere=1.0, agents={"crawler": 1.0}, returning=0.9, regulars=0.3, zipf=0.7
)


@behavior(gives=("http", "flow"), tiers=(Tier(15 * MINUTE, 0.95), Tier(HOUR, 0.05)))
def crawlers(
    ctx: Context, sessions: Sessions, *,
    site: str,
    entry: dict[str, Positive],
    steps: dict[str, Step],
    pages: Quantiles = _PAGES,
    delay: Lognormal = _DELAY,
    fleet: Visitors = _FLEET,
    same_connection: Share = 0.5,
) -> Activity:
    """Visits of ``pages`` requests each by machines of a ``fleet``; ``delay`` passes between them.

    All machines of one network operator declare the same crawler. ``same_connection``: visits over one connection.
    """
    world = ctx.world
    script = ctx.once("script", lambda: compile_script(world, steps, entry, delay, None))
    who = _visitors.anonymous(ctx, sessions, fleet)
    operator = world.plan.asn_of(who.client).astype(np.uint64)
    who = replace(who, agent=_visitors.draw_agents(ctx, ctx.seed.noise(operator, "operator"), fleet.agents))
    return play(ctx, sessions, script, who, Traits(
        pages=np.floor(pages.of(sessions.size)).astype(np.int64),
        assets=world.agents.assets[who.agent],
        reuse=ctx.seed.uniform(sessions.id, "reuse") < same_connection,
        start=(ctx.seed.noise(sessions.id, "cursor") % np.uint64(1 << 30)).astype(np.int64),
    ), world.sites.code(site))


BEHAVIOR = crawlers
