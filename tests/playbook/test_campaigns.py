"""Campaigns: the same ones whatever stands beside them, with truth, weights and casts that hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from redgen.activity.schema import done_between
from redgen.clock import parse_time
from redgen.errors import SpecError
from redgen.playbook.campaign import Campaign
from redgen.truth import Register
from tests.playbook.conftest import SCENARIO, STUFFING

Plan = Callable[..., list[Campaign]]

FLOOD = """\
id: flood
title: Flood
family: distributed
roles:
  bots: {kind: address, count: 20}
  shop: {kind: site}
start: both
steps:
  both: {action: rest, then: {all: [left, right], go: after}}
  left: {action: flood, with: {bots: bots, target: shop, lasting: 1h}, technique: T1498, then: after}
  right: {action: rest, with: {lasting: 2h}, then: after}
  after: {action: rest}
objective: left
"""


def told(campaign: Campaign) -> list[object]:
    """Everything about a campaign's rows but the truth codes, which number causes in the order of planning."""
    tables = [(kind, name, column.tolist()) for kind, table in sorted(campaign.activity.items())
              for name, column in table.items() if name != "truth"]
    return [campaign.path, campaign.params, campaign.weight, [(s.t, s.ended) for s in campaign.steps], tables]


def test_a_campaign_does_not_depend_on_its_neighbours(plan: Plan) -> None:
    alone = plan()
    more = plan(SCENARIO.replace("campaigns:\n", "campaigns:\n- {playbook: stuffing.yaml, count: 2, stealth: 1}\n"))
    longer = plan(SCENARIO.replace("count: 4", "count: 6"))
    assert [told(c) for c in alone] == [told(c) for c in more[2:]]
    assert [told(c) for c in alone] == [told(c) for c in longer[:4]]
    assert alone[0].id == "C-0001"
    assert more[2].id == "C-0003"


def test_another_seed_gives_other_campaigns(plan: Plan) -> None:
    ours, others = plan(), plan(SCENARIO.replace("seed: 7", "seed: 8"))
    assert [told(c) for c in ours] == [told(c) for c in plan()]
    for a, b in zip(ours, others, strict=True):
        assert a.steps[0].t != b.steps[0].t
        assert a.entities["attacker"]["ip"] != b.entities["attacker"]["ip"]


def test_every_row_carries_the_truth_of_its_step(plan: Plan) -> None:
    register = Register()
    for campaign in plan(register=register):
        for kind, table in campaign.activity.items():
            for code in np.unique(table["truth"]).tolist():
                cause = register.causes[code]
                assert (cause.label, cause.campaign_id) == ("malicious", campaign.id), kind
                assert code in [s.truth for s in campaign.steps]
        for effect in campaign.effects:
            assert register.causes[effect.truth].label == "collateral"
            assert effect.truth in campaign.collateral.values()


def test_steps_follow_each_other_inside_the_window(plan: Plan) -> None:
    start, stop = parse_time("2026-03-02"), parse_time("2026-03-04")
    for campaign in plan(SCENARIO.replace("count: 4", "count: 30")):
        assert campaign.path == tuple(s.step_id for s in campaign.steps)
        for before, after in zip(campaign.steps, campaign.steps[1:], strict=False):
            assert start <= before.t <= before.ended <= after.t < stop
        assert done_between(campaign.activity, start, stop).keys() == campaign.activity.keys()


def test_a_fact_array_narrows_a_role(plan: Plan) -> None:
    """Only cracked accounts are looked at."""
    reached = [c for c in plan(SCENARIO.replace("count: 4", "count: 30")) if "verify" in c.path]
    assert reached
    for campaign in reached:
        auth = campaign.activity["auth"]
        cracked = auth["user"][auth["result"] == 0]
        assert set(campaign.activity["http"]["actor"].tolist()) <= set(cracked.tolist())


def test_what_comes_after_the_window_is_cut_and_said(plan: Plan) -> None:
    late = SCENARIO.replace("count: 4", "count: 20, start: {at: 47h59m}, with: {success: 0.9, pace: 5}")
    campaigns = plan(late)
    assert any(c.cut == ("verify",) for c in campaigns)
    assert all("verify" not in c.path and c.stratum["cut"] == bool(c.cut) for c in campaigns)


def test_branches_run_side_by_side_and_join(plan: Plan) -> None:
    (campaign,) = plan(SCENARIO.replace("stuffing.yaml, count: 4", "flood.yaml, start: {at: 3h}"), flood=FLOOD)
    at = {s.step_id: s for s in campaign.steps}
    assert campaign.path == ("both", "left", "right", "after")
    assert at["left"].t == at["right"].t == at["both"].ended
    assert at["after"].t == max(at["left"].ended, at["right"].ended)
    (expander,) = campaign.expanders
    assert (expander.start, expander.stop) == (at["left"].t, at["left"].ended)
    whole = expander.expand(expander.start, expander.stop)["http"]
    assert len(whole) == 3600
    assert set(whole["truth"].tolist()) == {expander.truth}


