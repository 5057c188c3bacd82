"""Reading a YAML file into a validated, frozen model, with every problem named by file, line and key at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from redgen.errors import DataError, Problem, SpecError
from redgen.spec.messages import Path, keys_at, located, message
from redgen.spec.syntax import LARGEST_TEXT, Node, parse

M = TypeVar("M", bound=BaseModel)

_REPAIRS = 4
"""How often the faults of a file are cut out before it is given up."""


@dataclass(frozen=True)
class Document:
    r"""A YAML file, or a part of one, whose values remember where they are written.

    ``prefix`` is the dotted place of the part inside its file, for messages; ``folder`` holds the file, when it is one.

    >>> doc = load_yaml("id: x\nlist:\n- a: 1\n", "demo.yaml")
    >>> doc.line("list", 0, "a"), doc.at("list", 0).data
    (3, {'a': 1})
    """

    root: Node
    prefix: Path = ()
    folder: File | None = None

    @property
    def file(self) -> str:
        """The file's name as messages show it."""
        return self.root.file

    @property
    def data(self) -> Any:
        """The bare values: dicts, lists and scalars, new at every call."""
        return self.root.plain()

    def find(self, path: Sequence[str | int]) -> Node:
        """The node at ``path``, or the nearest one above it."""
        node = self.root
        for part in path:
            inside = _child(node, part)
            if inside is None:
                return node
            node = inside
        return node

    def has(self, *path: str | int) -> bool:
        """Whether something is written at ``path``."""
        node: Node | None = self.root
        for part in path:
            node = _child(node, part) if node else None
        return node is not None

    def at(self, *path: str | int) -> Document:
        """The part at ``path`` as a document of its own; KeyError when there is none."""
        if not self.has(*path):
            raise KeyError(_dotted(path))
        return replace(self, root=self.find(path), prefix=(*self.prefix, *path))

    def line(self, *path: str | int) -> int:
        """The line of ``path``, or of the nearest thing above it that is written."""
        return self.find(path).line

    def problem(self, path: Sequence[str | int], text: str) -> Problem:
        """A finding at ``path``."""
        node = self.find(path)
        return Problem(node.file, node.line, _dotted((*self.prefix, *path)), text)

    def error(self, path: Sequence[str | int], text: str) -> SpecError:
        """A single finding, ready to be raised."""
        return SpecError(self.problem(path, text))

    def validate(self, model: type[M], context: Any = None) -> M:
        """The document as a ``model``; SpecError with every problem found.

        Values are checked as JSON is (lists become tuples); ``context`` reaches the model's validators.
        """
        try:
            return model.model_validate_json(json.dumps(self.data), context=context)
        except ValidationError as error:
            raise SpecError(list(self._problems(model, error.errors(include_url=False)))) from None

    def salvaged(self, model: type[M], stand_ins: Mapping[str, Any]) -> tuple[M | None, list[Problem], list[Path]]:
        """As much of a ``model`` as is sound: the model without what is faulty, all problems, and where the faults are.

        ``stand_ins`` take the place of top-level keys that are required. None where what remains makes no model.
        """
        faults: list[Path] = []
        problems: list[Problem] = []
        data = self.data
        for _ in range(_REPAIRS):
            try:
                return model.model_validate_json(json.dumps(data)), problems, faults
            except ValidationError as error:
                errors = error.errors(include_url=False)
            problems = problems or list(self._problems(model, errors))
            homes = [(e["type"] == "missing", located(data, e)[1]) for e in errors]
            faults += [home[:-1] if missing and home[0] not in stand_ins else home for missing, home in homes]
            if () in faults:
                break
            data = _without(self.data, set(faults))
            data.update({key: value for key, value in stand_ins.items() if key not in data})
        return None, problems, faults

    def _problems(self, model: type[BaseModel], errors: list[ErrorDetails]) -> Iterator[Problem]:
        data = self.data
        for group in _grouped(data, errors):
            texts = []
            for path, error in group:
                above = path[:-1] if error["type"] == "extra_forbidden" else path
                text = message(error, keys_at(model, above))
                if text not in texts:
                    texts.append(text)
            yield self.problem(group[0][0], "; or ".join(texts))

    def overlay(self, over: Document) -> Document:
        """A document with the mappings of ``over`` laid on this one's, key by key; lists and scalars are replaced."""
        return replace(self, root=_merged(self.root, over.root))


