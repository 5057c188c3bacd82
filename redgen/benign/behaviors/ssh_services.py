"""Service accounts over SSH: deployments, configuration runs and backups that go from one host to several others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redgen.activity import ssh
from redgen.activity.groups import expand
from redgen.activity.schema import Activity
from redgen.activity.terms import SSH_METHODS, code
from redgen.benign.behaviors._script import Lognormal
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MILLISECOND, MINUTE
from redgen.errors import DataError, did_you_mean
from redgen.spec.model import Share
from redgen.table import concat
from redgen.world.hosts import HOST_ROLES

_LONGEST = 50 * MINUTE
_STAY, _GAP = Lognormal.of("7s", 0.9), Lognormal.of("3s", 0.8)


@behavior(gives=("shell", "flow"), tiers=(Tier(2 * 60 * MINUTE),))
def ssh_services(
    ctx: Context, sessions: Sessions, *,
    account: str,
    source: str = "ci",
    targets: tuple[str, ...] = ("web", "app"),
    share: Share = 1.0,
    connections_each: Share = 0.5,
    stay: Lognormal = _STAY,
    gap: Lognormal = _GAP,
    command: str = "",
    sudo: Share = 0.0,
) -> Activity:
    """A run goes from a host with role ``source`` to the hosts of ``targets`` (a ``share`` of them), one by one.

    ``connections_each``: hosts to which a run connects twice (copy, then restart); ``command``: what is run there
    through sudo, in a share ``sudo`` of connections. Always by public key, as ``account``.
    """
    world, seed, hosts = ctx.world, ctx.seed, ctx.world.hosts
    name = _known(account, list(world.unix_names)[: hosts.owned], "account of a host")
    for role in (source, *targets):
        _known(role, HOST_ROLES, "role of a host")
    origins = np.flatnonzero(hosts.role == HOST_ROLES.index(source))
    served = np.flatnonzero(np.isin(hosts.role, [HOST_ROLES.index(r) for r in targets]))
    if not len(origins) or not len(served):
        return {}
    ids = sessions.id
    origin = origins[(seed.noise(ids, "origin") % np.uint64(len(origins))).astype(np.int64)]
    at, rank = expand(np.full(len(ids), 2 * len(served)))
    row = seed.noise(ids[at] + rank.astype(np.uint64), "connection")
    host = served[rank // 2]
    goes = seed.uniform(seed.noise(ids[at] + host.astype(np.uint64), "goes"), "share") < share
    goes &= (host != origin[at]) & ((rank % 2 == 0) | (seed.uniform(row, "second") < connections_each))
    lasts = np.minimum(stay.median * np.exp(stay.sigma * seed.normal(row, "stay")), 10 * MINUTE) * goes
    pause = (gap.median * np.exp(gap.sigma * seed.normal(row, "gap")) + 600 * MILLISECOND) * goes
    since = np.cumsum((lasts + pause).reshape(len(ids), -1), axis=1).reshape(-1) - lasts
    kept = np.flatnonzero(goes & (since < _LONGEST))
    at, row, host = at[kept], row[kept], host[kept]
    t = sessions.t[at] + since[kept].astype(np.int64)
    made = ssh.connections(
        world, ctx.root, id=row, cause=ids[at], t=t, truth=0, host=host, client=hosts.addr[origin[at]], name=name,
        outcome=ssh.ACCEPTED, method=code(SSH_METHODS, "publickey"), stay=lasts[kept].astype(np.int64),
    )
    does = np.flatnonzero((seed.uniform(row, "sudo") < sudo) & bool(command))
    ran = ssh.commands(
        world, ctx.root, id=seed.noise(row[does], "command"), cause=ids[at[does]], truth=0, host=host[does], name=name,
        t=made.entered[does] + ((made.ended - made.entered)[does] * 0.3).astype(np.int64), user=-1,
        command=_known(command, list(world.commands), "command") if command else 0, conn=made.conn[does], start=t[does],
        dur=((made.ended - made.entered)[does] * 0.4).astype(np.int64),
    )
    return {"shell": concat([made.shell, ran]), "flow": made.flow}


def _known(word: str, words: Sequence[str], what: str) -> int:
    """The position of ``word``; DataError when it is none of ``words``."""
    if word not in words:
        raise DataError(f"unknown {what} {word!r}{did_you_mean(word, words)}")
    return list(words).index(word)


BEHAVIOR = ssh_services
