"""Cron: jobs that run by the clock on every host, each a pair of PAM lines."""

from __future__ import annotations

import numpy as np

from redgen.activity import ssh
from redgen.activity.schema import Activity
from redgen.benign.behaviors._script import Lognormal
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.spec.model import Share
from redgen.world.hosts import HOST_ROLES

_RUNS = Lognormal.of("1s", 1.2)


@behavior(gives=("shell",), tiers=(Tier(HOUR + MINUTE),))
def cron_jobs(
    ctx: Context, sessions: Sessions, *,
    account: str = "root",
    runs: Lognormal = _RUNS,
    roles: tuple[str, ...] = HOST_ROLES,
    share: Share = 1.0,
) -> Activity:
    """Each session is one tick of the clock: the job starts on every host with one of ``roles`` (a ``share`` of them).

    Cron wakes up within the first second or so of a minute; the job ``runs`` under ``account``, at most an hour.
    """
    world, seed = ctx.world, ctx.seed
    known = list(world.unix_names)[: world.hosts.owned]
    if account not in known:
        raise DataError(f"no host has an account {account!r}{did_you_mean(account, known)}")
    for role in roles:
        if role not in HOST_ROLES:
            raise DataError(f"unknown role of a host {role!r}{did_you_mean(role, HOST_ROLES)}")
    every = np.arange(len(world.hosts), dtype=np.uint64)
    fits = np.isin(world.hosts.role, [HOST_ROLES.index(role) for role in roles])
    hosts = np.flatnonzero(fits & (seed.uniform(every, "has it") < share))
    at, host = np.repeat(np.arange(len(sessions)), len(hosts)), np.tile(hosts, len(sessions))
    row = seed.noise(sessions.id[at] + host.astype(np.uint64), "job")
    woke = sessions.t[at] + SECOND + (SECOND * 0.9 * seed.uniform(row, "woke") ** 3).astype(np.int64)
    stay = np.minimum(runs.median * np.exp(runs.sigma * seed.normal(row, "runs")), HOUR).astype(np.int64)
    name = known.index(account)
    return {"shell": ssh.jobs(
        world, ctx.root, id=row, cause=sessions.id[at], t=woke, truth=0, host=host, name=name, stay=stay)}


BEHAVIOR = cron_jobs
