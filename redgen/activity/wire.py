"""What web activity is on the wire: connections as flows, and the lookups that precede them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import traffic
from redgen.activity.objects import hashed, normal, uniform
from redgen.activity.schema import rows
from redgen.activity.terms import CONN_STATES, QTYPES, RCODES, SERVICES, TRANSPORTS, code
from redgen.clock import SECOND
from redgen.compiled import kernel
from redgen.seed import U64, Seed
from redgen.table import Table
from redgen.world.names import NAME_KINDS
from redgen.world.world import World

FLOW_TAIL = 120_000_000
"""A flow is done at most this many microseconds after the last request of its connection is done."""

_SF, _S1, _S3, _RSTO, _RSTR = (code(CONN_STATES, s) for s in ("SF", "S1", "S3", "RSTO", "RSTR"))
_SERVER_CLOSES = 0.45
"""Share of connections that the server closes. Source: unverified."""
_LOST, _FAILED, _GIVES_UP = 0.002, 0.0012, 150_000
"""Shares of lookups without an answer, and of those the resolver fails at, after this many µs. Source: unverified."""
_V6_NAMES = 0.34
"""Share of outside names with an AAAA record. Source: unverified."""


def flows(world: World, seed: Seed, http: Table) -> Table:
    """One flow row per connection: the rows of ``http`` that share ``conn`` (answered rows: after ``web.respond``).

    ``http`` must hold every row of each connection it touches (give whole sessions; cut by time afterwards). A flow
    starts a handshake before its first request and is done when the connection closes: by the client, by the server's
    keep-alive timeout, or by reset. Payload includes handshake, records and headers. ``id`` and ``uid`` are hashed from
    ``conn``; ``cause`` is that of the first row, ``truth`` the first that is not 0. ``seed`` is the root seed.
    """
    order = _by_connection(http["conn"], http["t"], http["id"])
    conn = http["conn"][order]
    first = np.flatnonzero(np.append(True, conn[1:] != conn[:-1])) if len(conn) else np.zeros(0, dtype=np.int64)
    n, head = len(first), order[first]
    site, ids = http["site"][head], seed.child("wire").noise(http["conn"][head], "flow")
    start, stop, sent, got = (np.empty(n, dtype=np.int64) for _ in range(4))
    state, truth = np.empty(n, dtype=np.int8), np.zeros(n, dtype=np.int32)
    plain = world.sites.port[site] == 80
    keepalive = np.minimum(world.sites.keepalive_s[site].astype(np.int64) * SECOND, FLOW_TAIL - 5 * SECOND)
    quits = world.agents.bot[http["agent"][head]] != 0
    _connections(
        ids, np.append(first, len(conn)), order, http["client"], http["t"], http["dur"], http["bytes"],
        http["req_bytes"], http["truth"], keepalive, quits, plain, start, stop, sent, got, state, truth,
    )
    return rows(
        "flow", n, id=ids, uid=ids, cause=http["cause"][head], t=start, dur=stop - start, truth=truth,
        orig=http["client"][head], oport=http["cport"][head], resp=world.sites.addr[site], rport=world.sites.port[site],
        proto=code(TRANSPORTS, "tcp"), service=np.where(plain, code(SERVICES, "http"), code(SERVICES, "ssl")),
        orig_bytes=sent, resp_bytes=got, state=state,
    )


def _by_connection(conn: U64, t: NDArray[np.int64], ids: U64) -> NDArray[np.int64]:
    """Positions that sort rows by connection, then time, then id.

    Whoever walks sessions gives a connection's rows in that order already; a stable sort by one key keeps it, and
    takes a third of the time.
    """
    order = np.argsort(conn, kind="stable")
    of, when, who = conn[order], t[order], ids[order]
    after = (when[1:] > when[:-1]) | ((when[1:] == when[:-1]) & (who[1:] >= who[:-1]))
    return order if (after | (of[1:] != of[:-1])).all() else np.lexsort((ids, t, conn))


@kernel()
def _trip(client):  # type: ignore[no-untyped-def]
    """A client's round-trip time (µs) is its own: lognormal, median 38 ms; TCP costs one, TLS 1.3 another."""
    trip = np.int64(38_000 * np.exp(0.7 * normal(np.uint64(client), 1)))
    return min(trip, np.int64(900_000))


