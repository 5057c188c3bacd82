"""The ground truth as numbers: labelled lines, steps and files as columns that joins can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from redgen.ground import Extent, Ground
from redgen.matching.joins import I64, Mask

MALICIOUS, HARD_NEGATIVE, COLLATERAL = 0, 1, 2
KINDS = ("malicious", "hard_negative", "collateral")
SIDE_ROLES = frozenset({"decoy", "optional"})
"""Roles of steps whose detection alone does not detect a campaign."""


@dataclass(frozen=True)
class Files:
    """Log files by number, their records counted through each source.

    ``source``: number of each file's source. ``first``: where its records begin in the source; ``lines``: how many
    (-1: not known); ``head``: lines before them. ``source_lines``: records of each source.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    source: I64
    first: I64
    lines: I64
    head: I64
    source_lines: I64

    def place(self, file: I64, line: I64) -> tuple[I64, I64]:
        """Source and position in it (from 0 over all its files) of lines; -1 where there is no such record."""
        if not self.names:
            return np.full(len(file), -1, dtype=np.int64), np.full(len(file), -1, dtype=np.int64)
        position = self.first[file] + line - self.head[file] - 1
        known = self.exist(file, line) & (position < self.source_lines[self.source[file]])
        return np.where(known, self.source[file], -1), np.where(known, position, -1)

    def exist(self, file: I64, line: I64) -> Mask:
        """Whether the file is of the dataset and has such a record, as far as its length is known."""
        if not self.names:
            return np.zeros(len(file), dtype=bool)
        record, lines = line - self.head[file] - 1, self.lines[file]
        return np.asarray((file >= 0) & (record >= 0) & ((lines < 0) | (record < lines)))


@dataclass(frozen=True)
class Tables:
    """The truth as columns.

    ``row_*``: labelled lines (``step``, ``noise``: -1 for none). ``step_*``: the steps of all campaigns in order;
    ``step_core``: those that count.
    """

    ground: Ground
    files: Files
    row_file: I64
    row_line: I64
    row_t: I64
    row_kind: I64
    row_step: I64
    row_noise: I64
    step_campaign: I64
    step_t0: I64
    step_t1: I64
    step_core: Mask

    @cached_property
    def step_events(self) -> I64:
        """Malicious lines of each step, as labelled."""
        evil = self.row_step[self.row_step >= 0]
        return np.bincount(evil, minlength=len(self.step_campaign)).astype(np.int64)

    @cached_property
    def evil(self) -> Mask:
        """Which labelled lines are malicious lines of a known step."""
        return np.asarray(self.row_step >= 0)

    @property
    def campaigns(self) -> int:
        """How many campaigns there are."""
        return len(self.ground.campaigns)

    def row_place(self) -> tuple[I64, I64]:
        """Source and position of every labelled line."""
        return self.files.place(self.row_file, self.row_line)

    def rows_at(self, file: I64, line: I64) -> I64:
        """The labelled row at each place, -1 where the line has no label."""
        own, order = self._by_place
        if not len(own):
            return np.full(len(file), -1, dtype=np.int64)
        key = file * WIDTH + line
        at = np.minimum(np.searchsorted(own, key), len(own) - 1)
        return np.where((own[at] == key) & (file >= 0), order[at], -1).astype(np.int64)

    @cached_property
    def _by_place(self) -> tuple[I64, I64]:
        key = self.row_file * WIDTH + self.row_line
        order = np.argsort(key, kind="stable").astype(np.int64)
        return key[order], order


WIDTH = 2**40
"""More lines than any file has; file · WIDTH + line is a key of a place."""


def tables_of(ground: Ground) -> Tables:
    """The columns of ``ground``."""
    labels = ground.labels
    files = _files(ground)
    campaign_of = {c.campaign_id: k for k, c in enumerate(ground.campaigns)}
    names, owner, t0, t1, core = [], [], [], [], []
    for campaign in ground.campaigns:
        for step in campaign.steps:
            names.append((campaign.campaign_id, step.step_id))
            owner.append(campaign_of[campaign.campaign_id])
            t0.append(step.t0)
            t1.append(step.t1)
            core.append(step.role not in SIDE_ROLES or all(s.role in SIDE_ROLES for s in campaign.steps))
    kind = pd.Index(KINDS).get_indexer(labels["label"].astype("str"))
    number = np.where(kind == MALICIOUS, _numbers(labels, names), -1)
    noise = pd.Index([h.noise_id for h in ground.hard_negatives], dtype="str").get_indexer(
        labels["noise_id"].astype("str"))
    return Tables(
        ground, files, _index(files.names).get_indexer(labels["file"].astype("str")).astype(np.int64),
        _whole(labels["line"]), _whole(labels["t"]), kind.astype(np.int64), number.astype(np.int64),
        np.where(kind == HARD_NEGATIVE, noise, -1).astype(np.int64), _array(owner), _array(t0), _array(t1),
        np.array(core, dtype=bool))


def _numbers(labels: pd.DataFrame, names: Sequence[tuple[str, str]]) -> NDArray[np.intp]:
    """The number of each line's step; labels repeat few names, so pairs of codes are looked up once."""
    campaigns, campaign_names = pd.factorize(labels["campaign_id"].astype("str"))
    steps, step_names = pd.factorize(labels["step_id"].astype("str"))
    number = {name: k for k, name in enumerate(names)}
    pair = campaigns.astype(np.int64) * max(1, len(step_names)) + steps
    distinct, inverse = np.unique(pair, return_inverse=True)
    width = max(1, len(step_names))
    left, right = campaign_names.tolist(), step_names.tolist()
    found = [number.get((left[p // width], right[p % width]), -1) for p in distinct.tolist()]
    return np.array(found, dtype=np.intp)[inverse] if found else np.zeros(0, dtype=np.intp)


def _files(ground: Ground) -> Files:
    """The files as the truth lists them; others are as long as their source, or not of a known length."""
    listed, pairs = list(ground.files), ground.labels[["source", "file"]].drop_duplicates().astype("str")
    others = sorted({(s, f) for s, f in pairs.itertuples(index=False)} - {(e.source, e.name) for e in listed})
    alone = [s for s, _ in others]
    last = ground.labels.groupby("file", observed=True)["line"].max() if others else {}
    sure = [True] * len(listed)
    for source, file in others:
        whole = alone.count(source) == 1 and source in ground.lines and source not in {e.source for e in ground.files}
        listed.append(Extent(file, source, ground.lines[source] if whole else int(last[file])))
        sure.append(whole)
    sources = sorted({e.source for e in listed} | set(ground.lines))
    filled, first = dict.fromkeys(sources, 0), []
    for extent in listed:
        first.append(filled[extent.source])
        filled[extent.source] += extent.lines
    return Files(
        tuple(e.name for e in listed), tuple(sources), _array([sources.index(e.source) for e in listed]),
        _array(first), _array([e.lines if s else -1 for e, s in zip(listed, sure, strict=True)]),
        _array([e.head_lines for e in listed]), _array([max(filled[s], ground.lines.get(s, 0)) for s in sources]))


def _array(values: Sequence[int]) -> I64:
    return np.array(values, dtype=np.int64)


def _index(names: Sequence[str]) -> pd.Index:
    return pd.Index(list(names), dtype="str")


def _whole(column: pd.Series) -> I64:
    return np.asarray(column.to_numpy(dtype=np.int64))
