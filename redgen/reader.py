"""The contract of an alert format: a file in somebody's words in, alerts in normal form out; and how to tell formats.

To add one, write ``redgen/readers/<name>.py`` with a subclass of ``Reader`` and an instance of it as ``READER``.
``read_alerts`` is the way in for everybody else: it finds the format by the keys of the first records. An alert id that
occurs twice in a file is dropped where it is read, and counted (``DUPLICATE_ALERT``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from redgen.alert import Alerts, Diagnostic, alerts_of
from redgen.errors import DataError, did_you_mean
from redgen.records import Notes, Record, RecordFile
from redgen.registry import READERS

SAMPLED = 200
"""Records looked at to tell a format."""

AUTO = "auto"

OPTIONAL: Mapping[str, int | str] = {"fires": 1, "group": "{}"}
"""Columns that some frames of alerts have beyond the contract, and what they are in the others."""


@dataclass(frozen=True)
class Options:
    """What the caller knows and the file does not say: how to map its fields, and the zone of times without one."""

    mapping: Path | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class Sample:
    """The beginning of a file: its shape, its first text, and its first records with dotted keys."""

    shape: str
    head: str
    records: Sequence[Mapping[str, Any]] = ()
    lines: Sequence[int] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Every key seen, most frequent first."""
        return tuple(key for key, _ in Counter(k for record in self.records for k in record).most_common())


class Reader(ABC):
    """Reads one alert format.

    ``signature``: alternatives, each the keys (``a.b`` or ``a.b=value``) that a record of this format has; ``clock``:
    what its alert times mean (see ``alert.CLOCKS``).
    """

    name: ClassVar[str]    # the file name of its module
    title: ClassVar[str]
    signature: ClassVar[tuple[tuple[str, ...], ...]] = ()
    clock: ClassVar[str] = "event"

    def sniff(self, sample: Sample) -> float:
        """How much of a sample is in this format, 0 to 1."""
        held = sum(self.knows(record) for record in sample.records)
        return held / len(sample.records) if sample.records else 0.0

    def knows(self, record: Mapping[str, Any]) -> bool:
        """Whether a record with dotted keys has a signature of this format."""
        return any(all(_holds(record, term) for term in terms) for terms in self.signature)

    @abstractmethod
    def read(self, file: RecordFile, options: Options, notes: Notes) -> Alerts:
        """All alerts of a file; DataError naming what a record lacks. ``notes`` collects what the user must know."""


@dataclass(frozen=True)
class Guess:
    """A format and how much of the sample speaks for it."""

    reader: Reader
    share: float


def read_alerts(path: Path, form: str = AUTO, options: Options | None = None, name: str = "") -> Alerts:
    """The alerts in a file of the format ``form`` (a reader's name, or ``auto``), called ``name`` in messages.

    DataError when the file cannot be read or its format cannot be told. An empty file holds no alerts, in any format.
    """
    given = options or Options()
    file = RecordFile(path, name or str(path))
    notes = Notes()
    if file.shape == "empty":
        notes.count("EMPTY_FILE", f"{file.name} is empty: no alerts")
        return alerts_of({}, diagnostics=notes.diagnostics)
    if form == AUTO and given.mapping is not None:
        form = "generic"
    reader = recognize(file) if form == AUTO else reader_of(form)
    if reader is None:
        notes.count("EMPTY_FILE", f"{file.name} holds no records: no alerts")
        return alerts_of({}, diagnostics=notes.diagnostics)
    found = reader.read(file, given, notes)
    return replace(found, diagnostics=(*found.diagnostics, *notes.diagnostics))


def reader_of(form: str) -> Reader:
    """The reader called ``form``."""
    reader: Reader = READERS.get(form)
    return reader


def recognize(file: RecordFile) -> Reader | None:
    """The reader of a file's format; None when it holds no record at all, DataError when no format fits."""
    sample = sampled(file)
    if not sample.records and file.shape != "text":
        return None
    guesses = sorted((Guess(reader, reader.sniff(sample)) for reader in map(reader_of, READERS.names())),
                     key=lambda guess: -guess.share)
    best = guesses[0]
    if best.share == 0:
        raise DataError(_unknown(file, sample, [guess.reader for guess in guesses]))
    if best.share < 1:
        _refuse_mixture(file, sample, best.reader, [guess.reader for guess in guesses[1:] if guess.share > 0])
    return best.reader


def sampled(file: RecordFile) -> Sample:
    """The beginning of a file."""
    pairs = list(islice(file.records(Notes()), SAMPLED))
    return Sample(file.shape, file.head, [flat(record) for _, record in pairs], [line for line, _ in pairs])


