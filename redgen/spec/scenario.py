"""The scenario YAML: what a user runs. World, window, baseline, campaigns, hard negatives, sources, output, seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from redgen.clock import DAY, MINUTE, SECOND, Window, iso, parse_duration, parse_time
from redgen.errors import DataError, Problem, SpecError, did_you_mean
from redgen.registry import SOURCES
from redgen.spec.distributions import CastLaw, Distribution
from redgen.spec.files import resolve, shown
from redgen.spec.loader import Document, load_yaml, override
from redgen.spec.model import DURATION, TIME, ZERO, Duration, Name, Share, Spec, Time

LONGEST_WINDOW = 5 * 366 * DAY
EARLIEST, LATEST = parse_time("1990-01-01"), parse_time("2100-01-01")
"""A window outside these years is a slip of the pen; some log formats end in 2038 or know no century."""
MOST_CAMPAIGNS = 100_000


class WindowSpec(Spec):
    """What time the dataset covers."""

    start: Time
    duration: Duration

    @model_validator(mode="after")
    def _possible(self) -> WindowSpec:
        if not SECOND <= self.duration <= LONGEST_WINDOW:
            raise ValueError("the duration of a window is between 1s and 5 years")
        if self.start < EARLIEST or self.start + self.duration > LATEST:
            raise ValueError("a window lies between the years 1990 and 2100")
        return self

    @property
    def window(self) -> Window:
        """The window as half-open microseconds."""
        return Window(self.start, self.start + self.duration)


def _moment(value: Any) -> Any:
    """A duration after the window's start stays one; a time becomes negative: -1 - µs since 1970."""
    if value == 0 and not isinstance(value, bool):
        return 0
    if not isinstance(value, str):
        raise ValueError(f"write a duration after the window's start, or a time, not {value!r}")  # noqa: TRY004
    try:
        return parse_duration(value)
    except ValueError:
        return -1 - max(parse_time(value), 0)


Moment = Annotated[int, BeforeValidator(_moment), WithJsonSchema({"anyOf": [DURATION, TIME, ZERO]})]


class StartSpec(Spec):
    """When campaigns begin: ``at`` a moment, or anywhere ``within`` two; a moment is 2h (into the window) or a time."""

    at: Moment | None = None
    within: tuple[Moment, Moment] | None = None

    @model_validator(mode="after")
    def _one(self) -> StartSpec:
        if (self.at is None) == (self.within is None):
            raise ValueError("write either at or within")
        return self

    def span(self, window: Window) -> tuple[int, int]:
        """The earliest and the latest beginning, UTC µs."""
        first, last = (self.at, self.at) if self.within is None else self.within
        assert first is not None
        assert last is not None
        return tuple(window.start + m if m >= 0 else -1 - m for m in (first, last))  # type: ignore[return-value]


class _Runs(Spec):
    """What campaigns and hard negatives have in common; ``id`` names the entry's random streams."""

    id: Name | None = None
    count: Annotated[int, Field(ge=0, le=MOST_CAMPAIGNS)] = 1
    parameters: dict[Name, Distribution] = Field(default_factory=dict, alias="with")
    """Distributions that replace those of the playbook's parameters."""
    counts: dict[Name, CastLaw] = Field(default_factory=dict)
    """Sizes that replace those of the playbook's roles."""
    start: StartSpec | None = None
    sampler: Literal["natural", "coverage", "stratified"] = "natural"
    at_least: Annotated[int, Field(ge=1, le=1000)] = 1
    """coverage: how often every transition is taken; stratified: how many campaigns each outcome gets."""
    stealth: Share | None = None
    """0 loud … 1 stealthy: which part of each parameter marked with ``stealth`` is drawn from."""


class CampaignSpec(_Runs):
    """Campaigns of one playbook (a bundled name or a path)."""

    playbook: Annotated[str, Field(min_length=1)]

    @property
    def what(self) -> str:
        """The playbook."""
        return self.playbook


class HardNegativeSpec(_Runs):
    """Hard negatives of one kind (a bundled name or a path to a graph of family hard-negative)."""

    kind: Annotated[str, Field(min_length=1)]

    @property
    def what(self) -> str:
        """The graph."""
        return self.kind


Entry = CampaignSpec | HardNegativeSpec


def _signed(value: Any) -> Any:
    if isinstance(value, str) and value.strip().startswith("-"):
        return -parse_duration(value.strip()[1:])
    if isinstance(value, str):
        return parse_duration(value)
    if value == 0 and not isinstance(value, bool):
        return 0
    raise ValueError(f"write a duration with its unit, for example 250ms or -2s, not {value!r}")


_SKEW = {"anyOf": [{**DURATION, "pattern": rf"^ *-?{DURATION['pattern'][1:]}"}, ZERO]}


