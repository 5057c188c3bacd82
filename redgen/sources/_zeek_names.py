"""Questions and answers of ``dns`` rows, as columns, holes and sizes that the DNS and the connection log share.

A row asks for ``World.names[name]``; for a label drawn from ``label`` below ``World.zones[zone]`` when name is -1; or,
with qtype PTR and an ``answer``, for that address below in-addr.arpa, and ``name`` is then what it answers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import QTYPES, RCODES
from redgen.render.escapes import json_text, plain, zeek_tsv
from redgen.render.holes import BASE32_UPPER, Forms, Hole, IPv4, Letters, Text
from redgen.render.template import Template
from redgen.seed import I64
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from redgen.world.world import World

_NAMED, _LABELED, _REVERSED = range(3)
ASKED = {"ask": "i1", "name": "i4", "label": "u8", "zone": "i4", "arpa": "u4"}
"""The columns that the holes of a question read."""

NOTHING, ADDRESS, ADDRESS6, POINTER, TEXT, DRAWN_TEXT, SERVER = range(7)
"""What a reply's answer section holds."""
_SERVERS = {"MX": "mail", "NS": "ns1", "SRV": "sip", "CNAME": "edge"}
SERVER_LABELS = tuple(_SERVERS.values())
_PTR = QTYPES.index("PTR")
_RECORD_BYTES = np.array([0, 16, 28, 40, 60, 80, 40])
"""Of an answer record by its kind, the owner's name compressed to a pointer."""


def asked(world: World, dns: Table) -> dict[str, Any]:
    """The columns of ``ASKED`` for ``dns`` rows."""
    name = np.maximum(dns["name"], 0)
    backwards = (dns["qtype"] == _PTR) & (dns["answer"] > 0)
    zone = np.where(dns["name"] >= 0, world.dns.zone[name], dns["zone"])
    return {
        "ask": np.where(backwards, _REVERSED, np.where(dns["name"] >= 0, _NAMED, _LABELED)),
        "name": name, "label": dns["label"], "zone": np.maximum(zone, 0), "arpa": dns["answer"].byteswap(),
    }


def question(world: World, encoding: str) -> dict[str, Hole]:
    """The hole ``query`` and those below it."""
    escape = {"tsv": zeek_tsv, "json": json_text, "plain": plain}[encoding]
    return {
        "query": Forms(["@{name}", "@{label}.@{zone}", "@{arpa}.in-addr.arpa"], "ask"),
        "name": Text(world.names.escaped(escape), "name"),
        "label": Letters("label", BASE32_UPPER.lower(), 16, 40),
        "zone": Text(world.zones.escaped(escape), "zone"),
        "arpa": IPv4("arpa"),
    }


def answers(dns: Table) -> NDArray[np.int8]:
    """What the answer section of each reply holds: NOTHING, ADDRESS, … HTTPS records are not there to be found."""
    qtype, has = dns["qtype"], dns["answer"] > 0
    kinds = np.array([{"A": ADDRESS, "AAAA": ADDRESS6, "PTR": POINTER, "TXT": TEXT, "HTTPS": NOTHING}.get(q, SERVER)
                      for q in QTYPES], dtype=np.int8)
    kind = kinds[qtype]
    drawn = (kind == TEXT) & (dns["name"] < 0)
    kind = np.where(drawn, DRAWN_TEXT, kind)
    empty = ~has & ((kind == ADDRESS) | (kind == ADDRESS6)) | (kind == POINTER) & (~has | (dns["name"] < 0))
    return np.where(empty | (dns["rcode"] != RCODES.index("NOERROR")), NOTHING, kind).astype(np.int8)


def server_label(dns: Table) -> NDArray[np.int8]:
    """Position in ``SERVER_LABELS`` of the host that an MX, NS, SRV or CNAME answer names."""
    codes = {QTYPES.index(q): k for k, q in enumerate(_SERVERS)}
    return np.array([codes.get(q, 0) for q in range(len(QTYPES))], dtype=np.int8)[dns["qtype"]]


def spf(world: World) -> Vocabulary:
    """Per zone the TXT answer as Zeek writes it: length and text."""
    records = (f"v=spf1 include:_spf.{zone} -all" for zone in world.zones)
    return Vocabulary.of(f"TXT {len(record)} {record}" for record in records)


class Sizes:
    """Payload bytes of DNS messages, from the exact length of the name asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._query = Template(["@{query}"], question(world, "plain"))

    def of(self, dns: Table) -> tuple[I64, I64]:
        """(bytes of the query, bytes of the reply or 0): header 12, question name + 6, EDNS option 11, then records."""
        _, ends = self._query.render(asked(self._world, dns))
        edns = np.where(self._world.seed.uniform(dns["client"].astype(np.uint64), "edns") < 0.6, 11, 0)
        query = np.diff(ends, prepend=0) + 18 + edns
        kind, rcode = answers(dns), dns["rcode"]
        refused = rcode > RCODES.index("NXDOMAIN")
        said = np.where(kind > NOTHING, _RECORD_BYTES[kind], np.where(refused, 0, 75))  # no record: the SOA
        return query, np.where(rcode < 0, 0, query + said)
