"""The gates file (``redgen-gates.yml``): what a scorecard must reach for a build to pass, and what is excused.

Every problem is named by file, line and key at once: unknown keys, metrics and gates, keys that a metric does not
take, limits that cannot be. See docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from redgen.alert import Diagnostic
from redgen.errors import SpecError, did_you_mean
from redgen.spec.loader import Document, load_yaml
from redgen.spec.model import Count, Name, Spec

CAMPAIGNS, RULES, BASELINE, COSTS = "campaigns", "rules", "baseline", "costs"
ANY, POINT = ("point", "lower", "upper"), ("point",)


@dataclass(frozen=True)
class Metric:
    """What a gate may measure: what it is about, which bounds it has, and which of ``where`` and ``rule`` it takes.

    ``share`` metrics lie between 0 and 1; ``credit`` ones get better by luck, so chance matching forbids a pass.
    """

    about: str
    bounds: tuple[str, ...] = ANY
    where: bool = False
    rule: str = "no"
    share: bool = False
    credit: bool = False
    signed: bool = False


METRICS: Mapping[str, Metric] = {
    "campaign_recall": Metric(CAMPAIGNS, where=True, rule="may", share=True, credit=True),
    "step_recall": Metric(CAMPAIGNS, where=True, share=True, credit=True),
    "technique_recall": Metric(CAMPAIGNS, where=True, share=True, credit=True),
    "event_recall": Metric(CAMPAIGNS, where=True, share=True, credit=True),
    "adjusted_recall": Metric(CAMPAIGNS, POINT, share=True, signed=True),
    "p_before_impact": Metric(CAMPAIGNS, where=True, share=True, credit=True),
    "ttd_median_seconds": Metric(CAMPAIGNS, ("point", "upper"), where=True, credit=True),
    "ttd_p90_seconds": Metric(CAMPAIGNS, ("point", "upper"), where=True, credit=True),
    "campaigns_detected": Metric(CAMPAIGNS, POINT, where=True, rule="may", credit=True),
    "campaigns_without_telemetry": Metric(CAMPAIGNS, POINT, where=True),
    "precision": Metric(COSTS, share=True),
    "precision_alerts": Metric(COSTS, share=True),
    "chance_recall": Metric(COSTS, POINT, share=True),
    "fp_groups_per_day": Metric(COSTS, rule="may"),
    "fp_groups_per_million_events": Metric(COSTS),
    "alerts": Metric(RULES, POINT, rule="must"),
    "alert_groups": Metric(RULES, POINT, rule="must"),
    "false_groups": Metric(RULES, POINT, rule="must"),
    "unique_campaigns": Metric(RULES, POINT, rule="must", credit=True),
    "untested_rules": Metric(RULES, POINT),
    "silent_rules": Metric(RULES, POINT),
    "lost_campaigns": Metric(BASELINE, POINT, where=True, credit=True),
    "campaign_recall_delta": Metric(BASELINE, where=True, share=True, credit=True, signed=True),
    "mcnemar_p": Metric(BASELINE, POINT, share=True, credit=True),
    "fp_growth": Metric(BASELINE),
}
"""Every metric a gate may name. ``fp_growth`` is false alerts per day over those of the baseline: 1.2 is 20 % more."""

STRICT_ID = "no-loss"
"""The gate that is there without being written when a run is compared with a baseline of the same dataset."""

Scalar = str | bool | float
Where = Scalar | tuple[Scalar, ...]


class DatasetSpec(Spec):
    """Which dataset the gates are for, and how many campaigns it must have for a verdict on recall."""

    digest: str = ""
    min_campaigns: Count | None = None


def _where(value: object) -> object:
    """``{stratum: {a: [1, 2]}, playbook: x}`` as ``{a: (1, 2), playbook: x}``."""
    if not isinstance(value, dict):
        return value
    inner = value.get("stratum")
    flat = {**{k: v for k, v in value.items() if k != "stratum"}, **inner} if isinstance(inner, dict) else value
    return {key: tuple(v) if isinstance(v, list) else v for key, v in flat.items()}


class GateSpec(Spec):
    """One demand: a ``metric`` (of the campaigns ``where``, of one ``rule``) is at least ``min``, at most ``max``.

    ``bound`` says what is compared: the point estimate, or an end of its interval at the file's confidence.
    ``min_campaigns``: fewer that match give no verdict.
    """

    id: Name
    metric: str
    where: Annotated[dict[str, Where], BeforeValidator(_where)] = Field(default_factory=dict)
    rule: str | None = None
    bound: Literal["point", "lower", "upper"] = "point"
    min: float | None = None
    max: float | None = None
    min_campaigns: Count | None = None


class AllowSpec(Spec):
    """Something excused until ``expires`` (the last day it holds): a campaign, or false alerts of one kind.

    Without ``gate`` it holds for all gates; ``max_per_day`` limits how many false alert groups are excused.
    """

    campaign: str | None = None
    fp_kind: str | None = None
    rule: str | None = None
    gate: Name | None = None
    max_per_day: Annotated[float, Field(ge=0)] | None = None
    reason: str = ""
    owner: str = ""
    expires: date

    @property
    def what(self) -> str:
        """What is excused, for people."""
        return f"campaign {self.campaign}" if self.campaign else f"false alerts of kind {self.fp_kind}"


class GatesSpec(Spec):
    """The file. ``sides: one`` makes each bound one-sided at ``confidence`` instead of an end of a two-sided interval.

    Two-sided is the default: what a gate compares is then what every report prints.
    """

    version: Literal[1]
    dataset: DatasetSpec = DatasetSpec()
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    sides: Literal["one", "two"] = "two"
    gates: tuple[GateSpec, ...]
    allow: tuple[AllowSpec, ...] = ()


Place = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True)
class Gates:
    """A sound gates file: the model, where the dataset, each gate and each allowance is written, notes for the user."""

    spec: GatesSpec
    gate_places: tuple[Place, ...]
    allow_places: tuple[Place, ...] = ()
    dataset_place: Place = ("", 0)
    notes: tuple[Diagnostic, ...] = ()

    @property
    def level(self) -> float:
        """The two-sided confidence whose ends are the bounds that gates compare."""
        return self.spec.confidence if self.spec.sides == "two" else 2 * self.spec.confidence - 1


def load_gates(source: Path | str, name: str = "") -> Gates:
    """The gates in a file (``Path``) or a text; SpecError with every problem found.

    Other products' expectations are read by ``redgen.gates.expectations``.
    """
    return read_gates(load_yaml(source, name))


def read_gates(document: Document) -> Gates:
    """The gates in a document."""
    spec = document.validate(GatesSpec)
    problems = [document.problem(path, text) for path, text in _findings(spec)]
    if problems:
        raise SpecError(problems)
    return Gates(
        spec,
        tuple(_place(document, "gates", i) for i in range(len(spec.gates))),
        tuple(_place(document, "allow", i) for i in range(len(spec.allow))),
        _place(document, "dataset"))


def _place(document: Document, *path: str | int) -> Place:
    return document.file, document.line(*path)


Keys = tuple[str | int, ...]


def _findings(spec: GatesSpec) -> Iterator[tuple[Keys, str]]:
    """Everything wrong that one key alone does not show: (path, message)."""
    if not spec.gates:
        yield ("gates",), "no gate in it; a file without gates would pass whatever happens"
    seen: dict[str, int] = {}
    for i, gate in enumerate(spec.gates):
        if gate.id in seen:
            yield ("gates", i, "id"), f"{gate.id!r} is there twice"
        seen[gate.id] = i
        metric = METRICS.get(gate.metric)
        if metric is None:
            yield ("gates", i, "metric"), f"unknown metric {gate.metric!r}{did_you_mean(gate.metric, METRICS)}"
        else:
            yield from _misfits(("gates", i), gate, metric)
    for i, entry in enumerate(spec.allow):
        if (entry.campaign is None) == (entry.fp_kind is None):
            yield ("allow", i), "write either campaign or fp_kind"
        elif entry.campaign is not None and (entry.rule is not None or entry.max_per_day is not None):
            yield ("allow", i), "rule and max_per_day go with fp_kind, not with campaign"
        if entry.gate is not None and entry.gate not in {*seen, STRICT_ID}:
            yield ("allow", i, "gate"), f"unknown gate {entry.gate!r}{did_you_mean(entry.gate, seen)}"


def _misfits(at: Keys, gate: GateSpec, metric: Metric) -> Iterator[tuple[Keys, str]]:
    """What a gate says that its metric does not take."""
    if gate.min is None and gate.max is None:
        yield at, f"gate {gate.id!r} has no limit; write min or max"
    if gate.min is not None and gate.max is not None and gate.min > gate.max:
        yield (*at, "min"), f"min {gate.min:g} is above max {gate.max:g}"
    if gate.bound not in metric.bounds:
        allowed = " or ".join(metric.bounds)
        yield (*at, "bound"), f"{gate.metric} has no {gate.bound} bound; write {allowed}"
    if gate.where and not metric.where:
        yield (*at, "where"), f"{gate.metric} takes no where"
    if gate.rule is not None and metric.rule == "no":
        yield (*at, "rule"), f"{gate.metric} takes no rule"
    if gate.rule is None and metric.rule == "must":
        yield at, f"{gate.metric} is measured per rule; write rule"
    if gate.min_campaigns is not None and metric.about not in (CAMPAIGNS, BASELINE):
        yield (*at, "min_campaigns"), f"{gate.metric} does not count campaigns"
    least = -1.0 if metric.signed else 0.0
    for key, limit in (("min", gate.min), ("max", gate.max)):
        if limit is not None and (limit < least or (metric.share and limit > 1)):
            span = f"{least:g} to 1" if metric.share else "0 or more"
            yield (*at, key), f"{gate.metric} is {span}, never {limit:g}"
