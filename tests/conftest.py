"""What all tests share: goldens with their bless option, and kernels that are never older than their sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "redgen"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--bless``: golden tests write what they see instead of comparing."""
    parser.addoption("--bless", action="store_true", help="accept what golden tests see now")


def pytest_configure(config: pytest.Config) -> None:
    """Forget compiled kernels that are older than a kernel beside them, or than the draws they all call.

    Numba looks at the file of the kernel itself only, not at those of the functions it calls.
    """
    draws = (PACKAGE / "seed.py").stat().st_mtime
    for folder in {index.parent for index in PACKAGE.rglob("*.nbi")}:
        kernels = [path for path in folder.parent.glob("*.py") if "njit" in path.read_text(encoding="utf-8")]
        newest = max([draws, *(path.stat().st_mtime for path in kernels)])
        for index in folder.glob("*.nbi"):
            if index.exists() and index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` compares with ``goldens/<name>`` beside the test, or writes it under ``--bless``."""
    folder = request.path.parent / "goldens"

    def compare(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--bless"):
            folder.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        if not file.exists():
            pytest.fail(f"no golden {file}: look at the output and accept it with --bless")
        with file.open(encoding="utf-8", newline="") as known:
            assert text == known.read(), f"{file} differs; if this is meant, accept it with --bless"

    return compare
