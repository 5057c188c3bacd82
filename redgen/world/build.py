"""Building a world: the spec, completed by the bundled default, becomes columns."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote_plus

import numpy as np

from redgen.errors import DataError, did_you_mean
from redgen.seed import Seed
from redgen.spec.loader import load_yaml
from redgen.spec.world import WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world import bundled, logins
from redgen.world.carve import build_plan, slug
from redgen.world.catalog import build_agents
from redgen.world.cloud_build import build_cloud
from redgen.world.host_build import SYSTEM_UIDS, build_hosts, build_offices, count_hosts
from redgen.world.name_build import build_names
from redgen.world.offices import Offices
from redgen.world.people import PEOPLE_KINDS
from redgen.world.plan import I32, U32, AddressPlan
from redgen.world.populate import UNIX_SHARE, Census, settle, take_census
from redgen.world.site_build import build_routes, build_sites
from redgen.world.world import Org, World

HOSTER, IDENTITY = "Hearthgate", "Passgate"
"""The operators (by brand) of our public servers and of the identity provider."""


@lru_cache(maxsize=1)
def default_spec() -> WorldSpec:
    """The world that stands behind what a baseline leaves unsaid."""
    return load_yaml(bundled.text("default.yaml"), "default.yaml").validate(WorldSpec)


def completed(spec: WorldSpec) -> WorldSpec:
    """``spec`` with every part it leaves out taken from the default world."""
    return _completed(spec, default_spec())


def _completed(spec: WorldSpec, default: WorldSpec) -> WorldSpec:
    parts = {}
    for key in ("name", "domain", "countries", "breached_share", "sites", "apps", "hosts", "offices"):
        if getattr(spec, key) in (None, (), {}):
            parts[key] = getattr(default, key)
    scale = {k: v for k in type(spec.scale).model_fields if (v := getattr(spec.scale, k)) is not None and v != ""}
    parts["scale"] = default.scale.model_copy(update=scale)
    parts["mfa"] = {**default.mfa, **spec.mfa}
    cloud = {k: v for k in type(spec.cloud).model_fields if (v := getattr(spec.cloud, k)) not in (None, (), "")}
    parts["cloud"] = default.cloud.model_copy(update=cloud)
    dns = {k: v for k in type(spec.dns).model_fields if (v := getattr(spec.dns, k)) not in (None, (), "")}
    parts["dns"] = default.dns.model_copy(update=dns)
    return spec.model_copy(update=parts)


def build_world(specs: WorldSpec, seed: Seed, address_plan: str = "reserved") -> World:
    """The world that ``specs`` describes; the same for the same arguments, byte by byte.

    ``seed`` is the root seed, ``address_plan`` one of plan.PLANS. DataError when the spec names a city, country or
    account that does not exist.
    """
    spec, own = completed(specs), seed.child("world")
    plan = build_plan(address_plan, spec.scale.customers or 0, spec.countries)
    known = set(plan.cities.nations)
    for iso in spec.countries:
        if iso not in known:
            raise DataError(f"the address plan has no country {iso!r}{did_you_mean(iso, known)}")
    offices = build_offices(spec, plan, spec.scale.customers or 0, spec.scale.employees or 0, own.child("offices"))
    census = take_census(spec, plan, offices, own.child("people"))
    unix, uid, names = _accounts(census, own.child("unix"))
    servers = _lines(plan, HOSTER, len(spec.sites) + count_hosts(spec) + 1)
    hosts = build_hosts(spec, servers[len(spec.sites) :], names, [1000 + i for i in range(len(names))])
    web = hosts.addr[hosts.role == 0] if (hosts.role == 0).any() else hosts.addr
    inner = np.resize(web, len(spec.sites)) if len(web) else np.zeros(len(spec.sites), dtype=np.uint32)
    sites = build_sites(spec, servers[: len(spec.sites)], inner)
    cloud, principal = build_cloud(spec, plan, census, own.child("cloud"))
    agents = build_agents()
    people = settle(spec, plan, offices, agents, census, _gateway(offices, servers), own.child("people"),
                    {"unix": unix, "uid": uid, "principal": principal})
    org = _org(spec)
    dns = build_names(spec, plan, sites.addr, org.idp_hosts, _lines(plan, IDENTITY, len(org.idp_hosts)),
                      list(hosts.name), hosts.addr, own.child("dns"))
    typos, mistyped = _typos(spec, census, own.child("typos"))
    return World(
        seed=own, org=org, plan=plan, people=people, agents=agents, sites=sites, routes=build_routes(spec), cloud=cloud,
        hosts=hosts, dns=dns, offices=offices, apps=Vocabulary.of(spec.apps),
        referers=Vocabulary.of(bundled.sections("words.txt")["referers"]), typos=typos, mistyped=mistyped,
        words=_words(),
    )


def _org(spec: WorldSpec) -> Org:
    name, domain = spec.name or "", spec.domain or ""
    return Org(name, domain, (f"login.{domain}", f"{slug(name).replace('-', '')}.okta.example"))


def _lines(plan: AddressPlan, isp: str, count: int) -> U32:
    """``count`` different addresses of one operator, from its first prefix on."""
    rows = np.flatnonzero(plan.asn == plan.asns.isp.code(isp))
    room = np.cumsum(plan.pool[rows].astype(np.int64))
    serial = np.arange(count, dtype=np.int64)
    at = np.minimum(np.searchsorted(room, serial, side="right"), len(rows) - 1)
    inside = serial - np.concatenate([[0], room])[at]
    return plan.address(rows[at].astype(np.int32), inside.astype(np.uint64))


def _gateway(offices: Offices, servers: U32) -> int:
    """Staff's VPN leaves through a server of ours."""
    return int(servers[-1]) if len(offices) or len(servers) else 0


