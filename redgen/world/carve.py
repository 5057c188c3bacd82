"""Carving the address plan: prefixes of heavy-tailed sizes for each operator, kind and city, the same every time.

The internet does not depend on a dataset's seed; only ``pool``, how many addresses of a prefix are in use, follows
the number of people in the world and where they live.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from redgen import zones
from redgen.errors import DataError, did_you_mean
from redgen.seed import F64, Seed, Stream
from redgen.vocabulary import Vocabulary
from redgen.world import bundled
from redgen.world.plan import NETWORK_KINDS, PLANS, AddressPlan, Asns, Cities, Lottery

SEED = Seed(0).child("address plan")

CAPACITY = {
    "home": 150e6, "mobile": 18e6, "office": 6e6, "business": 12e6, "cloud": 30e6, "hosting": 10e6, "vpn": 4e5,
    "crawler": 2e5, "service": 8e5,
}
"""Addresses owned per kind; together below the 251 million of fifteen /8s, prefixes being rounded down to 2^k."""
SMALLEST, LARGEST = 11, 20
"""Prefixes have between 2^11 and 2^20 addresses in ``reserved`` and ``public``."""
CITIES_OF = {"mobile": 4, "cloud": 3, "hosting": 2, "vpn": 2, "crawler": 1, "service": 1}
"""In how many of a country's cities a kind has prefixes; others are in all."""
DATA_CENTERS = {"US": ("Ashburn", "Portland", "San Jose")}
PROXY_TILT = {"BR": 3.0, "IN": 2.0, "ID": 3.0, "VN": 3.0, "MX": 2.0, "TR": 2.5, "RU": 2.0, "PH": 2.5, "UA": 2.5,
              "US": 1.0, "GB": 1.0, "DE": 0.7, "JP": 0.4}
"""How much more often a residential proxy's exit is in a country than its share of home lines says (others 1.5)."""
PUBLIC_BLOCKS = (5, 23, 31, 37, 46, 62, 77, 80, 85, 91, 109, 151, 176, 188, 212)
"""First bytes of /8s that are globally routable from end to end."""


@dataclass(frozen=True)
class Layout:
    """Prefixes in the abstract space of fifteen blocks of 2^24, sorted by start; columns of one length."""

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    asn: NDArray[np.int64]
    city: NDArray[np.int64]
    kind: NDArray[np.int64]
    mass: F64             # expected share of the kind's traffic in all the world


@lru_cache(maxsize=8)
def _cached(name: str, people: int, mix: tuple[tuple[str, float], ...]) -> AddressPlan:
    cities, layout = _cities(), _layout()
    starts, sizes = _placed(layout, name)
    share = _country_share(cities, dict(mix))
    pool = _pools(layout, sizes, cities, share, people)
    return AddressPlan(
        name=name, starts=starts.astype(np.uint32), ends=(starts + sizes - 1).astype(np.uint32),
        asn=layout.asn.astype(np.int32), city=layout.city.astype(np.int32), kind=layout.kind.astype(np.int8),
        pool=pool, asns=_asns(), cities=cities,
        lotteries=tuple(_lottery(layout, cities, kind) for kind in NETWORK_KINDS),
    )


def build_plan(name: str, people: int = 2000, mix: Mapping[str, float] | None = None) -> AddressPlan:
    """The address plan ``name`` (PLANS) for ``people`` customers who live in countries as ``mix`` says.

    Home lines in use: five per customer, so that a proxy's exit now and then is somebody's line; carriers' egresses:
    one per nine customers. With these, 2-3 % of the addresses that customers sign in from show five or more of them, at
    2.17 sign-ins per customer (RBA's sample: 2.4 %).
    """
    if name not in PLANS:
        raise DataError(f"unknown address plan {name!r}{did_you_mean(name, PLANS)}")
    return _cached(name, people, tuple(sorted((mix or {}).items())))


