"""Who is behind a web session: address, agent and device, each a pure function of the visitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.activity import whereabouts
from redgen.activity.objects import zipf_ranks
from redgen.benign.context import Context, Sessions
from redgen.errors import DataError, did_you_mean
from redgen.seed import F64, U64, picked
from redgen.spec.model import Cited, Number, Positive, Share
from redgen.world.agents import AGENT_KINDS
from redgen.world.plan import NETWORK_KINDS


@dataclass(frozen=True)
class Identity:
    """One entry per session: what the servers see of the client, and what the model knows of it.

    ``known``: has been here before (its cache is warm). ``key`` u8 hashes the visitor, or the session of a new one.
    """

    client: NDArray[np.uint32]
    agent: NDArray[np.int32]
    device: U64
    person: NDArray[np.int64]
    known: NDArray[np.bool_]
    key: U64


class Visitors(Cited):
    """Visitors without a login: mostly seen once, some regulars; where they come from and what they use."""

    networks: dict[str, Positive] = Field(
        default_factory=lambda: {"home": 0.58, "mobile": 0.34, "business": 0.05, "vpn": 0.03}
    )
    agents: dict[str, Positive] = Field(default_factory=lambda: {"mobile": 0.68, "desktop": 0.32})
    anywhere: Share = 0.04
    """Share of visitors from anywhere in the world; the others live near a customer."""
    returning: Share = 0.4
    """Share of sessions by regulars."""
    regulars: Positive = 1.0
    """How many regulars there are, in multiples of a day's sessions of this population."""
    zipf: Number = 0.8
    """How unequal regulars are: exponent of their activity by rank."""


class Presence(Cited):
    """Where people with a login are and what they use, as shares of their sessions."""

    phone: Share = 0.6
    """On the phone; else on the main device."""
    mobile_network: Share = 0.45
    """Of sessions on the phone; else at home."""
    vpn: Share = 0.03
    office: Share = 0.0
    known: Share = 0.9
    """Whose cache is warm."""


def anonymous(ctx: Context, sessions: Sessions, visitors: Visitors) -> Identity:
    """Visitors nobody knows by name: a fresh one per session, or one of the regulars."""
    for kind in visitors.networks:
        if kind not in NETWORK_KINDS:
            raise DataError(f"unknown network kind {kind!r}{did_you_mean(kind, NETWORK_KINDS)}")
    seed, n = ctx.seed.child("visitors"), max(1, round(visitors.regulars * ctx.per_day))
    regular = seed.uniform(sessions.id, "regular") < visitors.returning
    rank = ranks(seed.uniform(sessions.id, "rank"), n, visitors.zipf)
    key = np.where(regular, seed.noise(rank.astype(np.uint64), "regulars"), sessions.id)
    return Identity(
        client=_addresses(ctx, key, visitors),
        agent=draw_agents(ctx, key, visitors.agents),
        device=seed.noise(key, "device"),
        person=np.full(len(sessions), -1, dtype=np.int64),
        known=regular,
        key=key,
    )


def people(ctx: Context, sessions: Sessions, presence: Presence) -> Identity:
    """People with a login: where each is at the time, on which of their two devices."""
    seed, whom = ctx.seed.child("presence"), sessions.who.astype(np.int32)
    u = seed.uniform(sessions.id, "device")
    phone = (u < presence.phone).astype(np.int64)
    v = seed.uniform(sessions.id, "where")
    where = np.select(
        [v < presence.vpn, v < presence.vpn + presence.office, u < presence.phone * presence.mobile_network],
        [whereabouts.VPN, whereabouts.OFFICE, whereabouts.MOBILE], whereabouts.HOME,
    ).astype(np.int8)
    away = whereabouts.trips(ctx.world, whom, sessions.t).city >= 0
    where[away & (where == whereabouts.HOME)] = whereabouts.AWAY
    return Identity(
        client=whereabouts.address(ctx.world, whom, where, sessions.t),
        agent=ctx.world.people.agent[whom, phone],
        device=whereabouts.device(ctx.world, whom, phone, sessions.t),
        person=sessions.who,
        known=seed.uniform(whom.astype(np.uint64), "known") < presence.known,
        key=seed.noise(whom.astype(np.uint64), "person"),
    )


def numbered(ctx: Context, sessions: Sessions, visitors: Visitors) -> Identity:
    """Machines known by number (``Sessions.who``): each has one address and one agent for good."""
    seed = ctx.seed.child("visitors")
    key = seed.noise(sessions.who.astype(np.uint64), "numbered")
    return Identity(
        client=_addresses(ctx, key, visitors), agent=draw_agents(ctx, key, visitors.agents),
        device=seed.noise(key, "device"), person=np.full(len(sessions), -1, dtype=np.int64),
        known=np.ones(len(sessions), dtype=np.bool_), key=key,
    )


def draw_agents(ctx: Context, key: U64, weights: dict[str, float]) -> NDArray[np.int32]:
    """One agent per key: its kind by ``weights``, then by the market shares within the kind."""
    for kind in weights:
        if kind not in AGENT_KINDS:
            raise DataError(f"unknown kind of agent {kind!r}{did_you_mean(kind, AGENT_KINDS)}")

    def table() -> tuple[Any, F64]:
        rows, shares = zip(*(ctx.world.agents.agents_of(kind) for kind in weights), strict=True)
        total = sum(weights.values())
        parts = [share * weight / total for share, weight in zip(shares, weights.values(), strict=True)]
        return np.concatenate(rows), np.cumsum(np.concatenate(parts))

    agents, upto = ctx.once(f"agents {sorted(weights.items())}", table)
    found: NDArray[np.int32] = agents[picked(ctx.seed.uniform(key, "agent"), upto)]
    return found


def _addresses(ctx: Context, key: U64, visitors: Visitors) -> NDArray[np.uint32]:
    """Addresses in the kinds of networks, near where some customer lives or anywhere."""
    plan, seed = ctx.world.plan, ctx.seed.child("address")
    first, stop = ctx.world.people.span("customer")
    upto = np.cumsum(list(visitors.networks.values()))
    which = picked(seed.uniform(key, "network"), upto)
    anywhere = (seed.uniform(key, "anywhere") < visitors.anywhere) | (stop <= first)
    out = np.empty(len(key), dtype=np.uint32)
    for k, kind in enumerate(visitors.networks):
        far, near = np.flatnonzero((which == k) & anywhere), np.flatnonzero((which == k) & ~anywhere)
        out[far] = plan.draw(kind, key[far], seed, "visitor")
        if len(near):
            neighbor = first + np.floor(seed.uniform(key[near], "neighbor") * (stop - first)).astype(np.int64)
            out[near] = plan.near(kind, ctx.world.people.city[neighbor], key[near], seed, "visitor")
    return out


def ranks(u: F64, n: int, s: float) -> NDArray[np.int64]:
    """Ranks in [0, n) by Zipf's law of exponent s, one per uniform."""
    return zipf_ranks(u, n, s)
