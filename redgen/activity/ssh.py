"""SSH connections as sshd, PAM, logind and sudo log them, with their flows; also cron jobs and account changes.

Chains and their delays are those of OpenSSH: a refused password takes PAM 1.5 to 3 s, six tries end a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import schema, traffic
from redgen.activity.groups import expand, running
from redgen.activity.terms import SHELL_OPS, SSH_METHODS
from redgen.clock import MILLISECOND, SECOND
from redgen.seed import I64, U64, Seed
from redgen.table import Table, concat
from redgen.world.world import World

OUTCOMES = (
    "accepted",        # (wrong tries, then) in: a session of ``stay`` µs
    "closed",          # ``tries`` wrong passwords, then the client closes the connection
    "bye",             # the same, but it says "Bye Bye" (libssh, Go, paramiko)
    "max_tries",       # MaxAuthTries reached: the server disconnects
    "closed_preauth",  # closed before any password was tried (name -1: before a user was named)
    "no_ident",        # a scanner: closed before it said who it is
)
"""How a connection went; ``outcome`` is a position in this tuple."""
MAX_TRIES = 6
LONGEST_REFUSED = 10 * 60 * SECOND
"""A connection that never gets in is over at most this many microseconds after its SYN."""

ACCEPTED, CLOSED, BYE, MAXED, CLOSED_PREAUTH, NO_IDENT = range(6)
_PUBLICKEY = SSH_METHODS.index("publickey")
_OP = {word: code for code, word in enumerate(SHELL_OPS)}
_KEX = (2400, 2300)
"""Bytes of banners, key exchange and authentication, client and server. Source: unverified."""


@dataclass(frozen=True)
class Connections:
    """Rows of some connections, and per connection (in the order given) its number, its times and whether it got in."""

    shell: Table
    flow: Table
    conn: NDArray[np.uint64]
    entered: NDArray[np.int64]     # when the session began, 0 without one
    ended: NDArray[np.int64]
    ok: NDArray[np.bool_]


def connections(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, client: Any, name: Any,  # noqa: A002
    outcome: Any, user: Any = -1, method: Any = 0, tries: Any = 0, stay: Any = 0, key: Any = 0, cport: Any = -1,
    public: Any = False, pace: Any = None, exchanged: Any = None,
) -> Connections:
    """Whole connections, one per element: arrays of one length or scalars (``id``, ``t`` arrays).

    ``id`` u8 unique per connection; ``t`` the SYN; ``name`` code in World.unix_names (an account that does not exist is
    an ``Invalid user``), -1 when none was named; ``outcome`` position in OUTCOMES; ``method`` terms.SSH_METHODS;
    ``tries`` wrong passwords (capped at MAX_TRIES); ``stay`` µs the session lasts; ``key`` seed of the public key, 0 =
    the person's (or account's) own for publickey; ``public`` the client came to the host's public address. ``pace`` µs
    between an answer and the next try (None: programs, 20-250 ms by keyed noise); ``exchanged`` bytes that the server
    sent in the session (None: drawn from ``stay``). ``seed`` is the dataset's root.
    """
    n, mine = len(id), seed.child("ssh")
    ids = np.asarray(id, dtype=np.uint64)
    each = schema.rows(
        "shell", n, id=ids, cause=cause, t=t, truth=truth, client=client, cport=cport, host=host, user=user, name=name,
        conn=mine.noise(ids, "conn"), start=t, method=method, n=np.minimum(tries, MAX_TRIES), key=key,
    )
    how = np.broadcast_to(np.asarray(outcome, dtype=np.int8), n)
    each = each.replace(
        cport=np.where(each["cport"] < 0, traffic.oports(mine, ids, 32768, 60999), each["cport"]),
        key=_keys(mine, each), n=np.where(how == MAXED, MAX_TRIES, np.where(how >= CLOSED_PREAUTH, 0, each["n"])),
    )
    clock = _clock(mine, each, how, np.broadcast_to(np.asarray(stay, dtype=np.int64), n), pace)
    shell = concat([*_refusals(world, mine, each, how, clock), *_ends(mine, each, how, clock)])
    flow = _flows(world, mine, each, how, clock, np.broadcast_to(np.asarray(public), n), exchanged)
    entered = np.where(how == ACCEPTED, clock.asked, 0)
    return Connections(shell, flow, each["conn"], entered, clock.ended, how == ACCEPTED)


def _keys(seed: Seed, each: Table) -> U64:
    """The public key of each connection; 0 where none was shown."""
    owner = np.where(each["user"] >= 0, each["user"].astype(np.int64), -2 - each["name"].astype(np.int64))
    own = seed.noise(owner.astype(np.uint64), "public key")
    shown = each["method"] == _PUBLICKEY
    return np.where(shown, np.where(each["key"] > 0, each["key"], own), np.uint64(0))


@dataclass(frozen=True)
class _Clock:
    """When things happen in each connection; ``of``, ``nth`` and ``refused`` have one element per refused password."""

    first: I64       # the first try reaches the server
    of: I64          # position of the refusal's connection
    nth: I64         # 0, 1, …
    refused: I64
    asked: I64       # the door opens, or one side has had enough
    ended: I64


def _clock(seed: Seed, each: Table, how: NDArray[np.int8], stay: I64, pace: Any) -> _Clock:
    """PAM holds a refusal back for 1.5 to 3 s; between a refusal and the next try lies ``pace``."""
    ids, t = each["id"], each["t"]
    first = t + (MILLISECOND * np.minimum(260 * np.exp(0.5 * seed.normal(ids, "kex")), 3000)).astype(np.int64)
    of, nth = expand(each["n"])
    key = seed.noise(ids[of] + nth.astype(np.uint64), "try")
    if pace is None:
        gap = MILLISECOND * (20 + 230 * seed.uniform(key, "gap"))
    else:
        gap = np.broadcast_to(np.asarray(pace, dtype=np.float64), len(ids))[of] * np.exp(0.4 * seed.normal(key, "gap"))
    held = SECOND * (1.5 + 1.5 * seed.uniform(key, "pam"))
    refused = first[of] + running(held + np.where(nth > 0, gap, 0), nth)
    last = first.copy()
    np.maximum.at(last, of, refused)
    u = seed.uniform(ids, "end")
    typed = np.where(each["method"] == _PUBLICKEY, 30 + 120 * u, 900 + 4200 * u)
    after = np.select(
        [how == ACCEPTED, how == MAXED, how == CLOSED_PREAUTH, how == NO_IDENT],
        [typed, 1 + 2 * u, 50 + 2400 * u**2, 20 + 1500 * u**2], 20 + 900 * u**2,
    )
    asked = np.where(how == NO_IDENT, t, last) + (MILLISECOND * after).astype(np.int64)
    return _Clock(first, of, nth, refused, asked, np.where(how == ACCEPTED, asked + stay, asked))


def _at(seed: Seed, each: Table, where: NDArray[Any], t: I64, op: str, **columns: Any) -> Table:
    """Rows of one op for the connections at ``where``, at ``t`` (one per row)."""
    of = each.take(where)
    nth = columns.pop("nth", None)
    key = of["id"] if nth is None else seed.noise(of["id"] + nth.astype(np.uint64), "nth")
    return of.replace(id=seed.noise(key, op), t=t, dur=0, op=_OP[op], **columns)


def _refusals(world: World, seed: Seed, each: Table, how: NDArray[np.int8], clock: _Clock) -> list[Table]:
    """What PAM and sshd say about wrong passwords: who is unknown is called invalid first, and both fail each time."""
    unknown = each["name"] >= world.hosts.owned
    named = np.flatnonzero(unknown & (how != ACCEPTED) & (how != NO_IDENT))
    tried = np.flatnonzero((each["n"] > 0) & ~unknown)
    more = np.flatnonzero((each["n"] > 1) & (each["n"] < MAX_TRIES) & ~unknown & (clock.ended == clock.asked))
    return [
        _at(seed, each, named, clock.first[named], "invalid_user", n=0),
        _at(seed, each, tried, clock.first[tried] + 4 * MILLISECOND, "pam_failure", n=1),
        _at(seed, each, clock.of, clock.refused, "failed_password", nth=clock.nth, n=clock.nth + 1),
        _at(seed, each, more, clock.ended[more] + MILLISECOND, "pam_more_failures", n=each["n"][more] - 1),
    ]


def _ends(seed: Seed, each: Table, how: NDArray[np.int8], clock: _Clock) -> list[Table]:
    """How connections end: inside and later out again, or before the door."""
    found = []
    for outcome, op in (
        (ACCEPTED, "accepted"), (CLOSED, "closed_preauth"), (CLOSED_PREAUTH, "closed_preauth"),
        (BYE, "disconnect_preauth"), (MAXED, "max_tries"), (NO_IDENT, "no_ident"),
    ):
        some = np.flatnonzero(how == outcome)
        found.append(_at(seed, each, some, clock.asked[some], op))
    inside = np.flatnonzero(how == ACCEPTED)
    return [*found, _at(seed, each, inside, clock.ended[inside], "disconnect")]


def _flows(
    world: World, seed: Seed, each: Table, how: NDArray[np.int8], clock: _Clock, public: NDArray[np.bool_],
    exchanged: Any,
) -> Table:
    """One flow per connection, from its SYN until it is closed."""
    ids, hosts, at = each["id"], world.hosts, each["host"]
    silent, inside = how == NO_IDENT, how == ACCEPTED
    seconds = (clock.ended - clock.asked) / SECOND
    sent = np.exp(7.2 + 0.9 * seed.normal(ids, "volume")) * (1 + seconds / 20) if exchanged is None else exchanged
    keys = np.exp(5.4 + 0.6 * seed.normal(ids, "keys")) * (1 + seconds / 20)
    hello = np.where(silent, 0, 1.0 + 0.1 * seed.uniform(ids, "hello"))
    reset = silent & (seed.uniform(ids, "reset") < 0.3)
    tail = np.where(inside, 5, 2) * MILLISECOND
    return traffic.flows(
        id=seed.noise(each["conn"], "flow"), cause=each["cause"], t=each["t"], dur=clock.ended - each["t"] + tail,
        truth=each["truth"], orig=each["client"], oport=each["cport"], rport=22,
        resp=np.where(public & (hosts.public[at] > 0), hosts.public[at], hosts.addr[at]),
        service=np.where(silent, -1, traffic.SSH), state=np.where(reset, traffic.RSTO, traffic.SF),
        orig_bytes=np.floor(hello * _KEX[0] + 144 * each["n"] + np.where(inside, keys, 0)),
        resp_bytes=np.floor(np.where(silent, 42, hello * _KEX[1]) + 80 * each["n"] + np.where(inside, sent, 0)),
    )


def commands(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, user: Any, command: Any,  # noqa: A002
    conn: Any, start: Any, denied: Any = False, client: Any = 0, dur: Any = None,
) -> Table:
    """Commands run with sudo in sessions: ``command`` codes in World.commands; ``denied``: refused (not in sudoers).

    A command runs for ``dur`` µs (None: drawn, median 0.6 s, at most 20 s); a refused one not at all.
    """
    ids = np.asarray(id, dtype=np.uint64)
    refused = np.broadcast_to(np.asarray(denied, dtype=np.bool_), len(ids))
    if dur is None:
        drawn = SECOND * 0.6 * np.exp(1.1 * seed.child("ssh").normal(ids, "ran"))
        dur = np.where(refused, 0, np.minimum(drawn, 20 * SECOND)).astype(np.int64)
    assert np.all(np.asarray(command) < len(world.commands))
    return schema.rows(
        "shell", len(ids), id=ids, cause=cause, t=t, dur=dur, truth=truth, client=client, host=host, user=user,
        name=name, conn=conn, start=start, op=np.where(refused, _OP["sudo_denied"], _OP["sudo"]), command=command, n=0,
    )


def jobs(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, stay: Any,  # noqa: A002
) -> Table:
    """Cron jobs: a cron_open row at ``t`` and its cron_close ``stay`` µs later, one ``conn`` each."""
    mine, ids = seed.child("cron"), np.asarray(id, dtype=np.uint64)
    assert np.all(np.asarray(name) < world.hosts.owned), "a job runs under an account that exists"
    opened = schema.rows(
        "shell", len(ids), id=mine.noise(ids, "open"), cause=cause, t=t, dur=0, truth=truth, op=_OP["cron_open"],
        host=host, name=name, conn=mine.noise(ids, "conn"), start=t, n=0,
    )
    closed = opened.replace(id=mine.noise(ids, "close"), t=opened["t"] + stay, op=_OP["cron_close"])
    return concat([opened, closed])


def account(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, op: str, conn: Any,  # noqa: A002
    start: Any, user: Any = -1,
) -> Table:
    """Account changes by root: ``op`` is useradd, usermod_sudo or passwd_changed; ``name`` the account changed.

    ``conn`` and ``start`` are those of the session it was done in; ``user`` the person who did it.
    """
    if op not in {"useradd", "usermod_sudo", "passwd_changed"}:
        raise ValueError(f"{op!r} changes no account")
    ids = seed.child("account").noise(np.asarray(id, dtype=np.uint64), op)
    assert np.all(np.asarray(name) < len(world.unix_names))
    return schema.rows(
        "shell", len(ids), id=ids, cause=cause, t=t, dur=0, truth=truth, op=_OP[op], host=host, user=user, name=name,
        conn=conn, start=start, n=0,
    )
