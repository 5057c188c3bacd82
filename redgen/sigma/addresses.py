"""IP addresses in one sortable form, so that membership in a network is a range of text."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pyarrow as pa

MAPPED = 0xFFFF << 32
"""IPv4 lives at ::ffff:0:0/96 (RFC 4291, 2.5.5.2), so one order holds both families."""


def _digits(address: IPv4Address | IPv6Address) -> str:
    return format(int(address) | (MAPPED if address.version == 4 else 0), "032x")


@lru_cache(maxsize=1 << 18)
def normal(value: str) -> str | None:
    """32 hex digits of an address in any spelling, None for anything else; brackets and zone ids do not count.

    >>> normal("10.0.0.1") == normal("[::ffff:10.0.0.1]"), normal("fe80::1%eth0") == normal("FE80:0:0::1"), normal("x")
    (True, True, None)
    """
    bare = value.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    try:
        return _digits(ip_address(bare.split("%", 1)[0]))
    except ValueError:
        return None


def bounds(network: IPv4Network | IPv6Network) -> tuple[str, str]:
    """First and last address of a network in the same form."""
    return _digits(network.network_address), _digits(network.broadcast_address)


def normal_column(values: pa.Array) -> pa.Array:
    """``normal`` for a whole column, each distinct value once."""
    coded = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = coded.dictionary_encode()
    words = pa.array([normal(v) for v in coded.dictionary.to_pylist()], pa.string())
    return words.take(coded.indices)
