"""Novelty: what is unusual about a sign-in, and how risky the identity provider finds it.

Both follow from keyed facts (whereabouts) and from the network the sign-in came from; the rows of one flow agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import whereabouts
from redgen.activity.terms import NOVELTY, RISKS
from redgen.seed import I64, U64, Seed
from redgen.world.plan import I32, NETWORK_KINDS, U32, Bools
from redgen.world.world import World

U8 = NDArray[np.uint8]

_BIT = {word: np.uint8(1 << k) for k, word in enumerate(NOVELTY)}
_PLACE_BITS = _BIT["new_city"] | _BIT["new_geo"]
FASTEST = 805.0
"""km/h above which two sign-ins are too far apart: Okta's default."""
_NEAR = 80.0
"""Kilometers that count as no distance: geolocation is not finer."""
_EGRESS_KNOWN = 0.8
"""Share of a carrier's egress addresses that a person has had before; carriers have few."""
_WEIGHTS = {"new_ip": 1.0, "new_device": 1.0, "new_city": 1.0, "new_country": 2.0, "velocity": 3.0}
_SUSPECT = {"hosting": 1.5, "vpn": 1.0, "cloud": 1.0, "residential_proxy": 1.0}
_MEDIUM, _HIGH = 2.3, 5.5
"""Scores of risk: ours, Okta's engine is closed. Source: unverified."""


def judge(
    world: World, seed: Seed, user: I32, client: U32, device: U64, flow: U64, t: I64
) -> tuple[U8, NDArray[np.int8]]:
    """Novelty bits (terms.NOVELTY) and risk (terms.RISKS) of each sign-in; columns of one length.

    ``flow``: sign-ins that share it agree on the risk. Nobody (user -1) has no history: nothing is new, risk is low.
    """
    novelty = np.zeros(len(t), dtype=np.uint8)
    known = np.flatnonzero(user >= 0)
    if len(known):
        novelty[known] = _novelty(world, seed, user[known], client[known], device[known], t[known])
    return novelty, _risk(world, seed, novelty, client, flow)


def _novelty(world: World, seed: Seed, user: I32, client: U32, device: U64, t: I64) -> U8:
    usual = whereabouts.known_addresses(world, user, t)
    new_ip = ~(usual == client[:, None]).any(axis=1) & ~_known_egress(world, seed, user, client)
    new_device = ~whereabouts.known_device(world, user, device, t)
    bits: U8 = (new_ip * _BIT["new_ip"] | new_device * _BIT["new_device"]).astype(np.uint8)
    some = np.flatnonzero(new_ip)
    if len(some):
        bits[some] |= _place_bits(world, user[some], client[some], usual[some], t[some])
    return bits


def _known_egress(world: World, seed: Seed, user: I32, client: U32) -> Bools:
    """A carrier's address that the person has had before."""
    row = world.plan.find(client)
    same = (row >= 0) & (row == world.plan.find(world.people.mobile[user]))
    known: Bools = same & (seed.uniform(whereabouts.pair(user, client), "egress") < _EGRESS_KNOWN)
    return known


def _place_bits(world: World, user: I32, client: U32, usual: U32, t: I64) -> U8:
    """Bits of place and speed for sign-ins from new addresses."""
    cities = world.plan.cities
    city = world.plan.city_of(client)
    places = np.stack([world.plan.city_of(column) for column in usual.T] + [world.people.city[user]], axis=1)
    bits = np.zeros(len(city), dtype=np.uint8)
    somewhere = city >= 0
    new_city = somewhere & ~(places == city[:, None]).any(axis=1)
    some = np.flatnonzero(new_city)
    if not len(some):
        return bits
    bits[some] = _PLACE_BITS
    at, known = city[some], np.maximum(places[some], 0)
    seen = places[some] >= 0
    states = np.array([f"{iso}/{state}" for iso, state in zip(cities.iso, cities.state, strict=True)])
    new_country = ~((cities.nation[known] == cities.nation[at][:, None]) & seen).any(axis=1)
    new_state = new_country | ~((states[known] == states[at][:, None]) & seen).any(axis=1)
    before, hours = whereabouts.last_seen(world, user[some], t[some])
    far = cities.distance_km(before, at)
    fast = (far > _NEAR) & (far > FASTEST * hours)
    bits[some] |= new_state * _BIT["new_state"] | new_country * _BIT["new_country"] | fast * _BIT["velocity"]
    return bits


def _risk(world: World, seed: Seed, novelty: U8, client: U32, flow: U64) -> NDArray[np.int8]:
    """Low where nothing is new; else a score of what is new and of the network, with the provider's own doubt."""
    score = np.zeros(len(novelty))
    for word, weight in _WEIGHTS.items():
        score += weight * ((novelty & _BIT[word]) > 0)
    row = world.plan.find(client)
    by_kind = np.array([_SUSPECT.get(kind, 0.0) for kind in NETWORK_KINDS])
    proxy = world.plan.asns.is_proxy[world.plan.asn[row]] & (row >= 0)
    score += np.where(row >= 0, by_kind[world.plan.kind[row]], 0.0) + 1.5 * proxy
    score = np.where(novelty > 0, score + 0.7 * seed.normal(flow, "doubt"), 0.0)
    level = np.searchsorted((_MEDIUM, _HIGH), score, side="right")
    return np.minimum(level, len(RISKS) - 1).astype(np.int8)
