"""Zeek's conn.log: one record per connection, written when Zeek forgets it, stamped with its first packet.

DNS queries are connections of their own here, as they are on the wire: their uid is that of dns.log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity import wire
from redgen.activity.schema import Activity
from redgen.activity.terms import CONN_STATES, SERVICES, TRANSPORTS
from redgen.clock import SECOND
from redgen.render.holes import Hole, Int, Text
from redgen.seed import Seed
from redgen.source import RECORD
from redgen.sources import _zeek_flows as flows
from redgen.sources._zeek import UID_FIELDS, ZeekField, ZeekSource, documented, flag, seconds
from redgen.sources._zeek_names import Sizes
from redgen.table import Table, concat
from redgen.vocabulary import Vocabulary
from redgen.world.world import World

_NO_OPTIONS, _ONE_OPTION = 0.35, 0.7
"""Sources of probes, cumulative, whose SYN has no TCP option or only the segment size (masscan, zmap): unverified."""
_JITTER = SECOND // 4  # Zeek looks at its timers as packets come in
_FIELDS = (
    *UID_FIELDS,
    ZeekField("proto", "enum", "transport protocol", "@{proto}"),
    ZeekField("service", "string", "application protocol recognized", "@{service}", "served"),
    ZeekField("duration", "interval", "from the first to the last packet", "@{duration}", "lasted"),
    ZeekField("orig_bytes", "count", "payload sent by the originator", "@{orig_bytes}", "lasted"),
    ZeekField("resp_bytes", "count", "payload sent by the responder", "@{resp_bytes}", "lasted"),
    ZeekField("conn_state", "string", "how it began and ended", "@{conn_state}"),
    ZeekField("local_orig", "bool", "the originator is one of the organisation's addresses", "@{local_orig}"),
    ZeekField("local_resp", "bool", "so is the responder", "@{local_resp}"),
    ZeekField("missed_bytes", "count", "bytes lost to gaps", "0"),
    ZeekField("history", "string", "what was seen, in order, one letter each", "@{history}", "told"),
    ZeekField("orig_pkts", "count", "packets from the originator", "@{orig_pkts}"),
    ZeekField("orig_ip_bytes", "count", "their bytes, IP headers included", "@{orig_ip_bytes}"),
    ZeekField("resp_pkts", "count", "packets from the responder", "@{resp_pkts}"),
    ZeekField("resp_ip_bytes", "count", "their bytes, IP headers included", "@{resp_ip_bytes}"),
    ZeekField("tunnel_parents", "set[string]", "connections that carry this one", "", "never"),
    ZeekField("ip_proto", "count", "number of the IP protocol", "@{ip_proto}"),
)
_FLOW = {
    "uid": "u8", "orig": "u4", "oport": "i4", "resp": "u4", "rport": "i4", "proto": "i1", "service": "i1",
    "dur": "i8", "orig_bytes": "i8", "resp_bytes": "i8", "state": "i1",
}
_DERIVED = {
    "served": "i1", "lasted": "i1", "told": "i1", "local_orig": "i1", "local_resp": "i1", "history": "i2",
    "orig_pkts": "i8", "orig_ip_bytes": "i8", "resp_pkts": "i8", "resp_ip_bytes": "i8",
}
_SF, _S0 = CONN_STATES.index("SF"), CONN_STATES.index("S0")
_DNS, _SSH = SERVICES.index("dns"), SERVICES.index("ssh")


class ZeekConn(ZeekSource):
    """Connections past a sensor at the organisation's edge and in front of its resolver."""

    name = "zeek_conn"
    title = "Zeek conn.log"
    sigma: ClassVar = {"product": "zeek", "service": "conn"}
    kinds: ClassVar = {
        "flow": flows.LONGEST_DELAY + _JITTER + 1, "dns": flows.DNS_REMOVED + _JITTER + 1,
    }
    path = "conn"
    zeek_fields = _FIELDS
    fields = documented(_FIELDS)
    schema = RECORD | _FLOW | _DERIVED

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        self._sizes = Sizes(world)
        own = (world.sites.addr, world.sites.inner, world.hosts.public, world.offices.egress)
        self._own = np.unique(np.concatenate([np.asarray(part, dtype=np.uint32).ravel() for part in own]))

    def holes(self, encoding: str) -> Mapping[str, Hole]:
        """What the fields show."""
        return {
            "proto": Text(Vocabulary.of(TRANSPORTS), "proto"),
            "service": Text(Vocabulary.of(SERVICES), "service", missing=""),
            "duration": seconds("dur", encoding),
            "orig_bytes": Int("orig_bytes"), "resp_bytes": Int("resp_bytes"),
            "conn_state": Text(Vocabulary.of(CONN_STATES), "state"),
            "local_orig": flag("local_orig", encoding), "local_resp": flag("local_resp", encoding),
            "history": Text(flows.histories()[0], "history"),
            "orig_pkts": Int("orig_pkts"), "orig_ip_bytes": Int("orig_ip_bytes"),
            "resp_pkts": Int("resp_pkts"), "resp_ip_bytes": Int("resp_ip_bytes"),
            "ip_proto": Text(Vocabulary.of({"tcp": "6", "udp": "17", "icmp": "1"}[p] for p in TRANSPORTS), "proto"),
        }

    def observe(self, activity: Activity) -> Table:
        """One record per flow, and one per DNS query."""
        parts = []
        flow, dns = activity.get("flow"), activity.get("dns")
        if flow is not None and len(flow):
            parts.append(self._records(flow, {name: flow[name] for name in _FLOW}))
        if dns is not None and len(dns):
            parts.append(self._records(dns, self._as_flow(dns)))
        return concat(parts) if parts else self.nothing()

    def _as_flow(self, dns: Table) -> dict[str, NDArray[Any]]:
        n, replied = len(dns), dns["rcode"] >= 0
        query, reply = self._sizes.of(dns)
        return {
            "uid": dns["id"], "orig": dns["client"], "oport": dns["cport"],
            "resp": np.full(n, self.world.dns.resolver, dtype=np.uint32), "rport": np.full(n, 53, dtype=np.int32),
            "proto": dns["proto"], "service": np.full(n, _DNS, dtype=np.int8),
            "dur": np.where(replied, dns["dur"], 0), "orig_bytes": query, "resp_bytes": reply,
            "state": np.where(replied, _SF, _S0).astype(np.int8),
        }

    def _records(self, rows: Table, flow: dict[str, NDArray[Any]]) -> Table:
        """Records of ``rows``, which are the connections ``flow``, with what follows from payload, state and length."""
        ids, proto = rows["id"], flow["proto"]
        tcp = proto == flows.TCP
        state, orig, resp = flows.settled(flow["state"], proto, flow["orig_bytes"], flow["resp_bytes"])
        alone = (state == flows.S0) & np.where(tcp, flow["dur"] < SECOND, orig <= 1_200)
        dur = np.where(alone, 0, flow["dur"])
        u, v = self.seed.uniform(ids, "packets"), self.seed.uniform(ids, "resent")
        many = tcp & (orig + resp > 14_600)
        resent = np.where(many & (v < 0.03), np.where(resp >= orig, 2, 1), 0)
        stamps = self.seed.uniform(flow["orig"].astype(np.uint64), "timestamps") < 0.55  # not with Windows clients
        mine, theirs = self._local(flow["orig"]), self._local(flow["resp"])
        closed_by_server = wire.server_closes(ids)
        packets = flows.count(proto, state, dur, orig, resp, stamps, resent, u, server_closes=closed_by_server,
                              bare=self._bare(flow["orig"], ~mine & (orig + resp == 0)))
        service = flows.spoken(flow["service"], proto, orig, resp)
        traits = (orig > 0, resp > 0, flow["service"] == _SSH, closed_by_server)
        history = flows.histories()[1][state, proto, *(trait.astype(np.int8) for trait in traits), resent]
        wait = np.where((flow["service"] == _DNS) & ~tcp, flows.DNS_REMOVED, flows.UNTIL_REMOVED[proto, state])
        return Table(
            self.schema, len(ids), id=ids, t=rows["t"], form=0,
            w=rows["t"] + rows["dur"] + wait + (self.seed.uniform(ids, "timer") * _JITTER).astype(np.int64),
            served=service >= 0, lasted=dur > 0, told=proto != flows.ICMP, history=history,
            local_orig=mine, local_resp=theirs,
            orig_pkts=packets.orig, orig_ip_bytes=packets.orig_bytes, resp_pkts=packets.resp,
            resp_ip_bytes=packets.resp_bytes,
            **flow | {"dur": dur, "orig_bytes": orig, "resp_bytes": resp, "service": service, "state": state},
        )

    def _bare(self, address: NDArray[np.uint32], some: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Bytes of the SYN packets of ``some`` flows whose address scans with a stack of its own; 0 for all others."""
        found = np.zeros(len(address), dtype=np.int64)
        at = np.flatnonzero(some)
        u = self.seed.uniform(address[at].astype(np.uint64), "syn")
        found[at] = np.select([u < _NO_OPTIONS, u < _ONE_OPTION], [40, 44], 0)
        return found

    def _local(self, address: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which addresses are the organisation's: RFC 1918, or its own public ones (Site::local_nets)."""
        inner = (address >> 24 == 10) | (address >> 20 == 0xAC1) | (address >> 16 == 0xC0A8)
        at = np.minimum(np.searchsorted(self._own, address), len(self._own) - 1)
        return np.asarray(inner | (self._own[at] == address))


SOURCE = ZeekConn
