"""SSH connections follow the field sheet's chains, and their flows agree with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity import ssh
from redgen.activity.terms import CONN_STATES, SERVICES, SHELL_OPS, SSH_METHODS, code
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.table import Table
from tests.worlds import ROOT, small_world

OP = {word: k for k, word in enumerate(SHELL_OPS)}
NINE = parse_time("2026-01-14T09:00:00Z")
PASSWORD, PUBLICKEY = code(SSH_METHODS, "password"), code(SSH_METHODS, "publickey")


def ids(n: int, name: str = "connection") -> np.ndarray:
    return ROOT.noise(np.arange(n, dtype=np.uint64), name)


def account(name: str) -> int:
    return list(small_world().unix_names).index(name)


def connect(outcome: Any, name: Any = "root", n: int = 1, **how: Any) -> ssh.Connections:
    """``n`` connections to the bastion from a stranger's address."""
    who = account(name) if isinstance(name, str) else name
    return ssh.connections(
        small_world(), ROOT, id=ids(n), cause=ids(n), t=np.full(n, NINE), truth=0,
        host=list(small_world().hosts.name).index("bastion01"), client=0xF0010203, name=who, outcome=outcome, **how)


def story(shell: Table) -> list[str]:
    return [SHELL_OPS[shell["op"][i]] for i in np.argsort(shell["t"], kind="stable")]


def test_wrong_passwords_of_a_known_account() -> None:
    made = connect(ssh.CLOSED, tries=3)
    assert story(made.shell) == ["pam_failure", *["failed_password"] * 3, "closed_preauth", "pam_more_failures"]
    assert made.shell["n"][made.shell["op"] == OP["pam_more_failures"]].tolist() == [2]
    assert not made.ok[0] and made.entered[0] == 0


def test_wrong_passwords_of_an_account_that_does_not_exist() -> None:
    assert story(connect(ssh.BYE, "admin", tries=2).shell) == [
        "invalid_user", "failed_password", "failed_password", "disconnect_preauth"]


def test_six_tries_are_the_most() -> None:
    made = connect(ssh.MAXED, tries=9)
    assert story(made.shell) == ["pam_failure", *["failed_password"] * 6, "max_tries"]
    assert made.shell["n"][made.shell["op"] == OP["max_tries"]].tolist() == [6]


def test_pam_holds_refusals_back() -> None:
    made = connect(ssh.MAXED, n=400)
    failed = made.shell.take(made.shell["op"] == OP["failed_password"])
    order = np.lexsort((failed["n"], failed["conn"]))
    gaps = np.diff(failed["t"][order].reshape(400, 6), axis=1) / SECOND
    assert gaps.min() >= 1.5 and gaps.max() <= 3.3, "1.5-3 s, and what a program needs for the next try"


def test_in_and_out_again() -> None:
    made = connect(ssh.ACCEPTED, "deploy", method=PUBLICKEY, stay=5 * MINUTE)
    assert story(made.shell) == ["accepted", "disconnect"]
    assert made.ended[0] - made.entered[0] == 5 * MINUTE
    assert (made.shell["key"] > 0).all() and len(np.unique(made.shell["conn"])) == 1
    assert (made.shell["start"] == NINE).all()
    slip = connect(ssh.ACCEPTED, "deploy", tries=1, stay=MINUTE)
    assert story(slip.shell) == ["pam_failure", "failed_password", "accepted", "disconnect"]
    assert (slip.shell["key"] == 0).all(), "no key where a password was typed"


def test_scanners_leave_before_they_say_who_they_are() -> None:
    made = connect(ssh.NO_IDENT, -1, n=200)
    assert set(story(made.shell)) == {"no_ident"}
    assert (made.flow["service"] == -1).all() and (made.flow["orig_bytes"] == 0).all()
    assert set(np.unique(made.flow["state"])) <= {CONN_STATES.index("SF"), CONN_STATES.index("RSTO")}
    assert set(story(connect(ssh.CLOSED_PREAUTH, -1, n=20).shell)) == {"closed_preauth"}


