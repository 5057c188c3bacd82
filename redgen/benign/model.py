"""The benign model: populations compiled once, then sampled for any span of time, slice by slice or all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from redgen import zones
from redgen.activity.effects import Effects
from redgen.activity.schema import Activity, done_between, merge
from redgen.activity.wire import FLOW_TAIL
from redgen.benign.context import Behavior, Context
from redgen.benign.seasons import CELL, Arrivals, Crowd, Timetable
from redgen.clock import DAY
from redgen.errors import DataError, Problem, SpecError
from redgen.registry import BEHAVIORS
from redgen.seed import F64, Seed
from redgen.spec.baseline import Burst, Population, Rate, Season
from redgen.world.world import World

_PILOT = 600
"""Sessions played to learn how many rows a population's session has."""
_ALWAYS = (-(1 << 62), 1 << 62)


@dataclass
class Bound:
    """One population bound to the world: when its sessions start and how they are played."""

    id: str
    behavior: Behavior
    parameters: Mapping[str, Any]
    starts: Arrivals | Timetable
    context: Context
    rows_per_session: dict[str, float] = field(default_factory=dict)

    def play(self, windows: Mapping[str, tuple[int, int]], effects: Effects) -> Activity:
        """The rows of each wanted kind that are done inside its window."""
        wanted = {kind: window for kind, window in windows.items() if kind in self.behavior.gives}
        if not wanted:
            return {}
        low, high = min(w[0] for w in wanted.values()), max(w[1] for w in wanted.values())
        sessions = self.starts.sessions(low, high, FLOW_TAIL if "flow" in wanted else 0)
        if not len(sessions):
            return {}
        context = self.context.within(wanted, effects)
        made = self.behavior.play(context, sessions, **self.parameters)
        kept: dict[str, Any] = {}
        for kind in wanted.keys() & made.keys():
            kept |= done_between({kind: made[kind]}, *wanted[kind])
        return kept

    def expected(self, first: int, stop: int, kinds: Sequence[str]) -> F64:
        """About how many rows of ``kinds`` are done in each absolute cell of [first, stop)."""
        starts = np.full(stop - first, self.starts.per_day * CELL / DAY)
        if isinstance(self.starts, Arrivals):
            starts = self.starts.rates(first, stop)
        wanted = [kind for kind in kinds if kind in self.behavior.gives]
        if new := [kind for kind in wanted if kind not in self.rows_per_session]:
            self.rows_per_session |= self.rehearse(_PILOT, new)
        return starts * sum(self.rows_per_session[kind] for kind in wanted)

    def rehearse(self, most: int, kinds: Collection[str]) -> dict[str, float]:
        """Rows of ``kinds`` per session, from up to ``most`` sessions of some time; DataError as in earnest."""
        span = int(most / max(self.starts.per_day, 1e-9) * DAY) + CELL
        sessions = self.starts.sessions(0, min(span, 60 * DAY))
        if not len(sessions):
            return dict.fromkeys(kinds, 0.0)
        sessions = sessions.take(np.arange(min(most, len(sessions))))
        context = self.context.within(dict.fromkeys(kinds, _ALWAYS), Effects.of())
        made = self.behavior.play(context, sessions, **self.parameters)
        return {kind: len(made[kind]) / len(sessions) if kind in made else 0.0 for kind in kinds}


class BenignModel:
    """Populations ready to be sampled. Picklable; ``sample`` is a pure function of its arguments."""

    def __init__(self, populations: Sequence[Population], world: World, seed: Seed, traffic: float) -> None:
        self._made_from = (tuple(populations), world, seed, traffic)
        self.world = world
        self.populations = _bind(populations, world, seed, traffic)

    @classmethod
    def compile(
        cls, populations: Sequence[Population], world: World, seed: Seed, *, traffic: float = 1.0
    ) -> BenignModel:
        """Bind ``populations`` to ``world``; ``seed`` is the dataset's root; ``traffic`` scales every rate.

        SpecError when a behavior is unknown or its parameters do not fit; all problems at once.
        """
        return cls(populations, world, seed, traffic)

    def __reduce__(self) -> tuple[Any, ...]:
        return BenignModel, self._made_from

    def sample(self, a: int, b: int, kinds: Mapping[str, int], effects: Effects) -> dict[str, Any]:
        """The benign rows of each kind k done in [a - kinds[k], b); the same rows whatever a and b are.

        An http row is 146 bytes, about twice that while it is made; sessions that began up to an hour before are
        played again, so slices should not be much shorter than that.
        """
        return merge(self.parts(a, b, kinds, effects))

    def parts(self, a: int, b: int, kinds: Mapping[str, int], effects: Effects) -> list[Activity]:
        """What ``sample`` gives, population by population, for who merges it with more."""
        windows = {kind: (a - back, b) for kind, back in kinds.items()}
        return [population.play(windows, effects) for population in self.populations]

    def players(self, kinds: Sequence[str]) -> int:
        """How many populations give any of ``kinds``."""
        return sum(any(kind in population.behavior.gives for kind in kinds) for population in self.populations)

    def expected_rows(self, a: int, b: int, kinds: Sequence[str] = ("http",)) -> Callable[[int, int], float]:
        """About how many rows ``sample`` would give for any span inside [a, b): for planning, not exact."""
        first, stop = a // CELL, max(-(-b // CELL), a // CELL + 1)
        cells = np.zeros(stop - first)
        for population in self.populations:
            cells += population.expected(first, stop, kinds)
        upto = np.concatenate([[0.0], np.cumsum(cells)])
        times = np.arange(first, stop + 1) * CELL

        def expected(since: int, until: int) -> float:
            low, high = np.interp([since, until], times, upto)
            return float(high - low)

        return expected


