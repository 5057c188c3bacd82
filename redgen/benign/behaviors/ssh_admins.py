"""Administrators on Linux hosts: SSH from the office network, or through the bastion from elsewhere, and sudo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.activity import ssh
from redgen.activity.groups import expand
from redgen.activity.schema import Activity
from redgen.activity.terms import SSH_METHODS, code
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._script import Lognormal
from redgen.benign.behaviors._staff import Presence, Staff
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.seed import I64, U64, normal_quantile
from redgen.spec.model import Number, Positive, Share
from redgen.table import Table, concat
from redgen.world.hosts import HOST_ROLES

_SHORT, _LONG = HOUR, 10 * HOUR
_SLACK = 5 * MINUTE
_HOP_AFTER, _HOP_BEFORE = 30 * SECOND, 20 * SECOND
"""A hop begins this much after the way in (and up to a minute more) and ends this much before it."""
_STAY = Lognormal.of("11m", 1.4)
_PASSWORD, _PUBLICKEY = code(SSH_METHODS, "password"), code(SSH_METHODS, "publickey")
_SERVICES = ("ansible", "elastic", "kafka", "redis", "docker", "nginx", "gitlab", "zabbix")
"""Accounts that software brings along."""
_PRESENCE = Presence(phone=0.0, elsewhere=0.01, private=0.0)


@behavior(gives=("shell", "flow"), tiers=(Tier(_SHORT, 0.9), Tier(_LONG, 0.1)))
def ssh_admins(
    ctx: Context, sessions: Sessions, *,
    stay: Lognormal = _STAY,
    password: Share = 0.06,
    slips: Share = 0.12,
    gives_up: Share = 0.02,
    commands_per_hour: Number = 8.0,
    denied: Share = 0.004,
    adds_account: Share = 0.003,
    favorites: Positive = 3.0,
    presence: Presence = _PRESENCE,
) -> Activity:
    """One connection per session to one of the person's ``favorites`` hosts; at most 10 h (one in ten is long).

    From a desk it goes straight to the host's inner address; from elsewhere to the bastion's public one and on from
    there. ``password``: connections without a key, of which ``slips`` begin with a wrong one and ``gives_up`` end with
    it; ``commands_per_hour``: commands run through sudo; ``denied``: those refused; ``adds_account``: sessions in
    which a service gets an account. Who has no account has no session.
    """
    world, seed = ctx.world, ctx.seed
    sessions = sessions.take(np.flatnonzero(world.people.unix[sessions.who] >= 0))
    if not len(sessions) or not len(world.hosts):
        return {}
    ids, who = sessions.id, _staff.staff(ctx, sessions, presence)
    typed = seed.uniform(ids, "password") < password
    lost = typed & (seed.uniform(ids, "lost") < gives_up)
    wrong = typed & (lost | (seed.uniform(ids, "slips") < slips))
    drawn = stay.median * np.exp(stay.sigma * normal_quantile(sessions.size))
    length = np.clip(drawn, 2 * SECOND, sessions.stop - sessions.t - _SLACK).astype(np.int64)
    bastion = ctx.once("bastion", lambda: _bastion(ctx))
    around = (who.desk == 0) & (bastion >= 0)
    target = _host(ctx, who.person, ids, favorites)
    account = world.people.unix[who.person]
    front = ssh.connections(
        world, ctx.root, id=ids, cause=ids, t=sessions.t, truth=0, host=np.where(around, bastion, target),
        client=np.where(who.desk > 0, who.desk, who.client), name=account, user=who.person, public=around,
        outcome=np.where(lost, ssh.CLOSED, ssh.ACCEPTED), method=np.where(typed, _PASSWORD, _PUBLICKEY),
        tries=np.where(wrong, 1 + (seed.uniform(ids, "twice") < 0.2), 0), pace=4e6, stay=length,
    )
    hops = np.flatnonzero(around & front.ok & (target != bastion) & (length > 3 * MINUTE))
    inner, work = _hop(ctx, sessions, who, front, hops, target, max(bastion, 0))
    work.host[around & (work.conn == front.conn)] = bastion
    shell = [front.shell, inner.shell, _sudo(ctx, ids, who, work, commands_per_hour, denied),
             *_accounts(ctx, ids, who, work, adds_account)]
    return {"shell": concat(shell), "flow": concat([front.flow, inner.flow])}


def _hop(
    ctx: Context, sessions: Sessions, who: Staff, front: ssh.Connections, hops: I64, target: I64, via: int
) -> tuple[ssh.Connections, _Work]:
    """From the bastion on to the host that was meant; and where the work is done, of all sessions."""
    world, seed, ids = ctx.world, ctx.seed, sessions.id
    began = front.entered[hops] + _HOP_AFTER + (MINUTE * seed.uniform(ids[hops], "hop")).astype(np.int64)
    inner = ssh.connections(
        world, ctx.root, id=seed.noise(ids[hops], "hop"), cause=ids[hops], t=began, truth=0, host=target[hops],
        client=world.hosts.addr[via], name=world.people.unix[who.person[hops]], user=who.person[hops],
        outcome=ssh.ACCEPTED, method=_PUBLICKEY, stay=front.ended[hops] - _HOP_BEFORE - began,
    )
    work = _Work(target.copy(), front.conn.copy(), sessions.t.copy(), front.entered.copy(), front.ended.copy())
    work.conn[hops], work.start[hops] = inner.conn, began
    work.entered[hops], work.ended[hops] = inner.entered, inner.ended
    work.ended[~front.ok] = work.entered[~front.ok]
    return inner, work


@dataclass(frozen=True)
class _Work:
    """Where and when each session's commands run."""

    host: NDArray[np.int64]
    conn: U64
    start: I64
    entered: I64
    ended: I64


