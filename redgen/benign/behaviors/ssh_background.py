"""Strangers at the SSH port of hosts that the internet can reach: guessed passwords, closed connections, scanners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import ssh
from redgen.activity.groups import expand, running
from redgen.activity.schema import Activity
from redgen.benign.behaviors import _strangers
from redgen.benign.behaviors._script import Lognormal, Quantiles
from redgen.benign.behaviors._strangers import SCANNERS
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE
from redgen.errors import DataError, did_you_mean
from redgen.seed import U64, picked
from redgen.spec.model import Positive, Share

_SLACK = 11 * MINUTE
_TRIES = Quantiles(at=(0.0, 0.28, 0.5, 0.8, 0.95, 0.99, 1.0), are=(1, 1.99, 3, 9, 40, 130, 400))
_PACE = Lognormal.of("20s", 1.2)
_NAMES = {"root": 0.42, "admin": 0.09, "test": 0.06, "user": 0.05, "ubuntu": 0.05, "oracle": 0.04, "postgres": 0.04,
          "guest": 0.03, "nagios": 0.02, "zabbix": 0.02, "ubnt": 0.02, "pi": 0.02, "support": 0.02, "ftp": 0.02}


@behavior(gives=("shell", "flow"), tiers=(Tier(HOUR, 0.95), Tier(8 * HOUR, 0.05)))
def ssh_background(
    ctx: Context, sessions: Sessions, *,
    tries: Quantiles = _TRIES,
    pace: Lognormal = _PACE,
    names: dict[str, Positive] | None = None,
    other_names: Share = 0.1,
    scanners: Share = 0.25,
    closed_early: Share = 0.12,
    keeps_trying: Share = 0.06,
    goodbye: Share = 0.72,
    returning: Share = 0.3,
    networks: dict[str, Positive] | None = None,
) -> Activity:
    """Visits of one source to one exposed host: ``tries`` connections, ``pace`` apart, one password each or a few.

    ``names``: account to weight, the rest (``other_names``) comes from the world's guessed names; ``scanners``: visits
    that only look who is there; ``closed_early``: connections closed before a password; ``keeps_trying``: connections
    that go on until the server ends them; ``goodbye``: clients that say so when they leave (libssh, Go);
    ``returning``: visits by the numbered sources of the population, the others come once.
    """
    seed, world = ctx.seed, ctx.world
    exposed = np.flatnonzero(world.hosts.exposed & (world.hosts.public > 0))
    looks = seed.uniform(sessions.id, "looks") < scanners
    count = np.where(looks, 1, np.floor(tries.of(sessions.size))) * (len(exposed) > 0)
    at, rank = expand(count.astype(np.int64))
    row = seed.noise(sessions.id[at] + rank.astype(np.uint64), "try")
    gaps = np.where(rank > 0, pace.median * np.exp(pace.sigma * seed.normal(row, "gap")), 0)
    since = running(gaps, rank)
    kept = np.flatnonzero(sessions.t[at] + since < sessions.stop[at] - _SLACK)
    at, row, t = at[kept], row[kept], (sessions.t[at] + since)[kept]
    if not len(row):
        return {}
    polite = (seed.uniform(sessions.id, "goodbye") < goodbye)[at]
    u = seed.uniform(row, "outcome")
    outcome = np.select(
        [looks[at], u < closed_early, u > 1 - keeps_trying],
        [np.where(seed.uniform(row, "silent") < 0.6, ssh.NO_IDENT, ssh.CLOSED_PREAUTH), ssh.CLOSED_PREAUTH, ssh.MAXED],
        np.where(polite, ssh.BYE, ssh.CLOSED),
    )
    name = np.where(looks[at], -1, _names(ctx, row, names or _NAMES, other_names))
    unnamed = (outcome == ssh.CLOSED_PREAUTH) & (name >= world.hosts.owned)
    source = _strangers.sources(ctx, sessions, returning)
    host = exposed[(seed.noise(sessions.id, "host") % np.uint64(len(exposed))).astype(np.int64)]
    made = ssh.connections(
        world, ctx.root, id=row, cause=sessions.id[at], t=t, truth=0, host=host[at], public=True,
        client=_strangers.addresses(ctx, source, networks or SCANNERS)[at], name=np.where(unnamed, -1, name),
        outcome=outcome, tries=np.where(seed.uniform(row, "more") < 0.15, 2, 1),
    )
    return {"shell": made.shell, "flow": made.flow}


def _names(ctx: Context, row: U64, names: dict[str, float], others: float) -> NDArray[np.int32]:
    """The account of each try."""
    hosts = ctx.world.hosts
    known = {name: code for code, name in enumerate(hosts.unix_names)}
    for name in names:
        if name not in known:
            raise DataError(f"no account is called or guessed {name!r}{did_you_mean(name, known)}")
    codes, upto = np.array([known[name] for name in names]), np.cumsum(list(names.values()))
    liked = codes[picked(ctx.seed.uniform(row, "name"), upto)]
    guessed = max(len(hosts.unix_names) - hosts.owned, 1)
    rest = len(hosts.unix_names) - 1 - (ctx.seed.noise(row, "guess") % np.uint64(guessed)).astype(np.int64)
    found: NDArray[np.int32] = np.where(ctx.seed.uniform(row, "other") < others, rest, liked).astype(np.int32)
    return found


BEHAVIOR = ssh_background
