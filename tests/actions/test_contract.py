"""What holds for every action: the same stage gives the same rows, all of them whole, labelled and in time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from redgen.activity.schema import KINDS, Activity
from redgen.activity.terms import HTTP_VERSIONS
from redgen.clock import MINUTE
from redgen.playbook.stage import Staged
from redgen.registry import ACTIONS
from redgen.table import Table
from tests.actions.examples import EXAMPLES
from tests.actions.stages import NOON, play, shop, stage

FILLED = {
    "http": ("client", "cport", "agent", "site", "method", "route", "status", "req_bytes", "conn", "conn_n", "proto"),
    "auth": ("client", "cport", "agent", "op", "org", "result", "flow", "risk"),
    "cloud": ("op", "principal", "region", "account"),
    "shell": ("op", "host", "conn", "start"),
    "dns": ("client", "cport", "qtype", "zone", "proto"),
    "flow": ("orig", "oport", "resp", "rport", "proto", "state", "uid"),
}
"""Columns that a source needs: none of them may say nothing."""


def staged(name: str, seed: int = 1, t: int = NOON) -> Staged:
    """What an example gives, expanded."""
    return play(name, stage(EXAMPLES[name].roles, seed=seed, t=t), EXAMPLES[name].settings)


def whole(found: Staged) -> Activity:
    """All rows, those of an expander included."""
    if found.expand is None:
        return found.activity
    return found.expand(NOON - MINUTE, found.until)


def same(a: Activity, b: Activity) -> bool:
    """Whether two activities hold the same rows in the same order."""
    return a.keys() == b.keys() and all(
        len(a[k]) == len(b[k]) and all(np.array_equal(a[k][c], b[k][c]) for c in KINDS[k]) for k in a
    )


def test_every_action_has_an_example() -> None:
    assert sorted(EXAMPLES) == ACTIONS.names()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_it_says_of_itself(name: str) -> None:
    action = ACTIONS.get(name)
    assert action.name == name
    assert action.title.endswith(("``.", ".")) and len(action.title) < 130
    assert all(text for text in action.facts.values())


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_same_stage_gives_the_same_rows(name: str) -> None:
    once, again, other = staged(name), staged(name), staged(name, seed=2)
    assert same(whole(once), whole(again))
    assert once.ended == again.ended and once.effects == again.effects
    assert repr(once.facts) == repr(again.facts)
    if whole(once):
        assert not same(whole(once), whole(other))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_rows_are_labelled_whole_and_in_time(name: str) -> None:
    found, on = staged(name), stage(EXAMPLES[name].roles)
    assert found.ended >= NOON
    for kind, table in whole(found).items():
        assert len(table)
        assert (table["truth"] == on.truth).all()
        assert (table["cause"] == on.cause).all()
        assert table["t"].min() >= NOON - MINUTE
        assert (table["dur"] >= 0).all()
        for column in FILLED[kind]:
            blank = table[column] == (0 if column in ("status", "req_bytes", "conn", "uid", "client", "flow") else -1)
            assert not blank[_answerable(kind, table)].any(), f"{kind}.{column}"


def _answerable(kind: str, table: Table) -> np.ndarray:
    """The rows of which all columns must be said: a person or program was there."""
    return np.ones(len(table), dtype=bool) if kind != "cloud" else table["service"] < 0


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_ids_are_unique_over_kinds_and_steps(name: str) -> None:
    first, second = whole(staged(name)), whole(staged(name, seed=2))
    ids = np.concatenate([t["id"] for part in (first, second) for t in part.values()] or [np.zeros(0)])
    assert len(np.unique(ids)) == len(ids)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_effects_are_collateral_of_the_step(name: str) -> None:
    for effect in staged(name).effects:
        assert effect.truth == 4 and effect.campaign_id == "C-0001"
        assert NOON <= effect.t0 < effect.t1


@pytest.mark.parametrize("name", ["login_attempts", "browse", "api_enumerate", "web_scan", "http_flood"])
def test_requests_share_connections_as_software_does(name: str) -> None:
    activity = whole(staged(name))
    http, flow = activity["http"], activity["flow"]
    order = np.lexsort((http["conn_n"], http["conn"]))
    conn, nth, t = (http[c][order] for c in ("conn", "conn_n", "t"))
    first = np.append(True, conn[1:] != conn[:-1])
    assert (nth[first] == 1).all() and (np.diff(nth)[~first[1:]] == 1).all()
    assert (np.diff(t)[~first[1:]] >= 0).all()
    waits = http["proto"][order][1:] == HTTP_VERSIONS.index("HTTP/1.1")
    assert (np.diff(t) >= http["dur"][order][:-1])[~first[1:] & waits].all()  # the answer before has come
    for column in ("client", "cport", "agent", "site", "proto"):
        assert (http[column][order][1:] == http[column][order][:-1])[~first[1:]].all()
    assert len(flow) <= len(np.unique(conn)) + 1 if name == "http_flood" else len(flow) == len(np.unique(conn))


def test_answers_of_the_identity_provider_lie_inside_their_requests() -> None:
    activity = staged("login_attempts").activity
    http, auth = activity["http"], activity["auth"]
    post = http["method"] == 1
    spans = sorted(zip(http["client"][post].tolist(), http["cport"][post].tolist(), http["t"][post].tolist(),
                       (http["t"] + http["dur"])[post].tolist(), strict=True))
    for client, port, t, end in zip(auth["client"].tolist(), auth["cport"].tolist(), auth["t"].tolist(),
                                    (auth["t"] + auth["dur"]).tolist(), strict=True):
        assert any(c == client and p == port and low <= t and end <= high for c, p, low, high in spans)


def test_a_flood_can_be_sent_to_another_process() -> None:
    found = staged("http_flood")
    assert found.expand is not None
    again = pickle.loads(pickle.dumps(found.expand))
    assert same(again(NOON, NOON + MINUTE), found.expand(NOON, NOON + MINUTE))


def test_agents_and_addresses_are_the_worlds_own() -> None:
    world = shop()
    for name in EXAMPLES:
        for kind, table in whole(staged(name)).items():
            if "agent" in table:
                assert table["agent"].max() < len(world.agents)
            if kind == "http":
                assert (world.plan.find(table["client"]) >= 0).all()
