"""People: contiguous kinds, unique fictional logins, consistent devices, and addresses as keyed facts."""

import re

import numpy as np
import pytest

from redgen.activity.terms import FACTORS
from redgen.clock import DAY, HOUR, parse_time
from redgen.errors import DataError
from redgen.seed import Seed
from redgen.spec.world import Scale, WorldSpec
from redgen.world.agents import AGENT_KINDS
from redgen.world.build import build_world
from redgen.world.logins import slips, unique
from redgen.world.people import PEOPLE_KINDS, WHERES
from redgen.world.plan import NETWORK_KINDS
from tests.worlds import small_world

NOW = parse_time("2026-01-12T12:00:00Z")
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]*@[a-z0-9.-]+\.(example|test|invalid)")


def at(person, t):
    return np.full(len(person), t, dtype=np.int64)


def span(kind, world=None):
    return np.arange(*(world or small_world()).people.span(kind), dtype=np.int32)


def test_kinds_are_contiguous_and_counted():
    people = small_world().people
    counts = [len(span(kind)) for kind in PEOPLE_KINDS]
    assert counts == [2000, 80, 4, 6, 12]
    assert len(people) == sum(counts) == len(people.login) == len(people.display)
    assert (np.diff(people.kind) >= 0).all()
    with pytest.raises(DataError, match="did you mean 'customer'"):
        people.span("custmer")


def test_logins_are_unique_ascii_and_fictional():
    people = small_world(customers=30_000).people
    logins = list(people.login)
    assert len(set(logins)) == len(logins)
    assert [x for x in logins if not LOGIN.fullmatch(x)] == []
    customers = logins[: people.span("customer")[1]]
    assert not any(x.endswith("lumenshop.example") for x in customers), "customers have mail providers of their own"


def test_names_follow_the_country():
    world = small_world(customers=30_000)
    people, cities = world.people, world.plan.cities
    germans = [people.display[i] for i in span("customer", world) if cities.iso[people.city[i]] == "DE"]
    assert len(germans) > 1000
    assert sum("ü" in name or "ö" in name or "ß" in name for name in germans) > 50


def test_staff_sits_in_offices_office_by_office():
    world = small_world()
    people, offices = world.people, world.offices
    for office in range(len(offices)):
        inside = np.arange(offices.first[office], offices.stop[office])
        assert (people.office[inside] == office).all()
        assert (people.egress[inside] == offices.egress[office]).all()
        near = world.plan.cities.nation[people.city[inside]] == world.plan.cities.nation[offices.city[office]]
        assert near.all()
    employees = span("employee")
    assert (people.office[employees] < 0).mean() == pytest.approx(0.12, abs=0.02)
    assert (people.office[span("customer")] == -1).all()
    assert len(set(offices.egress.tolist())) == len(offices)


