"""Near misses: of a campaign that no rule found, which rule came closest, and what failed.

Only the campaign's own events are looked at. Detection knows no truth: whoever asks says which events they are.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
from sigma.rule import SigmaRule

from redgen.detector import Events
from redgen.sigma.columns import text
from redgen.sigma.engine import Options, Run, feeds_of, load_events, scan
from redgen.sigma.excerpt import excerpt
from redgen.sigma.fires import fires
from redgen.sigma.members import Inner, members
from redgen.sigma.ruleset import Loaded, load_rules
from redgen.sigma.shapes import SECOND, Shape
from redgen.sigma.softly import pieces, share, words
from redgen.sigma.store import Store, Table

MOST = 2_000
"""Events of one campaign that are looked at; a flood's first ones say enough."""


@dataclass(frozen=True)
class Near:
    """The rule that came closest, the share of its conditions that held, and what failed in words."""

    rule_id: str
    rule_name: str
    share: float
    failed: str


def nearest(events: Events, options: Options, wanted: Mapping[str, Collection[tuple[str, int]]]) -> dict[str, Near]:
    """For each campaign, given by the places (file, line) of its events: its near miss, where there is one to tell."""
    chosen = {name: sorted(places)[:MOST] for name, places in wanted.items() if places}
    places: dict[str, set[int]] = {}
    for some in chosen.values():
        for file, line in some:
            places.setdefault(file, set()).add(line)
    with TemporaryDirectory(prefix="redgen-") as folder, Store(options.memory) as store:
        cut, moved = excerpt(events, {f: frozenset(n) for f, n in places.items()}, Path(folder))
        run = Run(options, cut, load_rules(options.rules), store)
        if cut.files:
            load_events(run)
            _mark(run, chosen, moved)
            for number, entry in enumerate(run.ruleset.loaded):
                if entry.usable and isinstance(entry.rule, SigmaRule):
                    scan(run, number, entry, gaps=False)
        titles = {f.name: f.source or f.name for f in events.files}
        where = {name: sorted({titles.get(file, file) for file, _ in some}) for name, some in chosen.items()}
        return {name: _closest(run, index, where[name]) if cut.files else _nowhere(where[name])
                for index, name in enumerate(chosen)}


def _mark(run: Run, chosen: Mapping[str, list[tuple[str, int]]], moved: Mapping[tuple[str, int], int]) -> None:
    """``wanted``: which event of which table belongs to which campaign."""
    rows = [(index, file, moved[file, line]) for index, some in enumerate(chosen.values())
            for file, line in some if (file, line) in moved]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    run.store.db.register("marks", pa.table({
        "campaign": pa.array(columns[0], pa.int32()), "name": pa.array(columns[1], pa.string()),
        "line": pa.array(columns[2], pa.int64())}))
    parts = ["SELECT 0 AS campaign, 0 AS source, 0::BIGINT AS place WHERE false"]
    for table in run.store.tables:
        for number, name in enumerate(table.files):
            parts.append(f"SELECT w.campaign, {table.index}, e.place FROM {table.name} e JOIN marks w "
                         f"ON e.line = w.line AND e.file = {number} AND w.name = {text(name)}")
    run.store.db.execute(f"CREATE TEMP TABLE wanted AS {' UNION ALL '.join(parts)}")


def _nowhere(where: Sequence[str]) -> Near:
    return Near("", "", 0.0, f"no rule comes near its events in {', '.join(where)}")


def _closest(run: Run, campaign: int, where: Sequence[str]) -> Near:
    """The best of all rules for one campaign; plain rules before correlations where they are equal."""
    loaded = run.ruleset.loaded
    shares = {n: _plain(run, n, entry, campaign) for n, entry in enumerate(loaded)
              if isinstance(entry.rule, SigmaRule) and entry.usable and run.tables.get(n)}
    found = [(n, Near(loaded[n].report.rule_id, loaded[n].report.title, part, ""))
             for n, part in shares.items() if part and loaded[n].alerts]
    found += [(n, near) for n, shape in run.shapes.items() if loaded[n].usable and loaded[n].alerts
              and (near := _correlation(run, n, shape, campaign, shares))]
    if not found:
        return _nowhere(where)
    number, best = max(found, key=lambda one: one[1].share)
    return best if best.failed else replace(best, failed=_explain(run, number, loaded[number], campaign))


def _plain(run: Run, number: int, entry: Loaded, campaign: int) -> float:
    """The largest share of a plain rule that holds for any event of a campaign."""
    assert isinstance(entry.rule, SigmaRule)
    best = 0.0
    for table in run.tables[number]:
        sql = share(entry.rule, run.predicates, table.lists)
        try:
            found = run.store.one(f"SELECT max({sql})::DOUBLE FROM {_events(table, campaign)}")
        except duckdb.Error:
            continue
        best = max(best, found or 0.0)
    return best


def _events(table: Table, campaign: int) -> str:
    """A campaign's rows of a table."""
    return (f"{table.name} e JOIN (SELECT place FROM wanted WHERE source = {table.index} AND campaign = {campaign}) w "
            "USING (place)")


