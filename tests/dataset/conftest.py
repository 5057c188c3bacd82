"""The small dataset that the tests of the pipeline make."""

from tests.pipeline.conftest import small

__all__ = ["small"]
