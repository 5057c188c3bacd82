"""Background radiation: strangers probe ports of whatever public address there is, and of ours too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import traffic
from redgen.activity.groups import expand, running
from redgen.activity.schema import Activity
from redgen.activity.terms import CONN_STATES
from redgen.benign.behaviors import _strangers
from redgen.benign.behaviors._script import Lognormal, Quantiles
from redgen.benign.behaviors._strangers import SCANNERS
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.seed import U64, picked
from redgen.spec.model import Positive, Share

_LONGEST = HOUR - 30 * SECOND
_VISIT = Quantiles(at=(0.0, 0.55, 0.8, 0.95, 0.99, 1.0), are=(1, 1.99, 4, 12, 39, 900))
_SSH = 22
_PACE = Lognormal.of("1s", 2.0)
_PORTS = {"30003": 0.158, "80": 0.119, "53": 0.036, "3306": 0.03, "443": 0.0095}
_STATES = {"REJ": 0.75, "OTH": 0.2, "RSTO": 0.03, "S0": 0.02}
_KNOWN = (23, 25, 53, 80, 110, 143, 443, 445, 1433, 3306, 3389, 5060, 5432, 5900, 6379, 8080, 8443, 9200, 27017)


@behavior(gives=("flow",), tiers=(Tier(HOUR),))
def scan_background(
    ctx: Context, sessions: Sessions, *,
    visit: Quantiles = _VISIT,
    pace: Lognormal = _PACE,
    ports: dict[str, Positive] | None = None,
    other_ports: Share = 0.48,
    one_port: Share = 0.79,
    states: dict[str, Positive] | None = None,
    returning: Share = 0.35,
    networks: dict[str, Positive] | None = None,
) -> Activity:
    """Visits of one source to a public address of a host or an office: ``visit`` probes, ``pace`` apart.

    ``ports``: number to weight, the rest (``other_ports``) is spread over all; ``one_port``: sources that try one port
    only; ``states``: how connections end (terms.CONN_STATES; no service answers here but ssh, which has a behavior of
    its own); ``returning``: visits by the numbered sources of the population, the others come once.
    """
    seed, world = ctx.seed, ctx.world
    targets = ctx.once("targets", lambda: np.unique(np.concatenate(
        [world.hosts.public[world.hosts.public > 0], world.offices.egress])))
    at, rank = expand(np.floor(visit.of(sessions.size)).astype(np.int64))
    row = seed.noise(sessions.id[at] + rank.astype(np.uint64), "probe")
    gaps = np.where(rank > 0, pace.median * np.exp(pace.sigma * seed.normal(row, "gap")), 0)
    since = running(gaps, rank)
    kept = np.flatnonzero(since < _LONGEST)
    at, row, since = at[kept], row[kept], since[kept]
    source = _strangers.sources(ctx, sessions, returning)
    single = (seed.uniform(source, "single") < one_port)[at]
    told = states or _STATES
    upto = np.cumsum(list(told.values()))
    kinds = np.array([_state(name) for name in told])
    state = kinds[picked(seed.uniform(row, "state"), upto)]
    target = targets[(seed.noise(sessions.id, "target") % np.uint64(len(targets))).astype(np.int64)]
    return {"flow": traffic.probes(
        ctx.root, id=seed.noise(row, "row"), cause=sessions.id[at], t=sessions.t[at] + since, truth=0,
        orig=_strangers.addresses(ctx, source, networks or SCANNERS)[at], resp=target[at], state=state,
        rport=_port(ctx, np.where(single, source[at], row), ports or _PORTS, other_ports),
        proto=np.where(state == traffic.OTH, traffic.ICMP, traffic.TCP),
    )}


def _state(name: str) -> int:
    if name not in CONN_STATES:
        raise DataError(f"unknown connection state {name!r}{did_you_mean(name, CONN_STATES)}")
    return CONN_STATES.index(name)


def _port(ctx: Context, key: U64, ports: dict[str, float], others: float) -> NDArray[np.int32]:
    """A port per key: a favorite by weight, or any (half of those well known)."""
    seed = ctx.seed
    numbers, upto = np.array([int(p) for p in ports]), np.cumsum(list(ports.values()))
    liked = numbers[picked(seed.uniform(key, "port"), upto)]
    known = _pick(_KNOWN, seed.noise(key, "known"))
    anything = 1 + (seed.noise(key, "any") % np.uint64(65_535)).astype(np.int64)
    rest = np.where(seed.uniform(key, "wild") < 0.5, known, np.where(anything == _SSH, 2222, anything))
    found: NDArray[np.int32] = np.where(seed.uniform(key, "other") < others, rest, liked).astype(np.int32)
    return found


def _pick(values: Sequence[int], key: U64) -> NDArray[Any]:
    return np.array(values)[(key % np.uint64(len(values))).astype(np.int64)]


BEHAVIOR = scan_background
