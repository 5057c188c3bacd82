"""YAML text to a tree of nodes that know their line: a strict subset of YAML 1.2 without its traps.

Only mappings with text keys, lists and plain scalars: ``true`` and ``false`` are the only booleans (``no`` and ``on``
stay words), ``12:30`` is text, not 750. Duplicate keys, tags, merge keys, tabs, control characters, several documents,
trees deeper or larger than anybody writes (alias bombs included) are problems with a line, all reported as SpecError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from redgen.errors import Problem, SpecError

DEEPEST = 40
MOST_NODES = 200_000
LONGEST_NUMBER = 40
LARGEST_TEXT = 4_000_000

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BOM = "\ufeff"

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Node:
    """One value of a YAML file: a scalar, a ``dict[str, Node]`` or a ``list[Node]``, and where it stands.

    ``line`` is 1-based: that of the key for a value in a mapping, else of the value itself.
    """

    content: Any
    file: str
    line: int

    def plain(self) -> Any:
        """The bare value: dicts, lists and scalars without positions."""
        if isinstance(self.content, dict):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain() for node in self.content]
        return self.content


def scalar(text: str) -> Scalar:
    """What a plain (unquoted) scalar means; ValueError when it is a number that no float can hold.

    >>> [scalar(t) for t in ("7", "1e-3", "true", "no", "12:30", "40m")]
    [7, 0.001, True, 'no', '12:30', '40m']
    """
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text) or _HEX.fullmatch(text):
        if len(text) > LONGEST_NUMBER:
            raise ValueError("number too long")
        return int(text.replace("_", ""), 0)
    if _FLOAT.fullmatch(text) and not re.fullmatch(r"[-+]?0[0-9_]+", text):
        if len(text) > LONGEST_NUMBER or not math.isfinite(value := float(text.replace("_", ""))):
            raise ValueError("number too long")
        return value
    return text


def parse(text: str, file: str) -> Node:
    """The tree of one YAML document; SpecError with every problem found, ``file`` naming the place."""
    if len(text) > LARGEST_TEXT:
        raise SpecError(Problem(file, 0, "", f"longer than {LARGEST_TEXT:,} characters; this is no specification"))
    text = text.removeprefix(_BOM)
    if bad := _CONTROL.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise SpecError(Problem(file, line, "", f"control character U+{ord(bad[0]):04X}; is this a text file?"))
    builder = _Builder(file)
    try:
        root = builder.document(_events(text))
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(file, error))
        root = None
    except (yaml.YAMLError, ValueError, OverflowError):  # PyYAML lets escapes beyond Unicode through to chr()
        builder.problems.append(Problem(file, 0, "", "not YAML: an escape sequence stands for no character"))
        root = None
    if builder.problems:
        raise SpecError(builder.problems)
    if root is None or root.content is None:
        raise SpecError(Problem(file, 0, "", "empty; nothing is written here"))
    return root


def _events(text: str) -> Iterator[Any]:
    """PyYAML's events, from its C parser where that is there and content with the text: ten times as fast.

    What the C parser refuses, the Python one reads again, so that messages are the same everywhere.
    """
    if yaml.__with_libyaml__:
        try:
            return iter(list(yaml.parse(text, Loader=yaml.CSafeLoader)))
        except (yaml.YAMLError, ValueError):
            pass
    return yaml.parse(text, Loader=yaml.SafeLoader)


def own_yaml(text: str) -> Any:
    """The content of a YAML that ships with redgen and needs no checking, read by the fastest parser there is."""
    return yaml.load(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)  # noqa: S506  # safe


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "cannot be read"
    if "'\\t'" in what:
        what = "tab used for indentation; indent with spaces"
    elif "undefined alias" in what:
        what = f"{what}: no anchor of that name stands above"
    return Problem(file, mark.line + 1 if mark else 0, "", f"not YAML: {what}")


class _Builder:
    """Builds nodes from PyYAML's events and collects what is wrong; stops early only at depth and size."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.count = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        """The root of the only document."""
        root = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self.wrong(event, "", "a second document begins; write one per file")
                return root
            if isinstance(event, yaml.NodeEvent):
                root, _ = self.node(event, events, 0)
        return root

    def wrong(self, event: Any, key: str, message: str) -> None:
        """Note a problem at the event's line."""
        self.problems.append(Problem(self.file, event.start_mark.line + 1, key, message))

    def stop(self, event: Any, message: str) -> SpecError:
        """The error that ends reading."""
        self.wrong(event, "", message)
        return SpecError(self.problems)

    def node(self, event: Any, events: Iterator[Any], depth: int) -> tuple[Node, int]:
        """The node that ``event`` opens, and how many nodes it holds, aliases expanded."""
        if depth > DEEPEST:
            raise self.stop(event, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            self.wrong(event, "", f"tag {event.tag!r}; tags are not supported")
        size = 1
        line = event.start_mark.line + 1
        content: Any
        if isinstance(event, yaml.ScalarEvent):
            content = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            content = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                child, n = self.node(inner, events, depth + 1)
                content.append(child)
                size += n
        else:
            content, n = self.mapping(events, depth)
            size += n
        self.count += 1
        node = Node(content, self.file, line)
        if event.anchor:
            self.anchors[event.anchor] = node, size
        return node, size

    def alias(self, event: Any) -> tuple[Node, int]:
        """The anchored node again; its expansion counts towards the size of the file."""
        if event.anchor not in self.anchors:
            raise self.stop(event, f"unknown or recursive alias *{event.anchor}")
        node, size = self.anchors[event.anchor]
        self.count += size
        if self.count > MOST_NODES:
            raise self.stop(event, f"aliases expand to more than {MOST_NODES:,} values")
        return node, size

    def mapping(self, events: Iterator[Any], depth: int) -> tuple[dict[str, Node], int]:
        """The pairs up to the end of the mapping."""
        found: dict[str, Node] = {}
        size = 0
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = event.value if isinstance(event, yaml.ScalarEvent) else None
            if key is None:
                self.wrong(event, "", "a key must be plain text")
                self.node(event, events, depth + 1)
            elif key == "<<" and not event.style:
                self.wrong(event, key, "merge keys are not supported; write the keys out")
            elif key in found:
                self.wrong(event, key, f"duplicate key; it is first written on line {found[key].line}")
            child, n = self.node(next(events), events, depth + 1)
            size += n
            if key is not None:
                found.setdefault(key, Node(child.content, self.file, event.start_mark.line + 1))
        return found, size

    def scalar(self, event: Any) -> Scalar:
        """The value of a scalar: quoted ones are text."""
        text: str = event.value
        if _SURROGATE.search(text):  # JSON writes what lies beyond 16 bits as two escapes
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if _CONTROL.search(text) or "\ufffd" in text:
            self.wrong(event, "", "escape of a control character or half a character")
            return ""
        if event.style or event.tag is not None:
            return text
        try:
            return scalar(text)
        except ValueError:
            self.wrong(event, "", f"{text[:LONGEST_NUMBER]}… is too large a number")
            return 0
