"""Private copies of log files for engines that want them plain, in time order, and with a year.

Lines of syslog get their full date in front (``2026-01-12T00:00:41Z``) in place of ``Jan 12 00:00:41``, so that no
engine guesses the year; OpenSSH 9.8's ``sshd-session`` goes by its old name, which filters know. Nothing else changes,
and every line of a copy knows where it came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redgen.detector import EventFile, Events
from redgen.errors import DataError
from redgen.parsers._detect import detect_parser
from redgen.records import RecordFile
from redgen.registry import PARSERS

AUTH, WEB = "syslog_auth", "nginx_combined"
"""The parsers whose files these engines read."""

_OLD = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d) (\d\d):(\d\d):(\d\d) ", re.ASCII)
_NEW = re.compile(r"(?:<\d{1,3}>)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) ", re.ASCII)
_WEB = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]", re.ASCII)
_DAY = 86_400

Dated = Callable[[str, int], tuple[int, str]]


@dataclass(frozen=True)
class Copy:
    """One file in time order.

    ``file`` and ``line`` tell where each of its lines stood, ``dropped`` how many had no time and were left out.
    """

    path: Path
    files: Sequence[EventFile]
    file: NDArray[np.int64]
    line: NDArray[np.int64]
    dropped: int

    def place(self, row: int) -> tuple[str, int]:
        """File and line, as alerts name them, of a line of the copy (from 0)."""
        return self.files[int(self.file[row])].name, int(self.line[row])


def files_of(events: Events, parser: str) -> list[EventFile]:
    """The files that a parser reads."""
    return [f for f in events.files if _parser(f) == parser]


def copied(files: Sequence[EventFile], parser: str, near: int, path: Path) -> Copy:
    """The lines of some files in time order in one file at ``path``; ``near`` (µs) tells the year of syslog lines."""
    dated = _syslog if parser == AUTH else _web
    seconds: list[int] = []
    texts: list[str] = []
    places: list[tuple[int, int]] = []
    dropped = 0
    for index, file in enumerate(files):
        for number, text in _lines(file):
            t, shown = dated(text, near)
            if t < 0:
                dropped += 1
                continue
            seconds.append(t)
            texts.append(shown)
            places.append((index, number))
    order = np.argsort(np.array(seconds, np.int64), kind="stable")
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{texts[i]}\n" for i in order)
    where = np.array(places, np.int64).reshape(-1, 2)[order]
    return Copy(path, files, where[:, 0], where[:, 1], dropped)


def _parser(file: EventFile) -> str:
    if file.format in PARSERS.names():
        return file.format
    try:
        return detect_parser(file.path, file.format).name
    except DataError:
        return ""


def _lines(file: EventFile) -> Iterator[tuple[int, str]]:
    return ((number, text) for number, text in RecordFile(file.path, file.name).lines() if number > file.head_lines)


def _syslog(text: str, near: int) -> tuple[int, str]:
    """Seconds and the line with its whole date; negative when it has none."""
    old = _OLD.match(text)
    if old:
        day = _day(old[1], near // 1_000_000)
        if day is None:
            return -1, text
        t = day + int(old[2]) * 3600 + int(old[3]) * 60 + int(old[4])
        moment = datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return t, f"{moment} {text[old.end():]}".replace(" sshd-session[", " sshd[", 1)
    new = _NEW.match(text)
    if new:
        try:
            moment_ = datetime.fromisoformat(new[1])
        except ValueError:
            return -1, text
        aware = moment_ if moment_.tzinfo else moment_.replace(tzinfo=UTC)
        return int(aware.timestamp()), text[new.start(1):].replace(" sshd-session[", " sshd[", 1)
    return -1, text


def _web(text: str, near: int) -> tuple[int, str]:  # noqa: ARG001  -- its lines have a year
    found = _WEB.search(text)
    if found is None:
        return -1, text
    day, hour, minute, second, zone = found.groups()
    midnight = _midnight(day)
    offset = (int(zone[1:3]) * 60 + int(zone[3:])) * (-60 if zone[0] == "-" else 60)
    return (midnight + int(hour) * 3600 + int(minute) * 60 + int(second) - offset if midnight >= 0 else -1), text


@cache
def _midnight(day: str) -> int:
    try:
        return int(datetime.strptime(day, "%d/%b/%Y").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return -1


@cache
def _day(day: str, near: int) -> int | None:
    """Midnight of ``Jan 12`` in the year in which it is nearest to ``near`` (s); None when there is no such day."""
    found = []
    year = datetime.fromtimestamp(near, UTC).year
    for candidate in (year - 1, year, year + 1):
        try:
            midnight = datetime.strptime(f"{candidate} {' '.join(day.split())}", "%Y %b %d").replace(tzinfo=UTC)
        except ValueError:
            continue
        found.append(int(midnight.timestamp()))
    return min(found, key=lambda t: abs(t + _DAY // 2 - near), default=None)
