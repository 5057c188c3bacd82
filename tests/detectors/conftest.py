"""Events that several tests look at."""

from __future__ import annotations

import pytest

from redgen.checks.detector import Case
from redgen.detector import Events
from tests.detectors.logs import written


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Events:
    """The two logs of ``logs``."""
    return written(tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """Detectors by name with what they said of ``events``: slow engines run once for all tests."""
    return {}
