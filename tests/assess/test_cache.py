"""Datasets are made once: found again by what they were made from, made again when they are damaged or outdated."""

from __future__ import annotations

from pathlib import Path

import pytest

from redgen.assess.cache import cache_folder, dataset_for, key_of, whole
from redgen.dataset.dataset import load
from redgen.errors import DataError
from redgen.shards.inputs import Request

SCENARIO = """\
id: tiny
seed: 4
window: {start: 2026-01-12T08:00:00Z, duration: 30m}
baseline: saas-workforce
world: {scale: {employees: 40, admins: 4}}
sources: [okta_system]
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small scenario."""
    file = tmp_path_factory.mktemp("scenario") / "tiny.yaml"
    file.write_text(SCENARIO)
    return file


def test_the_second_time_it_is_taken_from_the_cache(scenario: Path, tmp_path: Path) -> None:
    """One directory, made once."""
    said: list[str] = []
    first = dataset_for(str(scenario), jobs=1, folder=tmp_path, said=said.append)
    made = (first.path / "manifest.json").stat().st_mtime_ns
    second = dataset_for(str(scenario), jobs=1, folder=tmp_path, said=said.append)
    assert second.path == first.path
    assert (second.path / "manifest.json").stat().st_mtime_ns == made
    assert [s.split(":")[0] for s in said] == [f"making the dataset of {scenario}", "dataset from the cache"]


def test_damage_is_noticed_and_mended(scenario: Path, tmp_path: Path) -> None:
    """A file that lost its end makes the dataset anew, and says so."""
    first = dataset_for(str(scenario), jobs=1, folder=tmp_path)
    log = first.files()[0].path
    content = log.read_bytes()
    log.write_bytes(content[:-10])
    with pytest.raises(DataError, match="the dataset is damaged"):
        whole(load(first.path))
    said: list[str] = []
    again = dataset_for(str(scenario), jobs=1, folder=tmp_path, said=said.append)
    assert "making it again" in said[0]
    assert again.files()[0].path.read_bytes() == content


def test_the_key_names_what_it_is_made_from(scenario: Path, tmp_path: Path) -> None:
    """Another seed or another word in the scenario is another dataset."""
    keys = {key_of(Request(str(scenario))), key_of(Request(str(scenario), ("seed=5",)))}
    other = tmp_path / "tiny.yaml"
    other.write_text(SCENARIO.replace("30m", "40m"))
    keys.add(key_of(Request(str(other))))
    assert len(keys) == 3
    assert key_of(Request(str(scenario))) in keys


def test_a_datasets_directory_is_used_as_it_is(scenario: Path, tmp_path: Path) -> None:
    """Nothing is made for a dataset that is there."""
    made = dataset_for(str(scenario), jobs=1, folder=tmp_path)
    assert dataset_for(str(made.path), folder=tmp_path / "nowhere").path == made.path
    assert not (tmp_path / "nowhere").exists()


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told, by the environment, or in the user's cache directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("REDGEN_CACHE", raising=False)
    assert cache_folder() == tmp_path / "xdg" / "redgen"
    monkeypatch.setenv("REDGEN_CACHE", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named"
    assert cache_folder(tmp_path / "told") == tmp_path / "told"


def test_the_key_depends_on_code_wherever_it_is_installed(scenario: Path, monkeypatch: pytest.MonkeyPatch,
                                                          tmp_path: Path) -> None:
    """Also below a directory that is called like a room; and only on code that makes datasets."""
    package = tmp_path / "sigma" / "redgen"
    for name in ("seed.py", "matching/joins.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("1")
    monkeypatch.setattr("redgen.assess.cache.PACKAGE", package)
    monkeypatch.setattr("redgen.assess.cache.code_files", lambda: iter(sorted(package.rglob("*.py"))))
    request = Request(str(scenario))
    first = key_of(request)
    (package / "matching/joins.py").write_text("2")
    assert key_of(request) == first
    (package / "seed.py").write_text("2")
    assert key_of(request) != first
