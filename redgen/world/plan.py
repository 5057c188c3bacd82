"""The address plan: a fictional internet of prefixes, each with its network operator, its city and its kind."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.seed import F64, U64, Seed, picked
from redgen.vocabulary import Vocabulary
from redgen.world import mmdb

U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]
Bools = NDArray[np.bool_]

NETWORK_KINDS = (
    "home",               # dynamic and static lines of consumers' providers
    "mobile",             # carrier-grade NAT: few egress addresses, many people behind each
    "office",             # leased lines behind which whole offices sit
    "vpn",                # commercial VPN exits
    "cloud",              # rented virtual machines of the big clouds
    "hosting",            # cheap servers
    "residential_proxy",  # an overlay: the same prefixes and addresses as home, other countries in front
    "business",           # small firms' lines with a fixed address
    "crawler",            # operators of declared crawlers and monitors
    "service",            # what the organisation and its suppliers serve from
)
"""``AddressPlan.kind`` is a position in this tuple; residential_proxy owns no prefix of its own."""

PLANS = ("reserved", "benchmark", "public")
"""240.0.0.0/4; 198.18.0.0/15 with 100.64.0.0/10; globally routable space."""


@dataclass(frozen=True)
class Asns:
    """Network operators, one row each; all fictional, numbered from the private range 64512-65534 (RFC 6996)."""

    number: I32
    org: Vocabulary       # as the registry has it: "Halvorsen Bredband AS"
    isp: Vocabulary       # the brand
    domain: Vocabulary    # "halvorsen-bredband.example"
    is_proxy: Bools       # known anonymizers, as an IP intelligence feed would say

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True)
class Cities:
    """Real cities, one row each: geography is a fact, only the networks are invented."""

    name: Vocabulary
    state: Vocabulary
    country: Vocabulary   # full English name
    iso: Vocabulary       # ISO 3166-1 alpha-2
    postal: Vocabulary
    lat: F64
    lon: F64
    zone: NDArray[np.int16]     # code in ``zones``
    zones: tuple[str, ...]      # IANA names: "Europe/Dublin"
    utc_offset: I32       # minutes east of UTC, standard time
    weight: F64           # population, thousands
    nation: I32           # position of the country in ``nations``
    nations: Vocabulary   # ISO codes, each once
    continents: Vocabulary      # of each nation: EU NA SA AS AF OC

    def __len__(self) -> int:
        return len(self.lat)

    def of_country(self, iso: str) -> I32:
        """The rows of one country; empty when the plan has none there."""
        nation = self.nations.codes([iso])[0] if iso in self.nations else -1
        return np.flatnonzero(self.nation == nation).astype(np.int32)

    def distance_km(self, a: I32, b: I32) -> F64:
        """Great-circle distance between cities, row by row (haversine, mean Earth radius 6371 km)."""
        la, lb = np.radians(self.lat[a]), np.radians(self.lat[b])
        dlon = np.radians(self.lon[b] - self.lon[a])
        h = np.sin((lb - la) / 2) ** 2 + np.cos(la) * np.cos(lb) * np.sin(dlon / 2) ** 2
        found: F64 = 2 * 6371.0 * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
        return found


@dataclass(frozen=True)
class Lottery:
    """How addresses of one kind are drawn: prefix rows ordered by (country, city) with a running total of weight."""

    rows: I32             # [m] prefix rows
    upto: F64             # [m + 1] running total, from 0
    nation: NDArray[np.int64]   # [countries + 1] where each country's rows begin
    city: NDArray[np.int64]     # [cities + 1] where each city's rows begin (cities are numbered country by country)

    def pick(self, u: F64, first: NDArray[np.int64] | int, stop: NDArray[np.int64] | int) -> I32:
        """Prefix rows for uniforms ``u``, each among positions [first, stop) by weight."""
        low, high = self.upto[first], self.upto[stop]
        at = np.searchsorted(self.upto, low + u * (high - low), side="right") - 1
        return self.rows[np.clip(at, first, np.asarray(stop) - 1)]


@dataclass(frozen=True)
class AddressPlan:
    """Prefixes sorted by address. ``starts`` and ``ends`` (both inclusive) are u4[n], all else one value per prefix.

    ``pool`` is how many addresses of a prefix are in use: carrier-grade NAT has few, home lines many.
    """

    name: str             # one of PLANS
    starts: U32
    ends: U32
    asn: I32              # row of ``asns``
    city: I32             # row of ``cities``
    kind: NDArray[np.int8]      # NETWORK_KINDS
    pool: NDArray[np.uint32]
    asns: Asns
    cities: Cities
    lotteries: tuple[Lottery, ...]   # one per NETWORK_KINDS

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, addr: U32) -> I32:
        """The prefix row of each address; -1 for addresses outside the plan, such as inner ones."""
        at = np.searchsorted(self.starts, addr, side="right").astype(np.int32) - 1
        inside = (at >= 0) & (addr <= self.ends[at])
        return np.where(inside, at, -1).astype(np.int32)

    def city_of(self, addr: U32) -> I32:
        """The city row of each address, -1 outside the plan."""
        row = self.find(addr)
        return np.where(row >= 0, self.city[row], -1).astype(np.int32)

    def asn_of(self, addr: U32) -> I32:
        """The row in ``asns`` of each address, -1 outside the plan."""
        row = self.find(addr)
        return np.where(row >= 0, self.asn[row], -1).astype(np.int32)

    def nation_of(self, addr: U32) -> I32:
        """The country (position in ``cities.nations``) of each address, -1 outside the plan."""
        city = self.city_of(addr)
        return np.where(city >= 0, self.cities.nation[city], -1).astype(np.int32)

    def lottery(self, kind: str) -> Lottery:
        """How addresses of ``kind`` are drawn; DataError when there is no such kind."""
        if kind not in NETWORK_KINDS:
            raise DataError(f"unknown network kind {kind!r}{did_you_mean(kind, NETWORK_KINDS)}")
        return self.lotteries[NETWORK_KINDS.index(kind)]

    def draw(self, kind: str, ids: U64, seed: Seed, name: str) -> U32:
        """One address of ``kind`` per id, anywhere in the world: a pure function of seed, name and id."""
        lottery = self.lottery(kind)
        rows = lottery.pick(seed.uniform(ids, f"{name}/prefix"), 0, len(lottery.rows))
        return self.within(rows, ids, seed, name)

    def near(self, kind: str, city: I32, ids: U64, seed: Seed, name: str) -> U32:
        """One address of ``kind`` per id, close to ``city`` (rows of ``cities``).

        Three in four come from the city itself where it has such a network, the others from its country, and
        from anywhere only where the country has none.
        """
        lottery = self.lottery(kind)
        nation = self.cities.nation[city]
        first, stop = lottery.nation[nation], lottery.nation[nation + 1]
        at_home = (lottery.city[city + 1] > lottery.city[city]) & (seed.uniform(ids, f"{name}/near") < 0.75)
        first = np.where(at_home, lottery.city[city], first)
        stop = np.where(at_home, lottery.city[city + 1], stop)
        nowhere = stop <= first
        first, stop = np.where(nowhere, 0, first), np.where(nowhere, len(lottery.rows), stop)
        return self.within(lottery.pick(seed.uniform(ids, f"{name}/prefix"), first, stop), ids, seed, name)

    def among(self, kind: str, countries: Sequence[str], ids: U64, seed: Seed, name: str) -> U32:
        """One address of ``kind`` per id in one of ``countries`` (ISO codes); DataError when there is none."""
        lottery = self.lottery(kind)
        known = set(self.cities.nations)
        for iso in countries:
            if iso not in known:
                raise DataError(f"the address plan has no country {iso!r}{did_you_mean(iso, known)}")
        nations = self.cities.nations.codes(list(countries))
        weight = lottery.upto[lottery.nation[nations + 1]] - lottery.upto[lottery.nation[nations]]
        if not weight.sum() > 0:
            raise DataError(f"no {kind} network in {', '.join(countries)}")
        upto = np.cumsum(weight)
        nation = nations[picked(seed.uniform(ids, f"{name}/country"), upto)]
        rows = lottery.pick(seed.uniform(ids, f"{name}/prefix"), lottery.nation[nation], lottery.nation[nation + 1])
        return self.within(rows, ids, seed, name)

    def within(self, rows: I32, ids: U64, seed: Seed, name: str) -> U32:
        """One address in use per id, inside the given prefixes."""
        return self.address(rows, seed.noise(ids, f"{name}/host") % self.pool[rows].astype(np.uint64))

    def address(self, rows: I32, serial: U64) -> U32:
        """The ``serial``-th address in use of each prefix (serial < ``pool``), scattered over the prefix.

        An odd multiplier permutes the 2^k addresses of a prefix, so different serials are different addresses; only
        that a last byte of 0 or 255, which providers do not hand out, becomes 1 or 254.
        """
        size = (self.ends[rows] - self.starts[rows]).astype(np.uint64) + np.uint64(1)
        offset = (serial * np.uint64(0x9E3779B1) + np.uint64(37) * (rows.astype(np.uint64) + np.uint64(1))) % size
        addr = self.starts[rows] + offset.astype(np.uint32)
        last = addr & np.uint32(255)
        found: U32 = addr + (last == 0).astype(np.uint32) - (last == 255).astype(np.uint32)
        return found

    def write_mmdb(self, folder: Path) -> tuple[Path, Path]:
        """Write ``geoip.mmdb`` (the shape of GeoLite2-City) and ``asn.mmdb`` (GeoLite2-ASN) into ``folder``."""
        c, a = self.cities, self.asns
        names = dict(zip(c.iso, c.country, strict=True))
        nations = [mmdb.country(i, iso, names[iso], c.continents[i]) for i, iso in enumerate(c.nations)]
        places = [
            {**nations[c.nation[i]],
             **mmdb.place(i, c.name[i], c.state[i], c.postal[i], float(c.lat[i]), float(c.lon[i]))}
            for i in range(len(c))
        ]
        operators = [mmdb.operator(int(a.number[i]), a.org[i]) for i in range(len(a))]
        geo, asn = folder / "geoip.mmdb", folder / "asn.mmdb"
        mmdb.write(geo, "GeoLite2-City", self.starts, self.ends, [places[i] for i in self.city])
        mmdb.write(asn, "GeoLite2-ASN", self.starts, self.ends, [operators[i] for i in self.asn])
        return geo, asn


def dotted(address: int) -> str:
    """An address as text; nothing for 0."""
    return str(ipaddress.IPv4Address(int(address))) if address else ""
