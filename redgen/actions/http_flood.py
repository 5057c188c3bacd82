"""Flood a site with requests from many addresses, in pulses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._pace import pauses
from redgen.actions._requests import Clients, Requests, answered, has_word, is_person, routes_of
from redgen.activity import web, wire
from redgen.activity.effects import Effects
from redgen.activity.groups import expand, running
from redgen.activity.objects import popular_objects
from redgen.activity.schema import Activity, done_between
from redgen.clock import SECOND
from redgen.playbook.stage import Network, Site, Stage, Staged, action
from redgen.seed import I64, U64, picked
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share

CELL = 5 * SECOND
"""Connections of a flood are drawn per cell of this length, counted from 1970."""
LONGEST = 60 * SECOND
"""A connection's requests begin within this time of its first."""
TAIL = LONGEST + web.MAX_DUR + wire.FLOW_TAIL
"""A connection and its requests are done within this time of its beginning."""
HEAVY = 1.6
"""How uneven bots are: the n-th of N is drawn as N u^HEAVY. Source: unverified."""
MOST = 200
"""Requests per connection at most."""
PAUSE, EVERY, RAMP = Distribution.of("60s"), Distribution.of({"exponential": "900ms"}), Distribution.of("15s")


@dataclass(frozen=True)
class Flood:
    """A flood ready to be made slice by slice; see ``http_flood``."""

    stage: Stage
    effects: Effects
    bots: Clients
    routes: I64
    upto: NDArray[np.float64]     # running total of the routes' shares
    pulses: tuple[tuple[int, int], ...]
    rate: float                   # requests per second while a pulse lasts
    requests: float               # mean number per connection
    gap: Distribution
    ramp: int                     # µs until a pulse is at full rate
    bust: float
    refers: float

    def __call__(self, a: int, b: int) -> Activity:
        """The rows done in [a, b)."""
        low, high = self.pulses[0][0], self.pulses[-1][1]
        first, last = max(a - TAIL, low - CELL) // CELL, min(b, high) // CELL + 1
        if last <= first:
            return {}
        conn, begin = self._connections(np.arange(first, last))
        if not len(conn):
            return {}
        clients, requests = self._requests(conn, begin)
        s = self.stage
        made = answered(s.world, s.root, self.effects, s.seed, clients, requests, s.truth, s.cause)
        return done_between(made, a, b)

    def _connections(self, cells: I64) -> tuple[U64, I64]:
        """Ids and starts of the connections that begin in ``cells``: Poisson counts by the normal approximation."""
        seed, mean = self.stage.seed, self.rate * CELL / SECOND / self.requests
        count = np.rint(mean + np.sqrt(mean) * seed.normal(cells.astype(np.uint64), "count")).clip(0).astype(np.int64)
        at, k = expand(count)
        conn = seed.noise((cells[at].astype(np.uint64) << np.uint64(24)) + k.astype(np.uint64), "connection")
        begin = cells[at] * CELL + (seed.uniform(conn, "begin") * CELL).astype(np.int64)
        kept = np.flatnonzero(seed.uniform(conn, "thin") < self._strength(begin))
        return conn[kept], begin[kept]

    def _strength(self, t: I64) -> NDArray[np.float64]:
        """Share of the full rate at each time: 0 outside pulses, rising over ``ramp`` inside."""
        found = np.zeros(len(t))
        for start, stop in self.pulses:
            inside = (t >= start) & (t < stop)
            found[inside] = np.minimum((t[inside] - start + 1) / max(self.ramp, 1), 1.0)
        return found

    def _requests(self, conn: U64, begin: I64) -> tuple[Clients, Requests]:
        """Who is behind each connection, and what it asks for."""
        seed, world = self.stage.seed, self.stage.world
        stops = -np.log1p(-1.0 / max(self.requests, 1.000001))
        more = np.floor(-np.log(seed.uniform(conn, "requests")) / stops).astype(np.int64)
        visit, nth = expand(np.minimum(1 + more, MOST))
        ids = seed.noise(conn[visit] + nth.astype(np.uint64), "row")
        since = running(np.where(nth > 0, pauses(seed, ids, self.gap), 0), nth)
        route = self.routes[picked(seed.uniform(ids, "route"), self.upto)]
        obj, word = popular_objects(world, route, seed.uniform(ids, "object")), np.full(len(ids), -1)
        busts = seed.uniform(ids, "bust") < self.bust
        anything = seed.uniform(ids, "anything")
        obj = np.where(busts & (obj >= 0), (anything * world.routes.objects[route]).astype(np.int64), obj)
        word = np.where(busts & has_word(world)[route], (anything * len(world.words)).astype(np.int64), word)
        bots = self.bots.take((len(self.bots.addr) * seed.uniform(conn, "bot") ** HEAVY).astype(np.int64))
        sends = (is_person(world, bots.agent) & (seed.uniform(conn, "refers") < self.refers))[visit]
        led = (seed.uniform(conn, "led here") * len(world.referers)).astype(np.int64)[visit]
        asked = Requests.of(
            ids, begin[visit] + since, visit, route, obj=obj, word=word, external=np.where(sends & (nth == 0), led, -1),
            page=np.where(sends & (nth > 0), np.roll(ids, 1), np.uint64(0)),
        )
        kept = np.flatnonzero(since < LONGEST)
        return bots.take(visit[kept]), asked.take(kept)


@action(facts={
    "overloaded": "the flood asked for more than the site can do",
    "pulses": "number of pulses",
})
def http_flood(
    stage: Stage, *, site: Site, bots: Network, routes: dict[str, Annotated[float, Field(gt=0)]],
    rate: Annotated[float, Field(gt=0, le=1e6)], lasting: Delay, capacity: Annotated[float, Field(gt=0)] = 400.0,
    pulses: Annotated[float, Field(ge=1, le=1000)] = 1.0, pause: Delay = PAUSE,
    requests: Annotated[float, Field(ge=1, le=100)] = 8.0, gap: Delay = EVERY, ramp: Delay = RAMP, bust: Share = 0.0,
    refers: Share = 0.6,
) -> Staged:
    """Ask ``site`` for ``routes`` (weights) at ``rate`` requests a second from ``bots``, in ``pulses`` ``pause`` apart.

    Each pulse lasts ``lasting`` and takes ``ramp`` to come up. A connection makes ``requests`` requests on average,
    ``gap`` apart. ``bust`` is the share of requests for things that nobody else asks for, so that no cache helps;
    ``refers`` the share of browsers (real or not) that say where they come from. ``capacity`` is what the site can
    answer per second: above it, it slows down and fails for everyone.
    """
    stream = stage.seed.stream()
    spans: list[tuple[int, int]] = []
    t = stage.t
    for _ in range(round(pulses)):
        spans.append((t, t + max(int(lasting.one(stream)), SECOND)))
        t = spans[-1][1] + int(pause.one(stream))
    level = rate / capacity
    effects = tuple(
        stage.effect("overload", where, start, stop, level) for start, stop in spans for where in site.members.tolist()
    )
    flood = Flood(
        stage, Effects.of(effects), Clients.of(bots), routes_of(stage.world, tuple(routes)),
        np.cumsum(list(routes.values())), tuple(spans), rate, requests, gap, int(ramp.one(stream)), bust,
        refers,
    )
    ended = spans[-1][1]
    return Staged(
        expand=flood, until=ended + TAIL, ended=ended, effects=effects,
        facts={"overloaded": level > 1.0, "pulses": len(spans)},
    )


ACTION = http_flood
