"""Cloud calls are complete: who, from where, with what, about what, and what a session carries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity import calls
from redgen.clock import MINUTE, SECOND, parse_time
from redgen.errors import DataError
from redgen.table import Table
from redgen.world.agents import AGENT_KINDS
from redgen.world.cloud import RESOURCE_KINDS
from tests.worlds import ROOT, small_world

NINE = parse_time("2026-01-14T09:00:00Z")


def ids(n: int, name: str = "call") -> np.ndarray:
    return ROOT.noise(np.arange(n, dtype=np.uint64), name)


def named(name: str) -> int:
    return list(small_world().cloud.principals.name).index(name)


def call(op: str | list[str], n: int = 1, **how: Any) -> Table:
    """``n`` calls of each op by the order processor, unless said otherwise."""
    ops = np.resize(calls.codes(small_world(), [op] if isinstance(op, str) else op), n)
    base = {"principal": named("order-processor"), "truth": 0}
    t = NINE + np.arange(n) * SECOND
    return calls.rows(small_world(), ROOT, id=ids(n), cause=ids(n), t=t, op=ops, **(base | how))


def test_an_unknown_operation_names_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 's3:GetObject'"):
        calls.codes(small_world(), ["s3:GetObjekt"])


def test_global_services_are_logged_in_us_east_1() -> None:
    world = small_world()
    rows = call(["iam:ListUsers", "ec2:DescribeInstances"], 40)
    regions = np.array(list(world.cloud.regions))[rows["region"]]
    assert set(regions[::2]) == {"us-east-1"}
    assert set(regions[1::2]) == {world.cloud.regions[0]}


def test_software_calls_from_where_it_runs_with_its_own_sdk() -> None:
    world, who = small_world(), named("order-processor")
    rows = call("dynamodb:GetItem", 30)
    assert (rows["client"] == world.cloud.principals.addr[who]).all()
    assert len(np.unique(rows["agent"])) == 1
    assert AGENT_KINDS[world.agents.kind[rows["agent"][0]]] == "aws_sdk"


def test_aws_itself_has_neither_address_nor_agent() -> None:
    service = list(small_world().cloud.services).index("lambda.amazonaws.com")
    for how in ({"service": service}, {"principal": named("lambda.amazonaws.com")}):
        rows = call("kms:Decrypt", 3, **how)
        assert (rows["client"] == 0).all() and (rows["agent"] == -1).all() and (rows["cport"] == -1).all()


def test_calls_are_about_resources_of_their_kind_and_account_and_each_principal_has_favorites() -> None:
    cloud = small_world().cloud
    rows = call("secretsmanager:GetSecretValue", 400)
    assert (cloud.resources.kind[rows["res"]] == RESOURCE_KINDS.index("secret")).all()
    assert (cloud.resources.account[rows["res"]] == rows["account"]).all()
    counts = np.sort(np.bincount(rows["res"]))[::-1]
    assert counts[0] > 2 * counts[2]
    other = call("secretsmanager:GetSecretValue", 400, principal=named("image-resizer"))
    assert np.bincount(other["res"]).argmax() != np.bincount(rows["res"]).argmax()


def test_an_object_has_one_size_and_failed_calls_move_nothing() -> None:
    rows = call("s3:GetObject", 3000)
    sizes: dict[tuple[int, int], int] = {}
    for key in zip(rows["res"].tolist(), rows["obj"].tolist(), rows["bytes"].tolist(), strict=True):
        assert sizes.setdefault(key[:2], key[2]) == key[2]
    assert (rows["obj"] >= 0).all() and (rows["obj"] < small_world().cloud.resources.objects[rows["res"]]).all()
    assert 100_000 < np.median(rows["bytes"]) < 400_000
    refused = call("s3:GetObject", 5, error=calls.error_codes(["AccessDenied"])[0])
    assert (refused["bytes"] == 0).all() and (refused["new"] == 0).all()
    assert (call("s3:ListBuckets", 5)["bytes"] == 0).all()


def test_an_assumed_role_carries_its_key_into_later_calls() -> None:
    world, n = small_world(), 6
    role = named("terraform-apply")
    person = int(world.cloud.principals.person.max())
    begun = calls.assume(
        world, ROOT, id=ids(n, "assume"), cause=ids(n), t=np.full(n, NINE), truth=0, role=role,
        principal=int(world.people.principal[person]), client=world.people.home[person],
    )
    resources = world.cloud.resources
    assert (begun.rows["new"] == begun.key).all() and (begun.key > 0).all() and len(np.unique(begun.key)) == n
    assert (begun.session_t == begun.rows["t"] + begun.rows["dur"]).all()
    assert (begun.principal == role).all()
    assert {resources.name[r] for r in begun.rows["res"]} == {"terraform-apply"}
    later = calls.rows(
        world, ROOT, id=ids(n, "later"), cause=ids(n), t=begun.session_t + SECOND, truth=0, principal=begun.principal,
        op=calls.codes(world, ["ec2:DescribeVpcs"])[0], key=begun.key, session_t=begun.session_t,
    )
    assert (later["key"] == begun.key).all()


def test_services_assume_their_own_roles() -> None:
    world = small_world()
    begun = calls.assume(
        world, ROOT, id=ids(3), cause=ids(3), t=np.full(3, NINE), truth=0, role=named("order-processor"), way="service")
    assert {world.cloud.principals.name[p] for p in begun.rows["principal"]} == {"lambda.amazonaws.com"}
    assert (begun.rows["client"] == 0).all()


def test_a_refused_role_gives_no_session() -> None:
    denied = calls.error_codes(["AccessDenied"])[0]
    begun = calls.assume(
        small_world(), ROOT, id=ids(2), cause=ids(2), t=np.full(2, NINE), truth=0, role=named("terraform-apply"),
        principal=named("ci-deploy"), error=denied)
    assert (begun.key == 0).all() and (begun.session_t == 0).all()


def console(n: int, **how: Any) -> calls.Opened:
    world = small_world()
    user = np.flatnonzero(world.cloud.principals.type == 0)[:n].astype(np.int32)
    person = np.maximum(world.cloud.principals.person[user], 0)
    return calls.console_login(
        world, ROOT, id=ids(n, "console"), cause=ids(n), t=np.full(n, NINE), truth=0, principal=user,
        client=world.people.home[person], agent=world.people.agent[person, 0], **how)


def test_mfa_is_checked_before_the_console_opens() -> None:
    check, enter = calls.codes(small_world(), ["signin:CheckMfa", "signin:ConsoleLogin"])
    opened = console(4)
    ops = opened.rows["op"]
    assert (ops == check).sum() == (ops == enter).sum() == 4
    assert (opened.rows["t"][ops == check] == NINE).all() and (opened.rows["t"][ops == enter] > NINE + SECOND).all()
    assert (opened.key > 0).all()
    bare = console(3, mfa=0)
    assert (bare.rows["op"] == enter).all()
    wrong = console(3, mfa=0, error=calls.error_codes(["Failed authentication"])[0])
    assert (wrong.session_t == 0).all() and (wrong.rows["new"] == 0).all()
    through = console(2, mfa=0, key=np.array([5, 6], dtype=np.uint64), session_t=NINE - MINUTE)
    assert through.key.tolist() == [5, 6] and (through.session_t == NINE - MINUTE).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 350), min_size=1, max_size=30), st.integers(0, 100))
def test_every_operation_makes_a_whole_row_that_depends_on_nothing_else(ops: list[int], who: int) -> None:
    world = small_world()
    op = np.array(ops) % len(world.cloud.ops)
    principal = who % len(world.cloud.principals)
    n = len(op)
    key = ids(n)
    whole = calls.rows(world, ROOT, id=key, cause=key, t=np.full(n, NINE), truth=0, op=op, principal=principal)
    for name in ("account", "region"):
        assert (whole[name] >= 0).all(), name
    assert (whole["dur"] > 0).all()
    last = calls.rows(
        world, ROOT, id=key[-1:], cause=key[-1:], t=np.full(1, NINE), truth=0, op=op[-1:], principal=principal)
    assert all(last[name][0] == whole[name][-1] for name in whole)
