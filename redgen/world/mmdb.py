"""MaxMind database files: the shape of GeoLite2-City and GeoLite2-ASN, written with mmdb_writer."""

from __future__ import annotations

import ipaddress
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


def place(city: str, state: str, iso: str, country: str, postal: str, lat: float, lon: float, row: int) -> dict[str, Any]:
    """One record in the shape of GeoLite2-City; ids of places are our own row numbers above 90 million."""
    record: dict[str, Any] = {
        "city": {"geoname_id": 90_000_000 + row, "names": {"en": city}},
        "country": {"geoname_id": 91_000_000 + ord(iso[0]) * 100 + ord(iso[1]), "iso_code": iso, "names": {"en": country}},
        "location": {"accuracy_radius": 20, "latitude": lat, "longitude": lon},
        "subdivisions": [{"geoname_id": 92_000_000 + row, "names": {"en": state}}],
    }
    if postal:
        record["postal"] = {"code": postal}
    return record


def operator(number: int, org: str) -> dict[str, Any]:
    """One record in the shape of GeoLite2-ASN."""
    return {"autonomous_system_number": number, "autonomous_system_organization": org}


def write(
    path: Path, shape: str, starts: NDArray[np.uint32], ends: NDArray[np.uint32], records: Sequence[Mapping[str, Any]]
) -> None:
    """Write one record per prefix; ``starts`` and ``ends`` are inclusive, ``shape`` is the database type."""
    raise NotImplementedError
