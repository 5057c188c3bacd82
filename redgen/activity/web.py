"""How web servers answer: status, sizes, latency and upstream of http rows, benign and hostile alike.

Everything is a pure function of the row's id and columns, so an answer does not depend on the rows beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity.effects import Effects, piece_at
from redgen.activity.objects import hashed, normal, uniform
from redgen.activity.terms import METHODS
from redgen.compiled import kernel
from redgen.seed import Seed
from redgen.table import Column, Table
from redgen.world.sites import ROUTE_KINDS
from redgen.world.world import World

MAX_DUR = 120_000_000
"""Longest request in microseconds; a row's ``done`` is at most this much after its ``t``."""

PROXY_TIMEOUT = 60_000_000
"""nginx's proxy_read_timeout (default 60 s): an upstream slower than this is answered with 504."""

SLOW_FROM = 0.5
"""Offered load, in multiples of capacity, from which answers take longer."""

_BUFFER = 262_144
"""What a socket buffer takes at once costs nothing; the rest goes at the client's pace."""

_LEAST_PATIENCE = 50_000
"""Microseconds that everybody waits: 18 s · exp(0.7 z) is more for every z that ``normal`` gives (z > -8.3)."""

_HEAD = METHODS.index("HEAD")
_OPTIONS = METHODS.index("OPTIONS")
_GET = METHODS.index("GET")
_PAGE, _API, _ASSET, _LOGIN = (ROUTE_KINDS.index(k) for k in ("page", "api", "asset", "login_post"))

_ASKED = ("id", "t", "client", "agent", "site", "method", "route", "obj", "obj2", "word")

_BROKEN = 0.0003
"""Share of upstream requests answered 5xx on a good day (content site, measured)."""

_LEAVES = 0.0018
"""Share of pages whose reader is gone before the answer (a second click, a lost phone). Source: unverified."""

_NGINX_PAGES = np.zeros(600, dtype=np.int64)
"""Size of nginx's own pages by status, ``server_tokens off`` (built-in page text)."""
for _status, _size in {
    301: 162, 302: 138, 400: 150, 401: 172, 403: 146, 404: 146, 405: 150, 413: 176, 429: 162, 500: 170, 502: 150,
    503: 190, 504: 160,
}.items():
    _NGINX_PAGES[_status] = _size
_TOKENS = np.array([0, 16, 7], dtype=np.int64)
"""What the pages grow by: ``server_tokens off``, ``nginx/1.24.0 (Ubuntu)``, ``nginx/1.27.4``; one choice per site."""
PADDING = 402
"""``msie_padding``: added to nginx's error pages for user agents that contain Chrome or MSIE."""


_RULE = np.dtype([
    ("mu", "f8"), ("sigma", "f8"), ("tail", "f8"), ("tail_k", "f8"), ("tail_alpha", "f8"), ("cap", "f8"),
    ("latency_mu", "f8"), ("latency_sigma", "f8"), ("objects", "i8"), ("size", "i8"), ("request", "i4"),
    ("path", "i4"),       # length of the path's template
    ("status", "i2"), ("kind", "i1"), ("body", "i1"), ("local", "?"), ("cacheable", "?"),
], align=True)
"""What decides a route's answers: columns of World.routes."""
_SERVER = np.dtype([("first", "i8"), ("stop", "i8"), ("tokens", "i8")])
"""A site's upstreams [first, stop), and what its nginx pages grow by."""


def _rules(world: World, seed: Seed) -> tuple[Column, Column]:
    """The routes and sites of ``world`` as records for the kernel."""
    routes, sites = np.zeros(len(world.routes), _RULE), np.zeros(len(world.sites), _SERVER)
    for name in routes.dtype.names or ():
        if name != "path":
            routes[name] = getattr(world.routes, name)
    routes["path"] = np.diff(world.routes.path.offsets)
    sites["first"], sites["stop"] = world.sites.first, world.sites.stop
    sites["tokens"] = tokens(world, seed)
    return routes, sites


def tokens(world: World, seed: Seed) -> NDArray[np.int64]:
    """By how many bytes each site's banner makes nginx's own pages longer; ``seed`` is the root seed."""
    choice = seed.child("web").noise(np.arange(len(world.sites), dtype=np.uint64), "tokens")
    return _TOKENS[(choice % np.uint64(len(_TOKENS))).astype(np.int64)]


