"""The bundled rule pack: which rules it has, where their files are, and a copy of them to keep."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from redgen.errors import DataError, SinkError, did_you_mean

BUNDLED = "bundled"
"""The word that ``--rules`` takes for the pack."""


@dataclass(frozen=True)
class PackRule:
    """One rule of the pack: the last, outermost rule of its file."""

    folder: str
    file: Path
    title: str
    level: str
    description: str
    techniques: tuple[str, ...]


def rules_folder() -> Path:
    """The directory of the bundled Sigma rules."""
    return Path(str(files("redgen").joinpath("rules")))


def rule_paths(names: Sequence[Path]) -> tuple[Path, ...]:
    """``names`` with the word ``bundled`` turned into the pack's directory."""
    return tuple(rules_folder() if str(n) == BUNDLED and not n.exists() else n for n in names)


def folders() -> list[str]:
    """The parts of the pack: identity, web, …"""
    return sorted(p.name for p in rules_folder().iterdir() if p.is_dir() and p.name[0] not in "._")


def pack() -> Iterator[PackRule]:
    """Every rule of the pack, by folder and file."""
    for file in sorted(rules_folder().rglob("*.yml")):
        documents = [d for d in yaml.safe_load_all(file.read_text(encoding="utf-8")) if d]
        shown = max(documents, key=lambda d: _ORDER.index(d["level"]))
        tags = [t.removeprefix("attack.").upper() for t in shown.get("tags", ()) if t.startswith("attack.t")]
        yield PackRule(file.parent.name, file, shown["title"], shown["level"], " ".join(shown["description"].split()),
                       tuple(tags))


_ORDER = ("informational", "low", "medium", "high", "critical")


def copy_pack(target: Path, only: Sequence[str] = ()) -> list[Path]:
    """Copy the pack (or its folders ``only``) below ``target``; never over a file that is there. The files made."""
    for name in only:
        if name not in folders():
            raise DataError(f"the rule pack has no part {name!r}{did_you_mean(name, folders())}")
    wanted = [r.file for r in pack() if not only or r.folder in only]
    pairs = [(f, target / f.parent.name / f.name) for f in wanted]
    there = [t for _, t in pairs if t.exists()]
    if there:
        raise SinkError(f"{there[0]} is already there ({len(there)} such files); copy to another directory")
    try:
        for source, place in pairs:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
    except OSError as error:
        raise SinkError(f"{target} cannot be written: {error.strerror}") from None
    return [t for _, t in pairs]
