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
SF, S0, REJ, S1, RSTO, RSTR, OTH = (CONN_STATES.index(s) for s in ("SF", "S0", "REJ", "S1", "RSTO", "RSTR", "OTH"))
HTTP, SSL, SSH, NTP, QUIC = (SERVICES.index(s) for s in ("http", "ssl", "ssh", "ntp", "quic,ssl"))

_HELLO = (700, 4200)
"""Bytes of a TLS handshake, client and server (TLS 1.3, two certificates). Source: unverified."""
_PADDED = 1_200
"""QUIC's first datagram is padded to at least this (RFC 9000, section 14.1)."""
_ENDS = ((0.9, SF), (0.965, RSTO), (0.985, RSTR), (1.0, S1))
"""How TLS connections of desks end, cumulative: in order, by a reset of either side, or not at all while anybody looks
(a laptop closed). Source: unverified; browsing net .819 SF (measured)."""
_PINGS = (8, 32, 36, 40, 56)
"""Payloads of echo requests: scanners send few bytes, Windows 32, Linux 56."""


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


def below(cap: float, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """``drawn``, with what lies above ``cap`` spread over the upper half below it: a limit leaves no heap at itself."""
    over = np.flatnonzero(drawn > cap)
    if not len(over):
        return drawn
    kept: NDArray[np.float64] = drawn.copy()
    kept[over] = cap * (0.5 + 0.5 * np.modf(np.log2(drawn[over] / cap) * 61.0)[0])
    return kept


def https(
    seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, orig: Any, resp: Any, dur: Any, sent: Any, received: Any,  # noqa: A002
    plain: Any = False, quic: Any = False,
) -> Table:
    """TLS connections to port 443 that carried ``sent`` and ``received`` bytes in ``dur`` µs, handshakes on top.

    ``plain`` ones are HTTP without TLS, to port 80; ``quic`` ones (never plain) HTTP/3, over UDP.
    """
    seed, ids = seed.child("https"), np.asarray(id, dtype=np.uint64)
    upto, ends = (np.array(column) for column in zip(*_ENDS, strict=True))
    state = ends[np.searchsorted(upto[:-1], seed.uniform(ids, "ends"), side="right")]
    spread = np.where(plain, 0.0, 1.0 + 0.25 * seed.uniform(ids, "hello"))
    return flows(
        id=ids, cause=cause, t=t, dur=dur, truth=truth, orig=orig, oport=client_ports(seed, ids, orig), resp=resp,
        rport=np.where(plain, 80, 443), service=np.where(plain, HTTP, np.where(quic, QUIC, SSL)),
        proto=np.where(quic, UDP, TCP), state=np.where(quic, SF, state),
        orig_bytes=np.asarray(sent) + np.floor(_HELLO[0] * spread) + np.where(quic, _PADDED, 0),
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
    sender = seed.noise(np.full(len(ids), orig, dtype=np.uint64), "ping") % np.uint64(len(_PINGS))
    ping = np.array(_PINGS)[sender.astype(np.int64)]
    answered = np.floor(40 + 180 * np.exp(0.6 * seed.normal(ids, "echo")))
    trip = np.floor(15_000 + 220_000 * u**2)
    repeats = np.where(seed.uniform(ids, "repeats") < 0.4, np.floor(3 * SECOND * (0.99 + 0.03 * u)), 0.0)
    echo = proto == ICMP
    took = np.select(
        [echo, state == S0, state == REJ, state == OTH], [answered, repeats, trip, 0.0],
        trip + SECOND * 2 * u,
    )
    spoke = (state == SF) | (state == RSTO)
    some = np.floor(24 + 160 * seed.uniform(ids, "spoke"))
    return flows(
        id=ids, cause=cause, t=t, dur=took.astype(np.int64), truth=truth, orig=orig,
        oport=np.where(echo, 8, oports(seed, ids, 1024)), resp=resp, rport=np.where(echo, 0, rport), proto=proto,
        state=state, orig_bytes=np.where(echo, ping, np.where(spoke | (proto == UDP), some, 0)),
        resp_bytes=np.where(echo, ping, np.where(spoke, some * 2, 0)),
    )
