"""Whereabouts: where a person is on a day, what addresses and devices that means, and which of them are familiar.

Keyed facts: every behavior and every action that asks about a person and a time gets the same answer, so a person who
works from home signs in, calls the cloud and opens SSH connections from home.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen import zones
from redgen.clock import DAY, HOUR, MINUTE
from redgen.seed import F64, I64, U64, Seed
from redgen.world.people import PEOPLE_KINDS, WHERES
from redgen.world.plan import I32, U32, Bools
from redgen.world.world import World

PLACES = (*WHERES, "away")
"""Where a person can be: home, mobile, office, vpn (of home), away on a trip."""
HOME, MOBILE, OFFICE, VPN, AWAY = range(5)

FAMILIAR_AFTER = 18 * HOUR
"""What began less than this ago still is new to the identity provider: about one round of sign-ins."""

_THURSDAY = 3                # 1970-01-01, Monday = 0
_TRIP_PERIOD = 28 * DAY
_TRIPS = np.array([0.05, 0.12, 0.12, 0.0, 0.0])
"""Chance of a trip in four weeks by kind of person. Source: unverified."""
_DEVICE_PERIOD = 100 * DAY
_DEVICE_RENEWED = 0.25
"""Chance that a device's browser profile is a new one in a period of 100 days. Source: unverified."""
_AT_DESK = (7 * 60, 19 * 60 + 30)
"""Minutes of the local day between which somebody who went to the office is there."""


@dataclass(frozen=True)
class Trips:
    """Trips that hold at some times: ``city`` row of plan.cities, -1 where the person is not away; ``since`` µs."""

    city: I32
    since: I64
    id: U64


def pair(a: NDArray[np.integer], b: NDArray[np.integer]) -> U64:
    """One id of two small numbers: a person (below 2^32) and a period (its low 32 bits)."""
    return a.astype(np.uint64) << np.uint64(32) | b.astype(np.uint64) & np.uint64(0xFFFFFFFF)


def _facts(world: World) -> Seed:
    return world.seed.child("whereabouts")


def trips(world: World, person: I32, t: I64) -> Trips:
    """The trip each person is on at ``t``: at most one in four weeks, of 1.5 to 6 days, half of them abroad."""
    seed, people = _facts(world), world.people
    ids = person.astype(np.uint64)
    shifted = t + np.floor(seed.uniform(ids, "phase") * _TRIP_PERIOD).astype(np.int64)
    period = shifted // _TRIP_PERIOD
    trip = pair(person, period)
    start = period * _TRIP_PERIOD + np.floor(seed.uniform(trip, "start") * 22 * DAY).astype(np.int64)
    length = np.floor((1.5 + 4.5 * seed.uniform(trip, "length")) * DAY).astype(np.int64)
    goes = seed.uniform(trip, "goes") < _TRIPS[people.kind[person]]
    away = goes & (shifted >= start) & (shifted < start + length)
    city = np.full(len(person), -1, dtype=np.int32)
    some = np.flatnonzero(away)
    if len(some):
        city[some] = _destination(world, seed, people.city[person[some]], trip[some])
    since = np.where(away, t - (shifted - start), 0)
    return Trips(np.where(city == people.city[person], -1, city).astype(np.int32), since, trip)


def _destination(world: World, seed: Seed, home: I32, trip: U64) -> I32:
    """A city for each trip by its population: at home in the country, or anywhere."""
    cities = world.plan.cities
    upto = np.concatenate([[0.0], np.cumsum(cities.weight)])
    nation = cities.nation[home]
    abroad = seed.uniform(trip, "abroad") < 0.5
    first = np.where(abroad, 0, np.searchsorted(cities.nation, nation, side="left"))
    stop = np.where(abroad, len(cities), np.searchsorted(cities.nation, nation, side="right"))
    u = upto[first] + seed.uniform(trip, "city") * (upto[stop] - upto[first])
    at = np.searchsorted(upto, u, side="right") - 1
    found: I32 = np.clip(at, first, stop - 1).astype(np.int32)
    return found


def local_minute(world: World, person: I32, t: I64) -> I64:
    """Minutes since 1970 on each person's own clock, in summer time where and when it holds."""
    return t // MINUTE + zones.offsets(world.plan.cities.zones, world.people.zone[person], t)


