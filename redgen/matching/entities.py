"""Alerts that name no events, matched by whom they name and when: entity and window.

An entity counts only where it is specific: an office's one address or a web server's name is in every alert, attack or
not. With an index of the logs that is measured; without one, types of entity that many share are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redgen.alert import Diagnostic
from redgen.clock import SECOND
from redgen.matching.gather import Raised
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask, equal, overlapping, unique_pairs, within
from redgen.matching.tables import Tables

SPECIFIC = 0.05
"""Least share of an entity's events in a step's window that are the attack's (docs/scoring.md)."""

LIFT = 10.0
"""Or this many times the share of the attack's events among all events in that window."""

SLACK = SECOND
"""Products cut times to whole seconds: an alert may seem to end just before the event that it is about."""

SAME = {"account": "user", "principal": "user"}
"""Products' words for who acts, which truth and alerts need not choose alike."""

SHARED = frozenset({"host", "site", "domain", "ua"})
"""Types of entity that benign events share; not trusted unless an index shows that they are specific."""


@dataclass(frozen=True)
class Named:
    """Entities that alerts name, as numbers: one row per alert and value. ``names``: (type, value) by number."""

    alert: I64
    value: I64
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cast:
    """Entities of campaigns (or hard negatives) that alerts name: ``owner``, ``value`` and whether to trust it."""

    owner: I64
    value: I64
    trusted: Mask


@dataclass(frozen=True)
class Staged:
    """Steps with entities that count: one row per step and value, and what had to be assumed to say so."""

    step: I64
    value: I64
    diagnostics: tuple[Diagnostic, ...] = ()


def kind_of(word: str) -> str:
    """The type of entity under its one name."""
    low = word.strip().lower()
    return SAME.get(low, low)