def test_the_same_person_shows_the_same_key() -> None:
    made = connect(ssh.ACCEPTED, "deploy", n=5, method=PUBLICKEY, user=3)
    other = connect(ssh.ACCEPTED, "backup", n=5, method=PUBLICKEY)
    assert len(np.unique(made.shell["key"])) == 1
    assert made.shell["key"][0] != other.shell["key"][0]
    assert connect(ssh.ACCEPTED, "deploy", method=PUBLICKEY, key=77).shell["key"].tolist() == [77, 77]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_connection_is_one_chain_and_one_flow(data: st.DataObject) -> None:
    world, n = small_world(), data.draw(st.integers(1, 10))
    outcome = np.array(data.draw(st.lists(st.sampled_from(range(len(ssh.OUTCOMES))), min_size=n, max_size=n)))
    name = np.array(data.draw(st.lists(st.integers(0, len(world.unix_names) - 1), min_size=n, max_size=n)))
    name = np.where(outcome == ssh.ACCEPTED, name % world.hosts.owned, name)
    tries = np.array(data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)))
    stay = np.where(outcome == ssh.ACCEPTED, data.draw(st.integers(0, HOUR)), 0)
    made = connect(outcome, name, n, tries=tries, stay=stay, public=True)
    assert len(np.unique(made.shell["id"])) == len(made.shell) and len(made.flow) == n
    unknown = made.shell["name"] >= world.hosts.owned
    assert not unknown[made.shell["op"] == OP["pam_failure"]].any()
    assert unknown[made.shell["op"] == OP["invalid_user"]].all()
    assert (made.shell["t"] > made.shell["start"]).all()
    for k in range(n):
        mine = made.shell.take(made.shell["cause"] == ids(n)[k])
        words = story(mine)
        assert len(np.unique(mine["conn"])) == len(np.unique(mine["cport"])) == 1
        assert (words[-1] in {"disconnect", "closed_preauth", "disconnect_preauth", "max_tries", "no_ident",
                              "pam_more_failures"})
        flow = made.flow.take(made.flow["cause"] == ids(n)[k])
        assert flow["t"][0] == NINE and flow["oport"][0] == mine["cport"][0]
        assert flow["resp"][0] == world.hosts.public[list(world.hosts.name).index("bastion01")]
        assert made.ended[k] <= flow["t"][0] + flow["dur"][0] <= made.ended[k] + SECOND
        if outcome[k] != ssh.ACCEPTED:
            assert made.ended[k] - NINE < ssh.LONGEST_REFUSED
    assert (made.flow["service"][outcome != ssh.NO_IDENT] == SERVICES.index("ssh")).all()


def test_cron_opens_and_closes() -> None:
    rows = ssh.jobs(
        small_world(), ROOT, id=ids(4), cause=ids(4), t=np.full(4, NINE), truth=0, host=0, name=0, stay=SECOND)
    assert sorted(story(rows)) == ["cron_close"] * 4 + ["cron_open"] * 4
    assert len(np.unique(rows["conn"])) == 4 and (rows["t"] - rows["start"] <= SECOND).all()


def test_commands_and_accounts_belong_to_a_session() -> None:
    world, made = small_world(), connect(ssh.ACCEPTED, "deploy", method=PUBLICKEY, stay=MINUTE)
    ran = ssh.commands(
        world, ROOT, id=ids(2, "sudo"), cause=ids(2), t=np.full(2, made.entered[0] + SECOND), truth=0, host=9,
        name=account("deploy"), user=-1, command=[1, 2], conn=made.conn[0], start=NINE, denied=[False, True])
    assert [SHELL_OPS[o] for o in ran["op"]] == ["sudo", "sudo_denied"]
    assert ran["dur"][0] > 0 and ran["dur"][1] == 0 and (ran["conn"] == made.conn[0]).all()
    added = ssh.account(
        world, ROOT, id=ids(1), cause=ids(1), t=np.full(1, NINE), truth=0, host=9,
        name=account("minecraft"), op="useradd", conn=made.conn, start=NINE)
    assert [SHELL_OPS[o] for o in added["op"]] == ["useradd"]
    with pytest.raises(ValueError, match="changes no account"):
        ssh.account(world, ROOT, id=ids(1), cause=ids(1), t=np.full(1, NINE), truth=0, host=9, name=0, op="sudo",
                    conn=made.conn, start=NINE)
