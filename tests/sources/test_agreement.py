"""One visit as two sensors see it: the web server and the flow log agree."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from redgen.activity import connection, wire
from redgen.activity.effects import Effects
from redgen.activity.schema import rows
from redgen.activity.web import respond
from redgen.checks.sample import START
from redgen.clock import SECOND
from redgen.registry import SOURCES
from redgen.seed import Seed
from redgen.table import Table
from tests.worlds import ROOT, small_world

CONNECTIONS, REQUESTS = 300, 8


@cache
def visits() -> dict[str, Table]:
    """Three hundred connections of eight requests each, answered, with their flows."""
    world, n = small_world(), CONNECTIONS * REQUESTS
    of = np.repeat(np.arange(CONNECTIONS), REQUESTS)
    nth = np.tile(np.arange(REQUESTS), CONNECTIONS)
    pick = Seed(8).noise(np.arange(n, dtype=np.uint64), "route")
    shop = np.flatnonzero(world.routes.site == 0)
    route = shop[(pick % np.uint64(len(shop))).astype(np.int64)]
    began = START + np.arange(CONNECTIONS) * 3 * SECOND
    conn = connection.number(began, Seed(8).noise(np.arange(CONNECTIONS, dtype=np.uint64), "conn"))
    http = rows(
        "http", n, id=Seed(8).noise(np.arange(n, dtype=np.uint64), "id"), t=began[of] + nth * 2 * SECOND,
        client=(0xF1000000 + of * 257).astype(np.uint32), cport=40_000 + of, agent=of % 8, site=0,
        method=world.routes.method[route], route=route, obj=3, obj2=1, word=0, conn=conn[of], conn_n=nth + 1,
        proto=of % 2,
    )
    answered, _ = respond(world, ROOT, Effects.of([]), http)
    return {"http": answered.without("truth"), "flow": wire.flows(world, ROOT, answered).without("truth")}


def told(name: str) -> list[dict[str, Any]]:
    """What a source says about the visits, in JSON."""
    source = SOURCES.get(name)(small_world(), Seed(3), "json")
    return [json.loads(line) for line in source.template.texts(source.observe(visits()))]


def test_bytes_on_the_wire_cover_the_responses() -> None:
    """nginx's bytes are within the flow's payload; requests too; every connection has its flow."""
    flows = {(row["id.orig_h"], row["id.orig_p"]): row for row in told("zeek_conn")}
    sums: dict[tuple[str, int], list[int]] = {}
    for row in told("nginx_access"):
        total = sums.setdefault((row["remote_addr"], int(row["remote_port"])), [0, 0])
        total[0] += row["bytes_sent"]
        total[1] += row["request_length"]
    assert sums.keys() == flows.keys()
    assert len(sums) == CONNECTIONS
    for key, (sent, received) in sums.items():
        assert sent <= flows[key]["resp_bytes"]
        assert received <= flows[key]["orig_bytes"]


def test_requests_lie_within_their_connection() -> None:
    flows = {(row["id.orig_h"], row["id.orig_p"]): row for row in told("zeek_conn")}
    for row in told("nginx_access"):
        flow = flows[row["remote_addr"], int(row["remote_port"])]
        assert flow["ts"] <= row["msec"] - row["request_time"] + 0.002
        assert row["msec"] <= flow["ts"] + flow["duration"]


def test_a_connection_has_one_serial_and_counts_its_requests() -> None:
    seen: dict[int, list[tuple[str, int]]] = {}
    for row in told("nginx_access"):
        seen.setdefault(row["connection"], []).append((row["remote_addr"], row["connection_requests"]))
    assert len(seen) == CONNECTIONS
    for requests in seen.values():
        assert len({client for client, _ in requests}) == 1
        assert [n for _, n in requests] == list(range(1, REQUESTS + 1))


def test_the_server_closes_when_its_keep_alive_time_is_over() -> None:
    """The history of an idle connection ends as its length says: the server's f before the client's F only then."""
    kept = int(small_world().sites.keepalive_s[0])
    last = {(row["remote_addr"], int(row["remote_port"])): row["msec"] for row in told("nginx_access")}
    ends = [(row["ts"] + row["duration"] - last[row["id.orig_h"], row["id.orig_p"]], row["history"])
            for row in told("zeek_conn") if row["conn_state"] == "SF"]
    assert len(ends) > 0.8 * CONNECTIONS
    for idle, history in ends:
        assert (idle > kept - 0.01) == history.endswith("fF"), (idle, history)
    assert 0.3 < np.mean([history.endswith("fF") for _, history in ends]) < 0.6
