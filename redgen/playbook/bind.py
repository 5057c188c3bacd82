"""From what ``with:`` says to what an action is called with: constants, parameters, draws and roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from redgen.errors import DataError, did_you_mean
from redgen.playbook.stage import Action, Role
from redgen.seed import Seed
from redgen.spec.distributions import Distribution
from redgen.spec.laws import LAWS
from redgen.spec.messages import described, message
from redgen.spec.playbook import RoleSpec

Finding = tuple[tuple[str, ...], str]
"""(keys below ``with``, what is wrong)."""

_PROBES = (0.0005, 0.5, 0.9995)


@dataclass(frozen=True)
class Drawn:
    """A parameter's value in one campaign: a scalar, and whether it is a time (µs)."""

    value: Any
    time: bool = False

    @classmethod
    def of(cls, law: Distribution, value: Any) -> Drawn:
        """A value drawn from ``law``."""
        return cls(value, law.time)

    def json(self) -> Any:
        """As the truth records it: times in seconds."""
        return self.value / 1e6 if self.time else self.value


@dataclass(frozen=True)
class Binding:
    """The settings of one step, ready to be called again and again: what is said of each parameter of its action."""

    action: Action
    written: Mapping[str, Any]

    def findings(self, roles: Mapping[str, RoleSpec], parameters: Mapping[str, Distribution]) -> Iterator[Finding]:
        """Everything wrong with the settings: unknown or missing keys, roles, parameters, types and ranges."""
        known = {*self.action.parameters.model_fields}
        for key in self.written:
            if key not in known:
                yield (key,), f"{self.action.name} has no such parameter{did_you_mean(key, known)}"
        sound = dict(self.written)
        for key in known & self.written.keys():
            found = list(self._role(key, roles) if key in self.action.roles else self._value(key, parameters))
            for text in found:
                yield (key,), text
            if found:
                del sound[key]
        yield from self._misfits(sound, parameters, {*self.written} - {*sound})

    def _role(self, key: str, roles: Mapping[str, RoleSpec]) -> Iterator[str]:
        text = self.written[key]
        if text is None and not self.action.parameters.model_fields[key].is_required():
            return
        if not isinstance(text, str):
            yield f"should be the name of a role, not {described(text)}"
            return
        name = text.partition(".")[0]
        kinds = self.action.roles[key]
        if name not in roles:
            yield f"unknown role {name!r}{did_you_mean(name, roles)}"
        elif kinds and roles[name].kind not in kinds:
            yield f"role {name!r} is of kind {roles[name].kind}; {key} takes {' or '.join(kinds)}"

    def _value(self, key: str, parameters: Mapping[str, Distribution]) -> Iterator[str]:
        value = self.written[key]
        name = _parameter(value)
        if name and name not in parameters:
            yield f"unknown parameter ${name}{did_you_mean(name, parameters)}"
        elif _is_law(value, self.action.parameters.model_fields[key]):
            try:
                Distribution.of(value)
            except ValueError as error:
                yield str(error)

    def _misfits(
        self, sound: Mapping[str, Any], parameters: Mapping[str, Distribution], excused: set[str]
    ) -> Iterator[Finding]:
        """What the action's own model says of low, middling and high values."""
        fields = self.action.parameters.model_fields
        seen: set[str] = set()
        for u in _PROBES:
            values = {key: self._probe(key, value, parameters, u) for key, value in sound.items() if key in fields}
            for error in _errors(self.action, values):
                key = str(error["loc"][0])
                text = message(error, ())
                if key in excused or key in seen:
                    continue
                seen.add(key)
                drawn = key in fields and self._law(key, parameters) is not None
                yield (key,), f"{text} (drawn from {_told(self.written[key])})" if drawn else text

    def _probe(self, key: str, value: Any, parameters: Mapping[str, Distribution], u: float) -> Any:
        law = self._law(key, parameters)
        if law is None:
            return value if key in self.action.roles else _settled(value)
        return _fitted(self.action.parameters.model_fields[key], Drawn.of(law, law.quantile([u]).tolist()[0]))

    def _law(self, key: str, parameters: Mapping[str, Distribution]) -> Distribution | None:
        """What a setting is drawn from, None when it is constant, a role, or drawn by the action itself."""
        value = self.written.get(key)
        if key in self.action.roles or value is None:
            return None
        if name := _parameter(value):
            return parameters.get(name)
        field = self.action.parameters.model_fields[key]
        return Distribution.of(value) if _is_law(value, field) and not _wants_law(field) else None

    def call(
        self, cast: Mapping[str, Role], parameters: Mapping[str, Drawn], facts: Mapping[str, Any], seed: Seed,
        stealth: float | None,
    ) -> dict[str, Any]:
        """Keyword arguments for the action; DataError when a drawn value does not fit."""
        values: dict[str, Any] = {}
        for key, value in self.written.items():
            field = self.action.parameters.model_fields[key]
            if key in self.action.roles:
                values[key] = value
            elif name := _parameter(value):
                values[key] = _fitted(field, parameters[name])
            elif law := self._law(key, {}):
                values[key] = _fitted(field, Drawn.of(law, law.one(seed.child("with", key).stream(), stealth)))
            else:
                values[key] = _settled(value)
        try:
            checked = self.action.parameters.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise DataError(f"{self.action.name}: {first['loc'][0]}: {message(first, ())}") from None
        arguments = {key: getattr(checked, key) for key in self.action.parameters.model_fields}
        for key in self.action.roles:
            if arguments[key] is not None:
                arguments[key] = _cast(arguments[key], cast, facts)
        return arguments


