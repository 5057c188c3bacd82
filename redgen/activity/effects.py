"""What campaigns do to the world, as a timeline that benign activity reads: locks, resets, revocations, overload.

Effects are computed when campaigns are planned and never change afterwards, so reading them is a pure
function of (subject, time) and needs no memory of what any other slice of time drew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from redgen.compiled import kernel
from redgen.table import Table

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]
F8 = NDArray[np.float64]

EFFECT_KINDS = ("account_locked", "password_reset", "token_revoked", "overload")


@dataclass(frozen=True)
class Effect:
    """One lasting consequence of a campaign: ``kind`` holds for ``subject`` during [t0, t1).

    ``subject`` is a person, for ``overload`` a site. ``level`` is the offered load in multiples of capacity (overload
    only). ``truth`` is the truth code of the collateral cause, given to benign rows that the effect changes.
    """

    kind: str
    subject: int
    t0: int
    t1: int
    level: float = 1.0
    campaign_id: str = ""
    truth: int = 0


@dataclass(frozen=True)
class Timeline:
    """The effects of one kind as disjoint pieces sorted by (subject, start); readable from kernels.

    ``subject`` i8, ``t0`` and ``t1`` i8 (µs), ``level`` f8 (summed where effects overlap), ``code`` i4 (that of the
    effect with the highest level, the earliest among equals), all of one length.
    """

    subject: I8
    t0: I8
    t1: I8
    level: F8
    code: I4

    @classmethod
    def of(cls, effects: Sequence[Effect]) -> Timeline:
        """Cut overlapping effects on one subject into disjoint pieces."""
        pieces: list[tuple[int, int, int, float, int]] = []
        for who in sorted({e.subject for e in effects}):
            pieces += _pieces([e for e in effects if e.subject == who])
        subject, t0, t1 = (np.array([p[k] for p in pieces], dtype=np.int64) for k in range(3))
        level = np.array([p[3] for p in pieces], dtype=np.float64)
        return cls(subject, t0, t1, level, np.array([p[4] for p in pieces], dtype=np.int32))

    def at(self, subject: NDArray[np.integer], t: I8 | int) -> I8:
        """The piece that holds for each (subject, t), -1 where none does."""
        who = np.asarray(subject, dtype=np.int64)
        if not len(self.subject):
            return np.full(len(who), -1, dtype=np.int64)
        when = np.full(len(who), t, dtype=np.int64)
        found = np.empty(len(who), dtype=np.int64)
        _pieces_at(self.subject, self.t0, self.t1, who, when, found)
        return found

    def codes(self, subject: NDArray[np.integer], t: I8 | int) -> I4:
        """The truth code of the effect that holds for each (subject, t), 0 where none does."""
        piece = self.at(subject, t)
        return np.where(piece >= 0, np.append(self.code, 0)[piece], 0).astype(np.int32)


@dataclass(frozen=True)
class Effects:
    """Every effect of a dataset, by kind."""

    account_locked: Timeline
    password_reset: Timeline
    token_revoked: Timeline
    overload: Timeline

    @classmethod
    def of(cls, effects: Iterable[Effect] = ()) -> Effects:
        """The timelines of ``effects``; ValueError on a kind that is none of ``EFFECT_KINDS``."""
        listed = list(effects)
        for effect in listed:
            if effect.kind not in EFFECT_KINDS:
                raise ValueError(f"unknown effect {effect.kind!r}")
        return cls(*(Timeline.of([e for e in listed if e.kind == kind]) for kind in EFFECT_KINDS))

    def locked(self, person: NDArray[np.integer], t: I8 | int) -> I4:
        """Truth code of the lock that holds for each person at t, 0 when the account is open."""
        return self.account_locked.codes(person, t)

    def reset(self, person: NDArray[np.integer], t: I8 | int) -> I4:
        """Truth code of the hostile reset that holds (the owner's password fails until recovery), 0 when none."""
        return self.password_reset.codes(person, t)

    def revoked(self, person: NDArray[np.integer], t: I8 | int) -> I4:
        """Truth code of the revocation that holds (the owner's tokens fail), 0 when none."""
        return self.token_revoked.codes(person, t)

    def load(self, site: NDArray[np.integer], t: I8 | int) -> tuple[F8, I4]:
        """Offered load of each site at t in multiples of capacity (0 = nothing unusual), and its truth code."""
        piece = self.overload.at(site, t)
        level = np.where(piece >= 0, np.append(self.overload.level, 0.0)[piece], 0.0)
        code = np.where(piece >= 0, np.append(self.overload.code, 0)[piece], 0)
        return level, code.astype(np.int32)


def collateral(table: Table, changed: I4) -> Table:
    """``table`` with the truth of its benign rows set to ``changed`` where that is not 0."""
    if not changed.any():
        return table
    truth = table["truth"]
    return table.replace(truth=np.where(truth == 0, changed, truth))


def _pieces(effects: list[Effect]) -> list[tuple[int, int, int, float, int]]:
    """Disjoint (subject, t0, t1, level, code) of one subject's effects."""
    cuts = sorted({t for e in effects for t in (e.t0, e.t1)})
    found = []
    for start, stop in pairwise(cuts):
        holding = [e for e in effects if e.t0 <= start and e.t1 >= stop]
        if holding:
            first = min(holding, key=lambda e: (-e.level, e.t0, e.campaign_id, e.truth))
            found.append((first.subject, start, stop, sum(e.level for e in holding), first.truth))
    return found


@kernel()
def piece_at(subject, t0, t1, who, when):  # type: ignore[no-untyped-def]
    """For use inside kernels: the piece of a timeline that holds for (who, when), -1 when none does."""
    low, high = 0, subject.shape[0]
    while low < high:
        middle = (low + high) // 2
        if subject[middle] < who or (subject[middle] == who and t0[middle] <= when):
            low = middle + 1
        else:
            high = middle
    low -= 1
    return low if low >= 0 and subject[low] == who and when < t1[low] else -1


@kernel()
def _pieces_at(subject, t0, t1, who, when, found):  # type: ignore[no-untyped-def]
    for i in range(who.shape[0]):
        found[i] = piece_at(subject, t0, t1, who[i], when[i])
