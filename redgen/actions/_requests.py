"""Web requests as activity: whoever asks, whatever is asked, over connections as their software would use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from redgen.activity import connection, web, wire
from redgen.activity.effects import Effects
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import HTTP_VERSIONS
from redgen.clock import SECOND
from redgen.playbook.stage import Role, Stage
from redgen.seed import I64, U64, Seed
from redgen.world.agents import BOT_KINDS
from redgen.world.world import World

PER_CONNECTION = 1000
"""Requests after which nginx closes a connection (keepalive_requests)."""
LANES = 6
"""Connections a browser opens to one host under HTTP/1.1."""
_H1, _H2 = HTTP_VERSIONS.index("HTTP/1.1"), HTTP_VERSIONS.index("HTTP/2.0")


@dataclass(frozen=True)
class Clients:
    """Who asks: one entry per client, columns of one length; ``actor`` is the person signed in, -1 nobody."""

    addr: NDArray[np.uint32]
    agent: NDArray[np.integer]
    device: U64
    actor: I64

    @classmethod
    def of(cls, role: Role) -> Clients:
        """The members of ``role``, signed in as nobody."""
        return cls(role.addr, role.agent, role.device, np.full(len(role), -1, dtype=np.int64))

    def take(self, index: NDArray[np.integer]) -> Clients:
        """The clients at ``index``."""
        return Clients(self.addr[index], self.agent[index], self.device[index], self.actor[index])

    def acting(self, actor: I64) -> Clients:
        """The same clients, signed in as ``actor``."""
        return Clients(self.addr, self.agent, self.device, actor)

    @classmethod
    def concat(cls, parts: Sequence[Clients]) -> Clients:
        """All clients of several parts, in order; at least one part."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


