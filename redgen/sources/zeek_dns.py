"""Zeek's dns.log: one record per query seen on the wire, with its reply.

As Zeek's own script does, rtt, AA and RA come from the answer section: a reply without answers leaves them unset or F.
Source: Zeek, scripts/base/protocols/dns/main.zeek.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from redgen.activity.schema import Activity
from redgen.activity.terms import QTYPES, RCODES, TRANSPORTS
from redgen.clock import SECOND
from redgen.render.holes import BASE64, Forms, Hole, Int, Letters, Text
from redgen.source import RECORD
from redgen.sources import _zeek_names as names
from redgen.sources._zeek import UID_FIELDS, ZeekField, ZeekSource, always, documented, flag, seconds
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from redgen.world.names import NAME_KINDS

_TIMEOUT = 10 * SECOND  # DNS::dns_session_timeout: when Zeek gives up on a reply
_QTYPE_NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "SOA": 6, "AAAA": 28, "SRV": 33,
                  "HTTPS": 65}
_RCODE_NUMBERS = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
_FIELDS = (
    *UID_FIELDS,
    ZeekField("proto", "enum", "transport protocol", "@{proto}"),
    ZeekField("trans_id", "count", "identifier in the DNS header", "@{trans_id}"),
    ZeekField("rtt", "interval", "from query to answer", "@{rtt}", "answered"),
    ZeekField("query", "string", "name asked for", "@{query}"),
    ZeekField("qclass", "count", "class asked for", "1"),
    ZeekField("qclass_name", "string", "its name", "C_INTERNET"),
    ZeekField("qtype", "count", "type asked for", "@{qtype}"),
    ZeekField("qtype_name", "string", "its name", "@{qtype_name}"),
    ZeekField("rcode", "count", "response code", "@{rcode}", "replied"),
    ZeekField("rcode_name", "string", "its name", "@{rcode_name}", "replied"),
    ZeekField("AA", "bool", "authoritative answer", "@{aa}"),
    ZeekField("TC", "bool", "truncated", "@{false}"),
    ZeekField("RD", "bool", "recursion desired", "@{true}"),
    ZeekField("RA", "bool", "recursion available", "@{ra}"),
    ZeekField("Z", "count", "reserved bits", "0"),
    ZeekField("answers", "vector[string]", "the records answered", "@{answer}", "answered"),
    ZeekField("TTLs", "vector[interval]", "how long each may be cached", "@{ttls}", "answered"),
    ZeekField("rejected", "bool", "the server refused to answer", "@{rejected}"),
)
_COLUMNS = {
    "uid": "u8", "orig": "u4", "oport": "i4", "resp": "u4", "rport": "i4", "proto": "i1", "trans_id": "i4",
    "rtt": "i8", "qtype": "i1", "rcode": "i1", "answered": "i1", "replied": "i1", "rejected": "i1", "aa": "i1",
    "ttl": "i8", "kind": "i1", "answer": "u4", "high": "i4", "low": "i4", "server": "i1",
    "drawn": "i1", "shape": "i1", "alias_ttl": "i8", "answer2": "u4", "answer3": "u4", "answer4": "u4",
}


class ZeekDns(ZeekSource):
    """DNS queries of the organisation's clients to its resolver, as a sensor between them logs them."""

    name = "zeek_dns"
    title = "Zeek dns.log"
    sigma: ClassVar = {"product": "zeek", "service": "dns"}
    kinds: ClassVar = {"dns": _TIMEOUT + 2 * SECOND}
    path = "dns"
    zeek_fields = _FIELDS
    fields = documented(_FIELDS)
    schema = RECORD | _COLUMNS | names.ASKED

    def holes(self, encoding: str) -> Mapping[str, Hole]:
        """What the fields show."""
        world = self.world
        return names.question(world, encoding) | names.answer_forms(world, encoding) | {
            "proto": Text(Vocabulary.of(TRANSPORTS), "proto"), "trans_id": Int("trans_id"),
            "rtt": seconds("rtt", encoding), "ttl": seconds("ttl", encoding),
            "alias ttl": seconds("alias_ttl", encoding),
            "qtype": Text(Vocabulary.of(str(_QTYPE_NUMBERS[q]) for q in QTYPES), "qtype"),
            "qtype_name": Text(Vocabulary.of(QTYPES), "qtype"),
            "rcode": Text(Vocabulary.of(str(_RCODE_NUMBERS[r]) for r in RCODES), "rcode", missing=""),
            "rcode_name": Text(Vocabulary.of(RCODES), "rcode", missing=""),
            "aa": flag("aa", encoding), "ra": flag("answered", encoding), "rejected": flag("rejected", encoding),
            "false": always(False, encoding), "true": always(True, encoding),
            "answer": Forms(["", "@{addresses}", "@{addresses6}", "@{name}", "@{text}", "@{drawn}",
                             "@{server}.@{zone}"], "kind"),
            "text": Text(names.texts(world), "name"),
            "drawn": Forms([f"TXT {n} @{{drawn {n}}}" for n in names.DRAWN_BYTES], "drawn"),
            **{f"drawn {n}": Letters("label", BASE64, n, salt=1) for n in names.DRAWN_BYTES},
            "server": Text(Vocabulary.of(names.SERVER_LABELS), "server"),
        }

    def observe(self, activity: Activity) -> Table:
        """One record per query: on its reply, or when Zeek gives up waiting."""
        dns = activity.get("dns")
        if dns is None or not len(dns):
            return self.nothing()
        world, ids = self.world, dns["id"]
        replied = dns["rcode"] >= 0
        kind = names.answers(dns)
        delay = (self.seed.uniform(ids, "delay") * SECOND).astype(np.int64)
        own = world.dns.kind[np.maximum(dns["name"], 0)] == NAME_KINDS.index("inner")
        columns: dict[str, Any] = names.asked(world, dns)
        return Table(
            self.schema, len(dns), id=ids, t=dns["t"], form=0, uid=ids,
            w=dns["t"] + dns["dur"] + np.where(replied, delay // 5_000, _TIMEOUT + delay),
            orig=dns["client"], oport=dns["cport"], resp=world.dns.resolver, rport=53, proto=dns["proto"],
            trans_id=(self.seed.noise(ids, "trans_id") & np.uint64(0xFFFF)).astype(np.int32),
            rtt=dns["dur"], qtype=dns["qtype"], rcode=dns["rcode"], replied=replied, answered=kind > names.NOTHING,
            rejected=dns["rcode"] > RCODES.index("NXDOMAIN"), ttl=dns["ttl"].astype(np.int64) * SECOND,
            aa=(kind > names.NOTHING) & (dns["name"] >= 0) & own, kind=kind, answer=dns["answer"],
            high=dns["answer"] >> 16, low=np.maximum(dns["answer"] & 0xFFFF, 1), server=names.server_label(dns),
            drawn=names.drawn_length(dns), shape=names.shapes(world, dns),
            alias_ttl=names.alias_ttl(world, dns) * SECOND,
            **{f"answer{k}": dns["answer"] ^ np.uint32(k - 1) for k in (2, 3, 4)},
            **columns,
        )


SOURCE = ZeekDns
