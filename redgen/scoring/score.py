"""Alerts against truth: from detections to a scorecard.

``judge`` matches and decides, ``scorecard`` runs the metrics over what was found, ``score`` does both. Nothing depends
on the order of alerts, on the clock or on anything random but named draws: the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from redgen.alert import Detection, Diagnostic
from redgen.clock import HOUR, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.ground import Ground
from redgen.matching.clock_check import check_clock
from redgen.matching.entities import windows
from redgen.matching.gather import Raised, gather
from redgen.matching.groups import group
from redgen.matching.index import LogIndex
from redgen.matching.joins import count
from redgen.matching.ledger import clock_of
from redgen.matching.match import match
from redgen.matching.resolve import resolve
from redgen.matching.tables import tables_of
from redgen.matching.verdicts import decide, statuses
from redgen.scorecard import NO_TELEMETRY, DatasetFacts, Scorecard, Settings
from redgen.scoring.campaign_scores import campaign_scores
from redgen.scoring.case import Case, counts_at
from redgen.scoring.coincidence import control
from redgen.scoring.metrics_burden import deployment, false_alerts, precision
from redgen.scoring.metrics_recall import campaign_recall, event_recall, held_out, recall_by_kind, recall_by_level
from redgen.scoring.metrics_rules import rules
from redgen.scoring.metrics_time import time_to_detect, timeliness

if TYPE_CHECKING:
    import pandas as pd

MATCH_LEVELS = ("campaign", "event", "entity")

GAP = HOUR
"""Pause that parts two alert groups of a rule without a window of its own."""


def chance(case: Case) -> Mapping[str, Any]:
    """The coincidence control, on the recall that is weighted like the headline figure."""
    weights = np.where(case.scored, case.weights, 0.0)
    total = float(weights.sum())
    recall = float(weights[case.outcome.caught].sum()) / total if total else None
    return {"chance": control(case.raised, case.refs, case.matches, case.tables, case.settings, weights, recall,
                              case.index)}


METRICS: tuple[Callable[[Case], Mapping[str, Any]], ...] = (
    campaign_recall, recall_by_kind, recall_by_level, event_recall, precision, false_alerts, time_to_detect, timeliness,
    chance, deployment, campaign_scores, rules, held_out)
"""Every metric reads a case and gives fields of the scorecard."""


def score(ground: Ground, detections: Sequence[Detection], settings: Settings | None = None,
          index: LogIndex | None = None, ledger: pd.DataFrame | None = None,
          observed: Mapping[str, int] | None = None, name: str = "") -> Scorecard:
    """The scorecard of ``detections`` on a dataset whose truth is ``ground``.

    ``index`` answers questions about the logs (without it, what is assumed is said in the diagnostics); ``ledger`` maps
    times of arrival to event time; ``observed``: events that the detection was given, by source; ``name`` of the
    dataset for people. DataError for settings that make no sense.
    """
    return scorecard(judge(ground, detections, settings, index, ledger, observed), name)


def judge(ground: Ground, detections: Sequence[Detection], settings: Settings | None = None,
          index: LogIndex | None = None, ledger: pd.DataFrame | None = None,
          observed: Mapping[str, int] | None = None) -> Case:
    """Everything matched and decided, before any metric; arguments as for ``score``."""
    chosen = checked(settings or Settings())
    every = gather(detections, None if ledger is None else clock_of(ledger), ground.stop)
    raised = _loud(every, chosen.min_severity)
    tables = tables_of(ground)
    refs = resolve(raised, tables, index)
    matches = match(raised, refs, tables, chosen, index)
    horizon = round(chosen.horizon_seconds * SECOND)
    failed = tuple(f"{d.detector}: {d.failed}" for d in detections if d.failed)
    counting = counts_at(matches, chosen.match_level)
    outcome = decide(matches, tables, chosen, counting)
    status = statuses(outcome, tables, observed, bool(failed))
    notes = (*raised.diagnostics, *refs.diagnostics, *matches.diagnostics,
             *check_clock(raised, refs, matches, tables, windows(raised, horizon), horizon),
             *_truth_notes(ground, status, chosen))
    return Case(ground, tables, raised, refs, matches, group(raised, matches, GAP), chosen, counting, outcome, status,
                count(every.column("rule"), len(every.rules)), failed, notes, index)


def scorecard(case: Case, name: str = "") -> Scorecard:
    """All metrics of a case."""
    ground = case.ground
    facts = DatasetFacts(
        ground.digest, ground.scenario, ground.seed, ground.start, ground.stop, dict(sorted(ground.lines.items())),
        len(ground.campaigns), len(ground.hard_negatives), ground.people, name)
    fields: dict[str, Any] = {}
    for metric in METRICS:
        fields |= metric(case)
    return Scorecard(dataset=facts, settings=case.settings, detectors=case.raised.detectors,
                     diagnostics=_merged(case.diagnostics), failed=case.failed, **fields)


def checked(settings: Settings) -> Settings:
    """The settings; DataError for values that make no sense."""
    if settings.match_level not in MATCH_LEVELS:
        raise DataError(f"unknown level of matching {settings.match_level!r}"
                        f"{did_you_mean(settings.match_level, MATCH_LEVELS)}")
    for name, good, say in (
            ("confidence", 0 < settings.confidence < 1, "a share such as 0.95"), ("k", settings.k >= 1, "at least 1"),
            ("min_steps", settings.min_steps >= 1, "at least 1"),
            ("min_purity", 0 <= settings.min_purity <= 1, "a share such as 0.10"),
            ("min_severity", 0 <= settings.min_severity <= 100, "0 to 100"),
            ("horizon_seconds", 0 <= settings.horizon_seconds < 1e9, "seconds, not negative"),
            ("shifts", settings.shifts >= 0, "199, or 0 for none"), ("bootstrap", settings.bootstrap >= 100, "2000")):
        if not good:
            raise DataError(f"{name} cannot be {getattr(settings, name)}; write {say}")
    return settings


def _loud(raised: Raised, least: int) -> Raised:
    """The alerts that are severe enough to be looked at."""
    keep = raised.column("severity") >= least
    if keep.all():
        return raised
    place = np.where(keep, np.cumsum(keep) - 1, -1)

    def moved(table: pd.DataFrame) -> pd.DataFrame:
        number = place[table["alert"].to_numpy(dtype=np.int64)]
        return table.assign(alert=number)[number >= 0].reset_index(drop=True)

    note = Diagnostic("LOW_SEVERITY", f"alerts below severity {least} were left out", int((~keep).sum()), "info")
    return replace(raised, frame=raised.frame[keep].reset_index(drop=True), events=moved(raised.events),
                   entities=moved(raised.entities), diagnostics=(*raised.diagnostics, note))


def _truth_notes(ground: Ground, status: Sequence[str], settings: Settings) -> tuple[Diagnostic, ...]:
    """Campaigns that could not be scored, and a run that was repeated."""
    notes = []
    if ground.unlogged:
        notes.append(Diagnostic("UNLOGGED_CAMPAIGN", "campaigns that left no line in any log, named and not counted: "
                                f"{', '.join(ground.unlogged[:10])}", len(ground.unlogged), "info"))
    blind = status.count(NO_TELEMETRY)
    if blind:
        notes.append(Diagnostic("NO_TELEMETRY", "campaigns of whose sources the detection was given no event; they are "
                                "not counted", blind))
    if not ground.campaigns:
        notes.append(Diagnostic("NO_CAMPAIGNS", "the dataset holds no campaign that left a line: there is no recall"))
    if settings.attempt > 1:
        notes.append(Diagnostic("REPEATED", f"this is attempt {settings.attempt}; p-values hold for a first attempt"))
    return tuple(notes)


def _merged(notes: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Equal diagnostics once, their counts added, the gravest first."""
    grave = {"error": 0, "warning": 1, "info": 2}
    sums: dict[tuple[str, str, str], int] = {}
    for note in notes:
        key = (note.level, note.code, note.message)
        sums[key] = sums.get(key, 0) + note.count
    return tuple(Diagnostic(code, message, n, level) for (level, code, message), n in
                 sorted(sums.items(), key=lambda item: (grave.get(item[0][0], 3), item[0])))
