"""The workforce baseline as a model, built once per process, for the tests of what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from redgen.activity.effects import Effects
from redgen.activity.schema import Activity
from redgen.benign.model import BenignModel
from redgen.clock import DAY, parse_time
from redgen.seed import Seed
from redgen.spec.baseline import Baseline
from redgen.spec.loader import load_yaml
from redgen.world.build import build_world
from redgen.world.world import World

FILE = Path(__file__).resolve().parent.parent / "baselines" / "saas-workforce.yaml"
KINDS = ("auth", "cloud", "shell", "dns", "flow")
MONDAY = parse_time("2026-01-12T00:00:00Z")


@cache
def baseline() -> Baseline:
    """The baseline as its YAML says it."""
    return load_yaml(FILE.read_text(encoding="utf-8"), FILE.name).validate(Baseline)


@cache
def world(seed: int = 7) -> World:
    """Its world."""
    return build_world(baseline().world, Seed(seed))


@cache
def model(seed: int = 7) -> BenignModel:
    """Its populations, ready to be sampled."""
    return BenignModel.compile(baseline().resolved(), world(seed), Seed(seed))


def sample(start: int, stop: int, kinds: Mapping[str, int] | None = None, effects: Effects | None = None) -> Activity:
    """What is done in [start, stop)."""
    return model().sample(start, stop, kinds or dict.fromkeys(KINDS, 0), effects or Effects.of())


@cache
def week() -> Activity:
    """A whole week from a Monday on."""
    return sample(MONDAY, MONDAY + 7 * DAY)
