"""Where the steps of a graph go on paper: layers from the start down, few crossings, boxes under what leads to them.

The steps of a layered drawing (Sugiyama, Tagawa, Toda, 1981): loops are cut open, layers found by longest path, long
arrows given a waypoint in every layer between, layers ordered by the medians of their neighbors, then coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from redgen.playbook.graph import Graph
from redgen.spec.playbook import END

Point = tuple[float, float]
Node = str | tuple[str, str, int]
"""A step, or the waypoint of the arrow (from, to) in a layer."""

_SWEEPS = 12


@dataclass(frozen=True)
class Sizes:
    """Measures of a drawing, in pixels."""

    box: float
    tall: float
    gap: float
    down: float
    waypoint: float = 30.0


@dataclass(frozen=True)
class Layout:
    """Centers of boxes, and for each forward transition the points its arrow passes; ``back`` go against the layers."""

    centers: Mapping[str, Point]
    courses: Mapping[tuple[str, str], tuple[Point, ...]]
    back: frozenset[tuple[str, str]]


def layered(graph: Graph, sizes: Sizes) -> Layout:
    """The places of all reachable steps; ``end`` has none, it is drawn where it is come to."""
    steps = graph.digraph.subgraph(graph.reachable - {END})
    back = _back_edges(graph)
    forward: nx.DiGraph[str] = nx.DiGraph()
    forward.add_nodes_from(s for s in graph.playbook.steps if s in steps)
    forward.add_edges_from(e for e in steps.edges if e not in back)
    level = {step: i for i, layer in enumerate(nx.topological_generations(forward)) for step in layer}
    proper = _with_waypoints(forward, level)
    layers = _ordered(proper, level)
    x = _abscissas(proper, layers, sizes)
    row = {node: i for i, layer in enumerate(layers) for node in layer}
    at = {node: (x[node], row[node] * sizes.down) for node in x}
    courses = {(a, b): tuple(at[node] for node in _chain(a, b, level)) for a, b in forward.edges}
    return Layout({node: at[node] for node in forward}, courses, frozenset(back))


def _back_edges(graph: Graph) -> set[tuple[str, str]]:
    """The transitions that close a loop when one walks depth first in the order of the file."""
    found: set[tuple[str, str]] = set()
    state: dict[str, int] = {}

    def visit(step: str) -> None:
        state[step] = 1
        for target in graph.digraph.successors(step):
            if target == END:
                continue
            if state.get(target) == 1:
                found.add((step, target))
            elif target not in state:
                visit(target)
        state[step] = 2

    visit(graph.playbook.start)
    return found


def _with_waypoints(forward: nx.DiGraph[str], level: Mapping[str, int]) -> nx.DiGraph[Node]:
    """The same graph with every arrow cut into pieces that lead from one layer to the next."""
    proper: nx.DiGraph[Node] = nx.DiGraph()
    proper.add_nodes_from(forward)
    for a, b in forward.edges:
        nx.add_path(proper, _chain(a, b, level))
    return proper


def _chain(a: str, b: str, level: Mapping[str, int]) -> list[Node]:
    return [a, *((a, b, i) for i in range(level[a] + 1, level[b])), b]


def _ordered(proper: nx.DiGraph[Node], level: Mapping[str, int]) -> list[list[Node]]:
    """Layers whose order keeps crossings few: sweeps down and up by the mean place of neighbors, the best one kept."""
    deepest = max(level.values(), default=0)
    layers: list[list[Node]] = [[] for _ in range(deepest + 1)]
    for node in proper:
        layers[node[2] if isinstance(node, tuple) else level[node]].append(node)
    best, fewest = [list(layer) for layer in layers], _crossings(proper, layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for i in order:
            beside = {node: k for k, node in enumerate(layers[i - 1 if down else i + 1])}
            keys = {node: _mean_place(proper, node, beside, down) for node in layers[i]}
            layers[i] = sorted(layers[i], key=lambda node, keys=keys: keys[node])  # type: ignore[misc]
        crossed = _crossings(proper, layers)
        if crossed < fewest:
            best, fewest = [list(layer) for layer in layers], crossed
    return best


def _mean_place(proper: nx.DiGraph[Node], node: Node, beside: Mapping[Node, int], down: bool) -> float:
    near = proper.predecessors(node) if down else proper.successors(node)
    places = [beside[n] for n in near if n in beside]
    return sum(places) / len(places) if places else len(beside) / 2


def _crossings(proper: nx.DiGraph[Node], layers: Sequence[Sequence[Node]]) -> int:
    """How many pairs of arrows cross."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {node: k for k, node in enumerate(lower)}
        ends = [k for a in upper for k in sorted(place[b] for b in proper.successors(a) if b in place)]
        total += sum(ends[i] > ends[j] for i in range(len(ends)) for j in range(i + 1, len(ends)))
    return total


def _abscissas(proper: nx.DiGraph[Node], layers: Sequence[Sequence[Node]], sizes: Sizes) -> dict[Node, float]:
    """Horizontal centers: pulled towards neighbors again and again, never closer than the boxes allow."""
    width = {node: sizes.waypoint if isinstance(node, tuple) else sizes.box for node in proper}
    x: dict[Node, float] = {}
    for layer in layers:
        total = sum(width[n] + sizes.gap for n in layer)
        left = -total / 2
        for node in layer:
            x[node] = left + (width[node] + sizes.gap) / 2
            left += width[node] + sizes.gap
    for sweep in range(_SWEEPS * 2):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wish = {}
            for node in layer:
                near = [x[n] for n in (*proper.predecessors(node), *proper.successors(node))]
                wish[node] = sum(near) / len(near) if near else x[node]
            _spread(layer, wish, width, sizes.gap, x)
    low = min(x[n] - width[n] / 2 for n in x)
    return {node: at - low for node, at in x.items()}


def _spread(
    layer: Sequence[Node], wish: Mapping[Node, float], width: Mapping[Node, float], gap: float, x: dict[Node, float]
) -> None:
    """Put a layer where it wishes to be, as far as order and room allow: the mean of pushing right and pushing left."""
    right, left = dict(wish), dict(wish)
    for a, b in pairwise(layer):
        right[b] = max(right[b], right[a] + (width[a] + width[b]) / 2 + gap)
    for b, a in pairwise(reversed(layer)):
        left[a] = min(left[a], left[b] - (width[a] + width[b]) / 2 - gap)
    for node in layer:
        x[node] = (right[node] + left[node]) / 2
