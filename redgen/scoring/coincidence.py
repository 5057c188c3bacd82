"""What blind luck would have caught: campaigns moved to random places, alerts left where they are.

**Definition.** 199 times, every campaign is moved by a random share of the dataset, in a circle, and matched again by
the rules of the real matching. Alerts that name events are held against the benign lines at the new places of the same
sources (see ``shifted_events``); alerts that name entities against windows at the new times with other entities of the
same types (see ``shifted_entities``). R0 is the mean recall, p = (1 + #{R_b >= R}) / (1 + 199), and adjusted recall is
(R - R0) / (1 - R0): the share of what luck leaves that was caught.

**Why events, too.** An exact reference to a malicious line looks like proof, but a detector that raises an alert for
every line names them all. R0 is then what a detector without any skill and with as many false alerts, equally clumped,
would catch. Hence everything gets R0 = 1, nothing 0, and an oracle 0, since it names no benign line.

**Two more rules.** Where R is within what more than one in twenty shifts reach, adjusted recall is 0: the formula alone
would give 1 for R = 1 however near to 1 R0 is. Where R0 is above 0.2, a gate on recall is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.matching.entities import windows
from redgen.matching.gather import Raised
from redgen.matching.index import LogIndex
from redgen.matching.joins import I64, Mask, count
from redgen.matching.match import ENTITY, Matches
from redgen.matching.resolve import References
from redgen.matching.tables import Tables
from redgen.scorecard import Chance, Settings
from redgen.scoring import shifted_entities, shifted_events
from redgen.seed import Seed

F64 = NDArray[np.float64]

TOO_HIGH = 0.2
"""R0 above which recall may not be gated on (docs/scoring.md)."""

NOTABLE = 0.05
"""p above which recall is not told apart from luck."""


@dataclass(frozen=True)
class Rules:
    """What it takes to catch a campaign: alerts, and steps of each campaign; and which kinds of match count."""

    k: int
    steps: I64
    events: bool
    entities: bool


def control(raised: Raised, refs: References, matches: Matches, tables: Tables, settings: Settings, weights: F64,
            recall: float | None, index: LogIndex | None = None) -> Chance:
    """The coincidence control of a scoring; ``weights`` are 0 for campaigns that do not count."""
    if recall is None or not weights.sum():
        return Chance(0.0, 1.0, 0.0, 0, refused=False, note="no campaign to detect")
    caught = _caught(raised, refs, matches, tables, settings, index)
    shifted = caught @ weights / weights.sum()
    chance = float(shifted.mean()) if len(shifted) else 0.0
    p = (1 + int((shifted >= recall - 1e-12).sum())) / (1 + len(shifted))
    adjusted = (recall - chance) / (1 - chance) if p <= NOTABLE and chance < 1 else 0.0
    refused = chance > TOO_HIGH
    by_entity = bool((matches.level == ENTITY).any())
    return Chance(chance, p, adjusted, len(shifted), refused,
                  _note(raised, refs, recall, p, refused=refused, by_entity=by_entity))


def _caught(raised: Raised, refs: References, matches: Matches, tables: Tables, settings: Settings,
            index: LogIndex | None) -> F64:
    """(shifts, campaigns): whether each campaign is caught after each shift."""
    seed = Seed(settings.seed).child("coincidence")
    cores = count(tables.step_campaign[tables.step_core], tables.campaigns)
    level = settings.match_level
    rules = Rules(max(1, settings.k), np.clip(cores, 1, max(1, settings.min_steps)),
                  level != "entity", level != "event" and len(matches.who.alert) > 0)
    lines = shifted_events.lines_of(raised, refs, tables, settings.min_purity, settings.seed)
    hot = shifted_events.always_hot(lines)
    horizon = round(settings.horizon_seconds * 1e6)
    slots = shifted_entities.slots_of(matches, windows(raised, horizon), tables, index)
    found = np.zeros((settings.shifts, tables.campaigns))
    everyone = np.arange(tables.campaigns, dtype=np.uint64)
    for turn in range(settings.shifts if len(raised) else 0):
        share = seed.uniform(everyone, f"shift {turn}")
        hit = np.zeros(len(tables.step_campaign), dtype=bool)
        alerts = np.zeros(tables.campaigns, dtype=np.int64)
        if rules.events and len(lines.alert):
            hit |= shifted_events.step_hits(lines, share, tables, hot)
            alerts += shifted_events.alert_hits(lines, share, tables) if rules.k > 1 else 0
        if rules.entities and len(slots):
            drawn = slots.cast(seed, turn, share, tables, horizon)
            more, said = shifted_entities.step_hits(slots, drawn, share, tables,
                                                    all_=rules.k > 1 or settings.min_steps > 1)
            hit |= more
            alerts += said
        found[turn] = _enough(hit, alerts, tables, rules)
    return found


def _enough(hit: Mask, alerts: I64, tables: Tables, rules: Rules) -> Mask:
    steps = count(tables.step_campaign[hit & tables.step_core], tables.campaigns)
    return np.asarray((steps >= rules.steps) & ((rules.k == 1) | (alerts >= rules.k)))


def _note(raised: Raised, refs: References, recall: float, p: float, *, refused: bool, by_entity: bool) -> str:
    """What a reader of the number must know, above all which rule is to blame."""
    if not len(raised) or recall == 0:
        return ""
    said = []
    named = np.concatenate([refs.benign_alert, refs.adrift_alert])
    if refused:
        said.append("so many alerts that chance explains much of the recall")
        if len(named):
            by_rule = count(raised.column("rule")[named], len(raised.rules))
            worst = int(by_rule.argmax())
            said.append(f"rule {raised.rules[worst].rule_id} names most benign events ({by_rule[worst]:,})")
        if by_entity:
            said.append("some alerts name no events and were matched by entity and time, which is easily luck; export "
                        "alerts with their events")
    if p > NOTABLE:
        said.append("recall is within what chance reaches, so adjusted recall is 0")
    return "; ".join(said)
