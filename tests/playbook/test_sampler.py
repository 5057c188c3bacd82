"""Samplers: unbiased whatever they favor, thorough where they promise to be, the same for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import DataError
from redgen.playbook.graph import Graph
from redgen.playbook.sampler import EXPLORATION, Sampler, check_count
from redgen.playbook.walk import routes
from redgen.seed import Seed
from redgen.spec.loader import load_yaml
from redgen.spec.playbook import END, Playbook

HEAD = "id: x\ntitle: t\nfamily: distributed\nstart: a\nobjective: a\nsteps:\n"
TREE = HEAD + """\
  a: {action: rest, at_most: 2, then: {b: 0.9, c: 0.1}}
  b: {action: rest, then: [{when: hit, go: d}, {when: not hit, go: {a: .5, end: .5}}]}
  c: {action: rest, then: {all: [e, f], go: g}}
  d: {action: rest, then: {d: .7, g: .3}, at_most: 3}
  e: {action: rest, then: {g: .5, end: .5}}
  f: {action: rest, then: g}
  g: {action: rest}
"""
RARE = HEAD + """\
  a: {action: rest, then: {b: 0.98, c: 0.02}}
  b: {action: rest, then: {d: 0.9, e: 0.1}}
  c: {action: rest, then: {d: 0.5, e: 0.5}}
  d: {action: rest}
  e: {action: rest}
"""


def graph(text: str) -> Graph:
    """The graph of a playbook text."""
    return Graph.of(load_yaml(text, "f").validate(Playbook))


def test_routes_are_all_there_and_natural_probabilities_sum_to_one() -> None:
    found = routes(graph(RARE))
    assert [r.steps for r in found] == [("a", "b", "d"), ("a", "b", "e"), ("a", "c", "d"), ("a", "c", "e")]
    assert sum(r.natural for r in found) == pytest.approx(1.0)


def test_loops_stop_at_their_limit_and_forks_join_once() -> None:
    found = routes(graph(TREE))
    assert max(r.steps.count("d") for r in found) == 3
    forked = [r for r in found if "c" in r.steps]
    assert all(r.steps.count("g") == 1 and {"e", "f"} <= {*r.steps} for r in forked)
    assert len(found) == 12


def test_natural_campaigns_weigh_one() -> None:
    sampler = Sampler(graph(RARE), "natural", 500, 1, Seed(3))
    draws = [sampler.draw(i) for i in range(500)]
    assert {d.weight for d in draws} == {1.0}
    assert 0 < sum("c" in d.path for d in draws) < 30  # 2 % of 500


@pytest.mark.parametrize("kind", ["coverage", "stratified"])
@pytest.mark.parametrize("facts", [{"hit": True}, {"hit": False}])
def test_weights_undo_what_the_sampler_favors(kind: str, facts: dict[str, bool]) -> None:
    """The weighted share of every path is its natural probability, whatever the facts."""
    sampler = Sampler(graph(TREE), kind, 4000, 2, Seed(5))
    natural = Sampler(graph(TREE), "natural", 4000, 2, Seed(6))
    share: Counter[tuple[str, ...]] = Counter()
    for i in range(4000):
        draw = sampler.draw(i, facts)
        share[draw.path] += draw.weight / 4000  # type: ignore[assignment]
    truth = Counter(natural.draw(i, facts).path for i in range(4000))
    assert sum(share.values()) == pytest.approx(1.0, abs=0.05)
    for path, times in truth.items():
        assert share[path] == pytest.approx(times / 4000, abs=0.03)


def test_coverage_takes_every_transition_and_the_rarest_path_often_enough() -> None:
    sampler = Sampler(graph(RARE), "coverage", 13, 3, Seed(1))
    draws = [sampler.draw(i) for i in range(13)]
    edges = Counter(edge for d in draws for edge in zip(d.path, (*d.path[1:], END), strict=True))
    assert min(edges.values()) >= 3
    assert len(edges) == 8
    assert min(Counter(d.path for d in draws).values()) == 3  # four paths, three times each, and one campaign by chance


@pytest.mark.parametrize("count", [6, 30])
def test_weights_of_few_campaigns_are_unbiased_too(count: int) -> None:
    """Over many seeds; the facts of a campaign are its own, so many a way is one that no campaign can aim at."""
    share: Counter[str] = Counter()
    seeds = 3000 // count
    for seed in range(seeds):
        sampler = Sampler(graph(TREE), "coverage", count, 1, Seed(seed))
        for i in range(count):
            draw = sampler.draw(i, {"hit": Seed(seed).child("fact", i).stream().uniform() < 0.6})
            share["all"] += draw.weight / count / seeds  # type: ignore[assignment]
            share["c"] += draw.weight * ("c" in draw.path) / count / seeds  # type: ignore[assignment]
            share["d"] += draw.weight * ("d" in draw.path) / count / seeds  # type: ignore[assignment]
    assert share["all"] == pytest.approx(1.0, abs=0.06)
    assert share["c"] == pytest.approx(0.1 + 0.9 * 0.4 * 0.5 * 0.1, abs=0.02)  # at once, or after b without a hit
    assert share["d"] == pytest.approx(0.9 * 0.6, abs=0.05)  # after b with a hit


def test_coverage_says_when_there_are_too_few_campaigns() -> None:
    with pytest.raises(DataError, match="coverage with at_least 5 needs 21 campaigns, not 9"):
        check_count(Sampler(graph(RARE), "coverage", 9, 5, Seed(1)))


def test_stratified_gives_every_outcome_its_turn_and_explores() -> None:
    sampler = Sampler(graph(RARE), "stratified", 2000, 1, Seed(2))
    draws = [sampler.draw(i) for i in range(2000)]
    assert Counter(d.path[-1] for d in draws)["e"] == pytest.approx(1000, abs=60)
    rare = sum(d.path == ("a", "c", "d") for d in draws) / 2000
    assert rare > EXPLORATION / 4  # natural: 1 %; a quarter of the exploration is its own
    assert sum(d.weight for d in draws) / 2000 == pytest.approx(1.0, abs=0.05)


@given(st.sampled_from(["natural", "coverage", "stratified"]), st.integers(1, 40), st.integers(0, 30),
       st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_what_a_campaign_aims_at_does_not_depend_on_how_many_there_are(
    kind: str, count: int, more: int, seed: int
) -> None:
    small, large = (Sampler(graph(RARE), kind, n, 1, Seed(seed)) for n in (count, count + more))
    assert [small.draw(i).path for i in range(count)] == [large.draw(i).path for i in range(count)]
    assert all(small.draw(i).weight > 0 for i in range(count))
