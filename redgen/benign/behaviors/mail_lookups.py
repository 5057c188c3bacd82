"""A mail server's questions: who a sender is, what its domain allows, where mail for a domain goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import wire
from redgen.activity.schema import Activity
from redgen.activity.terms import QTYPES, RCODES
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._staff import CACHED
from redgen.benign.behaviors._visitors import ranks
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.seed import U64
from redgen.spec.model import Number, Share
from redgen.table import Table, concat
from redgen.world.plan import I32, Bools

_MX, _TXT, _NS = (QTYPES.index(q) for q in ("MX", "TXT", "NS"))


@behavior(gives=("dns",), tiers=(Tier(2 * MINUTE + CACHED),))
def mail_lookups(
    ctx: Context, sessions: Sessions, *,
    host: str = "",
    outgoing: Share = 0.35,
    signed: Share = 0.85,
    nameless: Share = 0.3,
    delegations: Share = 0.02,
    zipf: Number = 0.9,
) -> Activity:
    """Each session is one message at ``host`` (by name; else the first host with mail in its name, else the first).

    ``outgoing`` ones need the MX of a domain. Of the others' senders it asks for the address's name (``nameless``: it
    has none), SPF, DMARC and, when ``signed``, the DKIM key; ``delegations``: a filter asks for the domain's NS, too.
    ``zipf``: how unequal domains are. Answers are cached.
    """
    world, ids = ctx.world, sessions.id
    names = ctx.once("policies", lambda: _policies(ctx))
    if not len(names) or not len(world.hosts):
        return {}
    seed, n = ctx.seed, len(ids)
    domain = ranks(seed.uniform(ids, "domain"), len(names), zipf)
    client = np.full(n, world.hosts.addr[_host(ctx, host)], dtype=np.uint32)
    out = seed.uniform(ids, "way") < outgoing
    asks = (
        (out, 0, _MX, 0.0), (~out, 0, _TXT, 0.4), (~out & (seed.uniform(ids, "signed") < signed), 2, _TXT, 0.7),
        (~out, 1, _TXT, 0.9), (~out & (seed.uniform(ids, "filter") < delegations), 0, _NS, 1.1),
    )
    parts = []
    for k, (some, which, qtype, after) in enumerate(asks):
        at = np.flatnonzero(some)
        moment = SECOND * (after + 0.2 * seed.uniform(ids[at], f"moment {k}"))
        parts.append(wire.records(
            world, ctx.root, ids=seed.noise(ids[at], f"ask {k}"), cause=ids[at],
            t=sessions.t[at] + moment.astype(np.int64), client=client[at], name=names[domain[at], which],
            qtype=np.full(len(at), qtype),
        ))
    return {"dns": concat([*parts, _senders(ctx, sessions, ~out, client, world.dns.zone[names[domain, 0]], nameless)])}


def _senders(
    ctx: Context, sessions: Sessions, comes: Bools, client: NDArray[np.uint32], zone: I32, nameless: float
) -> Table:
    """Questions for the names of senders' addresses, some of which have none."""
    seed, at = ctx.seed, np.flatnonzero(comes)
    ids = sessions.id[at]
    bare = seed.uniform(ids, "nameless") < nameless
    spare = seed.noise(ids, "which of its servers") % np.uint64(3)
    key: U64 = np.where(bare, ids, seed.noise(zone[at].astype(np.uint64), "domain") + spare)
    kind = np.where(bare, "hosting", "cloud")
    sender = np.zeros(len(at), dtype=np.uint32)
    for word in ("hosting", "cloud"):
        mine = np.flatnonzero(kind == word)
        sender[mine] = ctx.world.plan.draw(word, key[mine], seed, "sender")
    asked = _staff.questions(
        ctx, id=seed.noise(ids, "sender row"), cause=ids, t=sessions.t[at], client=client[at], qtype="PTR",
        name=np.full(len(at), -1, dtype=np.int32), answer=sender, rcode="NOERROR", ttl=3600,
    )
    none = RCODES.index("NXDOMAIN")
    return asked.replace(
        zone=zone[at], rcode=np.where(bare, none, asked["rcode"]), ttl=np.where(bare, 0, asked["ttl"]))


def _policies(ctx: Context) -> I32:
    """Per outside mail domain the rows of its own name, its DMARC policy and its DKIM key."""
    place = {ctx.world.names[int(r)]: int(r) for r in ctx.world.dns.of_kind("record")}
    keys = {name.partition("._domainkey.")[2]: row for name, row in place.items() if "._domainkey." in name}
    found = [(row, place[f"_dmarc.{name}"], keys[name]) for name, row in place.items()
             if f"_dmarc.{name}" in place and name in keys and name != ctx.world.org.domain]
    return np.array(found, dtype=np.int32).reshape(-1, 3)


def _host(ctx: Context, name: str) -> int:
    """The mail server."""
    known = list(ctx.world.hosts.name)
    if name and name not in known:
        raise DataError(f"unknown host {name!r}{did_you_mean(name, known)}")
    if name:
        return known.index(name)
    return next((k for k, host in enumerate(known) if "mail" in host), 0)


BEHAVIOR = mail_lookups
