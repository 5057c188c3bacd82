"""Small worlds for everybody's tests: built once per process, independent of the baselines' YAML."""

from __future__ import annotations

from functools import cache

from redgen.seed import Seed
from redgen.spec.world import Scale, WorldSpec
from redgen.world.build import build_world
from redgen.world.world import World

ROOT = Seed(7)
"""The root seed of ``small_world``."""


@cache
def small_world(seed: int = 7, address_plan: str = "reserved", customers: int = 2000) -> World:
    """The bundled default world: a shop of ``customers``, 80 employees, its cloud, hosts, offices and names."""
    return build_world(WorldSpec(scale=Scale(customers=customers)), Seed(seed), address_plan)