def _accounts(census: Census, seed: Seed) -> tuple[I32, I32, list[str]]:
    """Unix codes and uids of everybody, and the account names: all admins and a share of employees have one."""
    keen = seed.uniform(census.ids, "account") < UNIX_SHARE
    admin, employee = PEOPLE_KINDS.index("admin"), PEOPLE_KINDS.index("employee")
    who = np.flatnonzero((census.kind == admin) | ((census.kind == employee) & keen))
    names = _unix_names([census.login[i].partition("@")[0] for i in who.tolist()])
    unix, uid = np.full(len(census.kind), -1, dtype=np.int32), np.full(len(census.kind), -1, dtype=np.int32)
    unix[who] = len(SYSTEM_UIDS) + np.arange(len(who))
    uid[who] = 1000 + np.arange(len(who))
    return unix, uid, names


def _unix_names(locals_: list[str]) -> list[str]:
    """``jane.doe`` becomes ``jdoe``; system accounts' names are taken."""
    short = [f"{first[:1]}{last}"[:20] if last else first for first, _, last in (x.partition(".") for x in locals_)]
    return logins.unique([*SYSTEM_UIDS, *short])[len(SYSTEM_UIDS) :]


def _typos(spec: WorldSpec, census: Census, seed: Seed) -> tuple[Vocabulary, int]:
    """Logins nobody owns: slips of real ones first, then what people guess."""
    people = int(census.first[3])
    count = min(max(people // 10, 100), 20_000, people)
    ids = np.arange(count, dtype=np.uint64)
    victims = (seed.uniform(ids, "of") * people).astype(np.int64).tolist()
    slipped = logins.slips([census.login[i] for i in victims], ids, seed)
    owned = set(census.login)
    wrong = [text for text in dict.fromkeys(slipped) if text not in owned and text]
    guesses = bundled.sections("words.txt")["guessed logins"]
    guessed = [*guesses, *(f"{g}@{spec.domain}" for g in guesses)]
    return Vocabulary.of(dict.fromkeys([*wrong, *(g for g in guessed if g not in owned)])), len(wrong)


def _words() -> Vocabulary:
    """Search words as a browser writes them into a query."""
    plain = bundled.sections("words.txt")["search"]
    pairs = [f"{a} {b}" for i, a in enumerate(plain) for b in plain[i + 1 :: 9]]
    return Vocabulary.of(quote_plus(word) for word in [*plain, *pairs])
