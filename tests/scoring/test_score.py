"""Whole scorecards of small datasets, their numbers worked out by hand; and what bad input comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from redgen.alert import Alerts, Detection, RuleReport, alerts_of
from redgen.clock import HOUR, MINUTE
from redgen.errors import DataError
from redgen.gates.evaluate import evaluate
from redgen.gates.file import load_gates
from redgen.scorecard import INCONCLUSIVE, PASSED, Settings, from_json, to_json
from redgen.scoring.score import score
from tests.scoring.grounds import AUTH, T0, WEB, Attack, Lookalike, Said, alerts, at, detection, ground, many
from tests.scoring.test_coincidence import everything, oracle

QUICK = Settings(bootstrap=200)

SHOP = ground([
    Attack("C-1", {"try": [(60, 11), (70, 12)], "take": [(100, 13)]}, impact=100, weight=3.0, playbook="ato", family="a",
           stratum={"outcome": "loot", "stealth": "high"}),
    Attack("C-2", {"try": [(200, 21), (210, 22)], "take": [(240, 23)]}, impact=240, weight=1.0, playbook="ato", family="a",
           stratum={"outcome": "given up", "stealth": "low"}),
    Attack("C-3", {"flood": [(500 + k, 31 + k) for k in range(5)]}, impact=500, weight=1.0, playbook="flood", family="b",
           stratum={"outcome": "loot", "stealth": None}),
    Attack("C-4", {"scan": [(700, 41)]}, weight=1.0, playbook="scan", family="b", stratum={"outcome": "given up"}),
], [Lookalike("N-1", "backup-job", [(300, 61), (301, 62)])], days=2)

SAID = [
    Said("spray", 75, lines=[11, 12]), Said("spray", 250, lines=[23]), Said("rate", 502, lines=[31, 32, 33]),
    Said("spray", 301, lines=[61]), Said("rate", 900, lines=[500]), Said("rate", 1500, lines=[501]),
]
RULES = tuple(RuleReport(r, r) for r in ("spray", "rate", "quiet"))
CARD = score(SHOP, [detection(SAID, rules=RULES)], QUICK)


def codes(card):
    """Diagnostics by code."""
    return {d.code: (d.count, d.level) for d in card.diagnostics}


def test_recall_weighted_and_plain() -> None:
    """C-1, C-2 and C-3 of four, with weights 3, 1, 1 and 1."""
    assert CARD.recall.value == pytest.approx(5 / 6)
    assert (CARD.recall_plain.value, CARD.recall_plain.k, CARD.recall_plain.n) == (0.75, 3, 4)
    assert CARD.recall_plain.lower == pytest.approx(0.194, abs=5e-4)  # R: binom.test(3, 4)
    assert CARD.recall_plain.upper == pytest.approx(0.994, abs=5e-4)
    assert CARD.recall_wilson.lower == pytest.approx(0.301, abs=5e-4)
    assert [c.status for c in CARD.campaigns] == ["DETECTED", "LATE", "LATE", "MISSED"]


def test_recall_by_kind() -> None:
    """Strata of campaigns, and steps and techniques."""
    told = {by: {name: e.value for name, e in found.items()} for by, found in CARD.recall_by.items()}
    assert told["family"] == {"a": 1.0, "b": 0.5}
    assert told["playbook"] == {"ato": 1.0, "flood": 1.0, "scan": 0.0}
    assert told["outcome"] == {"given up": 0.5, "loot": 1.0}
    assert told["stealth"] == {"high": 1.0, "low": 1.0}
    assert told["step"] == {"ato/try": 0.5, "ato/take": 0.5, "flood/flood": 1.0, "scan/scan": 0.0}
    assert told["technique"] == {"T-try": 0.5, "T-take": 0.5, "T-flood": 1.0, "T-scan": 0.0}
    assert CARD.event_recall.value == pytest.approx(6 / 12)


def test_burden() -> None:
    """Three false groups in two days, one of them for the backup."""
    found = CARD.false_alerts
    assert (found.groups, dict(found.by_cause)) == (3, {"background": 2, "backup-job": 1})
    assert (found.per_day.value, found.per_day.k) == (1.5, 3)
    assert found.per_day.lower == pytest.approx(0.6187 / 2, abs=1e-3)  # Garwood for 3: [0.619, 8.767]
    assert found.per_day.upper == pytest.approx(8.767 / 2, abs=1e-3)
    assert found.per_million_events == 1500.0
    assert found.per_thousand_people_day == 15.0
    assert (len(found.hourly), sum(found.hourly), found.hourly[5], found.hourly[15], found.hourly[25]) == (48, 3, 1, 1, 1)
    assert (CARD.precision.value, CARD.precision.n, CARD.precision.k) == (0.5, 6, 3)


def test_deployment() -> None:
    """At one attack a day: 5/6 true groups against 1.5 false ones."""
    first = CARD.deployment[0]
    assert first.attacks_per_day == 1
    assert first.ppv == pytest.approx((5 / 6) / (5 / 6 + 1.5))
    assert first.days_between_true == pytest.approx(1.2)
    assert CARD.deployment[1].days_between_true == pytest.approx(7 * 1.2)


def test_time_to_detect_counts_the_missed() -> None:
    """15, 50 and 2 minutes, and one watched for its hour in vain."""
    told = CARD.time_to_detect
    assert (told.n, told.detected) == (4, 3)
    assert told.median_seconds == 900
    assert told.p90_seconds is None
    assert told.horizon_seconds == 3600
    assert told.curve == ((120.0, 0.75), (900.0, 0.5), (3000.0, 0.25))
    assert told.rmst_seconds == pytest.approx(120 + 0.75 * 780 + 0.5 * 2100 + 0.25 * 600)
    assert {k: e.value for k, e in told.within.items()} == {"5m": 0.25, "1h": 0.75, "24h": 0.75}
    assert (told.before_impact.k, told.before_impact.n) == (1, 3)  # C-4 never had an impact
    assert told.lost_events is not None
    assert told.lost_events.value == pytest.approx((2 + 3 + 2 + 1) / 4)  # the event of the moment itself is not lost


def test_timeliness() -> None:
    """C-1 at 15 of 40 minutes, C-2 ten and C-3 two minutes after impact, less 1.5 of 50 false alerts a day."""
    worth = 3 * (1 - 0.5 * 15 / 40) + 0.5 * np.exp(-600 / 3600) + 0.5 * np.exp(-120 / 3600)
    assert CARD.timeliness == pytest.approx(worth / 6 - 0.2 * 1.5 / 50)


def test_rules() -> None:
    """Who caught what alone, at what price, and who said nothing."""
    told = {r.rule.rule_id: r for r in CARD.rules}
    assert told["spray"].campaigns == told["spray"].unique == ("C-1", "C-2")
    assert told["rate"].unique == ("C-3",)
    assert (told["rate"].false_groups, told["rate"].false_per_day.value, told["rate"].per_false_alert) == (2, 1.0, 1.0)
    assert dict(told["spray"].hard_negatives) == {"backup-job": 1}
    assert [r.rule.rule_id for r in CARD.rules if r.silent] == ["quiet"]
    assert not any(r.only_hard_negatives for r in CARD.rules)


def test_what_two_rules_catch_is_unique_to_neither() -> None:
    """Unless both are needed."""
    said = [Said("a", 61, lines=[11]), Said("b", 71, lines=[12])]
    both = score(SHOP, [detection(said)], QUICK)
    assert [r.unique for r in both.rules] == [(), ()]
    needed = score(SHOP, [detection(said)], replace(QUICK, k=2))
    assert [r.unique for r in needed.rules] == [("C-1",), ("C-1",)]
    steps = score(SHOP, [detection([*said, Said("b", 100, lines=[13])])], replace(QUICK, min_steps=2))
    assert [r.unique for r in steps.rules] == [(), ("C-1",)]


@pytest.mark.parametrize("tuned", ["7", "sha256:small", "small"])
def test_rules_tuned_on_this_dataset_are_held_out(tuned: str) -> None:
    """By its seed or its digest."""
    rules = (RuleReport("spray", "spray", tuned_on=(tuned,)), *RULES[1:])
    held = score(SHOP, [detection(SAID, rules=rules)], QUICK).recall_held_out
    assert held is not None
    assert held.value == pytest.approx(1 / 6)
    assert CARD.recall_held_out is None


def test_a_scorecard_survives_writing_and_repeats_itself() -> None:
    """Byte by byte."""
    text = to_json(CARD)
    assert from_json(text, "x") == CARD
    assert to_json(score(SHOP, [detection(SAID, rules=RULES)], QUICK)) == text


GATES = """
version: 1
gates:
  - {id: recall, metric: campaign_recall, bound: lower, min: 0.5}
