"""JSON Schema of the YAML files, for editors: completion of keys, and of ``with:`` by the action of its step.

It allows what the loader allows, as it is written; what needs the whole file (names that must exist, weights that sum
to 1) is left to the loader and to ``redgen playbook lint``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from redgen.playbook.stage import Action
from redgen.registry import ACTIONS, BEHAVIORS, SOURCES
from redgen.spec.baseline import Baseline
from redgen.spec.model import DURATION, Spec
from redgen.spec.playbook import PARAMETER, Playbook
from redgen.spec.scenario import Scenario
from redgen.spec.world import WorldSpec

KINDS: dict[str, type[Spec]] = {"scenario": Scenario, "playbook": Playbook, "baseline": Baseline}
_TECHNIQUE = r"^(T\d{4}(\.\d{3})?)?$"


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one of ``KINDS``; KeyError when there is no such kind."""
    found: dict[str, Any] = KINDS[kind].model_json_schema(by_alias=True)
    if kind == "playbook":
        step = found["$defs"]["Step"]
        step["properties"]["technique"]["pattern"] = _TECHNIQUE
        _choose(step, "action", {name: _of_action(ACTIONS.get(name), found["$defs"]) for name in ACTIONS.names()})
    if kind == "baseline":
        settings = {name: _settings(BEHAVIORS.get(name).parameters, name, found["$defs"]) for name in BEHAVIORS.names()}
        _choose(found["$defs"]["Population"], "behavior", settings)
    if kind == "scenario":
        world = WorldSpec.model_json_schema(by_alias=True)
        found["$defs"].update(world.pop("$defs"))
        found["properties"]["world"] = world
        found["properties"]["sources"] = _sources(SOURCES.names())
    written: dict[str, Any] = _as_written(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **written}


def _sources(names: Iterable[str]) -> dict[str, Any]:
    """``[a, b]``, or by name: nothing, a format, or settings."""
    settings: dict[str, Any] = {}
    for name in names:
        formats = {"enum": [*SOURCES.get(name).formats]}
        said = {"allOf": [{"$ref": "#/$defs/SourceSpec"}, {"properties": {"format": {"anyOf": [formats, _NOTHING]}}}]}
        settings[name] = {"anyOf": [said, formats, _NOTHING]}
    return {
        "description": "the logs to write and how; not said: every one there is",
        "anyOf": [{"type": "object", "properties": settings, "additionalProperties": False},
                  {"type": "array", "items": {"enum": [*settings]}}],
    }


_NOTHING = {"type": "null"}


def _as_written(form: Any) -> Any:
    """``form`` without defaults that are not spelled as in a file; one of several forms may fit a value, or more."""
    if isinstance(form, list):
        return [_as_written(part) for part in form]
    if not isinstance(form, dict):
        return form
    spelled = not isinstance(form.get("default"), dict) and not (form.get("default") and _is_time(form))
    kept = {key: part for key, part in form.items() if key != "default" or spelled}
    return {_KEYWORDS.get(key, key): _as_written(part) for key, part in kept.items()}


_KEYWORDS = {"oneOf": "anyOf", "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
             "min_length": "minItems", "max_length": "maxItems"}
"""What pydantic writes, where JSON Schema has another word: limits of a value that is read by a function first."""


def _is_time(form: dict[str, Any]) -> bool:
    return form.get("pattern") == DURATION["pattern"] or any(map(_is_time, form.get("anyOf", [])))


def _choose(form: dict[str, Any], key: str, settings: dict[str, Any]) -> None:
    """``key`` of ``form`` names a plug-in, and ``with`` holds that one's settings."""
    form["properties"][key] = {"enum": [*settings]}
    form["allOf"] = [
        {"if": {"properties": {key: {"const": name}}}, "then": {"properties": {"with": said}}}
        for name, said in settings.items()
    ]


def _settings(parameters: type[BaseModel], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the plug-in ``name``; what they refer to joins ``definitions`` under names of its own."""
    own = f"#/$defs/{name}."
    found = parameters.model_json_schema(by_alias=True, ref_template=own + "{model}")
    found = dict(_renamed(found, {f"{own}Distribution": "#/$defs/Distribution"}))
    for model, said in found.pop("$defs", {}).items():
        definitions["Distribution" if model == "Distribution" else f"{name}.{model}"] = said
    return found


def _renamed(form: Any, names: Mapping[str, str]) -> Any:
    if isinstance(form, list):
        return [_renamed(part, names) for part in form]
    if isinstance(form, dict):
        return {key: names.get(part, part) if key == "$ref" else _renamed(part, names) for key, part in form.items()}
    return form


def _of_action(action: Action, definitions: dict[str, Any]) -> dict[str, Any]:
    """What ``with`` holds when a step's action is this one: each value plainly, as a parameter or drawn."""
    described = _settings(action.parameters, action.name, definitions)
    properties = {
        name: said if name in action.roles else {**_notes(said), "anyOf": [_without_notes(said), PARAMETER, _DRAWN]}
        for name, said in described.get("properties", {}).items()
    }
    return {
        "type": "object", "description": action.title, "properties": properties,
        "required": described.get("required", []), "additionalProperties": False,
    }


_DRAWN = {"type": "object", "description": "a distribution, drawn once per execution of the step"}


def _notes(said: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in said.items() if k in {"title", "default", "description"}}


def _without_notes(said: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in said.items() if k not in {"title", "default", "description"}}
