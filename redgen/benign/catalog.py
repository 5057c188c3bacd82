"""What is there to choose from: bundled baselines, and baselines by name."""

from __future__ import annotations

from collections.abc import Iterator

from redgen.clock import human
from redgen.spec.baseline import Baseline, Population
from redgen.spec.files import names, resolve, shown
from redgen.spec.loader import load_yaml


def baselines() -> Iterator[Baseline]:
    """Every bundled baseline."""
    for name in names("baseline"):
        yield baseline(name)


def baseline(name: str) -> Baseline:
    """A baseline by bundled name or path."""
    path = resolve("baseline", name)
    return load_yaml(path, shown(path)).validate(Baseline)


def pace(population: Population) -> str:
    """How often a population starts sessions, in words."""
    if population.every is not None:
        return f"every {human(population.every.period)}"
    assert population.rate is not None
    per = "" if population.rate.per == "all" else f" per {population.rate.per}"
    return f"{population.rate.per_day:,g} a day{per}"
