"""The wire: one flow per connection that carries what its requests did, and lookups that caches spare."""

from __future__ import annotations

import numpy as np

from redgen.activity import wire
from redgen.activity.schema import rows
from redgen.activity.terms import CONN_STATES, QTYPES, RCODES, SERVICES
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.seed import Seed
from redgen.table import Table, concat
from redgen.world.names import NAME_KINDS
from tests.shops import NOTHING, shop

ROOT = Seed(7)
NOON = parse_time("2026-01-14T12:00:00Z")


def test_each_connection_is_one_flow_with_the_bytes_of_its_requests() -> None:
    world, model = shop()
    activity = model.sample(NOON, NOON + HOUR, {"http": 30 * MINUTE, "flow": 0}, NOTHING)
    http, flow = activity["http"], activity["flow"]
    flow = flow.take(np.isin(flow["resp"], world.sites.addr) & (flow["service"] == SERVICES.index("ssl")))
    assert len(np.unique(flow["uid"])) == len(flow)
    keys = zip(flow["orig"].tolist(), flow["oport"].tolist(), flow["cause"].tolist(), strict=True)
    by_client = {key: k for k, key in enumerate(keys)}
    found = 0
    for conn in np.unique(http["conn"]):
        mine = http.take(np.flatnonzero(http["conn"] == conn))
        k = by_client.get((int(mine["client"][0]), int(mine["cport"][0]), int(mine["cause"][0])))
        if k is None or mine["conn_n"].min() > 1:
            continue
        found += 1
        assert flow["resp_bytes"][k] > mine["bytes"].sum()
        assert flow["orig_bytes"][k] > mine["req_bytes"].sum()
        assert flow["t"][k] < mine["t"].min()
        end = flow["t"][k] + flow["dur"][k]
        last = (mine["t"] + mine["dur"]).max()
        assert last < end <= last + wire.FLOW_TAIL
    assert found > 200
    states = np.bincount(flow["state"], minlength=len(CONN_STATES)) / len(flow)
    assert states[CONN_STATES.index("SF")] > 0.9


def test_a_flow_is_blamed_on_the_first_of_its_requests_that_has_a_cause() -> None:
    same = {"dur": 10, "conn": 9, "site": 0, "agent": 0, "client": 1, "cport": 5}
    http = rows("http", 3, id=[1, 2, 3], t=[100, 200, 300], truth=[0, 4, 6], **same)
    assert wire.flows(shop()[0], ROOT, http)["truth"].tolist() == [4]


def test_no_requests_no_flows() -> None:
    assert len(wire.flows(shop()[0], ROOT, rows("http", 0))) == 0


def needs(n: int, span: int) -> dict[str, np.ndarray]:
    """``n`` needs of the 20 most popular names by 5 clients within ``span``."""
    ids, seed = np.arange(n, dtype=np.uint64), Seed(3)
    return {
        "ids": ids, "cause": ids, "truth": np.zeros(n, dtype=np.int32),
        "t": NOON + np.floor(seed.uniform(ids, "t") * span).astype(np.int64),
        "client": 0x0A000001 + (seed.noise(ids, "c") % np.uint64(5)).astype(np.uint32),
        "name": (seed.noise(ids, "n") % np.uint64(20)).astype(np.int32),
    }


def looked_up(columns: dict[str, np.ndarray], keep: np.ndarray | None = None) -> Table:
    """The lookups of some of the needs."""
    world, _ = shop()
    return wire.lookups(world, ROOT, **(columns if keep is None else {k: v[keep] for k, v in columns.items()}))


def test_a_client_asks_once_per_ttl() -> None:
    world, _ = shop()
    dns = looked_up(needs(4000, HOUR), None)
    a = dns.take(dns["qtype"] == QTYPES.index("A"))
    for client in np.unique(a["client"]):
        for name in np.unique(a["name"]):
            t = np.sort(a["t"][(a["client"] == client) & (a["name"] == name)])
            ttl = int(world.dns.ttl[name]) * SECOND
            assert len(t) <= HOUR // ttl + 2
            assert not len(t) or len(t) >= min(HOUR // ttl, 8) * 0.5
    assert (dns["ttl"] <= world.dns.ttl[dns["name"]]).all()
    answered = dns["rcode"] == RCODES.index("NOERROR")
    assert answered.mean() > 0.9


def test_nobody_asks_before_the_answer_has_expired() -> None:
    """The TTL that a client was told is over, to the second, when it asks again; AAAA as A."""
    dns = looked_up(needs(6000, 3 * HOUR))
    dns = dns.take(dns["answer"] > 0)
    dns = dns.take(np.lexsort((dns["t"], dns["client"], dns["name"], dns["qtype"])))
    same = np.ones(len(dns) - 1, dtype=np.bool_)
    for column in ("client", "name", "qtype"):
        same &= dns[column][1:] == dns[column][:-1]
    outside = shop()[0].dns.kind[dns["name"][:-1]] == NAME_KINDS.index("external")
    over = dns["t"][:-1] + dns["ttl"][:-1].astype(np.int64) * SECOND
    assert (same & outside).sum() > 300
    assert (dns["t"][1:] >= over - SECOND)[same & outside].all()
    assert set(dns["qtype"].tolist()) == {QTYPES.index("A"), QTYPES.index("AAAA")}


def test_lookups_do_not_depend_on_where_time_is_cut() -> None:
    world, _ = shop()
    columns = needs(6000, 3 * HOUR)
    whole = looked_up(columns)
    back = wire.longest_ttl(world)
    parts = []
    for low, high in ((0, 70), (70, 95), (95, 180)):
        a, b = NOON + low * MINUTE, NOON + high * MINUTE
        part = looked_up(columns, (columns["t"] >= a - back) & (columns["t"] < b))
        parts.append(part.take((part["t"] >= a) & (part["t"] < b)))
    merged = concat(parts)
    late = whole["t"] >= NOON  # the AAAA beside an A may fall into the next slice
    assert sorted(merged["id"].tolist()) == sorted(whole["id"][late].tolist())
