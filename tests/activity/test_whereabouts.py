"""Where people are is a fact: the same for all who ask, plausible, and told by address."""

from __future__ import annotations

import numpy as np

from redgen.activity import whereabouts
from redgen.clock import DAY, HOUR, parse_time
from redgen.world.people import PEOPLE_KINDS
from tests.worlds import small_world

NOON = parse_time("2026-01-14T12:00:00Z")


def staff(days: int, hour: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Every employee at noon (and some hours on) of many days."""
    first, stop = small_world().people.span("employee")
    person = np.tile(np.arange(first, stop, dtype=np.int32), days)
    return person, NOON + hour * HOUR + np.repeat(np.arange(days), stop - first) * DAY


def test_people_go_to_the_office_on_weekdays_by_day_only() -> None:
    world = small_world()
    person, t = staff(140)
    where = whereabouts.place(world, person, t)
    minutes = whereabouts.local_minute(world, person, t)
    weekend = whereabouts.weekday(minutes) >= 5
    at_desk = where == whereabouts.OFFICE
    assert not at_desk[weekend].any()
    working = ~weekend & (world.people.office[person] >= 0) & np.isin(minutes % 1440 // 60, range(8, 19))
    assert 0.5 < at_desk[working].mean() < 0.75
    assert (world.people.office[person[at_desk]] >= 0).all()
    night = whereabouts.place(world, person, t - 10 * HOUR)
    assert not (night[world.people.utc_offset[person] == 0] == whereabouts.OFFICE).any()


def test_addresses_tell_where_people_are() -> None:
    world = small_world()
    person, t = staff(60)
    where = whereabouts.place(world, person, t)
    client = whereabouts.address(world, person, where, t)
    office = where == whereabouts.OFFICE
    assert (client[office] == world.people.egress[person[office]]).all()
    away = where == whereabouts.AWAY
    assert away.any() and (world.plan.city_of(client[away]) != world.people.city[person[away]]).mean() > 0.7
    assert (whereabouts.address(world, person, where, t) == client).all()


def test_trips_last_days_and_are_rare() -> None:
    world = small_world()
    person, t = staff(280)
    trip = whereabouts.trips(world, person, t)
    away = trip.city >= 0
    assert 0.005 < away.mean() < 0.03
    assert (trip.since[away] <= t[away]).all() and (t[away] - trip.since[away] < 6 * DAY).all()
    assert (trip.city[away] != world.people.city[person[away]]).all()


def test_desks_have_inner_addresses_of_their_own() -> None:
    world = small_world()
    person, _ = staff(1)
    desks = whereabouts.desk(world, person)
    seated = desks[desks > 0]
    assert len(np.unique(seated)) == len(seated) and (seated >> 24 == 10).all()
    assert ((desks > 0) == (world.people.office[person] >= 0)).all()


def test_machines_are_renewed_now_and_then_and_new_for_a_day() -> None:
    world = small_world()
    person, t = staff(400)
    profile = whereabouts.device(world, person, 0, t)
    before = whereabouts.device(world, person, 0, t - DAY)
    changed = profile != before
    assert 0.001 < changed.mean() < 0.008
    known = whereabouts.known_device(world, person, profile, t)
    assert not (~known & ~changed).any(), "what was there yesterday is known today"
    assert (~known[changed]).mean() > 0.2, "some go back to their first profile"
    assert whereabouts.known_device(world, person[:5], np.zeros(5, dtype=np.uint64), t[:5]).all()


def test_only_staff_have_office_days() -> None:
    world = small_world()
    customers = np.arange(*world.people.span("customer"), dtype=np.int32)[:500]
    where = whereabouts.place(world, customers, np.full(500, NOON))
    assert not np.isin(where, (whereabouts.OFFICE,)).any()
    assert PEOPLE_KINDS[world.people.kind[customers[0]]] == "customer"