def test_activity_is_heavy_tailed_and_factors_follow_their_shares():
    world = small_world(customers=30_000)
    customers = span("customer", world)
    weight = np.sort(world.people.weight[customers])[::-1]
    assert weight.mean() == pytest.approx(1.0)
    assert 0.35 < weight[: len(weight) // 10].sum() / weight.sum() < 0.65
    sms = world.people.factor[customers] == FACTORS.index("sms")
    assert sms.mean() == pytest.approx(0.05, abs=0.01)
    assert world.people.breached[customers].mean() == pytest.approx(0.015, abs=0.003)
    assert not world.people.breached[span("service", world)].any()


def test_devices_and_agents_agree():
    world = small_world()
    people, agents = world.people, world.agents
    kind = agents.kind[people.agent]
    customers, staff = span("customer"), np.concatenate([span("employee"), span("admin")])
    assert (kind[customers, 1] == AGENT_KINDS.index("mobile")).all()
    assert (kind[staff, 0] == AGENT_KINDS.index("desktop")).all()
    phone_only = people.agent[customers, 0] == people.agent[customers, 1]
    assert 0.4 < phone_only.mean() < 0.5
    assert (people.device[customers, 0] == people.device[customers, 1])[phone_only].all()
    devices = np.unique(people.device[customers])
    assert len(devices) == 2 * len(customers) - phone_only.sum(), "no two people share a device id"


def test_addresses_are_facts_that_do_not_depend_on_who_asks():
    people = small_world().people
    who = np.arange(len(people), dtype=np.int32)
    for where in range(len(WHERES)):
        whole = people.address(who, where, at(who, NOW))
        some = who[::-3]
        assert (people.address(some, where, at(some, NOW)) == whole[::-3]).all()
        assert (small_world().plan.find(whole) >= 0).all()


def test_home_lines_change_now_and_then_inside_their_prefix():
    world = small_world()
    people, who = world.people, span("customer")
    today, tomorrow = (people.address(who, 0, at(who, NOW + k * DAY)) for k in (0, 1))
    later = people.address(who, 0, at(who, NOW + 100 * DAY))
    assert (today != tomorrow).mean() < 0.05
    assert 0.5 < (today != later).mean() < 0.65, "three in five lines are dynamic"
    assert (world.plan.find(today) == world.plan.find(later)).all(), "a line stays with its provider"


def test_phones_share_carrier_addresses_and_offices_one():
    world = small_world(customers=30_000)
    people, plan = world.people, world.plan
    who = span("customer", world)
    mobile = people.address(who, 1, at(who, NOW))
    assert (plan.kind[plan.find(mobile)] == NETWORK_KINDS.index("mobile")).all()
    assert len(who) / 18 < len(np.unique(mobile)) < len(who) / 9, "as shared as tests/statistical finds them in RBA"
    other = people.address(who, 1, at(who, NOW + 12 * HOUR))
    assert 0.1 < (mobile != other).mean() < 0.7
    staff = span("employee", world)
    office = people.address(staff, 2, at(staff, NOW))
    seated = people.office[staff] >= 0
    assert set(office[seated].tolist()) <= set(world.offices.egress.tolist())
    assert len(set(people.address(staff, 3, at(staff, NOW)).tolist())) == 1, "staff's VPN is the company's"


def test_machines_call_from_where_machines_stand():
    world = small_world()
    people, plan = world.people, world.plan
    services, clients = span("service"), span("api_client")
    for who in (services, clients):
        for where in range(4):
            assert (people.address(who, where, at(who, NOW + where * 40 * DAY)) == people.home[who]).all()
    kinds = {NETWORK_KINDS[k] for k in plan.kind[plan.find(people.home[services])]}
    assert kinds == {"cloud"}
    kinds = {NETWORK_KINDS[k] for k in plan.kind[plan.find(people.home[clients])]}
    assert kinds <= {"cloud", "hosting", "business"}


def test_unix_accounts_belong_to_admins_and_some_employees():
    world = small_world()
    people, hosts = world.people, world.hosts
    owners = np.flatnonzero(people.unix >= 0)
    assert set(span("admin").tolist()) <= set(owners.tolist())
    assert (people.unix[owners] < hosts.owned).all()
    assert (hosts.uids[people.unix[owners]] == people.uid[owners]).all()
    assert (people.uid[owners] >= 1000).all() and len(np.unique(people.uid[owners])) == len(owners)
    names = [hosts.unix_names[c] for c in people.unix[owners]]
    assert len(set(names)) == len(names)
    assert not {"root", "deploy"} & set(names)
    assert len(set(hosts.unix_names)) == len(hosts.unix_names)


def test_more_customers_keep_the_first_ones():
    few, many = small_world(), build_world(WorldSpec(scale=Scale(customers=2500)), Seed(7))
    assert list(few.people.login)[:2000] == list(many.people.login)[:2000]
    assert (few.people.device[:2000] == many.people.device[:2000]).all()


def test_slips_are_near_and_nobodys():
    world = small_world()
    owned, typos = set(world.people.login), list(world.typos)
    assert not owned & set(typos)
    assert len(set(typos)) == len(typos) and 100 < world.mistyped < len(typos)
    made = slips(["jane.doe@mail.example"] * 400, np.arange(400, dtype=np.uint64), Seed(1))
    assert {"jnae.doe@mail.example", "jane.doe"} <= set(made)
    assert all(abs(len(x.partition("@")[0]) - 8) <= 1 for x in made)


def test_taken_logins_get_a_number():
    assert unique(["a@x.test", "a@x.test", "a2@x.test", "a@x.test"]) == ["a@x.test", "a2@x.test", "a22@x.test",
                                                                        "a3@x.test"]
