"""Which fields JSON records have: every path in them, spelled as they spell it, and where arrays are on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[tuple[str, bool], ...]
"""Keys from the top down, each with whether its value is an array."""


@dataclass
class Structure:
    """The paths that were seen, by dotted name in lower case; a name may have several spellings, and several shapes."""

    paths: dict[str, list[Path]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def add(self, shapes: Iterable[str | None]) -> Structure:
        """Take up what DuckDB's ``json_structure`` said of some records."""
        for shape in filter(None, shapes):
            for path in _walk((), json.loads(shape)):
                known = self.paths.setdefault(dotted(path).lower(), [])
                if path not in known:
                    known.append(path)
                    self.keys.update(key.lower() for key, _ in path)
        return self

    def find(self, name: str) -> list[Path]:
        """The paths called ``name``, dots in keys or between them: exact spellings first, then any case.

        What is an array in some records and not in others is taken for an array.
        """
        found = self.paths.get(name.lower(), [])
        arrays = {_keys(path) for path in found if any(many for _, many in path)}
        kept = [path for path in found if any(many for _, many in path) or _keys(path) not in arrays]
        return sorted(kept, key=lambda path: (dotted(path) != name, path))

    def unseen(self, name: str) -> set[str]:
        """The segments of a dotted name that no record has as a key; a record with such a field must hold one."""
        return {part for part in name.lower().split(".") if part and part not in self.keys}


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(key for key, _ in path)


def dotted(path: Path) -> str:
    """A path as rules write it.

    >>> dotted((("target", True), ("displayName", False)))
    'target.displayName'
    """
    return ".".join(key for key, _ in path)


def pointer(path: Path) -> str:
    """A path for DuckDB, from the root of a value: the last key's own array is left whole.

    >>> pointer((("a.b", True), ("c", True)))
    '$."a.b"[*]."c"'
    """
    if any(key == "*" for key, _ in path):  # the one key that quoting does not keep from being a wildcard
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key, _ in path)
    steps = "".join(f".{json.dumps(key, ensure_ascii=False)}" + "[*]" * many for key, many in path)
    return f"${steps.removesuffix('[*]')}"


def _walk(prefix: Path, shape: Any) -> Iterator[Path]:
    if not isinstance(shape, Mapping):
        return
    for key, inner in shape.items():
        many = isinstance(inner, list)
        path = (*prefix, (key, many))
        yield path
        yield from _walk(path, _innermost(inner))


def _innermost(shape: Any) -> Any:
    while isinstance(shape, list):
        shape = shape[0] if shape else None
    return shape
