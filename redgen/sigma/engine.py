"""The engine: rules and events in, alerts and a report on every rule out.

Events are loaded once, with the columns that the rules need. Each plain rule is one scan of its sources' tables;
correlations are compiled from what those scans found, never from the text of finished queries.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from redgen.alert import BROKEN, FIELD_GAP, UNSUPPORTED, Alerts, Detection, Diagnostic, RuleReport
from redgen.detector import Events
from redgen.sigma import assemble, evidence
from redgen.sigma.backend import Predicates
from redgen.sigma.columns import RAW, Columns, Need
from redgen.sigma.entities import fields_of_source
from redgen.sigma.fires import fires
from redgen.sigma.gaps import gap, missing
from redgen.sigma.inputs import Unit, units
from redgen.sigma.members import Inner, members
from redgen.sigma.patterns import SlowPatternError
from redgen.sigma.prepare import pipeline_of, prepare
from redgen.sigma.reach import unsatisfiable
from redgen.sigma.routing import reason, route
from redgen.sigma.ruleset import Loaded, Ruleset, load_rules, plainly
from redgen.sigma.shapes import Shape, Slot, shape_of
from redgen.sigma.store import MEMORY, Store, Table


@dataclass(frozen=True)
class Options:
    """What a user may set.

    ``evidence``: events named by one alert at most. ``exclusive``: windows without their old end, (t - span, t].
    ``raw_fires``: an alert for every qualifying event instead of one per episode. ``strict``: a rule in error fails
    the whole detection.
    """

    rules: tuple[Path, ...]
    pipelines: tuple[Path, ...] = ()
    placeholders: Path | None = None
    raw_fires: bool = False
    exclusive: bool = False
    evidence: int = assemble.EVIDENCE
    strict: bool = False
    memory: str = MEMORY


@dataclass
class Run:
    """One run under way: everything the steps below share."""

    options: Options
    events: Events
    ruleset: Ruleset
    store: Store
    columns: Columns = field(default_factory=Columns)
    needs: dict[int, Need] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)
    routed: dict[int, list[Unit]] = field(default_factory=dict)
    tables: dict[int, list[Table]] = field(default_factory=dict)
    inners: dict[int, Inner] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.predicates = Predicates(self.columns)
        self.numbers = {id(entry.rule): i for i, entry in enumerate(self.ruleset.loaded)}

    def entry(self, rule: object) -> Loaded:
        """The entry of a rule."""
        return self.ruleset.loaded[self.numbers[id(rule)]]


def detect(events: Events, options: Options) -> Detection:
    """All alerts of the rules on the events, and what became of each rule."""
    ruleset = load_rules(options.rules)
    with Store(options.memory) as store:
        run = Run(options, events, ruleset, store)
        alerts = search(run)
    reports = ruleset.reports()
    broken = sum(r.status == BROKEN for r in reports)
    failed = f"{broken} of {len(reports)} rules cannot be used, and strict is on" if options.strict and broken else ""
    return Detection("sigma", alerts, reports, (*ruleset.diagnostics, *run.diagnostics), failed)


def search(run: Run) -> Alerts:
    """Load the events, run every rule, gather the alerts."""
    load_events(run)
    for number, entry in enumerate(run.ruleset.loaded):
        if entry.usable and isinstance(entry.rule, SigmaRule):
            scan(run, number, entry)
    loud = [i for i, e in enumerate(run.ruleset.loaded) if e.usable and e.alerts and isinstance(e.rule, SigmaRule)]
    assemble.single_events(run.store, loud)
    end = _end(run)
    for number in run.shapes:
        _correlate(run, number, end)
    return assemble.alerts_from(run.store, run.columns, [e.report for e in run.ruleset.loaded])


def load_events(run: Run) -> None:
    """Prepare the rules and load what they need to know."""
    pipeline = pipeline_of(run.options.pipelines, run.options.placeholders)
    run.needs = prepare(run.ruleset, pipeline, run.predicates)
    _shape(run)
    _route(run)
    assemble.begin(run.store)
    _load(run)
    run.store.lock()


def _shape(run: Run) -> None:
    """Compile correlations, and let the rules they refer to keep the fields they need."""
    for number, entry in enumerate(run.ruleset.loaded):
        if not entry.usable or not isinstance(entry.rule, SigmaCorrelationRule):
            continue
        try:
            shape = shape_of(entry.rule)
        except SigmaError as error:
            entry.reject(BROKEN, plainly(error))
            continue
        run.shapes[number] = shape
        entry.report = replace(entry.report, span=shape.span)
        for slot in shape.slots:
            if isinstance(slot.rule, SigmaRule):
                base = run.numbers[id(slot.rule)]
                run.needs[base] = run.needs.get(base, Need()) | run.columns.need(slot.groups + slot.values, RAW)


def _route(run: Run) -> None:
    """Which rule runs on which log source."""
    found = units(run.events)
    known = {u.title: u.logsource for u in found}
    for number, entry in enumerate(run.ruleset.loaded):
        if not entry.usable or not isinstance(entry.rule, SigmaRule):
            continue
        wanted = entry.report.logsource
        served = set(route(wanted, known)) if run.events.routing else known.keys()
        run.routed[number] = [u for u in found if u.title in served]
        if not run.routed[number]:
            foreign = "" if any(known.values()) else "; --no-routing runs every rule on every event"
            entry.reject(UNSUPPORTED, reason(wanted, known) + foreign)


def _load(run: Run) -> None:
    """Load each source that any rule runs on, once, with what all of its rules need."""
    wanted: dict[int, list[int]] = {}
    chosen: dict[int, Unit] = {}
    for number, there in run.routed.items():
        for unit in there:
            chosen[id(unit)] = unit
            wanted.setdefault(id(unit), []).append(number)
    for key, unit in chosen.items():
        need = run.columns.need(fields_of_source(unit.source), RAW)
        for number in wanted[key]:
            need |= run.needs[number]
        relation = unit.read(run.store.db, need, run.events)
        table = run.store.load(relation, run.columns, need, unit)
        if relation.refused:
            run.diagnostics.append(Diagnostic(
                "REFUSED_LINES", f"{unit.title}: lines that are no records; the first: "
                                 f"{relation.first_refused}", relation.refused))
        run.diagnostics += [Diagnostic(code, said, level="info") for code, said in sorted(relation.notes.items())]
        for number in wanted[key]:
            run.tables.setdefault(number, []).append(table)


def scan(run: Run, number: int, entry: Loaded, *, gaps: bool = True) -> None:
    """Find one rule's events in each of its sources, unless (with ``gaps``) these lack its fields."""
    assert isinstance(entry.rule, SigmaRule)
    if gaps:
        _leave_gaps(run, number, entry, entry.rule)
    for table in run.tables[number]:
        predicate = run.predicates.predicate(entry.rule, table.lists)
        try:
            run.store.db.execute(f"INSERT INTO hits SELECT {number}, {table.index}, place FROM {table.name} "
                                 f"WHERE {predicate}")
        except (duckdb.Error, SlowPatternError) as error:
            entry.reject(BROKEN, _why(error))


