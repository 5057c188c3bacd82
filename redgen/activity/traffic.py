"""Traffic: flows of connections that no web log of ours tells of, such as TLS to suppliers, SSH, NTP and probes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import schema
from redgen.activity.terms import CONN_STATES, SERVICES, TRANSPORTS
from redgen.clock import MILLISECOND, SECOND
from redgen.seed import U64, Seed
from redgen.table import Table
from redgen.world.hosts import SERVERS

TCP, UDP, ICMP = (TRANSPORTS.index(p) for p in ("tcp", "udp", "icmp"))
SF, S0, REJ, RSTO, OTH = (CONN_STATES.index(s) for s in ("SF", "S0", "REJ", "RSTO", "OTH"))
HTTP, SSL, SSH, NTP = (SERVICES.index(s) for s in ("http", "ssl", "ssh", "ntp"))

_HELLO = (700, 4200)
"""Bytes of a TLS handshake, client and server (TLS 1.3, two certificates). Source: unverified."""


def flows(
    *, id: Any, cause: Any, t: Any, dur: Any, truth: Any, orig: Any, oport: Any, resp: Any, rport: Any,  # noqa: A002
    proto: Any = TCP, service: Any = -1, orig_bytes: Any = 0, resp_bytes: Any = 0, state: Any = SF,
) -> Table:
    """Flow rows as given; ``uid`` is the row's id."""
    return schema.rows(
        "flow", len(id), id=id, uid=id, cause=cause, t=t, dur=dur, truth=truth, orig=orig, oport=oport, resp=resp,
        rport=rport, proto=proto, service=service, orig_bytes=orig_bytes, resp_bytes=resp_bytes, state=state,
    )


def oports(seed: Seed, ids: U64, low: int = 49152, high: int = 65535) -> NDArray[np.int32]:
    """An ephemeral port per id."""
    drawn: NDArray[np.int32] = (low + seed.uniform(ids, "oport") * (high + 1 - low)).astype(np.int32)
    return drawn


def client_ports(seed: Seed, ids: U64, client: Any) -> NDArray[np.int32]:
    """An ephemeral port per id from the range of the inner ``client``: Linux servers 32768-60999, desks 49152-65535.

    Source: defaults of Linux (net.ipv4.ip_local_port_range), of Windows and of macOS (IANA's dynamic ports).
    """
    server = np.asarray(client, dtype=np.uint32) >> np.uint32(16) == np.uint32(SERVERS >> 16)
    u = seed.uniform(ids, "oport")
    drawn: NDArray[np.int32] = np.where(server, 32_768 + u * 28_232, 49_152 + u * 16_384).astype(np.int32)
    return drawn


def https(
    seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, orig: Any, resp: Any, dur: Any, sent: Any, received: Any,  # noqa: A002
    plain: Any = False,
) -> Table:
    """TLS connections to port 443 that carried ``sent`` and ``received`` bytes in ``dur`` µs, handshakes on top.

    ``plain`` ones are HTTP without TLS, to port 80.
    """
    seed, ids = seed.child("https"), np.asarray(id, dtype=np.uint64)
    spread = np.where(plain, 0.0, 1.0 + 0.25 * seed.uniform(ids, "hello"))
    return flows(
        id=ids, cause=cause, t=t, dur=dur, truth=truth, orig=orig, oport=client_ports(seed, ids, orig), resp=resp,
        rport=np.where(plain, 80, 443), service=np.where(plain, HTTP, SSL),
        orig_bytes=np.asarray(sent) + np.floor(_HELLO[0] * spread),
        resp_bytes=np.asarray(received) + np.floor(_HELLO[1] * spread),
    )


def ntp(seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, orig: Any, resp: Any) -> Table:  # noqa: A002
    """NTP exchanges: 48 bytes there, 48 back."""
    ids = np.asarray(id, dtype=np.uint64)
    took = (MILLISECOND * (6 + 40 * seed.child("ntp").uniform(ids, "rtt") ** 3)).astype(np.int64)
    return flows(
        id=ids, cause=cause, t=t, dur=took, truth=truth, orig=orig, oport=123, resp=resp, rport=123, proto=UDP,
        service=NTP, orig_bytes=48, resp_bytes=48,
    )


def probes(
    seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, orig: Any, resp: Any, rport: Any, state: Any,  # noqa: A002
    proto: Any = TCP,
) -> Table:
    """Probes of ports: an unanswered one lasts while it is repeated, a refused one a round trip, others moments.

    ICMP probes are echo requests, which the host answers at once.
    """
    seed, ids = seed.child("probe"), np.asarray(id, dtype=np.uint64)
    state = np.broadcast_to(np.asarray(state), len(ids))
    proto = np.broadcast_to(np.asarray(proto), len(ids))
    u = seed.uniform(ids, "took")
    trip = np.floor(15_000 + 220_000 * u**2)
    repeats = np.where(seed.uniform(ids, "repeats") < 0.4, np.floor(3 * SECOND * (0.99 + 0.03 * u)), 0.0)
    echo = proto == ICMP
    took = np.select(
        [echo, state == S0, state == REJ, state == OTH], [np.floor(120 + 1_500 * u**3), repeats, trip, 0.0],
        trip + SECOND * 2 * u,
    )
    spoke = (state == SF) | (state == RSTO)
    some = np.floor(24 + 160 * seed.uniform(ids, "spoke"))
    return flows(
        id=ids, cause=cause, t=t, dur=took.astype(np.int64), truth=truth, orig=orig,
        oport=np.where(echo, 8, oports(seed, ids, 1024)), resp=resp, rport=np.where(echo, 0, rport), proto=proto,
        state=state, orig_bytes=np.where(echo, 32, np.where(spoke | (proto == UDP), some, 0)),
        resp_bytes=np.where(echo, 32, np.where(spoke, some * 2, 0)),
    )
