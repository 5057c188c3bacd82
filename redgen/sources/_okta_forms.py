"""Okta's events as texts: product wording filled with what an org fixes, and which act gives which events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import terms
from redgen.clock import MILLISECOND
from redgen.spec.syntax import own_yaml

_WORD = re.compile(r"<(\w+)>")
_NAMED = ("actor", "client", "device", "security", "session", "ip_chain", "tx", "detail")
_QUOTED = ("provider", "credential_provider", "reason", "legacy")


@dataclass(frozen=True)
class Catalog:
    """Every event that one pair of orgs can log, and the chains that activity rows set off.

    ``texts``: one JSON text with holes per event. ``start`` and ``count`` say, per (org, op, result, whether by an
    administrator or with a factor to follow, whether suspicious), which stretch of ``chain`` a row gives; ``delay``,
    ``spread`` (µs), ``from_start`` and ``tx`` (which request of the row it was) belong to events.
    """

    texts: tuple[str, ...]
    start: NDArray[np.int32]
    count: NDArray[np.int32]
    chain: NDArray[np.int16]
    delay: NDArray[np.int64]
    spread: NDArray[np.uint64]
    from_start: NDArray[np.bool_]
    tx: NDArray[np.uint64]
    live: NDArray[np.bool_]


@cache
def wording() -> Mapping[str, Any]:
    """The YAML of forms."""
    text = files("redgen.sources").joinpath("data/okta_events.yaml").read_text(encoding="utf-8")
    return own_yaml(text)  # type: ignore[no-any-return]


def catalog(constants: Mapping[str, Mapping[str, str]]) -> Catalog:
    """The catalog for orgs whose fixed words are ``constants[org]``."""
    doc = wording()
    index: dict[tuple[str, str], int] = {}
    texts: list[str] = []
    chain: list[int] = []
    shape = (len(terms.ORGS), len(terms.AUTH_OPS), len(terms.AUTH_RESULTS), 2, 2)
    start, count = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    for at in np.ndindex(shape):
        org = terms.ORGS[at[0]]
        op, result = doc["chains"][org][terms.AUTH_OPS[at[1]]], terms.AUTH_RESULTS[at[2]]
        suspected = op.get("suspected", ()) if at[4] and result != "rate_limited" else ()
        if isinstance(suspected, Mapping):
            suspected = suspected.get(result, ())
        names = [*suspected, *_chain(op, result, other=bool(at[3]))]
        start[at], count[at] = len(chain), len(names)
        for name in names:
            if (org, name) not in index:
                index[org, name] = len(texts)
                texts.append(event_text(name, org, constants[org]))
            chain.append(index[org, name])
    events = [doc["events"][name] for _, name in index]
    at_ms = np.array([event.get("at", (0, 1)) for event in events], dtype=np.int64) * MILLISECOND
    return Catalog(
        tuple(texts), start.reshape(-1), count.reshape(-1), np.array(chain, dtype=np.int16),
        at_ms[:, 0], at_ms[:, 1].astype(np.uint64),
        np.array([event.get("from") == "start" for event in events]),
        np.array([event.get("request", 0) for event in events], dtype=np.uint64),
        np.array([event.get("session") == "live" for event in events]),
    )


def _chain(op: Mapping[str, list[str]], result: str, *, other: bool) -> Sequence[str]:
    if other and "by_admin" in op:
        return op["by_admin"]
    if other and result == "ok" and "challenged" in op:
        return op["challenged"]
    return op.get(result, op.get("other", ()))


def event_text(name: str, org: str, constants: Mapping[str, str]) -> str:
    """The whole LogEvent ``name`` of ``org`` as JSON text with holes."""
    doc = wording()
    event: dict[str, Any] = {"severity": "INFO", "transaction": "WEB", "evaluated": "AUTHENTICATED"}
    event |= doc["events"][name]
    words = dict(constants)
    for part in _NAMED:
        options = doc["parts"][part]
        words[part] = options[event.get(part, org if org in options else next(iter(options)))]
    words |= {key: str(event[key]) for key in ("message", "type", "result", "severity", "transaction", "evaluated")}
    words |= {key: json.dumps(event.get(key)) for key in _QUOTED}
    words["credential_type"] = event.get("credential_type", "null")
    words["client_id"] = json.dumps(constants[event["client_id"]] if "client_id" in event else None)
    words["debug"] = _debug(event, words)
    targets = event.get("target")
    words["targets"] = "null" if targets is None else f"[{','.join(doc['targets'][t] for t in targets)}]"
    text = _fill(doc["record"], words)
    for alias, longer in doc["aliases"].items():
        text = text.replace(f"@{{{alias}}}", _fill(longer, words))
    return text


def _debug(event: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The inside of debugData: the event's groups, its own keys and its request, in alphabetical order."""
    doc = wording()
    found: dict[str, str] = {}
    for group in event["debug"]:
        found |= doc["debug"][group]
    found |= event.get("more", {})
    if event["transaction"] == "WEB":
        uri = str(event["uri"])
        found |= {"requestId": words["tx"], "requestUri": uri, "url": f"{uri}?"}
    return ",".join(f'"{key}":"{found[key]}"' for key in sorted(found))


def _fill(text: str, words: Mapping[str, str]) -> str:
    """``text`` with every <word> filled, words within words too."""
    while _WORD.search(text):
        text = _WORD.sub(lambda m: words[m[1]], text)
    return text
