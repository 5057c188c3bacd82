"""Desks in the office: lookups and TLS connections behind what other logs tell of the people who sit there.

The identity provider and the cloud see only the office's egress; the sensor inside sees the desk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import traffic, whereabouts, wire
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, ORGS, QTYPES
from redgen.clock import MILLISECOND, SECOND
from redgen.seed import F64, I64, U64, Seed
from redgen.table import Table, concat
from redgen.world.hosts import SERVERS
from redgen.world.names import NAME_KINDS
from redgen.world.plan import I32, U32
from redgen.world.world import World

_WORKFORCE, _SSO = ORGS.index("workforce"), AUTH_OPS.index("sso")
_SILENT = tuple(AUTH_OPS.index(o) for o in ("push_sent", "push_answer", "lock", "token_refresh"))
"""Acts that a desk does nothing for: the provider's own, and those of phones and programs in the background."""
_CONNECTS = 0.2
"""Share of cloud calls that open a connection; the others use one that is open. Source: unverified."""


_PLAIN = 0.12
"""Share of outside names that are reached without TLS. Source: http .074 to ssl .342 of connections (measured).
The apps behind the identity provider are not among them."""
_OFFER_H3, _TAKE_H3 = 0.3, 0.8
"""Domains that offer HTTP/3, and connections of browsers to those that use it. Source: unverified."""


@dataclass(frozen=True)
class Needs:
    """Connections that inner clients need, one per element: to ``name`` (World.dns), and what they move in ``dur``."""

    id: U64
    cause: U64
    t: I64
    client: U32
    name: I32
    dur: I64
    sent: F64
    received: F64

    def take(self, index: NDArray[Any]) -> Needs:
        """The needs at ``index``."""
        return Needs(*(getattr(self, c)[index] for c in self.__dataclass_fields__))


def wired(
    world: World, root: Seed, seed: Seed, needs: Needs, *, truth: Any = 0, https: float = 0.25,
    kinds: tuple[str, ...] = ("dns", "flow"),
) -> dict[str, Table]:
    """The lookups and TLS connections of ``needs``; ``https``: share of A questions with an HTTPS one beside them."""
    found = {}
    told = np.broadcast_to(np.asarray(truth, dtype=np.int32), len(needs.t))
    if "dns" in kinds:
        asked = wire.lookups(
            world, root, ids=seed.noise(needs.id, "need"), cause=needs.cause, t=needs.t, truth=told,
            client=needs.client, name=needs.name,
        )
        found["dns"] = concat([asked, _service_bindings(seed, asked, https)])
    if "flow" in kinds:
        is_there = np.flatnonzero(world.dns.answer[needs.name] > 0)
        there = needs.take(is_there)
        after = wire.waits(root, seed.noise(there.id, "need"))  # the answer first, then a SYN
        after += (MILLISECOND * (0.1 + 0.9 * np.exp(0.9 * seed.normal(there.id, "after")))).astype(np.int64)
        found["flow"] = traffic.https(
            root, id=seed.noise(there.id, "flow"), cause=there.cause, t=there.t + after, truth=told[is_there],
            orig=there.client, resp=world.dns.answer[there.name], dur=there.dur, sent=there.sent,
            received=there.received, plain=_plain(world, there.name), quic=_quic(world, seed, there),
        )
    return found


def _plain(world: World, name: I32) -> NDArray[np.bool_]:
    """Whether a name is reached without TLS (certificate status, updates, portals of networks): a fact of the name."""
    outside = (world.dns.kind[name] == NAME_KINDS.index("external")) & ~np.isin(name, names_of_apps(world))
    found: NDArray[np.bool_] = outside & (world.seed.uniform(name.astype(np.uint64), "plain http") < _PLAIN)
    return found


def _quic(world: World, seed: Seed, needs: Needs) -> NDArray[np.bool_]:
    """Which connections speak HTTP/3: those of desks, to domains that offer it, most of the time."""
    offers = world.seed.uniform(world.dns.zone[needs.name].astype(np.uint64), "http/3") < _OFFER_H3
    outside = (world.dns.kind[needs.name] == NAME_KINDS.index("external")) & ~_plain(world, needs.name)
    desk = needs.client >> np.uint32(16) != np.uint32(SERVERS >> 16)
    found: NDArray[np.bool_] = outside & offers & desk & (seed.uniform(needs.id, "http/3") < _TAKE_H3)
    return found


