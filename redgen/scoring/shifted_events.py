"""Campaigns moved to other lines of the same logs: would these alerts have named them there, too?

Every malicious line has a place among the benign lines of its source: how many of them precede it. A shift moves a
campaign by the same share of every source, in a circle, and puts each of its lines on the benign line at the new place.
Lines of a burst fall on the few benign lines of as long a time, so that the moved campaign is as dense in time as it
was. Alerts stay where they are. What they name among malicious lines plays no part: a detector that names these alone
finds nothing by chance, and one that names every line finds everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.matching.gather import Raised
from redgen.matching.joins import I64, Mask, any_of, count, equal, unique_pairs
from redgen.matching.match import FEW
from redgen.matching.resolve import References
from redgen.matching.tables import Tables
from redgen.seed import Seed

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """Benign lines of all sources, counted through, with the campaigns' lines among them and what alerts name.

    ``step``, ``base``, ``rank``, ``size``: a campaign's line each (its step; where its source begins, its place in it,
    the source's benign lines). ``alert``, ``place``: benign lines that alerts name. ``few``: the alerts for which one
    malicious line is enough; ``need``: how many it takes for the others.
    """

    total: int
    step: I64
    base: I64
    rank: I64
    size: I64
    alert: I64
    place: I64
    few: Mask
    need: F64

    def moved(self, share: F64, campaign: I64) -> I64:
        """Where each campaign line lies after its campaign (``campaign`` by step) is moved by its share of the log."""
        by = np.floor(share[campaign[self.step]] * self.size).astype(np.int64)
        return self.base + (self.rank + by) % self.size


def lines_of(raised: Raised, refs: References, tables: Tables, min_purity: float, seed: int) -> Lines:
    """Everything that shifts need, once."""
    source, position = tables.row_place()
    evil = tables.evil & (source >= 0)
    kept = [np.sort(position[evil & (source == s)]) for s in range(len(tables.files.sources))]
    size = np.maximum(tables.files.source_lines - np.array([len(k) for k in kept], dtype=np.int64), 0)
    base = np.cumsum(size) - size

    def rank_of(of: I64, at: I64) -> I64:
        found = at.copy()
        for s, own in enumerate(kept):
            here = of == s
            found[here] -= np.searchsorted(own, at[here], side="left")
        return found

    usable = np.flatnonzero(evil & (size[source] > 0))
    rank = rank_of(source[usable], position[usable])
    step, place = unique_pairs(tables.row_step[usable], base[source[usable]] + rank % size[source[usable]])
    home = np.searchsorted(base + size, place, side="right")
    near = rank_of(refs.benign_source, refs.benign_position)
    inside = near < size[refs.benign_source]
    far_alert, far_place = _adrift(raised, refs, tables, size, base, seed)
    alert, named = unique_pairs(np.concatenate([refs.benign_alert[inside], far_alert]),
                                np.concatenate([(base[refs.benign_source] + near)[inside], far_place]))
    return Lines(int(size.sum()), step, base[home], place - base[home], size[home], alert, named,
                 refs.size <= FEW, np.asarray(refs.size, dtype=np.float64) * min_purity)


def _adrift(raised: Raised, refs: References, tables: Tables, size: I64, base: I64, seed: int) -> tuple[I64, I64]:
    """Pairs (alert, place) for benign events whose line is not known: by their alert's time, each on a line of its own.

    The source is drawn from those in which the alert's rule named known lines, else from those it was run on, else from
    all by their lines.
    """
    if not len(refs.adrift_alert) or not size.sum():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    distinct, first, inverse = np.unique(refs.adrift_id, return_index=True, return_inverse=True)
    alert = refs.adrift_alert[first]
    cumulative = np.cumsum(_sources_of_rules(raised, refs, tables, size), axis=1)[raised.column("rule")[alert]]
    draw = Seed(seed).child("coincidence").uniform(np.arange(len(distinct), dtype=np.uint64), "source")
    source = np.minimum((draw[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1), len(size) - 1)
    ground = tables.ground
    share = np.clip((raised.column("t_first")[alert] - ground.start) / (ground.stop - ground.start), 0.0, 1.0 - 1e-12)
    place = np.zeros(len(distinct), dtype=np.int64)
    for s in np.unique(source):
        here = np.flatnonzero(source == s)
        here = here[np.argsort(share[here], kind="stable")]
        turn = np.arange(len(here))
        free = np.maximum.accumulate(np.floor(share[here] * size[s]).astype(np.int64) - turn) + turn
        place[here] = base[s] + free % max(int(size[s]), 1)
    return refs.adrift_alert, place[inverse]


def _sources_of_rules(raised: Raised, refs: References, tables: Tables, size: I64) -> F64:
    """(rules, sources): how likely an event of a rule is of a source."""
    sources, rule = tables.files.sources, raised.column("rule")
    row_source = tables.row_place()[0][refs.row]
    there = row_source >= 0
    width = len(sources)
    cell = np.concatenate([rule[refs.alert[there]] * width + row_source[there],
                           rule[refs.benign_alert] * width + refs.benign_source])
    found = count(cell, len(raised.rules) * width).reshape(-1, width).astype(np.float64)
    run_on = np.array([[s in r.sources for s in sources] for r in raised.rules], dtype=np.float64).reshape(-1, width)
    found = np.where(found.sum(axis=1, keepdims=True) > 0, found, run_on * size)
    found = np.where(found.sum(axis=1, keepdims=True) > 0, found, size.astype(np.float64))
    return np.asarray(found * (size > 0))


def always_hot(lines: Lines) -> Mask | None:
    """The lines on which any hit is a match; None when an alert names so many lines that hits must be counted."""
    if not lines.few[lines.alert].all():
        return None
    hot = np.zeros(lines.total, dtype=bool)
    hot[lines.place] = True
    return hot


def step_hits(lines: Lines, share: F64, tables: Tables, hot: Mask | None) -> Mask:
    """Which steps any alert matches after the shift."""
    at = lines.moved(share, tables.step_campaign)
    if hot is None:
        hot = np.zeros(lines.total, dtype=bool)
        hot[lines.place[_struck(lines, at)]] = True
    return any_of(lines.step, hot[at], len(tables.step_campaign))


def alert_hits(lines: Lines, share: F64, tables: Tables) -> I64:
    """How many alerts match each campaign after the shift."""
    at = lines.moved(share, tables.step_campaign)
    pairs = _struck(lines, at)
    left, right = equal(lines.place[pairs], at)
    campaign, _ = unique_pairs(tables.step_campaign[lines.step[right]], lines.alert[pairs][left])
    return count(campaign, tables.campaigns)


def _struck(lines: Lines, at: I64) -> Mask:
    """Which (alert, place) pairs match when the campaigns' lines lie ``at`` their new places."""
    taken = np.zeros(lines.total, dtype=bool)
    taken[at] = True
    struck = taken[lines.place]
    found = count(lines.alert[struck], len(lines.few))
    true = (found > 0) & (lines.few | (found >= lines.need))
    return np.asarray(struck & true[lines.alert])