@lru_cache(maxsize=1)
def _cities() -> Cities:
    countries = bundled.rows("countries.csv")
    order = {c["iso"]: i for i, c in enumerate(countries)}
    rows = sorted(bundled.rows("cities.csv"), key=lambda row: order[row["iso"]])
    names = {c["iso"]: c["name"] for c in countries}

    def column(key: str) -> F64:
        return np.array([float(row[key]) for row in rows])

    zone, code = np.unique([row["zone"] for row in rows], return_inverse=True)
    return Cities(
        name=Vocabulary.of(row["name"] for row in rows), state=Vocabulary.of(row["state"] for row in rows),
        country=Vocabulary.of(names[row["iso"]] for row in rows), iso=Vocabulary.of(row["iso"] for row in rows),
        postal=Vocabulary.of(row["postal"] for row in rows), lat=column("lat"), lon=column("lon"),
        zone=code.astype(np.int16), zones=tuple(zone.tolist()),
        utc_offset=np.array([zones.standard(name) for name in zone.tolist()], dtype=np.int32)[code],
        weight=column("population_k"),
        nation=np.array([order[row["iso"]] for row in rows], dtype=np.int32),
        nations=Vocabulary.of(order), continents=Vocabulary.of(c["continent"] for c in countries),
    )


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits of ``text``, words joined by hyphens.

    >>> slug("Çınaraltı Telekom")
    'cinaralti-telekom'
    """
    folded = text.translate(str.maketrans("ıøØłŁđßæÆ", "ioOlLdsaA"))
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())


@lru_cache(maxsize=1)
def _asns() -> Asns:
    rows = bundled.rows("networks.csv")
    number = np.array([64520 + 6 * i for i in range(len(rows))])
    jitter = SEED.noise(number.astype(np.uint64), "number") % np.uint64(6)
    return Asns(
        number=(number + jitter.astype(np.int64)).astype(np.int32), org=Vocabulary.of(r["org"] for r in rows),
        isp=Vocabulary.of(r["isp"] for r in rows), domain=Vocabulary.of(f"{slug(r['isp'])}.example" for r in rows),
        is_proxy=np.array([r["proxy"] == "1" for r in rows]),
    )


@lru_cache(maxsize=1)
def _layout() -> Layout:
    asn, city, kind, mass = (np.array(column) for column in zip(*_holdings(), strict=True))
    size = np.zeros(len(mass), dtype=np.int64)
    for code, name in enumerate(NETWORK_KINDS):
        some = kind == code
        if name in CAPACITY:
            wanted = CAPACITY[name] * mass[some] / mass[some].sum()
            size[some] = 1 << np.clip(np.floor(np.log2(wanted)), SMALLEST, LARGEST).astype(np.int64)
    start = _allocate(size, SEED.child("allocate").stream())
    order = np.argsort(start)
    return Layout(start[order], size[order], asn[order].astype(np.int64), city[order].astype(np.int64),
                  kind[order].astype(np.int64), mass[order].astype(np.float64))


def _holdings() -> list[tuple[int, int, int, float]]:
    """(operator, city, kind, mass) of every prefix: masses fall off like a power law."""
    cities = _cities()
    users = {c["iso"]: float(c["users_m"]) for c in bundled.rows("countries.csv")}
    stream = SEED.child("holdings").stream()
    found = []
    for asn, row in enumerate(bundled.rows("networks.csv")):
        countries = row["countries"].split()
        for kind in row["kinds"].split():
            for rank, iso in enumerate(countries):
                weight = float(row["weight"]) * (users[iso] if len(countries) == 1 else 100.0 / (1 + rank))
                places = _places(cities, iso, kind)
                shares = cities.weight[places] ** 0.7
                for place, share in zip(places, shares / shares.sum(), strict=True):
                    cuts = stream.uniforms(stream.integer(1, 4)) ** -0.9
                    found += [(asn, int(place), NETWORK_KINDS.index(kind), weight * share * c / cuts.sum())
                              for c in cuts.tolist()]
    return found


def _places(cities: Cities, iso: str, kind: str) -> NDArray[np.int32]:
    rows = cities.of_country(iso)
    if kind not in CITIES_OF:
        return rows
    if kind in {"cloud", "hosting", "service"} and iso in DATA_CENTERS:
        rows = np.array([r for r in rows if cities.name[r] in DATA_CENTERS[iso]], dtype=np.int32)
    largest = np.argsort(-cities.weight[rows], kind="stable")[: CITIES_OF[kind]]
    return np.sort(rows[largest])


def _allocate(size: NDArray[np.int64], stream: Stream) -> NDArray[np.int64]:
    """Disjoint aligned blocks in [0, 15 * 2^24): largest first, each in a random free block, in a random half of it."""
    free = [(block << 24, 1 << 24) for block in range(len(PUBLIC_BLOCKS))]
    start = np.zeros(len(size), dtype=np.int64)
    for i in np.argsort(-size, kind="stable").tolist():
        at, room = free.pop(stream.integer(0, len(free)))
        while room > size[i]:
            room //= 2
            left = stream.uniform() < 0.5
            free.append((at + room if left else at, room))
            at = at if left else at + room
        start[i] = at
    return start


def _placed(layout: Layout, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and sizes in the real address space; every mapping keeps the order."""
    block, offset = layout.start >> 24, layout.start & 0xFFFFFF
    if name == "reserved":
        return (240 << 24) + layout.start, layout.size
    if name == "public":
        return (np.array(PUBLIC_BLOCKS)[block] << 24) + offset, layout.size
    last = block == len(PUBLIC_BLOCKS) - 1  # 2^24 addresses into 198.18.0.0/15, the others into 100.64.0.0/10
    carrier = (100 << 24) + (64 << 16) + (layout.start >> 6)
    return (np.where(last, (198 << 24) + (18 << 16) + (offset >> 7), carrier),
            np.where(last, layout.size >> 7, layout.size >> 6))