"""


def test_everything_passes_no_gate_and_an_oracle_does(tmp_path) -> None:
    """Though both have a recall of 1 with the same bound."""
    file = tmp_path / "gates.yml"
    file.write_text(GATES)
    truth, gates = many(60), load_gates(file)
    results = {d.detector: evaluate(score(truth, [d], QUICK), gates, today=date(2026, 1, 1))[0]
               for d in (everything(truth), oracle(truth))}
    assert results["everything"].status == INCONCLUSIVE
    assert results["oracle"].status == PASSED


def test_several_detectors_are_one_defence() -> None:
    """Their alerts add up; equal alert ids of two detectors are two alerts."""
    one, two = alerts([Said("a", 75, lines=[11], name="A-1")]), alerts([Said("b", 502, lines=[31], name="A-1")])
    card = score(SHOP, [Detection("x", one), Detection("y", two)], QUICK)
    assert card.detectors == ("x", "y")
    assert [c.status for c in card.campaigns] == ["DETECTED", "MISSED", "LATE", "MISSED"]
    assert "DUPLICATE_ALERT" not in codes(card)


def test_duplicates_are_dropped_and_counted() -> None:
    """An export that was taken twice."""
    said = [Said("a", 900, lines=[500], name="A-1"), Said("a", 900, lines=[500], name="A-1")]
    card = score(SHOP, [detection(said)], QUICK)
    assert (codes(card)["DUPLICATE_ALERT"], card.false_alerts.alerts) == ((1, "warning"), 1)


def test_unknown_rules_and_caps_are_said() -> None:
    """A rule nobody ran, and exactly a hundred alerts."""
    said = [Said("stray", 900 + k / 100, lines=[400 + k]) for k in range(100)]
    card = score(SHOP, [detection(said, rules=RULES)], QUICK)
    assert codes(card)["UNKNOWN_RULE"] == (100, "warning")
    assert codes(card)["TRUNCATED"] == (1, "warning")


def test_alerts_of_another_time_are_false_and_said_to_be() -> None:
    """Last year's alerts do not vanish."""
    card = score(SHOP, [detection([Said("a", -500_000, lines=[500]), Said("a", -500_001, who=[("ip", "1.1.1.1")])])], QUICK)
    assert codes(card)["ALERT_OUTSIDE_WINDOW"] == (2, "warning")
    assert card.false_alerts.groups == 2
    assert sum(card.false_alerts.hourly) == 0