def test_entities_are_those_that_took_part(plan: Plan, world: object) -> None:
    for campaign in plan():
        logins = {world.people.login[p] for t in campaign.activity.values() for n in ("user", "actor") if n in t.schema
                  for p in t[n].tolist() if p >= 0}
        assert set(campaign.entities["victim"]["user"]) == logins
        assert campaign.entities["attacker"].keys() == {"ip", "ua"}
        json.dumps(campaign.record())


def test_roles_do_not_share_members_they_must_not_share(plan: Plan, world: object) -> None:
    from redgen.playbook.cast import cast
    from redgen.seed import Seed
    from redgen.spec.loader import load_yaml
    from redgen.spec.playbook import Playbook

    roles = load_yaml(STUFFING, "f").validate(Playbook).roles
    for n in range(20):
        found = cast(world, roles, Seed(n), {}, None)
        assert len(set(found["victims"].members.tolist())) == len(found["victims"])
        assert not set(found["victims"].members.tolist()) & set(found["others"].members.tolist())
        assert len(set(found["bots"].addr.tolist())) == len(found["bots"])


def test_stealth_turns_the_marked_knobs_only(plan: Plan) -> None:
    loud = [c.params for c in plan(SCENARIO.replace("count: 4", "count: 40, stealth: 0"))]
    quiet = [c.params for c in plan(SCENARIO.replace("count: 4", "count: 40, stealth: 1"))]
    assert max(p["pace"] for p in quiet) < min(p["pace"] for p in loud)
    assert [p["success"] for p in quiet] == [p["success"] for p in loud]


def test_parameters_and_sizes_can_be_set_from_the_scenario(plan: Plan) -> None:
    campaigns = plan(SCENARIO.replace("count: 4", "count: 2, with: {pace: 3, nap: 5m}, counts: {bots: 2}"))
    assert all(c.params["pace"] == 3 and c.params["nap"] == 300 for c in campaigns)
    assert all(len(c.entities["attacker"]["ip"]) <= 2 for c in campaigns)


@pytest.mark.parametrize(("setting", "message"), [
    ("with: {paec: 1}", "s.yaml:6: campaigns.0.with.paec: stuffing.yaml has no such parameter; did you mean 'pace'?"),
    ("with: {pace: -1}", "s.yaml:6: campaigns.0.with.pace: does not fit pace of step probe: should be greater than 0"),
    ("with: {pace: 5m}", "s.yaml:6: campaigns.0.with.pace: does not fit pace of step probe: should be a number"),
    ("counts: {bot: 1}", "s.yaml:6: campaigns.0.counts.bot: stuffing.yaml has no such role; did you mean 'bots'?"),
    ("sampler: coverage, count: 1", "s.yaml:6: campaigns.0.count: coverage with at_least 1 needs 5 campaigns, not 1"),
])
def test_overrides_that_do_not_fit_are_named(plan: Plan, setting: str, message: str) -> None:
    text = SCENARIO.replace("count: 4", setting)
    with pytest.raises(SpecError) as caught:
        plan(text)
    assert message in str(caught.value)


def test_a_role_nobody_can_play_is_named(plan: Plan) -> None:
    nobody = STUFFING.replace("victims: {kind: customer,", "victims: {kind: customer, where: {country: ZZ},")
    with pytest.raises(SpecError, match=r"s\.yaml:6: campaigns\.0: .*nobody.*'victims' \(customer, country: ZZ\)"):
        plan(stuffing=nobody)


def test_attacks_and_hard_negatives_are_kept_apart(plan: Plan) -> None:
    calm = FLOOD.replace("distributed", "hard-negative").replace(", technique: T1498", "")
    calm = calm.replace("objective: left\n", "")
    with pytest.raises(SpecError, match="list it under hard_negatives"):
        plan(SCENARIO.replace("stuffing.yaml", "calm.yaml"), calm=calm)
    register = Register()
    (campaign,) = plan(SCENARIO.split("campaigns:")[0] + "hard_negatives:\n- {kind: calm.yaml}\n", register, calm=calm)
    assert (campaign.id, campaign.label) == ("N-0001", "hard_negative")
    cause = register.causes[campaign.steps[0].truth]
    assert (cause.label, cause.noise_id, cause.campaign_id) == ("hard_negative", "N-0001", "")
