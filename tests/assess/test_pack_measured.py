"""The bundled rules on every way through every bundled playbook: what they catch, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from redgen.alert import TESTED
from redgen.assess.detection import detectors_of
from redgen.assess.judge import Terms
from redgen.assess.loop import whole_loop
from redgen.pipeline.run import generate
from redgen.scorecard import Scorecard

pytestmark = pytest.mark.heavy

SELDOM = {"Service Overloaded", "Many Long Names Asked by One Machine"}
"""Rules for what these campaigns do not come to: a site that gives up, a tunnel through names."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scorecard]:
    """The scorecard of the pack on four days of two million lines."""
    made = generate(Path(__file__).with_name("pack.yaml"), tmp_path_factory.mktemp("pack") / "out")
    yield whole_loop(made, detectors_of([Path("bundled")]), Terms())


def test_every_rule_is_tested_and_finds_an_attack(card: Scorecard) -> None:
    """But those for what does not happen here."""
    assert {r.rule.status for r in card.rules} == {TESTED}
    silent = {r.rule.title for r in card.rules if not r.true_groups}
    assert silent <= SELDOM | {"Account Changed, Then Spent From", "Gift Cards Redeemed in Series",
                               "Local Account Added or Made Administrator"}


def test_most_campaigns_of_every_playbook_are_caught(card: Scorecard) -> None:
    """Four in five of each; those that stop after a first look are not."""
    for playbook, found in card.recall_by["playbook"].items():
        assert found.k >= 0.75 * found.n, playbook


def test_the_cost_is_bearable(card: Scorecard) -> None:
    """Most alerts are real, and an analyst could read the others."""
    assert card.precision.value is not None
    assert card.precision.value > 0.7
    assert card.false_alerts.per_day.value is not None
    assert card.false_alerts.per_day.value < 40


def test_luck_would_catch_much_less(card: Scorecard) -> None:
    """A hundred campaigns in four days leave luck something."""
    assert card.recall.value is not None
    assert card.chance.recall < card.recall.value / 2
    assert card.chance.p_value < 0.05