@pytest.mark.parametrize("hours", [-5, 2])
def test_a_wrong_time_zone_is_found_by_events(hours: int) -> None:
    """Alerts whose times are whole hours off the events that they name."""
    said = [Said("a", m + 60 * hours + 0.3, lines=[line]) for m, line in
            [(60, 11), (70, 12), (100, 13), (200, 21), (240, 23), (300, 61)]]
    card = score(SHOP, [detection(said)], QUICK)
    assert codes(card)["WRONG_TIME_ZONE"] == (6, "error")
    told = next(d.message for d in card.diagnostics if d.code == "WRONG_TIME_ZONE")
    assert f"UTC{hours:+d}" in told


def test_a_wrong_time_zone_is_found_by_entities_and_by_the_window() -> None:
    """Where no event is named: if other hours match far more, or nothing else lies in the window."""
    truth = many(40)
    moments = [c.t_onset + 6 * HOUR + MINUTE for c in truth.campaigns]
    users = [c.entities["victim"]["user"][0] for c in truth.campaigns]
    people = {"alert": range(40), "type": ["user"] * 40, "value": users}
    off = score(truth, [Detection("d", alerts_of({"rule_id": ["r"] * 40, "t_alert": moments}, None, people))], QUICK)
    assert "WRONG_TIME_ZONE" in codes(off)
    right = alerts_of({"rule_id": ["r"] * 40, "t_alert": [t - 6 * HOUR for t in moments]}, None, people)
    assert "WRONG_TIME_ZONE" not in codes(score(truth, [Detection("d", right)], QUICK))
    early = alerts_of({"rule_id": ["r"] * 9, "t_alert": [T0 - 9 * HOUR + k * HOUR for k in range(9)]})
    assert "WRONG_TIME_ZONE" in codes(score(SHOP, [Detection("d", early)], QUICK))


def test_alerts_days_off_are_no_matter_of_zones() -> None:
    """The logs were replayed, or a clock is wrong: no gate should believe times to detect."""
    said = [Said("a", m + 60 * 24 * 30, lines=[line]) for m, line in [(60, 11), (70, 12), (100, 13), (200, 21), (240, 23)]]
    card = score(SHOP, [detection(said)], QUICK)
    assert codes(card)["WRONG_CLOCK"] == (5, "error")
    assert "WRONG_TIME_ZONE" not in codes(card)
    assert "+720 h off" in next(d.message for d in card.diagnostics if d.code == "WRONG_CLOCK")


def test_an_alert_that_goes_on_is_not_early() -> None:
    """An episode names events after the one at which it was raised; they lie in its own window."""
    episode = Said("a", 65, lines=[11, 12, 21], first=60, last=200)
    assert "ALERT_BEFORE_EVENT" not in codes(score(SHOP, [detection([episode])], QUICK))
    assert "ALERT_BEFORE_EVENT" in codes(score(SHOP, [detection([Said("a", 65, lines=[11, 12, 21], first=60, last=66)])], QUICK))