def _bastion(ctx: Context) -> int:
    """The host that people come in through; -1 without one."""
    hosts = ctx.world.hosts
    found = np.flatnonzero((hosts.role == HOST_ROLES.index("bastion")) & hosts.exposed)
    return int(found[0]) if len(found) else -1


def _host(ctx: Context, person: NDArray[np.int32], ids: U64, favorites: float) -> NDArray[np.int64]:
    """A host per session, one of the person's few."""
    seed, n = ctx.seed, np.uint64(len(ctx.world.hosts))
    which = np.floor(favorites * seed.uniform(ids, "favorite") ** 1.7).astype(np.uint64)
    own = ctx.world.seed.noise(person.astype(np.uint64) * np.uint64(16) + which, "favorite hosts")
    return (own % n).astype(np.int64)


def _sudo(ctx: Context, ids: U64, who: Staff, work: _Work, per_hour: float, denied: float) -> Table:
    """Commands run through sudo while people are inside, everyday ones."""
    world, seed = ctx.world, ctx.seed
    span = np.maximum(work.ended - work.entered - 30 * SECOND, 0)
    mean = per_hour * np.minimum(span / HOUR, 1.5)
    count = np.floor(mean * -np.log(seed.uniform(ids, "commands")) + 0.3)
    times = np.where(span > 0, np.minimum(count, 60), 0).astype(np.int64)
    at, rank = expand(times)
    row = seed.noise(ids[at] + rank.astype(np.uint64), "sudo")
    when = (rank + seed.uniform(row, "when")) / times[at]  # one after the other
    t = work.entered[at] + 4 * SECOND + (when * span[at]).astype(np.int64)
    everyday = max(world.hosts.ordinary, 1)
    command = np.floor(everyday ** seed.uniform(row, "command")).astype(np.int64) - 1
    own = (world.seed.noise(who.person[at].astype(np.uint64), "commands") % np.uint64(everyday)).astype(np.int64)
    return ssh.commands(
        world, ctx.root, id=row, cause=ids[at], t=t, truth=0, host=work.host[at], user=who.person[at],
        name=world.people.unix[who.person[at]], command=(command + own) % everyday, conn=work.conn[at],
        start=work.start[at], denied=seed.uniform(row, "denied") < denied,
    )


def _accounts(ctx: Context, ids: U64, who: Staff, work: _Work, share: float) -> list[Table]:
    """Accounts that installations add, some of them with the right to use sudo."""
    world, seed = ctx.world, ctx.seed
    names = list(world.unix_names)
    known = ctx.once("services", lambda: np.array([names.index(n) for n in _SERVICES if n in names], dtype=np.int64))
    long = work.ended - work.entered > 2 * MINUTE
    at = np.flatnonzero(long & (seed.uniform(ids, "adds") < share)) if len(known) else np.zeros(0, dtype=np.int64)
    name = known[(seed.noise(ids[at], "service") % np.uint64(max(len(known), 1))).astype(np.int64)]
    t = work.entered[at] + 40 * SECOND + (30 * SECOND * seed.uniform(ids[at], "install")).astype(np.int64)
    trusted = seed.uniform(ids[at], "sudoer") < 0.25
    return [ssh.account(
        world, ctx.root, id=ids[at[some]], cause=ids[at[some]], t=t[some] + later, truth=0, host=work.host[at[some]],
        name=name[some], op=op, conn=work.conn[at[some]], start=work.start[at[some]], user=who.person[at[some]],
    ) for op, later, some in (("useradd", 0, at >= 0), ("usermod_sudo", 9 * SECOND, trusted))]


BEHAVIOR = ssh_admins
