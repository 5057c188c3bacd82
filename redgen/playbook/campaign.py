"""Campaigns: a walk through a playbook's graph with a cast, staged step by step into activity, truth and effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from redgen.activity.effects import Effect, Effects
from redgen.activity.schema import Activity, done_between, merge
from redgen.clock import MINUTE, Window
from redgen.errors import DataError, PluginError, Problem, SpecError, did_you_mean
from redgen.playbook.bind import Binding, Drawn
from redgen.playbook.cast import cast
from redgen.playbook.entities import summary
from redgen.playbook.lint import Compiled, compiled
from redgen.playbook.sampler import Sampler, check_count
from redgen.playbook.stage import Role, Stage, Staged
from redgen.playbook.walk import Walk
from redgen.seed import Seed
from redgen.spec.files import resolve, shown
from redgen.spec.loader import Document, load_yaml
from redgen.spec.playbook import HARD_NEGATIVE
from redgen.spec.scenario import Entry, Scenario, StartSpec, named
from redgen.truth import Cause, Register
from redgen.world.world import World

_LATEST_START = 0.7
"""Unless a scenario says when, campaigns begin in the first 70 % of the window, so that most have time to unfold."""
_LEAD = MINUTE
"""A step's first request may follow lookups and handshakes that begin before it."""


@dataclass(frozen=True)
class Played:
    """One execution of a step: when it began and ended (µs), under which truth code."""

    step_id: str
    action: str
    technique: str
    t: int
    ended: int
    truth: int


@dataclass(frozen=True)
class Expander:
    """A volumetric step: ``expand(a, b)`` makes its rows done in [a, b); all are done within [start, stop)."""

    start: int
    stop: int
    expand: Callable[[int, int], Activity]
    truth: int


@dataclass(frozen=True)
class Campaign:
    """One run of a playbook. Hard negatives are campaigns, too, with label ``hard_negative`` and an id in N.

    ``path``: steps in the order played. ``cut``: steps the walk came to after the window's end, where it stops.
    ``params``: the drawn parameters (times in seconds). ``stratum``: what kind of run this is, for grouping scores.
    ``weight``: natural / sampling probability. ``collateral``: truth codes of what its effects do to others.
    """

    id: str
    label: str
    entry: str
    ordinal: int
    playbook: str
    version: int
    family: str
    title: str
    objectives: tuple[str, ...]
    path: tuple[str, ...]
    cut: tuple[str, ...]
    params: Mapping[str, Any]
    stratum: Mapping[str, Any]
    weight: float
    steps: tuple[Played, ...]
    entities: Mapping[str, Mapping[str, list[str]]]
    activity: Activity
    expanders: tuple[Expander, ...]
    effects: tuple[Effect, ...]
    collateral: Mapping[str, int] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """What was planned, as JSON: the part of ``campaigns.jsonl`` that does not depend on what was logged."""
        return {
            "playbook": self.playbook, "version": self.version, "family": self.family, "path": list(self.path),
            "cut": list(self.cut), "params": dict(self.params), "stratum": dict(self.stratum), "weight": self.weight,
            "entities": {side: dict(found) for side, found in self.entities.items()},
        }


def plan_campaigns(
    document: Document, scenario: Scenario, world: World, seed: Seed, register: Register
) -> list[Campaign]:
    """Every campaign and hard negative of a scenario, in the order of its entries; ``register`` takes their causes.

    ``document`` is the scenario's file. What a campaign is depends on the root ``seed``, the id of its entry and its
    number in it, so adding or changing another one changes nothing. SpecError or DataError when a playbook, an override
    or a role does not work out.
    """
    troupes: list[Troupe] = []
    problems: list[Problem] = []
    for section, label in (("campaigns", "campaign"), ("hard_negatives", "hard negative")):
        entries: Sequence[Entry] = getattr(scenario, section)
        for i, (name, entry) in enumerate(named(entries)):
            part = document.at(section, i) if document.has(section, i) else document
            try:
                troupes.append(Troupe.of(part, entry, name, label, scenario, seed))
            except SpecError as error:
                problems += error.problems
    if problems:
        raise SpecError(problems)
    numbers = {"C": 0, "N": 0}
    campaigns = []
    for troupe in troupes:
        for ordinal in range(troupe.entry.count):
            numbers[troupe.letter] += 1
            campaign_id = f"{troupe.letter}-{numbers[troupe.letter]:04d}"
            campaigns.append(_Run(troupe, world, seed, register, campaign_id, ordinal).campaign())
    return campaigns


