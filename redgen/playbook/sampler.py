"""Which way through the graph each campaign takes, and what it must weigh for that.

A sampler gives every campaign a *policy*: natural (the weights as written), or a bias towards some routes. Where a
policy aims at a route, it takes that route's options as long as the facts let it; then, and everywhere else, the
weights decide. Facts (``when``) are found out while staging and are never sampled, so all probabilities are given the
facts: a campaign's weight is the natural probability of the choices it made over their probability under the mixture of
the policies of its entry (the balance heuristic of multiple importance sampling; Veach and Guibas, SIGGRAPH 1995).

Policies do not depend on how many campaigns an entry has, so one campaign more changes none before it.

- ``natural``: every campaign by the weights; every weight is 1.
- ``coverage``: first a set of routes that takes every transition ``at_least`` times; then, by turns, one campaign that
  is natural with a 5 % share of uniform exploration, and one of the other routes, the rarest first, as often. Without
  the natural ones, ways that no campaign aims at (facts turned out otherwise) would have no chance at all, and no
  weight could make up for them; as half of the campaigns they also keep weights near 2 at most.
- ``stratified``: the outcomes (last steps) take turns, routes within one by their natural probability; every campaign
  explores uniformly with 5 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from redgen.errors import DataError
from redgen.playbook.graph import Graph
from redgen.playbook.walk import Decision, Route, Walk, routes
from redgen.seed import Seed, Stream

EXPLORATION = 0.05
NATURAL = -1
"""The route number that stands for no route at all: the weights decide."""

Policy = tuple[tuple[int, float], ...]
"""(route number or NATURAL, probability) pairs that sum to 1: what a campaign aims at."""


@dataclass(frozen=True)
class Draw:
    """One path with its probabilities given its facts; ``weight`` = natural / sampling."""

    path: tuple[str, ...]
    natural: float
    sampling: float

    @property
    def weight(self) -> float:
        """The importance weight of a campaign that took this path."""
        return self.natural / self.sampling


class Guide:
    """Makes the random decisions of one walk, aiming at a route or at none."""

    def __init__(self, stream: Stream, aim: Route | None) -> None:
        self._stream = stream
        self._ahead = list(aim.decisions) if aim else []

    def choose(self, step: str, visit: int, weights: Sequence[float]) -> int:
        """The option of the route aimed at, where it comes by; else one by its weight."""
        u = self._stream.uniform()
        if self._ahead and self._ahead[0][:3] == (step, visit, "") and self._ahead[0].option < len(weights):
            return self._ahead.pop(0).option
        self._ahead = []
        upto = 0.0
        for option, weight in enumerate(weights):
            upto += weight
            if u < upto:
                return option
        return len(weights) - 1

    def saw(self, step: str, visit: int, fact: str, held: bool) -> None:
        """A fact turned out to hold or not; aiming ends when the route expected otherwise."""
        if self._ahead and self._ahead[0][:4] == (step, visit, fact, int(held)):
            self._ahead.pop(0)
        else:
            self._ahead = []


@dataclass(frozen=True)
class Sampler:
    """The campaigns of one scenario entry: how their paths are chosen. ``seed`` is the entry's own."""

    graph: Graph
    kind: str
    count: int
    at_least: int
    seed: Seed

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every route (up to a limit), in the order of the file."""
        return routes(self.graph)

    @cached_property
    def _cover(self) -> tuple[int, ...]:
        """coverage: the routes that the first campaigns aim at."""
        return edge_cover(self.routes) * self.at_least

    @cached_property
    def _others(self) -> tuple[int, ...]:
        """coverage: the routes that every other campaign aims at after that, the rarest first."""
        rest = set(range(len(self.routes))) - set(self._cover)
        return tuple(sorted(rest, key=lambda i: (self.routes[i].natural, i))) * self.at_least

    @cached_property
    def _outcomes(self) -> tuple[tuple[int, ...], ...]:
        """stratified: route numbers by last step."""
        last = dict.fromkeys(route.last for route in self.routes)
        return tuple(tuple(i for i, r in enumerate(self.routes) if r.last == name) for name in last)

    def needed(self) -> int:
        """How many campaigns it takes until every transition has been aimed at ``at_least`` times, and one at none."""
        return len(self._cover) + 1 if self.kind == "coverage" else 1

    def policy(self, ordinal: int) -> Policy:
        """What campaign number ``ordinal`` (from 0) aims at; the same whatever ``count`` is."""
        if self.kind == "natural":
            return ((NATURAL, 1.0),)
        if self.kind == "coverage":
            turn, aims = divmod(ordinal - len(self._cover), 2)
            if turn < 0:
                return ((self._cover[ordinal], 1.0),)
            if aims and turn < len(self._others):
                return ((self._others[turn], 1.0),)
            return ((NATURAL, 1.0 - EXPLORATION), *self._uniform)
        lap, place = divmod(ordinal, len(self._outcomes))
        order = self.seed.child("lap", lap).stream().permutation(len(self._outcomes))
        members = self._outcomes[int(order[place])]
        mass = sum(self.routes[i].natural for i in members)
        inside = tuple((i, (1.0 - EXPLORATION) * self.routes[i].natural / mass) for i in members)
        return (*inside, *self._uniform)

    @cached_property
    def _uniform(self) -> Policy:
        share = EXPLORATION / len(self.routes)
        return tuple((i, share) for i in range(len(self.routes)))

    @cached_property
    def mixture(self) -> Mapping[int, float]:
        """How much all campaigns of the entry together aim at each route."""
        policies = Counter(self.policy(ordinal) for ordinal in range(self.count))
        mixed: Counter[int] = Counter()
        for policy, times in policies.items():
            for route, share in policy:
                mixed[route] += share * times / self.count  # type: ignore[assignment]
        return dict(mixed)

    def guide(self, ordinal: int) -> Guide:
        """Who decides in campaign number ``ordinal``."""
        stream = self.seed.child(ordinal, "path").stream()
        policy = self.policy(ordinal)
        aim = policy[stream.weighted([share for _, share in policy])][0] if len(policy) > 1 else policy[0][0]
        return Guide(stream, None if aim == NATURAL else self.routes[aim])

    def weigh(self, path: Sequence[str], decisions: Sequence[Decision]) -> Draw:
        """The probabilities of a walk that was walked."""
        natural = 1.0
        for decision in decisions:
            natural *= decision.weight
        if self.kind == "natural":
            return Draw(tuple(path), natural, natural)
        sampling = sum(
            share * (natural if route == NATURAL else _followed(self.routes[route].decisions, decisions))
            for route, share in self.mixture.items()
        )
        return Draw(tuple(path), natural, sampling)

    def draw(self, ordinal: int, facts: Mapping[str, bool] | None = None) -> Draw:
        """Rehearse campaign number ``ordinal`` without staging it; facts hold unless ``facts`` says otherwise."""
        player = _Rehearsal(self.guide(ordinal), facts or {})
        walk = Walk(self.graph, player)
        walk.run()
        return self.weigh(walk.path, walk.decisions)


class _Rehearsal:
    """Plays nothing, lets facts hold."""

    def __init__(self, guide: Guide, facts: Mapping[str, bool]) -> None:
        self._guide = guide
        self._facts = facts
        self.choose = guide.choose

    def play(self, step: str, visit: int, t: int) -> int:  # noqa: ARG002
        return t

    def holds(self, step: str, visit: int, fact: str) -> bool:
        held = self._facts.get(fact, True)
        self._guide.saw(step, visit, fact, held)
        return held


def _followed(aim: Sequence[Decision], walked: Sequence[Decision]) -> float:
    """The probability that somebody who aims at a route makes the choices of a walk, given its facts."""
    product = 1.0
    aiming = True
    for i, decision in enumerate(walked):
        aiming = aiming and i < len(aim) and aim[i][:3] == decision[:3]
        if aiming and aim[i].option == decision.option:
            continue
        if aiming and not decision.fact:
            return 0.0
        aiming = False
        product *= decision.weight
    return product


def edge_cover(found: Sequence[Route]) -> tuple[int, ...]:
    """Route numbers that together take every transition once: greedy, most new transitions first, likelier first."""
    missing = {edge for route in found for edge in route.edges}
    chosen: list[int] = []
    while missing:
        best = max(range(len(found)), key=lambda i: (len(missing.intersection(found[i].edges)), found[i].natural, -i))
        chosen.append(best)
        missing.difference_update(found[best].edges)
    return tuple(chosen)


def check_count(sampler: Sampler) -> None:
    """DataError when coverage was asked of fewer campaigns than it takes."""
    if sampler.count and sampler.count < (needed := sampler.needed()):
        raise DataError(f"coverage with at_least {sampler.at_least} needs {needed} campaigns, not {sampler.count}")
