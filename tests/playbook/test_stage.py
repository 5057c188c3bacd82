"""The contract of actions: the signature is the schema, and what breaks it is the plug-in's fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from redgen.errors import PluginError
from redgen.playbook.bind import Binding, Drawn
from redgen.playbook.stage import Kinds, People, Role, Stage, Staged, action
from redgen.seed import Seed
from redgen.spec.distributions import Distribution
from tests.playbook.conftest import SCENARIO, STUFFING, FewActions, rest, try_logins


def role(name: str, *members: int) -> Role:
    """People by code."""
    n = len(members)
    return Role(name, "customer", "victim", np.array(members), np.zeros(n, np.uint32), np.zeros(n, np.int32),
                np.zeros(n, np.uint64))


def test_the_signature_is_the_schema() -> None:
    assert try_logins.title == "Try passwords."
    assert try_logins.roles.keys() == {"targets", "source"}
    assert "address" in try_logins.roles["source"]
    assert "address" not in try_logins.roles["targets"]
    assert try_logins.parameters(targets="a", source="b").pace == 1.0  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        try_logins.parameters(targets="a", source="b", pace=0)  # type: ignore[call-arg]


@pytest.mark.parametrize("function", [
    lambda stage, pace=1: Staged(), lambda stage, *, pace=1: Staged(), lambda stage, *rest: Staged(),
])
def test_a_signature_that_is_no_schema_is_refused(function: Any) -> None:
    with pytest.raises(PluginError, match="must be keyword-only, with a type"):
        action()(function)


def test_a_fact_that_was_never_declared_is_refused() -> None:
    @action(facts={"known": "it is"})
    def talk(stage: Stage) -> Staged:
        """Say too much."""
        return Staged(facts={"unknown": True})

    with pytest.raises(PluginError, match="'talk' reports undeclared facts: unknown"):
        talk(None)  # type: ignore[arg-type]


def test_rows_must_carry_the_truth_and_the_time_of_their_step(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from redgen.activity.schema import rows

    for column, message in ((lambda s: {"t": s.t, "truth": 0}, "without the truth"),
                            (lambda s: {"t": s.t - 10**9, "truth": s.truth}, "begin before their step")):
        @action()
        def rest(stage: Stage, *, lasting: int = 0, made: Any = column) -> Staged:
            """Break the contract."""
            return Staged({"http": rows("http", 1, id=1, **made(stage))})

        monkeypatch.setitem(FewActions.known, "rest", rest)
        text = STUFFING.replace("action: try_logins", "action: rest").replace("start: probe", "start: rest")
        with pytest.raises(PluginError, match=message):
            plan(SCENARIO.replace("stuffing.yaml", "broken.yaml"), broken=_only_rest(text))


def _only_rest(text: str) -> str:
    head = text.split("start:")[0]
    return f"{head}start: rest\nsteps:\n  rest: {{action: rest}}\nobjective: rest\n"


def test_settings_reach_the_action_as_it_wants_them() -> None:
    cast = {"list": role("list", 4, 7, 9), "bots": role("bots", 1)}
    written = {"targets": "list.cracked", "source": "bots", "pace": "$pace", "limit": {"uniform": [3.4, 3.4]},
               "pause": "$nap", "gap": {"exponential": "5s"}, "wait": "$nap"}
    drawn = {"pace": Drawn(0.25), "nap": Drawn(7_000_000, time=True)}
    given = Binding(try_logins, written).call(cast, drawn, {"cracked": np.array([9, 4, 100])}, Seed(1), None)
    assert given["targets"].members.tolist() == [4, 9]
    assert (given["pace"], given["limit"], given["pause"], given["client"]) == (0.25, 3, 7_000_000, "script")
    assert given["gap"] == Distribution.of({"exponential": "5s"})
    assert given["wait"].quantile(0.5) == 7_000_000


def test_a_role_may_be_optional() -> None:
    @action()
    def maybe(stage: Stage, *, who: People | None = None, plain: Role | None = None) -> Staged:
        """Take somebody or nobody."""
        return Staged(facts={})

    assert maybe.roles["plain"] == ()
    assert Kinds(maybe.roles["who"]).kinds[0] == "customer"
    assert Binding(maybe, {}).call({}, {}, {}, Seed(1), None) == {"who": None, "plain": None}
    assert list(Binding(maybe, {"who": None}).findings({}, {})) == []
    assert list(Binding(maybe, {"who": 3}).findings({}, {})) == [(("who",), "should be the name of a role, not 3")]


def test_ids_are_unique_by_name_and_execution() -> None:
    def stage(seed: Seed) -> Stage:
        return Stage(None, seed, seed, None, 0, 1, {}, 1, 2, 3)  # type: ignore[arg-type]

    ids = np.concatenate([stage(Seed(k)).ids(1000, name) for k in (1, 2) for name in ("row", "flow")])
    assert len(np.unique(ids)) == 4000
    assert rest.facts == {}
