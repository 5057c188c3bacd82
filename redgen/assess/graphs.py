"""The playbooks of a dataset as plain edges, for reports to draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from redgen.errors import RedgenError
from redgen.playbook.catalog import graph

Edges = tuple[tuple[str, str, float], ...]


def playbook_edges(dataset: Path) -> Mapping[str, Edges]:
    """Playbook id -> (step, next step, weight), from the copies that the dataset keeps; those unreadable are left out.

    Alternatives to one another after the same step keep the greatest weight; ``end`` is no step.
    """
    found: dict[str, Edges] = {}
    for file in sorted((dataset / "playbooks").glob("*.yaml")):
        try:
            made = graph(str(file))
        except RedgenError:
            continue
        ways: dict[tuple[str, str], float] = {}
        for way in made.ways:
            if way.target in made.playbook.steps:
                pair = (way.source, way.target)
                ways[pair] = max(ways.get(pair, 0.0), way.weight)
        found[made.playbook.id] = tuple((a, b, w) for (a, b), w in ways.items())
    return found
