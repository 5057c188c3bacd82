"""A shop to act on, and stages to act from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from redgen.activity.effects import Effects
from redgen.activity.schema import Activity
from redgen.clock import DAY, parse_time
from redgen.playbook.bind import Binding
from redgen.playbook.campaign import Campaign, plan_campaigns
from redgen.playbook.cast import cast
from redgen.playbook.stage import Stage, Staged
from redgen.registry import ACTIONS
from redgen.seed import Seed
from redgen.spec.loader import load_yaml
from redgen.spec.playbook import RoleSpec
from redgen.spec.scenario import load_scenario
from redgen.spec.world import WorldSpec
from redgen.truth import Register
from redgen.world.build import build_world
from redgen.world.world import World

REPOSITORY = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((REPOSITORY / "attack_playbooks").glob("*.yaml"))
HARD_NEGATIVES = sorted((REPOSITORY / "baselines" / "hard_negatives").glob("*.yaml"))
ROOT = Seed(7)
NOON = parse_time("2026-03-02T12:00:00Z")


@cache
def shop(customers: int = 2000) -> World:
    """The world of the bundled shop, smaller, with more leaked passwords than usual."""
    path = REPOSITORY / "baselines" / "online-retail.yaml"
    spec = load_yaml(path, path.name).at("world").validate(WorldSpec)
    scale = spec.scale.model_copy(update={"customers": customers})
    return build_world(spec.model_copy(update={"scale": scale, "breached_share": 0.1}), ROOT)


def stage(roles: Mapping[str, Any], *, seed: int = 1, t: int = NOON, **changes: Any) -> Stage:
    """A stage whose cast is made from ``roles`` as a playbook writes them."""
    world = changes.pop("world", shop())
    specs = {name: RoleSpec.model_validate(spec) for name, spec in roles.items()}
    own = Seed(seed).child("step", 1)
    given: dict[str, Any] = {
        "effects": Effects.of(), "stop": t + 4 * DAY, "truth": 3, "collateral": 4, "cause": own.key,
        "campaign_id": "C-0001", "step_id": "step",
    } | changes
    return Stage(world=world, root=ROOT, seed=own, t=t, cast=cast(world, specs, Seed(seed), {}, None), **given)


def play(action: str, on: Stage, settings: Mapping[str, Any]) -> Staged:
    """Play an action with settings as a playbook writes them."""
    binding = Binding(ACTIONS.get(action), settings)
    return binding.action(on, **binding.call(on.cast, {}, on.facts, on.seed, None))


def campaigns(
    name: str, tmp_path: Path, *, count: int = 12, days: int = 5, seed: int = 7, lines: str = "",
    world: World | None = None,
) -> list[Campaign]:
    """``count`` campaigns of a bundled playbook or hard negative; ``lines`` go below its entry."""
    is_noise = any(path.stem == name for path in HARD_NEGATIVES)
    section, key = ("hard_negatives", "kind") if is_noise else ("campaigns", "playbook")
    path = tmp_path / f"{name}.scenario.yaml"
    path.write_text(
        f"id: s\nseed: {seed}\nwindow: {{start: 2026-03-02T00:00:00Z, duration: {days}d}}\nbaseline: online-retail\n"
        f"{section}:\n- {key}: {name}\n  count: {count}\n{lines}"
    )
    document, scenario = load_scenario(path)
    return plan_campaigns(document, scenario, world or shop(), Seed(seed), Register())


def columns(activity: Activity, kind: str, *names: str) -> list[np.ndarray]:
    """Columns of one kind in order of time."""
    table = activity[kind]
    order = np.argsort(table["t"], kind="stable")
    return [table[name][order] for name in names]
