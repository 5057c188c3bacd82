"""The directory a dataset grows in, and how it gets its final name: nothing half-made ever stands there.

A run writes into ``<DIR>.partial`` beside the target and renames it when all is done. Where the target is a mount
point or its parent cannot be written, it stages in ``<DIR>/.partial`` and moves the parts, ``manifest.json`` last.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from redgen.errors import SinkError

JOURNAL = "journal.jsonl"
MANIFEST = "manifest.json"
_INNER = ".partial"
_KIND = "redgen-journal-1"


@contextlib.contextmanager
def writing(what: Path | str) -> Iterator[None]:
    """Turn the operating system's refusals into a ``SinkError`` that names ``what``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = {
            "No space left on device": "free some space, or choose another place",
            "Disk quota exceeded": "free some space, or choose another place",
            "File too large": "raise the file size limit (ulimit -f), or make the scenario's `rotate` shorter",
            "Permission denied": "choose a directory you may write to",
            "Read-only file system": "choose a directory you may write to",
            "File name too long": "choose a shorter name",
        }.get(reason, "check the directory")
        raise SinkError(f"{error.filename or what}: cannot write: {reason}; {remedy}") from error


class Staging:
    """An open, locked staging directory; ``entries`` are the journal's, of an earlier run of the same plan."""

    def __init__(self, target: Path, path: Path, journal: IO[str], entries: list[dict[str, Any]]) -> None:
        self.target = target
        self.path = path
        self.entries = entries
        self._journal = journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def journal_fd(self) -> int:
        """The lock's file descriptor: child processes must close it."""
        return self._journal.fileno()

    def note(self, entry: dict[str, Any]) -> None:
        """Append one entry to the journal, durably."""
        with writing(self.path):
            self._journal.write(json.dumps(entry, separators=(",", ":")) + "\n")
            self._journal.flush()
            os.fsync(self._journal.fileno())

    def keep(self, entries: int) -> None:
        """Forget all journal entries but the first ``entries``."""
        kept, self.entries = self.entries[:entries], []
        with writing(self.path):
            self._journal.seek(0)
            head = self._journal.readline()
            self._journal.truncate(len(head.encode()))
        for entry in kept:
            self.note(entry)
        self.entries = kept

    def close(self) -> None:
        """Release the lock; what was staged stays for the next run."""
        self._journal.close()

    def drop(self) -> None:
        """Remove the staging directory."""
        self._journal.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def promote(self, *, force: bool) -> None:
        """Give the finished dataset its name, replacing an old dataset when ``force``."""
        with writing(self.target):
            (self.path / JOURNAL).unlink()
            if self.path.parent == self.target:
                if force:
                    _remove_dataset(self.target)
                names = sorted(p.name for p in self.path.iterdir())
                for name in [n for n in names if n != MANIFEST] + [MANIFEST]:
                    (self.path / name).rename(self.target / name)
                self.path.rmdir()
            else:
                old = _step_aside(self.target) if force else None
                self.path.rename(self.target)
                if old:
                    _remove_dataset(old)
                    old.rmdir()
        self._journal.close()


def open_staging(target: Path, digest: str, *, force: bool = False) -> Staging:
    """Lock the staging directory of ``target``, keeping what an interrupted run of the plan ``digest`` left there.

    SinkError when the target holds something else, is in use, or cannot be written.
    """
    check_target(target, force=force)
    target = Path(os.path.realpath(target))  # a symbolic link stays, and what it leads to is filled
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        path = _staging_path(target)
        if path.is_dir() and not (path / JOURNAL).is_file() and any(path.iterdir()):
            raise SinkError(f"{path} exists and is not redgen's; move it away, or choose another output directory")
        if path.exists() and not path.is_dir():
            raise SinkError(f"{path} is in the way; move it, or choose another output directory")
        path.mkdir(exist_ok=True)
        journal = _locked(path)
        journal.seek(0)
        head, entries = _read(journal)
        if head != {"kind": _KIND, "digest": digest}:
            _empty(path)
            journal.truncate(0)
            entries = []
            staging = Staging(target, path, journal, entries)
            staging.note({"kind": _KIND, "digest": digest})
            return staging
        journal.seek(0, os.SEEK_END)
    return Staging(target, path, journal, entries)


def check_target(target: Path, *, force: bool) -> None:
    """SinkError unless a dataset may be put here: free, empty, or with ``force`` a dataset and nothing else."""
    with writing(target):
        there = target.exists()
    if not there:
        if target.is_symlink() and Path(os.path.realpath(target)).is_symlink():
            raise SinkError(f"{target} is a symbolic link that leads to itself; remove it, or choose another directory")
        place = next(p for p in target.absolute().parents if p.exists())
        if not place.is_dir():
            raise SinkError(f"{target}: cannot write: {place} is a file; choose another output directory")
        if not os.access(place, os.W_OK):
            raise SinkError(f"{target}: cannot write: {place} is not yours to write to; choose another directory")
        return
    if not target.is_dir():
        raise SinkError(f"{target} is a file; choose another output directory")
    with writing(target):
        inside = [p for p in target.iterdir() if p.name != _INNER]
    if not inside:
        return
    if not (target / MANIFEST).is_file():
        raise SinkError(f"{target} is not empty and holds no dataset; choose another output directory")
    if not force:
        raise SinkError(f"{target} holds a dataset already; choose another output directory, or --force to replace it")
    foreign = sorted(_files(target) - _listed(target))
    if foreign:
        raise SinkError(f"{target} holds files that are not the dataset's ({foreign[0]}"
                        f"{f' and {len(foreign) - 1} more' if len(foreign) > 1 else ''}); move them away first")


def _staging_path(target: Path) -> Path:
    if target.is_dir() and (target.is_mount() or not os.access(target.resolve().parent, os.W_OK)):
        return target / _INNER
    return target.with_name(target.name + ".partial")


def _locked(path: Path) -> IO[str]:
    journal = (path / JOURNAL).open("a+", encoding="utf-8")
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        journal.close()
        raise SinkError(f"another run is writing to {path}; wait for it, or choose another output directory") from None
    return journal


def _read(journal: IO[str]) -> tuple[Any, list[dict[str, Any]]]:
    """The journal's head and entries; a torn last line is cut off."""
    lines, good = [], 0
    for line in journal:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
        if not line.endswith("\n"):
            lines.pop()
            break
        good += len(line.encode())
    journal.truncate(good)
    return (lines[0] if lines else None), lines[1:]


def _empty(path: Path) -> None:
    for child in path.iterdir():
        if child.name == JOURNAL:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir() or p.is_symlink()
            if _INNER not in p.relative_to(root).parts[:1]}


def _listed(root: Path) -> set[str]:
    """The files a dataset's manifest names, and the manifest."""
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *(str(entry["path"]) for entry in manifest["files"])} & _files(root)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SinkError(f"{root / MANIFEST} cannot be read ({error}); choose another output directory") from error


def _step_aside(target: Path) -> Path | None:
    """Rename an old dataset out of the way; None when there is nothing to keep."""
    if not target.exists():
        return None
    if not (target / MANIFEST).is_file():
        return None  # empty: the rename replaces it
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    target.rename(old)
    return old


def _remove_dataset(root: Path) -> None:
    """Delete the files that the dataset's manifest names, then the directories left empty."""
    if not (root / MANIFEST).is_file():
        return
    for name in sorted(_listed(root), reverse=True):
        (root / name).unlink(missing_ok=True)
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if folder.relative_to(root).parts[0] != _INNER:
            with contextlib.suppress(OSError):
                folder.rmdir()
