"""Questions and answers of ``dns`` rows, as columns, holes and sizes that the DNS and the connection log share.

A row asks for ``World.names[name]``; for a label drawn from ``label`` below ``World.zones[zone]`` when name is -1; or,
with qtype PTR and an ``answer``, for that address below in-addr.arpa, and ``name`` is then what it answers.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import QTYPES, RCODES
from redgen.clock import SECOND
from redgen.render.escapes import json_text, plain, zeek_tsv
from redgen.render.holes import BASE32_UPPER, Forms, Hole, IPv4, Letters, Text
from redgen.render.template import Template
from redgen.seed import I64
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from redgen.world.names import NAME_KINDS
from redgen.world.world import World

_NAMED, _LABELED, _REVERSED = range(3)
ASKED = {"ask": "i1", "name": "i4", "label": "u8", "zone": "i4", "arpa": "u4"}
"""The columns that the holes of a question read."""

NOTHING, ADDRESS, ADDRESS6, POINTER, TEXT, DRAWN_TEXT, SERVER = range(7)
"""What a reply's answer section holds."""
SHAPES = (("a1",), ("c1", "a1"), ("a1", "a2"), ("c1", "a1", "a2"), ("a1", "a2", "a3", "a4"), ("c1", "c2", "a1"))
"""What a reply about an address lists, in order: aliases (c) and addresses (a), the first of which clients use."""
_SHAPE_UPTO = np.array([0.42, 0.64, 0.75, 0.87, 0.94])
"""Cumulative shares of names by ``SHAPES``. Source: unverified."""
_ALIAS_TTL, _NETWORKS = 3_600, 6
_SERVERS = {"MX": "mx1", "NS": "ns1", "SRV": "svc1", "CNAME": "edge", "SOA": "ns0"}
_SENDERS = ("mta1", "out", "relay2", "smtp-out")
SERVER_LABELS = (*_SERVERS.values(), *_SENDERS)
_PTR = QTYPES.index("PTR")
_RECORD_BYTES = np.array([0, 16, 28, 40, 13, 13, 40])
"""Of an answer record by its kind, the owner's name compressed to a pointer; of texts, without the text."""
DRAWN_BYTES = (20, 48, 88, 172)
"""Lengths of texts that are drawn: verdicts of a reputation service are short, data is as long as it fits."""


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
    escape = {"tsv": zeek_tsv, "json": json_text}.get(encoding, plain)
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
    kind = np.where((kind == POINTER) & (dns["name"] < 0), SERVER, kind)
    empty = ~has & ((kind == ADDRESS) | (kind == ADDRESS6) | (qtype == _PTR))
    return np.where(empty | (dns["rcode"] != RCODES.index("NOERROR")), NOTHING, kind).astype(np.int8)


def shapes(world: World, dns: Table) -> NDArray[np.int8]:
    """Position in ``SHAPES`` of each reply about an address: a fact of the name asked for, names outside only."""
    name = np.maximum(dns["name"], 0)
    kinds = answers(dns)
    several = (dns["name"] >= 0) & (world.dns.kind[name] == NAME_KINDS.index("external"))
    several &= (kinds == ADDRESS) | (kinds == ADDRESS6)
    drawn = np.searchsorted(_SHAPE_UPTO, world.seed.uniform(name.astype(np.uint64), "shape"), side="right")
    return np.where(several, np.minimum(drawn, len(SHAPES) - 1), 0).astype(np.int8)


