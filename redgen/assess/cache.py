"""Datasets that were made before: kept under a name that says what they were made from, and used again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from redgen.dataset.dataset import Dataset, load
from redgen.errors import DataError
from redgen.pipeline.produce import Watch
from redgen.pipeline.run import generate
from redgen.shards.inputs import Request, code_files, read_inputs

OTHER_HALF = {"assess", "checks", "cli", "dataset", "detectors", "evidence", "gates", "matching", "parsers", "readers",
              "rules", "scoring", "sigma", "statistics"}
"""Rooms whose code has no part in making a dataset."""

PACKAGE = Path(__file__).resolve().parents[1]


def cache_folder(given: Path | None = None) -> Path:
    """Where datasets are kept: ``given``, ``$REDGEN_CACHE``, or ``redgen`` in the user's cache directory."""
    if given:
        return given.expanduser().absolute()
    if named := os.environ.get("REDGEN_CACHE"):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "redgen"


def key_of(request: Request) -> str:
    """Names what a request would make: its files' content, its settings, and the code that makes it."""
    digest = hashlib.sha256(read_inputs(request).digest().encode())
    for path in code_files():
        if path.relative_to(PACKAGE).parts[0] not in OTHER_HALF:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def dataset_for(scenario: str, *, seed: int | None = None, settings: tuple[str, ...] = (), jobs: int | None = None,
                folder: Path | None = None, watch: Watch | None = None,
                said: Callable[[str], None] = lambda _: None) -> Dataset:
    """The dataset of a scenario: from the cache when it is there whole, made otherwise.

    ``scenario`` may be a dataset's directory, which is then used as it is; ``said`` is told what happens.
    """
    place = Path(scenario)
    if is_dataset(place):
        if seed is not None or settings:
            raise DataError(f"{scenario} is a dataset, which is used as it is: a seed or settings change nothing in "
                            "it; name a scenario instead")
        return whole(load(place))
    settings = (*settings, *([f"seed={seed}"] if seed is not None else []))
    kept = cache_folder(folder) / f"{place.stem}-{key_of(Request(scenario, settings))}"
    if is_dataset(kept):
        try:
            found = whole(load(kept))
        except DataError as error:
            said(f"{str(error).partition(';')[0]}; making it again")
        else:
            said(f"dataset from the cache: {kept}")
            return found
    kept.parent.mkdir(parents=True, exist_ok=True)
    said(f"making the dataset of {scenario}: {kept}")
    return generate(scenario, kept, jobs=jobs, settings=settings, force=kept.exists(), watch=watch)


def is_dataset(place: Path) -> bool:
    """Whether there is a dataset in the directory ``place``."""
    return (place / "manifest.json").is_file()


def check(scenario: str, settings: tuple[str, ...] = ()) -> None:
    """DataError or SpecError when ``dataset_for`` could not read what it is given."""
    if is_dataset(Path(scenario)):
        return
    try:
        read_inputs(Request(scenario, settings))
    except DataError as error:
        if Path(scenario).is_dir():
            raise DataError(f"{scenario} is no dataset: it has no manifest.json; name a scenario, or generate the "
                            f"dataset first: redgen generate SCENARIO -o {scenario}") from error
        raise


def whole(dataset: Dataset) -> Dataset:
    """``dataset`` when each of its files is there in full length; DataError naming the first that is not."""
    for entry in dataset.manifest["files"]:
        path = dataset.path / entry["path"]
        size = path.stat().st_size if path.is_file() else -1
        if size != entry.get("size", entry["bytes"]):
            what = "is missing" if size < 0 else f"has {size:,} bytes, not those it was made with"
            raise DataError(f"{path} {what}: the dataset is damaged; generate it again")
    return dataset