def _country_share(cities: Cities, mix: dict[str, float]) -> F64:
    """Each country's share of lines in use: half the customers' mix, half the countries' number of users."""
    users = np.array([float(c["users_m"]) for c in bundled.rows("countries.csv")])
    users /= users.sum()
    ours = np.array([mix.get(iso, 0.0) for iso in cities.nations])
    share: F64 = users if not ours.sum() else (ours / ours.sum() + users) / 2
    return share


def _pools(
    layout: Layout, sizes: NDArray[np.int64], cities: Cities, share: F64, people: int
) -> NDArray[np.uint32]:
    """How many addresses of each prefix are in use."""
    in_use = {
        "home": max(30_000, 5 * people), "mobile": max(200, people // 9), "office": 20_000, "business": 20_000,
        "cloud": max(8000, people // 20), "hosting": max(8000, people // 20), "vpn": max(400, people // 2000),
        "crawler": 400, "service": 2000,
    }
    nation = cities.nation[layout.city]
    pool = np.ones(len(sizes))
    for kind, total in in_use.items():
        some = np.flatnonzero(layout.kind == NETWORK_KINDS.index(kind))
        mass = layout.mass[some]
        if kind in {"home", "mobile"}:
            per_country = np.bincount(nation[some], mass, minlength=len(cities.nations))
            mass = mass / per_country[nation[some]] * share[nation[some]]
        pool[some] = np.ceil(total * mass / mass.sum())
    return np.clip(pool, 2, sizes * 0.9).astype(np.uint32)


def _lottery(layout: Layout, cities: Cities, kind: str) -> Lottery:
    own = "home" if kind == "residential_proxy" else kind
    rows = np.flatnonzero(layout.kind == NETWORK_KINDS.index(own))
    rows = rows[np.argsort(layout.city[rows], kind="stable")]
    mass = layout.mass[rows].astype(np.float64)
    if kind == "residential_proxy":
        tilt = np.array([PROXY_TILT.get(iso, 1.5) for iso in cities.nations])
        mass = mass * tilt[cities.nation[layout.city[rows]]]
    return Lottery(
        rows=rows.astype(np.int32), upto=np.concatenate([[0.0], np.cumsum(mass)]),
        nation=np.searchsorted(cities.nation[layout.city[rows]], np.arange(len(cities.nations) + 1)),
        city=np.searchsorted(layout.city[rows], np.arange(len(cities) + 1)),
    )
