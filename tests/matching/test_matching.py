"""Which alert catches what: worked by hand, at the level of events, of entities and of campaigns."""

from __future__ import annotations

import pytest

from redgen.alert import Detection, RuleReport, alerts_of, digest_of
from redgen.matching.index import MemoryIndex
from redgen.scorecard import DETECTED, ERROR, LATE, MISSED, NO_TELEMETRY, PARTIAL, Settings
from redgen.scoring.score import judge, score
from tests.scoring.grounds import AUTH, WEB, Attack, Lookalike, Said, at, detection, ground, index_of

STUFFING = Attack("C-1", {"try": [(60, 101), (61, 102)], "take": [(90, 103)]}, ip=["10.0.0.1"], user=["Ann@corp.example"],
                  impact=90)
QUICK = Settings(shifts=19, bootstrap=200)


def status(said, attack=STUFFING, settings=QUICK, **more):
    """What became of one campaign."""
    return score(ground([attack]), [detection(said)], settings, **more).campaigns[0].status


def codes(card):
    """Diagnostics by code."""
    return {d.code: d.count for d in card.diagnostics}


def test_a_line_named_by_file_and_number_is_a_hit() -> None:
    """And the campaign is detected when the alert says so, not when the event happened."""
    card = score(ground([STUFFING]), [detection([Said("spray", 65, lines=[101])])], QUICK)
    c = card.campaigns[0]
    assert (c.status, c.level, c.t_det, c.rules) == (DETECTED, "L0", at(65), ("spray",))
    assert [(s.step_id, s.detected, s.events_seen, s.t_det) for s in c.steps] == [
        ("try", True, 1, at(65)), ("take", False, 0, None)]
    assert (c.events_seen, c.lost_events) == (1, 2)  # lines at 60 and 61 lie before 65
    assert [(m.t, m.step_id, m.level, m.alerts) for m in c.marks] == [(at(65), "try", "L0", 1)]


def test_late_and_missed() -> None:
    """After the impact is late; never is missed; a benign line hits nothing."""
    assert status([Said(t=120, lines=[103])]) == LATE
    assert status([Said(t=60, lines=[500])]) == MISSED
    assert status([]) == MISSED


def test_an_alert_cannot_precede_its_event() -> None:
    """A clock that is early does not make detection early."""
    card = score(ground([STUFFING]), [detection([Said(t=10, lines=[103])])], QUICK)
    assert card.campaigns[0].t_det == at(90)


@pytest.mark.parametrize("name", [WEB, "web.0.log", f"/data/set/{WEB}", f"C:\\data\\{WEB}".replace("/", "\\"),
                                  f"{WEB}.gz"])
def test_files_are_known_by_any_path(name: str) -> None:
    """A detector on another machine writes paths of its own."""
    assert status([Said(t=61, lines=[(name, 101)])]) == DETECTED


def test_an_event_id_is_a_reference_and_a_file_narrows_it() -> None:
    """A Zeek uid may stand on lines of several logs; with a file beside it, it means the line in that file."""
    both = ground([STUFFING, Attack("C-2", {"s": [(60, 7)]}, file=AUTH)])
    both.labels["event_id"] = "same"
    judged = judge(both, [detection([Said(t=95, ids=["same"])])], QUICK)
    assert judged.status == (LATE, DETECTED)
    assert {d.code for d in judged.diagnostics} == {"AMBIGUOUS_EVENT"}
    told = alerts_of({"rule_id": ["r"], "t_alert": [at(70)]}, {"alert": [0], "event_id": ["same"], "file": ["auth.0.log"]})
    assert judge(both, [Detection("d", told)], QUICK).status == (MISSED, DETECTED)
    line = alerts_of({"rule_id": ["r"], "t_alert": [at(70)]},
                     {"alert": [0], "event_id": ["same"], "file": [WEB], "line": [103]})
    card = score(both, [Detection("d", line)], QUICK)
    assert [s.detected for s in card.campaigns[0].steps] == [False, True]


def test_a_digest_finds_the_line_where_an_index_knows_it() -> None:
    """All lines of that text; without an index the reference is unknown, and said to be."""
    import pandas as pd

    digest = digest_of(b"POST /login")
    index = MemoryIndex(pd.DataFrame({"file": [WEB, WEB], "line": [101, 700], "t": [at(60), at(400)],
                                      "digest": [digest, digest]}), {})
    said = alerts_of({"rule_id": ["r"], "t_alert": [at(70)]}, {"alert": [0], "digest": [digest]})
    known = score(ground([STUFFING]), [Detection("d", said)], QUICK, index)
    assert known.campaigns[0].status == DETECTED
    assert codes(known)["AMBIGUOUS_EVENT"] == 1
    blind = score(ground([STUFFING]), [Detection("d", said)], QUICK)
    assert blind.campaigns[0].status == MISSED
    assert codes(blind)["UNKNOWN_EVENT"] == 1


