"""Gates answered: pass on evidence, fail when it is against them, inconclusive when there is too little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.alert import FIELD_GAP, Diagnostic
from redgen.gates.evaluate import evaluate, exit_code
from redgen.gates.file import load_gates
from redgen.gates.regression import compare
from redgen.gates.writer import write_gates
from redgen.scorecard import FAILED, INCONCLUSIVE, NO_TELEMETRY, PASSED, GateResult, Scorecard
from redgen.statistics.intervals import clopper_pearson
from tests.gates.test_gates_file import EXAMPLE
from tests.scoring.cards import campaign, campaigns, card, rule

TODAY = date(2026, 11, 28)


def ask(scored: Scorecard, gate: str, *, allow: str = "", head: str = "", today: date = TODAY,
        allow_chance: bool = False) -> GateResult:
    """One gate answered."""
    text = f"version: 1\n{head}gates:\n  - {{id: g, {gate}}}\n" + (f"allow:\n  - {{{allow}}}\n" if allow else "")
    return evaluate(scored, load_gates(text, "g.yml"), today=today, allow_chance=allow_chance)[0]


def against(before: Sequence[object], now: Sequence[object], **said: object) -> Scorecard:
    """A scorecard compared with an older one."""
    new = card(now, **said)  # type: ignore[arg-type]
    return replace(new, regression=compare(card(before), new))  # type: ignore[arg-type]


RECALL = "metric: campaign_recall, bound: lower, min: 0.85"


def test_a_bound_that_is_met_passes() -> None:
    found = ask(card(campaigns(30)), RECALL)
    assert (found.status, found.limit, found.comparison, found.bound) == (PASSED, 0.85, ">=", "lower")
    assert found.value == pytest.approx(0.8843, abs=1e-4)
    assert found.message == ("30 of 30 campaigns detected: lower bound of campaign_recall 0.8843 at 95 %, "
                             "at least 0.85")


def test_a_bound_within_reach_that_is_missed_fails_and_names_the_missed() -> None:
    found = ask(card(campaigns(28, 2)), RECALL)
    assert (found.status, found.names) == (FAILED, ("C-0028", "C-0029"))
    assert found.message.endswith("below 0.85: C-0028, C-0029")


def test_a_bound_out_of_reach_is_inconclusive_and_says_what_it_takes() -> None:
    found = ask(card(campaigns(12)), RECALL)
    assert found.status == INCONCLUSIVE
    assert "12 campaigns cannot show 0.85 even without a miss; 23 campaigns could" in found.message
    assert ask(card(campaigns(23)), RECALL).status == PASSED
    assert ask(card(campaigns(22)), RECALL).status == INCONCLUSIVE


def test_out_of_reach_but_hopeless_all_the_same_fails() -> None:
    assert ask(card(campaigns(2, 10)), RECALL).status == FAILED


def test_one_sided_bounds_follow_the_planning_table() -> None:
    gate = "metric: campaign_recall, bound: lower, min: 0.9"
    assert ask(card(campaigns(29)), gate, head="sides: one\n").status == PASSED
    assert ask(card(campaigns(28)), gate, head="sides: one\n").status == INCONCLUSIVE
    assert ask(card(campaigns(29)), gate).status == INCONCLUSIVE


def test_the_dataset_must_be_large_enough() -> None:
    found = ask(card(campaigns(20)), "metric: campaign_recall, min: 0.5", head="dataset: {min_campaigns: 29}\n")
    assert found.status == INCONCLUSIVE
    assert "the dataset has 20 campaigns, the gates want 29" in found.message
    costs = ask(card(campaigns(20)), "metric: fp_groups_per_day, max: 5", head="dataset: {min_campaigns: 29}\n")
    assert costs.status == PASSED


def test_a_point_of_very_few_campaigns_is_no_evidence() -> None:
    assert ask(card(campaigns(4)), "metric: campaign_recall, min: 0.5").status == INCONCLUSIVE
    assert ask(card(campaigns(4)), "metric: campaign_recall, min: 0.5, min_campaigns: 2").status == PASSED
    assert ask(card(campaigns(0, 4)), "metric: campaign_recall, min: 0.9").status == FAILED
    assert ask(card([]), "metric: campaign_recall, min: 0.5").status == INCONCLUSIVE


@pytest.mark.parametrize("where", [
    "{playbook: account_takeover}", "{playbook: ato_credential_stuffing}", "{family: Account Takeover}",
    "{technique: T1110}", "{technique: T1110.004}", "{outcome: spend}", "{step: S1}",
    "{playbook: [account_takeover, flood]}", "{campaign: [C-0000, C-0001, C-0002, C-0003, C-0004]}"])
def test_where_takes_any_name_that_people_use(where: str) -> None:
    others = campaigns(0, 7, first=50, playbook="ddos", family="distributed", techniques=["T1498"],
                       stratum={"outcome": "down"})
    found = ask(card([*campaigns(30), *others]), f"metric: campaign_recall, where: {where}, min: 0.9")
    assert (found.status, found.value) == (PASSED, 1.0)


def test_where_nothing_matches_never_passes_and_says_what_was_meant() -> None:
    found = ask(card(campaigns(30)), "metric: campaign_recall, where: {playbook: account_takover}, min: 0")
    assert found.status == INCONCLUSIVE
    assert found.message == ("no campaign matches; no campaign has playbook 'account_takover'; did you mean "
                             "'account-takeover'?")


def test_a_flag_is_no_number() -> None:
    scored = card(campaigns(10, stratum={"objective": True, "stealth": 1.0, "outcome": "x"}))
    assert ask(scored, "metric: campaign_recall, where: {objective: true, stealth: 1}, min: 1").status == PASSED
    assert ask(scored, "metric: campaign_recall, where: {objective: 1}, min: 0").status == INCONCLUSIVE


def test_luck_cannot_pass() -> None:
    lucky = card(campaigns(40), refused=True, r0=0.62)
    found = ask(lucky, RECALL)
    assert found.status == INCONCLUSIVE
    assert "chance alone would detect 62% of campaigns" in found.message
    assert ask(lucky, RECALL, allow_chance=True).status == PASSED
    assert ask(lucky, "metric: ttd_p90_seconds, max: 900").status == INCONCLUSIVE
    assert ask(lucky, "metric: fp_groups_per_day, max: 20").status == PASSED
    assert ask(lucky, "metric: chance_recall, max: 0.2").status == FAILED
    assert ask(card(campaigns(0, 40), refused=True, r0=0.62), RECALL).status == FAILED


def test_an_empty_file_of_alerts_passes_nothing() -> None:
    """No false alerts is no merit where nothing ran; it is where a rule was tested and stayed silent."""
    empty = card(campaigns(0, 30), rules=(), false_groups=0)
    found = ask(empty, "metric: fp_groups_per_day, max: 5")
    assert (found.status, found.message.endswith("no alert was read and no rule is known to have run")) == (
        INCONCLUSIVE, True)
    assert ask(empty, RECALL).status == FAILED
    assert ask(card(campaigns(0, 30), false_groups=0), "metric: fp_groups_per_day, max: 5").status == PASSED


@pytest.mark.parametrize("code", ["TRUNCATED_FILE", "WRONG_CLOCK", "UNKNOWN_RULE"])
def test_what_is_wrong_with_alerts_lets_nothing_pass(code: str) -> None:
    """With gates each is inconclusive; without any, the run as a whole is."""
    good = card(campaigns(40))
    bad = replace(good, diagnostics=(Diagnostic(code, "said"),))
    assert evaluate(good, None, today=TODAY) == ()
    told = evaluate(bad, None, today=TODAY)
    assert ([(g.gate_id, g.status) for g in told], exit_code(told)) == ([("input", INCONCLUSIVE)], 3)
    assert (ask(good, RECALL).status, ask(bad, RECALL).status) == (PASSED, INCONCLUSIVE)


def test_an_empty_file_proves_no_rule_silent() -> None:
    """Rules that are said to be behind it need not have run."""
    empty = replace(card(campaigns(0, 30), false_groups=0), diagnostics=(Diagnostic("EMPTY_FILE", "no alerts"),))
    assert ask(empty, "metric: fp_groups_per_day, max: 5").status == INCONCLUSIVE


def test_missing_telemetry_cannot_pass_and_does_not_count() -> None:
    blind = campaign(30, status=NO_TELEMETRY)
    found = ask(card([*campaigns(30), blind]), RECALL)
    assert (found.status, found.value) == (INCONCLUSIVE, pytest.approx(0.8843, abs=1e-4))
    assert found.message.endswith("no telemetry for C-0030")
    assert ask(card([*campaigns(10, 20), blind]), RECALL).status == FAILED
    assert ask(card([*campaigns(2), blind]), "metric: campaigns_detected, min: 3").status == INCONCLUSIVE
    assert ask(card([*campaigns(1), blind]), "metric: campaigns_detected, min: 3").status == FAILED
    assert ask(card([*campaigns(2), blind]), "metric: campaigns_without_telemetry, max: 0").status == FAILED


def test_a_lost_campaign_fails_and_names_rule_and_file() -> None:
    scored = against(campaigns(30), campaigns(29, 1))
    found = ask(scored, "metric: lost_campaigns, max: 0")
    assert (found.status, found.names, found.files) == (FAILED, ("C-0029",), ("rules/r1.yml",))
    assert found.message == ("1 of 30 campaigns lost: C-0029 (seen before by Many logins fail; rules/r1.yml): lost_campaigns 1, "
                             "above 0")
    back = against(campaigns(30), campaigns(30))
    assert ask(back, "metric: lost_campaigns, max: 0").status == PASSED


def test_an_allowance_excuses_until_it_expires_and_then_fails_itself() -> None:
    scored = against(campaigns(30), campaigns(29, 1))
    allow = "campaign: C-0029, gate: g, reason: log source retired, owner: ir-team, expires: 2026-11-28"
    found = ask(scored, "metric: lost_campaigns, max: 0", allow=allow)
    assert (found.status, found.allowed) == (PASSED, ("C-0029",))
    text = f"version: 1\ngates:\n  - {{id: g, metric: lost_campaigns, max: 0}}\nallow:\n  - {{{allow}}}\n"
    gate, expired = evaluate(scored, load_gates(text, "g.yml"), today=date(2026, 11, 29))
    assert (gate.status, expired.status, expired.gate_id) == (FAILED, FAILED, "allow-1")
    assert expired.message == ("g.yml:5: the allowance for campaign C-0029, log source retired expired on 2026-11-28; "
                               "ask ir-team; fix it, renew or remove it")


def test_without_a_baseline_nothing_is_known_to_be_kept() -> None:
    found = ask(card(campaigns(30)), "metric: lost_campaigns, max: 0")
    assert (found.status, found.message) == (INCONCLUSIVE, "nothing to compare with; give --baseline")


def test_a_baseline_of_another_dataset_cannot_name_losses() -> None:
    new = card(campaigns(29, 1), digest="sha256:b")
    scored = replace(new, regression=compare(card(campaigns(30)), new))
    assert ask(scored, "metric: lost_campaigns, max: 0").status == INCONCLUSIVE
    assert ask(scored, "metric: mcnemar_p, min: 0.05").status == INCONCLUSIVE
    assert evaluate(scored, None, today=TODAY) == ()


def test_the_strict_gate_is_there_without_being_written() -> None:
    (found,) = evaluate(against(campaigns(30), campaigns(29, 1)), None, today=TODAY)
    assert (found.gate_id, found.status) == ("no-loss", FAILED)
    assert [r.status for r in evaluate(against(campaigns(5), campaigns(5)), None, today=TODAY)] == [PASSED]


def test_loss_of_telemetry_alone_is_no_verdict_on_rules() -> None:
    now = [*campaigns(29), campaign(29, status=NO_TELEMETRY)]
    assert ask(against(campaigns(30), now), "metric: lost_campaigns, max: 0").status == INCONCLUSIVE


@pytest.mark.parametrize(("n", "lost", "status"), [
    (30, 0, INCONCLUSIVE), (30, 4, INCONCLUSIVE), (236, 0, PASSED), (200, 1, INCONCLUSIVE), (200, 20, FAILED),
    (1000, 5, PASSED)])
def test_non_inferiority(n: int, lost: int, status: str) -> None:
    scored = against(campaigns(n), campaigns(n - lost, lost))
    found = ask(scored, "metric: campaign_recall_delta, bound: lower, min: -0.02")
    assert found.status == status, found.message


def test_non_inferiority_out_of_reach_says_how_many_it_takes() -> None:
    found = ask(against(campaigns(30), campaigns(30)), "metric: campaign_recall_delta, bound: lower, min: -0.02")
    assert "30 campaigns cannot show -0.02 even without a miss; 236 campaigns could" in found.message


def test_few_changes_say_nothing_by_mcnemar() -> None:
    assert ask(against(campaigns(30), campaigns(26, 4)), "metric: mcnemar_p, min: 0.05").status == INCONCLUSIVE
    found = ask(against(campaigns(30), campaigns(30)), "metric: mcnemar_p, min: 0.05")
    assert (found.status, "only 0 campaigns changed" in found.message) == (INCONCLUSIVE, True)
    assert ask(against(campaigns(30), campaigns(25, 5)), "metric: mcnemar_p, min: 0.05").status == FAILED


def test_false_alerts_with_their_bound_and_their_allowance() -> None:
    noisy = card(campaigns(5), false_groups=150, by_cause={"background": 100, "password-manager-retry": 50}, rules=[
        rule("r1", false_groups=60, hard={"password-manager-retry": 50}, alerts=60), rule("r2", false_groups=90)])
    gate = "metric: fp_groups_per_day, bound: upper, max: 16"
    assert ask(noisy, gate).status == FAILED  # 15 a day, up to 17.6
    allow = "fp_kind: password_manager_retry, rule: r1, max_per_day: 2, expires: 2027-03-01"
    found = ask(noisy, gate, allow=allow)
    assert (found.status, found.allowed) == (PASSED, ("20 of password_manager_retry",))
    assert found.message.startswith("130 false alert groups in 10 days")
    assert ask(noisy, "metric: fp_groups_per_day, rule: r1, max: 6").status == PASSED
    assert ask(noisy, "metric: fp_groups_per_day, rule: r2, max: 6").status == FAILED
    assert ask(noisy, "metric: fp_groups_per_day, rule: r1, max: 1", allow=allow.replace("max_per_day: 2, ", "")).value == 1


def test_too_short_a_window_cannot_show_a_small_rate() -> None:
    quiet = card(campaigns(5), false_groups=0, days=1)
    found = ask(quiet, "metric: fp_groups_per_day, bound: upper, max: 1")
    assert (found.status, "at best 3.689" in found.message) == (INCONCLUSIVE, True)
    assert ask(card(campaigns(5), false_groups=0, days=4), "metric: fp_groups_per_day, bound: upper, max: 1").status \
        == PASSED


def test_time_to_detect_counts_misses() -> None:
    assert ask(card(campaigns(30)), "metric: ttd_p90_seconds, max: 900").value == 60
    found = ask(card(campaigns(20, 10)), "metric: ttd_p90_seconds, max: 900")
    assert (found.status, found.value) == (FAILED, None)
    assert "ttd_p90_seconds beyond what was watched, above 900" in found.message
    assert ask(card(campaigns(20, 10)), "metric: ttd_median_seconds, max: 900").status == PASSED
    unseen = ask(card(campaigns(20, 10)), "metric: ttd_p90_seconds, max: 90000")
    assert (unseen.status, "watched for 7200 s" in unseen.message) == (INCONCLUSIVE, True)
    assert ask(card(campaigns(60)), "metric: ttd_p90_seconds, bound: upper, max: 900").status == PASSED
    small = ask(card(campaigns(20)), "metric: ttd_p90_seconds, bound: upper, max: 900")
    assert (small.status, "20 campaigns cannot bound this time from above; 36 could" in small.message) == (
        INCONCLUSIVE, True)


def test_before_impact() -> None:
    late = card([*campaigns(6), *campaigns(4, first=6, after=3000, status="LATE"), campaign(10, impact=None)])
    assert ask(late, "metric: p_before_impact, min: 0.6").value == 0.6
    assert ask(late, "metric: p_before_impact, min: 0.7").names == ("C-0006", "C-0007", "C-0008", "C-0009")


def test_steps_techniques_and_events() -> None:
    scored = card(campaigns(30))
    assert ask(scored, "metric: step_recall, min: 0.6").value == 0.5
    found = ask(scored, "metric: technique_recall, min: 0.6")
    assert (found.status, found.value) == (FAILED, 0.0)
    assert found.message.startswith("T1078: 0 of 30 steps detected")
    assert ask(scored, "metric: technique_recall, where: {technique: T1110}, min: 0.6").status == PASSED
    assert ask(scored, "metric: event_recall, min: 0.2").value == 0.25


def test_rules_must_exist_and_be_tested() -> None:
    scored = card(campaigns(5), rules=[
        rule(seen=["C-0000"], alerts=9), rule("r2", "New device", status=FIELD_GAP, file="rules/r2.yml")])
    assert ask(scored, "metric: campaigns_detected, rule: r1, min: 3").value == 5
    assert ask(scored, "metric: alerts, rule: Many Logins Fail, min: 9, max: 9").status == PASSED
    gone = ask(scored, "metric: false_groups, rule: r9, max: 0")
    assert gone.status == FAILED
    assert gone.message.startswith("no rule 'r9' in this run; allowed: Many logins fail")
    gap = ask(scored, "metric: false_groups, rule: r2, max: 0")
    assert (gap.status, gap.message) == (INCONCLUSIVE, "rule 'New device' could not be tested: needs field user")
    assert ask(scored, "metric: untested_rules, max: 0").names == ("New device",)
    assert ask(scored, "metric: silent_rules, max: 0").status == PASSED


def test_growth_of_false_alerts() -> None:
    new = card(campaigns(5), false_groups=30)
    scored = replace(new, regression=compare(card(campaigns(5), false_groups=20), new))
    assert ask(scored, "metric: fp_growth, max: 1.2").value == pytest.approx(1.5)
    assert ask(scored, "metric: fp_growth, bound: lower, max: 1.2").status == PASSED  # growth is not shown
    first = replace(new, regression=compare(card(campaigns(5), false_groups=0), new))
    assert ask(first, "metric: fp_growth, max: 2").status == FAILED


def test_a_stored_interval_serves_at_its_own_confidence_only() -> None:
    found = ask(card(campaigns(50)), "metric: precision, bound: lower, min: 0.5", head="confidence: 0.9\n")
    assert (found.status, "score with confidence 0.9" in found.message) == (INCONCLUSIVE, True)
    assert ask(card(campaigns(50)), "metric: precision, bound: lower, min: 0.5").status == PASSED


def test_exit_codes() -> None:
    def result(status: str) -> GateResult:
        return GateResult("g", "precision", status, None, None, "point", ">=", "")

    good, bad, open_ = result(PASSED), result(FAILED), result(INCONCLUSIVE)
    assert exit_code([good]) == exit_code([]) == 0
    assert exit_code([good, open_, bad]) == 1
    assert exit_code([good, open_]) == 3
    assert exit_code([good, open_], inconclusive="pass") == 0
    assert exit_code([good, open_], inconclusive="fail") == 1
    assert exit_code([bad], failed=["sigma"]) == 4


def test_the_example_of_the_specification_runs(golden) -> None:
    scored = against(campaigns(40), campaigns(39, 1), false_groups=50)
    found = evaluate(scored, load_gates(EXAMPLE, "redgen-gates.yml"), today=date(2027, 2, 15))
    golden("gates_example.txt", "".join(f"{r.status:12} {r.gate_id}: {r.message}\n" for r in found))


@pytest.mark.parametrize("scored", [
    card(campaigns(40)), card([*campaigns(6, 3), *campaigns(6, 2, first=20, family='api: "misuse"')]), card([]),
    card(campaigns(30, 2, weight=2.0)), against(campaigns(30), campaigns(30))])
def test_gates_written_from_a_run_pass_on_it(scored: Scorecard) -> None:
    text = write_gates(scored)
    assert text == write_gates(scored)
    found = evaluate(scored, load_gates(text, "written.yml"), today=TODAY)
    assert found
    assert {r.status for r in found} <= ({PASSED} if scored.campaigns else {PASSED, INCONCLUSIVE})


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.3, 0.5, 0.8, 0.9, 0.95]),
       st.sampled_from(["point", "lower", "upper"]))
@settings(deadline=None)
def test_one_more_detected_never_makes_it_worse_and_one_more_missed_never_better(
    hits: int, misses: int, limit: float, bound: str,
) -> None:
    order = {FAILED: 0, INCONCLUSIVE: 1, PASSED: 2}

    def status(caught: int, missed: int) -> int:
        gate = f"metric: campaign_recall, bound: {bound}, min: {limit}"
        return order[ask(card(campaigns(caught, missed)), gate).status]

    if misses:
        assert status(hits + 1, misses - 1) >= status(hits, misses)
    if hits and status(hits, 0) == order[PASSED]:
        assert clopper_pearson(hits, hits).upper >= limit


@given(st.integers(0, 40), st.integers(0, 12))
@settings(deadline=None)
def test_nothing_passes_that_the_exact_interval_does_not_show(hits: int, misses: int) -> None:
    found = ask(card(campaigns(hits, misses)), RECALL)
    exact = clopper_pearson(hits, hits + misses)
    assert (found.status == PASSED) == (exact.lower is not None and exact.lower >= 0.85)
    assert found.status != FAILED or exact.upper < 0.85 or clopper_pearson(hits + misses, hits + misses).lower >= 0.85


def test_alerts_in_another_time_zone_pass_no_gate() -> None:
    wrong = replace(card(campaigns(40)), diagnostics=(Diagnostic("WRONG_TIME_ZONE", "moved by +2 h", 40, "error"),))
    found = ask(wrong, RECALL)
    assert found.status == INCONCLUSIVE
    assert "another time zone" in found.message
