"""Desks in the office: names looked up and hosts connected to, in bursts, with what systems ask besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import whereabouts, wire
from redgen.activity.desks import Needs
from redgen.activity.groups import expand, running
from redgen.activity.schema import Activity, rows
from redgen.activity.terms import QTYPES, RCODES
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._script import Lognormal, Quantiles
from redgen.benign.behaviors._staff import CACHED
from redgen.benign.behaviors._visitors import ranks
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE, SECOND
from redgen.seed import I64, U64
from redgen.spec.model import Number, Share
from redgen.table import Table, concat
from redgen.world.names import NAME_KINDS

_LONGEST = 20 * MINUTE
_BURST = Quantiles(at=(0.0, 0.3, 0.6, 0.85, 0.97, 1.0), are=(1, 3, 7, 16, 34, 60))
_GAP = Lognormal.of("4s", 1.6)
_FILES, _UNKNOWN = 20_000, 0.3
"""Different files that an antivirus asks about, and the share of which its vendor knows nothing. Source: unverified."""


@behavior(gives=("dns", "flow"), tiers=(Tier(_LONGEST + CACHED + 5 * MINUTE),))
def dns_office(
    ctx: Context, sessions: Sessions, *,
    burst: Quantiles = _BURST,
    gap: Lognormal = _GAP,
    zipf: Number = 1.0,
    missing: Share = 0.035,
    reverse: Share = 0.03,
    https: Share = 0.25,
    reputation: Share = 0.02,
    services: Share = 0.02,
) -> Activity:
    """Bursts of ``burst`` needs, ``gap`` apart, by people who are at their desks at the time (others show elsewhere).

    ``zipf``: popularity of names by rank; ``missing``: needs of names that do not exist (search domains, old servers);
    ``reverse``: PTR questions per need; ``https``: share of A questions with an HTTPS one; ``reputation``: needs for
    which an antivirus asks its vendor about a file, by hash and for TXT; ``services``: bursts that begin with a search
    for services of a domain (SRV).
    """
    world, seed = ctx.world, ctx.seed
    person = sessions.who.astype(np.int32)
    at_desk = whereabouts.place(world, person, sessions.t) == whereabouts.OFFICE
    count = np.where(at_desk, np.floor(burst.of(sessions.size)), 0).astype(np.int64)
    at, rank = expand(count)
    row = seed.noise(sessions.id[at] + rank.astype(np.uint64), "need")
    gaps = np.where(rank > 0, gap.median * np.exp(gap.sigma * seed.normal(row, "gap")), 0)
    since = running(gaps, rank)
    kept = np.flatnonzero(since < _LONGEST)
    at, row, t = at[kept], row[kept], (sessions.t[at] + since)[kept]
    desk = whereabouts.desk(world, person[at])
    needs = Needs(
        id=row, cause=sessions.id[at], t=t, client=desk, name=_names(ctx, row, zipf, missing),
        dur=(SECOND * _staff.lognormal(ctx, row, "lasts", 9, 1.9, 240)).astype(np.int64),
        sent=_staff.lognormal(ctx, row, "sent", 2_300, 1.3, 4e7),
        received=_staff.lognormal(ctx, row, "received", 24_000, 2.2, 4e8),
    )
    found = dict(_staff.wired(ctx, needs, https))
    if "dns" in found:
        asks = np.flatnonzero(seed.uniform(row, "reverse") < reverse)
        begins = np.flatnonzero((rank[kept] == 0) & (seed.uniform(row, "services") < services))
        files = np.flatnonzero(seed.uniform(row, "reputation") < reputation)
        found["dns"] = concat([
            found["dns"], _backwards(ctx, needs.take(asks)), _services(ctx, needs.take(begins)),
            _verdicts(ctx, needs.take(files)),
        ])
    return found


def _backwards(ctx: Context, needs: Needs) -> Table:
    """Questions for the names of inner addresses."""
    host = (ctx.seed.noise(needs.id, "host") % np.uint64(max(len(ctx.world.hosts), 1))).astype(np.int64)
    inner = ctx.once("inner names", lambda: inner_names(ctx))
    return _staff.questions(
        ctx, id=ctx.seed.noise(needs.id, "reverse row"), cause=needs.cause, t=needs.t + _soon(ctx, needs.id, 30),
        client=needs.client, qtype="PTR", name=inner[host], answer=ctx.world.hosts.addr[host], rcode="NOERROR",
        ttl=3600,
    )


def _soon(ctx: Context, ids: U64, most: int) -> I64:
    """Up to ``most`` seconds, in microseconds: what a program asks besides comes when it gets there."""
    return (SECOND * most * ctx.seed.uniform(ids, "soon")).astype(np.int64) + 400


def _services(ctx: Context, needs: Needs) -> Table:
    """Searches for services: four in five for the directory that this company does not have."""
    names = ctx.world.dns.of_kind("service")
    if not len(names):
        return rows("dns", 0)
    tail = f".corp.{ctx.world.org.domain}"
    ours = np.array([ctx.world.names[int(r)].endswith(tail) for r in names])
    pools = [pool if len(pool) else names for pool in (names[ours], names[~ours])]
    which = ctx.seed.noise(needs.id, "service")
    own = ctx.seed.uniform(needs.id, "own service") < 0.8
    name = np.where(own, *(pool[(which % np.uint64(len(pool))).astype(np.int64)] for pool in pools))
    return wire.records(
        ctx.world, ctx.root, ids=ctx.seed.noise(needs.id, "service row"), cause=needs.cause, t=needs.t,
        client=needs.client, name=name, qtype=np.full(len(name), QTYPES.index("SRV")),
        found=~np.isin(name, names[ours]),
    )


def _verdicts(ctx: Context, needs: Needs) -> Table:
    """An antivirus asks its vendor, below the vendor's own domain, what is known of a file; of some, nothing is."""
    seed, dns = ctx.seed, ctx.world.dns
    outside = dns.of_kind("external")
    if not len(outside):
        return rows("dns", 0)
    vendor = int(dns.zone[outside[ctx.world.seed.key_for("antivirus") % len(outside)]])
    file = seed.noise(ranks(seed.uniform(needs.id, "file"), _FILES, 0.7).astype(np.uint64), "hash of file")
    unknown = seed.uniform(file, "unknown") < _UNKNOWN
    asked = _staff.questions(
        ctx, id=seed.noise(needs.id, "verdict row"), cause=needs.cause, t=needs.t + _soon(ctx, needs.id, 1),
        client=needs.client, qtype="TXT", name=np.full(len(file), -1, dtype=np.int32),
        answer=np.zeros(len(file), dtype=np.uint32), rcode="NOERROR", ttl=60,
    )
    gone = RCODES.index("NXDOMAIN")
    return asked.replace(
        label=file, zone=np.full(len(file), vendor), rcode=np.where(unknown, gone, asked["rcode"]),
        ttl=np.where(unknown, 0, asked["ttl"]),
    )


