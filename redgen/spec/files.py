"""Finding specification files: bundled ones by name, anybody's by path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from redgen.errors import DataError, did_you_mean

FOLDERS: Mapping[str, tuple[str, ...]] = {
    "scenario": ("samples/scenarios",),
    "playbook": ("attack_playbooks",),
    "hard negative": ("baselines/hard_negatives",),
    "baseline": ("baselines",),
}
"""Where the bundled files of each kind lie, below the repository or inside the installed package."""
SUFFIXES = (".yaml", ".yml")


def root() -> Path:
    """The folder that holds the bundled files: inside an installed package, else the repository."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "bundled"
    return inside if inside.is_dir() else package.parent


def names(kind: str) -> list[str]:
    """The names of the bundled files of ``kind`` (a key of ``FOLDERS``), sorted."""
    return sorted(p.stem for folder in FOLDERS[kind] for s in SUFFIXES for p in (root() / folder).glob(f"*{s}"))


def resolve(kind: str, name_or_path: str | Path, beside: Path | None = None) -> Path:
    """The file meant by a bundled name or a path; paths are looked up in the folder ``beside``, then as they are.

    Text with a slash or a YAML suffix is a path. DataError when nothing is there, with the nearest name.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith(SUFFIXES):
        path = Path(text).expanduser()
        tries = [path] if beside is None or path.is_absolute() else [beside / path, path]
        for found in tries:
            if _is_there(found):
                return found
        raise DataError(f"there is no {kind} file {text}")
    for folder in FOLDERS[kind]:
        for suffix in SUFFIXES:
            found = root() / folder / f"{text}{suffix}"
            if _is_there(found):
                return found
    raise DataError(f"unknown {kind} {text!r}{did_you_mean(text, names(kind))}")


def shown(path: Path) -> str:
    """The path as messages show it: below the bundled root or the working folder when it lies there."""
    whole = path.absolute()
    for home in (Path.cwd(), root()):
        if whole.is_relative_to(home):
            return str(whole.relative_to(home))
    return str(path)


def _is_there(path: Path) -> bool:
    """Whether something other than a folder is at ``path``; names no file system can hold are nowhere."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False
