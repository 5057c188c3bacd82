"""Regular expressions: RE2 where it can, a backtracking engine under a time limit where it must.

RE2 takes time linear in the text whatever the pattern, and DuckDB has it built in. Look-around and back-references need
another engine; a rule whose pattern runs away is then an error of that rule, not a hanging run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.types import SigmaRegularExpression

from redgen.sigma.columns import text

if TYPE_CHECKING:
    import regex

ONE_VALUE, ONE_PATTERN = 0.25, 20.0
"""Seconds a backtracking pattern may take on one value, and on all distinct values of a run."""


class BadPatternError(ValueError):
    """A pattern that neither engine reads."""


class SlowPatternError(RuntimeError):
    """A backtracking pattern that used up its time."""


@cache
def linear(pattern: str) -> bool:
    """Whether RE2 reads a pattern."""
    import re2  # type: ignore[import-untyped]  # google-re2 comes with pySigma

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


@cache
def backtracking(pattern: str) -> regex.Pattern[str]:
    """The pattern for the engine that knows look-around; BadPatternError when it cannot read it either."""
    import regex

    try:
        return regex.compile(pattern, regex.VERSION0)
    except regex.error as error:
        raise BadPatternError(str(error)) from error


class _EitherEngine(RegexEngine):
    """What pySigma asks while it reads rules: a pattern is fine when one of the two engines reads it."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        """Check the pattern; what comes back is used for the selectors of conditions."""
        known = (("i", re.IGNORECASE), ("m", re.MULTILINE), ("s", re.DOTALL))
        letters = "".join(letter for letter, flag in known if flags & flag)
        whole = f"(?{letters}){pattern}" if letters else pattern
        if linear(whole):
            import re2

            found: RegexPattern = re2.compile(whole)
            return found
        compiled: Any = backtracking(whole)
        return compiled  # type: ignore[no-any-return]

    @property
    def error(self) -> type[Exception]:
        """What ``compile`` raises."""
        return BadPatternError


POLICY = SigmaPolicy(regex_engine=_EitherEngine())
"""pySigma's settings for rules: no templates, no outside files, and patterns either engine can run."""


@dataclass
class Watch:
    """Runs backtracking patterns and keeps count of the time they took."""

    spent: dict[str, float] = field(default_factory=dict)
    known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def column(self, values: pa.Array, patterns: pa.Array) -> pa.Array:
        """Whether each value holds the pattern; each distinct value is looked at once."""
        pattern = patterns[0].as_py()
        coded = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        coded = coded.dictionary_encode()
        found = [self.search(pattern, v) for v in coded.dictionary.to_pylist()]
        return pa.array(found, pa.bool_()).take(coded.indices)

    def search(self, pattern: str, value: str) -> bool:
        """Whether the value holds the pattern; SlowPatternError when that takes too long."""
        from time import perf_counter

        if (pattern, value) in self.known:
            return self.known[pattern, value]
        start = perf_counter()
        try:
            found = backtracking(pattern).search(value, timeout=ONE_VALUE) is not None
        except TimeoutError:
            raise SlowPatternError(f"the pattern {pattern[:60]!r} backtracks too long on one value") from None
        self.spent[pattern] = self.spent.get(pattern, 0.0) + perf_counter() - start
        if self.spent[pattern] > ONE_PATTERN:
            raise SlowPatternError(f"the pattern {pattern[:60]!r} is too slow for these events")
        if len(self.known) < 1 << 20:
            self.known[pattern, value] = found
        return found


def condition(x: str, value: SigmaRegularExpression) -> str:
    """Whether ``x`` holds the expression anywhere, as Sigma means it."""
    letters = "".join(sorted(SigmaRegularExpression.sigma_to_re_flag[f] for f in value.flags))
    pattern = (f"(?{letters})" if letters else "") + str(value.regexp)
    if linear(pattern):
        return f"regexp_matches({x}, {text(pattern)})"
    backtracking(pattern)
    return f"redgen_regex({x}, {text(pattern)})"