def respond(world: World, seed: Seed, effects: Effects, http: Table,
            took: NDArray[np.int64] | None = None) -> tuple[Table, NDArray[np.int32]]:
    """Fill in how the server answered each request of ``http``; give the table and what effects changed.

    Callers fill id, cause, t, truth, client, cport, agent, device, site, actor, method, route, obj, obj2, word, the
    referer columns, conn, conn_n, proto, and ``status`` where the outcome is theirs to decide (a failed login is 401,
    an object of somebody else 403, a cached copy 304, a rate limit 429); ``status`` 0 lets the route decide.
    ``req_bytes`` that are not 0 are kept (a request of known size), else drawn. Filled: status, bytes, req_bytes, dur,
    upstream, up_dur.

    The second value has one truth code per row: that of the overload that changed the row, 0 where none did. Callers
    whose rows are benign pass it through ``effects.collateral``; attack rows keep their own truth.
    ``seed`` is the root seed of the dataset; ``took`` is each row's ``upstream_time`` where the caller knows it.
    """
    n = len(http)
    timeline = effects.overload
    status = http["status"].copy()
    req_bytes = http["req_bytes"].copy()
    size, dur, up_dur = (np.empty(n, dtype=np.int64) for _ in range(3))
    upstream, changed = np.empty(n, dtype=np.int16), np.zeros(n, dtype=np.int32)
    _answers(
        answer_key(seed), *_rules(world, seed), world.agents.padded, world.agents.bot,
        (timeline.subject, timeline.t0, timeline.t1, timeline.level, timeline.code),
        tuple(np.require(http[c], requirements=("C", "W")) for c in _ASKED),  # one layout, compiled once
        np.empty(0, dtype=np.int64) if took is None else took, status, size, req_bytes, dur, upstream, up_dur, changed,
    )
    done = http.replace(status=status, bytes=size, req_bytes=req_bytes, dur=dur, upstream=upstream, up_dur=up_dur)
    return done, changed


def answer_key(seed: Seed) -> np.uint64:
    """The key of the answers' stream; the answer hash of a row is ``mix(answer_key, id)``."""
    return seed.child("web").key_for("answer")


@kernel()
def upstream_time(h, mu, sigma):  # type: ignore[no-untyped-def]
    """Microseconds an unhurried upstream takes, for the row whose answer hash is ``h``; for kernels."""
    return np.int64(1000.0 * np.exp(mu + sigma * normal(h, 1))) + 150


@kernel()
def _body(rule, h, route, obj, obj2, word):  # type: ignore[no-untyped-def]
    """Body bytes of a request that succeeds: cacheable and asset bodies belong to the object, others vary a little."""
    if rule.body == 0:
        return rule.size
    fixed = rule.cacheable or rule.kind == _ASSET
    what = hashed(np.uint64(obj), np.uint64(obj2) * np.uint64(1_000_003) + np.uint64(word))
    what = hashed(np.uint64(route), what)
    own = 1.0 if fixed else 0.998
    if rule.kind == _API and obj < 0:
        own = 0.0  # a list of the caller's own things
    key = what if own > 0.0 else hashed(h, np.uint64(2))
    if uniform(key, 3) < rule.tail:
        size = rule.tail_k * uniform(key, 4) ** (-1.0 / rule.tail_alpha)
    else:
        z = np.sqrt(own) * normal(what, 5) + np.sqrt(1.0 - own) * normal(h, 6)
        size = np.exp(rule.mu + rule.sigma * z)
    return np.int64(min(size, rule.cap)) + 1


@kernel()
def _sent(rule, h, status, method, route, obj, obj2, word, site, tokens, padded):  # type: ignore[no-untyped-def]
    """Body bytes sent with ``status``: nothing, a page of nginx's, an error of the application's, or the body."""
    if method == _HEAD or status in (204, 304, 499):
        return np.int64(0)
    if status < 300:
        body = _body(rule, h, route, obj, obj2, word)
        return max(np.int64(1), np.int64(body * uniform(h, 7))) if status == 206 else body
    own = rule.local or status in (400, 405, 413, 429, 502, 503, 504)
    if own and _NGINX_PAGES[status] > 0:
        pad = PADDING if status >= 400 and padded else 0
        return _NGINX_PAGES[status] + tokens + pad
    if status < 400:
        return np.int64(0)
    what = hashed(np.uint64(status), np.uint64(route))
    if rule.kind in (_API, _LOGIN):
        return np.int64(38 + what % np.uint64(90))
    return np.int64(2400 + hashed(np.uint64(status), np.uint64(site)) % np.uint64(4200))


