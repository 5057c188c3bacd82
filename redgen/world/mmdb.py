"""MaxMind database files: the shape of GeoLite2-City and GeoLite2-ASN, written with mmdb_writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONTINENTS = {
    "EU": (6255148, "Europe"), "NA": (6255149, "North America"), "SA": (6255150, "South America"),
    "AS": (6255147, "Asia"), "AF": (6255146, "Africa"), "OC": (6255151, "Oceania"),
}
"""Code to (GeoNames id, name)."""
BUILD_EPOCH = 1_767_225_600
"""2026-01-01: a constant, so that the same plan gives the same bytes."""


def country(row: int, iso: str, name: str, continent: str) -> dict[str, Any]:
    """The part of a record that is the same in all of a country."""
    number, words = CONTINENTS[continent]
    nation = {"geoname_id": 91_000_000 + row, "iso_code": iso, "names": {"en": name}}
    return {
        "continent": {"code": continent, "geoname_id": number, "names": {"en": words}},
        "country": nation, "registered_country": nation,
    }


def place(row: int, city: str, state: str, postal: str, lat: float, lon: float) -> dict[str, Any]:
    """The part of a record that a city adds, in the shape of GeoLite2-City; ids of places are our own row numbers."""
    return {
        "city": {"geoname_id": 90_000_000 + row, "names": {"en": city}},
        "location": {"accuracy_radius": 20, "latitude": lat, "longitude": lon},
        "postal": {"code": postal},
        "subdivisions": [{"geoname_id": 92_000_000 + row, "names": {"en": state}}],
    }


def operator(number: int, org: str) -> dict[str, Any]:
    """One record in the shape of GeoLite2-ASN."""
    return {"autonomous_system_number": number, "autonomous_system_organization": org}


def write(
    path: Path, shape: str, starts: NDArray[np.uint32], ends: NDArray[np.uint32], records: Sequence[Mapping[str, Any]]
) -> None:
    """Write one record per prefix; ``starts`` and ``ends`` are inclusive and aligned, ``shape`` is the database type.

    Like MaxMind's files it is an IPv6 tree that holds IPv4 below ::/96.
    """
    from mmdb_writer import MMDBWriter
    from netaddr import IPNetwork, IPSet  # what mmdb_writer takes, and depends on

    class Writer(MMDBWriter):
        def _build_meta(self) -> dict[str, Any]:
            return {**super()._build_meta(), "build_epoch": BUILD_EPOCH}

    writer = Writer(
        ip_version=6, ipv4_compatible=True, database_type=shape, languages=["en"], int_type="u32",
        description={"en": "Fictional networks of a redgen world"},
    )
    for start, end, record in zip(starts.tolist(), ends.tolist(), records, strict=True):
        length = 32 - (end - start).bit_length()
        writer.insert_network(IPSet([IPNetwork((start, length), version=4)]), dict(record))
    writer.to_db_file(str(path))
