"""What web activity is on the wire: connections as flows, and the lookups that precede them."""

from __future__ import annotations

from typing import Any

from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World


FLOW_TAIL = 120_000_000
"""A flow is done at most this many microseconds after the last request of its connection is done."""


def flows(world: World, seed: Seed, http: Table) -> Table:
    """One flow row per connection: the rows of ``http`` that share ``conn`` (answered rows: after ``web.respond``).

    ``http`` must hold every row of each connection it touches (give whole sessions; cut by time afterwards). A flow
    starts a handshake before its first request and is done when the connection closes: at the client's close, at the
    server's keep-alive timeout, or by reset. Payload includes TLS and header overhead. ``id`` and ``uid`` = mix of
    ``conn``; ``cause`` and ``truth`` are those of the connection's first row.
    """
    raise NotImplementedError


def lookups(
    world: World, seed: Seed, *, ids: Any, cause: Any, t: Any, truth: Any, client: Any, name: Any, qtype: Any = 0
) -> Table:
    """DNS rows for needs of ``name`` (World.dns names) by inner ``client`` addresses at ``t``: arrays of one length.

    A client asks at most once per TTL epoch of (client, name): the first need of an epoch becomes a row, later ones
    come from its cache. For rows that do not depend on how time is sliced give the needs of one longest TTL before
    the slice, too (``longest_ttl``). Answers show what is left of the resolver's own TTL epoch.
    """
    raise NotImplementedError


def longest_ttl(world: World) -> int:
    """The longest TTL among the world's names, in microseconds: the look-back that ``lookups`` needs."""
    raise NotImplementedError