def named(raised: Raised, wanted: Mask) -> Named:
    """The entities of the alerts that are ``wanted``, blank values left out, upper case and lower alike."""
    entities = raised.entities
    alert = entities["alert"].to_numpy(dtype=np.int64)
    keep = wanted[alert] & (entities["value"] != "").to_numpy(dtype=bool)
    entities = entities[keep]
    kinds, kind_names = pd.factorize(entities["type"])
    values, value_names = pd.factorize(entities["value"].str.lower())
    same, same_names = pd.factorize(pd.Series([kind_of(str(k)) for k in kind_names], dtype="str"))
    kind = same[kinds].astype(np.int64) if len(kinds) else kinds.astype(np.int64)
    both, number = np.unique(kind * max(1, len(value_names)) + values, return_inverse=True)
    width = max(1, len(value_names))
    kinds_said, values_said = same_names.tolist(), value_names.tolist()
    names = tuple((kinds_said[b // width], values_said[b % width]) for b in both.tolist())
    one, two = unique_pairs(alert[keep], number.astype(np.int64))
    return Named(one, two, names)


def cast(owners: Iterable[Mapping[str, Mapping[str, Sequence[str]]]], names: Sequence[tuple[str, str]]) -> Cast:
    """The entities of each owner, given by role, that are among ``names``; attackers' and people's are trusted."""
    number = {name: k for k, name in enumerate(names)}
    found: dict[tuple[int, int], bool] = {}
    for k, roles in enumerate(owners):
        for kinds in roles.values():
            for word, values in kinds.items():
                kind = kind_of(word)
                for value in values:
                    at = number.get((kind, value.lower()))
                    if at is not None:
                        found[k, at] = kind not in SHARED
    pairs = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return Cast(pairs[:, 0], pairs[:, 1], np.array([found[a, b] for a, b in pairs.tolist()], dtype=bool))


def staged(tables: Tables, who: Named, horizon: int, index: LogIndex | None) -> Staged:
    """For every step the entities, among those that alerts name, by which it may be recognized."""
    owners = cast([c.entities for c in tables.ground.campaigns], who.names)
    step, row = equal(tables.step_campaign, owners.owner)
    value, trusted = owners.value[row], owners.trusted[row]
    if index is None:
        notes = (Diagnostic(
            "NO_ENTITY_INDEX", "the logs were not at hand, so whether an entity is shared was judged by its type: "
            f"{', '.join(sorted(SHARED))} do not count", len(step), "info"),) if len(step) else ()
        return Staged(step[trusted], value[trusted], notes)
    counted, specific = _specific(tables, who, step, value, horizon, index)
    keep = np.where(counted, specific, trusted)
    return Staged(step[keep], value[keep])


def _specific(tables: Tables, who: Named, step: I64, value: I64, horizon: int, index: LogIndex) -> tuple[Mask, Mask]:
    """Whether the index has events of each (step, value) in the step's window, and whether enough are the attack's."""
    places = _places(who, np.unique(value), index)
    t = places["t"].to_numpy(dtype=np.int64)
    of = places["value"].to_numpy(dtype=np.int64)
    file = pd.Index(tables.files.names, dtype="str").get_indexer(places["file"].astype("str")).astype(np.int64)
    at = tables.rows_at(file, places["line"].to_numpy(dtype=np.int64))
    evil = np.where(at >= 0, tables.row_step[at], -1)
    campaign = np.where(evil >= 0, tables.step_campaign[evil], -1)
    start, stop = tables.step_t0[step] - SLACK, tables.step_t1[step] + horizon
    every = within(value, start, stop, of, t)
    hit = campaign >= 0
    width = tables.campaigns + 1
    own = within(value * width + tables.step_campaign[step], start, stop, of[hit] * width + campaign[hit], t[hit])
    ground = tables.ground
    length = np.minimum(stop, ground.stop) - np.maximum(start, ground.start)
    lines = np.maximum(sum(ground.lines.values()) * length / (ground.stop - ground.start), 1.0)
    share = np.divide(own, every, out=np.zeros(len(every)), where=every > 0)
    prior = np.maximum(tables.step_events[step] / lines, 1e-12)
    return every > 0, (share >= SPECIFIC) | ((own > 0) & (share / prior >= LIFT))


def _places(who: Named, values: I64, index: LogIndex) -> pd.DataFrame:
    """Where the values stand in the logs, ``value`` numbered as in ``who``."""
    by_kind: dict[str, list[int]] = {}
    for k in values.tolist():
        by_kind.setdefault(who.names[k][0], []).append(k)
    parts = [pd.DataFrame({"value": pd.Series(dtype="int64"), "file": pd.Series(dtype="str"),
                           "line": pd.Series(dtype="int64"), "t": pd.Series(dtype="int64")})]
    for kind, numbers in by_kind.items():
        for word in (kind, *(w for w, same in SAME.items() if same == kind)):
            found = index.entity(word, [who.names[k][1] for k in numbers])
            if found is not None and len(found):
                asked = np.array(numbers, dtype=np.int64)
                parts.append(found.assign(value=asked[found["value"].to_numpy(dtype=np.int64)]))
    return pd.concat(parts, ignore_index=True)


def windows(raised: Raised, horizon: int) -> tuple[I64, I64]:
    """Of each alert, the interval that must touch a step: from one horizon before its first event to its last.

    The horizon is the window of its rule, or ``horizon`` when that is longer: an alert may speak of what came before.
    """
    first, last = raised.column("t_first"), raised.column("t_last")
    post = np.maximum(raised.spans(), horizon)
    return np.minimum(first, last) - post - SLACK, np.maximum(first, last) + SLACK


def match_entities(who: Named, wide: tuple[I64, I64], owner: I64, value: I64, t0: I64,
                   t1: I64) -> tuple[I64, I64]:
    """Pairs (alert, owner) that share a value and a moment; ``owner``, ``value``, ``t0``, ``t1`` row by row."""
    row, other = overlapping(value, t0, t1, who.value, wide[0][who.alert], wide[1][who.alert])
    return unique_pairs(who.alert[other], owner[row])
