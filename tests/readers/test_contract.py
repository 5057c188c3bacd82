"""Every registered reader keeps its contract, on every sample there is of its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from redgen.checks.reader import CHECKS, Case
from redgen.reader import Options, reader_of
from redgen.registry import READERS

SAMPLES = Path(__file__).with_name("samples")
FILES = sorted(p for p in SAMPLES.iterdir() if "mapping" not in p.name)


def case_of(path: Path) -> Case:
    """The reader whose name the sample begins with, and what it needs."""
    name = path.name.split(".")[0]
    mapping = SAMPLES / f"{name}.mapping.yaml"
    return Case(reader_of(name), path, Options(mapping if mapping.exists() else None))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_contract(path: Path, check: Callable[[Case], None]) -> None:
    """One promise of one reader on one sample."""
    check(case_of(path))


def test_every_reader_has_a_sample() -> None:
    """A format nobody shows is a format nobody tested."""
    assert {p.name.split(".")[0] for p in FILES} == set(READERS.names())