@dataclass(frozen=True)
class Requests:
    """What is asked: one entry per request, columns of one length.

    ``visit`` ties requests that may share connections; ``lane`` numbers parallel connections of a browser (HTTP/1.1).
    ``status`` 0 leaves the answer to the route; ``obj`` and ``word`` -1 = none. ``page``: the id of the request whose
    page led here, 0 none; ``external``: somebody else's page, by its number in World.referers, -1 none.
    """

    id: U64
    t: I64
    visit: I64
    route: I64
    obj: I64
    status: I64
    lane: I64
    word: I64
    external: I64
    page: U64

    @classmethod
    def of(
        cls, ids: U64, t: I64, visit: I64, route: I64, *, obj: I64 | int = -1, status: I64 | int = 0,
        lane: I64 | int = 0, word: I64 | int = -1, external: I64 | int = -1, page: U64 | int = 0,
    ) -> Requests:
        """Requests of which only some columns are said; the others are blank."""
        obj, status, lane, word, external = (
            np.broadcast_to(np.asarray(v, dtype=np.int64), ids.shape) for v in (obj, status, lane, word, external)
        )
        pages = np.broadcast_to(np.asarray(page, dtype=np.uint64), ids.shape)
        return cls(ids, t, visit, route, obj, status, lane, word, external, pages)

    def __len__(self) -> int:
        return len(self.id)

    def take(self, index: NDArray[np.integer]) -> Requests:
        """The requests at ``index``."""
        return Requests(*(getattr(self, f.name)[index] for f in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Requests]) -> Requests:
        """All requests of several parts, in order; at least one part."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def ask(stage: Stage, clients: Clients, requests: Requests) -> Activity:
    """The http and flow rows of ``requests``, each made by the client beside it (columns of one length)."""
    return answered(stage.world, stage.root, stage.effects, stage.seed, clients, requests, stage.truth, stage.cause)


def answered(
    world: World, root: Seed, effects: Effects, seed: Seed, clients: Clients, requests: Requests, truth: int, cause: int
) -> Activity:
    """The http and flow rows of ``requests``; ``seed`` names the connections."""
    if not len(requests):
        return {}
    order = np.lexsort((requests.id, requests.t, requests.visit))
    r, c = requests.take(order), clients.take(order)
    site = world.routes.site[r.route]
    h2 = world.agents.http2[c.agent] & world.sites.h2[site]
    obj2, word = _fillings(world, seed, r)
    http = rows(
        "http", len(r), id=r.id, cause=np.uint64(cause), t=r.t, truth=truth, client=c.addr, agent=c.agent,
        device=c.device, site=site, actor=c.actor, method=world.routes.method[r.route], route=r.route, obj=r.obj,
        obj2=obj2, word=word, status=r.status, proto=np.where(h2, _H2, _H1), **_referers(r, obj2, word),
    )
    http, _ = web.respond(world, root, effects, http)
    conn, nth, port = _connections(world, seed, r, c, site, h2, http["dur"])
    http = http.replace(conn=conn, conn_n=nth, cport=port)
    return {"http": http, "flow": wire.flows(world, root, http)}


def _fillings(world: World, seed: Seed, r: Requests) -> tuple[I64, I64]:
    """The second object of routes that have one (page 1 mostly), and search words where none was said."""
    second = world.routes.objects2[r.route]
    page = np.floor(-np.log(seed.uniform(r.id, "obj2")) * 0.8).astype(np.int64)
    words = len(world.words)
    rank = np.floor((2.0 * words + 1.0) ** seed.uniform(r.id, "word") * 0.5 - 0.5).astype(np.int64)
    asks = has_word(world)[r.route] & (r.word < 0)
    found = np.where(asks, np.clip(rank, 0, words - 1), r.word)
    return np.where(second > 1, page % np.maximum(second, 1), -1), found


def _referers(r: Requests, obj2: I64, word: I64) -> dict[str, I64]:
    """The page that each request names as the one it came from."""
    by_id = np.argsort(r.id, kind="stable")
    at = by_id[np.minimum(np.searchsorted(r.id[by_id], r.page), len(r) - 1)]
    there = (r.page > 0) & (r.id[at] == r.page)
    known = {"ref": r.route, "ref_obj": r.obj, "ref_obj2": obj2, "ref_word": word}
    found = {name: np.where(there, column[at], -1) for name, column in known.items()}
    found["ref"] = np.where(~there & (r.external >= 0), -2 - r.external, found["ref"])
    return found


def _connections(
    world: World, seed: Seed, r: Requests, c: Clients, site: NDArray[np.int16], h2: NDArray[np.bool_], dur: I64
) -> tuple[U64, I64, I64]:
    """Per request (sorted by visit and time) its connection, its place on it, and the client's port.

    A connection carries the requests of one visit and lane to one site until it idles longer than the server keeps it,
    or has carried as many as the server allows. HTTP/2 needs one lane; under HTTP/1.1 a request that cannot wait for
    the answer before it (``dur``) opens another connection.
    """
    n = len(r)
    lane = np.where(h2, 0, r.lane % LANES)
    order = np.lexsort((r.t, lane, site, r.visit))
    a, b = order[:-1], order[1:]
    idle = world.sites.keepalive_s[site[b]].astype(np.int64) * SECOND
    same = np.zeros(n, dtype=np.bool_)
    free = h2[b] | (r.t[a] + dur[a] <= r.t[b])
    together = (r.visit[a] == r.visit[b]) & (site[a] == site[b]) & (lane[a] == lane[b])
    same[1:] = together & free & (r.t[b] - r.t[a] < idle)
    place = np.arange(n) - np.flatnonzero(~same)[np.cumsum(~same) - 1]
    run = np.cumsum(place % PER_CONNECTION == 0) - 1
    opener = order[np.flatnonzero(np.diff(run, prepend=-1))]
    drawn = seed.noise(r.id[opener], "conn")
    low, high = world.agents.port_low[c.agent[opener]], world.agents.port_high[c.agent[opener]]
    ports = low + (drawn >> np.uint64(20)) % (high - low + 1).astype(np.uint64)
    conn, nth, port = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    conn[order] = connection.number(r.t[opener], drawn)[run]
    nth[order] = place % PER_CONNECTION + 1
    port[order] = ports.astype(np.int64)[run]
    return conn, nth, port


def answer_times(stage: Stage, clients: Clients, requests: Requests) -> I64:
    """Microseconds until each request is answered, for those who wait for it; what the answers of ``ask`` take, too."""
    n = len(requests)
    asked = rows(
        "http", n, id=requests.id, t=requests.t, client=clients.addr, agent=clients.agent, route=requests.route,
        site=stage.world.routes.site[requests.route], method=stage.world.routes.method[requests.route],
        obj=requests.obj, status=requests.status,
    )
    took: I64 = web.respond(stage.world, stage.root, stage.effects, asked)[0]["dur"]
    return took


def has_word(world: World) -> NDArray[np.bool_]:
    """Which routes have a search word in their path."""
    return np.array(["@{word}" in path for path in world.routes.path], dtype=np.bool_)


def is_person(world: World, agent: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each agent is (or says it is) a person's browser, which sends referers and loads what pages need."""
    found: NDArray[np.bool_] = world.agents.bot[agent] == BOT_KINDS.index("person")
    return found


def routes_of(world: World, names: Sequence[str]) -> I64:
    """The rows of routes by their ids; DataError names the nearest when there is none."""
    return np.array([world.routes.code(name) for name in names], dtype=np.int64)


def loads_after(stage: Stage, pages: Requests, loads: Mapping[str, float]) -> tuple[Requests, I64]:
    """What browsers fetch for ``pages`` within about a second (route: share of views), and the page of each fetch."""
    routes, share = routes_of(stage.world, list(loads)), np.array(list(loads.values()), dtype=np.float64)
    m = len(routes)
    page, which = np.divmod(np.arange(len(pages) * m), max(m, 1))
    ids = stage.seed.noise(pages.id[page] + np.uint64(1) + which.astype(np.uint64), "load")
    kept = np.flatnonzero(stage.seed.uniform(ids, "share") < share[which])
    page, which, ids = page[kept], which[kept], ids[kept]
    wait = 40_000 - 170_000 * np.log(stage.seed.uniform(ids, "wait"))
    about = np.where(stage.world.routes.objects[routes[which]] > 1, pages.obj[page], -1)
    found = Requests.of(
        ids, pages.t[page] + wait.astype(np.int64), pages.visit[page], routes[which], obj=about, lane=which + 1,
        page=pages.id[page],
    )
    return found, page
