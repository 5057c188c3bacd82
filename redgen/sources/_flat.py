"""JSON texts with holes taken apart into columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|@\{\w+\}')


def flat(text: str) -> dict[str, str]:
    """The leaves of a JSON text with holes: dotted path to the text of its value, nulls left out.

    A hole that stands for a whole JSON value keeps its ``@{name}``; arrays of objects take part by their first.

    >>> flat('{"a":{"b":"x:@{y}","c":null},"d":@{blob}}')
    {'a.b': 'x:@{y}', 'd': '@{blob}'}
    """
    quoted = _TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else f'"{m[0]}"', text)
    return dict(_leaves("", json.loads(quoted)))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)
