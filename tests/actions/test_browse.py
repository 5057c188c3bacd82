"""A visit that signs in does it the way the identity provider asks for."""

from __future__ import annotations

import numpy as np
import pytest

from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS
from redgen.clock import SECOND
from tests.actions.stages import play, shop, stage

OP = {word: k for k, word in enumerate(AUTH_OPS)}
OWNERS = {"owners": {"kind": "customer", "where": {"mfa": True}, "count": 40}}
THIEVES = OWNERS | {"thief": {"kind": "address", "network": "hosting", "agent": "browser", "count": 5}}
ROUTES = {"routes": ["shop.account", "shop.orders"], "who": "owners", "sign_in": True}


@pytest.mark.parametrize("code", ["shop.login_code", ""])
def test_a_new_device_is_asked_for_the_second_factor_before_the_session_begins(code: str) -> None:
    made = play("browse", stage(THIEVES), ROUTES | {"source": "thief", "code": code}).activity
    auth, http = made["auth"], made["http"]
    world = shop()
    for person in np.unique(auth["user"]).tolist():
        mine = auth.take(np.flatnonzero(auth["user"] == person))
        mine = mine.take(np.argsort(mine["t"]))
        pushed = world.people.factor[person] == FACTORS.index("push")
        answer = ["push_sent", "push_answer"] if pushed else ["factor_check"]
        assert mine["op"].tolist() == [OP[op] for op in ("password", *answer, "session_start")]
        assert set(mine["result"].tolist()) == {AUTH_RESULTS.index("ok")}
        assert set(mine["factor"][:-1].tolist()) == {world.people.factor[person]}, "the password's row says what comes"
        assert mine["t"][-2] - mine["t"][0] > SECOND, "a person types the code, or takes up the phone"
        assert len(set(mine["flow"].tolist())) == 1 and mine["session"][-1] != 0
    route = world.routes.code(code) if code else int(world.routes.of_kind("login_post")[0])
    posts = http["route"] == route
    assert posts.sum() == len(np.unique(auth["user"])) * (1 if code else 2)


def test_an_owner_at_home_is_asked_now_and_then_and_others_never() -> None:
    made = play("browse", stage(OWNERS), ROUTES | {"source": "owners", "via": "usual", "repeat": 10}).activity["auth"]
    asked = np.isin(made["op"], (OP["factor_check"], OP["push_answer"])).sum() / (made["op"] == OP["session_start"]).sum()
    assert 0.25 < asked < 0.6
    free = {"owners": {"kind": "customer", "where": {"mfa": False}, "count": 40}}
    made = play("browse", stage(free), ROUTES | {"source": "owners"}).activity["auth"]
    assert set(made["op"].tolist()) == {OP["password"], OP["session_start"]}
