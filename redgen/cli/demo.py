"""``redgen demo``."""

def demo() -> None:
    """Make the bundled demo dataset and show what is in it."""