def test_rules_are_unknown_only_to_who_named_some() -> None:
    """A program beside the embedded engine need not name its rules."""
    stray = detection([Said("stray", 900, lines=[400])])
    quiet = score(SHOP, [detection([Said("spray", 60, lines=[11])], rules=RULES), stray], QUICK)
    assert "UNKNOWN_RULE" not in codes(quiet)


def test_an_alert_without_a_time_is_not_early() -> None:
    """Nor is one that claims to have come before its event; both are said."""
    told = alerts([Said("a", lines=[11], first=-1e9, last=-1e9), Said("a", 150, lines=[21])])
    told.frame.loc[0, ["t_alert", "t_first", "t_last"]] = 0
    card = score(SHOP, [Detection("d", told)], QUICK)
    assert [c.t_det for c in card.campaigns[:2]] == [SHOP.stop, at(200)]
    assert (codes(card)["NO_TIME"], codes(card)["ALERT_BEFORE_EVENT"]) == ((1, "warning"), (1, "warning"))
    last = alerts([Said("a", lines=[11], last=80)])
    last.frame["t_alert"] = 0
    assert score(SHOP, [Detection("d", last)], QUICK).campaigns[0].t_det == at(80)


def test_missing_texts_are_blanks() -> None:
    """A reader may leave a rule's name or an entity's value out."""
    told = alerts_of({"rule_id": ["r", None], "t_alert": [at(61), at(900)], "raw_ref": [None, "x:1"]},
                     {"alert": [0], "event_id": [None], "file": [WEB], "line": [11]},
                     {"alert": [0, 1], "type": ["user", None], "value": [None, "x"]})
    card = score(SHOP, [Detection("d", told)], QUICK)
    assert card.campaigns[0].status == "DETECTED"
    assert to_json(card)


def test_batch_engines_detect_at_their_last_event() -> None:
    """Their own time says when they were run."""
    told = alerts([Said("a", 5000, lines=[11, 12], first=60, last=70)], "batch")
    card = score(SHOP, [Detection("d", told)], QUICK)
    assert card.campaigns[0].t_det == at(70)


def test_times_of_arrival_are_mapped_by_the_ledger() -> None:
    """A replay an hour for a minute: what arrived after 75 s happened after 75 minutes."""
    sent = [T0 + 10**9 + k * 1_000_000 for k in range(0, 1500, 5)]
    ledger = pd.DataFrame({"event_id": [str(k) for k in range(300)], "ts_event": [at(k) for k in range(0, 1500, 5)],
                           "ts_sent": sent})
    told = replace(alerts([Said("a", 0, lines=[11])]), clock="arrival")
    told = Alerts(told.frame.assign(t_alert=T0 + 10**9 + 75_000_000), told.events, told.entities, "arrival")
    card = score(SHOP, [Detection("d", told)], QUICK, ledger=ledger)
    assert card.campaigns[0].t_det == at(75)
    assert "up to 300.000 s" in next(d.message for d in card.diagnostics if d.code == "CLOCK_MAPPED")
    blind = score(SHOP, [Detection("d", told)], QUICK)
    assert codes(blind)["ARRIVAL_CLOCK"] == (1, "warning")


def test_a_dataset_without_campaigns_has_no_recall() -> None:
    """Its false alerts can be counted all the same."""
    card = score(ground([]), [detection([Said("a", 10, lines=[5])])], QUICK)
    assert (card.recall.value, card.recall.n, card.false_alerts.groups, card.timeliness) == (None, 0, 1, None)
    assert "NO_CAMPAIGNS" in codes(card)
    assert to_json(card)


def test_no_detectors_at_all() -> None:
    """Is the same as nothing said."""
    card = score(SHOP, [], QUICK)
    assert (card.recall.value, card.detectors) == (0.0, ())
    assert "NO_ALERTS" in codes(card)


@pytest.mark.parametrize(("name", "value"), [("confidence", 95), ("k", 0), ("min_steps", 0), ("min_purity", 10),
                                             ("match_level", "campaigns"), ("horizon_seconds", -1), ("bootstrap", 0)])
def test_senseless_settings_are_refused(name: str, value: object) -> None:
    """With what to write instead."""
    with pytest.raises(DataError, match=r"write|did you mean"):
        score(SHOP, [], replace(QUICK, **{name: value}))


def test_the_second_source_is_a_source() -> None:
    """Lines of the other log are other lines."""
    card = score(SHOP, [detection([Said("a", 75, lines=[(AUTH, 11)]), Said("a", 80, lines=[(WEB, 12)])])], QUICK)
    assert card.campaigns[0].t_det == at(80)
