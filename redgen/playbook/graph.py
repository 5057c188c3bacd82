"""The graph of a playbook: what each step may lead to, as choices to be made and as a networkx graph to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from redgen.spec.playbook import END, Choice, Fork, Playbook, Target

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Branching:
    """One line of choice after a step: it holds when ``fact`` is as ``wanted`` (no fact: always).

    Then one of ``options`` (target, weight) is taken; with a ``fork`` all of them, side by side. ``at`` is its place in
    the file.
    """

    fact: str
    wanted: bool
    options: tuple[tuple[str, float], ...]
    fork: Fork | None
    at: Path


@dataclass(frozen=True)
class Way:
    """A transition as drawn: one option of one branching of ``source``."""

    source: str
    target: str
    weight: float
    branching: Branching

    @property
    def label(self) -> str:
        """What stands at the arrow: its fact, its weight, or nothing."""
        words = []
        if self.branching.fact:
            words.append(self.branching.fact if self.branching.wanted else f"not {self.branching.fact}")
        if self.branching.fork:
            words.append("all")
        elif len(self.branching.options) > 1:
            words.append(f"{self.weight:g}")
        return " · ".join(words)


@dataclass(frozen=True)
class Graph:
    """A playbook's steps and the choices after each, in the order of the file."""

    playbook: Playbook
    after: Mapping[str, tuple[Branching, ...]]

    @classmethod
    def of(cls, playbook: Playbook) -> Graph:
        """The graph of a model; targets that do not exist are kept, for the linter to find."""
        return cls(playbook, {name: tuple(_branchings(name, playbook)) for name in playbook.steps})

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Every transition, in the order of the file."""
        return tuple(
            Way(name, target, weight, branching)
            for name, branchings in self.after.items()
            for branching in branchings
            for target, weight in branching.options
        )

    @cached_property
    def digraph(self) -> nx.DiGraph[str]:
        """Steps and ``end`` as nodes, transitions between known steps as edges with ``ways``."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from((*self.playbook.steps, END))
        for way in self.ways:
            if way.target in graph:
                known = graph.get_edge_data(way.source, way.target, {"ways": ()})["ways"]
                graph.add_edge(way.source, way.target, ways=(*known, way))
        return graph

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The steps (and ``end``) that a walk from the start can come to."""
        start = self.playbook.start
        return frozenset({start, *nx.descendants(self.digraph, start)} if start in self.playbook.steps else ())

    def endless(self) -> list[str]:
        """The steps of a loop that no ``at_most`` ends, in order; empty when every loop ends."""
        free = self.digraph.subgraph(n for n in self.playbook.steps if self.playbook.steps[n].at_most is None)
        try:
            return [source for source, *_ in nx.find_cycle(free)]
        except nx.NetworkXNoCycle:
            return []

    def before(self, step: str) -> frozenset[str]:
        """The steps from which a walk can come to ``step``, itself only in a loop."""
        found = set(nx.ancestors(self.digraph, step))
        if any(step in self.digraph.successors(other) for other in (*found, step)) and step in nx.descendants(
            self.digraph, step
        ):
            found.add(step)
        return frozenset(found)


def _branchings(name: str, playbook: Playbook) -> Iterator[Branching]:
    then = playbook.steps[name].then
    at: Path = ("steps", name, "then")
    if not isinstance(then, tuple):
        yield _branching("", True, then, at)
        return
    for i, choice in enumerate(then):
        assert isinstance(choice, Choice)
        yield _branching(choice.fact, choice.wanted, choice.go, (*at, i, "go"))


def _branching(fact: str, wanted: bool, target: Target, at: Path) -> Branching:
    if isinstance(target, Fork):
        return Branching(fact, wanted, tuple((name, 1.0) for name in target.all), target, at)
    options = ((target, 1.0),) if isinstance(target, str) else tuple(target.items())
    return Branching(fact, wanted, options, None, at)
