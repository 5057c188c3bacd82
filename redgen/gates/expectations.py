"""Expectations written for other products, read as gates: rsigma's ``expectations`` and contentctl's ``tests``.

They say how often a rule fires on given data and nothing of truth, so they become gates on counts; what has no
counterpart is told in the notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from redgen.alert import Diagnostic
from redgen.errors import DataError, SpecError
from redgen.gates.file import DatasetSpec, Gates, GateSpec, GatesSpec, Place, read_gates
from redgen.spec.loader import Document, load_yaml
from redgen.spec.model import Count, Spec

_CONDITION = re.compile(r"^\s*\|\s*stats\s+count\s*\|\s*where\s+count\s*(>=|>)\s*(\d+)\s*$")


class _Expectation(Spec):
    """How often a rule must fire: ``exactly``, or ``at_least`` and ``at_most``."""

    rule: Annotated[str, Field(min_length=1)]
    corpus: str | None = None
    at_least: Count | None = None
    at_most: Count | None = None
    exactly: Count | None = None


class _Defaults(Spec):
    unexpected_detections: Literal["fail", "warn", "ignore"] | None = None


class _Expectations(Spec):
    """rsigma's file for ``rsigma rule backtest``."""

    defaults: _Defaults = _Defaults()
    expectations: tuple[_Expectation, ...]


class _Lenient(Spec):
    """A part of a detection of which only some keys matter here."""

    model_config = ConfigDict(extra="ignore")


class _Test(_Lenient):
    name: str
    pass_condition: str | None = None


class _Tags(_Lenient):
    manual_test: Any = None


class _Detection(_Lenient):
    """A detection as Splunk's contentctl has it, with its tests."""

    name: Annotated[str, Field(min_length=1)]
    tests: tuple[_Test, ...] = ()
    tags: _Tags = _Tags()


def load_any(path: Path) -> Gates:
    """Gates from a gates file, an rsigma expectations file, a contentctl detection, or a folder of such detections.

    SpecError or DataError when it is none of these.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in (".yml", ".yaml"))
        found = [d for d in map(load_yaml, files) if _is_detection(d)]
        if not found:
            raise DataError(f"{path}: no detection with tests in it; give a gates file or a folder of such detections")
        return from_contentctl(found)
    document = load_yaml(path)
    if document.has("expectations"):
        return from_rsigma(document)
    return from_contentctl([document]) if _is_detection(document) else read_gates(document)


def from_rsigma(document: Document) -> Gates:
    """Rsigma's expectations: one gate on the number of alerts for each."""
    spec = document.validate(_Expectations)
    problems = [document.problem(("expectations", i), text)
                for i, e in enumerate(spec.expectations) for text in _conflicts(e)]
    if not spec.expectations:
        problems.append(document.problem(("expectations",), "no expectation in it; there is nothing to gate on"))
    if problems:
        raise SpecError(problems)
    gates: list[GateSpec] = []
    places: list[Place] = []
    notes: list[Diagnostic] = []
    for i, e in enumerate(spec.expectations):
        least, most = (e.exactly, e.exactly) if e.exactly is not None else (e.at_least, e.at_most)
        gates.append(GateSpec(id=f"expectation-{i + 1}", metric="alerts", rule=e.rule, min=least, max=most))
        places.append((document.file, document.line("expectations", i)))
        if e.corpus is not None:
            notes.append(_note(f"expectation {i + 1} is about {e.corpus} alone; counted over all of the dataset"))
    if spec.defaults.unexpected_detections == "fail":
        notes.append(_note("unexpected_detections: fail has no counterpart; write a gate on fp_groups_per_day"))
    return _gates(gates, places, notes)


def _conflicts(e: _Expectation) -> Iterator[str]:
    if e.exactly is not None and (e.at_least is not None or e.at_most is not None):
        yield "exactly cannot stand beside at_least or at_most"
    elif e.exactly is None and e.at_least is None and e.at_most is None:
        yield "write one of exactly, at_least, at_most"
    elif e.at_least is not None and e.at_most is not None and e.at_least > e.at_most:
        yield f"at_least {e.at_least} is above at_most {e.at_most}"


def from_contentctl(documents: Sequence[Document]) -> Gates:
    """Contentctl's detections: one gate for each test, that the rule of that name raises an alert.

    As there, a test passes when one row returns, or as many as its ``pass_condition`` asks for. Detections that are
    tested by hand are left out and noted.
    """
    gates: list[GateSpec] = []
    places: list[Place] = []
    notes: list[Diagnostic] = []
    for document in documents:
        spec = document.validate(_Detection)
        if spec.tags.manual_test is not None or not spec.tests:
            notes.append(_note(f"{spec.name}: no automatic test, left out"))
            continue
        for i, test in enumerate(spec.tests):
            condition = _CONDITION.match(test.pass_condition or "| stats count | where count > 0")
            if condition is None:
                notes.append(_note(f"{spec.name}: pass_condition of {test.name!r} read as: at least one alert"))
            least = int(condition[2]) + (condition[1] == ">") if condition else 1
            gates.append(GateSpec(
                id=f"test-{len(gates) + 1}", metric="alerts", rule=spec.name, min=float(max(1, least))))
            places.append((document.file, document.line("tests", i)))
    if not gates:
        raise DataError(f"{documents[0].file}: no detection with an automatic test; there is nothing to gate on")
    return _gates(gates, places, notes)


def _gates(gates: Sequence[GateSpec], places: Sequence[Place], notes: Sequence[Diagnostic]) -> Gates:
    return Gates(
        GatesSpec(version=1, dataset=DatasetSpec(), gates=tuple(gates)), tuple(places), notes=tuple(notes))


def _note(text: str) -> Diagnostic:
    return Diagnostic("EXPECTATION", text, level="info")


def _is_detection(document: Document) -> bool:
    return document.has("search") and document.has("tests")
