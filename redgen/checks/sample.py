"""Activity of every kind with every code a world allows: what a source must be able to write, likely or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import raw, terms
from redgen.activity.connection import number
from redgen.activity.schema import Activity, rows
from redgen.clock import HOUR, SECOND
from redgen.seed import Seed
from redgen.table import Table
from redgen.world.people import PEOPLE_KINDS
from redgen.world.world import World

START = 1_768_176_000_000_000
"""2026-01-12T00:00:00Z, where sample activity begins."""
_INNER = 10 << 24 | 20 << 16  # 10.20.0.0
_STATUSES = (200, 204, 206, 301, 302, 304, 400, 401, 403, 404, 429, 499, 500, 502, 503, 504)


class _Draw:
    """Keyed draws for n rows of one kind."""

    def __init__(self, seed: Seed, kind: str, n: int) -> None:
        self._seed = seed.child("sample", kind)
        self.n = n
        self.ids = self._seed.noise(np.arange(n, dtype=np.uint64), "id")

    def code(self, name: str, stop: int, start: int = 0) -> NDArray[np.int64]:
        """Integers in [start, stop)."""
        return start + (self._seed.noise(self.ids, name) % np.uint64(max(stop - start, 1))).astype(np.int64)

    def seeds(self, name: str) -> NDArray[np.uint64]:
        """Anything in u64."""
        return self._seed.noise(self.ids, name)

    def size(self, name: str, most: int) -> NDArray[np.int64]:
        """Log-uniform sizes in [0, most]."""
        return np.floor((most + 1.0) ** self._seed.uniform(self.ids, name) - 1).astype(np.int64)

    def common(self) -> dict[str, Any]:
        """The columns that every kind has but for truth; three hours long, the rows in no order."""
        return {"id": self.ids, "cause": self.seeds("cause"), "t": START + self.code("t", 3 * HOUR),
                "dur": self.size("dur", 30 * SECOND)}


def activity(world: World, seed: Seed, n: int = 300) -> dict[str, Table]:
    """``n`` rows of every kind, without truth."""
    made = {}
    for kind, make in _MAKERS.items():
        draw = _Draw(seed, kind, n)
        made[kind] = rows(kind, n, **draw.common() | make(world, draw)).without("truth")
    return made


def _public(world: World, draw: _Draw) -> NDArray[np.uint32]:
    return world.plan.draw("home", draw.seeds("client"), draw._seed, "client")


def _client(world: World, draw: _Draw) -> dict[str, Any]:
    return {"client": _public(world, draw), "cport": draw.code("cport", 65_536, 1_024),
            "agent": draw.code("agent", len(world.agents)), "device": draw.seeds("device")}


def _http(world: World, draw: _Draw) -> dict[str, Any]:
    routes, sites = world.routes, world.sites
    route = draw.code("route", len(routes))
    site = routes.site[route]
    behind = sites.stop[site] - sites.first[site]
    upstream = sites.first[site] + draw.code("upstream", 1 << 20) % np.maximum(behind, 1)
    ref = draw.code("ref", len(routes) + 1 + len(world.referers)) - 1 - len(world.referers)
    dur = draw.common()["dur"]
    return _some_raw(world, draw, _client(world, draw) | {
        "site": site, "actor": draw.code("actor", 9) - 1, "method": draw.code("method", len(terms.METHODS)),
        "route": route, "obj": draw.size("obj", 10**9), "obj2": draw.size("obj2", 99),
        "word": draw.code("word", len(world.words), -1),
        "ref": ref, "ref_obj": draw.size("ref_obj", 10**9), "ref_obj2": draw.size("ref_obj2", 99),
        "ref_word": draw.code("ref_word", len(world.words), -1),
        "status": np.array(_STATUSES)[draw.code("status", len(_STATUSES))], "bytes": draw.size("bytes", 10**8),
        "req_bytes": 100 + draw.size("req_bytes", 10**5),
        "conn": number(draw.common()["t"], draw.seeds("conn")), "conn_n": draw.code("conn_n", 100, 1),
        "proto": draw.code("proto", len(terms.HTTP_VERSIONS)),
        "upstream": np.where((behind > 0) & ~routes.local[route], upstream, -1), "up_dur": dur - dur // 8,
    })


def _some_raw(world: World, draw: _Draw, made: dict[str, Any]) -> dict[str, Any]:
    """``made`` with every ninth request or so raw, as those are: refused, from nobody known, about nothing."""
    odd = draw.code("odd", 9) == 0
    line = np.where(odd, draw.code("raw", len(raw.RAW)), -1)
    method, proto = raw.read(line)
    unread = odd & (method < 0)
    told = {"method": method, "proto": proto, "agent": world.agents.agents_of("none")[0][0], "obj": made["site"],
            "conn_n": 1, "status": 400, "bytes": np.where(unread, 150, 248), "upstream": -1, "ref": -1, "actor": -1}
    route = np.where(unread, -1, made["route"])
    changed = {name: np.where(odd, value, made[name]) for name, value in told.items()}
    return made | changed | {"raw": line, "route": route}


def _auth(world: World, draw: _Draw) -> dict[str, Any]:
    people, op = world.people, draw.code("op", len(terms.AUTH_OPS))
    org = draw.code("org", len(terms.ORGS))
    spans = np.array([people.span(PEOPLE_KINDS[0]), people.span(PEOPLE_KINDS[1])])[org]
    user = spans[:, 0] + draw.code("user", 1 << 30) % np.maximum(spans[:, 1] - spans[:, 0], 1)
    stranger = draw.code("stranger", 5) == 0
    return _client(world, draw) | {
        "op": op, "org": org, "user": np.where(stranger, -1, user),
        "typed": np.where(stranger, draw.code("typed", len(world.typos)), -1),
        "session": draw.seeds("session") * (draw.seeds("in session") % np.uint64(2)), "flow": draw.seeds("flow"),
        "result": draw.code("result", len(terms.AUTH_RESULTS)),
        "factor": draw.code("factor", len(terms.FACTORS), -1), "app": draw.code("app", len(world.apps), -1),
        "target": np.where(draw.code("helped", 3) == 0, user, -1),
        "novelty": draw.code("novelty", 1 << len(terms.NOVELTY)), "risk": draw.code("risk", len(terms.RISKS)),
    }


def _cloud(world: World, draw: _Draw) -> dict[str, Any]:
    cloud = world.cloud
    op, principal = draw.code("op", len(cloud.ops)), draw.code("principal", len(cloud.principals))
    resources = [_of_kind(cloud.resources.kind, kinds[op], draw.seeds(name)) for name, kinds in
                 (("res", cloud.ops.resource), ("res2", cloud.ops.resource2))]
    return _client(world, draw) | {
        "op": op, "principal": principal, "key": draw.seeds("key") * (draw.seeds("own key") % np.uint64(2)),
        "session_t": START - draw.code("session_t", HOUR), "mfa": draw.code("mfa", 2),
        "console": draw.code("console", 2),
        "service": draw.code("service", len(cloud.services), -1), "region": draw.code("region", len(cloud.regions)),
        "account": cloud.principals.account[principal],
        "error": np.where(draw.code("failed", 4) == 0, draw.code("error", len(terms.CLOUD_ERRORS)), -1),
        "res": resources[0], "res2": resources[1], "obj": draw.size("obj", 10**6), "new": draw.seeds("new"),
        "bytes": draw.size("bytes", 10**9),
    }


def _of_kind(kinds: NDArray[Any], wanted: NDArray[Any], seeds: NDArray[np.uint64]) -> NDArray[np.int64]:
    """A row of the wanted kind for each, -1 where there is none or none is wanted."""
    order = np.argsort(kinds, kind="stable")
    first, stop = np.searchsorted(kinds[order], wanted), np.searchsorted(kinds[order], wanted, side="right")
    at = first + (seeds % np.maximum(stop - first, 1).astype(np.uint64)).astype(np.int64)
    return np.where((wanted >= 0) & (stop > first), order[np.minimum(at, len(order) - 1)], -1)


def _shell(world: World, draw: _Draw) -> dict[str, Any]:
    hosts, op = world.hosts, draw.code("op", len(terms.SHELL_OPS))
    guessed = draw.code("guessed", 3) == 0
    name = np.where(guessed, draw.code("guess", len(hosts.unix_names)), draw.code("name", hosts.owned))
    may_be_unnamed = [terms.SHELL_OPS.index(op) for op in ("no_ident", "closed_preauth", "disconnect_preauth")]
    unnamed = np.isin(op, may_be_unnamed) & (draw.code("who", 3) == 0)
    t = draw.common()["t"]
    return {
        "client": _public(world, draw), "cport": draw.code("cport", 65_536, 1_024), "op": op,
        "host": draw.code("host", len(hosts)), "user": -1, "name": np.where(unnamed, -1, name),
        "conn": draw.seeds("conn"), "start": t - draw.code("stay", HOUR),
        "method": draw.code("method", len(terms.SSH_METHODS)), "n": draw.code("n", 7, 1), "key": draw.seeds("key"),
        "command": draw.code("command", len(hosts.commands)),
    }


def _dns(world: World, draw: _Draw) -> dict[str, Any]:
    name = draw.code("name", len(world.dns) + 20) - 20
    return {
        "client": _INNER + draw.code("client", 1 << 16), "cport": draw.code("cport", 65_536, 1_024),
        "name": np.maximum(name, -1), "label": draw.seeds("label"),
        "zone": np.where(name < 0, draw.code("zone", len(world.zones)), -1),
        "qtype": draw.code("qtype", len(terms.QTYPES)), "rcode": draw.code("rcode", len(terms.RCODES), -1),
        "answer": _public(world, draw) * (draw.seeds("known") % np.uint64(3) > 0), "ttl": draw.size("ttl", 86_400),
        "proto": terms.TRANSPORTS.index("udp"),
    }


def _flow(world: World, draw: _Draw) -> dict[str, Any]:
    inner = (_INNER + draw.code("inner", 1 << 16)).astype(np.uint32)
    inbound = draw.code("inbound", 2) == 0
    return {
        "orig": np.where(inbound, _public(world, draw), inner), "oport": draw.code("oport", 65_536, 1_024),
        "resp": np.where(inbound, world.sites.addr[0], _public(world, draw)), "rport": draw.code("rport", 1_024, 1),
        "proto": draw.code("proto", len(terms.TRANSPORTS)), "service": draw.code("service", len(terms.SERVICES), -1),
        "orig_bytes": draw.size("orig_bytes", 10**7), "resp_bytes": draw.size("resp_bytes", 10**9),
        "state": draw.code("state", len(terms.CONN_STATES)), "uid": draw.seeds("uid"),
    }


_MAKERS: dict[str, Callable[[World, _Draw], dict[str, Any]]] = {
    "http": _http, "auth": _auth, "cloud": _cloud, "shell": _shell, "dns": _dns, "flow": _flow,
}


def cut(whole: Activity, first: float, last: float) -> dict[str, Table]:
    """The rows of each table from one share of its length to another."""
    return {kind: table.take(slice(int(len(table) * first), int(len(table) * last))) for kind, table in whole.items()}


def turned(whole: Activity) -> dict[str, Table]:
    """The same rows, last first."""
    return {kind: table.take(slice(None, None, -1)) for kind, table in whole.items()}
