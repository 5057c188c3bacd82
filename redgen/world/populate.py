"""Peopling the world: who there is, where each lives and works, with which devices, logins and factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import FACTORS
from redgen.seed import F64, U64, Seed, picked
from redgen.spec.world import WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world import bundled, logins
from redgen.world.agents import Agents
from redgen.world.offices import Offices
from redgen.world.people import PEOPLE_KINDS, People
from redgen.world.plan import I32, U32, AddressPlan, Bools

SPREAD = {"customer": 1.35, "employee": 0.55, "admin": 0.4, "service": 0.8, "api_client": 1.2}
"""Standard deviation of ln activity: a few customers do most of what is done (unverified)."""
DESK = {"customer": 0.55, "employee": 1.0, "admin": 1.0}
"""Share of people whose main device is a desktop or laptop; the others' is their phone (RBA: mobile 64.5 %)."""
REMOTE = 0.12
"""Share of employees without an office (unverified)."""
UNIX_SHARE = 0.25
"""Share of employees with an account on Linux hosts (unverified); admins all have one."""
PASSWORD_AGE_DAYS = 240
"""Mean age of a password, exponential (unverified)."""


@dataclass(frozen=True)
class Census:
    """Who there is before accounts are given out; columns of length n, ``ids`` keyed by (kind, number)."""

    kind: NDArray[np.int8]
    first: NDArray[np.int64]      # [kinds + 1]
    ids: U64
    city: I32
    office: NDArray[np.int16]
    given: list[str]              # names of people; empty strings for machines
    family: list[str]
    login: list[str]
    display: list[str]


def take_census(spec: WorldSpec, plan: AddressPlan, offices: Offices, seed: Seed) -> Census:
    """Number everybody, place them in cities and offices, and name them."""
    scale = spec.scale
    counts = [scale.customers or 0, scale.employees or 0, scale.admins or 0, scale.services or 0,
              scale.api_clients or 0]
    kind = np.repeat(np.arange(len(counts)), counts).astype(np.int8)
    ids = np.concatenate([np.arange(n, dtype=np.uint64) + np.uint64(k << 40) for k, n in enumerate(counts)])
    first = np.concatenate([[0], np.cumsum(counts)])
    office = np.full(len(kind), -1, dtype=np.int16)
    office[kind == 1] = _offices_in_order(offices, int(first[1]), int(first[2]))
    office[kind == 2] = _offices_at_random(offices, ids[kind == 2], seed)
    city = _cities(spec, plan, offices, kind, ids, office, seed)
    people = int(first[3])
    given, family = logins.names(plan.cities, city[:people], ids[:people], spec.locales, seed)
    domain = spec.domain or ""
    private = logins.private(given[: counts[0]], family[: counts[0]], ids[: counts[0]], seed)
    staff = logins.staff(given[counts[0] :], family[counts[0] :], domain)
    machines, titles = _machines(counts[3], counts[4], domain)
    display = [f"{g} {f}" for g, f in zip(given, family, strict=True)] + titles
    return Census(kind, first, ids, city, office, given, family, private + staff + machines, display)


def _offices_in_order(offices: Offices, start: int, stop: int) -> NDArray[np.int64]:
    """Employees sit office by office, as ``Offices.first`` and ``stop`` say; who is in none works from home."""
    row = np.arange(start, stop)
    if not len(offices):
        return np.full(len(row), -1)
    at = np.searchsorted(offices.stop, row, side="right")
    return np.where(row < offices.stop[-1], at, -1)


def _offices_at_random(offices: Offices, ids: U64, seed: Seed) -> NDArray[np.int64]:
    if not len(offices):
        return np.full(len(ids), -1)
    size = (offices.stop - offices.first).astype(np.float64) + 1.0
    upto = np.cumsum(size)
    found: NDArray[np.int64] = np.searchsorted(upto[:-1], seed.uniform(ids, "office") * upto[-1], side="right")
    return found


def _cities(
    spec: WorldSpec, plan: AddressPlan, offices: Offices, kind: NDArray[np.int8], ids: U64,
    office: NDArray[np.int16], seed: Seed,
) -> I32:
    """Customers by the countries' mix, staff around their office (the first one when in none), machines in its city."""
    cities = plan.cities
    mix = np.array([spec.countries.get(iso, 0.0) for iso in cities.nations])
    per_nation = np.bincount(cities.nation, cities.weight ** 0.8, minlength=len(mix))
    upto = np.cumsum(mix[cities.nation] * cities.weight ** 0.8 / per_nation[cities.nation])
    city = picked(seed.uniform(ids, "city"), upto)
    if len(offices):
        staff = np.flatnonzero(kind > 0)
        base = offices.city[np.maximum(office[staff], 0)]
        moved = plan.city_of(plan.near("home", base, ids[staff], seed, "staff city"))
        city[staff] = np.where(kind[staff] < PEOPLE_KINDS.index("service"), moved, base)
    found: I32 = city.astype(np.int32)
    return found


