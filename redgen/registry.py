"""Plug-ins by folder: each family lists the modules of one package and one entry-point group.

A plug-in's name is its file name; its module exposes one public object under the family's attribute.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from redgen.errors import DataError, PluginError, did_you_mean


@dataclass(frozen=True)
class Family:
    """One kind of plug-in: ``package`` holds the bundled ones, ``group`` names third parties' entry points."""

    word: str           # how messages call one: "source"
    package: str        # "redgen.sources"
    attribute: str      # "SOURCE": the name each module exposes

    @cached_property
    def _bundled(self) -> Mapping[str, str]:
        package = importlib.import_module(self.package)
        return {m.name: f"{self.package}.{m.name}" for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_"}

    @cached_property
    def _foreign(self) -> Mapping[str, EntryPoint]:
        return {e.name: e for e in entry_points(group=self.package)}

    def names(self) -> list[str]:
        """Every plug-in's name, sorted."""
        return sorted({*self._bundled, *self._foreign})

    def get(self, name: str) -> Any:
        """The plug-in called ``name``; DataError when there is none, PluginError when it does not load."""
        if name in self._bundled:
            found = getattr(importlib.import_module(self._bundled[name]), self.attribute, None)
        elif name in self._foreign:
            try:
                found = self._foreign[name].load()
            except Exception as error:
                where = self._foreign[name].value
                raise PluginError(f"{self.word} {name!r} ({where}) does not load: {error}") from error
        else:
            raise DataError(f"unknown {self.word} {name!r}{did_you_mean(name, self.names())}")
        if found is None:
            raise PluginError(f"{self.word} {name!r}: its module has no {self.attribute}")
        return found


SOURCES = Family("source", "redgen.sources", "SOURCE")
ACTIONS = Family("action", "redgen.actions", "ACTION")
BEHAVIORS = Family("behavior", "redgen.benign.behaviors", "BEHAVIOR")
PARSERS = Family("parser", "redgen.parsers", "PARSER")
READERS = Family("alert format", "redgen.readers", "READER")
DETECTORS = Family("detector", "redgen.detectors", "DETECTOR")