def test_unknown_files_and_lines_are_counted() -> None:
    """They are no benign events: the alert is matched by entity and time instead."""
    said = [Said("r", 61, lines=[(WEB, 1001)], who=[("ip", "10.0.0.1")]), Said("r", 300, lines=[("other.log", 1)])]
    card = score(ground([STUFFING]), [detection(said)], QUICK)
    assert codes(card)["UNKNOWN_EVENT"] == 2
    assert (card.campaigns[0].status, card.campaigns[0].level) == (DETECTED, "L1")
    assert card.false_alerts.by_cause == {"unattributable": 1}


def test_ids_of_another_system_are_no_references() -> None:
    """An index that made ids of its own would else turn every alert into a false one, silently."""
    said = [Said("r", 61, ids=[f"es-{k}"], who=[("ip", "10.0.0.1")]) for k in range(6)]
    card = score(ground([STUFFING]), [detection(said)], QUICK)
    assert card.campaigns[0].level == "L1"
    assert codes(card)["UNKNOWN_EVENT"] == 6


def test_purity_of_alerts_that_name_many_events() -> None:
    """Ten events: any hit is enough. Eleven and more: a tenth must be malicious, or the alert is diluted."""
    few = [Said(t=95, lines=[101, *range(201, 210)])]
    many_ = [Said(t=95, lines=[101, *range(201, 220)])]
    enough = [Said(t=95, lines=[101, 102, *range(201, 219)])]
    assert status(few) == LATE
    assert status(enough) == LATE
    card = score(ground([STUFFING]), [detection(many_)], QUICK)
    assert card.campaigns[0].status == MISSED
    assert (card.false_alerts.by_cause, card.false_alerts.diluted) == ({"diluted": 1}, 1)
    lenient = score(ground([STUFFING]), [detection(many_)], Settings(shifts=19, bootstrap=200, lenient=True))
    assert lenient.campaigns[0].status == LATE
    assert lenient.precision.value == 0  # a touch counts for recall, never for precision


@pytest.mark.parametrize(("first", "last", "hit"), [
    (55, 59, False), (55, 60, True), (92, 92, True), (92, 92.5, True), (150, 150, True), (151, 151, False)])
def test_entity_and_window(first: float, last: float, hit: bool) -> None:
    """From the step's first event to one horizon after its last; entities without regard to case."""
    said = [Said(t=last, first=first, last=last, who=[("account", "ann@CORP.example")])]
    assert (status(said) in (DETECTED, LATE)) is hit


def test_a_rules_own_window_is_a_longer_horizon() -> None:
    """A rule that looks back six hours may alert five hours after the attack."""
    said = [Said("slow", 390, who=[("ip", "10.0.0.1")])]
    rule = (RuleReport("slow", "slow", span=6 * 3_600_000_000),)
    assert status(said) == MISSED
    assert score(ground([STUFFING]), [detection(said, rules=rule)], QUICK).campaigns[0].status == LATE


def test_alerts_without_events_or_entities_match_nothing() -> None:
    """They are unattributable, and false."""
    card = score(ground([STUFFING]), [detection([Said(t=61)])], QUICK)
    assert card.campaigns[0].status == MISSED
    assert (card.false_alerts.unattributable, card.false_alerts.groups) == (1, 1)


def test_a_shared_address_is_no_evidence() -> None:
    """With the logs at hand it is measured: 3 of 203 events of the address are the attack's."""
    shared = [(WEB, k, 60 + k / 10, "10.0.0.1", "") for k in range(200, 400)]
    own = [(WEB, 101, 60, "10.0.0.1", ""), (WEB, 102, 61, "10.0.0.1", ""), (WEB, 103, 90, "10.0.0.1", "")]
    said = [Said(t=62, who=[("ip", "10.0.0.1")])]
    assert status(said, index=index_of(own)) == DETECTED
    assert status(said, index=index_of([*own, *shared])) == MISSED
    assert status(said) == DETECTED  # without an index, addresses are trusted


def test_hosts_are_trusted_only_where_they_are_specific() -> None:
    """Everything happens on some host."""
    attack = Attack("C-1", {"try": [(60, 101)]}, host=["web01"])
    said = [Said(t=60, who=[("host", "web01")])]
    assert status(said, attack) == MISSED
    import pandas as pd

    lone = MemoryIndex(pd.DataFrame({"file": [WEB], "line": [101], "t": [at(60)], "host": ["web01"]}), {"host": "host"})
    assert status(said, attack, index=lone) == DETECTED


