"""JSON Schema of the YAML files, for editors: completion of keys, and of ``with:`` by the action of its step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redgen.playbook.stage import Action
from redgen.registry import ACTIONS
from redgen.spec.baseline import Baseline
from redgen.spec.model import Spec
from redgen.spec.playbook import Playbook
from redgen.spec.scenario import Scenario

KINDS: dict[str, type[Spec]] = {"scenario": Scenario, "playbook": Playbook, "baseline": Baseline}
_PARAMETER = {"type": "string", "pattern": r"^\$[A-Za-z]", "description": "one of the playbook's parameters"}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one of ``KINDS``; KeyError when there is no such kind."""
    found: dict[str, Any] = KINDS[kind].model_json_schema(by_alias=True)
    if kind == "playbook":
        known = ACTIONS.names()
        step = found["$defs"]["Step"]
        step["properties"]["action"] = {"enum": known}
        step["allOf"] = [_for_action(ACTIONS.get(name)) for name in known]
        found["$defs"].update(dict(_shared(known)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _for_action(action: Action) -> dict[str, Any]:
    """What ``with`` holds when a step's action is this one."""
    described = action.parameters.model_json_schema(by_alias=True)
    properties = {
        name: said if name in action.roles else {**_notes(said), "anyOf": [_without_notes(said), _PARAMETER, _DRAWN]}
        for name, said in described.get("properties", {}).items()
    }
    settings = {
        "type": "object", "description": action.title, "properties": properties,
        "required": described.get("required", []), "additionalProperties": False,
    }
    return {"if": {"properties": {"action": {"const": action.name}}}, "then": {"properties": {"with": settings}}}


_DRAWN = {"type": "object", "description": "a distribution, drawn once per execution of the step"}


def _notes(said: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in said.items() if k in {"title", "default", "description"}}


def _without_notes(said: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in said.items() if k not in {"title", "default", "description"}}


def _shared(names: list[str]) -> Iterator[tuple[str, Any]]:
    """Definitions that the actions' own schemas refer to."""
    for name in names:
        yield from ACTIONS.get(name).parameters.model_json_schema(by_alias=True).get("$defs", {}).items()
