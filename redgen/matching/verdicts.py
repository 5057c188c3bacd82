"""From matched alerts to campaigns: detected, too late, in part, missed, or not to be seen at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from redgen.matching.joins import I64, Mask, count, least, nth
from redgen.matching.match import NEVER, Matches
from redgen.matching.tables import Tables
from redgen.scorecard import DETECTED, ERROR, LATE, MISSED, NO_TELEMETRY, PARTIAL, Settings


@dataclass(frozen=True)
class Outcome:
    """Per campaign: whether it was caught, when (NEVER if not), and whether anything at all touched it."""

    caught: Mask
    t_det: I64
    touched: Mask


def decide(matches: Matches, tables: Tables, settings: Settings, counts: Mask | None = None) -> Outcome:
    """What the matches that ``counts`` selects (all by default) make of each campaign.

    A campaign is caught when ``k`` alerts matched it and ``min_steps`` of its steps were hit (as many as it has, when
    that is fewer), decoys and optional steps left out; at the first moment at which both hold.
    """
    keep = np.ones(len(matches.alert), dtype=bool) if counts is None else counts
    alert, step, t = matches.alert[keep], matches.step[keep], matches.t[keep]
    size = tables.campaigns
    campaign = tables.step_campaign[step]
    core = tables.step_core[step]
    steps, first = _firsts(step[core], t[core])
    cores = count(tables.step_campaign[tables.step_core], size)
    wanted = np.clip(cores, 1, max(1, settings.min_steps))
    of_steps = nth(tables.step_campaign[steps], first, wanted, NEVER)
    width = int(alert.max(initial=0)) + 1
    pairs, when = _firsts(campaign * width + alert, t)
    of_alerts = nth(pairs // width, when, np.full(size, max(1, settings.k)), NEVER)
    t_det = np.maximum(of_steps, of_alerts)
    touched = np.zeros(size, dtype=bool)
    touched[campaign] = True
    return Outcome(t_det < NEVER, t_det, touched)


def _firsts(key: I64, t: I64) -> tuple[I64, I64]:
    """Distinct keys, and the least time of each."""
    distinct, inverse = np.unique(key, return_inverse=True)
    return distinct, least(inverse.astype(np.int64), t, len(distinct), NEVER)


def statuses(outcome: Outcome, tables: Tables, observed: Mapping[str, int] | None, failed: bool) -> tuple[str, ...]:
    """The word for each campaign.

    ``observed``: events that the detection was given, by source; a campaign none of whose sources has any is
    NO_TELEMETRY. ``failed``: a detector did not finish, so that what was not caught is an ERROR and no miss.
    """
    found = []
    for k, campaign in enumerate(tables.ground.campaigns):
        if outcome.caught[k]:
            late = campaign.t_impact is not None and outcome.t_det[k] > campaign.t_impact
            found.append(LATE if late else DETECTED)
        elif outcome.touched[k]:
            found.append(PARTIAL)
        elif observed is not None and campaign.sources and not any(observed.get(s, 0) for s in campaign.sources):
            found.append(NO_TELEMETRY)
        else:
            found.append(ERROR if failed else MISSED)
    return tuple(found)
