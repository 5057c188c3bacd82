"""``redgen version``."""

from __future__ import annotations


def version() -> None:
    """Print the version."""
    import redgen

    print(f"redgen {redgen.__version__}")
