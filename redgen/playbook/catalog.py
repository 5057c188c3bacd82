"""What is there to choose from: bundled playbooks and hard negatives, and graphs by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redgen.playbook.graph import Graph
from redgen.playbook.lint import compiled
from redgen.playbook.walk import routes
from redgen.spec.files import names, resolve, shown
from redgen.spec.loader import Document, load_yaml
from redgen.spec.playbook import Playbook


@dataclass(frozen=True)
class Way:
    """One way through a playbook: its steps, its probability given ``facts``, and those facts."""

    steps: tuple[str, ...]
    natural: float
    facts: tuple[str, ...]


def playbooks(kind: str) -> Iterator[Playbook]:
    """Every bundled playbook (``playbook``) or hard negative (``hard negative``)."""
    for name in names(kind):
        yield _document(resolve(kind, name)).validate(Playbook)


def file_of(name: str) -> Path:
    """The file of a playbook or hard negative by bundled name or path; DataError when there is none."""
    return resolve("hard negative" if name in names("hard negative") else "playbook", name)


def graph(name: str) -> Graph:
    """The graph of a playbook or hard negative by bundled name or path; SpecError with every problem it has."""
    return compiled(_document(file_of(name))).graph


def ways_through(name: str) -> list[Way]:
    """Every way through a playbook, the likeliest first."""
    found = []
    for route in routes(graph(name)):
        facts = dict.fromkeys(f"{'' if d.option else 'not '}{d.fact}" for d in route.decisions if d.fact)
        found.append(Way(route.steps, route.natural, tuple(facts)))
    return sorted(found, key=lambda w: (-w.natural, w.steps))


def _document(path: Path) -> Document:
    return load_yaml(path, shown(path))