def _leave_gaps(run: Run, number: int, entry: Loaded, rule: SigmaRule) -> None:
    """Keep the tables that can decide the rule; reject it when there are none."""
    there, tested, lacking = run.tables[number], [], set[str]()
    for table in there:
        gaps = gap(rule, table.absent, run.columns)
        lacking |= set(gaps or missing(rule, table.absent, run.columns))
        if not gaps:
            tested.append(table)
    run.tables[number] = tested
    sources = tuple(dict.fromkeys(t.title for t in tested))
    entry.report = replace(entry.report, sources=sources, missing=tuple(sorted(lacking)))
    if not tested:
        entry.reject(FIELD_GAP, _lacks(there, sorted(lacking)), sorted(lacking))


def _lacks(tables: Sequence[Table], fields: Sequence[str]) -> str:
    return f"{', '.join(sorted({t.title for t in tables}))} has no {', '.join(fields)}"


def _why(error: Exception) -> str:
    said = str(error)
    return said[said.index("the pattern"):].splitlines()[0] if "the pattern" in said else plainly(error)


def _end(run: Run) -> int:
    """When the observation ends: as told, else at the last event."""
    if run.events.stop:
        return run.events.stop
    last = [run.store.one(f"SELECT max(t) FROM {table.name}") for table in run.store.tables]
    return max((t for t in last if t is not None), default=0)


def _correlate(run: Run, number: int, end: int) -> None:
    """Run one correlation after those it refers to, once."""
    entry, shape = run.ruleset.loaded[number], run.shapes[number]
    if number in run.inners or not entry.usable:
        return
    for slot in shape.slots:
        inner = run.numbers[id(slot.rule)]
        if inner in run.shapes:
            _correlate(run, inner, end)
    problem = unsatisfiable(shape, [_slot_report(run, slot) for slot in shape.slots])
    if problem:
        entry.reject(*problem)
        return
    feeds = feeds_of(run, shape)
    sources = [s for slot in shape.slots if run.entry(slot.rule).usable for s in run.entry(slot.rule).report.sources]
    entry.report = replace(entry.report, sources=tuple(dict.fromkeys(sources)))
    inners = {i: feed for i, feed in enumerate(feeds) if isinstance(feed, Inner)}
    title = entry.report.title
    try:
        run.diagnostics += members(run.store, run.columns, number, shape, title, feeds)
        run.diagnostics += fires(run.store, number, shape, title, int(run.options.exclusive), end)
        run.inners[number] = Inner(number, shape, inners)
        if entry.alerts:
            evidence.episodes(run.store, number, shape, number, raw=run.options.raw_fires)
            cap = min(run.options.evidence, evidence.cap_of(run.store, run.options.evidence))
            if cap < run.options.evidence:
                run.diagnostics.append(Diagnostic("EVIDENCE_CUT", f"{title}: so many alerts that each names at most "
                                                                  f"{cap} events", level="info"))
            evidence.collect(run.store, number, shape, inners, cap)
    except duckdb.Error as error:
        entry.reject(BROKEN, plainly(error))




def _slot_report(run: Run, slot: Slot) -> RuleReport:
    """The report on a rule as a part of a correlation: without the fields that this groups by, it is of no use."""
    report, number = run.entry(slot.rule).report, run.numbers[id(slot.rule)]
    if report.reason:
        return report
    fields = slot.groups + slot.values
    if number in run.shapes:
        inner = run.shapes[number]
        have = {name.casefold() for name in (*inner.groups, inner.kind, "sigma_metric")}
        lost = [f for f in fields if f.casefold() not in have]
        return replace(report, status=BROKEN, reason=f"it does not group by {', '.join(lost)}") if lost else report
    tables = run.tables.get(number, [])
    lost = [f for f in fields if all(run.columns.key(f) in t.absent for t in tables)]
    return replace(report, status=FIELD_GAP, reason=_lacks(tables, lost), missing=tuple(lost)) if lost else report


def feeds_of(run: Run, shape: Shape) -> list[list[tuple[int, Table]] | Inner]:
    """Where the members of each slot come from: an inner correlation, or a rule's hits in tables."""
    found: list[list[tuple[int, Table]] | Inner] = []
    for slot in shape.slots:
        base = run.numbers[id(slot.rule)]
        usable = run.ruleset.loaded[base].usable
        found.append(run.inners.get(base) or [(base, t) for t in run.tables.get(base, ()) if usable])
    return found
