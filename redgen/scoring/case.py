"""One scoring in progress: truth, alerts, what matched and what became of each campaign, for metrics to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from redgen.alert import Diagnostic
from redgen.clock import DAY, HOUR
from redgen.ground import Ground
from redgen.matching.gather import Raised
from redgen.matching.groups import Groups
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask, count, distinct, least, unique_pairs
from redgen.matching.match import ENTITY, EVENT, LEVELS, NEVER, Matches
from redgen.matching.resolve import References
from redgen.matching.tables import Tables
from redgen.matching.verdicts import Outcome, decide
from redgen.scorecard import NO_TELEMETRY, Settings

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """All that a metric may look at.

    ``counting``: which matches count at the level that is scored. ``heard``: alerts by rule, those too low in severity
    included. ``failed``: detectors that did not finish, and why.
    """

    ground: Ground
    tables: Tables
    raised: Raised
    refs: References
    matches: Matches
    groups: Groups
    settings: Settings
    counting: Mask
    outcome: Outcome
    status: tuple[str, ...]
    heard: I64
    failed: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    index: LogIndex | None = None

    @cached_property
    def scored(self) -> Mask:
        """Campaigns that count: all but those without telemetry."""
        return np.array([s != NO_TELEMETRY for s in self.status], dtype=bool)

    @cached_property
    def weights(self) -> F64:
        """Importance weights of all campaigns."""
        return np.array([c.weight for c in self.ground.campaigns], dtype=np.float64)

    @cached_property
    def days(self) -> float:
        """Length of the dataset in days."""
        return (self.ground.stop - self.ground.start) / DAY

    @cached_property
    def step_hit(self) -> Mask:
        """Which steps a counting match hit."""
        hit = np.zeros(len(self.tables.step_campaign), dtype=bool)
        hit[self.matches.step[self.counting]] = True
        return hit

    @cached_property
    def row_seen(self) -> Mask:
        """Which malicious lines an alert named that counts for the line's step."""
        told = distinct(self._pair(self.matches.alert, self.matches.step)[self.matches.level == EVENT])
        row, alert = self.refs.row, self.refs.alert
        mine = np.isin(self._pair(alert, self.tables.row_step[row]), told) & self.tables.evil[row]
        seen = np.zeros(len(self.tables.row_t), dtype=bool)
        seen[row[mine]] = True
        return seen

    def _pair(self, alert: I64, step: I64) -> I64:
        return alert * (len(self.tables.step_campaign) + 1) + step + 1

    @cached_property
    def group_campaign(self) -> I64:
        """The first campaign that each alert group is about, NEVER for false groups."""
        of_alert = least(self.matches.alert, self.tables.step_campaign[self.matches.step], len(self.raised), NEVER)
        true = self.matches.true
        return least(self.groups.of[true], of_alert[true], len(self.groups.rule), NEVER)

    @cached_property
    def false_hours(self) -> I64:
        """False alert groups in each hour of the dataset; those outside of it are in none."""
        return self.hours(self.groups.t[~self.groups.true])

    def hours(self, t: I64) -> I64:
        """How many moments fall into each hour of the dataset."""
        hour = (t - self.ground.start) // HOUR
        size = -(-(self.ground.stop - self.ground.start) // HOUR)
        return count(hour[(hour >= 0) & (hour < size)], size)

    def without(self, rules: Mask) -> Outcome:
        """What becomes of the campaigns when the alerts of some rules are not heard."""
        heard = ~rules[self.raised.column("rule")[self.matches.alert]]
        return decide(self.matches, self.tables, self.settings, self.counting & heard)

    def at_level(self, level: int) -> Outcome:
        """What becomes of the campaigns when only matches by events, or only those by entity, count."""
        return decide(self.matches, self.tables, self.settings, self.matches.level == level)

    def match_table(self) -> pd.DataFrame:
        """Every counting pair of alert and step, for who wants to look: ``matches.csv``."""
        pairs, steps = self.matches.alert[self.counting], self.matches.step[self.counting]
        names = [(c.campaign_id, s.step_id, s.technique) for c in self.ground.campaigns for s in c.steps]
        frame = self.raised.frame.iloc[pairs]
        return pd.DataFrame({
            "alert_id": frame["alert_id"].to_numpy(), "rule_id": frame["rule_id"].to_numpy(),
            "raw_ref": frame["raw_ref"].to_numpy(), "t": self.matches.t[self.counting],
            "campaign_id": [names[s][0] for s in steps], "step_id": [names[s][1] for s in steps],
            "technique": [names[s][2] for s in steps],
            "level": [LEVELS[k] for k in self.matches.level[self.counting]]})


def counts_at(matches: Matches, level: str) -> Mask:
    """Which matches count when scoring at ``event``, ``entity`` or ``campaign`` level (the last: both)."""
    wanted: Mapping[str, tuple[int, ...]] = {"event": (EVENT,), "entity": (ENTITY,)}
    return np.isin(matches.level, wanted.get(level, (EVENT, ENTITY)))


def campaign_alerts(case: Case) -> tuple[I64, I64]:
    """Distinct pairs (campaign, alert) of counting matches."""
    keep = case.counting
    return unique_pairs(case.tables.step_campaign[case.matches.step[keep]], case.matches.alert[keep])