def _explain(run: Run, number: int, entry: Loaded, campaign: int) -> str:
    """Which parts of a plain rule hold for how many of a campaign's events."""
    assert isinstance(entry.rule, SigmaRule)
    table = max(run.tables[number], key=lambda t: run.store.one(
        f"SELECT count(*) FROM wanted WHERE source = {t.index} AND campaign = {campaign}"))
    parts = pieces(entry.rule, run.predicates, table.lists)
    counts = "".join(f", count(*) FILTER ({part.sql})" for part in parts)
    total, *held = run.store.rows(f"SELECT count(*){counts} FROM {_events(table, campaign)}")[0]
    return words(list(zip(parts, held, strict=True)), total)


def _correlation(run: Run, number: int, shape: Shape, campaign: int, shares: Mapping[int, float]) -> Near | None:
    """A correlation: half for its rules finding anything, the other half for how far its metric came."""
    report = run.ruleset.loaded[number].report
    bases = _bases(run, shape)
    listed = ", ".join(map(str, bases))
    if not run.store.one("SELECT count(*) FROM hits h JOIN wanted w USING (source, place) "
                         f"WHERE h.rule IN ({listed}) AND campaign = {campaign}"):
        best = max(bases, key=lambda b: shares.get(b, 0.0), default=None)
        if best is None or not shares.get(best):
            return None
        failed = f"{run.ruleset.loaded[best].report.title}: {_explain(run, best, run.ruleset.loaded[best], campaign)}"
        return Near(report.rule_id, report.title, shares[best] / 2, failed)
    reached, said = _reached(run, number, shape, campaign)
    return Near(report.rule_id, report.title, 0.5 + reached / 2, said)


def _bases(run: Run, shape: Shape) -> list[int]:
    """The plain rules below a correlation."""
    found = []
    for slot in shape.slots:
        base = run.numbers[id(slot.rule)]
        found += _bases(run, run.shapes[base]) if base in run.shapes else [base]
    return list(dict.fromkeys(found))


def _reached(run: Run, number: int, shape: Shape, campaign: int) -> tuple[float, str]:
    """How far the metric came over the campaign's events alone: a share of what it should be, and in words."""
    db = run.store.db
    db.execute("ALTER TABLE hits RENAME TO all_hits")
    made: list[int] = []
    try:
        db.execute("CREATE TEMP TABLE hits AS SELECT h.* FROM all_hits h JOIN wanted w USING (source, place) "
                   f"WHERE campaign = {campaign}")
        _fire(run, number, shape, made, last=True)
        best = run.store.one(f"SELECT max(metric) FROM f{number}") or 0.0
        slots = {row[0] for row in run.store.rows(f"SELECT DISTINCT slot FROM m{number}")}
    finally:
        for n in made:
            db.execute(f"DROP TABLE IF EXISTS m{n}; DROP TABLE IF EXISTS k{n}; DROP TABLE IF EXISTS f{n}")
        db.execute("DROP TABLE IF EXISTS hits")
        db.execute("ALTER TABLE all_hits RENAME TO hits")
    return _said(shape, best, slots)


def _fire(run: Run, number: int, shape: Shape, made: list[int], *, last: bool) -> Inner:
    inners: dict[int, Inner] = {}
    for index, slot in enumerate(shape.slots):
        base = run.numbers[id(slot.rule)]
        if base in run.shapes:
            inners[index] = _fire(run, base, run.shapes[base], made, last=False)
    feeds = [inners.get(i) or feed for i, feed in enumerate(feeds_of(run, shape))]
    made.append(number)
    members(run.store, run.columns, number, shape, "", feeds)
    open_ended = replace(shape, operator=">=", threshold=0, clauses=(),
                         kind="temporal" if shape.clauses else shape.kind) if last else shape
    fires(run.store, number, open_ended, "", 0, 2**62)
    return Inner(number, shape, inners)


def _said(shape: Shape, best: float, slots: set[int]) -> tuple[float, str]:
    within = f"within {_span(shape.span)}"
    titles = [slot.rule.title for slot in shape.slots]
    if shape.kind.startswith("temporal"):
        missing = [t for i, t in enumerate(titles) if i not in slots]
        never = f"; never: {', '.join(missing)}" if missing else "; not close enough, in order and in one group"
        wanted = max((len(p) for p, _ in shape.clauses), default=int(shape.threshold)) or len(titles)
        if best >= wanted and not missing:
            never = "; its condition does not hold" if shape.clauses else ", as it asks"
        return min(best / wanted, 1.0), f"{best:.0f} of {wanted} rules {within}{never}"
    phrase = {">=": "of at least", ">": "of more than", "=": "of exactly"}.get(shape.operator)
    if phrase is None:
        return 0.0, f"{shape.kind} was {best:g}, not {shape.operator} {shape.threshold:g} {within}"
    return min(best / shape.threshold, 1.0) if shape.threshold else 0.0, (
        f"{shape.kind} {best:g} {phrase} {shape.threshold:g} {within}")


def _span(span: int) -> str:
    """A window as people say it.

    >>> _span(600_000_000), _span(90_000_000)
    ('10m', '90s')
    """
    seconds = span // SECOND
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
