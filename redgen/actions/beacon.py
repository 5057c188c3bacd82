"""Call home from a host at intervals, over DNS or HTTPS, and carry data out the same way."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from redgen.activity import ssh, traffic
from redgen.activity.schema import rows
from redgen.activity.terms import QTYPES, RCODES, TRANSPORTS
from redgen.clock import HOUR, MILLISECOND, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.playbook.stage import Host, Network, Stage, Staged, action
from redgen.seed import I64, U64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share
from redgen.table import Table

PERIOD = Distribution.of({"uniform": ["200s", "350s"]})
"""Between two calls home: 200 to 350 s, evenly (rita, planted beacon, measured)."""
ANSWER = Distribution.of({"lognormal": {"median": 1800, "sigma": 0.7}})
"""Bytes that come back. Source: unverified."""
HOURS, NOTHING = Distribution.of("6h"), Distribution.of(0)
_ADDRESS_HOLDS = HOUR
"""How long the address of the server behind HTTPS is remembered."""


@action(facts={"calls": "number of calls home", "bytes": "bytes that left"})
def beacon(
    stage: Stage, *, host: Host, server: Network | None = None, channel: Literal["dns", "https"] = "dns",
    zone: str = "", period: Delay = PERIOD, lasting: Delay = HOURS, volume: Distribution = NOTHING,
    kind: Literal["A", "TXT", "AAAA"] = "TXT", missing: Share = 0.0, job: bool = False,
) -> Staged:
    """Let the first ``host`` call home every ``period`` for ``lasting``.

    ``dns``: queries of ``kind`` for generated names below ``zone`` (a share ``missing`` does not exist). ``https``:
    connections to ``server``, whose name is looked up once an hour, that carry ``volume`` bytes out. ``job``: each call
    is made by a cron job of root.
    """
    world, seed = stage.world, stage.seed
    t = _times(stage, period, int(lasting.one(seed.stream())))
    n = len(t)
    if not n or not len(host):
        return Staged(ended=stage.t, facts={"calls": 0, "bytes": 0})
    where, ids = int(host.members[0]), stage.ids(n)
    addr, home = int(world.hosts.addr[where]), _zone(stage, zone)
    out = np.maximum(volume.quantile(seed.uniform(ids, "volume")), 0).astype(np.int64)
    made: dict[str, Table] = {}
    if channel == "dns":
        gone = seed.uniform(ids, "missing") < missing
        made["dns"] = _asked(stage, ids, t, addr, home, seed.noise(ids, "label"), kind, gone)
        out = np.full(n, 48)
    elif server is None or not len(server):
        raise DataError("beacon over https: say which server it calls (server: a role of addresses)")
    else:
        to = server.addr[np.arange(n) // 40 % len(server)]
        made["flow"] = _https(stage, ids, t, addr, to, out)
        first = np.flatnonzero(np.diff(t // _ADDRESS_HOLDS, prepend=-1))
        name = np.full(len(first), seed.key_for("server name"))
        made["dns"] = _asked(stage, stage.ids(len(first), "name"), t[first] - 60 * MILLISECOND, addr, home, name, "A",
                             np.zeros(len(first), dtype=np.bool_), to[first])
    if job:
        made["shell"] = ssh.jobs(
            world, stage.root, id=ids, cause=np.uint64(stage.cause), t=t - 250 * MILLISECOND, truth=stage.truth,
            host=where, name=world.hosts.unix_names.code("root"), stay=np.full(n, 900 * MILLISECOND),
        )
    return Staged(activity=made, ended=int(t[-1]), facts={"calls": n, "bytes": int(out.sum())})


def _times(stage: Stage, period: Distribution, lasting: int) -> I64:
    """The times of the calls."""
    stop = min(stage.t + lasting, stage.stop)
    shortest = max(float(period.quantile([0.02])[0]), 0.05 * SECOND)
    most = np.arange(int((stop - stage.t) / shortest) + 2, dtype=np.uint64)
    pause = np.maximum(period.quantile(stage.seed.uniform(most, "period")), MILLISECOND)
    t: I64 = stage.t + np.cumsum(pause).astype(np.int64)
    return t[t < stop]


def _zone(stage: Stage, zone: str) -> int:
    """The zone by name; without one, one of those below which nobody has a name of its own."""
    zones = list(stage.world.zones)
    if zone and zone not in zones:
        raise DataError(f"unknown zone {zone!r}{did_you_mean(zone, zones)}")
    if zone:
        return zones.index(zone)
    asked = set(np.unique(stage.world.dns.zone).tolist())
    free = [k for k in range(len(zones)) if k not in asked] or list(range(len(zones)))
    return free[stage.root.child("home", stage.campaign_id).stream().integer(0, len(free))]


def _asked(
    stage: Stage, ids: U64, t: I64, addr: int, zone: int, label: U64, kind: str, gone: NDArray[np.bool_],
    answer: NDArray[np.uint32] | int = 0,
) -> Table:
    """Questions for generated names, which no cache answers."""
    seed = stage.seed
    rtt = (24_000 * np.exp(0.7 * seed.normal(ids, "rtt"))).astype(np.int64) + 2_000
    if kind == "A" and np.isscalar(answer):
        answer = stage.world.plan.draw("hosting", label, seed, "answer")
    return rows(
        "dns", len(t), id=ids, cause=np.uint64(stage.cause), t=t, dur=rtt, truth=stage.truth, client=addr, name=-1,
        cport=traffic.oports(seed, ids, 32_768, 60_999), label=label, zone=zone, qtype=QTYPES.index(kind),
        rcode=np.where(gone, RCODES.index("NXDOMAIN"), RCODES.index("NOERROR")), answer=np.where(gone, 0, answer),
        ttl=np.where(gone, 0, 60), proto=TRANSPORTS.index("udp"),
    )


def _https(stage: Stage, ids: U64, t: I64, addr: int, server: NDArray[np.uint32], out: I64) -> Table:
    """TLS connections to a server abroad."""
    seed = stage.seed
    back = np.maximum(ANSWER.quantile(seed.uniform(ids, "answer")), 0).astype(np.int64)
    took = (350_000 * np.exp(0.6 * seed.normal(ids, "took"))).astype(np.int64) + out // 4
    return traffic.https(
        stage.root, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth,
        orig=np.full(len(t), addr, dtype=np.uint32), resp=server, dur=took, sent=out + 400, received=back,
    )


ACTION = beacon
