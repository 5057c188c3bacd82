"""Readers that go record by record: collect what each alert says into columns, and turn them into alerts at the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redgen.alert import LEVELS, Alerts, alerts_of
from redgen.errors import DataError
from redgen.reader import Options, Reader, flat, without_duplicates
from redgen.readers._times import UNREADABLE, micros
from redgen.records import Notes, Record, RecordFile, leaf

Times: TypeAlias = NDArray[np.int64]

WORDS: Mapping[str, int] = {
    **LEVELS, "info": 10, "information": 10, "undefined": 50, "unknown": 50, "none": 10, "notice": 30, "minor": 30,
    "med": 50, "moderate": 50, "warning": 50, "major": 75, "error": 75, "crit": 95, "severe": 95, "fatal": 95,
    "emergency": 95, "emer": 95}
"""Products' words for how bad it is, on the scale of 0 to 100."""


def severity_of(value: Any, scale: Mapping[str, int] | None = None, unknown: int = LEVELS["medium"]) -> int:
    """A severity of 0 to 100 from a word, or from a number that is one already.

    >>> severity_of("High"), severity_of(73), severity_of(None)
    (75, 73, 50)
    """
    given = value[0] if isinstance(value, list) and value else value
    word = "" if given is None else str(given).strip().lower()
    if scale and word in scale:
        return scale[word]
    if word in WORDS:
        return WORDS[word]
    try:
        return min(100, max(0, round(float(word))))
    except (ValueError, OverflowError):
        return unknown


def first(value: Any) -> Any:
    """A value, or the first of several; None for an empty list."""
    return (value[0] if value else None) if isinstance(value, list) else value


class Rows:
    """Columns in the making: ``alert`` begins a row, ``event`` and ``entity`` add to it."""

    def __init__(self, file: RecordFile, options: Options, notes: Notes) -> None:
        self.file, self.options, self.notes = file, options, notes
        self._alerts: dict[str, list[Any]] = {name: [] for name in (
            "alert_id", "rule_id", "rule_name", "severity", "t_alert", "t_first", "t_last", "n_events", "raw_ref")}
        self._events: dict[str, list[Any]] = {n: [] for n in ("alert", "event_id", "file", "line", "digest")}
        self._entities: dict[str, list[Any]] = {n: [] for n in ("alert", "type", "value")}
        self._seen: set[tuple[str, ...]] = set()
        self._lines: list[int] = []

    def alert(self, line: int, rule_id: Any, t: Any, *, name: Any = "", severity: int = LEVELS["medium"],
              start: Any = None, stop: Any = None, n: int = 0, alert_id: Any = "") -> None:
        """Begin an alert of a rule at time ``t`` about events from ``start`` to ``stop`` (None: as ``t``)."""
        row = len(self._lines)
        where = f"{self.file.name}:{line}"
        said = str(rule_id if rule_id not in (None, "") else name or "")
        if not said:
            raise DataError(f"{where}: an alert without a rule")
        unnamed = f"{where}#{row}" if self._lines and self._lines[-1] == line else where
        values = (str(alert_id or unnamed), said, str(name or said), severity, t, start, stop, n, where)
        for column, value in zip(self._alerts.values(), values, strict=True):
            column.append(value)
        self._lines.append(line)
        self._seen.clear()

    def __len__(self) -> int:
        return len(self._lines)

    def event(self, event_id: Any = "", *, file: str = "", line: int = 0, digest: str = "") -> None:
        """The alert in the making names an event."""
        known = ("event", str(event_id), file, str(line), digest)
        if known in self._seen:
            return
        self._seen.add(known)
        for column, value in zip(self._events.values(), (len(self._lines) - 1, str(event_id or ""), file, line, digest),
                                 strict=True):
            column.append(value)

    def entities(self, pairs: Iterable[tuple[str, str]]) -> None:
        """The alert in the making names entities, as (type, value)."""
        for pair in pairs:
            if pair not in self._seen:
                self._seen.add(pair)
                for column, value in zip(self._entities.values(), (len(self._lines) - 1, *pair), strict=True):
                    column.append(value)

    def done(self, clock: str, time_key: str) -> Alerts:
        """The alerts; DataError where an alert has no readable time (``time_key`` says where it should stand)."""
        raw = self._alerts["t_alert"]
        t, naive = micros(raw, self.options.zone)
        bad = (t == UNREADABLE).nonzero()[0]
        if len(bad):
            i = int(bad[0])
            said = f"is {raw[i]!r}, which is no time" if raw[i] is not None else "is missing"
            raise DataError(f"{self.file.name}:{self._lines[i]}: the alert's time (`{time_key}`) {said}")
        begin, bare = micros(self._alerts["t_first"], self.options.zone)
        end, bare_too = micros(self._alerts["t_last"], self.options.zone)
        begin, end = windows(t, begin, end)
        note_naive(self.notes, self.file, naive + bare + bare_too, self.options)
        columns: dict[str, Any] = {**self._alerts, "t_alert": t, "t_first": begin, "t_last": end}
        return without_duplicates(alerts_of(columns, self._events, self._entities, clock))


def windows(t: Times, begin: Times, end: Times) -> tuple[Times, Times]:
    """First and last time of each alert: what is not known is the other end, or the alert's own time."""
    begin = np.where(begin == UNREADABLE, np.where(end == UNREADABLE, t, end), begin)
    end = np.where(end == UNREADABLE, begin, end)
    return np.minimum(begin, end), np.maximum(begin, end)


def note_naive(notes: Notes, file: RecordFile, n: int, options: Options) -> None:
    """Say that times had no zone, and how they were read."""
    if n:
        notes.count("NAIVE_TIME", f"{file.name}: times without a zone: read as {options.zone}", n)


class RowReader(Reader):
    """A reader that takes alerts record by record: override ``take``.

    ``required`` are keys without which a record is no alert of this format; ``time_key`` is where its time stands.
    """

    required: ClassVar[tuple[str, ...]] = ()
    time_key: ClassVar[str] = "timestamp"

    def read(self, file: RecordFile, options: Options, notes: Notes) -> Alerts:
        """All alerts of a file, in its order."""
        rows = Rows(file, options, notes)
        self.begin(rows)
        for line, record in self.records(file, notes):
            if not self.wanted(record):
                notes.count("NO_ALERT", f"{file.name}: records that are no alerts: left out", level="info")
                continue
            missing = [key for key in self.required if leaf(record, key) is None]
            if missing:
                raise DataError(self.lack(file, line, record, missing))
            try:
                self.take(line, record, rows)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise DataError(f"{file.name}:{line}: a part of this alert has another shape than {self.title} have "
                                f"({error})") from None
        return rows.done(self.clock, self.time_key)

    def begin(self, rows: Rows) -> None:
        """What to do before the first record."""

    def records(self, file: RecordFile, notes: Notes) -> Iterator[tuple[int, Record]]:
        """The file's records."""
        return file.records(notes)

    def wanted(self, record: Record) -> bool:  # noqa: ARG002  -- what most formats hold
        """Whether a record is an alert at all."""
        return True

    @abstractmethod
    def take(self, line: int, record: Record, rows: Rows) -> None:
        """Add a record's alert or alerts to ``rows``."""

    def lack(self, file: RecordFile, line: int, record: Record, missing: list[str]) -> str:
        """The message for a record without some keys."""
        keys = flat(record)
        lacks = ", ".join(f"`{key}`" for key in missing)
        return (f"{file.name}:{line}: not a {self.name} alert ({self.title}): it lacks {lacks}; "
                f"its keys are {', '.join(list(keys)[:12]) or 'none'}")
