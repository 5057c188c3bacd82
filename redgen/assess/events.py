"""What a detector is given: the log files of a dataset, or anybody's files, as a collector would have received them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from redgen.dataset.dataset import Dataset, load
from redgen.detector import EventFile, Events
from redgen.errors import DataError

MANIFEST = "manifest.json"


def events_of(paths: Sequence[Path], *, time_field: str = "", routing: bool = True) -> Events:
    """The events in ``paths``: one dataset's directory, or files and directories of logs; DataError when unreadable."""
    if not paths:
        raise DataError("name a dataset directory, or log files")
    if len(paths) == 1 and (paths[0] / MANIFEST).is_file():
        return of_dataset(load(paths[0]), time_field=time_field, routing=routing)
    return of_files(paths, time_field=time_field, routing=routing)


def of_dataset(dataset: Dataset, *, time_field: str = "", routing: bool = True) -> Events:
    """A dataset's log files; of its manifest, only what a collector's configuration would say."""
    about = dataset.manifest["sources"]
    files = tuple(
        EventFile(f.path, f.name, f.source, about[f.source]["format"], f.head_lines, f.lines, f.enveloped)
        for f in dataset.files())
    for file in files:
        if not file.path.is_file():
            raise DataError(f"{file.path} is missing, although {dataset.path / MANIFEST} lists it; generate it again")
    window = dataset.manifest["window"]
    return Events(files, {name: about[name]["sigma"] for name in about}, int(window["start"]), int(window["start"]),
                  int(window["stop"]), dataset.path, time_field, routing)


def of_files(paths: Iterable[Path], *, time_field: str = "", routing: bool = True) -> Events:
    """Files that redgen need not have made; directories are searched for everything in them."""
    found: list[EventFile] = []
    for path in paths:
        if path.is_dir():
            if (path / "truth").is_dir() and (path / "logs").is_dir():
                raise DataError(f"{path} is no dataset: it has no {MANIFEST} (an unfinished run has none); generate it "
                                f"again, or name its files: {path / 'logs'}")
            found += [EventFile(p, str(p)) for p in sorted(path.rglob("*")) if p.is_file() and p.name[0] != "."]
        elif path.is_file():
            found.append(EventFile(path, str(path)))
        else:
            raise DataError(f"{path}: no such file or directory")
    if not found:
        raise DataError(f"{', '.join(map(str, paths))}: no log files in there")
    return Events(tuple(found), time_field=time_field, routing=routing)
