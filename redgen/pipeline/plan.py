"""The plan: everything decided before the first line is made. Built from a request alone, the same in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np

from redgen.benign.model import BenignModel
from redgen.clock import MINUTE, Window
from redgen.errors import SpecError, did_you_mean
from redgen.pipeline.happenings import Expansion, Happenings
from redgen.pipeline.inline import Inline
from redgen.pipeline.inputs import Inputs, Request, code_files, read_inputs
from redgen.pipeline.layout import Layout, Rotation, make_layout
from redgen.pipeline.logs import Outlet
from redgen.pipeline.sensors import Sensor
from redgen.pipeline.shard import ShardPlan, lookback
from redgen.playbook.campaign import Campaign, all_effects, plan_campaigns
from redgen.registry import SOURCES
from redgen.seed import Seed
from redgen.spec.scenario import Scenario, SourceSpec
from redgen.truth import Cause, Register
from redgen.version import VERSION
from redgen.world.build import build_world
from redgen.world.world import World

CELL = 5 * MINUTE


@dataclass(frozen=True)
class Plan:
    """A dataset before it is made. ``work`` is what shards need; ``identity`` names the dataset's content."""

    request: Request
    inputs: Inputs
    seed: Seed
    world: World
    campaigns: tuple[Campaign, ...]
    causes: tuple[Cause, ...]
    work: ShardPlan
    identity: str

    @property
    def scenario(self) -> Scenario:
        """The validated scenario."""
        return self.inputs.scenario

    @property
    def journal_digest(self) -> str:
        """What an interrupted run must share with this one to be continued: content, cuts and code."""
        whole = hashlib.sha256(self.identity.encode() + json.dumps(self.work.layout.cuts).encode())
        whole.update(f"{np.__version__} {numba.__version__}".encode())
        for path in code_files():
            whole.update(path.read_bytes())
        return whole.hexdigest()


def make_plan(request: Request) -> Plan:
    """Read the request's files and decide everything; SpecError or DataError when they cannot be used."""
    inputs = read_inputs(request)
    scenario = inputs.scenario
    seed = Seed(scenario.seed)
    window = scenario.window.window
    world = build_world(inputs.world, seed, scenario.address_plan)
    benign = BenignModel.compile(inputs.populations, world, seed, traffic=scenario.traffic)
    register = Register()
    campaigns = tuple(plan_campaigns(inputs.document, scenario, world, seed, register))
    happenings = _happenings(window, benign, campaigns)
    outlets = _outlets(inputs, world, seed, register.causes)
    work = ShardPlan(_layout(scenario, happenings, outlets), happenings, outlets, len(register.causes),
                     scenario.output.order == "event_time")
    return Plan(request, inputs, seed, world, campaigns, tuple(register.causes), work, _identity(inputs))


def _identity(inputs: Inputs) -> str:
    return hashlib.sha256(f"{VERSION} {inputs.digest()}".encode()).hexdigest()[:32]


def _happenings(window: Window, benign: BenignModel, campaigns: Sequence[Campaign]) -> Happenings:
    expansions = [Expansion(e.start, e.stop, e.expand) for c in campaigns for e in c.expanders]
    return Happenings.of(window, benign, all_effects(campaigns), [c.activity for c in campaigns], expansions)


def _outlets(inputs: Inputs, world: World, seed: Seed, causes: Sequence[Cause]) -> tuple[Outlet, ...]:
    """One outlet per source of the scenario (all there are when it names none), in the order of their names."""
    scenario = inputs.scenario
    wanted = scenario.sources or {name: SourceSpec() for name in SOURCES.names()}
    problems = []
    for name, spec in wanted.items():
        formats = SOURCES.get(name).formats
        if spec.format and spec.format not in formats:
            text = f"{name} has no format {spec.format!r}{did_you_mean(spec.format, formats)}"
            problems.append(inputs.document.problem(("sources", name, "format"), text))
    if problems:
        raise SpecError(problems)
    return tuple(_outlet(name, wanted[name], scenario, world, seed, causes) for name in sorted(wanted))


def _outlet(name: str, spec: SourceSpec, scenario: Scenario, world: World, seed: Seed,
            causes: Sequence[Cause]) -> Outlet:
    output = scenario.output
    source = SOURCES.get(name)(world, seed.child("source", name), spec.format or "")
    ext = source.formats[source.format]
    inline = Inline.of(causes, ext, zeek=name.startswith("zeek")) if output.inline_labels else None
    return Outlet(
        name, source, Sensor(spec.latency, spec.loss, spec.duplicates, spec.skew), seed.child("sensor", name),
        Rotation(scenario.window.window, min(output.rotate, source.rotate or output.rotate)),
        "" if output.compress == "none" else output.compress, inline, output.parquet)


def _layout(scenario: Scenario, happenings: Happenings, outlets: Sequence[Outlet]) -> Layout:
    benign = happenings.benign
    kinds = tuple(lookback(outlets))

    @cache
    def usual(a: int, b: int) -> float:
        return benign.expected_rows(a, b, kinds) if benign else 0.0

    def expected(a: int, b: int) -> float:
        return usual(a, b) + happenings.campaign_rows(a, b)

    output = scenario.output
    framed = output.compress != "none" or output.parquet
    return make_layout(scenario.window.window, CELL, expected, usual, framed=framed, shard=scenario.shard)
