"""The house guards itself: ranks, seals, cycles and sizes hold in every file of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

from redgen import compiled

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "redgen"

RANKS = (
    {"errors", "compiled", "seed", "clock", "version", "decompress"},
    {"atomic", "zones", "vocabulary", "table", "registry", "spec", "alert", "ground", "parser"},
    {"activity", "truth", "world", "scorecard", "detector", "reader", "records", "parsers", "native",
     "statistics"},
    {"benign", "playbook", "actions", "source", "sources", "render", "readers", "sigma", "detectors", "matching",
     "gates", "evidence"},
    {"scoring", "shards"},
    {"dataset"},
    {"pipeline"},
    {"checks", "assess"},
    {"cli", "__main__", "pytest_plugin"},
)
"""Lowest first; a room may import from rooms of a lower rank, from itself, and where ``DOORS`` says so."""

DOORS = {
    ("source", "render"),     # a source's contract speaks of templates
    ("sources", "source"),    # the plug-ins of one contract
    ("sources", "render"),
    ("actions", "playbook"),  # an action implements the contract in playbook.stage
    ("vocabulary", "table"),
    ("world", "activity"),    # the world's entities use the closed word lists of activity
    ("activity", "world"),    # builders look facts up in the world
    ("activity", "truth"),
    ("truth", "activity"),    # the one door works on activities
    ("spec", "registry"),
    ("spec", "zones"),        # seasons name time zones
    ("reader", "records"),    # alert files are files of records
    ("statistics", "scorecard"),  # an estimate is what both speak of
    ("detectors", "sigma"),   # the embedded engine is one detector among others
    ("detectors", "readers"),  # a program's alerts come in anybody's format
    ("__main__", "cli"),
}
"""Neighbours of one rank that may know each other; file-level imports stay free of cycles all the same."""

TRUTH_SEALED = {"source", "sources", "render", "world", "spec", "benign", "checks"}
"""Rooms that may not import ``redgen.truth``."""

GROUND_SEALED = {"detector", "detectors", "sigma", "parser", "parsers", "reader", "readers", "alert"}
"""Rooms that may not know ``redgen.ground``: what detects must not see what is true."""

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
LONGEST_KERNEL = 90
FREE = {"__init__", "__main__"}


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(p for p in PACKAGE.rglob("*.py") if "bundled" not in p.parts)


def dotted(path: Path) -> str:
    """``redgen/spec/loader.py`` as ``redgen.spec.loader``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every redgen module a file imports, wherever in the file the import stands."""
    known = {dotted(p) for p in modules()}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "redgen")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            if node.module and node.module.split(".")[0] == "redgen":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield whole if whole in known else node.module


def room(module: str) -> str:
    """``redgen.spec.loader`` lives in ``spec``; the package itself is the facade."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def rank(name: str) -> int:
    """How high a room lies."""
    for level, rooms in enumerate(RANKS):
        if name in rooms:
            return level
    raise AssertionError(f"redgen/{name} has no rank: place it in RANKS")


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_downward(path: Path) -> None:
    """A room knows only what lies below it, itself, and the neighbours it has a door to."""
    here = room(dotted(path))
    if not here:
        return  # the facade re-exports the public API
    for target in imports(path):
        there = room(target)
        assert there, f"{path}: imports the facade; name the module"
        below = rank(there) < rank(here)
        assert below or there == here or (here, there) in DOORS, f"{dotted(path)} may not import {target}"


@pytest.mark.parametrize("path", [p for p in modules() if room(dotted(p)) in TRUTH_SEALED], ids=dotted)
def test_truth_stays_behind_its_door(path: Path) -> None:
    """What sees a log as a sensor would, or makes ordinary behavior, cannot ask what was an attack."""
    assert "redgen.truth" not in set(imports(path))
    if room(dotted(path)) in {"source", "sources", "render"}:
        names = {n.value for n in ast.walk(tree(path)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        assert "truth" not in names, "a source reads a column named truth"


@pytest.mark.parametrize("path", [p for p in modules() if room(dotted(p)) in GROUND_SEALED], ids=dotted)
def test_detectors_never_see_the_ground_truth(path: Path) -> None:
    """What reads logs and raises alerts knows files alone: neither the truth of a dataset nor its scorers."""
    assert not {room(t) for t in imports(path)} & {"ground", "matching", "scoring", "gates", "truth", "scorecard"}


def test_no_import_cycles() -> None:
    """Not one, lazy imports included."""
    graph = nx.DiGraph((dotted(p), t) for p in modules() for t in imports(p) if t != dotted(p))
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_sizes(path: Path) -> None:
    """Files and functions stay small enough to read in one go."""
    assert path.stem != "utils"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            kernel = any("njit" in ast.unparse(d) or "kernel" in ast.unparse(d) for d in node.decorator_list)
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= (LONGEST_KERNEL if kernel else LONGEST_FUNCTION), f"{path}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", [p for p in modules() if p.stem == "__init__"], ids=dotted)
def test_package_files_hold_a_docstring_only(path: Path) -> None:
    """Only the facade re-exports."""
    body = tree(path).body
    assert ast.get_docstring(tree(path)), f"{path} says nothing about its room"
    if dotted(path) != "redgen":
        assert len(body) == 1


@pytest.mark.parametrize("path", [p for p in modules() if p.stem not in FREE], ids=dotted)
def test_every_module_and_public_function_says_what_it_is(path: Path) -> None:
    """A docstring opens every module, class and public function."""
    assert ast.get_docstring(tree(path))
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name}"


def test_compiled_code_follows_every_source_of_a_kernel() -> None:
    """Kernels hold what they call and name: a change in any of these files makes all of them compile again."""
    callers = [p for p in modules() if "redgen.compiled" in set(imports(p)) or p.stem in {"seed", "digits", "times"}]
    named = {p.relative_to(PACKAGE).as_posix() for p in callers if p.parent.name != "scoring"}
    for path in callers:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module and any(a.name.isupper() for a in node.names):
                file = PACKAGE.parent / (node.module.replace(".", "/") + ".py")
                named |= {file.relative_to(PACKAGE).as_posix()} if file.is_file() else set()
    assert sorted(named - set(compiled.SOURCES)) == []
    assert [name for name in compiled.SOURCES if not (PACKAGE / name).is_file()] == []
