"""Web sessions keep the rules of browsers and servers: referers, caches, connections, logins."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, HTTP_VERSIONS, METHODS
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.table import Table
from redgen.world.sites import ROUTE_KINDS
from tests.shops import NOTHING, shop

NOON = parse_time("2026-01-14T12:00:00Z")
CUSTOMERS = 4000


@cache
def rows(population: str, kind: str = "http") -> Table:
    """Six hours of a population, by session and time."""
    _, model = shop(CUSTOMERS)
    bound = next(p for p in model.populations if p.id == population)
    table = bound.play({kind: (NOON, NOON + 6 * HOUR)}, NOTHING)[kind]
    return table.take(np.lexsort((table["t"], table["cause"])))


def kind_of(http: Table, *kinds: str) -> np.ndarray:
    """Which rows ask for routes of some kinds."""
    return np.isin(shop(CUSTOMERS)[0].routes.kind[http["route"]], [ROUTE_KINDS.index(k) for k in kinds])


@pytest.mark.parametrize("population", ["visitors", "shoppers", "app", "partners", "crawlers", "scanners"])
def test_a_session_has_one_face(population: str) -> None:
    http = rows(population)
    http = http.take(~shop(CUSTOMERS)[0].sites.plain[http["site"]])  # but for a name typed without its scheme
    for name in ("client", "agent", "device", "actor", "proto", "site"):
        changes = (np.diff(http[name].astype(np.int64)) != 0) & (np.diff(http["cause"].view(np.int64)) == 0)
        assert not changes.any(), name


@pytest.mark.parametrize("population", ["visitors", "shoppers", "app", "crawlers"])
def test_a_connection_counts_its_requests_from_one_port(population: str) -> None:
    world, http = shop(CUSTOMERS)[0], rows(population)
    http = http.take(np.lexsort((http["conn_n"], http["conn"])))
    same = np.diff(http["conn"].view(np.int64)) == 0
    assert (np.diff(http["cport"])[same] == 0).all()
    assert (np.diff(http["conn_n"])[same] == 1).all()
    assert (np.diff(http["t"])[same] >= 0).all()
    idle = np.diff(http["t"])[same].max()
    assert idle < (world.sites.keepalive_s.max() + 60) * SECOND
    low, high = world.agents.port_low[http["agent"]], world.agents.port_high[http["agent"]]
    assert ((http["cport"] >= low) & (http["cport"] <= high)).all()
    one_one = http["proto"] == HTTP_VERSIONS.index("HTTP/1.1")
    overlapping = (http["t"][:-1] + http["dur"][:-1] > http["t"][1:]) & same & one_one[1:]
    assert overlapping.mean() < 0.01  # only where something was slower than it is on an ordinary day


def test_http_2_is_spoken_by_those_who_can() -> None:
    world, http = shop(CUSTOMERS)[0], rows("visitors")
    two = http["proto"] == HTTP_VERSIONS.index("HTTP/2.0")
    assert (two == (world.agents.http2[http["agent"]] & ~world.sites.plain[http["site"]])).all()


def test_a_name_without_its_scheme_is_sent_on_to_the_site() -> None:
    """The 301 comes first in its session, over a connection of its own; what it sends on to follows within seconds."""
    world, http = shop(CUSTOMERS)[0], rows("visitors")
    plain = world.sites.plain[http["site"]]
    at = np.flatnonzero(plain)
    assert len(at) > 5
    assert set(http["status"][at].tolist()) == {301}
    first = np.append(True, np.diff(http["cause"].view(np.int64)) != 0)
    assert first[at].all()
    follows = at[at + 1 < len(http)] + 1
    assert (http["cause"][follows] == http["cause"][follows - 1]).mean() > 0.9  # the last ones' sessions go on later
    pause = (http["t"][follows] - http["t"][follows - 1])[http["cause"][follows] == http["cause"][follows - 1]]
    assert pause.min() > 50_000 and pause.max() < 5 * SECOND
    assert (http["conn_n"][at] == 1).all()


def test_what_a_page_loads_follows_it_and_refers_to_it() -> None:
    http = rows("visitors")
    loads = np.flatnonzero(kind_of(http, "asset") | (http["route"] == shop(CUSTOMERS)[0].routes.code("shop.stock")))
    loads = loads[(http["ref"][loads] >= 0) & (loads > 0)]
    assert len(loads) > 500
    is_load, pages = np.isin(np.arange(len(http)), loads), {}
    delays = []
    for k in range(len(http)):
        key = (int(http["cause"][k]), int(http["route"][k]), int(http["obj"][k]))
        if http["method"][k] == METHODS.index("GET"):
            pages[key] = k
        if is_load[k]:
            page = pages.get((int(http["cause"][k]), int(http["ref"][k]), int(http["ref_obj"][k])))
            if page is not None:
                delays.append(http["t"][k] - http["t"][page] - http["dur"][page])
    assert len(delays) > 0.97 * len(loads)  # the page itself may have begun before the window
    assert np.quantile(delays, 0.95) < 1.2 * SECOND
    assert min(delays) > -2 * SECOND  # a page whose body takes long is parsed while it comes


def test_referers_come_from_browsers_only_and_entry_is_external_or_empty() -> None:
    http = rows("visitors")
    first = np.append(True, np.diff(http["cause"].view(np.int64)) != 0) & (http["conn_n"] == 1)
    assert (http["ref"][first] < 0).mean() > 0.9
    inner = http["ref"] >= 0
    assert kind_of(http.replace(route=np.maximum(http["ref"], 0)), "page", "login_form")[inner].all()
    for machine in ("crawlers", "partners", "app", "scanners", "site-monitors"):
        assert (rows(machine)["ref"] == -1).all(), machine


def test_a_copy_is_revalidated_only_by_who_has_it() -> None:
    http = rows("visitors")
    stale = np.flatnonzero(http["status"] == 304)
    assert len(stale) > 50
    assert (http["bytes"][stale] == 0).all()
    _, model = shop(CUSTOMERS)
    bound = next(p for p in model.populations if p.id == "visitors")
    regular = bound.context.seed.child("visitors").uniform(http["cause"], "regular")
    share = bound.parameters["visitors"].returning
    earlier = {}
    for k in range(len(http)):
        key = (int(http["cause"][k]), int(http["route"][k]))
        if http["status"][k] == 304:
            assert regular[k] < share or key in earlier
        elif http["status"][k] == 200:
            earlier[key] = k


def test_crawlers_ask_for_robots_first_and_take_their_time() -> None:
    http = rows("crawlers")
    world = shop(CUSTOMERS)[0]
    robots = http["route"] == world.routes.code("shop.robots")
    begins = np.append(True, np.diff(http["cause"].view(np.int64)) != 0)
    assert robots[~begins].sum() == 0
    assert robots[begins].mean() > 0.15
    gaps = np.diff(http["t"])[~begins[1:] & ~world.agents.assets[http["agent"]][1:]]
    assert np.median(gaps) > 5 * SECOND


def test_monitors_keep_time() -> None:
    http = rows("site-monitors")
    for client in np.unique(http["client"]):
        t = np.sort(http["t"][http["client"] == client])
        assert np.abs(np.diff(t) - MINUTE).max() < 2 * SECOND
    inner = rows("api-monitors")
    assert (inner["client"] >> 24 == 10).all()
    assert (inner["conn_n"] == 1).all()


def test_scanners_find_nothing() -> None:
    http = rows("scanners")
    assert np.isin(http["status"], (400, 404)).all()
    assert len(np.unique(http["route"])) > 8


def test_members_pages_are_for_members() -> None:
    """Whoever sees such a page has signed in before in the session, or began it signed in."""
    world, http = shop(CUSTOMERS)[0], rows("shoppers")
    members = world.routes.auth[http["route"]]
    login = np.isin(http["route"], [world.routes.code(r) for r in ("shop.login", "shop.login_code", "shop.reset")])
    turned_away = members & (http["status"] == 302) & (http["method"] == METHODS.index("GET"))
    assert turned_away.sum() > 50
    after = np.flatnonzero(turned_away[:-1] & (np.diff(http["cause"].view(np.int64)) == 0)) + 1
    form = world.routes.code("shop.login_form")
    assert (http["route"][after] == form).mean() > 0.9
    session_of_tries = np.unique(http["cause"][login & (http["status"] == 302)])
    seen = np.unique(http["cause"][members & (http["status"] == 200)])
    assert np.isin(session_of_tries, seen).mean() > 0.9


def test_every_login_is_told_by_both_logs() -> None:
    """Posts to the login and events of the identity provider agree, row by row: who, when, from where, how it ended."""
    world, model = shop(CUSTOMERS)
    bound = next(p for p in model.populations if p.id == "shoppers")
    window = (NOON, NOON + 6 * HOUR)
    made = bound.play({"http": (NOON - MINUTE, NOON + 6 * HOUR + MINUTE), "auth": window}, NOTHING)
    http, auth = made["http"], made["auth"]
    passwords = auth.take(auth["op"] == AUTH_OPS.index("password"))
    posts = http.take(http["route"] == world.routes.code("shop.login"))
    assert len(passwords) > 40
    for k in range(len(passwords)):
        near = (posts["cause"] == passwords["cause"][k]) & (posts["t"] <= passwords["t"][k])
        near &= posts["t"] + posts["dur"] >= passwords["t"][k] + passwords["dur"][k]
        assert near.sum() == 1
        post = posts.take(near)
        assert post["client"][0] == passwords["client"][k]
        assert post["agent"][0] == passwords["agent"][k]
        assert post["cport"][0] == passwords["cport"][k]
        failed = passwords["result"][k] != AUTH_RESULTS.index("ok")
        assert post["status"][0] in ((401,) if failed else (302, 500, 502))
    unknown = passwords["result"] == AUTH_RESULTS.index("unknown_user")
    assert (passwords["user"][unknown] == -1).all()
    assert (passwords["typed"][unknown] >= 0).all()
    assert (passwords["user"][~unknown] >= 0).all()


def test_programs_mostly_read() -> None:
    """GET .7, POST .25, PUT and DELETE .05 (unverified): the mix that the YAML aims at."""
    methods = np.concatenate([rows("app")["method"], rows("partners")["method"]])
    share = {m: float((methods == METHODS.index(m)).mean()) for m in METHODS}
    assert 0.6 < share["GET"] < 0.8
    assert 0.18 < share["POST"] < 0.35
    assert 0.01 < share["PUT"] + share["DELETE"] < 0.09
