"""The workforce baseline keeps the contract of behaviors: slices agree with the whole, kinds with each other."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest

from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, QTYPES, RCODES, SERVICES, SHELL_OPS
from redgen.clock import DAY, HOUR, MINUTE, SECOND
from redgen.spec.loader import load_yaml
from redgen.table import Table, concat
from tests import workforce
from tests.workforce import KINDS, MONDAY

START = MONDAY + 7 * HOUR + 123_457
STOP = START + 9 * HOUR


def sorted_by_id(table: Table) -> Table:
    return table.take(np.argsort(table["id"]))


def same(a: Table, b: Table) -> bool:
    """The same rows, in whatever order."""
    one, other = sorted_by_id(a), sorted_by_id(b)
    return len(a) == len(b) and all((one[name] == other[name]).all() for name in one)


def joined(parts: list[Activity], kind: str) -> Table:
    return concat([part[kind] for part in parts if kind in part])


@pytest.fixture(scope="module")
def effects() -> Effects:
    """Forty locked accounts, ten revoked tokens and ten hostile resets, all day long."""
    first, _ = workforce.world().people.span("employee")
    kinds = ["account_locked"] * 40 + ["token_revoked"] * 10 + ["password_reset"] * 10
    return Effects.of(Effect(k, first + i, MONDAY, MONDAY + DAY, truth=9 + i // 40) for i, k in enumerate(kinds))


@pytest.fixture(scope="module")
def whole(effects: Effects) -> Activity:
    """Nine working hours in one piece."""
    return workforce.sample(START, STOP, effects=effects)


@pytest.mark.parametrize("cuts", [
    [START + 17 * MINUTE, START + 2 * HOUR + 5, START + 3 * HOUR, START + 8 * HOUR + 999],
    [START + k * HOUR for k in range(1, 9)],
])
def test_slices_add_up_to_the_whole(whole: Activity, effects: Effects, cuts: list[int]) -> None:
    edges = [START, *cuts, STOP]
    parts = [workforce.sample(a, b, effects=effects) for a, b in pairwise(edges)]
    for kind in KINDS:
        assert same(joined(parts, kind), whole[kind]), kind


def test_one_kind_alone_or_with_a_look_back_is_the_same(whole: Activity, effects: Effects) -> None:
    for kind in KINDS:
        alone = workforce.sample(START + 5 * HOUR, STOP, {kind: 5 * HOUR}, effects)
        assert same(alone[kind], whole[kind]), kind
        assert set(alone) <= {kind}


def test_ids_are_unique_and_everything_is_done_inside(whole: Activity) -> None:
    for kind in KINDS:
        table = whole[kind]
        assert len(np.unique(table["id"])) == len(table), kind
        done = table["t"] + table["dur"]
        assert (done >= START).all() and (done < STOP).all()


def test_a_pickled_model_and_another_seed(whole: Activity, effects: Effects) -> None:
    again = pickle.loads(pickle.dumps(workforce.model())).sample(START, STOP, dict.fromkeys(KINDS, 0), effects)
    assert all(same(again[kind], whole[kind]) for kind in KINDS)
    other = workforce.model(8).sample(START, STOP, {"auth": 0}, Effects.of())
    assert not np.isin(other["auth"]["id"], whole["auth"]["id"]).any()


def test_effects_change_the_rows_of_whom_they_concern_and_no_others(whole: Activity, effects: Effects) -> None:
    calm = workforce.sample(START, STOP)
    auth, before = whole["auth"], calm["auth"]
    first, _ = workforce.world().people.span("employee")
    touched = auth["truth"] > 0
    assert touched.any() and (auth["user"][touched] < first + 60).all()
    denied = np.array([AUTH_RESULTS[r] for r in auth["result"][auth["truth"] == 9]])
    assert set(denied) == {"locked"}
    elsewhere = (before["user"] >= first + 60) | (before["user"] < first)
    quiet = sorted_by_id(before.take(elsewhere & ~np.isin(before["cause"], auth["cause"][touched])))
    kept = auth.take(np.isin(auth["id"], quiet["id"]))
    assert same(kept, quiet), "who is not concerned does the same things"
    for kind in ("cloud", "shell"):
        assert same(whole[kind], calm[kind])


def test_sessions_are_used_only_after_they_began(whole: Activity) -> None:
    day = workforce.week()["auth"]
    starts = day.take(day["op"] == AUTH_OPS.index("session_start"))
    assert len(np.unique(starts["session"])) == len(starts)
    began = dict(zip(starts["session"].tolist(), starts["t"].tolist(), strict=True))
    used = day.take((day["session"] > 0) & (day["t"] > MONDAY + 12 * HOUR))
    late = [t - began[s] for s, t in zip(used["session"].tolist(), used["t"].tolist(), strict=True)
            if s in began]
    assert len(late) > 0.95 * len(used) and min(late) >= 0, "no row of a session lies before its start"
    assert max(late) < 11 * HOUR


def test_unlocks_follow_locks(whole: Activity) -> None:
    week = workforce.week()["auth"]
    unlocked = week.take(week["op"] == AUTH_OPS.index("unlock"))
    locked = week.take(week["op"] == AUTH_OPS.index("lock"))
    assert len(unlocked) > 0
    for who, t in zip(unlocked["target"].tolist(), unlocked["t"].tolist(), strict=True):
        gaps = t - locked["t"][locked["user"] == who]
        if t > MONDAY + HOUR:
            assert ((gaps > 0) & (gaps < HOUR)).any()


def test_lookups_come_before_connections_and_agree_with_them() -> None:
    """What a desk connects to, it has looked up within the name's time to live."""
    world = workforce.world()
    day = workforce.sample(MONDAY + 6 * HOUR, MONDAY + 12 * HOUR, {"dns": 2 * HOUR, "flow": 0})
    dns, flow = day["dns"], day["flow"]
    inner = (flow["orig"] >> 24 == 10) & (flow["service"] == SERVICES.index("ssl"))
    flow = flow.take(inner)
    asked = dns.take((dns["qtype"] == QTYPES.index("A")) & (dns["rcode"] == RCODES.index("NOERROR")))
    pair = asked["client"].astype(np.uint64) << np.uint64(32) | asked["answer"].astype(np.uint64)
    order = np.lexsort((asked["t"], pair))
    pair, t = pair[order], (asked["t"] + asked["dur"])[order]
    wanted = flow["orig"].astype(np.uint64) << np.uint64(32) | flow["resp"].astype(np.uint64)
    known = np.isin(wanted, pair)
    assert known.mean() > 0.995, "who connects has asked (a reply in five hundred is lost)"
    first = np.searchsorted(pair, wanted[known], side="left")
    assert (t[first] <= flow["t"][known] + 2 * SECOND).mean() > 0.995
    assert np.isin(flow["resp"], world.dns.answer).all()


