"""``redgen version``."""

from __future__ import annotations

from redgen.version import VERSION


def version() -> None:
    """Print the version."""
    print(f"redgen {VERSION}")