@dataclass(frozen=True)
class Troupe:
    """One entry of a scenario: its playbook with the entry's own parameters, and its sampler."""

    name: str
    part: Document
    entry: Entry
    compiled: Compiled
    sampler: Sampler
    window: Window
    letter: str

    @classmethod
    def of(cls, part: Document, entry: Entry, name: str, kind: str, scenario: Scenario, seed: Seed) -> Troupe:
        """Read and check the entry's playbook; SpecError with its problems, or with those of the entry."""
        try:
            path = resolve("hard negative" if kind == "hard negative" else "playbook", entry.what, part.folder)
        except DataError as error:
            raise part.error(("playbook",), str(error)) from None
        book = compiled(load_yaml(path, shown(path)))
        problems = list(_misfits(part, entry, book))
        if (book.playbook.family == HARD_NEGATIVE) != (kind == "hard negative"):
            problems.append(part.problem(("playbook" if kind == "campaign" else "kind",), _WRONG_SECTION[kind]))
        changed = book.playbook.model_copy(update={"parameters": {**book.playbook.parameters, **entry.parameters}})
        sampler = Sampler(book.graph, entry.sampler, entry.count, entry.at_least, seed.child(kind, name))
        try:
            check_count(sampler)
        except DataError as error:
            problems.append(part.problem(("count",), str(error)))
        if problems:
            raise SpecError(problems)
        letter = "N" if kind == "hard negative" else "C"
        book = Compiled(book.document, changed, book.graph, book.bindings)
        return cls(name, part, entry, book, sampler, scenario.window.window, letter)


_WRONG_SECTION = {
    "campaign": "this graph is of family hard-negative; list it under hard_negatives",
    "hard negative": "this graph is an attack; list it under campaigns",
}


def _misfits(part: Document, entry: Entry, book: Compiled) -> Iterator[Problem]:
    """Overrides of parameters and roles that do not exist, or that do not fit where they are used."""
    parameters, roles = book.playbook.parameters, book.playbook.roles
    for name in entry.parameters:
        if name not in parameters:
            yield part.problem(("with", name), f"{entry.what} has no such parameter{did_you_mean(name, parameters)}")
    for name in entry.counts:
        if name not in roles:
            yield part.problem(("counts", name), f"{entry.what} has no such role{did_you_mean(name, roles)}")
    for step, binding in book.bindings.items():
        for keys, text in binding.findings(roles, {**parameters, **entry.parameters}):
            name = str(binding.written.get(keys[0], "")).removeprefix("$")
            yield part.problem(("with", name), f"does not fit {keys[0]} of step {step}: {text}")


