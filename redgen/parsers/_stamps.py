"""Which fields hold the time of a record: known names first, then those that sound like it, if the values are times."""

# ruff: noqa: S608  # what enters the SQL is made here or quoted
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from redgen.errors import DataError, did_you_mean
from redgen.parser import Given
from redgen.parsers._lines import Lines, run
from redgen.parsers._times import TIME_FIELDS, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LEAST, _MOST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"  # what is written outside of them is another number
_LOOKED_AT = 2_000            # records
_TOGETHER = 3                 # time fields that one kind of file may use side by side


@dataclass(frozen=True)
class Stamps:
    """The chosen fields, likeliest first, and a remark for the user when there are none or they were guessed."""

    names: Sequence[str]
    notes: dict[str, str] = field(default_factory=dict)


def stamps(db: DuckDBPyConnection, file: Path, lines: Lines, names: Sequence[str], given: Given,
           rows: Callable[[Sequence[str]], tuple[str, Sequence[str]]]) -> Stamps:
    """Choose among the fields called ``names``; DataError when the one that was asked for is not among them.

    ``rows``: for some names, a SELECT of records and the SQL of each name's value in it.
    """
    if given.time_field:
        found = _called(given.time_field, names)
        if not found:
            what = "no record has" if names else "there are no records, so there is not"
            raise DataError(f"{file}: {what} a field {given.time_field!r} to take the time from"
                            f"{did_you_mean(given.time_field, names)}")
        return Stamps(found[:1])
    known = [name for wanted in TIME_FIELDS for name in _called(wanted, names)[:1]]
    good = _good(db, lines, known, rows, given.year_from)
    if good:
        return Stamps(good[:_TOGETHER])
    sounding = [name for name in names if name not in known and _sounds(name)]
    guessed = _good(db, lines, sounding[:40], rows, given.year_from)[:1]
    if guessed:
        said = f"{file.name}: took the time from {guessed[0]!r}; if that is wrong, name the field with --time-field"
        return Stamps(guessed, {"TIME_GUESSED": said})
    return Stamps([], {"NO_TIME": f"{file.name}: no field is known to hold the time; name it with --time-field"})


def _called(wanted: str, names: Sequence[str]) -> list[str]:
    """The names that are this one: in its exact spelling first, then in any case."""
    return sorted((n for n in names if n.lower() == wanted.lower()), key=lambda n: (n != wanted, n))


def _sounds(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in ("time", "date", "stamp"))


def _good(db: DuckDBPyConnection, lines: Lines, names: Sequence[str],
          rows: Callable[[Sequence[str]], tuple[str, Sequence[str]]], near: int) -> list[str]:
    """Those of the names most of whose first values are times."""
    if not names:
        return []
    select, values = rows(names)
    tests = ", ".join(f"count({x}), count(*) FILTER ({moment(x, near)} BETWEEN {_LEAST} AND {_MOST})" for x in values)
    counts = run(db, lines, f"SELECT {tests} FROM (FROM ({select}) LIMIT {_LOOKED_AT})").fetchall()[0]
    return [name for name, n, good in zip(names, counts[::2], counts[1::2], strict=True) if good and 2 * good >= n]
