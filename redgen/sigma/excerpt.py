"""The lines of a few campaigns, cut out of log files that may be large, as files of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from redgen.detector import EventFile, Events
from redgen.parsers._lines import open_log

Places = Mapping[str, frozenset[int]]
"""File, as labels name it -> lines from 1."""


def excerpt(events: Events, places: Places, folder: Path) -> tuple[Events, dict[tuple[str, int], int]]:
    """The events at ``places`` as files in ``folder``, and (file, line) -> its line there.

    Files whose records are not lines (envelopes) are taken whole; files without any of the places are left out.
    """
    files: list[EventFile] = []
    moved: dict[tuple[str, int], int] = {}
    for number, file in enumerate(events.files):
        wanted = places.get(file.name, frozenset())
        if not wanted:
            continue
        if file.enveloped:
            files.append(file)
            moved |= {(file.name, line): line for line in wanted}
            continue
        path = folder / f"{number}{file.path.suffix.removesuffix('.gz').removesuffix('.zst') or '.log'}"
        with path.open("wb") as out:
            for new, (old, line) in enumerate(_kept(file, wanted), 1):
                out.write(line)
                moved[file.name, old] = new
        files.append(replace(file, path=path))
    return replace(events, files=tuple(files)), moved


def _kept(file: EventFile, wanted: frozenset[int]) -> Iterable[tuple[int, bytes]]:
    """The head of a file and its wanted lines, each with its number."""
    last = max(wanted)
    with open_log(file.path) as stream:
        for number, line in enumerate(stream, 1):
            if number > last:
                return
            if number <= file.head_lines or line[:1] == b"#" or number in wanted:
                yield number, line if line.endswith(b"\n") else line + b"\n"
