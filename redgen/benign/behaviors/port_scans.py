"""Background radiation below the applications: strangers who knock at ports of public addresses that answer nothing."""

from __future__ import annotations

import numpy as np

from redgen.activity.schema import Activity, rows
from redgen.activity.terms import CONN_STATES, TRANSPORTS, code
from redgen.benign.behaviors import _visitors
from redgen.benign.behaviors._visitors import Visitors
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import MINUTE
from redgen.spec.model import Positive

_PORTS = {
    "30003": 0.158, "53": 0.036, "3306": 0.030, "23": 0.05, "2323": 0.01, "3389": 0.05, "8080": 0.05, "5900": 0.02,
    "445": 0.03, "1433": 0.02, "6379": 0.02, "5432": 0.015, "8443": 0.02, "8088": 0.012, "9200": 0.01, "2375": 0.01,
}
_STATES = {"REJ": 0.78, "OTH": 0.16, "RSTO": 0.03, "S0": 0.03}
_STRANGERS = Visitors(
    networks={"hosting": 0.42, "cloud": 0.33, "home": 0.25}, agents={"scanner": 1.0}, returning=0.75, regulars=0.02,
    zipf=1.0,
)
_CLOSED_FIRST = 1024


@behavior(gives=("flow",), tiers=(Tier(2 * MINUTE),))
def port_scans(
    ctx: Context, sessions: Sessions, *,
    ports: dict[str, Positive] | None = None,
    states: dict[str, Positive] | None = None,
    other_ports: Positive = 0.35,
    strangers: Visitors = _STRANGERS,
) -> Activity:
    """One connection attempt per session at a public address of ours.

    ``ports``: weights of well-known ports; ``other_ports``: share of attempts at any other one. ``states``: how they
    end (terms.CONN_STATES); none establishes a connection, for that see the behaviors of the services themselves.
    """
    seed, world, ids, n = ctx.seed.child("attempt"), ctx.world, sessions.id, len(sessions)
    who = _visitors.anonymous(ctx, sessions, strangers)
    weights, ends = ports or _PORTS, states or _STATES
    known = np.array([int(p) for p in weights])[_pick(seed.uniform(ids, "port"), weights)]
    other = _CLOSED_FIRST + (seed.noise(ids, "other port") % np.uint64(64_000)).astype(np.int64)
    state = np.array([code(CONN_STATES, s) for s in ends])[_pick(seed.uniform(ids, "state"), ends)]
    targets = np.unique(world.sites.addr)
    knocks = state == code(CONN_STATES, "S0")
    return {"flow": rows(
        "flow", n, id=seed.noise(ids, "row"), uid=seed.noise(ids, "uid"), cause=ids, t=sessions.t, truth=0,
        dur=np.where(knocks, 0, np.exp(5.5 + 0.8 * seed.normal(ids, "dur"))).astype(np.int64),
        orig=who.client, oport=1024 + (seed.noise(ids, "oport") % np.uint64(64_000)).astype(np.int32),
        resp=targets[(seed.noise(ids, "target") % np.uint64(len(targets))).astype(np.int64)],
        rport=np.where(seed.uniform(ids, "known") < other_ports, other, known),
        proto=code(TRANSPORTS, "tcp"), orig_bytes=0, resp_bytes=0, state=state,
    )}


def _pick(u: np.ndarray, weights: dict[str, float]) -> np.ndarray:
    upto = np.cumsum(list(weights.values()))
    return np.minimum(np.searchsorted(upto, u * upto[-1], side="right"), len(upto) - 1)


BEHAVIOR = port_scans
