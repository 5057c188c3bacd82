"""Any JSON, CSV or YAML file of alerts, read through a mapping YAML that says where each thing stands.

A place is ``$.a.b``, ``$.list[*].x``, ``$['dotted.key']`` or a bare column name::

    map: {rule_id: $.rule.id, ts: $.time, severity: $.level}
    entities: {ip: [$.src, $.dst], user: $.account}
    events: {event_id: "$.events[*].id"}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from redgen.alert import Alerts, digest_of
from redgen.errors import DataError
from redgen.reader import Options, Sample, flat
from redgen.readers._entities import entities_of
from redgen.readers._places import Place
from redgen.readers._rows import RowReader, Rows, severity_of
from redgen.records import Notes, Record, RecordFile
from redgen.spec.loader import load_yaml
from redgen.spec.model import Spec

Places = Place | tuple[Place, ...]


class MapSpec(Spec):
    """Where an alert says which rule it is of, when, how bad, and about what time."""

    rule_id: Place
    ts: Place
    rule_name: Place | None = None
    severity: Place | None = None
    first_ts: Place | None = None
    last_ts: Place | None = None
    alert_id: Place | None = None
    count: Place | None = None


class EventSpec(Spec):
    """Where an alert names its events: by id, by file and line, or as raw text."""

    event_id: Places | None = None
    file: Place | None = None
    line: Place | None = None
    raw: Places | None = None


class MappingSpec(Spec):
    """A mapping file. ``where`` keeps records whose places have these values; ``zone`` is for times without one."""

    map: MapSpec
    entities: dict[str, Places] = Field(default_factory=dict)
    events: EventSpec = EventSpec()
    severities: dict[str, int] = Field(default_factory=dict)
    where: dict[str, str | int | bool] = Field(default_factory=dict)
    clock: Literal["event", "arrival", "batch"] = "event"
    zone: str = ""


@dataclass(frozen=True)
class _Mapped(RowReader):
    """A reader of one mapping."""

    spec: MappingSpec
    name = "generic"
    title = "alerts read through a mapping"

    def wanted(self, record: Record) -> bool:
        """Records that have the values of ``where``."""
        return all(str(value).lower() in {str(v).lower() for v in Place.of(place).values(record)}
                   for place, value in self.spec.where.items())

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert."""
        said = {name: _one(getattr(self.spec.map, name), record) for name in MapSpec.model_fields}
        if said["rule_id"] in {None, ""}:
            raise DataError(f"{rows.file.name}:{line}: nothing at {self.spec.map.rule_id} (rule_id of the mapping); "
                            f"keys are {', '.join(list(flat(record))[:12]) or 'none'}")
        scale = {word.lower(): value for word, value in self.spec.severities.items()}
        count = str(said["count"] or "").partition(".")[0]
        rows.alert(line, said["rule_id"], said["ts"], name=said["rule_name"] or "", start=said["first_ts"],
                   stop=said["last_ts"], severity=severity_of(said["severity"], scale), alert_id=said["alert_id"] or "",
                   n=int(count) if count.isdigit() else 0)
        self._events(record, rows)
        for kind, places in self.spec.entities.items():
            for value in _all(places, record):
                rows.entities(entities_of(kind, value, kind))

    def _events(self, record: Record, rows: Rows) -> None:
        said = self.spec.events
        for value in _all(said.event_id, record):
            rows.event(value)
        for value in _all(said.raw, record):
            rows.event(digest=digest_of(str(value).encode()))
        files, lines = _all(said.file, record), _all(said.line, record)
        for i, number in enumerate(lines):
            if str(number).isdigit():
                rows.event(file=str(files[min(i, len(files) - 1)]) if files else "", line=int(number))


class Generic(RowReader):
    """Alerts in anybody's shape."""

    name = "generic"
    title = "any JSON, CSV or YAML through a mapping YAML"

    def sniff(self, sample: Sample) -> float:  # noqa: ARG002
        """Never by itself: it needs a mapping."""
        return 0.0

    def read(self, file: RecordFile, options: Options, notes: Notes) -> Alerts:
        """All alerts of a file, through ``options.mapping``."""
        if options.mapping is None:
            raise DataError(f"{file.name}: the generic format needs a mapping file (--mapping FILE): "
                            "`map: {rule_id: $.x, ts: $.y}`")
        if file.shape == "text":
            raise DataError(f"{file.name}: neither JSON nor CSV nor YAML: nothing to map")
        spec = mapping(options.mapping)
        zoned = replace(options, zone=spec.zone or options.zone)
        found = _Mapped(spec).read(file, zoned, notes)
        return replace(found, clock=spec.clock)

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """Not without a mapping (see ``read``)."""
        raise NotImplementedError


def mapping(path: Path) -> MappingSpec:
    """The mapping in a file; SpecError naming file and line of what is wrong."""
    document = load_yaml(path)
    spec = document.validate(MappingSpec)
    for kind, value in spec.severities.items():
        if not 0 <= value <= 100:
            raise document.error(("severities", kind), "a severity is a number from 0 to 100")
    return spec


def _one(place: Place | None, record: Record) -> Any:
    return next(iter(place.values(record)), None) if place else None


def _all(places: Places | None, record: Record) -> list[Any]:
    if places is None:
        return []
    return [v for place in (places if isinstance(places, tuple) else (places,)) for v in place.values(record)]


READER = Generic()