class _Run:
    """Plays one campaign: the walk asks it to play steps, tell facts and choose."""

    def __init__(
        self, troupe: Troupe, world: World, root: Seed, register: Register, campaign_id: str, ordinal: int
    ) -> None:
        self.troupe, self.world, self.root, self.register = troupe, world, root, register
        self.id, self.ordinal = campaign_id, ordinal
        self.seed = troupe.sampler.seed.child(ordinal)
        self.stealth = troupe.entry.stealth
        self.guide = troupe.sampler.guide(ordinal)
        self.choose = self.guide.choose
        book = troupe.compiled.playbook
        self.parameters = {
            name: Drawn.of(law, law.one(self.seed.child("parameter", name).stream(), self.stealth))
            for name, law in book.parameters.items()
        }
        try:
            self.cast = cast(world, book.roles, self.seed, troupe.entry.counts, self.stealth)
        except DataError as error:
            raise troupe.part.error((), f"{troupe.entry.what}: {error}") from None
        self.played: list[Played] = []
        self.cut: list[str] = []
        self.staged: list[Staged] = []
        self.facts: dict[str, Any] = {}
        self.latest: Mapping[str, Any] = {}
        self.collateral: dict[str, int] = {}

    def campaign(self) -> Campaign:
        """Walk, cast, stage."""
        book = self.troupe.compiled.playbook
        walk = Walk(self.troupe.compiled.graph, self)
        walk.run(self._start(self.troupe.entry.start))
        stop = self.troupe.window.stop
        path = tuple(p.step_id for p in self.played)
        activity = merge([done_between(s.activity, self.troupe.window.start, stop) for s in self.staged])
        expanders = tuple(
            Expander(p.t, min(s.until or stop, stop), s.expand, p.truth)
            for p, s in zip(self.played, self.staged, strict=True) if s.expand
        )
        draw = self.troupe.sampler.weigh(walk.path, walk.decisions)
        return Campaign(
            self.id, book.label, self.troupe.name, self.ordinal, book.id, book.version, book.family, book.title,
            book.objectives, path, tuple(self.cut),
            {name: drawn.json() for name, drawn in self.parameters.items()}, self._stratum(path), draw.weight,
            tuple(self.played), summary(self.world, self._on_stage(), activity, bool(expanders)), activity, expanders,
            tuple(e for s in self.staged for e in s.effects), self.collateral,
        )

    def _start(self, start: StartSpec | None) -> int:
        window = self.troupe.window
        usual = (window.start, window.start + int(window.duration * _LATEST_START))
        span = usual if start is None else start.span(window)
        return span[0] + int(self.seed.child("start").stream().uniform() * (span[1] - span[0]))

    def _stratum(self, path: Sequence[str]) -> dict[str, Any]:
        book = self.troupe.compiled.playbook
        return {
            "outcome": path[-1] if path else "", "objective": bool({*book.objectives} & {*path}),
            "cut": bool(self.cut), "stealth": self.stealth, "sampler": self.troupe.entry.sampler,
        }

    def _on_stage(self) -> list[Role]:
        """The roles that the steps played have named."""
        bindings = self.troupe.compiled.bindings
        used = {str(bindings[p.step_id].written.get(key)).partition(".")[0]
                for p in self.played for key in bindings[p.step_id].action.roles}
        return [role for name, role in self.cast.items() if name in used]

    def play(self, step: str, visit: int, t: int) -> int | None:
        """Wait the step's delay, then stage it; past the window's end, note that the walk was cut there."""
        spec = self.troupe.compiled.playbook.steps[step]
        seed = self.seed.child(step, visit)
        stop = self.troupe.window.stop
        self.latest = {}
        after = spec.after
        stream = seed.child("after").stream()
        t += int(self.parameters[after[1:]].value if isinstance(after, str) else after.one(stream, self.stealth))
        if t >= stop:
            self.cut.append(step)
            return None
        truth, collateral = self._codes(step, spec.technique)
        stage = Stage(
            self.world, self.root, seed, Effects.of(e for s in self.staged for e in s.effects), t, stop, self.cast,
            truth, collateral, seed.key, f"{self.troupe.letter}/{self.troupe.name}/{self.ordinal}", step,
            dict(self.facts),
        )
        binding = self.troupe.compiled.bindings[step]
        staged = binding.action(stage, **self._arguments(binding, seed, step))
        _check(staged, stage, binding.action.name)
        self.latest = staged.facts
        self.facts.update(staged.facts)
        ended = max(t, staged.ended)
        self.staged.append(staged)
        self.played.append(Played(step, spec.action, spec.technique, t, ended, truth))
        return ended

    def _arguments(self, binding: Binding, seed: Seed, step: str) -> dict[str, Any]:
        try:
            return binding.call(self.cast, self.parameters, self.facts, seed, self.stealth)
        except DataError as error:
            raise self.troupe.compiled.document.error(("steps", step, "with"), f"in {self.id}: {error}") from None

    def _codes(self, step: str, technique: str) -> tuple[int, int]:
        """Truth codes of the step's own rows and of what its effects do to others."""
        noise = self.troupe.letter == "N"
        who = {"noise_id" if noise else "campaign_id": self.id, "step_id": step, "technique": technique}
        truth = self.register.code(Cause("hard_negative" if noise else "malicious", **who))
        self.collateral[step] = self.register.code(Cause("collateral", **who))
        return truth, self.collateral[step]

    def holds(self, step: str, visit: int, fact: str) -> bool:
        """Whether the step reported the fact: a truth, a number that is not 0, an array that is not empty."""
        value = self.latest.get(fact, False)
        held = bool(value.size) if isinstance(value, np.ndarray) and value.ndim else bool(value)
        self.guide.saw(step, visit, fact, held)
        return held


def _check(staged: Staged, stage: Stage, name: str) -> None:
    """PluginError when an action's rows are not what the stage told it to make."""
    for kind, table in staged.activity.items():
        if (table["truth"] != stage.truth).any():
            raise PluginError(f"action {name!r}: rows of {kind} without the truth of their step")
        if len(table) and int(table["t"].min()) < stage.t - _LEAD:
            raise PluginError(f"action {name!r}: rows of {kind} begin before their step")


def all_effects(campaigns: Iterable[Campaign]) -> Effects:
    """What all campaigns together do to the world."""
    return Effects.of(e for c in campaigns for e in c.effects)
