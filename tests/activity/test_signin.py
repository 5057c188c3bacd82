"""Sign-ins obey the provider's rules whatever happens in them, and what is new about them follows from facts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity import signin, whereabouts
from redgen.activity.effects import Effect, Effects
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS, NOVELTY, ORGS, RISKS, code
from redgen.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from redgen.table import Table
from tests.worlds import ROOT, small_world

WORKFORCE, CUSTOMERS = code(ORGS, "workforce"), code(ORGS, "customers")
OP = {word: k for k, word in enumerate(AUTH_OPS)}
RESULT = {word: k for k, word in enumerate(AUTH_RESULTS)}
PUSH, TOTP = code(FACTORS, "push"), code(FACTORS, "totp")
NINE = parse_time("2026-01-14T09:00:00Z")
CALM = Effects.of()


def ids(n: int, name: str = "login") -> np.ndarray:
    return ROOT.noise(np.arange(n, dtype=np.uint64), name)


def employees(n: int) -> np.ndarray:
    first, stop = small_world().people.span("employee")
    return (first + np.arange(n) % (stop - first)).astype(np.int32)


def login(n: int = 1, *, effects: Effects = CALM, t: int = NINE, user: Any = None, **how: Any) -> signin.Logins:
    """``n`` sign-ins of employees at their usual place and machine."""
    world = small_world()
    who = employees(n) if user is None else np.broadcast_to(user, n).astype(np.int32)
    when = np.full(n, t)
    base = {
        "client": world.people.address(np.maximum(who, 0), 0, when), "agent": world.people.agent[who, 0],
        "device": whereabouts.device(world, np.maximum(who, 0), 0, when),
    }
    key, base = ids(n), {"org": WORKFORCE, **base}
    return signin.web_login(world, ROOT, effects, id=key, cause=key, t=when, truth=0, user=who, **(base | how))


def story(rows: Table) -> list[str]:
    """What happened, in order: ``op:result``."""
    done = rows["t"] + rows["dur"]
    order = np.lexsort((rows["op"] == OP["lock"], done))
    return [f"{AUTH_OPS[o]}:{AUTH_RESULTS[r]}" for o, r in zip(rows["op"][order], rows["result"][order], strict=True)]


def test_a_password_and_an_approved_push_open_a_session_and_its_app() -> None:
    made = login(factor=PUSH, app=3)
    assert story(made.rows) == ["identify:ok", "password:ok", "push_sent:ok", "push_answer:ok", "session_start:ok", "sso:ok"]
    assert made.ok[0] and made.session[0] > 0
    inside = np.isin(made.rows["op"], (OP["session_start"], OP["sso"]))
    assert (made.rows["session"][inside] == made.session[0]).all()
    assert (made.rows["session"][~inside] == 0).all(), "no session before it starts"
    assert len(np.unique(made.rows["flow"])) == 1, "one authentication"
    assert len(np.unique(made.rows["cport"])) == 1


def test_push_answers_take_4_to_40_seconds_as_in_real_logs() -> None:
    rows = login(3000, factor=PUSH).rows
    sent, answered = rows["op"] == OP["push_sent"], rows["op"] == OP["push_answer"]
    by = np.argsort(rows["cause"][sent]), np.argsort(rows["cause"][answered])
    waits = (rows["t"][answered][by[1]] - rows["t"][sent][by[0]]) / SECOND
    assert waits.min() >= 4 and waits.max() <= 40
    assert 8 < np.median(waits) < 10.5


def test_five_wrong_passwords_lock_an_account_in_the_same_second() -> None:
    made = login(wrong=7)
    assert story(made.rows) == ["identify:ok"] + ["password:bad_password"] * 5 + ["lock:ok"] + ["password:locked"] * 2
    assert made.locked[0] and not made.ok[0]
    lock = made.rows.take(made.rows["op"] == OP["lock"])
    fifth = made.rows.take(made.rows["result"] == RESULT["bad_password"])
    assert lock["t"][0] == fifth["t"].max()


def test_tries_of_earlier_logins_count_towards_the_lock() -> None:
    assert story(login(wrong=1, knows=False, before=4).rows) == ["identify:ok", "password:bad_password", "lock:ok"]
    assert story(login(before=5).rows) == ["identify:ok", "password:locked"]
    customers = login(wrong=1, knows=False, before=8, org=CUSTOMERS, user=5)
    assert story(customers.rows) == ["password:bad_password"], "customers have ten tries"


def test_a_login_of_nobody_is_unknown_and_never_locks() -> None:
    made = login(wrong=12, user=-1, typed=0)
    assert set(story(made.rows)) == {"password:unknown_user"}
    assert (made.rows["novelty"] == 0).all() and not made.ok[0]


@pytest.mark.parametrize(("answer", "last"), [("denied", "push_answer:denied"), ("timeout", "push_answer:timeout")])
def test_without_an_approval_there_is_no_session(answer: str, last: str) -> None:
    made = login(factor=PUSH, answer=RESULT[answer])
    assert story(made.rows)[-1] == last
    assert not made.ok[0] and made.session[0] == 0


def test_a_locked_owner_is_turned_away_and_the_row_is_collateral() -> None:
    who = employees(3)
    effects = Effects.of([Effect("account_locked", int(who[1]), NINE - HOUR, NINE + HOUR, truth=9)])
    made = login(3, effects=effects, factor=PUSH)
    assert made.ok.tolist() == [True, False, True]
    assert made.changed.tolist() == [0, 9, 0]
    hit = made.rows.take(made.rows["user"] == who[1])
    assert story(hit) == ["identify:ok", "password:locked"] and sorted(hit["truth"].tolist()) == [0, 9]
    assert (made.rows["truth"][made.rows["user"] != who[1]] == 0).all()


def test_after_a_hostile_reset_the_owners_password_is_wrong() -> None:
    who = int(employees(1)[0])
    effects = Effects.of([Effect("password_reset", who, NINE - HOUR, NINE + HOUR, truth=4)])
    made = login(wrong=1, effects=effects)
    assert story(made.rows) == ["identify:ok", *["password:bad_password"] * 2]
    assert sorted(made.rows["truth"].tolist()) == [0, 0, 4], "only the right password that failed was the attacker's doing"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_login_follows_the_rules(data: st.DataObject) -> None:
    """Chains hold for whatever mix of logins, and a login does not depend on those beside it."""
    n = data.draw(st.integers(1, 8))

    def column(strategy: st.SearchStrategy[Any]) -> np.ndarray:
        return np.array(data.draw(st.lists(strategy, min_size=n, max_size=n)))

    how = {
        "wrong": column(st.integers(0, 12)), "knows": column(st.booleans()),
        "factor": column(st.integers(-1, len(FACTORS) - 1)), "prompts": column(st.integers(1, 4)),
        "answer": column(st.sampled_from([RESULT["ok"], RESULT["denied"], RESULT["timeout"]])),
        "before": column(st.integers(0, 6)), "app": column(st.integers(-1, 5)),
    }
    made = login(n, **how)
    assert len(np.unique(made.rows["id"])) == len(made.rows)
    starts = made.rows["cause"][made.rows["op"] == OP["session_start"]]
    assert sorted(starts.tolist()) == sorted(ids(n)[made.ok].tolist()), "a session for each that got in, no other"
    passed = made.rows["cause"][(made.rows["op"] == OP["password"]) & (made.rows["result"] == RESULT["ok"])]
    assert np.isin(starts, passed).all(), "nobody starts a session without a password"
    for k in np.flatnonzero(made.ok):
        mine = made.rows.take(made.rows["cause"] == ids(n)[k])
        order = [line.split(":")[0] for line in story(mine)]
        assert order.index("session_start") > order.index("password") > order.index("identify") == 0
        if how["factor"][k] == PUSH:
            assert order.count("push_sent") == how["prompts"][k] == order.count("push_answer")
    done = np.zeros(n, dtype=np.int64)
    np.maximum.at(done, np.searchsorted(np.sort(ids(n)), made.rows["cause"]), made.rows["t"] + made.rows["dur"])
    assert (made.done[np.argsort(ids(n))] >= done).all()
    k = data.draw(st.integers(0, n - 1))
    alone = made.rows.take(made.rows["cause"] == ids(n)[k])
    twin = login(n, **{**how, "wrong": np.where(np.arange(n) == k, how["wrong"], 0)})
    again = twin.rows.take(twin.rows["cause"] == ids(n)[k])
    order_a, order_b = np.argsort(alone["id"]), np.argsort(again["id"])
    for name in alone:
        assert (alone[name][order_a] == again[name][order_b]).all(), name


def test_prompts_come_in_pairs_and_answer_what_was_said() -> None:
    world, n = small_world(), 40
    who, key = employees(n), ids(n, "prompt")
    answer = np.where(np.arange(n) % 2, RESULT["denied"], RESULT["timeout"])
    rows = signin.push_prompts(
        world, ROOT, id=key, cause=key, t=np.full(n, NINE), truth=1, user=who, client=world.people.home[who],
        agent=world.people.agent[who, 0], device=world.people.device[who, 0], flow=key, answer=answer,
    )
    assert len(rows) == 2 * n == len(np.unique(rows["id"]))
    answered = rows.take(rows["op"] == OP["push_answer"])
    waits = answered["t"] - NINE
    assert (waits[answered["result"] == RESULT["timeout"]] == signin.PUSH_TIMEOUT).all()
    assert (waits[answered["result"] == RESULT["denied"]] <= 25 * SECOND).all()


def bits(rows: Table, word: str) -> np.ndarray:
    return (rows["novelty"] >> NOVELTY.index(word) & 1).astype(bool)


def seen(n: int, client: np.ndarray, device: np.ndarray | int = 0, t: int = NINE) -> Table:
    """Sign-in rows of employees from ``client`` on ``device``."""
    world, who, key = small_world(), employees(n), ids(n, "seen")
    return signin.rows(
        world, ROOT, id=key, cause=key, t=np.full(n, t), truth=0, op=OP["password"], org=WORKFORCE, user=who,
        client=client, agent=world.people.agent[who, 0], device=device,
    )


def test_usual_places_and_machines_are_nothing_new() -> None:
    world, who = small_world(), employees(60)
    t = np.full(60, NINE)
    for where in (whereabouts.HOME, whereabouts.OFFICE):
        rows = seen(60, world.people.address(who, where, t - 2 * DAY), world.people.device[who, 0])
        known = world.people.address(who, where, t) == world.people.address(who, where, t - 2 * DAY)
        assert (rows["novelty"][known] == 0).all()
        assert (rows["risk"][known] == 0).all()


def test_a_sign_in_from_abroad_is_new_in_every_respect_of_place() -> None:
    world, who, n = small_world(), employees(60), 60
    abroad = world.plan.among("hosting", ["JP"], ids(n), ROOT, "abroad")
    rows = seen(n, abroad, ids(n, "attacker's machine"))
    for word in ("new_ip", "new_device", "new_city", "new_state", "new_country", "new_geo"):
        assert bits(rows, word).mean() > 0.98, word
    assert bits(rows, "velocity").mean() > 0.5
    assert (rows["risk"] == RISKS.index("high")).mean() > 0.6
    assert (world.plan.city_of(world.people.home[who]) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["home", "mobile", "hosting", "vpn", "cloud", "residential_proxy"]), st.integers(0, 60 * DAY))
def test_novelty_bits_imply_each_other(kind: str, later: int) -> None:
    n = 50
    rows = seen(n, small_world().plan.draw(kind, ids(n, f"{kind}/{later}"), ROOT, "any"), t=NINE + later)
    assert (bits(rows, "new_country") <= bits(rows, "new_state")).all()
    assert (bits(rows, "new_state") <= bits(rows, "new_city")).all()
    assert (bits(rows, "new_city") == bits(rows, "new_geo")).all()
    assert (bits(rows, "new_city") <= bits(rows, "new_ip")).all()
    assert (bits(rows, "velocity") <= bits(rows, "new_city")).all()
    assert (rows["risk"][rows["novelty"] == 0] == 0).all(), "nothing new, nothing risky"


def test_ports_are_those_of_the_operating_system_and_rows_are_pure() -> None:
    world, n = small_world(), 200
    rows = seen(n, world.people.home[employees(n)])
    assert (rows["cport"] >= world.agents.port_low[rows["agent"]]).all()
    assert (rows["cport"] <= world.agents.port_high[rows["agent"]]).all()
    again = seen(n, world.people.home[employees(n)])
    assert all((rows[name] == again[name]).all() for name in rows)
    assert (rows["dur"] > 0).all() and (rows["dur"] < MINUTE).all()