def weekday(minutes: I64) -> I64:
    """Monday = 0 of local minutes since 1970."""
    return (minutes // (24 * 60) + _THURSDAY) % 7


def place(world: World, person: I32, t: I64) -> NDArray[np.int8]:
    """Where each person is at ``t``, a code of PLACES.

    Employees and administrators go to the office on some weekdays (each at a rate of their own, 0.35 to 0.95), in the
    hours of the day, and else work from home, on two days in five through the VPN; others are at home or on the
    phone's network, by the quarter of the day. Trips come before all. Source of the rates: unverified.
    """
    seed, people = _facts(world), world.people
    minutes = local_minute(world, person, t)
    day = minutes // (24 * 60)
    staff = np.isin(people.kind[person], (PEOPLE_KINDS.index("employee"), PEOPLE_KINDS.index("admin")))
    today = pair(person, day)
    eager = 0.35 + 0.6 * seed.uniform(person.astype(np.uint64), "eager")
    goes = (seed.uniform(today, "office") < eager) & (weekday(minutes) < 5) & (people.office[person] >= 0)
    minute = minutes % (24 * 60)
    there = goes & (minute >= _AT_DESK[0]) & (minute < _AT_DESK[1])
    through = ~goes & (seed.uniform(today, "vpn") < 0.4)
    at_work = np.where(there, OFFICE, np.where(through, VPN, HOME))
    u = seed.uniform(pair(person, minutes // (6 * 60)), "quarter")
    at_large = np.where(u < 0.60, HOME, np.where(u < 0.95, MOBILE, VPN))
    found = np.where(staff, at_work, at_large)
    return np.where(trips(world, person, t).city >= 0, AWAY, found).astype(np.int8)


def address(world: World, person: I32, where: NDArray[np.int8] | int, t: I64) -> U32:
    """The public address each person shows from ``where`` (PLACES) at ``t``."""
    where = np.broadcast_to(np.asarray(where, dtype=np.int8), person.shape)
    out = world.people.address(person, np.where(where == AWAY, HOME, where).astype(np.int8), t)
    away = np.flatnonzero(where == AWAY)
    if len(away):
        out = out.copy()
        out[away] = _abroad(world, trips(world, person[away], t[away]), out[away])
    return out


def _abroad(world: World, trip: Trips, otherwise: U32) -> U32:
    """The hotel's or host's line of each trip; ``otherwise`` where there is no trip."""
    seed = _facts(world)
    city = np.maximum(trip.city, 0)
    lines = world.plan.near("business", city, trip.id, seed, "hotel")
    return np.where(trip.city >= 0, lines, otherwise).astype(np.uint32)


def desk(world: World, person: I32) -> U32:
    """The inner address of each person's machine in the office; 0 for who has none."""
    offices = world.offices
    office = world.people.office[person]
    at = np.maximum(office, 0)
    room = (np.uint32(1) << (32 - offices.inner_len[at]).astype(np.uint32)) - np.uint32(64)
    seat = np.uint32(20) + ((person - offices.first[at]).astype(np.uint32) % room)
    return np.where(office >= 0, offices.inner[at] + seat, 0).astype(np.uint32)


def device(world: World, person: I32, which: NDArray[np.integer] | int, t: I64) -> U64:
    """The device id (browser profile) of each person's main device (0) or phone (1) at ``t``."""
    seed = _facts(world)
    own = person * 2 + which
    phase = np.floor(seed.uniform(own.astype(np.uint64), "profile phase") * _DEVICE_PERIOD).astype(np.int64)
    profile = pair(own, (t + phase) // _DEVICE_PERIOD)
    renewed = seed.uniform(profile, "renewed") < _DEVICE_RENEWED
    base = world.people.device[person, which]
    return np.where(renewed, seed.noise(profile, "profile"), base)


def known_device(world: World, person: I32, seen: U64, t: I64) -> Bools:
    """Whether each person has signed in with the device before (0, no device, is nothing new)."""
    before = t - FAMILIAR_AFTER
    known: Bools = seen == 0
    for which in (0, 1):
        known = known | (seen == world.people.device[person, which]) | (seen == device(world, person, which, before))
    return known


def known_addresses(world: World, person: I32, t: I64) -> U32:
    """Addresses each person has signed in from before ``t``, [n, 7]; 0 where one does not apply."""
    people, before = world.people, t - FAMILIAR_AFTER
    trip = trips(world, person, before)
    usual = [people.address(person, where, before) for where in (HOME, MOBILE, VPN)]
    nothing = np.zeros(len(person), dtype=np.uint32)
    return np.stack([*usual, people.home[person], people.mobile[person], people.egress[person],
                     _abroad(world, trip, nothing)], axis=1)


def last_seen(world: World, person: I32, t: I64) -> tuple[I32, F64]:
    """City of each person's sign-in before ``t`` and the hours since: staff hours to a day, others up to ten days."""
    seed = _facts(world)
    staff = world.people.kind[person] > 0
    u = seed.uniform(pair(person, t // DAY), "last seen")
    hours = np.where(staff, 0.4 * (16 / 0.4) ** u, 1.0 * 240.0**u)
    there = trips(world, person, t - (hours * HOUR).astype(np.int64)).city
    return np.where(there >= 0, there, world.people.city[person]).astype(np.int32), hours
