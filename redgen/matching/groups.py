"""Alert groups, the unit of burden: what one rule says of one entity without a longer pause is looked at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redgen.alert import ENTITIES
from redgen.matching.gather import Raised
from redgen.matching.joins import I64, Mask, any_of, count, least
from redgen.matching.match import Matches


@dataclass(frozen=True)
class Groups:
    """``of``: the group of each alert. Per group: its rule, when it began, its alerts, whether any of them is true.

    ``cause``: of a false group, the greatest cause of its alerts by number, so a hard negative before others.
    """

    of: I64
    rule: I64
    t: I64
    alerts: I64
    true: Mask
    cause: I64


def group(raised: Raised, matches: Matches, gap: int) -> Groups:
    """Alerts of one rule and one entity whose pauses are no longer than the rule's window, or ``gap`` when it has none.

    The entity is the first that an alert names, types in the order of ``redgen.alert.ENTITIES`` and others after those;
    an alert without any is a group of its own. True alerts and false ones are never in one group: a true alert about a
    busy host does not excuse a day of false ones.
    """
    n = len(raised)
    rule, first, last = raised.column("rule"), raised.column("t_first"), raised.column("t_last")
    start, stop = np.minimum(first, last), np.maximum(first, last)
    key = (rule * (n + 1) + _entity(raised)) * 2 + matches.true
    order = np.lexsort((stop, start, key))
    key, start, stop = key[order], start[order], stop[order]
    until = pd.Series(stop).groupby(key).cummax().to_numpy(dtype=np.int64)
    spans = raised.spans()[order]
    pause = np.where(spans > 0, spans, gap)
    begins = np.ones(n, dtype=bool)
    begins[1:] = (key[1:] != key[:-1]) | (start[1:] > until[:-1] + pause[1:])
    of = np.empty(n, dtype=np.int64)
    of[order] = np.cumsum(begins) - 1
    size = int(begins.sum())
    cause = np.zeros(size, dtype=np.int64)
    np.maximum.at(cause, of, matches.cause)
    return Groups(of, rule[order][begins], least(of, raised.column("t"), size, np.iinfo(np.int64).max),
                  count(of, size), any_of(of, matches.true, size), cause)


def _entity(raised: Raised) -> I64:
    """What each alert is grouped by, as a number up to the alerts' count: its entity, or itself when it has none."""
    entities = raised.entities[raised.entities["value"] != ""]
    n = len(raised)
    if entities.empty:
        return np.arange(n, dtype=np.int64)
    kinds, names = pd.factorize(entities["type"])
    rank = np.array([ENTITIES.index(k) if k in ENTITIES else len(ENTITIES) for k in names], dtype=np.int64)[kinds]
    values, distinct = pd.factorize(entities["value"])
    alert = entities["alert"].to_numpy(dtype=np.int64)
    order = np.lexsort((rank, alert))  # stable: of several values of one type the first named stays first
    of, first = np.unique(alert[order], return_index=True)
    chosen = order[first]
    whole = -1 - np.arange(n, dtype=np.int64)
    whole[of] = rank[chosen] * (len(distinct) + 1) + values[chosen]
    return np.unique(whole, return_inverse=True)[1].astype(np.int64)
