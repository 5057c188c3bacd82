"""What every log source promises, as checks: run them on yours with ``for check in CHECKS: check(Case(...))``.

Each takes a ``Case`` and raises ``PluginError`` saying what was broken. ``redgen.checks.sample`` makes activity to try.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from redgen.activity.schema import KINDS, Activity
from redgen.checks import sample
from redgen.clock import MINUTE, SECOND
from redgen.errors import PluginError
from redgen.seed import Seed
from redgen.source import RECORD, Source
from redgen.table import Table
from redgen.world.world import World

TYPES = ("string", "integer", "number", "boolean", "time", "ip", "array", "object")
ARROW_TYPES = ("string", "int64", "double", "bool", "timestamp[us]")
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "time": (str, int, float),
    "ip": (str,), "array": (list,), "object": (dict,),
}


@dataclass(frozen=True)
class Case:
    """One source in one format, on some activity without truth."""

    source: type[Source]
    format: str
    world: World
    seed: Seed
    activity: Activity

    @cached_property
    def made(self) -> Source:
        """The source, built."""
        return self.fresh()

    @cached_property
    def records(self) -> Table:
        """Its records of the activity."""
        return self.made.observe(self.activity)

    @cached_property
    def lines(self) -> list[str]:
        """Its records as text."""
        return self.made.template.texts(self.records)

    @cached_property
    def seen(self) -> dict[str, Table]:
        """The activity that this source looks at."""
        return {kind: table for kind, table in self.activity.items() if kind in self.source.kinds}

    def fresh(self) -> Source:
        """The source, built once more."""
        return self.source(self.world, self.seed, self.format)


def _require(held: bool, message: str) -> None:
    if not held:
        raise PluginError(message)


def check_declarations(case: Case) -> None:
    """Name, title, kinds, formats and fields are declared, and every field is documented."""
    source = case.source
    _require(source.__module__.endswith(f".{source.name}"), f"source {source.name!r} lives in {source.__module__}")
    _require(bool(source.title and source.sigma), f"{source.name}: no title or no Sigma logsource")
    _require(bool(source.kinds) and source.kinds.keys() <= KINDS.keys(), f"{source.name}: kinds {list(source.kinds)}")
    _require(all(delay > 0 for delay in source.kinds.values()), f"{source.name}: a max_delay is not positive")
    _require(case.format in source.formats, f"{source.name}: unknown format {case.format!r}")
    names = [field.name for field in source.fields]
    _require(len(set(names)) == len(names), f"{source.name}: a field is declared twice")
    for field in source.fields:
        _require(field.type in TYPES, f"{source.name}: field {field.name!r} has type {field.type!r}")
        _require(len(field.text) > 3, f"{source.name}: field {field.name!r} is not documented")
        _require(set(field.formats) <= source.formats.keys(), f"{source.name}: field {field.name!r} in unknown formats")


def check_schema(case: Case) -> None:
    """Records have the declared schema, which starts with ``RECORD``, and the columns that the template reads."""
    schema = case.made.schema
    _require({k: schema.get(k) for k in RECORD} == RECORD, f"{case.source.name}: schema lacks columns of RECORD")
    _require(dict(case.records.schema) == dict(schema), f"{case.source.name}: records are not of the declared schema")
    templates = [case.made.template, *(c.template for c in case.made.columns)]
    missing = {name for template in templates for name in template.columns} - schema.keys()
    _require(not missing, f"{case.source.name}: templates read undeclared columns {sorted(missing)}")


def check_nothing(case: Case) -> None:
    """Nothing happened, nothing logged: no tables, empty tables and foreign kinds give no records, same schema."""
    empty = sample.cut(case.activity, 0, 0)
    foreign = {kind: table for kind, table in case.activity.items() if kind not in case.source.kinds}
    for activity in ({}, empty, foreign):
        found = case.made.observe(activity)
        _require(len(found) == 0, f"{case.source.name}: {len(found)} records of nothing")
        _require(dict(found.schema) == dict(case.made.schema), f"{case.source.name}: nothing has another schema")
        data, ends = case.made.template.render(found)
        _require(len(data) == len(ends) == 0, f"{case.source.name}: bytes of nothing")


def check_same_seed_same_records(case: Case) -> None:
    """Built again from the same seed, a source writes the same bytes."""
    again = case.fresh()
    _require(again.template.texts(again.observe(case.activity)) == case.lines, f"{case.source.name}: lines changed")


def check_rows_alone(case: Case) -> None:
    """A record depends on its own row only: reversing or cutting the activity changes none."""
    whole = _by_row(case.records, case.lines)
    some, few = sample.cut(case.activity, 0.3, 0.75), sample.cut(case.activity, 0.5, 0.51)
    for activity in (sample.turned(case.activity), some, few):
        records = case.made.observe(activity)
        for row, lines in _by_row(records, case.made.template.texts(records)).items():
            _require(whole.get(row) == lines, f"{case.source.name}: row {row} changed with its neighbors: {lines}")
    expected = sorted(int(row) for table in case.seen.values() for row in table["id"])
    _require(set(whole) <= set(expected), f"{case.source.name}: records of rows that are not there")


def check_lines(case: Case) -> None:
    """Every line ends with its only newline, parses back, and its time is the record's at the log's resolution.

    Records that a separator leads (``Source.lead``) may do without newlines: an envelope can be a single line.
    """
    source, lead = case.made, case.made.lead.decode()
    source.near = sample.START
    for line, t in zip(case.lines, case.records["t"].tolist(), strict=True):
        body = line.removeprefix(lead)
        _require(line.startswith(lead), f"{case.source.name}: a line without the separator: {line!r}")
        ends = body.endswith("\n") or bool(lead)
        _require(ends and "\n" not in body.removesuffix("\n"), f"{case.source.name}: not one line: {line!r}")
        try:
            source.parse(body)
            found = source.time_of_line(body)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise PluginError(f"{case.source.name}: does not read its own line ({error}): {line!r}") from error
        _require(0 <= t - found < SECOND, f"{case.source.name}: reads {found}, the record says {t}: {line!r}")


def check_fields(case: Case) -> None:
    """What lines hold is what the format's fields declare, by name and type."""
    declared = {field.name: field.type for field in case.made.fields_of_format()}
    lead = case.made.lead.decode()
    seen: set[str] = set()
    for line in case.lines:
        for path, value in _flat(case.made.parse(line.removeprefix(lead)), ""):
            name = _declared(path, declared)
            _require(name is not None, f"{case.source.name}: undeclared field {path!r} in {line!r}")
            assert name is not None
            seen.add(name)
            fits = value is None or name != path or isinstance(value, _JSON_TYPES[declared[name]])
            _require(fits, f"{case.source.name}: field {path!r} is not of type {declared[name]}: {line!r}")
    never = declared.keys() - seen
    rare = {name for name in never if "." in name or "[" in name or len(never) * 3 < len(declared)}
    _require(never == rare, f"{case.source.name}: declared but never written: {sorted(never)}")


