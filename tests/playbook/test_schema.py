"""The published JSON Schemas accept what the loader accepts, as it is written, and reject what it rejects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from redgen.playbook.schema import schema
from redgen.spec.files import names, resolve
from redgen.spec.loader import load_yaml

SAID_BY = {"scenario": "scenario", "playbook": "playbook", "hard negative": "playbook", "baseline": "baseline"}
BUNDLED = [(kind, name) for kind in SAID_BY for name in names(kind)]
JUDGES = {kind: Draft202012Validator(schema(kind)) for kind in ("scenario", "playbook", "baseline")}


def written(kind: str, name: str) -> Any:
    return load_yaml(resolve(kind, name)).data


@pytest.mark.parametrize("kind", JUDGES)
def test_a_schema_is_valid_and_small_enough_for_an_editor(kind: str) -> None:
    Draft202012Validator.check_schema(JUDGES[kind].schema)
    assert len(str(JUDGES[kind].schema)) < 200_000


@pytest.mark.parametrize(("kind", "name"), BUNDLED)
def test_bundled_files_are_accepted(kind: str, name: str) -> None:
    assert [(list(e.absolute_path), e.message) for e in JUDGES[SAID_BY[kind]].iter_errors(written(kind, name))] == []


@pytest.mark.parametrize("sources", [
    ["okta_system"], {"nginx_access": "json", "zeek_dns": None}, {"linux_auth": {"skew": "-2s", "latency": 0}},
])
def test_short_forms_of_sources_are_accepted(sources: Any) -> None:
    assert JUDGES["scenario"].is_valid({**written("scenario", "demo"), "sources": sources})


def changed(*path: str | int, to: Any) -> Callable[[Any], Any]:
    def change(document: Any) -> Any:
        document = copy.deepcopy(document)
        inside = document
        for part in path[:-1]:
            inside = inside[part]
        inside[path[-1]] = to
        return document
    return change


@pytest.mark.parametrize(("kind", "name", "change"), [
    ("scenario", "demo", changed("seeed", to=1)),
    ("scenario", "demo", changed("seed", to=-1)),
    ("scenario", "demo", changed("window", "duration", to="a fortnight")),
    ("scenario", "demo", changed("window", "start", to="yesterday")),
    ("scenario", "demo", changed("campaigns", 0, "start", to={"at": "soon"})),
    ("scenario", "demo", changed("world", "scale", to={"customerz": 3})),
    ("scenario", "demo", changed("sources", to=["nginx"])),
    ("scenario", "demo", changed("sources", to={"nginx_access": "xml"})),
    ("scenario", "demo", changed("sources", to={"nginx_access": {"format": "xml"}})),
    ("scenario", "demo", changed("sources", to={"nginx_access": {"loss": 2}})),
    ("playbook", "ato-mfa-fatigue", changed("steps", "night", "action", to="sleep")),
    ("playbook", "ato-mfa-fatigue", changed("steps", "night", "technique", to="hello")),
    ("playbook", "ato-mfa-fatigue", changed("steps", "night", "with", "til", to=3)),
    ("playbook", "ato-mfa-fatigue", changed("steps", "later", "after", to={"gauss": 3})),
    ("baseline", "online-retail", changed("populations", 0, "behavior", to="dance")),
    ("baseline", "online-retail", changed("populations", 0, "with", "sitte", to="x")),
    ("baseline", "online-retail", changed("world", "breached_share", to=3)),
])
def test_slips_are_rejected(kind: str, name: str, change: Callable[[Any], Any]) -> None:
    document = written(kind, name)
    assert JUDGES[kind].is_valid(document)
    assert not JUDGES[kind].is_valid(change(document))


def test_defaults_are_spelled_as_in_a_file() -> None:
    """A duration's default in µs, offered by an editor, would be refused by the loader."""
    site = JUDGES["baseline"].schema["$defs"]["Site"]["properties"]
    assert "default" not in site["keepalive"]
    assert site["port"]["default"] == 443
