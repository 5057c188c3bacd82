"""Why a line is there: made again from the dataset's own plan, with the row behind it and its sibling lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redgen.clock import MINUTE, SECOND, iso
from redgen.dataset.dataset import Dataset, LogFile
from redgen.dataset.origin import Row, describe
from redgen.errors import DataError
from redgen.shards.inputs import Request
from redgen.shards.plan import Plan, make_plan
from redgen.shards.shard import Lines, lookback, observe_shard
from redgen.table import Table

AROUND = 15 * MINUTE
"""Siblings are looked for among what was written this long before and after."""
SHOWN = 3
"""Siblings shown per source, the nearest in time."""


@dataclass(frozen=True)
class Sibling:
    """Another line of the same cause: ``place`` is FILE:LINE."""

    place: str
    text: str


@dataclass(frozen=True)
class Explanation:
    """All there is to say about one line; ``facts`` are (what, words) pairs in the order to show them."""

    text: str
    facts: list[tuple[str, str]]
    kinship: str
    siblings: list[Sibling]
    more: int


@dataclass(frozen=True)
class _Made:
    """Lines of one source made again: ``first`` is the ordinal, among all of the source's lines, of the first one."""

    name: str
    first: int
    lines: Lines


def explain(dataset: Dataset, place: str) -> Explanation:
    """The explanation of ``LOGFILE:LINE``; DataError when there is no such line or the dataset is another version's."""
    file, number = _place(dataset, place)
    text = file.line(number)
    plan = make_plan(Request(str(dataset.path / "scenario.yaml"), (), dataset.manifest["scenario"]["clean"]))
    if plan.identity != dataset.manifest["identity"]:
        raise DataError(f"{dataset.path} was made by redgen {dataset.manifest['redgen']}, or its files were changed; "
                        "its lines cannot be made again")
    ordinal = sum(f.lines for f in dataset.files(file.source) if f.number < file.number) + number - file.head_lines - 1
    step, _ = _step_of(dataset, file.source, ordinal)
    around = -(-AROUND // plan.work.layout.bin)
    a, b = _span(plan, max(step - around, 0), step + around + 1)
    made = {m.name: m for m in _again(dataset, plan, a, b)}
    mine = made[file.source]
    at = ordinal - mine.first
    happened = plan.work.happenings.between(a, b, lookback(plan.work.outlets))
    row = _row(happened, mine.lines.records["id"][at])
    facts = [("line", f"{file.name}:{number}"),
             ("time", f"{iso(int(mine.lines.records['t'][at]))}, written {iso(int(mine.lines.written[at]))}"),
             *describe(plan, row, int(mine.lines.codes[at]))]
    kin, kinship = _kin(happened, row)
    siblings, more = _siblings(dataset, made, kin, (file.source, at))
    return Explanation(text, facts, kinship, siblings, more)


def _place(dataset: Dataset, place: str) -> tuple[LogFile, int]:
    name, _, number = place.rpartition(":")
    if not name or not number.isdigit() or int(number) < 1:
        raise DataError(f"{place!r} is no LOGFILE:LINE; write for example {dataset.files()[0].name}:1")
    wanted = Path(name)
    for file in dataset.files():
        if name in (file.name, file.path.name) or wanted.absolute() == file.path:
            if int(number) <= file.head_lines:
                raise DataError(f"{place} is part of the file's header, not a record")
            if int(number) > file.head_lines + file.lines:
                raise DataError(f"{file.name} has {file.head_lines + file.lines:,} lines of records and header; "
                                f"there is no record in line {number}")
            return file, int(number)
    raise DataError(f"this dataset has no log file {name!r}; its files are logs/<source>/<source>.<n>.…")


def _step_of(dataset: Dataset, source: str, ordinal: int) -> tuple[int, int]:
    """The timeline step that holds a source's ``ordinal``-th line, and how many lines come before that step."""
    upto = np.cumsum(dataset.manifest["timeline"]["lines"][source])
    step = int(np.searchsorted(upto, ordinal, side="right"))
    return step, int(upto[step - 1]) if step else 0


def _span(plan: Plan, first: int, stop: int) -> tuple[int, int]:
    """The write times of timeline steps [first, stop)."""
    layout = plan.work.layout
    return (layout.window.start + first * layout.bin,
            min(layout.window.start + stop * layout.bin, layout.window.stop))


def _again(dataset: Dataset, plan: Plan, a: int, b: int) -> Iterator[_Made]:
    """Every source's lines written in [a, b), which are borders of timeline steps."""
    layout, shard = plan.work.layout.alone(a, b)
    first = (a - layout.window.start) // layout.bin
    for outlet, lines, _ in observe_shard(replace(plan.work, layout=layout), shard):
        before = sum(dataset.manifest["timeline"]["lines"][outlet.name][:first])
        yield _Made(outlet.name, before, lines)


def _row(happened: dict[str, Table], row_id: np.uint64) -> Row:
    for kind, table in happened.items():
        found = np.flatnonzero(table["id"] == row_id)
        if len(found):
            return Row(kind, table.take(found[:1]))
    raise DataError("the row behind this line cannot be found")


def _kin(happened: dict[str, Table], row: Row) -> tuple[NDArray[np.uint64], str]:
    """Ids of all rows with the same cause, the same party's and the nearest in time first, and how many there are."""
    cause, t, party = row.table["cause"][0], int(row.table["t"][0]), row.party[0]
    ids, away, foreign = [], [], []
    for kind, table in happened.items():
        some = np.flatnonzero(table["cause"] == cause)
        ids.append(table["id"][some])
        away.append(np.abs(table["t"][some] - t))
        foreign.append(Row(kind, table).party[some] != party)
    order = np.lexsort((np.concatenate(away), np.concatenate(foreign)))
    within = int((np.concatenate(away) < SECOND).sum())
    kinship = f"{len(order):,} activities of the same cause around it, {within:,} of them within a second"
    return np.concatenate(ids)[order], kinship


def _siblings(dataset: Dataset, made: dict[str, _Made], kin: NDArray[np.uint64],
              mine: tuple[str, int]) -> tuple[list[Sibling], int]:
    """The nearest lines of every source that the rows ``kin`` gave, and how many more there are."""
    rank = {int(k): i for i, k in enumerate(kin.tolist())}
    shown, total = [], 0
    for name, one in made.items():
        hits = np.flatnonzero(np.isin(one.lines.records["id"], kin))
        hits = hits[(hits != mine[1]) | (name != mine[0])]
        total += len(hits)
        near = sorted(hits.tolist(), key=lambda k: rank[int(one.lines.records["id"][k])])[:SHOWN]
        shown += [_sibling(dataset, name, one.first + k) for k in sorted(near)]
    return shown, total - len(shown)


def _sibling(dataset: Dataset, source: str, ordinal: int) -> Sibling:
    for file in dataset.files(source):
        if ordinal < file.lines:
            line = file.head_lines + ordinal + 1
            return Sibling(f"{file.name}:{line}", file.line(line))
        ordinal -= file.lines
    raise DataError(f"{source} has fewer lines than its manifest says")