def _names(ctx: Context, row: U64, zipf: float, missing: float) -> NDArray[np.int32]:
    """A name for each need: one that exists, by popularity, or one that does not.

    Not one of the organization's own: those tell of visits and sign-ins that other logs would show, too.
    """
    dns = ctx.world.dns
    there, gone = ctx.once("names", lambda: (
        np.flatnonzero((dns.answer > 0) & (dns.kind == NAME_KINDS.index("external"))),
        np.flatnonzero((dns.answer == 0) & (dns.kind == NAME_KINDS.index("inner")))))
    popular = there[ranks(ctx.seed.uniform(row, "name"), len(there), zipf)]
    if not len(gone):
        return popular.astype(np.int32)
    absent = gone[(ctx.seed.noise(row, "absent") % np.uint64(len(gone))).astype(np.int64)]
    return np.where(ctx.seed.uniform(row, "missing") < missing, absent, popular).astype(np.int32)


def inner_names(ctx: Context) -> NDArray[np.int32]:
    """The row of World.dns for each host's inner name, -1 where it has none."""
    dns, hosts = ctx.world.dns, ctx.world.hosts
    at = {int(a): k for k, (a, kind) in enumerate(zip(dns.answer, dns.kind, strict=True))
          if kind == NAME_KINDS.index("inner") and a > 0}
    return np.array([at.get(int(a), -1) for a in hosts.addr], dtype=np.int32)


BEHAVIOR = dns_office
