"""The bundled rule pack: where its files are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BUNDLED = "bundled"
"""The word that ``--rules`` takes for the pack."""


def rules_folder() -> Path:
    """The directory of the bundled Sigma rules."""
    return Path(str(files("redgen").joinpath("rules")))


def rule_paths(names: list[Path]) -> tuple[Path, ...]:
    """``names`` with the word ``bundled`` turned into the pack's directory."""
    return tuple(rules_folder() if str(n) == BUNDLED and not n.exists() else n for n in names)
