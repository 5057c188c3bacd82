"""Employees and administrators at work: where each is, what addresses they show, what their desks connect to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.activity import desks, schema, traffic, whereabouts
from redgen.activity.desks import Needs
from redgen.activity.schema import Activity
from redgen.activity.terms import QTYPES, RCODES
from redgen.benign.context import Context, Sessions
from redgen.clock import HOUR, MILLISECOND, SECOND
from redgen.seed import F64, I64, U64
from redgen.spec.model import Cited, Share
from redgen.table import Table
from redgen.world.plan import I32, U32

CACHED = HOUR
"""Longest TTL of the world's names: what behaviors with lookups add to the reach of their sessions."""


class Presence(Cited):
    """How staff reach what they use, as shares of their sessions. Where they are is a keyed fact (whereabouts)."""

    phone: Share = 0.12
    elsewhere: Share = 0.02
    """From a line they have never used: a customer's, a café's, a train's."""
    private: Share = 0.015
    """In a fresh browser profile: a private window, a borrowed or new machine."""


@dataclass(frozen=True)
class Staff:
    """One entry per session: the person, the address the internet sees, the software, the desk's inner address or 0."""

    person: I32
    client: U32
    agent: I32
    device: U64
    desk: U32
    phone: NDArray[np.bool_]


def staff(ctx: Context, sessions: Sessions, presence: Presence) -> Staff:
    """Who the sessions' people are and where they are at the time."""
    world, seed, ids, t = ctx.world, ctx.seed.child("staff"), sessions.id, sessions.t
    person = sessions.who.astype(np.int32)
    where = whereabouts.place(world, person, t)
    phone = seed.uniform(ids, "phone") < presence.phone
    carried = phone & (seed.uniform(ids, "carrier") < 0.6)
    where = np.where(carried & (where != whereabouts.AWAY), whereabouts.MOBILE, where).astype(np.int8)
    client = whereabouts.address(world, person, where, t)
    stray = np.flatnonzero(~phone & (seed.uniform(ids, "elsewhere") < presence.elsewhere))
    if len(stray):
        client = client.copy()
        client[stray] = world.plan.near("business", world.people.city[person[stray]], ids[stray], seed, "line")
    device = whereabouts.device(world, person, phone.astype(np.int64), t)
    fresh = seed.uniform(ids, "private") < presence.private
    inside = (where == whereabouts.OFFICE) & ~phone & (client == world.people.egress[person])
    return Staff(
        person=person, client=client, agent=world.people.agent[person, phone.astype(np.int64)],
        device=np.where(fresh, seed.noise(ids, "profile"), device),
        desk=np.where(inside, whereabouts.desk(world, person), 0).astype(np.uint32), phone=phone,
    )


def wired(ctx: Context, needs: Needs, https: float = 0.25) -> Activity:
    """The lookups and TLS connections of ``needs``; ``https``: share of A questions with an HTTPS one beside them."""
    kinds = tuple(kind for kind in ("dns", "flow") if ctx.wants(kind))
    return desks.wired(ctx.world, ctx.root, ctx.seed.child("wired"), needs, https=https, kinds=kinds)


def questions(
    ctx: Context, *, id: U64, cause: U64, t: I64, client: U32, qtype: str, name: I32, answer: U32, rcode: str, ttl: int,  # noqa: A002
) -> Table:
    """Single questions to the resolver that no cache spares, such as PTR, with their answers."""
    rtt = (MILLISECOND * np.minimum(1.2 * np.exp(1.1 * ctx.seed.normal(id, "rtt")), 900)).astype(np.int64)
    return schema.rows(
        "dns", len(id), id=id, cause=cause, t=t, dur=rtt, truth=0, client=client,
        cport=traffic.client_ports(ctx.seed, id, client), name=name, qtype=QTYPES.index(qtype),
        rcode=RCODES.index(rcode), answer=answer, ttl=ttl, proto=1,
    )


def lognormal(ctx: Context, ids: U64, name: str, median: float, sigma: float, cap: float) -> F64:
    """A lognormal draw per id, never above ``cap``."""
    return traffic.below(cap, median * np.exp(sigma * ctx.seed.normal(ids, name)))


def moments(t: I64, seconds: F64) -> I64:
    """``t`` some seconds later."""
    later: I64 = t + (SECOND * seconds).astype(np.int64)
    return later
