"""Answers of a web server: sizes, statuses, times and upstreams follow from the request and its id alone."""

from __future__ import annotations

from functools import cache

import numpy as np

from redgen.activity import web
from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import rows
from redgen.activity.terms import METHODS
from redgen.clock import MINUTE, SECOND
from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World
from tests.shops import NOTHING, shop

ROOT = Seed(7)
GET, HEAD, OPTIONS = (METHODS.index(m) for m in ("GET", "HEAD", "OPTIONS"))


def world() -> World:
    """The shop's world."""
    return shop()[0]


def asked(route: str, n: int = 400, **columns: object) -> Table:
    """``n`` requests for ``route`` by different clients."""
    w = world()
    r = w.routes.code(route)
    ids = np.arange(n, dtype=np.uint64) * np.uint64(7919) + np.uint64(11)
    base = {
        "id": ids, "cause": ids, "t": np.arange(n) * SECOND, "client": 0xF0000000 + np.arange(n), "agent": 0,
        "site": w.routes.site[r], "route": r, "method": w.routes.method[r], "obj": -1,
    }
    return rows("http", n, **{**base, **columns})


def answered(http: Table, effects: Effects = NOTHING) -> Table:
    """The requests with their answers."""
    return web.respond(world(), ROOT, effects, http)[0]


@cache
def agent(padded: bool) -> int:
    """Some browser whose name does or does not contain Chrome."""
    agents = world().agents
    return int(np.flatnonzero((agents.padded == padded) & (agents.bot == 0))[0])


def test_nginx_pages_have_their_built_in_sizes() -> None:
    sizes = {
        (403, False): {146, 162, 153}, (403, True): {548, 564, 555}, (404, False): {146, 162, 153},
        (404, True): {548, 564, 555}, (301, True): {162, 178, 169}, (301, False): {162, 178, 169},
    }
    for (status, padded), allowed in sizes.items():
        http = answered(asked("shop.probe_env", 5, status=status, agent=agent(padded)))
        assert set(http["bytes"].tolist()) <= allowed
    for status, size in ((502, 150), (503, 190), (504, 160), (429, 162), (400, 150)):
        other, chrome = (
            answered(asked("shop.product", 5, status=status, obj=1, agent=agent(p))) for p in (False, True)
        )
        assert (chrome["bytes"] - other["bytes"] == 402).all()
        assert set((other["bytes"] - size).tolist()) <= {0, 16, 7}


def test_one_site_has_one_version_of_nginx() -> None:
    sizes = [answered(asked("shop.probe_env", 50, status=s, agent=agent(False)))["bytes"] for s in (403, 404)]
    assert len(np.unique(np.concatenate(sizes))) == 1


def test_nothing_is_sent_where_nothing_may_be() -> None:
    for columns in ({"method": HEAD}, {"status": 304}, {"status": 204}, {"status": 499}, {"method": OPTIONS}):
        assert not answered(asked("shop.home", 20, **columns))["bytes"].any()


def test_a_static_file_keeps_its_size_and_a_page_nearly_so() -> None:
    assert set(answered(asked("shop.script"))["bytes"].tolist()) == {187340}
    image = answered(asked("shop.image", obj=17))
    assert len(set(image["bytes"][image["status"] == 200].tolist())) == 1
    page = answered(asked("shop.product", obj=17))
    sizes = page["bytes"][page["status"] == 200]
    assert 1 < sizes.max() / sizes.min() < 1.6


def test_objects_that_do_not_exist_are_not_found() -> None:
    w = world()
    most = int(w.routes.objects[w.routes.code("api.order")])
    http = answered(asked("api.order", obj=most + 5))
    assert (http["status"] == 404).mean() > 0.99
    assert http["bytes"].max() < 200


def test_the_upstream_takes_no_longer_than_the_request() -> None:
    for route in ("shop.product", "api.token", "shop.video", "shop.robots"):
        http = answered(asked(route, 3000, obj=3))
        assert (http["up_dur"] <= http["dur"]).all()
        assert http["dur"].max() <= web.MAX_DUR
        local = bool(world().routes.local[world().routes.code(route)])
        assert (http["upstream"] < 0).all() == local
        assert (http["up_dur"] > 0).any() != local
        if not local:
            servers = world().sites
            site = int(http["site"][0])
            assert set(http["upstream"].tolist()) == set(range(servers.first[site], servers.stop[site]))


def test_a_refusal_costs_no_time_and_no_upstream() -> None:
    http = answered(asked("shop.login", 50, status=429))
    assert (http["upstream"] < 0).all()
    assert http["dur"].max() < 1000


def test_a_row_is_answered_alike_in_any_company() -> None:
    http = asked("shop.product", 300, obj=np.arange(300))
    alone = answered(http.take(np.array([250, 3])))
    whole = answered(http.take(np.arange(300)[::-1]))
    for name, column in alone.items():
        assert column.tolist() == whole[name][[49, 296]].tolist()


def test_overload_makes_slow_then_fails() -> None:
    site = world().sites.code("www.lumenshop.example")
    http = asked("shop.product", 4000, obj=5, t=1000)
    quiet = answered(http)
    seen = {}
    for level in (0.4, 0.9, 3.0):
        effects = Effects.of([Effect("overload", site, 0, 10 * MINUTE, level=level, truth=5)])
        busy, changed = web.respond(world(), ROOT, effects, http)
        seen[level] = (np.median(busy["dur"]) / np.median(quiet["dur"]), float((busy["status"] >= 500).mean()))
        if level < web.SLOW_FROM:
            assert not changed.any()
            assert (busy["dur"] == quiet["dur"]).all()
        else:
            assert (changed == 5).all()
            gateway = busy["status"] == 504
            assert (busy["up_dur"][gateway] >= web.PROXY_TIMEOUT).all()
    assert seen[0.9][0] > 3
    assert seen[0.9][1] < 0.01
    assert 0.3 < seen[3.0][1] < 0.75
    nowhere, untouched = web.respond(world(), ROOT, effects, http.replace(t=11 * MINUTE))
    assert not untouched.any()
    assert (nowhere["status"] == quiet["status"]).all()


def test_people_do_not_wait_forever() -> None:
    site = world().sites.code("www.lumenshop.example")
    effects = Effects.of([Effect("overload", site, 0, MINUTE, level=3.0, truth=5)])
    people, machines = (
        web.respond(world(), ROOT, effects, asked("shop.product", 3000, obj=5, t=1000, agent=a))[0]
        for a in (agent(True), int(np.flatnonzero(world().agents.bot == 3)[0]))
    )
    assert (people["status"] == 499).mean() > 0.1
    assert not (machines["status"] == 499).any()
    gone = people["status"] == 499
    assert (people["bytes"][gone] == 0).all()
