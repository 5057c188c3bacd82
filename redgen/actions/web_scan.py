"""Ask a site for many things that may be there, as a scanner does."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.actions._pace import arrivals
from redgen.actions._requests import Clients, Requests, ask
from redgen.playbook.stage import Network, Site, Stage, Staged, action
from redgen.seed import U64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share

GAP = Distribution.of({"lognormal": {"median": "140ms", "sigma": 0.7}})
"""Between two requests of a scanner. Source: unverified."""


@action(facts={"any_success": "something was there", "requests": "number of requests"})
def web_scan(
    stage: Stage, *, site: Site, source: Network, count: Annotated[float, Field(ge=1, le=500_000)] = 2000.0,
    gap: Delay = GAP, probes: Share = 0.8, parallel: Annotated[float, Field(ge=1, le=64)] = 4.0,
) -> Staged:
    """Make ``count`` requests to ``site``, ``gap`` apart: a share ``probes`` for what is not there, the rest for pages.

    ``parallel`` connections are used at a time.
    """
    world, seed, n = stage.world, stage.seed, round(count)
    ids = stage.ids(n)
    lane = (seed.noise(ids, "lane") % np.uint64(round(parallel))).astype(np.int64)
    route = _routes(stage, int(site.members[0]), ids, probes)
    objects = world.routes.objects[route]
    drawn = (seed.uniform(ids, "object") * objects).astype(np.int64)
    t = arrivals(seed, n, t=stage.t, gap=gap)
    asked = Requests.of(
        ids, t, lane, route, obj=np.where(objects > 1, drawn, -1), status=np.where(world.routes.auth[route], 401, 0),
    )
    made = ask(stage, Clients.of(source).take(np.zeros(n, dtype=np.int64)), asked)
    found = bool((made["http"]["status"] == 200).any())
    return Staged(activity=made, ended=int(t[-1]), facts={"any_success": found, "requests": n})


def _routes(stage: Stage, site: int, ids: U64, probes: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What is asked for: things that are not there, or the site's own pages."""
    routes, u = stage.world.routes, stage.seed.uniform(ids, "route")
    absent = routes.of_kind("probe", site)
    present = np.concatenate([routes.of_kind(kind, site) for kind in ("page", "api", "login_form", "other")])
    absent, present = (absent if len(absent) else present), (present if len(present) else absent)
    probe = stage.seed.uniform(ids, "probe") < probes
    return np.where(probe, absent[(len(absent) * u).astype(np.int64)], present[(len(present) * u).astype(np.int64)])


ACTION = web_scan
