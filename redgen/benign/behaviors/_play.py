"""From walks to activity: http rows, the sign-ins among them, and the connections they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import web, wire
from redgen.activity.effects import collateral
from redgen.activity.objects import owned_key
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import HTTP_VERSIONS, code
from redgen.benign.behaviors._script import Script
from redgen.benign.behaviors._sign_ins import sign_ins
from redgen.benign.behaviors._visitors import Identity
from redgen.benign.behaviors._walk import Cast, Keys, Place, Trail, walk
from redgen.benign.context import Context, Sessions
from redgen.clock import SECOND
from redgen.table import Table

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
        http, changed = web.respond(ctx.world, ctx.root, ctx.effects, _requests(ctx, sessions, trail, who, site))
        made["http"] = collateral(http, changed)
    if ctx.wants("auth") and ctx.world.sites.org[site] >= 0:
        made["auth"] = sign_ins(ctx, sessions, trail, who, site)
    if ctx.wants("flow"):
        made["flow"] = wire.flows(ctx.world, ctx.root, made["http"])
    return made


def _walked(ctx: Context, sessions: Sessions, script: Script, who: Identity, traits: Traits, site: int) -> Trail:
    keys = Keys(web.answer_key(ctx.root), owned_key(ctx.world))
    timelines = (ctx.effects.account_locked, ctx.effects.password_reset, ctx.effects.token_revoked)
    held = tuple((line.subject, line.t0, line.t1, line.code) for line in timelines)
    cast = _cast(ctx, sessions, who, traits, site)
    window = _window(ctx)
    place = ctx.once(f"place {site}", lambda: _place(ctx, site))
    ratio = ctx.memo.get("rows per page", 1.5 + script.loads_per_page)
    room = int(ratio * cast.pages.sum()) + 64
    while True:
        trail = Trail.empty(room)
        n = int(walk(keys, script, place, cast, held, window, trail))
        if n <= room:
            break
        room = n
        ctx.memo["rows per page"] = max(ratio, 1.1 * n / max(int(cast.pages.sum()), 1))
    return Trail(*(column[:n] for column in trail))


def _window(ctx: Context) -> tuple[int, int]:
    """When requests must begin to matter: connections need all of theirs."""
    if ctx.wants("flow"):
        return _ALWAYS
    return min(w[0] for w in ctx.windows.values()) - web.MAX_DUR, max(w[1] for w in ctx.windows.values())


def _cast(ctx: Context, sessions: Sessions, who: Identity, traits: Traits, site: int) -> Cast:
    agents, n = ctx.world.agents, len(sessions)

    def column(value: Any, kind: str) -> NDArray[Any]:
        return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=kind), (n,)))

    return Cast(
        id=sessions.id, t=sessions.t, stop=sessions.stop, pages=column(traits.pages, "i8"), person=who.person,
        known=who.known, signed=column(traits.signed, "?"), stale=column(traits.stale, "?"),
        factor=column(traits.factor, "?"), refers=column(traits.refers, "?"), external=column(traits.external, "i4"),
        assets=column(traits.assets, "?"), h2=agents.http2[who.agent] & ctx.world.sites.h2[site],
        reuse=column(traits.reuse, "?"), port_low=agents.port_low[who.agent], port_high=agents.port_high[who.agent],
        start=column(traits.start, "i8"),
    )


def _place(ctx: Context, site: int) -> Place:
    r = ctx.world.routes
    return Place(
        objects=r.objects, objects2=r.objects2, zipf=r.zipf, latency_mu=r.latency_mu, latency_sigma=r.latency_sigma,
        local=r.local, cacheable=r.cacheable, word=np.array(["@{word}" in path for path in r.path], dtype=np.bool_),
        words=len(ctx.world.words), keepalive=int(ctx.world.sites.keepalive_s[site]) * SECOND,
    )


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
