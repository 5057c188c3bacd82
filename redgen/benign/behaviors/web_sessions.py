"""People in browsers: walks over a site's pages with what the pages load, external referers, and logins."""

from __future__ import annotations

import numpy as np

from redgen.activity.schema import Activity, merge
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._play import Traits, play
from redgen.benign.behaviors._script import Login, Lognormal, Quantiles, Step, compile_script
from redgen.benign.behaviors._typed import sent_on
from redgen.benign.behaviors._visitors import Presence, Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE
from redgen.spec.model import Positive, Share

_THINK = Lognormal.of("14s", 1.2)
_PAGES = Quantiles(at=(0.0, 0.62, 0.8, 0.92, 0.98, 0.995, 1.0), are=(1, 2, 3, 6, 16, 40, 120))

_VISITORS, _PRESENCE = Visitors(), Presence()


@behavior(gives=("http", "auth", "flow"), tiers=(Tier(15 * MINUTE, 0.95), Tier(HOUR, 0.05)))
def web_sessions(
    ctx: Context, sessions: Sessions, *,
    site: str,
    entry: dict[str, Positive],
    steps: dict[str, Step],
    pages: Quantiles = _PAGES,
    think: Lognormal = _THINK,
    direct: Share = 0.45,
    typed: Share = 0.0,
    typed_at: str = "",
    private: Share = 0.1,
    visitors: Visitors = _VISITORS,
    presence: Presence = _PRESENCE,
    login: Login | None = None,
) -> Activity:
    """Sessions of ``pages`` page views at ``site``, entered through ``entry`` and continued by ``steps``.

    ``direct``: sessions that begin without a referring site; ``typed``: of these, begun by a name without its scheme,
    so that the route ``typed_at`` of a plain site is asked first and sends them on; ``private``: browsers that never
    send a referer. Members (populations of people) are where ``presence`` says and sign in as ``login`` says; others
    are ``visitors``.
    """
    world = ctx.world
    code = world.sites.code(site)
    script = ctx.once("script", lambda: compile_script(world, steps, entry, think, login))
    members = len(sessions) > 0 and int(sessions.who[0]) >= 0
    who = _visitors.people(ctx, sessions, presence) if members else _visitors.anonymous(ctx, sessions, visitors)
    ids, seed = sessions.id, ctx.seed
    refers = seed.uniform(who.key, "private") >= private
    count = max(len(world.referers), 1)
    external = _visitors.ranks(seed.uniform(ids, "referer"), count, 1.0)
    cold = (seed.uniform(ids, "direct") < direct) | ~refers
    person = who.person
    sent: Activity = {}
    if typed and typed_at:
        sessions, sent = sent_on(ctx, sessions, who, cold & (seed.uniform(ids, "typed") < typed), typed_at)
    made = play(ctx, sessions, script, who, Traits(
        pages=np.floor(pages.of(sessions.size)).astype(np.int64),
        signed=members & (seed.uniform(ids, "signed") < (login.remembered if login else 0.0)),
        factor=(person >= 0) & (world.people.factor[person] >= 0),
        refers=refers,
        external=np.where(cold, -1, -2 - external),
        assets=world.agents.assets[who.agent],
    ), code)
    return merge([made, sent]) if sent else made


BEHAVIOR = web_sessions