def _bind(populations: Sequence[Population], world: World, root: Seed, traffic: float) -> list[Bound]:
    bound: list[Bound] = []
    problems: list[Problem] = []
    for population in populations:
        if any(population.id == earlier.id for earlier in bound):
            problems.append(Problem("baseline", 0, f"populations.{population.id}", "there are two of that id"))
        try:
            behavior: Behavior = BEHAVIORS.get(population.behavior)
            parameters = behavior.read(population.parameters)
        except DataError as error:
            problems.append(Problem("baseline", 0, f"populations.{population.id}.behavior", str(error)))
            continue
        except ValidationError as error:
            problems += [
                Problem("baseline", 0, ".".join(map(str, ("populations", population.id, "with", *e["loc"]))), e["msg"])
                for e in error.errors()
            ]
            continue
        seed = root.child("benign", population.id)
        starts = _starts(population, behavior, world, root, traffic)
        ready = Bound(population.id, behavior, parameters, starts, Context(world, root, seed, starts.per_day))
        try:
            ready.rehearse(3, behavior.gives)
        except DataError as error:
            problems.append(Problem("baseline", 0, f"populations.{population.id}.with", str(error)))
        bound.append(ready)
    if problems:
        raise SpecError(problems)
    return bound


def _starts(
    population: Population, behavior: Behavior, world: World, root: Seed, traffic: float
) -> Arrivals | Timetable:
    seed = root.child("benign", population.id)
    who = _entities(population, world, seed)
    if population.every is not None:
        reach = max(tier.reach for tier in behavior.tiers)
        return Timetable(seed, population.every, who, reach)
    assert population.rate is not None
    assert isinstance(population.season, Season)
    assert isinstance(population.burst, Burst), "give Baseline.resolved()"
    per_day = traffic * population.rate.per_day * _heads(population.rate, len(who), world)
    crowds = _crowds(population.season, who, world, population.entities.people is not None)
    burst = population.burst
    together = root.child("benign", "burst", burst.together) if burst.together else seed
    return Arrivals(seed, together, per_day, population.season, burst, crowds, behavior.tiers)


def _heads(rate: Rate, entities: int, world: World) -> int:
    if rate.per == "all":
        return 1
    if rate.per == "entity":
        return entities
    first, stop = world.people.span(rate.per)
    return stop - first


def _entities(population: Population, world: World, seed: Seed) -> NDArray[np.int64]:
    entities = population.entities
    if entities.people is None:
        return np.arange(entities.count or 0, dtype=np.int64)
    who = np.arange(*world.people.span(entities.people), dtype=np.int64)
    if entities.share >= 1:
        return who
    return who[seed.uniform(who.astype(np.uint64), "member") < entities.share]


def _crowds(season: Season, who: NDArray[np.int64], world: World, people: bool) -> tuple[Crowd, ...]:
    """Split a population by time zone; people of ``local`` seasons live by their own clocks."""
    weight = world.people.weight[who] if people else np.ones(len(who))
    if season.timezone != "local" or not people:
        spread = {"+00:00": 1.0} if season.timezone == "local" else season.zones
        total = sum(spread.values())
        clocks = ((_minutes(z), share / total) for z, share in sorted(spread.items()))
        return tuple(Crowd(zone, share, who, np.cumsum(weight), zone) for zone, share in clocks)
    found: list[Crowd] = []
    for zone, name, members in _clocks(world, who):
        upto = np.cumsum(weight[members])
        found.append(Crowd(zone, float(upto[-1] / weight.sum()), who[members], upto, name))
    return tuple(found)


def _clocks(world: World, who: NDArray[np.int64]) -> Iterator[tuple[str, int | str, NDArray[np.int64]]]:
    """The zones that ``who`` live by, those of the same rules as one; a name and the positions of each."""
    named = world.plan.cities.zones
    own = world.people.zone[who]
    by_rules: dict[tuple[int, ...], list[int]] = {}
    for code in np.unique(own).tolist():
        by_rules.setdefault(zones.rules(named[code]), []).append(code)
    taken: set[int | str] = set()
    for codes in sorted(by_rules.values(), key=lambda codes: (zones.standard(named[codes[0]]), codes)):
        zone = named[codes[0]]
        name: int | str = zones.standard(zone)
        name = zone if name in taken else name
        taken.add(name)
        yield zone, name, np.flatnonzero(np.isin(own, codes))


def _minutes(zone: str) -> int | str:
    """What ``season_at`` takes: minutes of an offset; a zone's name as it is."""
    if zone[0] not in "+-":
        return zone
    hours, minutes = zone[1:].split(":")
    return (-1 if zone[0] == "-" else 1) * (int(hours) * 60 + int(minutes))
