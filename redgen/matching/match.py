"""Which alert caught which step: by the events it names, else by entity and time; and what every other alert was.

An alert with usable references is judged by them alone. It is true when it names malicious lines and they are not lost
among others (purity); an alert without is true when it names a specific entity of a step at the step's time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from redgen.alert import Diagnostic
from redgen.clock import SECOND
from redgen.matching.entities import Named, Staged, cast, match_entities, named, staged, windows
from redgen.matching.gather import Raised
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask, any_of, count, least
from redgen.matching.resolve import References
from redgen.matching.tables import COLLATERAL, HARD_NEGATIVE, Tables
from redgen.scorecard import Settings

FEW = 10
"""An alert that names at most so many events is true when any of them is malicious (docs/scoring.md)."""

EVENT, ENTITY = 0, 1
LEVELS = ("L0", "L1")
NEVER = np.iinfo(np.int64).max
TRUE = -1
BACKGROUND, COLLATERAL_CAUSE, DILUTED, UNATTRIBUTABLE = "background", "collateral", "diluted", "unattributable"
CAUSES = (BACKGROUND, COLLATERAL_CAUSE, DILUTED, UNATTRIBUTABLE)


@dataclass(frozen=True)
class Matches:
    """Pairs of alerts and steps, and the verdict on every alert.

    ``alert``, ``step``, ``level`` (EVENT or ENTITY) and ``t``, when the alert told of the step, one row per pair that
    counts. ``cause``: per alert TRUE or the number of why it is false, in ``causes``; ``true`` and ``hard`` as masks.
    """

    alert: I64
    step: I64
    level: I64
    t: I64
    cause: I64
    causes: tuple[str, ...]
    who: Named
    staged: Staged
    diagnostics: tuple[Diagnostic, ...]

    @property
    def true(self) -> Mask:
        """Which alerts are true."""
        return np.asarray(self.cause == TRUE)

    @property
    def hard(self) -> Mask:
        """Which alerts are false because of a hard negative."""
        return np.asarray(self.cause >= len(CAUSES))

    def caused_by(self, cause: str) -> Mask:
        """Which alerts are false for one reason."""
        return np.asarray(self.cause == self.causes.index(cause))


def match(raised: Raised, refs: References, tables: Tables, settings: Settings,
          index: LogIndex | None = None) -> Matches:
    """All pairs of alerts and steps, and what each alert was."""
    n, horizon = len(raised), round(settings.horizon_seconds * SECOND)
    usable = refs.size > 0
    enough = is_pure(refs.evil, refs.size, settings.min_purity)
    alert, step, seen = _by_event(refs, tables)
    counts = enough[alert] | settings.lenient
    who, wide = named(raised, ~usable), windows(raised, horizon)
    stage = staged(tables, who, horizon, index)
    alert1, step1 = match_entities(who, wide, stage.step, stage.value, tables.step_t0[stage.step],
                                   tables.step_t1[stage.step])
    both, steps = np.concatenate([alert[counts], alert1]), np.concatenate([step[counts], step1])
    least_t = np.concatenate([seen[counts], tables.step_t0[step1]])
    level = np.concatenate([np.full(int(counts.sum()), EVENT), np.full(len(alert1), ENTITY)])
    true = np.zeros(n, dtype=bool)
    true[alert[enough[alert]]] = True
    true[alert1] = True
    cause, causes = _causes(raised, refs, tables, settings, true, who, wide)
    return Matches(both, steps, level.astype(np.int64), np.maximum(raised.column("t")[both], least_t), cause, causes,
                   who, stage, stage.diagnostics)


def is_pure(evil: I64, size: I64, min_purity: float) -> Mask:
    """Whether alerts that name ``size`` events, ``evil`` of them malicious, are true."""
    return np.asarray((evil > 0) & ((size <= FEW) | (evil >= min_purity * size)))


def _by_event(refs: References, tables: Tables) -> tuple[I64, I64, I64]:
    """Distinct pairs (alert, step) and the first event of the step that the alert names."""
    evil = tables.evil[refs.row]
    alert, row = refs.alert[evil], refs.row[evil]
    width = len(tables.step_campaign) + 1
    pair, inverse = np.unique(alert * width + tables.row_step[row], return_inverse=True)
    return pair // width, pair % width, least(inverse.astype(np.int64), tables.row_t[row], len(pair), NEVER)


def _causes(raised: Raised, refs: References, tables: Tables, settings: Settings, true: Mask, who: Named,
            wide: tuple[I64, I64]) -> tuple[I64, tuple[str, ...]]:
    """Why each alert is false: TRUE, or a number of CAUSES or of a kind of hard negative after them."""
    n, noise = len(raised), tables.ground.hard_negatives
    kinds = sorted({h.kind for h in noise})
    kind_of_noise = np.array([len(CAUSES) + kinds.index(h.kind) for h in noise], dtype=np.int64)
    cause = np.full(n, CAUSES.index(BACKGROUND), dtype=np.int64)
    has_entity = any_of(raised.entities["alert"].to_numpy(dtype=np.int64),
                        (raised.entities["value"] != "").to_numpy(dtype=bool), n)
    cause[(refs.size == 0) & ~has_entity] = CAUSES.index(UNATTRIBUTABLE)
    kind = tables.row_kind[refs.row]
    cause[refs.alert[kind == COLLATERAL]] = CAUSES.index(COLLATERAL_CAUSE)
    hard = (kind == HARD_NEGATIVE) & (tables.row_noise[refs.row] >= 0)
    hard &= is_pure(count(refs.alert[hard], n), refs.size, settings.min_purity)[refs.alert]
    looks = least(refs.alert[hard], kind_of_noise[tables.row_noise[refs.row[hard]]] if len(noise) else
                  refs.alert[hard], n, NEVER)
    people = cast([{"": h.entities} for h in noise], who.names)
    rows = np.flatnonzero(people.trusted)
    t0, t1 = (np.array([getattr(h, name) for h in noise], dtype=np.int64) for name in ("t0", "t1"))
    alert1, which = match_entities(who, wide, people.owner[rows], people.value[rows], t0[people.owner[rows]],
                                   t1[people.owner[rows]])
    np.minimum.at(looks, alert1, kind_of_noise[which] if len(noise) else which)
    cause = np.where(looks < NEVER, looks, cause)
    cause[(refs.evil > 0) & ~true] = CAUSES.index(DILUTED)
    cause[true] = TRUE
    return cause, (*CAUSES, *kinds)