def test_ssh_rows_and_flows_are_the_same_connections() -> None:
    world, day = workforce.world(), workforce.sample(MONDAY, MONDAY + DAY, {"shell": 0, "flow": 12 * HOUR})
    shell, flow = day["shell"], day["flow"]
    ended = shell.take(np.isin(shell["op"], [SHELL_OPS.index(o) for o in ("disconnect", "max_tries", "no_ident")]))
    ended = ended.take(ended["t"] < MONDAY + DAY - MINUTE)
    ssh = flow.take(flow["rport"] == 22)
    flows = {(o, p, t) for o, p, t in zip(ssh["orig"].tolist(), ssh["oport"].tolist(), ssh["t"].tolist(), strict=True)}
    rows = {(c, p, t) for c, p, t in
            zip(ended["client"].tolist(), ended["cport"].tolist(), ended["start"].tolist(), strict=True)}
    assert rows <= flows
    hosts = np.concatenate([world.hosts.addr, world.hosts.public])
    assert np.isin(ssh["resp"], hosts).all()


def test_every_number_in_the_yaml_says_where_it_comes_from() -> None:
    """A population's parameters stand below a ``source`` of their own, or are all defaults."""
    document = load_yaml(workforce.FILE.read_text(encoding="utf-8"), workforce.FILE.name).data
    for population in document["populations"]:
        clock = population.get("rate") or population["every"]
        assert "source" in clock or "source" in population, population["id"]
        numbers = population.get("with", {})
        assert not numbers or "source" in numbers or "source" in population, population["id"]
    for part in ("seasons", "bursts"):
        assert all("source" in entry for entry in document[part].values())
    assert "source" in document["world"]
