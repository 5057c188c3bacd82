"""The datasets that these tests look at, each made once, and a hand that makes their relatives."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import redgen
from redgen.dataset.dataset import Dataset
from tests.holds.command import redgen as command
from tests.holds.spoiling import GATES, PUSH

SCENARIO = Path(__file__).with_name("scenario.yaml")
OTHER_FORMATS = tuple(f"sources.{source}.format={form}" for source, form in {
    "aws_cloudtrail": "s3", "linux_auth": "rfc3339", "nginx_access": "json", "okta_system": "json", "zeek_conn": "json",
    "zeek_dns": "json"}.items())
"""The second format of every source that has two."""

Change = Callable[[dict[str, Any]], object]
Make = Callable[..., Dataset]
Vary = Callable[[Change], Dataset]


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    """The scenario's YAML as data; take a copy before changing it."""
    return yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Everything: benign, campaigns, hard negatives; the sources' first formats."""
    return redgen.generate(SCENARIO, tmp_path_factory.mktemp("day") / "out", jobs=1)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The clean twin of ``day``: no campaigns."""
    return redgen.generate(SCENARIO, tmp_path_factory.mktemp("clean") / "out", jobs=1, clean=True)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """No campaigns and no hard negatives: benign lines only."""
    return redgen.generate(SCENARIO, tmp_path_factory.mktemp("plain") / "out", jobs=1, clean=True,
                           settings=["hard_negatives=[]"])


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The same as ``day``, in the sources' second formats."""
    return redgen.generate(SCENARIO, tmp_path_factory.mktemp("other") / "out", jobs=1, settings=OTHER_FORMATS)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(settings=…, seed=…)``: a relative of ``day``."""

    def one(**how: Any) -> Dataset:
        return redgen.generate(SCENARIO, tmp_path / "out", **{"jobs": 1, **how})

    return one


@pytest.fixture
def vary(tmp_path: Path, spec: dict[str, Any]) -> Vary:
    """``vary(change)``: the dataset of the scenario after ``change`` has worked on a copy of it."""

    def one(change: Change) -> Dataset:
        changed = copy.deepcopy(spec)
        change(changed)
        file = tmp_path / "scenario.yaml"
        file.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
        return redgen.generate(file, tmp_path / "out", jobs=1)

    return one


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset that scoring is tested on; nobody writes into it."""
    return redgen.generate(Path(__file__).with_name("scoring.yaml"), tmp_path_factory.mktemp("scored") / "data", jobs=1).path


@pytest.fixture(scope="module")
def alerts(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the bundled rules say of the dataset."""
    place = tmp_path_factory.mktemp("alerts")
    assert command("detect", scored, "--rules", "bundled", "-q", "-o", "a.ndjson", cwd=place).returncode == 0
    return [json.loads(line) for line in (place / "a.ndjson").read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with gates that these alerts pass, and a rule."""
    (tmp_path / "gates.yml").write_text(GATES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "push.yml").write_text(PUSH)
    return tmp_path
