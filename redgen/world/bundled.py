"""The data files of this package: geography, networks, names and the default world."""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files


def text(name: str) -> str:
    """The text of ``data/<name>``."""
    return files("redgen.world").joinpath("data", name).read_text(encoding="utf-8")


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a CSV file, keyed by its header."""
    return tuple(csv.DictReader(io.StringIO(text(name))))


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """A text file of ``[section]`` headings, each followed by lines; empty lines and ``#`` comments do not count."""
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in text(name).splitlines():
        if line.startswith("[") and line.endswith("]"):
            here = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            here.append(line)
    return {key: tuple(lines) for key, lines in found.items()}


@cache
def operations() -> tuple[dict[str, str], ...]:
    """The rows of ``cloud_ops.csv``."""
    return tuple(csv.DictReader(io.StringIO(files("redgen.world").joinpath("cloud_ops.csv").read_text("utf-8"))))