def references(written: Mapping[str, Any], action: Action) -> Iterator[tuple[str, str, str]]:
    """(key, role, fact) of every role a step names; the fact is empty for the whole role."""
    for key in action.roles:
        text = written.get(key)
        if isinstance(text, str):
            role, _, fact = text.partition(".")
            yield key, role, fact


def _parameter(value: Any) -> str:
    """The name in ``$name``, empty for anything else."""
    return value[1:] if isinstance(value, str) and value.startswith("$") else ""


def _is_law(value: Any, field: FieldInfo) -> bool:
    """Whether a value is meant as a distribution: a mapping where none is asked for, or one that says so."""
    if not isinstance(value, dict):
        return False
    kinds = [get_origin(kind) or kind for kind in _branches(field.annotation)]
    takes = any(isinstance(kind, type) and issubclass(kind, dict | BaseModel | Mapping) for kind in kinds)
    return not takes or any(key in LAWS for key in value)


def _told(value: Any) -> str:
    return Distribution.of(value).shown if isinstance(value, dict) else str(value)


def _branches(annotation: Any) -> set[Any]:
    if get_origin(annotation) is Annotated:
        return _branches(get_args(annotation)[0])
    return {b for arg in get_args(annotation) for b in _branches(arg)} | {annotation}


def _wants_law(field: FieldInfo) -> bool:
    """Whether the action draws this one itself."""
    return Distribution in _branches(field.annotation)


def _fitted(field: FieldInfo, drawn: Drawn) -> Any:
    """A drawn value as the field's validators take it: times with their unit, whole numbers rounded."""
    if drawn.time:
        return f"{round(drawn.value)}us"
    numeric = isinstance(drawn.value, int | float) and not isinstance(drawn.value, bool)
    kinds = _branches(field.annotation)
    if numeric and int in kinds and float not in kinds:
        return round(drawn.value)
    return drawn.value


def _settled(value: Any) -> Any:
    """A constant as strict validators take it: lists become tuples."""
    if isinstance(value, list):
        return tuple(_settled(v) for v in value)
    return {k: _settled(v) for k, v in value.items()} if isinstance(value, dict) else value


def _errors(action: Action, values: Mapping[str, Any]) -> list[Any]:
    try:
        action.parameters.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _cast(text: str, cast: Mapping[str, Role], facts: Mapping[str, Any]) -> Role:
    name, _, fact = text.partition(".")
    role = cast[name]
    return role.only(np.atleast_1d(np.asarray(facts.get(fact, []), dtype=np.int64))) if fact else role
