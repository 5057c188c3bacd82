"""The gates file: what is wrong with it is said at once, where it stands, with what was probably meant."""

from __future__ import annotations

from datetime import date

import pytest

from redgen.errors import SpecError
from redgen.gates.evaluate import evaluate
from redgen.gates.file import METRICS, Gates, load_gates
from redgen.gates.measures import MEASURES
from tests.scoring.cards import campaigns, card

EXAMPLE = """version: 1
dataset: {digest: "sha256:abc", min_campaigns: 29}
confidence: 0.95
gates:
  - {id: recall-ato, metric: campaign_recall, where: {playbook: account_takeover}, bound: lower, min: 0.85}
  - {id: no-loss, metric: lost_campaigns, max: 0}
  - {id: noninf, metric: campaign_recall_delta, bound: lower, min: -0.02}
  - {id: fp, metric: fp_groups_per_day, bound: upper, max: 20}
  - {id: ttd, metric: ttd_p90_seconds, max: 900}
  - {id: impact, metric: p_before_impact, bound: point, min: 0.6}
  - {id: rule-x, rule: r1, metric: campaigns_detected, min: 3}
allow:
  - {campaign: C-0012, gate: no-loss, reason: "log source retired", owner: ir-team, expires: 2027-01-31}
  - {fp_kind: password_manager_retry, rule: r1, max_per_day: 2, expires: 2027-03-01}
"""


def wrong(text: str) -> list[str]:
    """What is wrong with a gates file."""
    try:
        load_gates(text, "g.yml")
    except SpecError as error:
        return [str(p) for p in error.problems]
    return []


def with_gate(gate: str, allow: str = "") -> str:
    """A file of one gate."""
    return f"version: 1\ngates:\n  - {{{gate}}}\n" + (f"allow:\n  - {{{allow}}}\n" if allow else "")


def test_the_example_of_the_specification_is_sound() -> None:
    gates = load_gates(EXAMPLE, "redgen-gates.yml")
    assert [g.id for g in gates.spec.gates] == ["recall-ato", "no-loss", "noninf", "fp", "ttd", "impact", "rule-x"]
    assert gates.gate_places[3] == ("redgen-gates.yml", 8)
    assert gates.spec.allow[0].expires == date(2027, 1, 31)
    assert gates.level == 0.95


def test_every_metric_is_measured() -> None:
    assert METRICS.keys() == MEASURES.keys()


@pytest.mark.parametrize(("text", "problems"), [
    ("version: 1\ngates:\n  - {id: a, metric: alerts, rule: x, min: 1}\ndatset: {digest: x}\n",
     ["g.yml:4: datset: unknown key; did you mean 'dataset'?"]),
    (with_gate("id: a, metric: alerts, rule: x, min: 1, bond: lower"),
     ["g.yml:3: gates.0.bond: unknown key; did you mean 'bound'?"]),
    (with_gate("id: a, metric: campain_recall, min: 0.5"),
     ["g.yml:3: gates.0.metric: unknown metric 'campain_recall'; did you mean 'campaign_recall'?"]),
    (with_gate("id: a, metric: campaign_recall"), ["g.yml:3: gates.0: gate 'a' has no limit; write min or max"]),
    (with_gate("id: a, metric: campaign_recall, min: 85"),
     ["g.yml:3: gates.0.min: campaign_recall is 0 to 1, never 85"]),
    (with_gate("id: a, metric: campaign_recall, min: 0.9, max: 0.8"), ["g.yml:3: gates.0.min: min 0.9 is above max 0.8"]),
    (with_gate("id: a, metric: campaign_recall_delta, bound: lower, min: -2"),
     ["g.yml:3: gates.0.min: campaign_recall_delta is -1 to 1, never -2"]),
    (with_gate("id: a, metric: ttd_p90_seconds, bound: lower, max: 9"),
     ["g.yml:3: gates.0.bound: ttd_p90_seconds has no lower bound; write point or upper"]),
    (with_gate("id: a, metric: precision, where: {family: x}, rule: y, min: 0.5"),
     ["g.yml:3: gates.0.rule: precision takes no rule", "g.yml:3: gates.0.where: precision takes no where"]),
    (with_gate("id: a, metric: alerts, min: 1"), ["g.yml:3: gates.0: alerts is measured per rule; write rule"]),
    (with_gate("id: a, metric: campaign_recall, bound: lowest, min: 0.5"),
     ["g.yml:3: gates.0.bound: the text 'lowest' is not allowed; did you mean 'lower'?"]),
    (with_gate("id: a, metric: campaign_recall, min: high"),
     ["g.yml:3: gates.0.min: should be a number, not the text 'high'"]),
    (with_gate("id: a, metric: precision, min: 0.5, min_campaigns: 3"),
     ["g.yml:3: gates.0.min_campaigns: precision does not count campaigns"]),
    ("version: 1\ngates:\n  - {id: a, metric: precision, min: 0}\n  - {id: a, metric: precision, min: 0}\n",
     ["g.yml:4: gates.1.id: 'a' is there twice"]),
    ("version: 1\ngates: []\n",
     ["g.yml:2: gates: no gate in it; a file without gates would pass whatever happens"]),
    ("version: 2\ngates:\n  - {id: a, metric: precision, min: 0}\n", ["g.yml:1: version: 2 is not allowed"]),
    ("gates:\n  - {id: a, metric: precision, min: 0}\n", ["g.yml:1: version: missing; this key is required"]),
])
def test_messages(text: str, problems: list[str]) -> None:
    assert wrong(text) == problems


