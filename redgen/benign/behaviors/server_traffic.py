"""Servers on the wire: clocks set by NTP, a monitoring agent that reports, names looked up on behalf of logs."""

from __future__ import annotations

import numpy as np

from redgen.activity import traffic, wire
from redgen.activity.desks import Needs
from redgen.activity.schema import Activity
from redgen.activity.terms import QTYPES, RCODES
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._staff import CACHED
from redgen.benign.behaviors._visitors import ranks
from redgen.benign.behaviors.dns_office import inner_names
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE, SECOND
from redgen.seed import I64, U64
from redgen.spec.model import Duration, Share
from redgen.table import Table, concat
from redgen.world.plan import U32


@behavior(gives=("dns", "flow"), tiers=(Tier(30 * MINUTE + CACHED + 5 * MINUTE),))
def server_traffic(
    ctx: Context, sessions: Sessions, *,
    spread: Duration = 5 * MINUTE,
    ntp: Share = 0.3,
    reports: Share = 1.0,
    names: Share = 0.2,
    reverse: Share = 0.35,
    missing: Share = 0.02,
    zones: Share = 0.01,
) -> Activity:
    """Each session is one tick for all hosts, which act at moments of their own within ``spread`` (at most 30 minutes).

    Shares are per host and tick: ``ntp`` sets the clock, ``reports`` sends measurements to the monitoring service,
    ``names`` connects to some other supplier, ``reverse`` asks for the name of an inner address (``missing``: one that
    has none), ``zones`` checks the organization's own domain (SOA and NS).
    """
    world, seed, hosts = ctx.world, ctx.seed, ctx.world.hosts
    n = len(hosts)
    at, host = np.repeat(np.arange(len(sessions)), n), np.tile(np.arange(n), len(sessions))
    row = seed.noise(sessions.id[at] + host.astype(np.uint64), "tick")
    own = seed.uniform(host.astype(np.uint64), "moment")
    since = min(spread, 30 * MINUTE) * own + 2 * SECOND * seed.uniform(row, "jitter")
    t, client, cause = sessions.t[at] + since.astype(np.int64), hosts.addr[host], sessions.id[at]
    outside = ctx.once("suppliers", lambda: world.dns.of_kind("external"))
    if not len(outside):
        return {}
    some = np.flatnonzero(seed.uniform(row, "reports") < reports)
    others = np.flatnonzero(seed.uniform(row, "names") < names)
    supplier = outside[ranks(seed.uniform(row[others], "supplier"), min(len(outside), 60), 1.0)]
    which = np.concatenate([some, others])
    keys = np.concatenate([seed.noise(row[some], "report"), seed.noise(row[others], "other")])
    found = dict(_staff.wired(ctx, Needs(
        id=keys, cause=cause[which], t=t[which], client=client[which],
        name=np.append(np.full(len(some), outside[0]), supplier),
        dur=(SECOND * _staff.lognormal(ctx, keys, "lasts", 0.6, 0.9, 60)).astype(np.int64),
        sent=_staff.lognormal(ctx, keys, "sent", 5_200, 0.7, 1e7),
        received=_staff.lognormal(ctx, keys, "received", 900, 1.2, 4e8),
    ), https=0.0))
    if "dns" in found:
        asks = np.flatnonzero(seed.uniform(row, "reverse") < reverse)
        checks = np.flatnonzero(seed.uniform(row, "zones") < zones)
        found["dns"] = concat([
            found["dns"], _reverse(ctx, row[asks], cause[asks], t[asks], client[asks], missing),
            *_zone_checks(ctx, row[checks], cause[checks], t[checks], client[checks]),
        ])
    if "flow" in found:
        sets = np.flatnonzero(seed.uniform(row, "ntp") < ntp)
        clock = world.dns.answer[outside[(host[sets] * 7 + 3) % len(outside)]]
        found["flow"] = concat([found["flow"], _clocks(ctx, row[sets], cause[sets], t[sets], client[sets], clock)])
    return found


def _clocks(ctx: Context, row: U64, cause: U64, t: I64, client: U32, clock: U32) -> Table:
    """Clocks set by NTP."""
    return traffic.ntp(
        ctx.root, id=ctx.seed.noise(row, "ntp row"), cause=cause, t=t + SECOND, truth=0, orig=client, resp=clock)


def _zone_checks(ctx: Context, row: U64, cause: U64, t: I64, client: U32) -> list[Table]:
    """Questions for the organization's own SOA and NS records."""
    own = [int(r) for r in ctx.world.dns.of_kind("record") if ctx.world.names[int(r)] == ctx.world.org.domain]
    if not own:
        return []
    return [wire.records(
        ctx.world, ctx.root, ids=ctx.seed.noise(row, kind), cause=cause,
        t=t + 5 * SECOND + k * wire.beside(ctx.seed, row), client=client,
        name=np.full(len(row), own[0]), qtype=np.full(len(row), QTYPES.index(kind)),
    ) for k, kind in enumerate(("SOA", "NS"))]


def _reverse(ctx: Context, row: U64, cause: U64, t: I64, client: U32, missing: float) -> Table:
    """Questions for the names of inner addresses; some have none."""
    hosts = ctx.world.hosts
    inner = ctx.once("inner names", lambda: inner_names(ctx))
    about = (ctx.seed.noise(row, "about") % np.uint64(len(hosts))).astype(np.int64)
    gone = ctx.seed.uniform(row, "missing") < missing
    asked = _staff.questions(
        ctx, id=ctx.seed.noise(row, "reverse row"), cause=cause, t=t + 3 * SECOND, client=client, qtype="PTR",
        name=np.where(gone, -1, inner[about]), answer=hosts.addr[about] + np.where(gone, 100, 0).astype(np.uint32),
        rcode="NOERROR", ttl=3600,
    )
    return asked.replace(rcode=np.where(gone, RCODES.index("NXDOMAIN"), asked["rcode"]), ttl=np.where(gone, 0, 3600))


BEHAVIOR = server_traffic
