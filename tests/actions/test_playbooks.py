"""The bundled graphs pass the linter, all their walks end, rare ways are taken, every number says where it is from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from redgen.playbook.graph import Graph
from redgen.playbook.lint import compiled, lint
from redgen.playbook.walk import routes
from redgen.spec.laws import LAWS
from redgen.spec.loader import load_yaml
from redgen.spec.playbook import END, HARD_NEGATIVE
from tests.actions.stages import HARD_NEGATIVES, PLAYBOOKS, campaigns

ALL = [*PLAYBOOKS, *HARD_NEGATIVES]
FAMILIES = {"account-takeover": 2, "api-misuse": 2, "distributed": 2}


def named(path: Path) -> str:
    """The name of a case."""
    return path.stem


@pytest.mark.parametrize("path", ALL, ids=named)
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    assert lint(load_yaml(path, path.name)) == []
    assert compiled(load_yaml(path, path.name)).playbook.id == path.stem


def test_two_playbooks_of_each_family_and_more_than_four_kinds_of_noise() -> None:
    found: dict[str, int] = {}
    for path in PLAYBOOKS:
        family = yaml.safe_load(path.read_text())["family"]
        found[family] = found.get(family, 0) + 1
    assert found == FAMILIES
    assert {yaml.safe_load(p.read_text())["family"] for p in HARD_NEGATIVES} == {HARD_NEGATIVE}
    assert len(HARD_NEGATIVES) >= 6


@pytest.mark.parametrize("path", PLAYBOOKS, ids=named)
def test_a_playbook_branches_and_every_walk_ends(path: Path) -> None:
    graph = Graph.of(compiled(load_yaml(path, path.name)).playbook)
    found = routes(graph, most=3000)
    assert len(found) >= 15
    assert all(len(route.steps) < 60 and (route.last, END) in route.edges for route in found if route.edges)
    assert sum(len(branchings) > 1 or len(branchings[0].options) > 1 for branchings in graph.after.values()) >= 5


@pytest.mark.parametrize("path", PLAYBOOKS, ids=named)
def test_stealth_turns_some_knobs(path: Path) -> None:
    parameters = compiled(load_yaml(path, path.name)).playbook.parameters
    assert sum(bool(law.stealth) for law in parameters.values()) >= 2


def unsourced(node: Any, covered: bool, where: str) -> Iterator[str]:
    """Places of distributions and weights that nothing at or above gives a source for."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from unsourced(item, covered, f"{where}[{i}]")
    if not isinstance(node, dict):
        return
    covered = covered or bool(node.get("source"))
    if not covered and (set(node) & set(LAWS) or (node and all(isinstance(v, float) for v in node.values()))):
        yield where
    for key, value in node.items():
        yield from unsourced(value, covered, f"{where}.{key}")


@pytest.mark.parametrize("path", ALL, ids=named)
def test_every_number_says_where_it_is_from(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    for part in ("roles", "parameters", "steps"):
        for name, node in document.get(part, {}).items():
            # a mixture of networks or agents is the role's; its numbers are the role's source
            assert list(unsourced(node, False, f"{part}.{name}")) == []


@pytest.mark.parametrize("path", PLAYBOOKS, ids=named)
def test_coverage_takes_every_way_that_chance_decides(path: Path, tmp_path: Path) -> None:
    graph = Graph.of(compiled(load_yaml(path, path.name)).playbook)
    runs = campaigns(path.stem, tmp_path, count=200, days=40, lines="  sampler: coverage\n")
    seen = {edge for c in runs for edge in zip(c.path, (*c.path[1:], *(c.cut or (END,))), strict=False)}
    free = {(w.source, w.target) for w in graph.ways if len(w.branching.options) > 1 and not w.branching.fact}
    missed = free - seen
    assert len(missed) <= 0.12 * len(free), sorted(missed)
    assert any(c.weight != 1.0 for c in runs)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=named)
def test_some_reach_their_objective_and_some_do_not(path: Path, tmp_path: Path) -> None:
    runs = campaigns(path.stem, tmp_path, count=60, days=14)
    reached = [bool({*c.objectives} & {*c.path}) for c in runs]
    assert 5 < sum(reached) < len(runs)


@pytest.mark.parametrize("path", HARD_NEGATIVES, ids=named)
def test_noise_is_labelled_as_noise(path: Path, tmp_path: Path) -> None:
    runs = campaigns(path.stem, tmp_path, count=4, days=4)
    assert {c.label for c in runs} == {"hard_negative"}
    assert any(len(t) for c in runs for t in c.activity.values())