def flat(record: Record, prefix: str = "", depth: int = 6) -> dict[str, Any]:
    """A record with dotted keys; of a list of objects the first one stands for all.

    >>> flat({"a": {"b": 1}, "c.d": [{"e": 2}]})
    {'a': {'b': 1}, 'a.b': 1, 'c.d': [{'e': 2}], 'c.d.e': 2}
    """
    found: dict[str, Any] = {}
    for key, value in record.items():
        found[f"{prefix}{key}"] = value
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and depth:
            found |= flat(inner, f"{prefix}{key}.", depth - 1)
    return found


def merged(parts: Iterable[Alerts]) -> Alerts:
    """Alerts of several files as one; the first of two alerts of one id stays."""
    import pandas as pd

    given = list(parts)
    if len(given) == 1:
        return given[0]
    if not given:
        return alerts_of({})
    clocks = {part.clock for part in given if len(part)} or {"event"}
    if len(clocks) > 1:
        raise DataError(f"alerts of different clocks ({', '.join(sorted(clocks))}) cannot be scored together: "
                        "score each file alone")
    shifts = [0]
    for part in given[:-1]:
        shifts.append(shifts[-1] + len(part))
    optional = [name for name in OPTIONAL if any(name in part.frame for part in given)]
    moved = [[part.frame.assign(**{n: OPTIONAL[n] for n in optional if n not in part.frame}) for part in given],
             *([getattr(part, what).assign(alert=getattr(part, what)["alert"] + shift)
                for part, shift in zip(given, shifts, strict=True)] for what in ("events", "entities"))]
    frame, events, entities = (pd.concat(frames, ignore_index=True) for frames in moved)
    whole = Alerts(frame, events, entities, clocks.pop(), tuple(d for part in given for d in part.diagnostics))
    return without_duplicates(whole)


def without_duplicates(alerts: Alerts) -> Alerts:
    """The alerts without those whose id was seen before, counted as ``DUPLICATE_ALERT``."""
    again = alerts.frame["alert_id"].duplicated()
    if not again.any():
        return alerts
    rows = (~again).cumsum() - 1
    kept = [frame[~again.to_numpy()[frame["alert"]]] for frame in (alerts.events, alerts.entities)]
    events, entities = (frame.assign(alert=rows.to_numpy()[frame["alert"]]).reset_index(drop=True) for frame in kept)
    shown = alerts.frame["alert_id"][again].iloc[0]
    note = Diagnostic("DUPLICATE_ALERT", f"alert ids seen before, such as {shown!r}: dropped", int(again.sum()))
    return Alerts(alerts.frame[~again].reset_index(drop=True), events, entities, alerts.clock,
                  (*alerts.diagnostics, note))


def _holds(record: Mapping[str, Any], term: str) -> bool:
    key, equals, value = term.partition("=")
    return key in record and (not equals or str(record[key]).lower() == value.lower())


def _refuse_mixture(file: RecordFile, sample: Sample, best: Reader, others: Sequence[Reader]) -> None:
    """DataError when records that ``best`` does not know are another format's."""
    for line, record in zip(sample.lines, sample.records, strict=True):
        other = next((o for o in others if o.knows(record)), None)
        if other and not best.knows(record):
            raise DataError(f"{file.name}:{line}: mixed formats: most alerts look like {best.name} ({best.title}), "
                            f"this one like {other.name} ({other.title}); write one file for each")


def _unknown(file: RecordFile, sample: Sample, readers: Sequence[Reader]) -> str:
    """What a user needs who handed in something that no reader knows."""
    ways = "name its format with --alert-format, or map its fields in a YAML with --mapping (format generic)"
    if not sample.records:
        return f"{file.name}: not an alert file of a known format: it begins {sample.head[:60]!r}; {ways}"
    shown = ", ".join(sample.keys[:12]) + (f", … ({len(sample.keys) - 12} more)" if len(sample.keys) > 12 else "")
    near = nearest(sample, readers)
    if near is None:
        return f"{file.name}: no known alert format{did_you_mean('', READERS.names())}. Keys seen: {shown}. {ways}"
    reader, missing = near
    lacks = ", ".join(f"`{term}`" for term in missing)
    return (f"{file.name}: no known alert format. Keys seen: {shown}. Nearest is {reader.name} ({reader.title}), "
            f"which also needs {lacks}. If it is none of ours, {ways}")


def nearest(sample: Sample, readers: Iterable[Reader]) -> tuple[Reader, tuple[str, ...]] | None:
    """The reader of whose signature the sample holds the largest part, and what it lacks; None when it holds none."""
    best: tuple[float, int, Reader, tuple[str, ...]] | None = None
    for reader in readers:
        for terms in reader.signature:
            missing = tuple(t for t in terms if not any(_holds(record, t) for record in sample.records))
            held = len(terms) - len(missing)
            if held and (best is None or (held / len(terms), held) > best[:2]):
                best = held / len(terms), held, reader, missing
    return (best[2], best[3]) if best else None