def test_hard_negatives_and_background() -> None:
    """A false alert says what it fell for, by event or by entity."""
    truth = ground([STUFFING], [Lookalike("N-1", "password-manager", [(200, 301), (201, 302)], user=["bob@corp.example"])])
    said = [Said("a", 200, lines=[301]), Said("b", 201, who=[("user", "bob@corp.example")]), Said("c", 201, lines=[700])]
    card = score(truth, [detection(said)], QUICK)
    assert card.false_alerts.by_cause == {"background": 1, "password-manager": 2}
    assert {r.rule.rule_id: (r.only_hard_negatives, dict(r.hard_negatives)) for r in card.rules} == {
        "a": (True, {"password-manager": 1}), "b": (True, {"password-manager": 1}), "c": (False, {})}


def test_k_alerts_of_enough_severity_on_enough_steps() -> None:
    """Detection is when the last of what is asked for has come."""
    said = [Said("a", 61, lines=[101], severity=30), Said("a", 70, lines=[102]), Said("a", 91, lines=[103])]

    def asked(**more):
        card = score(ground([STUFFING]), [detection(said)], Settings(shifts=19, bootstrap=200, **more))
        return card.campaigns[0].status, card.campaigns[0].t_det

    assert asked() == (DETECTED, at(61))
    assert asked(k=2) == (DETECTED, at(70))
    assert asked(k=4) == (PARTIAL, None)
    assert asked(min_severity=50) == (DETECTED, at(70))
    assert asked(min_steps=2) == (LATE, at(91))
    assert asked(min_steps=3) == (LATE, at(91))  # it has but two


def test_decoys_alone_detect_in_part() -> None:
    """Steps that a real attack may leave out prove nothing alone."""
    attack = Attack("C-1", {"lure": [(60, 101)], "take": [(90, 103)]}, roles={"lure": "decoy"})
    assert status([Said(t=61, lines=[101])], attack) == PARTIAL
    assert status([Said(t=61, lines=[101]), Said(t=91, lines=[103])], attack) == DETECTED


def test_no_telemetry_is_no_miss() -> None:
    """A campaign whose every source had no event is left out, and said to be."""
    truth = ground([STUFFING, Attack("C-2", {"s": [(60, 7)]}, file=AUTH)])
    card = score(truth, [detection([Said(t=61, lines=[101])])], QUICK, observed={"web": 1000, "auth": 0})
    assert [c.status for c in card.campaigns] == [DETECTED, NO_TELEMETRY]
    assert (card.recall.value, card.recall.n, card.recall.note) == (1.0, 1, "left out: 1 without telemetry")
    assert codes(card)["NO_TELEMETRY"] == 1


def test_a_detector_that_failed_makes_errors_of_misses() -> None:
    """They stay in the denominator: a crash does not raise recall."""
    broken = Detection("other", alerts_of({}), failed="exit code 3")
    truth = ground([STUFFING, Attack("C-2", {"s": [(60, 7)]}, file=AUTH)])
    card = score(truth, [detection([Said(t=61, lines=[101])]), broken], QUICK)
    assert [c.status for c in card.campaigns] == [DETECTED, ERROR]
    assert (card.recall.value, card.failed) == (0.5, ("other: exit code 3",))


def test_levels_are_reported_apart() -> None:
    """What references alone, and what entities alone would have caught."""
    truth = ground([STUFFING, Attack("C-2", {"s": [(300, 7)]}, ip=["10.0.0.2"], file=AUTH)])
    said = [Said(t=61, lines=[101]), Said(t=301, who=[("ip", "10.0.0.2")])]
    card = score(truth, [detection(said)], QUICK)
    assert {k: e.value for k, e in card.recall_by_level.items()} == {"event": 0.5, "entity": 0.5, "campaign": 1.0}
    only = score(truth, [detection(said)], Settings(shifts=19, bootstrap=200, match_level="event"))
    assert [c.status for c in only.campaigns] == [DETECTED, MISSED]


def test_groups_are_what_an_analyst_opens() -> None:
    """One rule, one entity, no pause beyond an hour; true and false ones apart; without entity each on its own."""
    who = [("ip", "10.0.0.9")]
    said = [Said("a", 300, lines=[500], who=who), Said("a", 340, lines=[501], who=who), Said("a", 401, lines=[502], who=who),
            Said("b", 300, lines=[500], who=who), Said("a", 62, lines=[101], who=who), Said("a", 62, lines=[400], who=who),
            Said("c", 300, lines=[600]), Said("c", 300, lines=[601])]
    card = score(ground([STUFFING]), [detection(said)], QUICK)
    assert {r.rule.rule_id: (r.groups, r.true_groups, r.false_groups) for r in card.rules} == {
        "a": (4, 1, 3), "b": (1, 0, 1), "c": (2, 0, 2)}
    assert (card.false_alerts.groups, card.false_alerts.alerts) == (6, 7)
    assert (card.precision.value, card.precision_alerts.value) == (pytest.approx(1 / 7), pytest.approx(1 / 8))