FP = "id: fp, metric: fp_groups_per_day, max: 9"


@pytest.mark.parametrize(("allow", "problem"), [
    ("campaign: C-1", "g.yml:5: allow.0.expires: missing; this key is required"),
    ("campaign: C-1, expires: someday",
     "g.yml:5: allow.0.expires: should be a valid date in the format YYYY-MM-DD"),
    ("campaign: C-1, gate: fpp, expires: 2027-01-31", "g.yml:5: allow.0.gate: unknown gate 'fpp'; did you mean 'fp'?"),
    ("expires: 2027-01-31", "g.yml:5: allow.0: write either campaign or fp_kind"),
    ("campaign: C-1, fp_kind: x, expires: 2027-01-31", "g.yml:5: allow.0: write either campaign or fp_kind"),
    ("campaign: C-1, max_per_day: 2, expires: 2027-01-31",
     "g.yml:5: allow.0: rule and max_per_day go with fp_kind, not with campaign"),
    ("campaign: C-1, expires: 2027-01-31, untill: x", "g.yml:5: allow.0.untill: unknown key"),
])
def test_messages_about_allowances(allow: str, problem: str) -> None:
    assert [m for m in wrong(with_gate(FP, allow)) if m.startswith(problem)]


def evaluated(text: str, **said: object) -> list[str]:
    """What an evaluation refuses."""
    gates: Gates = load_gates(text, "g.yml")
    with pytest.raises(SpecError) as error:
        evaluate(card(campaigns(5), **said), gates, today=date(2026, 11, 1))  # type: ignore[arg-type]
    return [str(p) for p in error.value.problems]


def test_gates_of_another_dataset_are_refused() -> None:
    text = "version: 1\ndataset: {digest: 'sha256:zzz'}\ngates:\n  - {id: a, metric: precision, min: 0}\n"
    (told,) = evaluated(text)
    assert told == ("g.yml:2: dataset.digest: these gates are for dataset sha256:zzz, this one is sha256:abc; "
                    "score that one, or write its digest")


def test_a_key_that_no_campaign_has_is_refused() -> None:
    assert evaluated(with_gate("id: a, metric: campaign_recall, where: {outcom: spend}, min: 0")) == [
        "g.yml:3: gates.0.where.outcom: campaigns of this dataset have no 'outcom'; did you mean 'outcome'?"]


def test_strata_may_be_written_under_their_own_key() -> None:
    flat = load_gates(with_gate("id: a, metric: campaign_recall, where: {stratum: {outcome: spend}}, min: 0"))
    assert flat.spec.gates[0].where == {"outcome": "spend"}
