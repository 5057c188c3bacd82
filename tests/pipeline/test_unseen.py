"""Campaigns that the chosen sources cannot see are told of before the work begins; nothing else changes."""

from __future__ import annotations

import pytest

from redgen.pipeline.unseen import unseen
from redgen.shards.inputs import Request
from redgen.shards.plan import make_plan
from tests.pipeline.conftest import SMALL

SIGNS_IN = "campaigns=[{playbook: ato-mfa-fatigue, count: 5, start: {at: 90m}}]"
FLOODS = "campaigns=[{playbook: ddos-http-flood, counts: {bots: 20}, with: {rate: 2, lasting: 1m}, start: {at: 4h}}]"


def told(*settings: str) -> list[str]:
    return unseen(make_plan(Request(str(SMALL), ("hard_negatives=[]", *settings))))


def test_who_and_where_to_see_them() -> None:
    (said,) = told(SIGNS_IN, "sources=[nginx_access, linux_auth]")
    assert said == ("C-0001, C-0002, C-0003 and 2 more (ato-mfa-fatigue) leave no line in linux_auth, nginx_access; "
                    "to see them, add to sources: okta_system")


def test_volumetric_steps_count() -> None:
    assert not told(FLOODS, "sources=[nginx_access]")
    (said,) = told(FLOODS, "sources=[okta_system]")
    assert said.endswith("(ddos-http-flood) leaves no line in okta_system; to see it, add to sources: "
                         "nginx_access, zeek_conn")


@pytest.mark.parametrize("sources", ["[]", "[okta_system]", "[nginx_access, okta_system]"])
def test_nothing_is_said_where_one_source_sees_them(sources: str) -> None:
    assert not told(SIGNS_IN, f"sources={sources}")


def test_hard_negatives_are_meant_too() -> None:
    plan = make_plan(Request(str(SMALL), ("campaigns=[]", "sources=[aws_cloudtrail]")))
    assert any("(pentest-window)" in said for said in unseen(plan))
