"""From walks to activity: http rows, the sign-ins among them, and the connections they make."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import web, wire
from redgen.activity.effects import collateral
from redgen.activity.objects import owned_key, zipf_laws
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import HTTP_VERSIONS, code
from redgen.benign.behaviors._script import Script
from redgen.benign.behaviors._sign_ins import sign_ins
from redgen.benign.behaviors._visitors import Identity
from redgen.benign.behaviors._walk import CAST, PLACE, SETTING, TRAIL, Trail, walk
from redgen.benign.context import Context, Sessions
from redgen.clock import SECOND
from redgen.table import Column, Table

_ALWAYS = (-(1 << 62), 1 << 62)


@dataclass(frozen=True)
class Traits:
    """What the walk needs besides the identity, arrays with one entry per session; left out: no, none, nothing."""

    pages: NDArray[np.int64]
    signed: Any = False
    stale: Any = False
    factor: Any = False
    refers: Any = False
    external: Any = -1
    assets: Any = False
    reuse: Any = True
    start: Any = 0


def play(ctx: Context, sessions: Sessions, script: Script, who: Identity, traits: Traits, site: int) -> Activity:
    """Walk ``sessions`` over ``script`` at ``site`` and give the wanted kinds: http, auth, flow."""
    trail = _walked(ctx, sessions, script, who, traits, site)
    made: dict[str, Table] = {}
    if ctx.wants("http", "flow"):
        asked = _requests(ctx, sessions, trail, who, site)
        http, changed = web.respond(ctx.world, ctx.root, ctx.effects, asked, trail.took)
        made["http"] = collateral(http, changed)
    if ctx.wants("auth") and ctx.world.sites.org[site] >= 0:
        made["auth"] = sign_ins(ctx, sessions, trail, who, site)
    if ctx.wants("flow"):
        made["flow"] = wire.flows(ctx.world, ctx.root, made["http"])
    return made


def _walked(ctx: Context, sessions: Sessions, script: Script, who: Identity, traits: Traits, site: int) -> Trail:
    timelines = (ctx.effects.account_locked, ctx.effects.password_reset, ctx.effects.token_revoked)
    held = tuple((line.subject, line.t0, line.t1, line.code) for line in timelines)
    cast = _cast(ctx, sessions, who, traits, site)
    setting = _setting(ctx, script, site)
    place = ctx.once("place", lambda: _place(ctx))
    pages = max(int(cast["pages"].sum()), 1)
    ratio = ctx.memo.get("rows per page", 1.0 + script.loads_per_page)
    room = int(ratio * pages) + 64
    while True:
        records = np.empty(room, TRAIL)
        n = walk(setting, script, place, cast, held, records)
        if n <= room:
            return Trail.of(records[:n])
        room = n
        ctx.memo["rows per page"] = max(ratio, 1.1 * n / pages)


def _window(ctx: Context) -> tuple[int, int]:
    """When requests must begin to matter: connections need all of theirs."""
    if ctx.wants("flow"):
        return _ALWAYS
    return min(w[0] for w in ctx.windows.values()) - web.MAX_DUR, max(w[1] for w in ctx.windows.values())


def _setting(ctx: Context, script: Script, site: int) -> Column:
    setting = np.zeros(1, SETTING)
    setting["answer"], setting["owned"] = web.answer_key(ctx.root), owned_key(ctx.world)
    setting["words"], setting["keepalive"] = len(ctx.world.words), int(ctx.world.sites.keepalive_s[site]) * SECOND
    setting["low"], setting["high"] = _window(ctx)
    for name, value in {**script.login, **script.at}.items():
        setting[name] = value
    return setting


def _cast(ctx: Context, sessions: Sessions, who: Identity, traits: Traits, site: int) -> Column:
    agents, cast = ctx.world.agents, np.zeros(len(sessions), CAST)
    cast["id"], cast["t"], cast["stop"], cast["person"] = sessions.id, sessions.t, sessions.stop, who.person
    cast["known"], cast["h2"] = who.known, agents.http2[who.agent] & ctx.world.sites.h2[site]
    cast["port_low"], cast["port_high"] = agents.port_low[who.agent], agents.port_high[who.agent]
    for trait in fields(traits):
        cast[trait.name] = getattr(traits, trait.name)
    return cast


def _place(ctx: Context) -> Column:
    routes = ctx.world.routes
    place = np.zeros(len(routes), PLACE)
    for name in ("objects", "objects2", "latency_mu", "latency_sigma", "cacheable"):
        place[name] = getattr(routes, name)
    place["low"], place["span"], place["power"] = zipf_laws(routes.objects, routes.zipf).T
    place["word"] = ["@{word}" in path for path in routes.path]
    return place


def _requests(ctx: Context, sessions: Sessions, trail: Trail, who: Identity, site: int) -> Table:
    s = trail.session
    h2 = ctx.world.agents.http2[who.agent] & ctx.world.sites.h2[site]
    proto = np.where(h2, code(HTTP_VERSIONS, "HTTP/2.0"), code(HTTP_VERSIONS, "HTTP/1.1")).astype(np.int8)
    return rows(
        "http", len(s), id=trail.id, cause=sessions.id[s], t=trail.t, truth=trail.truth, client=who.client[s],
        cport=trail.cport, agent=who.agent[s], device=who.device[s], site=site,
        actor=who.person.astype(np.int32)[s], method=ctx.world.routes.method[trail.route], route=trail.route,
        obj=trail.obj, obj2=trail.obj2, word=trail.word, ref=trail.ref, ref_obj=trail.ref_obj, ref_obj2=trail.ref_obj2,
        ref_word=trail.ref_word, status=trail.status, conn=trail.conn, conn_n=trail.conn_n, proto=proto[s],
    )
