"""Do the alerts' times fit the dataset? Alerts outside of it, before their own events, or hours off in a time zone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.alert import Diagnostic
from redgen.clock import HOUR, MINUTE
from redgen.matching.entities import match_entities
from redgen.matching.gather import Raised
from redgen.matching.joins import I64, Mask, least
from redgen.matching.match import EVENT, NEVER, Matches
from redgen.matching.resolve import References
from redgen.matching.tables import Tables

ZONES = tuple(sorted((h for h in range(-14, 15) if h), key=abs))
"""Whole hours that a clock may be off; UTC-12 to UTC+14 and back."""

FEWEST = 5
"""Alerts it takes to speak of a pattern."""

MOST = 2_000
"""Alerts looked at for a pattern."""


def check_clock(raised: Raised, refs: References, matches: Matches, tables: Tables, wide: tuple[I64, I64],
                late: int) -> tuple[Diagnostic, ...]:
    """What is wrong with the alerts' times; ``late`` is how long after the dataset's end an alert may still come."""
    ground, t = tables.ground, raised.column("t")
    outside = (t < ground.start) | (t > ground.stop + late)
    notes = []
    if outside.any():
        notes.append(Diagnostic("ALERT_OUTSIDE_WINDOW", "alerts at times that the dataset does not cover; those that "
                                "match nothing are counted as false alerts", int(outside.sum())))
    last = np.maximum(t, raised.column("t_last"))  # an alert that goes on may name events after it was raised
    early = (matches.level == EVENT) & (matches.t > last[matches.alert] + MINUTE)
    if early.any():
        notes.append(Diagnostic("ALERT_BEFORE_EVENT", "alerts raised, they say, over a minute before the event that "
                                "they name; the event's time is taken", len(np.unique(matches.alert[early]))))
    zone = _by_event(raised, refs, tables)
    if zone is None:
        zone = _by_entity(matches, tables, wide)
    if zone is None and outside.sum() * 2 > len(raised):
        zone = _by_window(t, outside, ground.start, ground.stop)
    if zone and abs(zone) > ZONES[-1]:
        notes.append(Diagnostic("WRONG_CLOCK", f"most alerts are {zone:+,} h off from the events that they name: their "
                                "clock is wrong, or the events were sent at another time, as a ledger could say "
                                "(--ledger)", len(raised), "error"))
    elif zone:
        notes.append(Diagnostic("WRONG_TIME_ZONE", f"most alerts fit if their times are moved by {-zone:+d} h: they "
                                f"look like local time of UTC{zone:+d} read as UTC; export them in UTC, or say their "
                                "time zone", len(raised), "error"))
    return tuple(notes)


def _by_event(raised: Raised, refs: References, tables: Tables) -> int | None:
    """Hours by which alerts are off from the events that they name; 0 when they fit, None when too few name any."""
    first = least(refs.alert, tables.row_t[refs.row], len(raised), NEVER)
    known = np.flatnonzero(first < NEVER)
    if len(known) < FEWEST:
        return None
    off = raised.column("t_first")[known] - first[known]
    hours = round(float(np.median(off)) / HOUR)
    near = np.abs(off - hours * HOUR) <= 5 * MINUTE
    return hours if hours and near.mean() >= 0.8 else 0


def _by_entity(matches: Matches, tables: Tables, wide: tuple[I64, I64]) -> int | None:
    """Hours after whose taking away entity matches stand out; None when nothing of the sort.

    They must be three times as many as now and twice as many as for any hours but the neighbors': noise has a best
    hour, too.
    """
    who, stage = matches.who, matches.staged
    if not len(who.alert) or not len(stage.step):
        return None
    alerts = np.unique(who.alert)
    sample = alerts[:: max(1, len(alerts) // MOST)]
    keep = np.isin(who.alert, sample)
    few = type(who)(who.alert[keep], who.value[keep], who.names)

    def matched(hours: int) -> int:
        moved = wide[0] - hours * HOUR, wide[1] - hours * HOUR
        told, _ = match_entities(few, moved, stage.step, stage.value, tables.step_t0[stage.step],
                                 tables.step_t1[stage.step])
        return len(np.unique(told))

    found = {hours: matched(hours) for hours in (0, *ZONES)}
    best = max(found, key=lambda h: (found[h], -abs(h)))
    others = max(n for h, n in found.items() if abs(h - best) > 2)
    return best if best and found[best] >= max(FEWEST, 3 * found[0], 2 * others) else None


def _by_window(t: I64, outside: Mask, start: int, stop: int) -> int | None:
    """The least whole hours after whose taking away nearly all alerts lie inside the dataset."""
    inside: NDArray[np.float64] = np.array([((t - h * HOUR >= start) & (t - h * HOUR <= stop)).mean() for h in ZONES])
    fitting = np.flatnonzero(inside >= 0.95)
    return ZONES[int(fitting[0])] if len(fitting) and len(t) >= FEWEST and outside.any() else None
