"""Running other people's programs: no shell, output to files, the whole family stopped when time is up."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redgen.errors import DataError

TAIL = 400
"""Characters of a program's last words that a message repeats."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code (None: stopped for taking too long) and its last words."""

    code: int | None
    said: str

    @property
    def trouble(self) -> str:
        """What went wrong, empty when nothing did."""
        if self.code == 0:
            return ""
        how = "took too long and was stopped" if self.code is None else (
            f"was ended by signal {-self.code}" if self.code < 0 else f"ended with exit code {self.code}")
        return f"{how}: {self.said}" if self.said else how


def run(command: Sequence[str] | str, out: Path, err: Path, *, timeout: float, shell: bool = False,
        cwd: Path | None = None) -> Outcome:
    """Run a program to its end; DataError when there is no such program."""
    with out.open("wb") as stdout, err.open("wb") as stderr:
        try:
            process = subprocess.Popen(  # noqa: S603  -- the user named it; a shell only when asked for
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, shell=shell, cwd=cwd,
                start_new_session=True)
        except OSError as error:
            shown = command if isinstance(command, str) else command[0]
            raise DataError(f"cannot run {shown}: {error.strerror or error}") from None
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            stop(process)
    return Outcome(code, last_words(err))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and all it started; it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def last_words(file: Path) -> str:
    """The end of what a program said, on one line."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, size - 4 * TAIL))
        words = stream.read().decode("utf-8", "replace").split()
    text = " ".join(words)
    return text if len(text) <= TAIL else "…" + text[-TAIL:]


def tool(name: str, install: str) -> str:
    """The path of a program; DataError saying how to install it."""
    found = shutil.which(name)
    if found is None:
        raise DataError(f"{name} is not installed: {install}")
    return found
