"""Rule files as YAML documents with their places, so that every finding can name file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from redgen.errors import DataError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MARKS = frozenset({"detection", "correlation", "filter", "logsource", "action"})
"""A mapping with none of these keys is another kind of YAML that lies in the folder."""


@dataclass(frozen=True)
class Document:
    """One YAML document: where it begins, what it says, or why it cannot be read."""

    file: Path
    line: int
    body: dict[str, Any]
    error: str = ""


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The YAML files that paths name or hold, each once, in a steady order; DataError when a path does not exist."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.suffix in {".yml", ".yaml"} and p.is_file())
            found.update(dict.fromkeys(sorted(inside)))
        elif path.is_file():
            found[path] = None
        else:
            raise DataError(f"{path}: no such rule file or folder")
    if not found:
        raise DataError(f"{', '.join(map(str, paths)) or 'no path'}: no rule files (*.yml, *.yaml) there")
    return list(found)


def documents(file: Path) -> Iterator[Document]:
    """Every document of a file; a broken one ends the file, since nothing after it can be trusted."""
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield Document(file, 0, {}, f"cannot be read: {error}")
        return
    loader = LOADER(content)
    line = 1
    try:
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1 if node else line
            body = loader.construct_document(node)
            if isinstance(body, dict) and MARKS & body.keys():
                yield Document(file, line, body)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        yield Document(file, mark.line + 1 if mark else line, {}, f"not YAML: {_short(error)}")
    except (ValueError, RecursionError) as error:  # a date such as 2024-13-01; aliases nested without end
        yield Document(file, line, {}, f"not readable: {error}")
    finally:
        loader.dispose()


def _short(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]
