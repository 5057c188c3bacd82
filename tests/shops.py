"""The bundled shop at any size, built once per process: for the tests of benign behavior and of its shape."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from redgen.activity.effects import Effects
from redgen.benign.model import BenignModel
from redgen.seed import Seed
from redgen.spec.baseline import Baseline
from redgen.spec.loader import load_yaml, override
from redgen.world.build import build_world
from redgen.world.world import World

ONLINE_RETAIL = Path(__file__).resolve().parent.parent / "baselines" / "online-retail.yaml"
NOTHING = Effects.of()


@cache
def baseline(customers: int, api_clients: int = 4) -> Baseline:
    """``online-retail`` with a number of customers and partners of ours."""
    settings = [f"world.scale.customers={customers}", f"world.scale.api_clients={api_clients}"]
    return override(load_yaml(ONLINE_RETAIL), settings).validate(Baseline)


@cache
def shop(customers: int = 800, seed: int = 7, api_clients: int = 4) -> tuple[World, BenignModel]:
    """The world and the benign model of such a shop."""
    spec = baseline(customers, api_clients)
    world = build_world(spec.world, Seed(seed), "reserved")
    return world, BenignModel.compile(spec.resolved(), world, Seed(seed))
