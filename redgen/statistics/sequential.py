"""Deciding as campaigns come in, without looking too often: Wald's test, and bounds that hold at every moment.

For running dataset after dataset until it is decided whether recall is as good as ``r0`` or as bad as ``r1``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from scipy import optimize, special

from redgen.errors import DataError, did_you_mean
from redgen.scorecard import FAILED, INCONCLUSIVE, PASSED, Estimate
from redgen.statistics.intervals import EMPTY, clopper_pearson


@dataclass(frozen=True)
class Sprt:
    """Wald's sequential probability ratio test of recall ``r0`` (wanted) against ``r1`` (unacceptable, lower).

    ``alpha``: chance of failing a pipeline with recall r0; ``beta``: of passing one with r1 (Wald, Annals of
    Mathematical Statistics 16, 1945). After ``n_max`` campaigns a fixed-size decision is taken.

    >>> t = Sprt()
    >>> round(t.detected, 3), round(t.missed, 3), round(t.upper, 3), round(t.lower, 3)
    (-0.111, 1.099, 2.944, -2.944)
    """

    r0: float = 0.95
    r1: float = 0.85
    alpha: float = 0.05
    beta: float = 0.05
    n_max: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.r1 < self.r0 < 1:
            raise ValueError(f"write 0 < r1 < r0 < 1, not r0={self.r0} r1={self.r1}")
        if not (0 < self.alpha < 0.5 and 0 < self.beta < 0.5) or self.n_max < 1:
            raise ValueError("alpha and beta lie between 0 and 0.5, and n_max is at least 1")

    @property
    def detected(self) -> float:
        """What a detected campaign adds to the log likelihood ratio of r1 against r0."""
        return math.log(self.r1 / self.r0)

    @property
    def missed(self) -> float:
        """What a missed one adds."""
        return math.log((1 - self.r1) / (1 - self.r0))

    @property
    def upper(self) -> float:
        """At or above this the pipeline failed: ln((1 - beta) / alpha)."""
        return math.log((1 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        """At or below this it passed: ln(beta / (1 - alpha))."""
        return math.log(self.beta / (1 - self.alpha))

    def expected(self, recall: float) -> float:
        """About how many campaigns it takes when recall is r0 or r1 (Wald's approximation, no overshoot)."""
        fail = self.alpha if recall == self.r0 else 1 - self.beta
        drift = recall * self.detected + (1 - recall) * self.missed
        return (fail * self.upper + (1 - fail) * self.lower) / drift


def parse(settings: Iterable[str]) -> Sprt:
    """The test that ``r0=0.95 r1=0.85 alpha=0.05 beta=0.05 n_max=500`` asks for; DataError when it asks for none.

    >>> parse(["r0=0.9 r1=0.7", "n_max=100"])
    Sprt(r0=0.9, r1=0.7, alpha=0.05, beta=0.05, n_max=100)
    """
    known = {f.name: f for f in fields(Sprt)}
    told: dict[str, float] = {}
    for part in " ".join(settings).replace(",", " ").split():
        key, equals, text = part.partition("=")
        if not equals or key not in known:
            raise DataError(f"--sequential {part}: write name=value{did_you_mean(key, known)}")
        try:
            told[key] = int(text) if key == "n_max" else float(text)
        except ValueError:
            raise DataError(f"--sequential {part}: {text!r} is no number") from None
    try:
        return Sprt(**told)  # type: ignore[arg-type]
    except ValueError as error:
        raise DataError(f"--sequential: {error}") from None


@dataclass(frozen=True)
class Decision:
    """Where a sequential test stands after ``n`` campaigns: ``status`` passed, failed, or inconclusive so far.

    ``done``: no more campaigns are needed; ``truncated``: decided by the fixed-size rule at ``n_max``.
    """

    status: str
    done: bool
    n: int
    detected: int
    ratio: float
    truncated: bool = False


def run(test: Sprt, outcomes: Iterable[bool]) -> Decision:
    """The decision after campaigns detected or not, in the order they were made; what follows a decision is not read.

    At ``n_max``: passed when the lower end of the exact interval at 1 - 2 beta is above r1, failed when the upper end
    at 1 - 2 alpha is below r0, else inconclusive.

    >>> run(Sprt(), [True] * 40).n
    27
    """
    n = hits = 0
    for outcome in outcomes:
        n, hits = n + 1, hits + bool(outcome)
        ratio = hits * test.detected + (n - hits) * test.missed
        if ratio <= test.lower:
            return Decision(PASSED, True, n, hits, ratio)
        if ratio >= test.upper:
            return Decision(FAILED, True, n, hits, ratio)
        if n >= test.n_max:
            return Decision(_fixed(test, hits, n), True, n, hits, ratio, truncated=True)
    return Decision(INCONCLUSIVE, False, n, hits, hits * test.detected + (n - hits) * test.missed)


def _fixed(test: Sprt, hits: int, n: int) -> str:
    low = clopper_pearson(hits, n, 1 - 2 * test.beta).lower
    high = clopper_pearson(hits, n, 1 - 2 * test.alpha).upper
    if low is not None and low > test.r1:
        return PASSED
    return FAILED if high is not None and high < test.r0 else INCONCLUSIVE


def confidence_sequence(k: int, n: int, confidence: float = 0.95, a: float = 1.0, b: float = 1.0) -> Estimate:
    """Bounds of recall that hold at all n at once, however often one looks and whenever one stops.

    The recalls p at which the mixture martingale Beta(a + k, b + n - k) / Beta(a, b) / (p^k (1 - p)^(n - k)) is below
    1 / (1 - confidence) (Robbins, Annals of Mathematical Statistics 41, 1970; Ville 1939).
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no proportion")
    if n == 0:
        return Estimate(None, confidence=confidence, method="beta mixture", note=EMPTY)
    wealth = float(special.betaln(a + k, b + n - k) - special.betaln(a, b)) + math.log(1 - confidence)

    def excess(p: float) -> float:
        return wealth - float(special.xlogy(k, p) + special.xlog1py(n - k, -p))

    value = k / n
    lower = _edge(excess, 0.0, value) if k > 0 else 0.0
    upper = _edge(excess, 1.0, value) if k < n else 1.0
    return Estimate(value, lower, upper, n, k, confidence, "beta mixture")


def _edge(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Where the martingale reaches its bound between a place that is refused and one that is not."""
    tiny = 1e-300 if outside == 0.0 else 1 - 1e-16
    return float(optimize.brentq(excess, tiny, inside, xtol=1e-13))