class SourceSpec(Spec):
    """One log source: its format, and what may go wrong on the way to the collector (all off by default)."""

    format: str | None = None
    latency: Annotated[Duration, Field(le=DAY)] = 0
    """Mean delivery delay."""
    loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    duplicates: Annotated[float, Field(ge=0, lt=1)] = 0.0
    skew: Annotated[int, BeforeValidator(_signed), Field(ge=-DAY, le=DAY), WithJsonSchema(_SKEW)] = 0
    """Error of the clock that stamps the lines; may be negative."""


class OutputSpec(Spec):
    """How the dataset is written."""

    compress: Literal["none", "gzip", "zstd"] = "none"
    rotate: Annotated[Duration, Field(ge=MINUTE)] = DAY
    order: Literal["product", "event_time"] = "product"
    parquet: bool = False
    inline_labels: bool = False


def _listed(value: Any) -> Any:
    """``[a, b]`` for ``{a: {}, b: {}}``, and nothing said for an empty setting."""
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {k: {} if v is None else {"format": v} if isinstance(v, str) else v for k, v in value.items()}
    return value


class Scenario(Spec):
    """One scenario file."""

    id: Name
    title: str = ""
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=1 << 64)] = 1
    window: WindowSpec
    baseline: str | Annotated[tuple[str, ...], Field(min_length=1)]
    world: dict[str, Any] = Field(default_factory=dict)
    traffic: Annotated[float, Field(ge=0, le=1e6)] = 1.0
    campaigns: tuple[CampaignSpec, ...] = ()
    hard_negatives: tuple[HardNegativeSpec, ...] = ()
    sources: Annotated[dict[Name, SourceSpec], BeforeValidator(_listed)] = Field(default_factory=dict)
    """Empty: every source there is."""
    output: OutputSpec = OutputSpec()
    address_plan: Literal["reserved", "benchmark", "public"] = "reserved"
    shard: Annotated[Duration, Field(ge=MINUTE)] | None = None

    @property
    def baselines(self) -> tuple[str, ...]:
        """The baselines, one or several."""
        return (self.baseline,) if isinstance(self.baseline, str) else self.baseline


def named(entries: Sequence[Entry]) -> list[tuple[str, Entry]]:
    """The entries of one section with their ids: as written, else the playbook's name, ``x#2`` for its second entry.

    Streams of randomness are named after these, so give entries ids before taking one of two away.
    """
    seen: dict[str, int] = {}
    found = []
    for entry in entries:
        name = entry.id or Path(entry.what).stem
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name}#{seen[name]}", entry))
    return found


def load_scenario(source: str | Path, settings: Iterable[str] = ()) -> tuple[Document, Scenario]:
    """The scenario of a bundled name or a path, with ``--set`` settings applied; names it uses are known to exist.

    DataError when the file cannot be read, SpecError with every problem. What a baseline, a playbook and the world say
    inside is checked by those who read them.
    """
    path = resolve("scenario", source)
    document = override(load_yaml(path, shown(path)), settings)
    scenario = document.validate(Scenario)
    problems = list(_unknown(document, scenario, path.parent))
    if problems:
        raise SpecError(problems)
    return document, scenario


def _unknown(document: Document, scenario: Scenario, folder: Path) -> Iterator[Problem]:
    """Names that mean nothing, moments outside the window, ids given twice."""
    for i, name in enumerate(scenario.baselines):
        at = ("baseline",) if isinstance(scenario.baseline, str) else ("baseline", i)
        yield from _missing(document, at, "baseline", name, folder)
        if name in scenario.baselines[:i]:
            yield document.problem(at, f"{name} is listed twice")
    for section, kind, key in (("campaigns", "playbook", "playbook"), ("hard_negatives", "hard negative", "kind")):
        entries: tuple[Entry, ...] = getattr(scenario, section)
        for i, entry in enumerate(entries):
            yield from _missing(document, (section, i, key), kind, entry.what, folder)
            yield from _untimely(document, (section, i, "start"), entry.start, scenario.window.window)
            if entry.id and entry.id in [e.id for e in entries[:i]]:
                yield document.problem((section, i, "id"), "another entry has the same id")
    for name in scenario.sources:
        if name not in SOURCES.names():
            yield document.problem(("sources", name), f"unknown source{did_you_mean(name, SOURCES.names())}")


def _missing(document: Document, at: tuple[str | int, ...], kind: str, name: str, folder: Path) -> Iterator[Problem]:
    try:
        resolve(kind, name, folder)
    except DataError as error:
        yield document.problem(at, str(error))


def _untimely(
    document: Document, at: tuple[str | int, ...], start: StartSpec | None, window: Window
) -> Iterator[Problem]:
    if start is None:
        return
    first, last = start.span(window)
    if first > last:
        yield document.problem(at, "begins within a span that ends before it starts")
    elif first < window.start or last >= window.stop:
        yield document.problem(at, f"lies outside the window, {iso(window.start)} to {iso(window.stop)}")
