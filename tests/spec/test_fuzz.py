"""Whatever a YAML says, redgen answers with a model or with a SpecError or DataError: never with a traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redgen.errors import DataError, SpecError
from redgen.playbook.lint import lint
from redgen.playbook.schema import KINDS, schema
from redgen.playbook.walk import routes
from redgen.spec.baseline import Baseline
from redgen.spec.files import names, resolve
from redgen.spec.loader import load_yaml, override
from redgen.spec.playbook import Playbook
from redgen.spec.scenario import Scenario
from redgen.spec.world import WorldSpec
from tests.playbook.conftest import STUFFING
from tests.spec.test_scenario import TEXT

BASELINE = """\
id: base
title: t
world: {scale: {customers: 10}}
populations:
- id: shoppers
  behavior: web_sessions
  entities: anonymous
  rate: {per_day: 100, source: unverified}
  season: {hour: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], timezone: local}
  burst: {variance: 0.2}
  with: {depth: 3}
"""
WORLD = """\
name: Shop
domain: shop.example
scale: {customers: 10, employees: 5}
sites:
- {host: www.shop.example, login: customers, routes: [{id: home, path: /, body: 100}]}
hosts: [{name: web, count: 2, exposed: true}]
"""
FILES: dict[str, tuple[str, type[Any]]] = {
    "scenario": (TEXT, Scenario), "playbook": (STUFFING, Playbook), "baseline": (BASELINE, Baseline),
    "world": (WORLD, WorldSpec),
}
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(-10**30, 10**30), st.floats(), st.text(max_size=12),
    st.sampled_from(["$pace", "$", "$nope", "a.b", ".", "1d", "-3h", "99999999w", "2026-13-01", "end", "not x",
                     "0001-01-01", "9999-12-31T23:59:59", "1e400", "probe", "{", "é" * 50, "x" * 5000, "a/b", "../x",
                     "\\", "a#2"]),
    st.lists(st.integers(-2, 2), max_size=4), st.dictionaries(st.text(max_size=5), st.integers(-1, 2), max_size=3),
    st.sampled_from([{"log_uniform": [0, 1]}, {"uniform": ["1m", 3]}, {"lognormal": {"median": "1d", "sigma": 1e9}},
                     {"all": ["probe", "probe"], "go": "end"}, {"probe": 1.0}, {"value": {"value": 1}}, [[[[]]]],
                     [{"when": "any_success", "go": {"all": ["rest", "drain"]}}], {"categorical": {"a": 1}},
                     {"pareto": {"min": 1, "alpha": 0.051}}, {"poisson": 1e7}, {"beta": {"a": 1e-300, "b": 1e300}}]),
).map(copy.deepcopy)


def spots(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in plain data."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(spot for key, value in inside for spot in spots(value, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> Any:
    """Plain data of a sound file with a few values replaced, removed, renamed or doubled."""
    data = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(spots(data)[1:] or [()]))
        if not path:
            return draw(STRANGE)
        parent = data
        for part in path[:-1]:
            parent = parent[part]
        kind = draw(st.sampled_from(["replace", "replace", "remove", "rename", "copy"]))
        if kind == "remove":
            del parent[path[-1]]
        elif kind == "rename" and isinstance(parent, dict):
            parent[draw(st.text(max_size=6))] = parent.pop(path[-1])
        elif kind == "copy" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[path[-1]]))
        else:
            parent[path[-1]] = draw(STRANGE)
    return data


def outcome(text: str, model: type[Any]) -> Any:
    """The model, or the error that is allowed; problems name a place."""
    try:
        return load_yaml(text, "f.yaml").validate(model)
    except SpecError as error:
        assert error.problems
        assert all(p.file == "f.yaml" and p.message and p.line >= 0 for p in error.problems)
        return None


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files_give_a_model_or_problems(kind: str, data: st.DataObject) -> None:
    text, model = FILES[kind]
    found = outcome(json.dumps(data.draw(mutated(text)), default=str), model)
    if found is not None:
        assert model.model_validate_json(json.dumps(load_yaml(text).data)) is not None


@given(st.one_of(
    st.text(max_size=200), st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\t\\~<$0.1e", max_size=120),
    st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")),
))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_document_or_problems(text: str) -> None:
    try:
        json.dumps(load_yaml(text, "f.yaml").data)
    except SpecError as error:
        assert error.problems


@pytest.mark.parametrize("kind", FILES)
@given(at=st.integers(0, 600), cut=st.integers(0, 40), noise=st.text(alphabet="ab:-[]{}#&*!\n\t '\"", max_size=5))
@settings(max_examples=100, deadline=None)
def test_damaged_text_gives_a_model_or_problems(kind: str, at: int, cut: int, noise: str) -> None:
    text, model = FILES[kind]
    outcome(text[:at] + noise + text[at + cut:], model)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_linter_bears_everything_and_what_passes_can_be_walked(data: st.DataObject) -> None:
    from redgen.playbook.graph import Graph

    try:
        document = load_yaml(json.dumps(data.draw(mutated(STUFFING)), default=str), "f.yaml")
    except SpecError:
        return
    problems = lint(document)
    if not problems:
        assert routes(Graph.of(document.validate(Playbook)))


@given(st.lists(st.one_of(st.text(max_size=30), st.builds(
    lambda path, value: f"{path}={value}",
    st.sampled_from(["seed", "window", "window.start", "campaigns.0", "campaigns.9.count", "sources.x", "a.b"]),
    st.text(max_size=12))), max_size=3))
@settings(max_examples=200, deadline=None)
def test_any_setting_gives_a_model_or_problems(settings_: list[str]) -> None:
    try:
        override(load_yaml(TEXT, "f.yaml"), settings_).validate(Scenario)
    except SpecError as error:
        assert error.problems


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_name_is_found_or_not(name: str) -> None:
    for kind in ("scenario", "playbook", "baseline"):
        try:
            resolve(kind, name)
        except DataError as error:
            assert str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_describe_the_models(kind: str) -> None:
    found = schema(kind)
    assert found["additionalProperties"] is False
    required = {f.alias or n for n, f in KINDS[kind].model_fields.items() if f.is_required()}
    assert set(found["required"]) == required
    json.dumps(found)


@pytest.mark.parametrize(("kind", "name"), [
    (kind, name) for kind in ("playbook", "hard negative") for name in names(kind)
])
def test_bundled_graphs_name_the_sources_of_their_numbers(kind: str, name: str) -> None:
    """Every drawn parameter says where its numbers come from."""
    book = load_yaml(resolve(kind, name)).validate(Playbook)
    assert [p for p, law in book.parameters.items() if not law.source] == []