def trips(client: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Microseconds of a round trip to each client, as the flows have it."""
    found = np.empty(len(client), dtype=np.int64)
    _trips(np.require(client, requirements=("C", "W")), found)
    return found


@kernel()
def _trips(client, found):  # type: ignore[no-untyped-def]
    for k in range(client.shape[0]):
        found[k] = _trip(client[k])


@kernel()
def _connections(  # type: ignore[no-untyped-def]
    ids, first, order, client, t, dur, size, asked, label, keepalive, quits, plain, start, stop, sent, got, state, truth
):
    """Fill one entry per connection from its requests, which are ``order[first[k]:first[k + 1]]``."""
    for k in range(ids.shape[0]):
        h = ids[k]
        here = order[first[k]]
        trip = _trip(client[here])
        start[k] = t[here] - (trip if plain[k] else 2 * trip) - 400
        resumed = uniform(h, 2) < 0.35
        sent[k] = 0 if plain[k] else 590 + np.int64(hashed(h, np.uint64(3)) % np.uint64(130))
        got[k] = 0 if plain[k] else (290 if resumed else 3_150) + np.int64(hashed(h, np.uint64(4)) % np.uint64(900))
        end = np.int64(0)
        for j in range(first[k], first[k + 1]):
            i = order[j]
            sent[k] += asked[i] + 24
            headers = 260 + np.int64(hashed(h, np.uint64(j - first[k] + 16)) % np.uint64(240))
            got[k] += size[i] + headers + 22 * (1 + size[i] // 16_384)
            end = max(end, t[i] + dur[i])
            truth[k] = truth[k] if truth[k] else label[i]  # noqa: FURB110 (numba)
        u, v = uniform(h, 5), uniform(h, 6)
        if u < 0.985:
            state[k] = _SF if u < 0.93 else (_RSTO if u < 0.97 else _RSTR)
        else:  # the client is gone without a word: the server has not noticed yet, or closes alone
            state[k] = _S1 if v >= _SERVER_CLOSES else _S3
        if quits[k]:
            idle = np.int64(2_000 + 60_000 * v)
        elif state[k] == _S1:
            idle = np.int64(0)
        elif v < _SERVER_CLOSES:
            idle = keepalive[k]
        else:
            idle = np.int64(keepalive[k] * (v - _SERVER_CLOSES) / (1.0 - _SERVER_CLOSES))
        stop[k] = end + idle + trip


def server_closes(ids: U64) -> NDArray[np.bool_]:
    """Whether the server is the first to close each flow, by its ``id``: after the keep-alive time, for ``flows``."""
    found = np.empty(len(ids), dtype=np.bool_)
    _server_closes(ids, found)
    return found


@kernel()
def _server_closes(ids, found):  # type: ignore[no-untyped-def]
    for k in range(ids.shape[0]):
        found[k] = uniform(ids[k], 6) < _SERVER_CLOSES


def lookups(
    world: World, seed: Seed, *, ids: Any, cause: Any, t: Any, truth: Any, client: Any, name: Any, v6: float = 0.355
) -> Table:
    """DNS rows for needs of ``name`` (World.dns names) by inner ``client`` addresses at ``t``: arrays of one length.

    A client asks at most once per TTL epoch of a name: the first need of an epoch becomes a row, later ones come from
    its cache, which forgets when the resolver's does: the TTL shown is what is left of the epoch. For rows that do not
    depend on how time is sliced give the needs of one longest TTL before the slice, too (``longest_ttl``). ``v6``:
    share of (client, name) pairs that also ask for AAAA (A .663 to AAAA .235, measured), which some names outside
    have, although nobody here goes there.
    """
    seed, dns = seed.child("wire"), world.dns
    name, t, client, ids = np.asarray(name), np.asarray(t), np.asarray(client), np.asarray(ids)
    pair = seed.noise(client.astype(np.uint64) << np.uint64(32) | name.astype(np.uint64), "pair")
    ttl = np.maximum(dns.ttl[name].astype(np.int64), 1) * SECOND
    epoch = ((t + _phase(world, name, ttl)) // ttl).astype(np.uint64)
    key = seed.noise(pair ^ epoch, "epoch")
    order = np.lexsort((ids, t, key))
    new = order[np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))] if len(order) else order
    both = new[seed.uniform(pair[new], "v6") < v6]
    at, six = np.concatenate([new, both]), np.arange(len(new) + len(both)) >= len(new)
    row = seed.noise(ids[at] + six.astype(np.uint64), "lookup")
    rtt, left = _answers(world, seed, row, t[at], name[at], ttl[at])
    there = dns.answer[name[at]]
    u = seed.uniform(row, "lost")
    lost, failed = u < _LOST, (u >= _LOST) & (u < _LOST + _FAILED)
    rcode = np.where(there > 0, code(RCODES, "NOERROR"), code(RCODES, "NXDOMAIN"))
    rcode = np.where(failed, code(RCODES, "SERVFAIL"), rcode)
    rtt = np.where(lost, 0, np.where(failed, _GIVES_UP + 40 * rtt, rtt))
    answer = np.where(lost | failed | six & ~_has_v6(world, name[at]), 0, there)
    return rows(
        "dns", len(at), id=row, cause=np.asarray(cause)[at], t=t[at] + six * beside(seed, row), dur=rtt,
        truth=np.asarray(truth)[at], client=client[at],
        cport=traffic.client_ports(seed, row, client[at]), name=name[at],
        qtype=np.where(six, code(QTYPES, "AAAA"), code(QTYPES, "A")), rcode=np.where(lost, -1, rcode),
        answer=answer, ttl=np.where(answer == 0, 0, left),
        proto=code(TRANSPORTS, "udp"), zone=dns.zone[name[at]],
    )


def records(
    world: World, seed: Seed, *, ids: Any, cause: Any, t: Any, client: Any, name: Any, qtype: Any, found: Any = True
) -> Table:
    """DNS rows for questions of ``qtype`` (terms.QTYPES) about names that hold no address, once per TTL epoch.

    Arrays of one length; what ``lookups`` says of caches and slices holds here. ``found``: such a record exists.
    """
    seed, dns = seed.child("wire", "records"), world.dns
    pair = seed.noise(client.astype(np.uint64) << np.uint64(36) | name.astype(np.uint64) << np.uint64(4)
                      | qtype.astype(np.uint64), "pair")
    ttl = np.maximum(dns.ttl[name].astype(np.int64), 1) * SECOND
    epoch = ((t + _phase(world, name, ttl)) // ttl).astype(np.uint64)
    key = seed.noise(pair ^ epoch, "epoch")
    order = np.lexsort((ids, t, key))
    new = order[np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))] if len(order) else order
    row = seed.noise(ids[new], "record")
    rtt, left = _answers(world, seed, row, t[new], name[new], ttl[new])
    there = np.broadcast_to(np.asarray(found), len(t))[new]
    return rows(
        "dns", len(new), id=row, cause=np.broadcast_to(cause, len(t))[new], t=t[new], dur=rtt, truth=0,
        client=client[new], cport=traffic.client_ports(seed, row, client[new]), name=name[new], qtype=qtype[new],
        rcode=np.where(there, code(RCODES, "NOERROR"), code(RCODES, "NXDOMAIN")), answer=0,
        ttl=np.where(there, left, 0), proto=code(TRANSPORTS, "udp"), zone=dns.zone[name[new]],
    )


def _phase(world: World, name: NDArray[Any], ttl: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in its TTL each name stands at time 0 (µs): what the resolver holds of it expires together for all."""
    drawn = world.seed.noise(name.astype(np.uint64), "phase") % ttl.astype(np.uint64)
    return drawn.astype(np.int64)


def _has_v6(world: World, name: NDArray[Any]) -> NDArray[np.bool_]:
    """Which names have an AAAA record, too: a third of those outside."""
    outside = world.dns.kind[name] == NAME_KINDS.index("external")
    found: NDArray[np.bool_] = outside & (world.seed.uniform(name.astype(np.uint64), "v6") < _V6_NAMES)
    return found


def _answers(
    world: World, seed: Seed, row: U64, t: NDArray[np.int64], name: NDArray[Any], ttl: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(round trip in µs, seconds of TTL left): three in four answers come from the resolver's cache.

    It forwards what it does not know to a provider's resolver, which has a cache as well: so TTLs are what is left.
    For the organization's inner names it is the authority, and the TTL is always whole.
    """
    left = np.maximum((ttl - (t + _phase(world, name, ttl)) % ttl) // SECOND, 1)
    return _round_trips(seed, row), np.where(world.dns.kind[name] == NAME_KINDS.index("inner"), ttl // SECOND, left)


def _round_trips(seed: Seed, row: U64) -> NDArray[np.int64]:
    cached = seed.uniform(row, "cached") < 0.75
    z = seed.normal(row, "rtt")
    return np.where(cached, 600 * np.exp(0.5 * z), 16_000 * np.exp(1.0 * z)).astype(np.int64) + 60


def waits(seed: Seed, ids: U64) -> NDArray[np.int64]:
    """Microseconds from a need of ``lookups`` to the answer about its A record; ``seed`` is the root seed."""
    seed = seed.child("wire")
    return _round_trips(seed, seed.noise(ids, "lookup"))


def beside(seed: Seed, row: U64) -> NDArray[np.int64]:
    """Microseconds between questions that a client asks in one go."""
    return (45 + 130 * np.exp(0.8 * seed.normal(row, "beside"))).astype(np.int64)


def longest_ttl(world: World) -> int:
    """The longest TTL among the world's names, in microseconds: the look-back that ``lookups`` needs."""
    return int(world.dns.ttl.max(initial=1)) * SECOND