def aliases(world: World) -> tuple[list[str], list[str]]:
    """Per name what it is an alias of (a host of a content network or a load balancer), and what that is one of."""
    zones = world.dns.zone[world.dns.kind == NAME_KINDS.index("external")]
    pool = [world.zones[int(z)] for z in np.unique(zones)] or [world.org.domain]
    keys = world.seed.noise(np.arange(len(world.dns), dtype=np.uint64), "alias").tolist()
    nets = [pool[world.seed.key_for(f"content network {k}") % len(pool)] for k in range(_NETWORKS)]
    first, second = [], []
    for name, key in zip(world.names, keys, strict=True):
        net, serial = nets[key % _NETWORKS], f"{key >> 8 & 0xFFFFFFFFFF:010x}"
        label, _, rest = name.partition(".")
        first.append((f"{name}.edge.{net}", f"d{serial}.cdn.{net}", f"{label}-{rest.partition('.')[0]}.lb.{net}")[
            key // _NETWORKS % 3])
        second.append(f"e{key >> 20 & 0x3FFF}.{'abdg'[key >> 40 & 3]}.{net}")
    return first, second


def answer_forms(world: World, encoding: str) -> dict[str, Hole]:
    """The holes ``addresses``, ``addresses6`` and ``ttls`` and those below them: answers as ``SHAPES`` say."""
    escape = {"tsv": zeek_tsv, "json": json_text}.get(encoding, plain)
    between = '","' if encoding == "json" else ","
    told = [Vocabulary.of(names).escaped(escape) for names in aliases(world)]
    group = _groups()
    return {
        "addresses": Forms([between.join(f"@{{{p}}}" for p in shape) for shape in SHAPES], "shape"),
        "addresses6": Forms([between.join(f"@{{{p}}}" if p[0] == "c" else f"2001:db8:@{{high}}:@{{low}}::{p[1]}"
                                          for p in shape) for shape in SHAPES], "shape"),
        "ttls": Forms([",".join("@{alias ttl}" if p[0] == "c" else "@{ttl}" for p in shape) for shape in SHAPES],
                      "shape"),
        "a1": IPv4("answer"), **{f"a{k}": IPv4(f"answer{k}") for k in (2, 3, 4)},
        "c1": Text(told[0], "name"), "c2": Text(told[1], "name"),
        "high": Text(group, "high"), "low": Text(group, "low"),
    }


@cache
def _groups() -> Vocabulary:
    """The 16-bit groups of an IPv6 address."""
    return Vocabulary.of(f"{k:x}" for k in range(1 << 16))


def alias_ttl(world: World, dns: Table) -> I64:
    """Seconds left of the TTL of each reply's aliases, which live longer than addresses do."""
    name = np.maximum(dns["name"], 0).astype(np.uint64)
    phase = (world.seed.noise(name, "alias ttl") % np.uint64(_ALIAS_TTL)).astype(np.int64)
    return _ALIAS_TTL - (dns["t"] // SECOND + phase) % _ALIAS_TTL


def server_label(dns: Table) -> NDArray[np.int8]:
    """Position in ``SERVER_LABELS`` of the host that an answer names; a PTR one without a name: some mail server."""
    codes = {QTYPES.index(q): k for k, q in enumerate(_SERVERS)}
    by_type = np.array([codes.get(q, 0) for q in range(len(QTYPES))], dtype=np.int8)[dns["qtype"]]
    sender = len(_SERVERS) + (dns["answer"] >> 3) % len(_SENDERS)
    return np.where(dns["qtype"] == _PTR, sender, by_type).astype(np.int8)


def texts(world: World) -> Vocabulary:
    """Per name the TXT answer as Zeek writes it: length and text."""
    told = _texts(world)
    return Vocabulary.of(f"TXT {len(text)} {text}" for text in told)


def _texts(world: World) -> list[str]:
    """Per name its TXT record: a policy of mail (SPF, DMARC), a public key (DKIM); of other names, SPF all the same."""
    found = []
    for name, z, draw in zip(world.names, world.dns.zone, world.seed.noise(np.arange(len(world.dns), dtype=np.uint64),
                                                                           "text").tolist(), strict=True):
        zone, end = world.zones[int(z)], ("-all", "~all", "-all", "~all", "?all")[draw % 5]
        if name.startswith("_dmarc."):
            policy = ("none", "quarantine", "reject")[draw % 3]
            found.append(f"v=DMARC1; p={policy}; rua=mailto:dmarc@{zone}" + "; pct=100" * (draw % 4 == 0))
        elif "._domainkey." in name:
            found.append(f"v=DKIM1; k=rsa; p={_public_key(draw)}")
        else:
            who = (f"include:_spf.{zone}", f"a mx include:_spf.{zone}", "mx", f"redirect=_spf.{zone}")[draw // 5 % 4]
            found.append(f"v=spf1 {who}" + f" {end}" * ("redirect" not in who))
    return found


def _public_key(draw: int) -> str:
    """An RSA key of 1024 bits in base 64: a fixed head, a modulus that looks random, a fixed tail."""
    body = hashlib.shake_256(draw.to_bytes(8, "big")).digest(129)
    return f"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC{base64.b64encode(body).decode()[:171]}IDAQAB"


def drawn_length(dns: Table) -> NDArray[np.int8]:
    """Position in ``DRAWN_BYTES`` of each drawn text's length."""
    return (dns["label"] >> np.uint64(40) & np.uint64(3)).astype(np.int8)


class Sizes:
    """Payload bytes of DNS messages, from the exact length of the name asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._query = Template(["@{query}"], question(world, "plain"))
        self._text = np.array([len(text) for text in _texts(world)], dtype=np.int64)
        self._names = [np.array([len(name) + 14 for name in names], dtype=np.int64) for names in aliases(world)]
        self._addresses = np.array([sum(p[0] == "a" for p in shape) for shape in SHAPES])
        self._aliased = np.array([[p in shape for p in ("c1", "c2")] for shape in SHAPES], dtype=np.int64)

    def of(self, dns: Table) -> tuple[I64, I64]:
        """(bytes of the query, bytes of the reply or 0): header 12, question name + 6, EDNS option 11, then records."""
        _, ends = self._query.render(asked(self._world, dns))
        edns = np.where(self._world.seed.uniform(dns["client"].astype(np.uint64), "edns") < 0.6, 11, 0)
        query = np.diff(ends, prepend=0) + 18 + edns
        kind, rcode = answers(dns), dns["rcode"]
        refused = rcode > RCODES.index("NXDOMAIN")
        text = np.where(kind == TEXT, self._text[np.maximum(dns["name"], 0)], 0)
        text = np.where(kind == DRAWN_TEXT, np.array(DRAWN_BYTES)[drawn_length(dns)], text)
        shape, name = shapes(self._world, dns), np.maximum(dns["name"], 0)
        size = _RECORD_BYTES[kind] * self._addresses[shape] + sum(
            names[name] * self._aliased[shape, k] for k, names in enumerate(self._names)) + text
        said = np.where(kind > NOTHING, size, np.where(refused, 0, 75))  # no record: the SOA
        return query, np.where(rcode < 0, 0, query + said)