def check_times(case: Case) -> None:
    """Records are written when their row is done or up to max_delay later, never before their own event time."""
    index = {int(row): (kind, int(done)) for kind, table in case.seen.items()
             for row, done in zip(table["id"], table["t"] + table["dur"], strict=True)}
    for row, t, w in zip(*(case.records[name].tolist() for name in ("id", "t", "w")), strict=True):
        kind, done = index[row]
        delay = w - done
        _require(0 <= delay < case.source.kinds[kind], f"{case.source.name}: row {row} written {delay} µs after it")
        _require(t <= w, f"{case.source.name}: row {row} written before its event time")


def check_fanout(case: Case) -> None:
    """``fanout`` tells how many records each row gives, and records of a row stand in the order they are written."""
    counts: dict[int, int] = {}
    last: dict[int, int] = {}
    for row, w in zip(case.records["id"].tolist(), case.records["w"].tolist(), strict=True):
        counts[row] = counts.get(row, 0) + 1
        _require(last.get(row, w) <= w, f"{case.source.name}: records of row {row} out of order")
        last[row] = w
    for kind, table in case.activity.items():
        promised = case.made.fanout(kind, table)
        _require(promised.shape == (len(table),), f"{case.source.name}: fanout({kind!r}) has shape {promised.shape}")
        for row, n in zip(table["id"].tolist(), promised.tolist(), strict=True):
            found = counts.get(row, 0)
            _require(found == n, f"{case.source.name}: {kind} row {row} gives {found} records, fanout says {n}")