def _service_bindings(seed: Seed, asked: Table, share: float) -> Table:
    """The HTTPS questions that browsers ask beside some A questions; nobody publishes such records here."""
    first = asked["qtype"] == QTYPES.index("A")
    some = asked.take(np.flatnonzero(first & (seed.uniform(asked["id"], "https") < share)))
    return some.replace(
        id=seed.noise(some["id"], "https row"), t=some["t"] + wire.beside(seed, some["id"]),
        qtype=QTYPES.index("HTTPS"), answer=0, ttl=0,
        cport=traffic.client_ports(seed, some["id"], some["client"]),
        dur=np.where(some["rcode"] < 0, 0, wire.waits(seed, some["id"])),
    )


def names_of_apps(world: World) -> I32:
    """The name that each IdP app is reached at: one of the popular external names, the same for everybody."""
    outside = np.flatnonzero(world.dns.kind == NAME_KINDS.index("external"))[:200]
    apps = np.arange(len(world.apps), dtype=np.uint64)
    at = (world.seed.noise(apps, "app name") % np.uint64(max(len(outside), 1))).astype(np.int64)
    return outside[at].astype(np.int32) if len(outside) else np.zeros(len(apps), dtype=np.int32)


def of_signins(world: World, seed: Seed, auth: Table) -> Activity:
    """What the desks of those who signed in from their office did for ``auth`` rows; ``seed`` is the dataset's root.

    One connection per flow: to an app for ``sso``, to the provider for all else.
    """
    user, mine = np.maximum(auth["user"], 0), seed.child("desks")
    desk = _desk(world, auth["user"], auth["client"])
    seated = (desk > 0) & (auth["org"] == _WORKFORCE) & (auth["agent"] == world.people.agent[user, 0])
    some = np.flatnonzero(seated & ~np.isin(auth["op"], _SILENT))
    some = some[np.lexsort((auth["id"][some], auth["t"][some]))]
    flow = np.where(auth["flow"][some] != 0, auth["flow"][some], auth["id"][some])
    opens = auth["op"][some] == _SSO
    _, first = np.unique(flow + opens.astype(np.uint64), return_index=True)
    some, opens = some[first], opens[first]
    names = np.where(opens, names_of_apps(world)[np.maximum(auth["app"][some], 0)], world.dns.idp[_WORKFORCE])
    mine, names = mine.child("sign-ins"), names.astype(np.int32)
    return _visits(world, seed, mine, auth.take(some), desk[some], names, 40, 140_000)


def of_calls(world: World, seed: Seed, cloud: Table) -> Activity:
    """What desks did for ``cloud`` rows of people in their office; ``seed`` is the dataset's root."""
    person = world.cloud.principals.person[np.maximum(cloud["principal"], 0)]
    desk = _desk(world, np.where(cloud["principal"] >= 0, person, -1), cloud["client"])
    mine = seed.child("desks", "calls")
    order = np.lexsort((cloud["id"], cloud["t"], cloud["cause"]))
    begins = np.zeros(len(cloud), dtype=np.bool_)
    begins[order[np.diff(cloud["cause"][order], prepend=~cloud["cause"][order[:1]]) != 0]] = True
    some = np.flatnonzero((desk > 0) & (begins | (mine.uniform(cloud["id"], "connects") < _CONNECTS)))
    names = np.full(len(some), cloud_endpoint(world), dtype=np.int32)
    return _visits(world, seed, mine, cloud.take(some), desk[some], names, 12, 22_000)


def cloud_endpoint(world: World) -> int:
    """The name at which the cloud is reached."""
    apps = [k for k, name in enumerate(world.apps) if "AWS" in name] or [0]
    return int(names_of_apps(world)[apps[0]])


def _desk(world: World, person: NDArray[np.integer], client: U32) -> U32:
    """The desk of each person whose address is the egress of their office; 0 for all others."""
    who = np.maximum(person, 0).astype(np.int32)
    egress = world.people.egress[who]
    inside = (person >= 0) & (egress > 0) & (client == egress)
    return np.where(inside, whereabouts.desk(world, who), 0).astype(np.uint32)


def _visits(
    world: World, root: Seed, seed: Seed, rows: Table, desk: U32, name: I32, lasts: float, received: float
) -> Activity:
    """A connection a moment before each row, which lasts some seconds beyond it."""
    if not len(rows):
        return {}
    ids = rows["id"]
    lead = (SECOND * (0.6 + 3 * seed.uniform(ids, "lead"))).astype(np.int64)

    def drawn(what: str, median: float, sigma: float, cap: float) -> F64:
        return traffic.below(cap, median * np.exp(sigma * seed.normal(ids, what)))

    return wired(world, root, seed, Needs(
        id=ids, cause=rows["cause"], t=rows["t"] - lead, client=desk, name=name,
        dur=lead + (SECOND * drawn("lasts", lasts, 1.0, 600)).astype(np.int64), sent=drawn("sent", 6_000, 1.1, 4e7),
        received=drawn("received", received, 1.5, 4e8),
    ), truth=rows["truth"])
