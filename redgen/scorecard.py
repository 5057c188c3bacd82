"""A scorecard: everything a scoring run found, as frozen data that every report prints and the next run compares with.

Sample sizes are campaigns, never events. Times are UTC µs, durations µs unless a name ends in ``_seconds``. ``to_json``
and ``from_json`` are exact inverses, and the same scorecard gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from redgen.alert import Diagnostic, RuleReport
from redgen.errors import DataError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA = 1
"""Version of the written form; a reader refuses another one."""

DETECTED, LATE, PARTIAL, MISSED, NO_TELEMETRY, ERROR = (
    "DETECTED", "LATE", "PARTIAL", "MISSED", "NO_TELEMETRY", "ERROR")
"""What became of a campaign. LATE ones were detected, but after their impact; PARTIAL ones do not count as detected."""

CAUGHT = frozenset({DETECTED, LATE})

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"
"""What became of a gate."""


@dataclass(frozen=True)
class Estimate:
    """A number and what it rests on: ``k`` of ``n`` for a proportion, its interval at ``confidence``, the method.

    ``value``, ``lower`` and ``upper`` are None where nothing can be said. ``n_eff`` is the effective sample size under
    weights.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int = 0
    k: float = 0.0
    confidence: float = 0.95
    method: str = ""
    unit: str = ""
    note: str = ""
    n_eff: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Mark:
    """One alert group on a campaign's timeline: when, by which rule, on which step, at which level (L0, L1)."""

    t: int
    rule_id: str
    step_id: str
    level: str
    alerts: int = 1


@dataclass(frozen=True)
class NearMiss:
    """The rule that came closest to a missed campaign: the share of its conditions that held, and what failed."""

    rule_id: str
    rule_name: str
    share: float
    failed: str


@dataclass(frozen=True)
class StepScore:
    """One step of a campaign: what it left, and what saw it."""

    step_id: str
    technique: str
    t0: int
    t1: int
    n_events: int
    events_seen: int
    detected: bool
    t_det: int | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class CampaignScore:
    """One campaign: what became of it, when and by which rules.

    ``level`` is L0 where event references matched, L1 where entities and time did, empty when missed. ``rules`` are all
    that matched, the first to fire first. ``lost_events`` counts its malicious events before detection.
    """

    campaign_id: str
    playbook: str
    family: str
    title: str
    status: str
    weight: float
    stratum: Mapping[str, object]
    t_onset: int
    t_impact: int | None
    t_end: int
    t_det: int | None
    level: str
    rules: tuple[str, ...]
    steps: tuple[StepScore, ...]
    marks: tuple[Mark, ...] = ()
    n_events: int = 0
    events_seen: int = 0
    lost_events: int = 0
    path: tuple[str, ...] = ()
    near: NearMiss | None = None


@dataclass(frozen=True)
class RuleScore:
    """One rule: how it was run, what it caught and what it cost.

    ``unique``: campaigns that no other rule caught. ``per_false_alert``: campaigns that only it adds, per false alert
    group and day. ``hard_negatives``: kind -> false alert groups.
    """

    rule: RuleReport
    alerts: int
    groups: int
    true_groups: int
    false_groups: int
    diluted: int
    unattributable: int
    campaigns: tuple[str, ...]
    unique: tuple[str, ...]
    hard_negatives: Mapping[str, int]
    false_per_day: Estimate
    per_false_alert: float | None = None
    silent: bool = False
    only_hard_negatives: bool = False


@dataclass(frozen=True)
class FalseAlerts:
    """What the detection costs: false alert groups per day and otherwise, by cause, and how bursty they are.

    ``dispersion`` is variance over mean of hourly counts; ``hourly`` are those counts from the window's start.
    """

    groups: int
    alerts: int
    per_day: Estimate
    per_million_events: float | None
    per_thousand_people_day: float | None
    by_cause: Mapping[str, int]
    dispersion: float | None
    hourly: tuple[int, ...] = ()
    diluted: int = 0
    unattributable: int = 0


@dataclass(frozen=True)
class TimeToDetect:
    """How soon, misses censored at the end of their horizon: Kaplan-Meier figures, in seconds.

    ``median``/``p90`` are None when the curve does not fall that far (``horizon_seconds`` is then the least).
    ``curve``: (seconds, share not yet detected) at each step. ``within``: "5m", "1h", "24h" -> share detected by then.
    """

    n: int
    detected: int
    median_seconds: float | None
    p90_seconds: float | None
    horizon_seconds: float
    rmst_seconds: float
    within: Mapping[str, Estimate]
    before_impact: Estimate
    curve: tuple[tuple[float, float], ...] = ()
    lost_events: Estimate | None = None


@dataclass(frozen=True)
class Chance:
    """What blind luck would have matched at entity-and-window level: see docs/scoring.md.

    ``recall`` is R0, the mean over ``shifts`` circular shifts; ``adjusted`` is (R - R0) / (1 - R0); ``refused`` says
    that R0 is too high for a gate on recall.
    """

    recall: float
    p_value: float
    adjusted: float
    shifts: int
    refused: bool
    note: str = ""


