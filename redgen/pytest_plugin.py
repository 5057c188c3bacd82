"""Detections under pytest: a dataset as a fixture, and an assertion about what share of its attacks rules catch.

    def test_prompt_bombing_is_caught(redgen_dataset, assert_recall):
        redgen_dataset("identity-ci")
        assert_recall("rules/identity", min=0.6, bound="lower")

Datasets are kept in redgen's cache, so that only the first run makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from redgen.dataset.dataset import Dataset
    from redgen.scorecard import Scorecard

Bound = Literal["lower", "point", "upper"]


class DatasetMaker:
    """Gives the dataset of a scenario, and remembers the last one for ``assert_recall``."""

    def __init__(self) -> None:
        self.last: Dataset | None = None

    def __call__(self, scenario: str | Path, *, seed: int | None = None, settings: Sequence[str] = (),
                 jobs: int | None = None) -> Dataset:
        """The dataset of ``scenario`` (a bundled name, a path, or a dataset's directory), from the cache when there."""
        from redgen.assess.cache import dataset_for

        self.last = dataset_for(str(scenario), seed=seed, settings=tuple(settings), jobs=jobs)
        return self.last


class RecallAssertion:
    """Runs Sigma rules on a dataset and compares campaign recall with a least value."""

    def __init__(self, datasets: DatasetMaker) -> None:
        self._datasets = datasets

    def __call__(self, rules: str | Path | Sequence[str | Path], min: float, *,  # noqa: A002  # reads as a sentence
                 bound: Bound = "lower", confidence: float = 0.95, where: Mapping[str, str] | None = None,
                 dataset: Dataset | None = None) -> Scorecard:
        """Fail unless recall is at least ``min``: its ``lower`` bound at ``confidence``, its ``point`` or ``upper``.

        ``where`` narrows the campaigns (``{"playbook": …}``, ``{"family": …}``, ``{"technique": …}``); ``dataset``
        defaults to the last that ``redgen_dataset`` gave. The scorecard is returned for further assertions.
        """
        __tracebackhide__ = True
        from redgen.assess.recall import recall_of, shortfall
        from redgen.errors import RedgenError

        data = dataset or self._datasets.last
        if data is None:
            pytest.fail("assert_recall has no dataset: call redgen_dataset(scenario) first, or pass dataset=", False)
        paths = [rules] if isinstance(rules, str | Path) else list(rules)
        try:
            found = recall_of(data, [Path(p) for p in paths], where=where or {}, confidence=confidence)
        except RedgenError as error:
            pytest.fail(f"redgen: {error}", pytrace=False)
        if problem := shortfall(found, min, bound):
            pytest.fail(problem, pytrace=False)
        return found.card


@pytest.fixture
def redgen_dataset() -> DatasetMaker:
    """Call it with a scenario's name or path: the dataset, made when it is not in the cache yet."""
    return DatasetMaker()


@pytest.fixture
def assert_recall(redgen_dataset: DatasetMaker) -> RecallAssertion:
    """Call it with paths of Sigma rules and the least recall that is good enough."""
    return RecallAssertion(redgen_dataset)
