"""Which log sources a rule is about, and what its field names are called in each.

The tables are YAML files beside this module, one per kind of source: ``source`` says which it speaks of (by the keys
that a source declares for Sigma), ``serves`` what rules may call it, ``fields`` a rule's name -> the source's names,
likeliest first, and ``format`` which fields the product's format has, whether or not some records show them. A source
without a table is found by its own keys, and its fields by their own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

KEYS = ("product", "category", "service")
_TABLES = Path(__file__).parent / "data"

Keys = Mapping[str, Any]
"""Sigma's ``logsource``: product, category, service, each a word or missing; other keys say nothing here."""


def route(logsource: Keys, sources: Mapping[str, Keys]) -> tuple[str, ...]:
    """The sources that a rule with this ``logsource`` is for, in their order; none: the rule cannot be tested.

    A source serves a rule when it answers to every key that the rule names.

    >>> route({"category": "dns"}, {"zeek_dns": {"product": "zeek", "service": "dns"}, "x": {"product": "okta"}})
    ('zeek_dns',)
    """
    wanted = _words(logsource)
    return tuple(name for name, keys in sources.items()
                 if all(word in _served(keys, key) for key, word in wanted.items()))


def reason(logsource: Keys, sources: Mapping[str, Keys]) -> str:
    """Why ``route`` found nothing, and what there is.

    >>> reason({"product": "windows"}, {"dns": {"product": "zeek", "service": "dns"}})
    'no log source here is product: windows; there are dns (product: zeek, service: dns)'
    """
    there = ", ".join(f"{name} ({_shown(keys) or 'unknown'})" for name, keys in sources.items())
    return f"no log source here is {_shown(logsource) or 'named'}; there are {there or 'none'}"


def aliases(keys: Keys) -> Mapping[str, tuple[str, ...]]:
    """Names that rules use -> a source's own names for the same, for the source that declares ``keys``."""
    found: dict[str, tuple[str, ...]] = {}
    for table in _about(keys):
        for name, own in table.get("fields", {}).items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *own)))
    return found


def in_format(keys: Keys, field: str) -> bool:
    """Whether the product's format has the field (or one it stands for), be it in these records or not.

    A rule about such a field was tested though no record shows it: the request it looks for was not made.

    >>> cloudtrail = {"product": "aws", "service": "cloudtrail"}
    >>> in_format(cloudtrail, "requestParameters.publiclyAccessible"), in_format(cloudtrail, "CommandLine")
    (True, False)
    """
    for table in _about(keys):
        known = table.get("format", {})
        names = {name.lower() for name in known.get("names", ())}
        for name in (field, *table.get("fields", {}).get(field, ())):
            parts = name.lower().split(".")
            below = {part.lower() for part in known.get("below", ())}
            if name.lower() in names or parts[0] in below:
                return True
    return False


def _words(keys: Keys) -> dict[str, str]:
    return {key: str(keys[key]).lower() for key in KEYS if keys.get(key)}


def _shown(keys: Keys) -> str:
    return ", ".join(f"{key}: {keys[key]}" for key in KEYS if keys.get(key))


def _served(keys: Keys, key: str) -> set[str]:
    """The words under which a source answers for one of the keys: its own, and those of the tables about it."""
    own = _words(keys).get(key)
    words = {own} if own else set()
    return words.union(*(table.get("serves", {}).get(key, ()) for table in _about(keys)))


def _about(keys: Keys) -> Iterator[Mapping[str, Any]]:
    """The tables that speak of a source: those all of whose keys it has, the most particular first."""
    own = _words(keys)
    found = [table for table in _tables() if table["source"].items() <= own.items()]
    return iter(sorted(found, key=lambda table: -len(table["source"])))


@cache
def _tables() -> tuple[Mapping[str, Any], ...]:
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(_TABLES.glob("*.yaml")))
