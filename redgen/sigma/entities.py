"""Whom an alert is about: which fields name entities, and of which type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FIELDS = Path(__file__).with_name("entities.yaml")


@cache
def _table() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(FIELDS.read_text(encoding="utf-8"))
    return loaded


def fields_of_source(source: str) -> Mapping[str, str]:
    """Field -> entity type, read from the events of a log source; for an unknown one, every field known anywhere.

    >>> fields_of_source("zeek_dns")["query"]
    'domain'
    """
    table = _table()
    found: Mapping[str, str] = table["sources"].get(source) or table["fields"]
    return found


@cache
def type_of(field: str) -> str:
    """The type of entity that a group-by field names, in any case; empty when none is known.

    >>> type_of("SourceIPAddress"), type_of("eventName")
    ('ip', '')
    """
    return _folded().get(field.casefold(), "")


@cache
def _folded() -> Mapping[str, str]:
    table = _table()
    pairs = [*table["fields"].items(), *(p for s in table["sources"].values() for p in s.items())]
    return {name.casefold(): kind for name, kind in pairs}