def check_event_ids(case: Case) -> None:
    """Native ids, where the product has them, are one per record, unique, and stand in the line."""
    if case.made.event_ids is None:
        return
    ids = case.made.event_ids.texts(case.records)
    _require(len(ids) == len(case.records) == len(set(ids)), f"{case.source.name}: event ids are not unique")
    for name, line in zip(ids, case.lines, strict=True):
        _require(bool(name) and name in line, f"{case.source.name}: id {name!r} is not in {line!r}")


def check_columns(case: Case) -> None:
    """Parquet columns render one text per record, of their declared type, and no two share a name."""
    columns = case.made.columns
    _require(bool(columns), f"{case.source.name}: no Parquet columns")
    _require(len({c.name for c in columns}) == len(columns), f"{case.source.name}: two columns of one name")
    shapes = {"int64": r"-?\d+", "timestamp[us]": r"-?\d+", "double": r"-?\d+(\.\d+)?", "bool": "true|false"}
    for column in columns:
        _require(column.type in ARROW_TYPES, f"{case.source.name}: column {column.name!r} of type {column.type!r}")
        texts = column.template.texts(case.records)
        _require(len(texts) == len(case.records), f"{case.source.name}: column {column.name!r} has {len(texts)} rows")
        shape = shapes.get(column.type)
        bad = next((t for t in texts if shape and t and not re.fullmatch(shape, t)), None)
        _require(bad is None, f"{case.source.name}: column {column.name!r} is no {column.type}: {bad!r}")


def check_header(case: Case) -> None:
    """Header and footer are bytes that depend on the time given only."""
    for part in (case.made.header, case.made.footer):
        _require(isinstance(part(sample.START), bytes), f"{case.source.name}: {part.__name__} is not bytes")
        _require(part(sample.START) == part(sample.START), f"{case.source.name}: {part.__name__} changes")


def check_lanes(case: Case) -> None:
    """A source that keeps lanes apart says in which one each record is, and names a file of its own for each period."""
    made, name = case.made, case.source.name
    if not made.lanes:
        return
    _require(made.rotate > 0 and 5 * MINUTE % made.rotate == 0, f"{name}: lanes without a rotation that fits cells")
    lane = case.records["lane"]
    _require(bool(((lane >= 0) & (lane < len(made.lanes))).all()), f"{name}: a record in a lane that is not there")
    closes = [sample.START + made.rotate * n for n in (1, 2)]
    named = [made.filed(k, closed) for k in range(len(made.lanes)) for closed in closes]
    _require(len(set(named)) == len(named), f"{name}: two files of one name")
    _require(named == [case.fresh().filed(k, closed) for k in range(len(made.lanes)) for closed in closes],
             f"{name}: other file names from the same seed")


def _by_row(records: Table, lines: list[str]) -> dict[int, list[str]]:
    """Lines and write times of each row."""
    found: dict[int, list[str]] = {}
    for row, w, line in zip(records["id"].tolist(), records["w"].tolist(), lines, strict=True):
        found.setdefault(row, []).append(f"{w} {line}")
    return found


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Leaves and containers of a parsed line, by dotted path; objects in arrays below ``[]``."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                for key, deeper in inner.items():
                    yield from _flat(deeper, f"{path}[].{key}")


def _declared(path: str, declared: dict[str, str]) -> str | None:
    """The field that declares ``path``: itself, an object or array above it, or (for containers) a field below it."""
    if path in declared:
        return path
    for name, kind in declared.items():
        if kind in ("object", "array") and path.startswith((f"{name}.", f"{name}[")):
            return name
        if name.startswith((f"{path}.", f"{path}[")):
            return name
    return None


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_declarations, check_schema, check_nothing, check_same_seed_same_records, check_rows_alone, check_lines,
    check_fields, check_times, check_fanout, check_event_ids, check_columns, check_header, check_lanes,
)


def cases(source: type[Source], world: World, seed: Seed, n: int = 300) -> list[Case]:
    """One case per format of ``source``, on sample activity of every kind."""
    activity = sample.activity(world, seed, n)
    return [Case(source, form, world, seed.child(source.name), activity) for form in source.formats]