@kernel()
def _under_load(h, level, took):  # type: ignore[no-untyped-def]
    """(status or 0, microseconds) of an upstream request at an offered load of ``level`` times capacity.

    Below capacity time in system grows as 1/(1 - load); above it the excess 1 - 1/level fails (a bounded queue).
    """
    busy = min(level, 0.97)
    took = np.int64(took * min((1.0 - SLOW_FROM) / (1.0 - busy), 30.0) * np.exp(0.35 * normal(h, 8)))
    if level <= 1.0 or uniform(h, 9) > 1.0 - 1.0 / level:
        return 0, took
    u = uniform(h, 10)
    if u < 0.35:
        return 504, PROXY_TIMEOUT + np.int64(25_000 * uniform(h, 11))
    if u < 0.7:
        return 502, np.int64(400 + 40_000 * uniform(h, 11))
    return 503, np.int64(200 + 4_000 * uniform(h, 11))


@kernel()
def _decided(rule, h, method, obj):  # type: ignore[no-untyped-def]
    """The status that the route gives when the caller left it open."""
    if method == _OPTIONS:
        return 204
    if not rule.local and uniform(h, 12) < _BROKEN:
        return 502 if uniform(h, 13) < 0.4 else 500
    if obj >= rule.objects and rule.objects > 1:
        return 404
    return rule.status


@kernel()
def _answers(  # type: ignore[no-untyped-def]
    key, rules, servers, padded, bot, load, asked, known, status, size, req_bytes, dur, upstream, up_dur, changed
):
    """One pass over the rows; see ``respond``. ``asked`` are the request columns, the rest is written."""
    ids, t, client, agent, site, method, route, obj, obj2, word = asked
    for i in range(ids.shape[0]):
        r, s, h = route[i], site[i], hashed(key, ids[i])
        rule, person = rules[r], bot[agent[i]] == 0
        code = status[i] if status[i] else _decided(rule, h, method[i], obj[i])  # noqa: FURB110 (numba)
        refused = code in (400, 405, 413, 429)
        local = rule.local or refused
        took = known[i] if known.shape[0] else upstream_time(h, rule.latency_mu, rule.latency_sigma)
        took = np.int64(0) if refused else took
        took = took // 100 if rule.local else took  # a file or a fixed answer, no application
        if load[0].shape[0]:
            at = piece_at(load[0], load[1], load[2], s, t[i])
            if at >= 0 and load[3][at] > SLOW_FROM and not local:
                failed, took = _under_load(h, load[3][at], took)
                code = failed if failed else code  # noqa: FURB110 (numba)
                changed[i] = load[4][at]
        if took >= PROXY_TIMEOUT and not local:
            code, took = 504, min(took, PROXY_TIMEOUT + 40_000)
        sent = _sent(
            rule, h, code, method[i], r, obj[i], obj2[i], word[i], s, servers[s].tokens, padded[agent[i]]
        )
        if person and took > _LEAST_PATIENCE:
            patience = np.int64(18_000_000 * np.exp(0.7 * normal(h, 15)))
            if took > patience:
                code, took, sent = 499, patience, np.int64(0)
            elif not status[i] and method[i] == _GET and rule.kind == _PAGE and uniform(h, 18) < _LEAVES:
                code, took, sent = 499, np.int64(took * uniform(h, 19)), np.int64(0)
        whole = took + 30
        if sent > _BUFFER:
            whole += np.int64((sent - _BUFFER) / (3.0 * np.exp(0.8 * normal(hashed(key, client[i]), 14))))
        status[i], size[i], dur[i] = code, sent, min(whole, MAX_DUR)
        many = np.uint64(max(servers[s].stop - servers[s].first, 1))
        upstream[i] = -1 if local else servers[s].first + np.int64(hashed(h, 16) % many)
        up_dur[i] = 0 if local else min(took, dur[i])
        if req_bytes[i] == 0:
            # Request line and headers: as much as the agent sends, plus what this client's cookies weigh.
            base = 480 + hashed(key, client[i]) % np.uint64(420) if person else np.uint64(190)
            posted = rule.request * np.exp(0.3 * normal(h, 17)) if rule.request else 0.0
            req_bytes[i] = np.int32(base + rule.path + np.uint64(agent[i]) % np.uint64(61) + posted)