def _machines(services: int, clients: int, domain: str) -> tuple[list[str], list[str]]:
    """Logins and titles of services and API clients."""
    words = bundled.sections("words.txt")
    ours = logins.unique([words["services"][i % len(words["services"])] for i in range(services)])
    theirs = logins.unique([words["partners"][i % len(words["partners"])] for i in range(clients)])
    accounts = [f"svc-{name}@{domain}" for name in ours] + [f"{name}@clients.{domain}" for name in theirs]
    return accounts, [f"Service {name}" for name in ours] + [f"{name.capitalize()} API client" for name in theirs]


def settle(
    spec: WorldSpec, plan: AddressPlan, offices: Offices, agents: Agents, census: Census, gateway: int, seed: Seed,
    accounts: Mapping[str, NDArray[Any]],
) -> People:
    """Give everybody addresses, devices, factors and habits; ``accounts`` holds their unix, uid and principal codes."""
    kind, ids, city = census.kind, census.ids, census.city
    inside = (kind == 1) | (kind == 2)
    in_office = census.office >= 0
    egress = np.zeros(len(kind), dtype=np.uint32)
    egress[in_office] = offices.egress[census.office[in_office]]
    agent, same = _agents(agents, kind, ids, seed)
    device = np.stack([seed.noise(ids, "main device"), seed.noise(ids, "phone")], axis=1)
    device[same, 0] = device[same, 1]
    age = -PASSWORD_AGE_DAYS * np.log(seed.uniform(ids, "password age"))
    return People(
        seed=seed, plan=plan, kind=kind, first=census.first.astype(np.int64), login=Vocabulary.of(census.login),
        display=Vocabulary.of(census.display), uid=accounts["uid"], city=city,
        zone=plan.cities.zone[city], utc_offset=plan.cities.utc_offset[city], home=_homes(plan, kind, ids, city, seed),
        mobile=plan.near("mobile", city, ids, seed, "carrier"), office=census.office, egress=egress,
        vpn=np.where(inside, gateway, 0).astype(np.uint32), agent=agent, device=device,
        breached=(seed.uniform(ids, "breached") < (spec.breached_share or 0.0)) & (kind <= 2),
        factor=_factors(spec, kind, ids, seed), weight=_weights(kind, ids, seed), unix=accounts["unix"],
        principal=accounts["principal"], password_age_days=np.minimum(age, 3000).astype(np.int32),
    )


def _homes(plan: AddressPlan, kind: NDArray[np.int8], ids: U64, city: I32, seed: Seed) -> U32:
    """Home lines of people; services call from the cloud, API clients from clouds, hosters and small firms."""
    found = plan.near("home", city, ids, seed, "home")
    where = seed.uniform(ids, "client network")
    for network, some in (
        ("cloud", (kind == 3) | ((kind == 4) & (where < 0.5))),
        ("hosting", (kind == 4) & (where >= 0.5) & (where < 0.75)),
        ("business", (kind == 4) & (where >= 0.75)),
    ):
        at = np.flatnonzero(some)
        if len(at):
            found[at] = plan.near(network, city[at], ids[at], seed, "server")
    return found


def _agents(agents: Agents, kind: NDArray[np.int8], ids: U64, seed: Seed) -> tuple[I32, Bools]:
    """Rows of World.agents [n, 2], and whose main device is the phone."""
    u, v = seed.uniform(ids, "main agent"), seed.uniform(ids, "phone agent")
    main, phone = agents.draw("desktop", u), agents.draw("mobile", v)
    desk = np.array([DESK.get(name, 1.0) for name in PEOPLE_KINDS])[kind]
    same = seed.uniform(ids, "desk") >= desk
    main = np.where(same, phone, main)
    service, client = kind == 3, kind == 4
    main = np.where(service, agents.draw("aws_sdk", u), np.where(client, agents.draw("library", u), main))
    phone = np.where(service, agents.draw("library", v), np.where(client, main, phone))
    return np.stack([main, phone], axis=1).astype(np.int32), same | client


def _factors(spec: WorldSpec, kind: NDArray[np.int8], ids: U64, seed: Seed) -> NDArray[np.int8]:
    u = seed.uniform(ids, "factor")
    found = np.full(len(kind), -1, dtype=np.int8)
    for name, shares in spec.mfa.items():
        words = [word for word in FACTORS if word in shares]
        codes = np.array([*(FACTORS.index(word) for word in words), -1])
        upto = np.cumsum([shares[word] for word in words])
        some = np.flatnonzero(kind == PEOPLE_KINDS.index(name))
        found[some] = codes[np.searchsorted(upto, u[some], side="right")]
    return found


def _weights(kind: NDArray[np.int8], ids: U64, seed: Seed) -> F64:
    """Lognormal activity, scaled to mean 1 within each kind."""
    spread = np.array([SPREAD[name] for name in PEOPLE_KINDS])[kind]
    raw = np.exp(spread * seed.normal(ids, "activity"))
    total = np.bincount(kind, raw, minlength=len(PEOPLE_KINDS))
    count = np.bincount(kind, minlength=len(PEOPLE_KINDS))
    found: F64 = raw * (count / np.maximum(total, 1e-12))[kind]
    return found