def load_yaml(source: File | str, name: str = "") -> Document:
    """The document in a file (``Path``) or in a text (``str``, called ``name`` in messages).

    DataError when the file cannot be read, SpecError when it is not the YAML that redgen takes (see ``syntax``).
    """
    if isinstance(source, str):
        return Document(parse(source, name or "text"))
    shown = name or str(source)
    try:
        with source.open("rb") as stream:
            raw = stream.read(LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {shown}: {reason}") from None
    try:
        return Document(parse(raw.decode("utf-8"), shown), folder=source.parent)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError(Problem(shown, line, "", "not UTF-8 text; is this a text file?")) from None


def override(document: Document, settings: Iterable[str]) -> Document:
    """The document with ``dotted.key=value`` settings written into it; values are YAML, problems name the setting.

    A number in the key indexes a list; keys that do not exist yet are added to their mapping.

    >>> override(load_yaml("a: {b: [1, 2]}"), ["a.b.1=[5m]", "a.c=x"]).data
    {'a': {'b': [1, ['5m']], 'c': 'x'}}
    """
    root = document.root
    problems: list[Problem] = []
    for setting in settings:
        name = f"--set {setting}"
        key, equals, text = setting.partition("=")
        if not equals or not all(key.split(".")):
            problems.append(Problem(name, 0, "", "write --set dotted.key=value, for example --set window.duration=1d"))
            continue
        try:
            value = _restamped(parse(text, name) if text.strip() else Node(None, name, 0), name)
            root = _written(root, key.split("."), value, "", name)
        except SpecError as error:
            problems += [replace(p, line=0, key=p.key or key) for p in error.problems]
    if problems:
        raise SpecError(problems)
    return replace(document, root=root)


def _without(data: Any, gone: set[Path], at: Path = ()) -> Any:
    """A copy of plain data without the values at the paths ``gone``."""
    if isinstance(data, dict):
        return {k: _without(v, gone, (*at, k)) for k, v in data.items() if (*at, k) not in gone}
    if isinstance(data, list):
        return [_without(v, gone, (*at, i)) for i, v in enumerate(data) if (*at, i) not in gone]
    return data


def _child(node: Node, part: str | int) -> Node | None:
    content = node.content
    if isinstance(content, dict):
        found: Node | None = content.get(str(part))
        return found
    inside = isinstance(content, list) and isinstance(part, int) and 0 <= part < len(content)
    return content[part] if inside else None


def _dotted(path: Iterable[str | int]) -> str:
    return ".".join(str(p) for p in path)


def _grouped(data: Any, errors: list[ErrorDetails]) -> Iterator[list[tuple[Path, ErrorDetails]]]:
    """Findings by place; of the branches of a union only those that fit best (deepest place) remain."""
    groups: dict[Path, list[tuple[Path, ErrorDetails]]] = {}
    for error in errors:
        path, home = located(data, error)
        groups.setdefault(home, []).append((path, error))
    for found in groups.values():
        deepest = max(len(path) for path, _ in found)
        best = [(path, error) for path, error in found if len(path) == deepest]
        for place in dict.fromkeys(path for path, _ in best):
            yield [(path, error) for path, error in best if path == place]


def _restamped(node: Node, file: str) -> Node:
    """A copy that says it stands on no line of ``file``."""
    content = node.content
    if isinstance(content, dict):
        content = {key: _restamped(child, file) for key, child in content.items()}
    elif isinstance(content, list):
        content = [_restamped(child, file) for child in content]
    return Node(content, file, 0)


def _written(node: Node, keys: list[str], value: Node, done: str, name: str) -> Node:
    """``node`` with ``value`` at ``keys``; SpecError when the way leads through a scalar or past a list's end."""
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    path = f"{done}.{key}" if done else key
    if isinstance(node.content, list):
        if not key.isdecimal() or int(key) >= len(node.content):
            raise SpecError(Problem(name, 0, path, f"this list holds entries 0 to {len(node.content) - 1}"))
        items = list(node.content)
        items[int(key)] = _written(items[int(key)], rest, value, path, name)
        return replace(node, content=items)
    if node.content is not None and not isinstance(node.content, dict):
        raise SpecError(Problem(name, 0, path, f"{done} is a value, not a mapping"))
    pairs = dict(node.content or {})
    pairs[key] = _written(pairs.get(key, Node(None, name, 0)), rest, value, path, name)
    return replace(node, content=pairs)


def _merged(base: Node, over: Node) -> Node:
    if not (isinstance(base.content, dict) and isinstance(over.content, dict)):
        return over
    pairs = dict(base.content)
    for key, node in over.content.items():
        pairs[key] = _merged(pairs[key], node) if key in pairs else node
    return replace(base, content=pairs)
