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
from redgen.world.world import World

FLOW_TAIL = 120_000_000
"""A flow is done at most this many microseconds after the last request of its connection is done."""

_SF, _RSTO, _RSTR = (code(CONN_STATES, s) for s in ("SF", "RSTO", "RSTR"))


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


@kernel
def _connections(  # type: ignore[no-untyped-def]
    ids, first, order, client, t, dur, size, asked, label, keepalive, quits, plain, start, stop, sent, got, state, truth
):
    """Fill one entry per connection from its requests, which are ``order[first[k]:first[k + 1]]``."""
    for k in range(ids.shape[0]):
        h = ids[k]
        here = order[first[k]]
        # A client's round-trip time is its own: lognormal, median 38 ms; TCP costs one, TLS 1.3 another.
        trip = np.int64(38_000 * np.exp(0.7 * normal(np.uint64(client[here]), 1)))
        trip = min(trip, np.int64(900_000))
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
        u = uniform(h, 5)
        state[k] = _SF if u < 0.945 else (_RSTO if u < 0.985 else _RSTR)
        u = uniform(h, 6)
        if quits[k]:
            idle = np.int64(2_000 + 60_000 * u)
        elif u < 0.45:
            idle = keepalive[k]
        else:
            idle = np.int64(keepalive[k] * (u - 0.45) / 0.55)
        stop[k] = end + idle + trip


def lookups(
    world: World, seed: Seed, *, ids: Any, cause: Any, t: Any, truth: Any, client: Any, name: Any, v6: float = 0.355
) -> Table:
    """DNS rows for needs of ``name`` (World.dns names) by inner ``client`` addresses at ``t``: arrays of one length.

    A client asks at most once per TTL epoch of (client, name): the first need of an epoch becomes a row, later ones
    come from its cache. For rows that do not depend on how time is sliced give the needs of one longest TTL before
    the slice, too (``longest_ttl``). ``v6``: share of (client, name) pairs that also ask for AAAA, which the fictional
    internet does not have (A .663 to AAAA .235, measured). The TTL shown is what is left of the resolver's own epoch.
    """
    seed, dns = seed.child("wire"), world.dns
    name, t, client, ids = np.asarray(name), np.asarray(t), np.asarray(client), np.asarray(ids)
    pair = seed.noise(client.astype(np.uint64) << np.uint64(32) | name.astype(np.uint64), "pair")
    ttl = np.maximum(dns.ttl[name].astype(np.int64), 1) * SECOND
    epoch = ((t + (pair % ttl.astype(np.uint64)).astype(np.int64)) // ttl).astype(np.uint64)
    key = seed.noise(pair ^ epoch, "epoch")
    order = np.lexsort((ids, t, key))
    new = order[np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))] if len(order) else order
    both = new[seed.uniform(pair[new], "v6") < v6]
    at, six = np.concatenate([new, both]), np.arange(len(new) + len(both)) >= len(new)
    row = seed.noise(ids[at] + six.astype(np.uint64), "lookup")
    rtt, left = _answers(seed, row, t[at], name[at], ttl[at])
    answer = dns.answer[name[at]]
    lost = seed.uniform(row, "lost") < 0.002
    rcode = np.where(answer > 0, code(RCODES, "NOERROR"), code(RCODES, "NXDOMAIN"))
    return rows(
        "dns", len(at), id=row, cause=np.asarray(cause)[at], t=t[at] + six * 180, dur=np.where(lost, 0, rtt),
        truth=np.asarray(truth)[at], client=client[at],
        cport=traffic.client_ports(seed, row, client[at]), name=name[at],
        qtype=np.where(six, code(QTYPES, "AAAA"), code(QTYPES, "A")), rcode=np.where(lost, -1, rcode),
        answer=np.where(six | lost, 0, answer), ttl=np.where(six | lost | (answer == 0), 0, left),
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
    epoch = ((t + (pair % ttl.astype(np.uint64)).astype(np.int64)) // ttl).astype(np.uint64)
    key = seed.noise(pair ^ epoch, "epoch")
    order = np.lexsort((ids, t, key))
    new = order[np.flatnonzero(np.append(True, key[order][1:] != key[order][:-1]))] if len(order) else order
    row = seed.noise(ids[new], "record")
    rtt, left = _answers(seed, row, t[new], name[new], ttl[new])
    there = np.broadcast_to(np.asarray(found), len(t))[new]
    return rows(
        "dns", len(new), id=row, cause=np.broadcast_to(cause, len(t))[new], t=t[new], dur=rtt, truth=0,
        client=client[new], cport=traffic.client_ports(seed, row, client[new]), name=name[new], qtype=qtype[new],
        rcode=np.where(there, code(RCODES, "NOERROR"), code(RCODES, "NXDOMAIN")), answer=0,
        ttl=np.where(there, left, 0), proto=code(TRANSPORTS, "udp"), zone=dns.zone[name[new]],
    )


def _answers(
    seed: Seed, row: U64, t: NDArray[np.int64], name: NDArray[Any], ttl: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(round trip in µs, seconds of TTL left): three in four answers come from the resolver's cache."""
    phase = (seed.noise(name.astype(np.uint64), "phase") % ttl.astype(np.uint64)).astype(np.int64)
    left = np.maximum((ttl - (t + phase) % ttl) // SECOND, 1)
    cached = seed.uniform(row, "cached") < 0.75
    z = seed.normal(row, "rtt")
    rtt = np.where(cached, 600 * np.exp(0.5 * z), 16_000 * np.exp(1.0 * z)).astype(np.int64) + 60
    return rtt, np.where(cached, left, ttl // SECOND)


def longest_ttl(world: World) -> int:
    """The longest TTL among the world's names, in microseconds: the look-back that ``lookups`` needs."""
    return int(world.dns.ttl.max(initial=1)) * SECOND
