"""One small dataset, made once, and helpers to make its relatives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import redgen
from redgen.pipeline.dataset import Dataset

SMALL = Path(__file__).with_name("small.yaml")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return redgen.generate(SMALL, tmp_path_factory.mktemp("small") / "out", jobs=1)


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    return yaml.safe_load(SMALL.read_text())


def contents(dataset: Dataset | Path) -> dict[str, bytes]:
    root = dataset if isinstance(dataset, Path) else dataset.path
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def lines(dataset: Dataset, source: str, but: set[tuple[str, int]] = frozenset()) -> Counter[str]:  # type: ignore[assignment]
    """Every record of a source as text, without those at the places ``but``."""
    return Counter(
        text for file in dataset.files(source) for number, text in file.records() if (file.name, number) not in but
    )


def places(dataset: Dataset, **wanted: str) -> set[tuple[str, int]]:
    """(file, line) of the labels whose columns are as wanted."""
    found = dataset.labels
    for column, value in wanted.items():
        found = found[found[column] == value]
    return set(zip(found["file"].astype(str), found["line"].astype(int), strict=True))
