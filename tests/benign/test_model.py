"""The model refuses what it cannot play, and says so before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.benign.model import BenignModel
from redgen.clock import DAY, MINUTE
from redgen.errors import SpecError
from redgen.seed import Seed
from redgen.spec.baseline import Population
from tests.shops import NOTHING, shop

GOOD: dict[str, Any] = {
    "id": "probes", "behavior": "monitoring", "entities": {"count": 2}, "every": {"period": "1m"},
    "with": {"site": "www.lumenshop.example", "route": "shop.health", "user_agent": "ELB-HealthChecker/2.0"},
}


def compiled(*specs: dict[str, Any]) -> BenignModel:
    """The populations bound to the shop's world."""
    return BenignModel.compile([Population.model_validate(spec) for spec in specs], shop()[0], Seed(7))


def test_a_good_population_is_bound() -> None:
    assert [p.id for p in compiled(GOOD).populations] == ["probes"]


@pytest.mark.parametrize(("change", "message"), [
    ({"behavior": "monitorin"}, "unknown behavior 'monitorin'; did you mean 'monitoring'?"),
    ({"with": {**GOOD["with"], "rout": 1}}, "with.rout"),
    ({"with": {**GOOD["with"], "route": "shop.healt"}}, "unknown route 'shop.healt'; did you mean 'shop.health'?"),
    ({"with": {**GOOD["with"], "site": "shop.example"}}, "unknown site 'shop.example'"),
    ({"with": {**GOOD["with"], "user_agent": "curl"}}, "unknown user agent 'curl'"),
], ids=["behavior", "key", "route", "site", "agent"])
def test_a_bad_one_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        compiled({**GOOD, **change})
    assert "populations.probes" in str(refused.value)
    assert message in str(refused.value)


def test_a_population_of_nobody_starts_no_sessions() -> None:
    """A world may have no customers; what they would do is left out, and nothing else."""
    model = shop(customers=0)[1]
    day = {"http": (0, DAY)}
    made = {p.id: p.play(day, NOTHING) for p in model.populations if p.id in ("shoppers", "app", "site-monitors")}
    assert {name for name, tables in made.items() if sum(map(len, tables.values()))} == {"site-monitors"}


def test_all_problems_come_at_once() -> None:
    with pytest.raises(SpecError) as refused:
        twice = {**GOOD, "id": "c"}
        compiled({**GOOD, "behavior": "x"}, {**GOOD, "id": "b", "behavior": "y"}, twice, twice)
    assert len(refused.value.problems) == 3


def test_the_signature_is_the_schema() -> None:
    @behavior(gives=("http",), tiers=(Tier(MINUTE),))
    def strolls(ctx: Context, sessions: Sessions, *, site: str, pace: float = 2.0) -> dict[str, Any]:
        """Walk about."""
        return {}

    assert strolls.names == ("site", "pace")
    assert strolls.read({"site": "a", "source": "unverified"}) == {"site": "a", "pace": 2.0}
    assert strolls.parameters.model_json_schema()["required"] == ["site"]
