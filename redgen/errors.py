"""The error tree, named by who must act; the command line turns each into one message and exit code 2.

Every message says where, what is wrong, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class RedgenError(Exception):
    """Root of everything redgen raises on purpose."""


class DataError(RedgenError):
    """The caller's data or files cannot be used (a missing dataset, an unreadable file, a wrong argument)."""


class PluginError(RedgenError):
    """A plug-in broke its contract; its author must act."""


class SinkError(RedgenError):
    """The operator must act: a full disk, an unwritable or non-empty directory."""


@dataclass(frozen=True, order=True)
class Problem:
    """One finding in a YAML file: ``file:line: key: message``."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class SpecError(RedgenError):
    """The author of a YAML must act; carries every problem found, in file order."""

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        found = [problems] if isinstance(problems, Problem) else list(problems)
        self.problems: tuple[Problem, ...] = tuple(sorted(set(found)))
        super().__init__("\n".join(str(p) for p in self.problems))


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """The tail of a message: the nearest allowed word, or the list of them when none is near."""
    options = sorted(str(a) for a in allowed)
    near = difflib.get_close_matches(str(word), options, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    shown = ", ".join(options[:12]) + (", …" if len(options) > 12 else "")
    return f"; allowed: {shown}" if options else ""
