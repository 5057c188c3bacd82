"""The world answers back: what campaigns did shows in ordinary sessions, as collateral, and nowhere else."""

from __future__ import annotations

import numpy as np

from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS
from redgen.clock import HOUR, parse_time
from redgen.table import Table
from tests.shops import NOTHING, shop

EVENING = parse_time("2026-01-14T17:00:00Z")
SPAN = 3 * HOUR
CUSTOMERS = 4000
SEEN = {"http": 0, "auth": 0, "flow": 0}


def sampled(effects: Effects) -> Activity:
    """Three hours of the evening."""
    return shop(CUSTOMERS)[1].sample(EVENING, EVENING + SPAN, SEEN, effects)


def everybody(kind: str, truth: int) -> Effects:
    """The effect on every customer, all evening."""
    first, stop = shop(CUSTOMERS)[0].people.span("customer")
    return Effects.of([Effect(kind, p, EVENING - SPAN, EVENING + 2 * SPAN, truth=truth) for p in range(first, stop)])


def untouched_rows_are_the_same(quiet: Activity, changed: Activity) -> None:
    """Rows that carry no cause are, value by value, rows of the quiet day."""
    for kind, table in changed.items():
        plain = table.take(table["truth"] == 0)
        before = quiet[kind].take(np.isin(quiet[kind]["id"], plain["id"]))
        a, b = (t.take(np.argsort(t["id"])) for t in (plain, before))
        assert len(a) == len(b)
        for name, column in a.items():
            np.testing.assert_array_equal(column, b[name], err_msg=f"{kind}.{name}")


def passwords(activity: Activity) -> Table:
    """Password checks of known people."""
    auth = activity["auth"]
    return auth.take((auth["op"] == AUTH_OPS.index("password")) & (auth["user"] >= 0))


def test_locked_owners_fail_and_go() -> None:
    quiet, locked = sampled(NOTHING), sampled(everybody("account_locked", 11))
    untouched_rows_are_the_same(quiet, locked)
    tried = passwords(locked)
    during = tried["t"] >= EVENING
    assert (tried["result"][during] == AUTH_RESULTS.index("locked")).all()
    assert (tried["truth"][during] == 11).all()
    hit = locked["http"].take(locked["http"]["truth"] == 11)
    assert (hit["status"] == 401).mean() > 0.95
    assert len(np.unique(hit["cause"])) == len(hit)  # one try, and the session is over
    assert len(locked["http"]) < len(quiet["http"])


def test_after_a_hostile_reset_the_owners_password_is_wrong() -> None:
    quiet, reset = sampled(NOTHING), sampled(everybody("password_reset", 12))
    untouched_rows_are_the_same(quiet, reset)
    tried = passwords(reset)
    assert (tried["result"] == AUTH_RESULTS.index("bad_password")).all()
    assert (tried["truth"] == 12).all()
    world = shop(CUSTOMERS)[0]
    forgot = reset["http"]["route"] == world.routes.code("shop.forgot_form")
    assert (reset["http"]["truth"][forgot] == 12).mean() > 0.5
    assert not (reset["auth"]["op"] == AUTH_OPS.index("session_start"))[reset["auth"]["truth"] == 12].any()


def test_revoked_tokens_send_the_app_back_to_the_login() -> None:
    quiet, revoked = sampled(NOTHING), sampled(everybody("token_revoked", 13))
    untouched_rows_are_the_same(quiet, revoked)
    auth = revoked["auth"]
    refresh = auth["op"] == AUTH_OPS.index("token_refresh")
    customers = auth["user"] < shop(CUSTOMERS)[0].people.span("customer")[1]
    assert (auth["result"][refresh & customers] == AUTH_RESULTS.index("denied")).all()
    world = shop(CUSTOMERS)[0]
    before, after = (
        int((a["http"]["route"] == world.routes.code("api.token")).sum()) for a in (quiet, revoked)
    )
    assert after > 5 * before


def test_a_flood_slows_one_site_and_is_blamed_on_every_line_it_changed() -> None:
    world = shop(CUSTOMERS)[0]
    site = world.sites.code("www.lumenshop.example")
    flood = Effects.of([Effect("overload", site, EVENING + HOUR, EVENING + 2 * HOUR, level=2.0, truth=14)])
    quiet, flooded = sampled(NOTHING), sampled(flood)
    untouched_rows_are_the_same(quiet, flooded)
    http = flooded["http"]
    hit = http["truth"] == 14
    assert (http["site"][hit] == site).all()
    assert 0.2 < (http["status"][hit] >= 499).mean() < 0.8
    at_api = http["site"] != site
    assert not http["truth"][at_api].any()
    flows = flooded["flow"]
    assert (flows["truth"] == 14).sum() > 100
