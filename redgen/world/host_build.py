"""Linux hosts and their accounts, and the offices, from the spec."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redgen.errors import DataError, did_you_mean
from redgen.seed import Seed
from redgen.spec.world import WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world import bundled
from redgen.world.hosts import HOST_ROLES, SERVERS, SYSLOG_STYLES, Hosts
from redgen.world.offices import Offices
from redgen.world.plan import I32, U32, AddressPlan
from redgen.world.populate import REMOTE

_FIRST = SERVERS + (4 << 8) + 10
"""10.20.4.10 and above: Linux hosts."""
OFFICE_LEN = 20
SYSTEM_UIDS = {
    "root": 0, "www-data": 33, "postgres": 114, "deploy": 998, "backup": 34, "jenkins": 117, "monitoring": 997,
}


def build_offices(spec: WorldSpec, plan: AddressPlan, first_employee: int, employees: int, seed: Seed) -> Offices:
    """Offices with their addresses and who sits there; DataError when the plan has no such city."""
    names = list(plan.cities.name)
    for office in spec.offices:
        if office.city not in names:
            raise DataError(f"office {office.name!r}: no city {office.city!r} in the address plan"
                            f"{did_you_mean(office.city, names)}")
    city = np.array([names.index(office.city) for office in spec.offices], dtype=np.int32)
    ids = np.arange(len(city), dtype=np.uint64)
    shares = np.array([office.share for office in spec.offices])
    seats = np.round(np.cumsum(shares) / max(shares.sum(), 1e-12) * employees * (1 - REMOTE)).astype(np.int32)
    stop = first_employee + seats
    return Offices(
        name=Vocabulary.of(office.name for office in spec.offices),
        egress=_distinct(plan, city, ids, seed),
        inner=np.array([(10 << 24) + ((64 + i) << 16) for i in range(len(city))], dtype=np.uint32),
        inner_len=np.full(len(city), OFFICE_LEN, dtype=np.int8), city=city,
        first=np.concatenate([[first_employee], stop[:-1]]).astype(np.int32)[: len(city)], stop=stop.astype(np.int32),
    )


def _distinct(plan: AddressPlan, city: I32, ids: np.ndarray[tuple[int], np.dtype[np.uint64]], seed: Seed) -> U32:
    """One office line per office, no two the same."""
    found = plan.near("office", city, ids, seed, "egress")
    for attempt in range(20):
        again = np.setdiff1d(np.arange(len(found)), np.unique(found, return_index=True)[1])
        if not len(again):
            break
        found[again] = plan.near("office", city[again], ids[again], seed, f"egress {attempt}")
    return found


def build_hosts(spec: WorldSpec, public: U32, account_names: Sequence[str], uids: Sequence[int]) -> Hosts:
    """Hosts in spec order; ``public`` has one address per host, ``account_names`` are people's, with their uids."""
    names, roles, exposed, styles = [], [], [], []
    for host in spec.hosts:
        for number in range(host.count):
            names.append(host.name if host.count == 1 and host.name[-1].isdigit() else f"{host.name}{number + 1:02d}")
            roles.append(HOST_ROLES.index(host.role))
            exposed.append(host.exposed)
            styles.append(SYSLOG_STYLES.index(host.style))
    words = bundled.sections("words.txt")
    system = words["system accounts"]
    owned = [*system, *account_names]
    guessed = [name for name in dict.fromkeys(words["guessed unix names"]) if name not in set(owned)]
    everyday, unusual = words["everyday commands"], words["unusual commands"]
    return Hosts(
        name=Vocabulary.of(names), role=np.array(roles, dtype=np.int8),
        addr=(_FIRST + np.arange(len(names))).astype(np.uint32),
        public=np.where(np.array(exposed, dtype=np.bool_), public[: len(names)], 0).astype(np.uint32),
        exposed=np.array(exposed, dtype=np.bool_), style=np.array(styles, dtype=np.int8),
        unix_names=Vocabulary.of([*owned, *guessed]), owned=len(owned),
        uids=np.array([*(SYSTEM_UIDS[name] for name in system), *uids, *(-1 for _ in guessed)], dtype=np.int32),
        commands=Vocabulary.of([*everyday, *unusual]), ordinary=len(everyday),
    )


def count_hosts(spec: WorldSpec) -> int:
    """How many hosts the spec asks for."""
    return sum(host.count for host in spec.hosts)
