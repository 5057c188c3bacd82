"""Any program as a detector: it is given file paths and prints alerts, or writes them to a file, in any known format.

Placeholders in its arguments: ``{files}`` (all log files), ``{logs:okta_system}`` (those of one source), ``{dataset}``
(the directory), ``{output}`` (a file that it writes alerts to). Without one of the first three, the log files follow
the arguments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from redgen.alert import Detection
from redgen.detector import EventFile, Events
from redgen.detectors._configured import READING, Configured, detected, failed, reading, seconds
from redgen.detectors._process import run
from redgen.errors import DataError, RedgenError, did_you_mean
from redgen.reader import AUTO, Options, read_alerts

TIMEOUT = 600.0
"""Seconds after which a program is stopped, unless the user says otherwise."""

_HOLE = re.compile(r"\{(files|dataset|output|logs:[^{}]*)\}")
_TRUE, _FALSE = {"yes", "true", "1", "on"}, {"no", "false", "0", "off"}


class Command(Configured):
    """A program that reads log files and says what it found."""

    name = "command"
    title = "any program that prints alerts"
    takes = "a command, such as './engine --json {files}'"
    options: ClassVar = {**READING, "timeout": "how long it may run (default: 10m)",
                         "shell": "yes: let a shell read the command",
                         "output": "the file it writes its alerts to, if not to standard output or {output}"}

    def __init__(self, command: str, *, form: str = AUTO, given: Options | None = None, output: Path | None = None,
                 timeout: float = TIMEOUT, shell: bool = False) -> None:
        self.command, self.form, self.given, self.output = command, form, given, output
        self.timeout, self.shell = timeout, shell
        try:
            self.words = tuple(shlex.split(command))
        except ValueError as error:
            raise DataError(f"command {command!r}: {error}") from None
        if not self.words:
            raise DataError("an empty command")

    @classmethod
    def of(cls, argument: str, options: Mapping[str, str]) -> Command:
        """A program by its command line."""
        form, given = reading(options)
        shell = options.get("shell", "no").lower()
        if shell not in _TRUE | _FALSE:
            raise DataError(f"shell={shell}: it is yes or no")
        output = options.get("output")
        return cls(argument, form=form, given=given, output=Path(output) if output else None, shell=shell in _TRUE,
                   timeout=seconds(options["timeout"], "timeout") if "timeout" in options else TIMEOUT)

    def detect(self, events: Events) -> Detection:
        """What the program says; when it fails, why (and no alerts)."""
        shown = Path(self.words[0]).name
        with TemporaryDirectory(prefix="redgen-") as folder:
            out, err, written = (Path(folder) / name for name in ("stdout", "stderr", "output"))
            command = self._filled(events, written)
            try:
                outcome = run(command, out, err, timeout=self.timeout, shell=self.shell)
            except DataError as error:
                return failed(self.name, str(error))
            if outcome.trouble:
                return failed(self.name, f"{shown} {outcome.trouble}")
            source, said = (written, "{output}") if "{output}" in self.command else (
                (self.output, str(self.output)) if self.output else (out, "standard output"))
            if not source.exists():
                return failed(self.name, f"{shown} wrote no file {said}")
            try:
                alerts = read_alerts(source, self.form, self.given, f"{said} of {shown}")
            except RedgenError as error:
                return failed(self.name, str(error))
        return detected(self.name, alerts, events)

    def _filled(self, events: Events, written: Path) -> Sequence[str] | str:
        """The command with its placeholders filled in: as words, or as text for a shell."""
        words: list[str] = []
        for word in self.words:
            hole = _HOLE.fullmatch(word)
            if hole:
                words += _values(hole[1], events, written)
            else:
                words.append(_HOLE.sub(lambda m: " ".join(_values(m[1], events, written)), word))
        pointed = any(hole[1] != "output" for word in self.words for hole in _HOLE.finditer(word))
        rest = [] if pointed else [str(f.path) for f in events.files]
        if not self.shell:
            return [*words, *rest]
        text = _HOLE.sub(lambda m: shlex.join(_values(m[1], events, written)), self.command)
        return f"{text} {shlex.join(rest)}" if rest else text


def _values(hole: str, events: Events, written: Path) -> list[str]:
    """What a placeholder stands for."""
    if hole == "output":
        return [str(written)]
    if hole == "dataset":
        if events.root is None:
            raise DataError("{dataset}: these files are no dataset; use {files}")
        return [str(events.root)]
    if hole == "files":
        return [str(f.path) for f in events.files]
    return [str(f.path) for f in of_source(events, hole.removeprefix("logs:"))]


def of_source(events: Events, source: str) -> list[EventFile]:
    """The files of one log source; DataError when there are none."""
    found = [f for f in events.files if f.source == source]
    if not found:
        known = sorted({f.source for f in events.files} - {""})
        raise DataError(f"no files of log source {source!r}{did_you_mean(source, known)}")
    return found


DETECTOR = Command
