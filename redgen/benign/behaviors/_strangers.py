"""Strangers on the internet: where those who knock at every door come from."""

from __future__ import annotations

import numpy as np

from redgen.benign.context import Context, Sessions
from redgen.errors import DataError, did_you_mean
from redgen.seed import U64, picked
from redgen.world.plan import NETWORK_KINDS, U32

SCANNERS = {"hosting": 0.45, "cloud": 0.22, "home": 0.23, "business": 0.1}
"""Networks of those who scan. Source: unverified."""


def sources(ctx: Context, sessions: Sessions, returning: float) -> U64:
    """Who is behind each session: one of the population's numbered sources, or somebody who comes once."""
    seed = ctx.seed.child("strangers")
    known = seed.noise(sessions.who.astype(np.uint64), "source")
    return np.where(seed.uniform(sessions.id, "returns") < returning, known, sessions.id)


def addresses(ctx: Context, key: U64, networks: dict[str, float]) -> U32:
    """An address per key, in a network of a kind drawn by weight: the same key, the same address."""
    for kind in networks:
        if kind not in NETWORK_KINDS:
            raise DataError(f"unknown network kind {kind!r}{did_you_mean(kind, NETWORK_KINDS)}")
    plan, seed = ctx.world.plan, ctx.seed.child("strangers")
    upto = np.cumsum(list(networks.values()))
    which = picked(seed.uniform(key, "network"), upto)
    out = np.zeros(len(key), dtype=np.uint32)
    for k, kind in enumerate(networks):
        some = np.flatnonzero(which == k)
        out[some] = plan.draw(kind, key[some], seed, "stranger")
    return out
