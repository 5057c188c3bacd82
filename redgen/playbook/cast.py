"""Casting: who plays the roles of a campaign, drawn from the world by the campaign's own seed.

Each role draws from a stream of its own name, so changing one role, or adding a campaign, changes no other role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import FACTORS, ORGS
from redgen.errors import DataError
from redgen.playbook.stage import Role
from redgen.seed import I64, U64, Seed, picked
from redgen.spec.distributions import Distribution
from redgen.spec.playbook import PEOPLE_KINDS, RoleSpec, Where
from redgen.vocabulary import Vocabulary
from redgen.world.cloud import PRINCIPAL_TYPES
from redgen.world.hosts import HOST_ROLES
from redgen.world.world import World

Bools = NDArray[np.bool_]

DEFAULT_NETWORK = "hosting"
DEFAULT_AGENT = "browser"


def cast(
    world: World, roles: Mapping[str, RoleSpec], seed: Seed, counts: Mapping[str, Distribution], stealth: float | None
) -> dict[str, Role]:
    """Every role with its members; ``counts`` replace the roles' own. DataError when nobody fits a role.

    A role asks for more than there are: it gets all there are.
    """
    found: dict[str, Role] = {}
    for name, spec in roles.items():
        own = seed.child("role", name)
        law = counts.get(name, spec.count)
        count = max(1, round(law.one(own.child("count").stream(), stealth)))
        if spec.kind == "address":
            found[name] = _addresses(world, name, spec, count, own, found)
            continue
        pool = _pool(world, spec.kind, spec.where)
        for other in spec.apart_from:
            pool = np.setdiff1d(pool, found[other].members)
        if not len(pool):
            raise DataError(f"nobody in this world can play role {name!r} ({_wish(spec)})")
        found[name] = _entities(world, name, spec, _picked(world, pool, count, spec, own))
    return found


def _picked(world: World, pool: I64, count: int, spec: RoleSpec, seed: Seed) -> I64:
    """``count`` different members of the pool, in random order."""
    if spec.pick == "evenly" or spec.kind not in PEOPLE_KINDS:
        return pool[seed.child("pick").stream().sample(len(pool), count)]
    # Keys u^(1/weight), the largest first, draw without replacement by weight (Efraimidis and Spirakis, 2006).
    keys = np.log(seed.uniform(pool.astype(np.uint64), "pick")) / np.maximum(world.people.weight[pool], 1e-12)
    return pool[np.argsort(-keys, kind="stable")[:count]]


def _pool(world: World, kind: str, where: Where) -> I64:
    """Everyone of a kind for whom all of ``where`` holds, by code."""
    if kind in PEOPLE_KINDS:
        first, stop = world.people.span(kind)
    else:
        first, stop = 0, {"site": len(world.sites), "host": len(world.hosts), "principal": 0}[kind]
        stop = len(world.cloud.principals) if kind == "principal" else stop
    codes = np.arange(first, stop, dtype=np.int64)
    tests = _PEOPLE_TESTS if kind in PEOPLE_KINDS else _TESTS[kind]
    for key in sorted(where.model_fields_set):
        wish = getattr(where, key)
        if wish is not None and len(codes):
            codes = codes[tests[key](world, codes, wish)]
    return codes


Test = Callable[[World, I64, object], Bools]


def _says(column: NDArray[np.bool_], wish: object) -> Bools:
    return column if wish else ~column


def _factor(world: World, codes: I64, wish: object) -> Bools:
    code = -1 if wish == "none" else _code(FACTORS, wish, "factor")
    return np.equal(world.people.factor[codes], code)


def _country(world: World, codes: I64, wish: object) -> Bools:
    return np.isin(world.people.city[codes], world.plan.cities.of_country(str(wish)))


def _named(names: Vocabulary, codes: I64, wish: object) -> Bools:
    try:
        return np.equal(codes, names.code(str(wish)))
    except KeyError:
        return np.zeros(len(codes), dtype=np.bool_)


def _code(words: tuple[str, ...], word: object, what: str) -> int:
    if word not in words:
        raise DataError(f"unknown {what} {word!r}; allowed: {', '.join(words)}")
    return words.index(str(word))


_PEOPLE_TESTS: Mapping[str, Test] = {
    "breached": lambda w, c, x: _says(w.people.breached[c], x),
    "mfa": lambda w, c, x: _says(w.people.factor[c] >= 0, x),
    "factor": _factor,
    "cloud": lambda w, c, x: _says(w.people.principal[c] >= 0, x),
    "unix": lambda w, c, x: _says(w.people.unix[c] >= 0, x),
    "country": _country,
    "name": lambda w, c, x: _named(w.people.login, c, x),
}
_TESTS: Mapping[str, Mapping[str, Test]] = {
    "site": {
        "name": lambda w, c, x: _named(w.sites.host, c, x),
        "org": lambda w, c, x: w.sites.org[c] == _code(ORGS, x, "org"),
    },
    "host": {
        "name": lambda w, c, x: _named(w.hosts.name, c, x),
        "exposed": lambda w, c, x: _says(w.hosts.exposed[c], x),
        "role": lambda w, c, x: w.hosts.role[c] == _code(HOST_ROLES, x, "host role"),
    },
    "principal": {
        "name": lambda w, c, x: _named(w.cloud.principals.name, c, x),
        "type": lambda w, c, x: w.cloud.principals.type[c] == _code(PRINCIPAL_TYPES, x, "principal type"),
        "key": lambda w, c, x: _says(np.diff(w.cloud.principals.key.offsets)[c] > 0, x),
        "owned": lambda w, c, x: _says(w.cloud.principals.person[c] >= 0, x),
    },
}
"""What each key of ``where`` asks of an entity."""


def _entities(world: World, name: str, spec: RoleSpec, members: I64) -> Role:
    """A role of people or things with what they show."""
    nobody = np.full(len(members), -1, dtype=np.int32)
    blank = np.zeros(len(members), dtype=np.uint64)
    side = spec.takes_part
    if spec.kind in PEOPLE_KINDS:
        people = world.people
        agent, device = people.agent[members, 0].astype(np.int32), people.device[members, 0]
        return Role(name, spec.kind, side, members, people.home[members], agent, device)
    if spec.kind == "site":
        addr = world.sites.addr[members]
    elif spec.kind == "host":
        addr = np.where(world.hosts.public[members] > 0, world.hosts.public[members], world.hosts.addr[members])
    else:
        addr = world.cloud.principals.addr[members]
    return Role(name, spec.kind, side, members, addr.astype(np.uint32), nobody, blank)


def _addresses(
    world: World, name: str, spec: RoleSpec, count: int, seed: Seed, found: Mapping[str, Role]
) -> Role:
    """Different addresses of the wanted networks, each with an agent and a device."""
    kinds = _mix(spec.network, DEFAULT_NETWORK)
    addr = np.zeros(0, dtype=np.uint32)
    for round_ in range(4):  # small networks run out of fresh addresses; then there are fewer
        ids = np.arange(round_ << 32, (round_ << 32) + count, dtype=np.uint64)
        fresh = _drawn(world, spec, kinds, ids, seed, found)
        both = np.concatenate((addr, fresh))
        addr = both[np.sort(np.unique(both, return_index=True)[1])][:count]
        if len(addr) == count:
            break
    ids = np.arange(len(addr), dtype=np.uint64)
    agents = _mix(spec.agent, DEFAULT_AGENT)
    which = _which(agents, seed.uniform(ids, "agent kind"))
    u = seed.uniform(ids, "agent")
    agent = np.zeros(len(ids), dtype=np.int32)
    for i, kind in enumerate(agents):
        some = np.flatnonzero(which == i)
        agent[some] = world.agents.draw(kind, u[some]) if len(some) else 0
    members = np.arange(len(addr), dtype=np.int64)
    return Role(name, "address", spec.takes_part, members, addr, agent, seed.noise(ids, "device"))


def _drawn(
    world: World, spec: RoleSpec, kinds: Mapping[str, float], ids: U64, seed: Seed, found: Mapping[str, Role]
) -> NDArray[np.uint32]:
    """One address per id, of a mixture of networks, near somebody or in a country when asked."""
    which = _which(kinds, seed.uniform(ids, "network"))
    addr = np.zeros(len(ids), dtype=np.uint32)
    for i, kind in enumerate(kinds):
        some = np.flatnonzero(which == i)
        if not len(some):
            continue
        if spec.near:
            city = np.full(len(some), _city(world, found[spec.near]), dtype=np.int32)
            addr[some] = world.plan.near(kind, city, ids[some], seed, "addr")
        elif spec.where.country:
            addr[some] = world.plan.among(kind, [spec.where.country], ids[some], seed, "addr")
        else:
            addr[some] = world.plan.draw(kind, ids[some], seed, "addr")
    return addr


def _city(world: World, role: Role) -> int:
    """Where the first member of a role lives, or its address lies."""
    if role.kind in PEOPLE_KINDS:
        return int(world.people.city[role.members[0]])
    return max(int(world.plan.city_of(role.addr[:1])[0]), 0)


def _mix(wish: str | Mapping[Any, float] | None, default: str) -> dict[str, float]:
    return {wish or default: 1.0} if wish is None or isinstance(wish, str) else dict(wish)


def _which(mix: Mapping[str, float], u: NDArray[np.float64]) -> I64:
    return picked(u, np.cumsum(list(mix.values())))


def _wish(spec: RoleSpec) -> str:
    wishes = [f"{k}: {getattr(spec.where, k)}" for k in sorted(spec.where.model_fields_set)]
    return ", ".join([spec.kind, *wishes, *(f"not {other}" for other in spec.apart_from)])