@dataclass(frozen=True)
class Deployment:
    """What an analyst would live with at one rate of attacks: ``ppv`` and days between true alerts."""

    attacks_per_day: float
    ppv: float | None
    days_between_true: float | None


@dataclass(frozen=True)
class GateResult:
    """One gate's outcome; ``value`` is what was compared with ``limit``; ``names`` the campaigns or rules behind it.

    ``metric`` and ``bound`` as the gates file has them; ``files`` the rule files concerned.
    """

    gate_id: str
    metric: str
    status: str
    value: float | None
    limit: float | None
    bound: str
    comparison: str
    message: str
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class LostCampaign:
    """A campaign that the older run caught and this one does not: titles of the rules that saw it, and their files."""

    campaign_id: str
    playbook: str
    rules: tuple[str, ...]
    files: tuple[str, ...]


def together(lost: Iterable[LostCampaign]) -> dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]]:
    """The ids of lost campaigns by what saw them before: (rules, files) -> campaigns, in their order."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for campaign in lost:
        found.setdefault((campaign.rules, campaign.files), []).append(campaign.campaign_id)
    return found


@dataclass(frozen=True)
class Regression:
    """A run against an older one. ``paired``: on the same dataset. b lost, c gained.

    ``mcnemar_p`` is the exact one-sided p of a loss; ``delta`` is (c - b) / n with its score interval; ``verdict`` of
    the generalisation test is passed, failed or inconclusive. Further tests by name: ``fp``, ``ttd``, ``strata``, …
    """

    paired: bool
    lost: tuple[LostCampaign, ...]
    gained: tuple[str, ...]
    n: int
    mcnemar_p: float | None
    delta: Estimate
    verdict: str
    old_recall: Estimate
    new_recall: Estimate
    false_alerts: Mapping[str, float | None] = field(default_factory=dict)
    time_to_detect: Mapping[str, float | None] = field(default_factory=dict)
    strata: tuple[Mapping[str, object], ...] = ()
    rules: tuple[Mapping[str, object], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class DatasetFacts:
    """Which dataset: its digest, scenario and seed, window (µs UTC), lines by source, and what is in it."""

    digest: str
    scenario: str
    seed: int | None
    start: int
    stop: int
    lines: Mapping[str, int]
    campaigns: int
    hard_negatives: int
    people: int = 0
    name: str = ""


@dataclass(frozen=True)
class Settings:
    """How it was scored."""

    confidence: float = 0.95
    k: int = 1
    min_severity: int = 0
    min_purity: float = 0.10
    min_steps: int = 1
    horizon_seconds: float = 3600.0
    lenient: bool = False
    match_level: str = "campaign"
    shifts: int = 199
    bootstrap: int = 2000
    seed: int = 20261
    attempt: int = 1


@dataclass(frozen=True)
class Scorecard:
    """Everything found. ``recall_by``: family, playbook, technique, step, outcome, stealth -> name -> recall.

    ``recall`` is weighted by importance; ``recall_plain`` counts campaigns equally; ``recall_held_out`` leaves out
    rules tuned on this dataset (None when there are none).
    """

    dataset: DatasetFacts
    settings: Settings
    detectors: tuple[str, ...]
    recall: Estimate
    recall_plain: Estimate
    recall_wilson: Estimate
    recall_by: Mapping[str, Mapping[str, Estimate]]
    recall_by_level: Mapping[str, Estimate]
    event_recall: Estimate
    precision: Estimate
    precision_alerts: Estimate
    false_alerts: FalseAlerts
    time_to_detect: TimeToDetect
    timeliness: float | None
    chance: Chance
    deployment: tuple[Deployment, ...]
    campaigns: tuple[CampaignScore, ...]
    rules: tuple[RuleScore, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    gates: tuple[GateResult, ...] = ()
    regression: Regression | None = None
    recall_held_out: Estimate | None = None
    failed: tuple[str, ...] = ()
    schema: int = SCHEMA


def to_json(card: Scorecard) -> bytes:
    """The scorecard as indented JSON, keys in the order of the classes above, a newline at the end."""
    return _adapter().dump_json(card, indent=2) + b"\n"


def from_json(text: bytes, name: str) -> Scorecard:
    """The scorecard that ``to_json`` wrote; DataError naming the file ``name`` when it is not one."""
    import json

    from pydantic import ValidationError

    try:
        raw = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: no JSON ({error}); a scorecard is what redgen score --json writes") from None
    if not isinstance(raw, dict) or "schema" not in raw or "recall" not in raw:
        raise DataError(f"{name}: no scorecard; write one with redgen score DATASET ALERTS --json FILE")
    if raw["schema"] != SCHEMA:
        raise DataError(f"{name}: scorecard schema {raw['schema']!r}, this version reads {SCHEMA}; score again")
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise DataError(f"{name}: {where}: {first['msg']}; a scorecard is what redgen score --json writes") from None


@cache
def _adapter() -> TypeAdapter[Scorecard]:
    from pydantic import TypeAdapter

    return TypeAdapter(Scorecard)
