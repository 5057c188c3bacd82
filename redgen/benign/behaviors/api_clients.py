"""Programs that call an API with a token: the shop's mobile app in people's hands, and partners' integrations."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from redgen.activity.schema import Activity
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Login, Lognormal, Quantiles, Step, compile_script
from redgen.benign.behaviors._visitors import Presence
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE
from redgen.seed import picked
from redgen.spec.model import Positive, Share

_CALLS = Quantiles(at=(0.0, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0), are=(1, 3, 7, 16, 40, 90, 300))
_THINK = Lognormal.of("4s", 1.3)
_PRESENCE = Presence(phone=1.0, mobile_network=0.45, vpn=0.02, known=1.0)


@behavior(gives=("http", "auth", "flow"), tiers=(Tier(15 * MINUTE, 0.95), Tier(HOUR, 0.05)))
def api_clients(
    ctx: Context, sessions: Sessions, *,
    site: str,
    entry: dict[str, Positive],
    steps: dict[str, Step],
    client: Literal["app", "program"] = "app",
    calls: Quantiles = _CALLS,
    think: Lognormal = _THINK,
    expired: Share = 0.35,
    signed_out: Share = 0.02,
    presence: Presence = _PRESENCE,
    login: Login | None = None,
) -> Activity:
    """Sessions of ``calls`` calls to an API at ``site``; ``expired`` of them begin by refreshing the access token.

    ``app``: people's phones, where ``presence`` says, with the app's own agent; ``signed_out`` of their sessions begin
    at the login. ``program``: clients with an agent and an address of their own, which go on where they stopped.
    """
    world, ids, seed = ctx.world, sessions.id, ctx.seed
    code = world.sites.code(site)
    script = ctx.once("script", lambda: compile_script(world, steps, entry, think, login))
    who = _visitors.people(ctx, sessions, presence)
    if client == "app":
        who = replace(who, agent=_apps(ctx, who.agent, who.key))
    out = seed.uniform(ids, "signed out") < signed_out
    return play(ctx, sessions, script, who, Traits(
        pages=np.floor(calls.of(sessions.size)).astype(np.int64),
        signed=~out,
        stale=~out & (seed.uniform(ids, "expired") < expired),
        factor=world.people.factor[who.person] >= 0,
        start=(seed.noise(sessions.who.astype(np.uint64), "cursor") % np.uint64(1 << 20)).astype(np.int64),
    ), code)


def _apps(ctx: Context, phone: NDArray[np.int32], key: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The app on each phone: an app agent of the phone's operating system, any where there is none."""
    agents = ctx.world.agents
    apps, weights = agents.agents_of("app")
    out = _visitors.draw_agents(ctx, key, {"app": 1.0})
    for system in np.unique(agents.os[apps]):
        some = np.flatnonzero(agents.os[phone] == system)
        same = agents.os[apps] == system
        upto = np.cumsum(weights[same])
        out[some] = apps[same][picked(ctx.seed.uniform(key[some], "app"), upto)]
    return out


BEHAVIOR = api_clients
