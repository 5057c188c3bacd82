"""A small world, and four actions that are easy to foresee, in place of the bundled ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

from redgen.activity.schema import rows
from redgen.clock import MINUTE, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.playbook import lint
from redgen.playbook.campaign import Campaign, plan_campaigns
from redgen.playbook.stage import Action, Network, People, Site, Stage, Staged, action
from redgen.seed import Seed
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.loader import load_yaml
from redgen.spec.model import Duration
from redgen.spec.scenario import load_scenario
from redgen.spec.world import WorldSpec
from redgen.truth import Register
from redgen.world.build import build_world
from redgen.world.world import World


@action(facts={"any_success": "a password fitted", "cracked": "whose"})
def try_logins(
    stage: Stage, *, targets: People, source: Network, pace: Annotated[float, Field(gt=0)] = 1.0, limit: int = 50,
    success: Annotated[float, Field(ge=0, le=1)] = 0.1, client: Literal["browser", "script"] = "script",
    pause: Duration = 0, gap: Distribution = Distribution.of("2s"), wait: Delay = Distribution.of("5s"),
) -> Staged:
    """Try passwords."""
    n = min(limit, len(targets))
    ids = stage.ids(n)
    t = stage.t + pause + (np.arange(n) * SECOND / pace).astype(np.int64)
    who = targets.members[np.arange(n) % len(targets)]
    hit = stage.seed.uniform(ids, "hit") < success
    client_at = (stage.seed.noise(ids, "exit") % np.uint64(len(source))).astype(np.int64)
    table = rows(
        "auth", id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth, client=source.addr[client_at],
        agent=source.agent[client_at], user=who, result=np.where(hit, 0, 1))
    locked = tuple(stage.effect("account_locked", int(p), int(t[-1]), int(t[-1]) + MINUTE) for p in who[:1])
    return Staged({"auth": table}, ended=int(t[-1]), facts={"any_success": bool(hit.any()), "cracked": who[hit]},
                  effects=locked)


@action()
def look_around(stage: Stage, *, account: People, source: Network, pages: int = 3) -> Staged:
    """Open some pages."""
    ids = stage.ids(pages)
    table = rows("http", id=ids, cause=np.uint64(stage.cause), t=stage.t + np.arange(pages) * SECOND, status=200,
                 truth=stage.truth, client=source.addr[0], actor=account.members[0])
    return Staged({"http": table}, ended=stage.t + pages * SECOND)


@action(facts={"down": "the site gave in"})
def flood(stage: Stage, *, bots: Network, target: Site, lasting: Duration = 60_000_000) -> Staged:
    """Ask a lot."""
    until = stage.t + lasting
    return Staged(expand=Flood(stage.t, until, stage.truth), until=until, ended=until, facts={"down": True})


class Flood:
    """One row a second."""

    def __init__(self, start: int, stop: int, truth: int) -> None:
        self.start, self.stop, self.truth = start, stop, truth

    def __call__(self, a: int, b: int) -> dict[str, object]:
        t = np.arange(max(a, self.start), min(b, self.stop), SECOND)
        return {"http": rows("http", id=t.astype(np.uint64), t=t, truth=self.truth)}


@action()
def rest(stage: Stage, *, lasting: Duration = 0) -> Staged:
    """Do nothing."""
    return Staged(ended=stage.t + lasting)


class FewActions:
    """Stands in for the registry."""

    known: ClassVar = {a.name: a for a in (try_logins, look_around, flood, rest)}

    def get(self, name: str) -> Action:
        if name not in self.known:
            raise DataError(f"unknown action {name!r}{did_you_mean(name, self.known)}")
        return self.known[name]


@pytest.fixture(autouse=True)
def few_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the actions above exist."""
    monkeypatch.setattr(lint, "ACTIONS", FewActions())


@pytest.fixture(scope="session")
def world() -> World:
    """The default world, seed 7."""
    return build_world(WorldSpec(), Seed(7), "reserved")


STUFFING = """\
id: stuffing
title: Credential stuffing
family: account-takeover
references: {attack: [T1110.004], owasp_api: [API2:2023]}
roles:
  bots: {kind: address, network: residential_proxy, count: {log_uniform: [5, 30]}}
  victims: {kind: customer, count: {uniform: [40, 60]}}
  others: {kind: customer, not: victims, count: 3}
parameters:
  success: {log_uniform: [0.01, 0.5], source: unverified}
  pace: {log_uniform: [0.2, 50], stealth: down}
  nap: {lognormal: {median: 40m, sigma: 0.5}}
start: probe
steps:
  probe:
    action: try_logins
    technique: T1110.004
    with: {targets: victims, source: bots, pace: $pace, success: $success}
    then: [{when: any_success, go: verify}, {go: end}]
  verify:
    action: look_around
    technique: T1078.004
    with: {account: victims.cracked, source: bots}
    after: {lognormal: {median: 10m, sigma: 0.5}}
    then: {drain: 0.6, rest: 0.25, end: 0.15}
  rest: {action: rest, with: {lasting: $nap}, then: drain}
  drain: {action: look_around, technique: T1657, with: {account: victims.cracked, source: bots, pages: 9}}
objective: drain
"""

SCENARIO = """\
id: s
seed: 7
window: {start: 2026-03-02T00:00:00Z, duration: 2d}
baseline: base.yaml
campaigns:
- {id: a, playbook: stuffing.yaml, count: 4}
"""


@pytest.fixture()
def plan(world: World, tmp_path: Path) -> Callable[..., list[Campaign]]:
    """Plan a scenario text with playbook texts beside it."""

    def make(scenario: str = SCENARIO, register: Register | None = None, **playbooks: str) -> list[Campaign]:
        (tmp_path / "base.yaml").write_text("id: base\ntitle: t\n")
        for name, text in {"stuffing": STUFFING, **playbooks}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        (tmp_path / "s.yaml").write_text(scenario)
        document, read = load_scenario(tmp_path / "s.yaml")
        return plan_campaigns(document, read, world, Seed(read.seed), register or Register())

    return make


@pytest.fixture()
def problems() -> Callable[[str], list[str]]:
    """What the linter says of a playbook text called f.yaml."""
    return lambda text: [str(p) for p in lint.lint(load_yaml(text, "f.yaml"))]
