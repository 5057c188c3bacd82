"""Every number of a baseline says where it comes from, at its own place or at one that encloses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redgen.spec.loader import load_yaml

BASELINES = sorted((Path(__file__).resolve().parent.parent.parent / "baselines").glob("*.yaml"))
WORDS = ("measured", "cited", "unverified", "field sheet")
PLAIN = {"count", "together", "port", "id", "title", "status", "levels"}
"""Keys whose numbers are choices of the story, not claims about the world."""


def unsourced(node: Any, path: str = "", covered: bool = False) -> Iterator[str]:
    """Places of numbers without a source."""
    if isinstance(node, dict):
        covered = covered or "source" in node
        for key, value in node.items():
            if key not in PLAIN:
                yield from unsourced(value, f"{path}.{key}", covered)
    elif isinstance(node, list):
        for k, value in enumerate(node):
            yield from unsourced(value, f"{path}[{k}]", covered)
    elif isinstance(node, int | float) and not isinstance(node, bool) and not covered:
        yield path


def sources(node: Any) -> Iterator[str]:
    """Every source of numbers that is written (one word without a blank is a behavior's own parameter)."""
    if isinstance(node, dict):
        yield from (v for k, v in node.items() if k == "source" and (" " in v or v in WORDS))
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from sources(value)


@pytest.mark.parametrize("path", BASELINES, ids=lambda p: p.stem)
def test_every_number_has_a_source(path: Path) -> None:
    data = load_yaml(path).data
    assert list(unsourced(data)) == []
    for source in sources(data):
        assert any(word in source for word in WORDS), f"{source!r} says neither of {', '.join(WORDS)}"
