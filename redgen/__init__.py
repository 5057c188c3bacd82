"""redgen: labelled security-event datasets for testing detections.

>>> import redgen
>>> sorted(redgen.__all__)[:3]
['DataError', 'Dataset', 'PluginError']

``generate`` turns a scenario into a dataset, ``load`` opens one. Everything else is for plug-ins and lives in the
modules below. Heavy parts are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redgen.errors import DataError, PluginError, RedgenError, SinkError, SpecError
from redgen.version import VERSION

if TYPE_CHECKING:
    from redgen.dataset.dataset import Dataset, load
    from redgen.pipeline.run import generate

__version__ = VERSION
__all__ = ["DataError", "Dataset", "PluginError", "RedgenError", "SinkError", "SpecError", "generate", "load"]

_LAZY = {"Dataset": "redgen.dataset.dataset", "load": "redgen.dataset.dataset", "generate": "redgen.pipeline.run"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'redgen' has no attribute {name!r}")
