"""``lookups/``: what a SIEM enriches with: identities, assets, and the fictional internet's GeoIP and ASN databases."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from numpy.typing import NDArray

from redgen.activity.terms import FACTORS
from redgen.shards.arrow import numbers, texts
from redgen.vocabulary import Vocabulary
from redgen.world.hosts import HOST_ROLES
from redgen.world.people import PEOPLE_KINDS
from redgen.world.plan import dotted
from redgen.world.world import World

ASSETS = ("name", "kind", "address", "inner_address", "role")


def write_lookups(world: World, folder: Path) -> None:
    """Write all four files into ``folder``, which exists."""
    write_identities(world, folder / "identities.csv")
    with (folder / "assets.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(ASSETS)
        out.writerows(_assets(world))
    world.plan.write_mmdb(folder)


def write_identities(world: World, path: Path) -> None:
    """One row per login: who it is, where at home, which accounts elsewhere. Columns, so a million take seconds."""
    people, cities = world.people, world.plan.cities
    columns = {
        "login": words(people.login),
        "display_name": words(people.display),
        "kind": pick(PEOPLE_KINDS, people.kind),
        "city": words(cities.name, people.city),
        "country": words(cities.iso, people.city),
        "utc_offset_minutes": numbers(people.utc_offset),
        "mfa": pick(FACTORS, people.factor),
        "unix_account": words(world.hosts.unix_names, people.unix),
        "aws_principal": words(world.cloud.principals.name, people.principal),
        "office": words(world.offices.name, people.office),
    }
    with path.open("wb") as sink:
        pv.write_csv(pa.table(columns), sink, pv.WriteOptions(quoting_style="needed"))


def words(vocabulary: Vocabulary, codes: NDArray[Any] | None = None) -> pa.Array:
    """The vocabulary's strings, all of them or those at ``codes`` (-1: null), as an Arrow array."""
    ends, text = pa.py_buffer(np.ascontiguousarray(vocabulary.offsets)), pa.py_buffer(vocabulary.data.tobytes())
    whole = pa.LargeStringArray.from_buffers(len(vocabulary), ends, text)
    if codes is None:
        return whole
    return whole.take(numbers(codes.astype(np.int64), codes < 0))


def pick(choices: tuple[str, ...], codes: NDArray[Any]) -> pa.Array:
    """The words of a closed list at ``codes`` (-1: null)."""
    return texts(choices).take(numbers(codes.astype(np.int64), codes < 0))


def _assets(world: World) -> Iterator[tuple[str, str, str, str, str]]:
    hosts, sites, offices = world.hosts, world.sites, world.offices
    for k in range(len(hosts)):
        yield hosts.name[k], "host", dotted(hosts.public[k]), dotted(hosts.addr[k]), HOST_ROLES[hosts.role[k]]
    for k in range(len(sites)):
        yield sites.host[k], "site", dotted(sites.addr[k]), dotted(sites.inner[k]), "web"
    for k in range(len(offices)):
        inner = f"{dotted(offices.inner[k])}/{int(offices.inner_len[k])}"
        yield offices.name[k], "office", dotted(offices.egress[k]), inner, "nat"
