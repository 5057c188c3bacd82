"""Two scorecards compared: what got lost and who saw it, what that says, and what few changes cannot say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from redgen.errors import DataError
from redgen.gates.regression import compare
from redgen.scorecard import FAILED, INCONCLUSIVE, NO_TELEMETRY, PASSED, from_json, to_json
from redgen.statistics.differences import (
    Times,
    false_alert_change,
    mcnemar,
    recall_change,
    time_change,
    unpaired_change,
)
from redgen.statistics.intervals import tango
from tests.scoring.cards import campaign, campaigns, card, rule


def test_mcnemar_needs_five_to_say_anything() -> None:
    """b=5, c=0 gives .031, b=4 .0625, b=3 .125."""
    assert [mcnemar(b, 0) for b in (5, 4, 3)] == [0.03125, 0.0625, 0.125]
    assert mcnemar(0, 9) == mcnemar(0, 0) == 1.0


@given(st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None)
def test_mcnemar_is_half_of_statsmodels_exact_one(b: int, c: int) -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    if b > c:
        two_sided = tables.mcnemar([[3, b], [c, 4]], exact=True).pvalue
        assert mcnemar(b, c) == pytest.approx(two_sided / 2)
    assert mcnemar(b, c) == pytest.approx(
        stats.binomtest(b, b + c, alternative="greater").pvalue if b + c else 1.0)


def test_a_lost_campaign_is_named_with_the_rules_that_saw_it_and_their_files() -> None:
    old = card([*campaigns(29), campaign(29, rules=["r1", "r2"])],
               rules=[rule("r1"), rule("r2", "New device", file="rules/r2.yml")])
    new = card(campaigns(29, 1), rules=[rule("r1", file="rules/moved.yml")])
    found = compare(old, new)
    assert found.paired
    assert [(x.campaign_id, x.rules, x.files) for x in found.lost] == [
        ("C-0029", ("Many logins fail", "New device"), ("rules/moved.yml", "rules/r2.yml"))]
    assert (found.mcnemar_p, found.n, found.verdict) == (0.5, 30, INCONCLUSIVE)
    assert found.delta == tango(1, 0, 30, continuity=0.5)


@pytest.mark.parametrize(("n", "lost", "verdict"), [
    (30, 0, INCONCLUSIVE), (235, 0, INCONCLUSIVE), (236, 0, PASSED), (30, 4, INCONCLUSIVE), (30, 5, FAILED),
    (1000, 5, PASSED), (1000, 12, FAILED)])
def test_verdicts(n: int, lost: int, verdict: str) -> None:
    """A loss of more than two points is excluded (passed), shown (failed), or neither; 236 unchanged pairs exclude it."""
    found = compare(card(campaigns(n)), card(campaigns(n - lost, lost)))
    assert len(found.lost) == lost
    assert found.verdict == verdict


def test_strata_and_listing_name_what_got_worse() -> None:
    old = card([*campaigns(20), *campaigns(20, first=20, playbook="flood", family="distributed", rules=["r2"])])
    new = card([*campaigns(20), *campaigns(14, 6, first=20, playbook="flood", family="distributed", rules=["r2"])])
    found = compare(old, new)
    worst, other = found.strata
    assert (worst["stratum"], worst["lost"], worst["p"], worst["p_holm"]) == ("playbook=flood", 6, 1 / 64, 1 / 32)
    assert (other["stratum"], other["lost"], other["p_holm"]) == ("playbook=ato-credential-stuffing", 0, 1.0)
    listed = {row["id"]: row for row in found.rules}
    assert listed["r2"]["lost_campaigns"] == "C-0034 C-0035 C-0036 C-0037 C-0038 C-0039"
    assert listed["T1110.004"]["lost"] == 6
    assert "r1" not in listed
    assert listed["r2"]["q"] == pytest.approx(4 / 64 / 2)  # two of four tests say 1/64


def test_a_comparison_survives_writing_and_reading() -> None:
    new = card(campaigns(25, 5))
    kept = replace(new, regression=compare(card(campaigns(30)), new))
    assert from_json(to_json(kept), "x.json") == kept


def test_other_datasets_do_not_pair_up_and_it_says_so() -> None:
    found = compare(card(campaigns(40), digest="sha256:a"), card(campaigns(20, 20), digest="sha256:b"))
    assert (found.paired, found.lost, found.mcnemar_p, found.verdict) == (False, (), None, FAILED)
    assert found.note.startswith("different datasets (sha256:a before, sha256:b now): unpaired")
    assert not compare(card(campaigns(40), digest=""), card(campaigns(40), digest="")).paired


def test_the_same_digest_with_other_campaigns_is_refused() -> None:
    with pytest.raises(DataError, match="C-0004 is in one of them only; score the older run again"):
        compare(card(campaigns(4)), card(campaigns(5)))


def test_loss_of_telemetry_and_other_settings_are_told() -> None:
    now = [*campaigns(9), campaign(9, status=NO_TELEMETRY)]
    note = compare(card(campaigns(10)), card(now, min_severity=50)).note
    assert note == ("C-0009: no telemetry or an error now, so their loss says nothing about the rules; "
                    "scored with other settings than before: min_severity")


def test_weights_count_and_no_change_still_has_a_width() -> None:
    same = recall_change([1] * 20, [1] * 20, [1] * 10 + [3] * 10)
    assert same.value == 0
    assert same.lower < -0.15
    lost = recall_change([1] * 20, [1] * 19 + [0], [1] * 10 + [3] * 10)
    assert lost.value == pytest.approx(-3 / 40)
    assert lost.lower < lost.value < lost.upper


def test_unpaired_change_of_the_paper() -> None:
    """Newcombe 1998: 56/70 against 48/80, method 10: .0524 to .3339."""
    e = unpaired_change(48, 80, 56, 70)
    assert (e.lower, e.upper) == pytest.approx((0.0524, 0.3339), abs=6e-5)
    confint = pytest.importorskip("statsmodels.stats.proportion").confint_proportions_2indep
    assert (e.lower, e.upper) == pytest.approx(confint(56, 70, 48, 80, method="newcomb"), abs=1e-6)
    assert unpaired_change(0, 0, 1, 2).value is None


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 20), st.floats(0.5, 20))
@settings(deadline=None)
def test_growth_of_false_alerts_is_the_conditional_binomial(old: int, new: int, before: float, now: float) -> None:
    told = false_alert_change(old, before, new, now)
    rates = pytest.importorskip("statsmodels.stats.rates")
    if old:
        known = rates.test_poisson_2indep(new, now, old, before, method="exact-cond", alternative="larger")
        assert told["p"] == pytest.approx(known.pvalue, abs=1e-9)
    if old and new:
        assert told["ratio"] == pytest.approx((new / now) / (old / before))
        assert told["ratio_lower"] <= told["ratio"] <= told["ratio_upper"]


def test_bursts_are_compared_hour_by_hour() -> None:
    old = [0] * 240
    new = [0] * 240
    old[5], new[7] = 40, 80
    told = false_alert_change(40, 10, 80, 10, old_hourly=old, new_hourly=new)
    assert told["p_binomial"] < 0.001
    assert told["p"] == told["p_sign_flip"] == 0.5  # one burst more or less says nothing


def test_slower_detection_shows_in_pairs_and_curves() -> None:
    seconds = np.arange(1, 13) * 60.0
    told = time_change(Times(seconds, [True] * 12), Times(seconds * 3, [True] * 12), paired=True)
    assert told["wilcoxon_p"] == pytest.approx(1 / 2**12)
    assert told["median_shift_seconds"] == 780
    assert told["logrank_p"] < 0.05
    same = time_change(Times(seconds, [True] * 12), Times(seconds, [True] * 12), paired=True)
    assert (same["wilcoxon_p"], same["median_shift_seconds"]) == (1.0, 0.0)
    nobody = time_change(Times([60.0], [False]), Times([60.0], [False]), paired=True)
    assert (nobody["pairs"], nobody["wilcoxon_p"], nobody["logrank_p"]) == (0, None, None)


def test_nothing_at_all_can_be_compared() -> None:
    found = compare(card([]), card([]))
    assert (found.n, found.verdict, found.delta.value) == (0, INCONCLUSIVE, None)
