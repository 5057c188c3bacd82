"""What is there to choose from: bundled playbooks and baselines, and graphs by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redgen.clock import human
from redgen.playbook.graph import Graph
from redgen.playbook.lint import compiled
from redgen.playbook.walk import routes
from redgen.spec.baseline import Baseline, Population
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


def graph(name: str) -> Graph:
    """The graph of a playbook or hard negative by bundled name or path; SpecError with every problem it has."""
    kind = "hard negative" if name in names("hard negative") else "playbook"
    return compiled(_document(resolve(kind, name))).graph


def ways_through(name: str) -> list[Way]:
    """Every way through a playbook, the likeliest first."""
    found = []
    for route in routes(graph(name)):
        facts = dict.fromkeys(f"{'' if d.option else 'not '}{d.fact}" for d in route.decisions if d.fact)
        found.append(Way(route.steps, route.natural, tuple(facts)))
    return sorted(found, key=lambda w: (-w.natural, w.steps))


def baselines() -> Iterator[Baseline]:
    """Every bundled baseline."""
    for name in names("baseline"):
        yield baseline(name)


def baseline(name: str) -> Baseline:
    """A baseline by bundled name or path."""
    return _document(resolve("baseline", name)).validate(Baseline)


def pace(population: Population) -> str:
    """How often a population starts sessions, in words."""
    if population.every is not None:
        return f"every {human(population.every.period)}"
    assert population.rate is not None
    per = "" if population.rate.per == "all" else f" per {population.rate.per}"
    return f"{population.rate.per_day:,g} a day{per}"


def _document(path: Path) -> Document:
    return load_yaml(path, shown(path))
