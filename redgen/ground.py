"""The ground truth a scorer holds alerts against: labelled lines, campaigns, hard negatives, and the dataset's frame.

Read from the ``truth/`` directory of a dataset, or of anybody's directory in the same shape. Times are UTC µs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LABEL_COLUMNS = ("source", "file", "line", "event_id", "t", "label", "campaign_id", "step_id", "technique", "noise_id")


@dataclass(frozen=True)
class Step:
    """One step of a campaign that left lines: its first and last event, how many, and in which sources.

    ``role``: empty, ``decoy`` or ``optional``.
    """

    step_id: str
    technique: str
    t0: int
    t1: int
    n_events: int
    sources: Mapping[str, int]
    role: str = ""


@dataclass(frozen=True)
class Campaign:
    """One attack: ``t_onset`` its first line in any log, ``t_impact`` the first of its objective (None: not reached).

    ``entities``: ``attacker`` and ``victim``, each type -> values. ``path`` are the steps walked.
    """

    campaign_id: str
    playbook: str
    family: str
    t_onset: int
    t_impact: int | None
    t_end: int
    weight: float
    stratum: Mapping[str, object]
    steps: tuple[Step, ...]
    entities: Mapping[str, Mapping[str, tuple[str, ...]]]
    sources: Mapping[str, int]
    n_events: int
    title: str = ""
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class HardNegative:
    """One benign look-alike: its kind, its time, and whom it concerns (type -> values)."""

    noise_id: str
    kind: str
    t0: int
    t1: int
    entities: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Extent:
    """One log file: its ``lines`` records stand after ``head_lines`` that are none; ``name`` as labels say it."""

    name: str
    source: str
    lines: int
    head_lines: int = 0


@dataclass(frozen=True)
class Ground:
    """All that is true of a dataset. ``labels`` has LABEL_COLUMNS; a line that is not in it is benign.

    ``lines``: log source -> lines; ``digest`` names the dataset's content; ``people`` is the organisation's population.
    ``files`` in the order they were written (empty: not known); ``unlogged`` are campaigns that left no line in any
    log: nobody can detect them, so they are named and not counted.
    """

    labels: pd.DataFrame
    campaigns: tuple[Campaign, ...]
    hard_negatives: tuple[HardNegative, ...]
    start: int
    stop: int
    lines: Mapping[str, int]
    digest: str = ""
    scenario: str = ""
    seed: int | None = None
    people: int = 0
    files: tuple[Extent, ...] = ()
    unlogged: tuple[str, ...] = ()
