"""Every registered source, in every format, keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from redgen.checks.source import CHECKS, Case, cases
from redgen.registry import SOURCES
from redgen.seed import Seed
from tests.worlds import small_world

NAMES = SOURCES.names()


@cache
def cases_of(name: str) -> list[Case]:
    """The cases of one source on sample activity of the small world."""
    return cases(SOURCES.get(name), small_world(), Seed(11), n=240)


def every_format() -> list[tuple[str, str]]:
    """(source, format) pairs."""
    return [(name, form) for name in NAMES for form in SOURCES.get(name).formats]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "form"), every_format())
def test_contract(name: str, form: str, check: Callable[[Case], None]) -> None:
    check(next(case for case in cases_of(name) if case.format == form))
