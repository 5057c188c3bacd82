"""Background radiation on the web: strangers who try well-known paths wherever they find a server, aimed at nobody."""

from __future__ import annotations

import numpy as np

from redgen.activity.schema import Activity
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Lognormal, Quantiles, Script, Step, compile_script
from redgen.benign.behaviors._visitors import Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE
from redgen.spec.model import Positive, Share

_TRIES = Quantiles(at=(0.0, 0.55, 0.8, 0.95, 0.99, 1.0), are=(1, 2, 3, 12, 40, 60))
_PACE = Lognormal.of("400ms", 1.0)
_STRANGERS = Visitors(
    networks={"hosting": 0.45, "cloud": 0.35, "home": 0.15, "business": 0.05},
    agents={"survey": 0.45, "desktop": 0.3, "library": 0.15, "cli": 0.1}, anywhere=1.0, returning=0.3,
    regulars=0.5, zipf=0.9,
)


@behavior(gives=("http", "flow"), tiers=(Tier(15 * MINUTE),))
def scanners(
    ctx: Context, sessions: Sessions, *,
    site: str,
    paths: dict[str, Positive] | None = None,
    tries: Quantiles = _TRIES,
    pace: Lognormal = _PACE,
    strangers: Visitors = _STRANGERS,
    same_connection: Share = 0.4,
) -> Activity:
    """Visits of ``tries`` requests for well-known ``paths`` (route: weight; not said: the site's probe routes)."""
    world = ctx.world
    code = world.sites.code(site)

    def script() -> Script:
        known = world.routes.of_kind("probe", code).tolist()
        weights = paths or {world.routes.id[route]: 1.0 / (k + 1) for k, route in enumerate(known)}
        return compile_script(world, {name: Step(next=weights) for name in weights}, weights, pace, None)

    who = _visitors.anonymous(ctx, sessions, strangers)
    return play(ctx, sessions, ctx.once("script", script), who, Traits(
        pages=np.floor(tries.of(sessions.size)).astype(np.int64),
        reuse=ctx.seed.uniform(sessions.id, "reuse") < same_connection,
    ), code)


BEHAVIOR = scanners
