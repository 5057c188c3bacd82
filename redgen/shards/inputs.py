"""What a run reads: a scenario and the baselines and playbooks it names; and the frozen copies that remake it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redgen.errors import DataError, Problem, SpecError
from redgen.spec.baseline import Baseline, Population
from redgen.spec.files import resolve, shown
from redgen.spec.loader import Document, load_yaml
from redgen.spec.scenario import Scenario, load_scenario
from redgen.spec.world import WorldSpec, merge


@dataclass(frozen=True)
class Request:
    """What a user asked for: enough to build the same plan in another process.

    ``scenario``: a bundled name or a path; ``settings``: ``dotted.key=value`` overrides; ``clean``: no campaigns.
    """

    scenario: str
    settings: tuple[str, ...] = ()
    clean: bool = False


@dataclass(frozen=True)
class Copy:
    """A YAML file that goes into the dataset: where it came from, and its name there."""

    path: Path
    name: str


@dataclass(frozen=True)
class Inputs:
    """The validated scenario and baselines, and every file they come from."""

    document: Document
    scenario: Scenario
    folder: Path                    # what paths in the scenario are relative to
    populations: tuple[Population, ...]
    world: WorldSpec
    copies: tuple[Copy, ...]
    frozen: dict[str, Any]          # the scenario with its references pointing at the copies

    def digest(self) -> str:
        """Identity of what is read: the frozen scenario and the bytes of every file, by hash."""
        whole = hashlib.sha256(json.dumps(self.frozen, sort_keys=True).encode())
        for copy in self.copies:
            whole.update(copy.name.encode() + b"\0" + copy.path.read_bytes() + b"\0")
        return whole.hexdigest()


def read_inputs(request: Request) -> Inputs:
    """Read and check all files; DataError or SpecError with every problem found in the first bad one."""
    document, scenario = load_scenario(request.scenario, request.settings)
    if request.clean:
        scenario = scenario.model_copy(update={"campaigns": ()})
    folder = resolve("scenario", request.scenario).parent
    loaded = [_baseline(resolve("baseline", name, folder)) for name in scenario.baselines]
    populations = tuple(p for _, baseline, _ in loaded for p in baseline.resolved())
    _unique(loaded)
    world = merge([spec for *_, spec in loaded])
    if scenario.world:
        world = overlaid(world, document.at("world").validate(WorldSpec))
    frozen, copies = _freeze(document, scenario, folder)
    if request.clean:
        frozen.pop("campaigns", None)
    return Inputs(document, scenario, folder, populations, world, copies, frozen)


def _baseline(path: Path) -> tuple[Document, Baseline, WorldSpec]:
    document = load_yaml(path, shown(path))
    baseline = document.validate(Baseline)
    return document, baseline, document.at("world").validate(WorldSpec) if document.has("world") else WorldSpec()


def _unique(loaded: Sequence[tuple[Document, Baseline, WorldSpec]]) -> None:
    """SpecError when two baselines call a population the same: they would share their random streams."""
    problems, seen = [], dict[str, str]()
    for document, baseline, _ in loaded:
        for i, population in enumerate(baseline.populations):
            if population.id in seen:
                problems.append(document.problem(
                    ("populations", i, "id"), f"{population.id!r} is also a population of {seen[population.id]}"))
            seen[population.id] = document.file
    if problems:
        raise SpecError(problems)


def overlaid(spec: WorldSpec, over: WorldSpec) -> WorldSpec:
    """``spec`` with everything that ``over`` says put in its place; lists and tables are replaced as a whole."""
    changes: dict[str, Any] = {}
    for key in over.model_fields_set:
        ours, theirs = getattr(spec, key), getattr(over, key)
        nested = hasattr(ours, "model_fields_set") and hasattr(theirs, "model_fields_set")
        changes[key] = overlaid(ours, theirs) if nested else theirs
    changed = spec.model_copy(update=changes)
    if isinstance(changed, WorldSpec):
        try:
            changed.check_names()
        except ValueError as error:
            raise DataError(f"the scenario's world does not fit its baselines': {error}") from None
    return changed


def _freeze(document: Document, scenario: Scenario, folder: Path) -> tuple[dict[str, Any], tuple[Copy, ...]]:
    """The scenario's data with references to copies inside the dataset, and those copies."""
    frozen = document.data
    frozen.pop("shard", None)  # a matter of the machine: it changes no byte
    named: dict[str, Path] = {}

    def copied(kind: str, place: str, name: str) -> str:
        path = resolve(kind, name, folder)
        target = f"{place}/{Path(name).stem}.yaml"
        if named.setdefault(target, path).resolve() != path.resolve():
            raise SpecError(Problem(document.file, 0, "", f"two different {kind} files are called {Path(name).stem!r}"))
        return target

    many = [copied("baseline", "baselines", name) for name in scenario.baselines]
    frozen["baseline"] = many[0] if isinstance(scenario.baseline, str) else many
    for section, kind, place, key in _REFERENCES:
        for entry, written in zip(getattr(scenario, section), frozen.get(section) or [], strict=False):
            written[key] = copied(kind, place, entry.what)
    return frozen, tuple(Copy(path, name) for name, path in sorted(named.items()))


_REFERENCES = (
    ("campaigns", "playbook", "playbooks", "playbook"), ("hard_negatives", "hard negative", "hard_negatives", "kind"),
)


def code_files() -> Iterator[Path]:
    """Every file of redgen's own code and data, sorted: a run must not go on with another version's bytes."""
    package = Path(__file__).resolve().parent.parent
    yield from sorted(p for p in package.rglob("*") if p.suffix in {".py", ".csv", ".txt", ".yaml", ".json"})
