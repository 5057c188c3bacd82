"""One small dataset, made once, and helpers to make its relatives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import redgen
from redgen.dataset.dataset import Dataset

SMALL = Path(__file__).with_name("small.yaml")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return redgen.generate(SMALL, tmp_path_factory.mktemp("small") / "out", jobs=1)


def contents(dataset: Dataset | Path) -> dict[str, bytes]:
    root = dataset if isinstance(dataset, Path) else dataset.path
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def lines(dataset: Dataset, source: str) -> Counter[str]:
    """Every record of a source as text."""
    return Counter(text for file in dataset.files(source) for _, text in file.records())
