"""Every bundled scenario can be planned, and says what it is."""

from __future__ import annotations

import pytest

from redgen.shards.inputs import Request
from redgen.shards.plan import make_plan
from redgen.spec.files import names


@pytest.mark.parametrize("name", names("scenario"))
def test_every_sample_can_be_planned(name: str) -> None:
    small = ("world.scale.customers=1500",) if name == "stuffing-week" else ()
    plan = make_plan(Request(name, small))
    assert plan.scenario.id == name
    assert plan.scenario.title
    assert plan.work.layout.shards >= 1
    assert len(plan.campaigns) == sum(entry.count for entry in (*plan.scenario.campaigns, *plan.scenario.hard_negatives))
