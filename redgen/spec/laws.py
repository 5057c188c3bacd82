"""The laws behind ``Distribution``: how each is written, and its quantile function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, parse_duration
from redgen.errors import did_you_mean
from redgen.seed import F64, normal_quantile
from redgen.spec.syntax import scalar

TIME_UNITS: Mapping[str, int] = {
    "us": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY,
    "microseconds": 1, "milliseconds": MILLISECOND, "seconds": SECOND, "minutes": MINUTE, "hours": HOUR, "days": DAY,
}
"""Units whose numbers are times: microseconds each."""
MOST_EVENTS = 1e7
"""The largest mean of a Poisson law."""


@dataclass
class Reader:
    """Reads the numbers of one law, which are either all durations or all plain; ``scale``: µs of a time unit."""

    scale: int | None = None
    plain: set[str] = field(default_factory=set)
    timed: set[str] = field(default_factory=set)

    def number(self, value: Any, name: str) -> float:
        """A finite quantity: a number or a duration."""
        if isinstance(value, str):
            self.timed.add(name)
            return float(parse_duration(value))
        number = self.factor(value, name)
        if number and self.scale is None:
            self.plain.add(name)
        return number if self.scale is None else number * self.scale

    def factor(self, value: Any, name: str) -> float:
        """A finite number without a unit: sigma, alpha, a weight."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{name} should be a number, not {value!r}")
        return float(value)

    def is_time(self) -> bool:
        """Whether the quantity is a time; ValueError when durations and plain numbers are mixed."""
        if self.timed and self.plain:
            raise ValueError(f"mixes durations ({', '.join(sorted(self.timed))}) and plain numbers; give all a unit")
        return bool(self.timed) or self.scale is not None

    def pair(self, value: Any, law: str) -> tuple[float, float]:
        """``[low, high]``, in order."""
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError(f"{law} takes [low, high]")
        low, high = self.number(value[0], "low"), self.number(value[1], "high")
        if low > high:
            raise ValueError(f"{law} takes [low, high], and low is above high")
        return low, high

    def named(self, value: Any, law: str, *names: str) -> dict[str, Any]:
        """A mapping with keys among ``names``."""
        if not isinstance(value, Mapping):
            raise ValueError(f"{law} takes {{{', '.join(names)}}}")  # noqa: TRY004 (a finding, not a bug)
        for key in value:
            if key not in names:
                raise ValueError(f"{law} has no {key!r}{did_you_mean(str(key), names)}")
        return dict(value)


@dataclass(frozen=True)
class Law:
    """``read`` gives the arguments of ``quantile`` from what is written."""

    read: Callable[[Any, Reader], tuple[Any, ...]]
    quantile: Callable[..., NDArray[Any]]


def _need(found: Mapping[str, Any], law: str, *names: str) -> list[Any]:
    missing = [n for n in names if n not in found]
    if missing:
        raise ValueError(f"{law} needs {' and '.join(missing)}")
    return [found[n] for n in names]


def _above(value: float, name: str, least: float = 0.0) -> float:
    if not value > least:
        raise ValueError(f"{name} should be greater than {least:g}, not {value:g}")
    return value


def _constant(value: Any, reader: Reader) -> tuple[Any, ...]:
    if isinstance(value, bool) or (isinstance(value, int) and reader.scale is None):
        return (value,)
    if isinstance(value, int | float):
        return (reader.number(value, "value"),)
    if not isinstance(value, str):
        raise ValueError(f"a constant is a number, a duration or a word, not {value!r}")  # noqa: TRY004
    try:
        return (int(reader.number(value, "value")),)
    except ValueError:
        reader.timed.discard("value")
        return (value,)


def _constantly(u: F64, value: Any) -> NDArray[Any]:
    return np.full(np.shape(u), value, dtype=object if isinstance(value, str) else None)


def _log_uniform(value: Any, reader: Reader) -> tuple[float, float]:
    low, high = reader.pair(value, "log_uniform")
    _above(low, "the low end of log_uniform")
    return low, high


def _normal(value: Any, reader: Reader) -> tuple[float, float]:
    mean, sd = _need(reader.named(value, "normal", "mean", "sd"), "normal", "mean", "sd")
    return reader.number(mean, "mean"), _above(reader.number(sd, "sd"), "sd")


def _lognormal(value: Any, reader: Reader) -> tuple[float, float]:
    found = reader.named(value, "lognormal", "median", "mu", "sigma")
    (sigma,) = _need(found, "lognormal", "sigma")
    if ("median" in found) == ("mu" in found):
        raise ValueError("lognormal needs sigma and either median or mu")
    if "mu" in found:
        mu = reader.factor(found["mu"], "mu") + (math.log(reader.scale) if reader.scale else 0.0)
        if abs(mu) > 60:
            raise ValueError("mu should be between -60 and 60: it is the logarithm of the median")
    else:
        mu = math.log(_above(reader.number(found["median"], "median"), "median"))
    sigma = _above(reader.factor(sigma, "sigma"), "sigma")
    if sigma > 10:
        raise ValueError("sigma above 10 is no lognormal anybody has measured")
    return mu, sigma


def _exponential(value: Any, reader: Reader) -> tuple[float]:
    mean = value
    if isinstance(value, Mapping):
        (mean,) = _need(reader.named(value, "exponential", "mean"), "exponential", "mean")
    return (_above(reader.number(mean, "mean"), "mean"),)


def _pareto(value: Any, reader: Reader) -> tuple[float, float]:
    low, alpha = _need(reader.named(value, "pareto", "min", "alpha"), "pareto", "min", "alpha")
    return _above(reader.number(low, "min"), "min"), _above(reader.factor(alpha, "alpha"), "alpha", 0.05)


def _beta(value: Any, reader: Reader) -> tuple[float, float]:
    a, b = _need(reader.named(value, "beta", "a", "b"), "beta", "a", "b")
    return _above(reader.factor(a, "a"), "a"), _above(reader.factor(b, "b"), "b")


def _betas(u: F64, a: float, b: float) -> F64:
    from scipy.special import betaincinv

    found: F64 = betaincinv(a, b, u)
    return found


def _poisson(value: Any, reader: Reader) -> tuple[float]:
    mean = value
    if isinstance(value, Mapping):
        (mean,) = _need(reader.named(value, "poisson", "mean"), "poisson", "mean")
    mean = reader.factor(mean, "mean")
    if not 0 <= mean <= MOST_EVENTS:
        raise ValueError(f"the mean of poisson should be between 0 and {MOST_EVENTS:g}, not {mean:g}")
    return (mean,)


def _poissons(u: F64, mean: float) -> NDArray[np.int64]:
    """Smallest k whose cumulative probability reaches u; the sums start 12 deviations below the mean."""
    from scipy.special import gammaln

    spread = 12.0 * math.sqrt(mean) + 20.0
    first = max(0, math.floor(mean - spread))
    k = np.arange(first, math.ceil(mean + spread) + 1)
    upto = np.cumsum(np.exp(k * math.log(mean) - mean - gammaln(k + 1.0))) if mean else np.ones(len(k))
    return np.minimum(np.searchsorted(upto, u, side="left"), len(k) - 1) + first


def _categorical(value: Any, reader: Reader) -> tuple[tuple[Any, ...], tuple[float, ...]]:
    if isinstance(value, list | tuple) and value:
        value = {str(v) if not isinstance(v, bool) else str(v).lower(): 1.0 / len(value) for v in value}
    if not isinstance(value, Mapping) or not value:
        raise ValueError("categorical takes {value: weight, …}")
    weights = [reader.factor(w, f"the weight of {k}") for k, w in value.items()]
    if min(weights) < 0:
        raise ValueError("a weight is negative")
    if abs(sum(weights) - 1.0) > 1e-6:
        raise ValueError(f"weights sum to {sum(weights):.6g}, not 1")
    kinds = [_constant(scalar(k) if isinstance(k, str) else k, reader)[0] for k in value]
    return tuple(kinds), tuple(np.cumsum(weights).tolist())


def _categories(u: F64, values: tuple[Any, ...], upto: tuple[float, ...]) -> NDArray[Any]:
    at = np.minimum(np.searchsorted(np.array(upto) / upto[-1], u, side="right"), len(values) - 1)
    same = len({type(v) for v in values}) == 1 and not isinstance(values[0], str)
    column = np.array(values, dtype=None if same else object)
    return column[at]


def _quantiles(value: Any, reader: Reader) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if isinstance(value, list | tuple) and len(value) > 1:
        value = {str(i / (len(value) - 1)): v for i, v in enumerate(value)}
    if not isinstance(value, Mapping) or len(value) < 2:
        raise ValueError("quantiles takes {0: lowest, 0.5: median, …, 1: highest}")
    at = [reader.factor(scalar(k) if isinstance(k, str) else k, "a probability") for k in value]
    heights = [reader.number(v, f"quantile {k}") for k, v in value.items()]
    if at[0] != 0 or at[-1] != 1 or any(a >= b for a, b in pairwise(at)):
        raise ValueError("the probabilities of quantiles rise from 0 to 1")
    if any(a > b for a, b in pairwise(heights)):
        raise ValueError("the values of quantiles never fall")
    return tuple(at), tuple(heights)


def _interpolated(u: F64, at: tuple[float, ...], heights: tuple[float, ...]) -> F64:
    return np.asarray(np.interp(u, at, heights))


LAWS: Mapping[str, Law] = {
    "constant": Law(_constant, _constantly),
    "uniform": Law(lambda v, r: r.pair(v, "uniform"), lambda u, low, high: low + u * (high - low)),
    "log_uniform": Law(_log_uniform, lambda u, low, high: np.clip(low * (high / low) ** u, low, high)),
    "normal": Law(_normal, lambda u, mean, sd: mean + sd * normal_quantile(u)),
    "lognormal": Law(_lognormal, lambda u, mu, sigma: np.exp(mu + sigma * normal_quantile(u))),
    "exponential": Law(_exponential, lambda u, mean: -mean * np.log1p(-np.minimum(u, 1 - 2.0**-53))),
    "pareto": Law(_pareto, lambda u, low, alpha: low * np.maximum(1.0 - u, 2.0**-53) ** (-1.0 / alpha)),
    "beta": Law(_beta, _betas),
    "poisson": Law(_poisson, _poissons),
    "categorical": Law(_categorical, _categories),
    "quantiles": Law(_quantiles, _interpolated),
}
"""Every law by its name in YAML. ``exponential`` and ``poisson`` take their mean."""

_NUMBER: Mapping[str, Any] = {"type": ["number", "string"]}
_PAIR = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}


def _mapping(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, _NUMBER), "additionalProperties": False}


SCHEMAS: Mapping[str, Any] = {
    "constant": {"type": ["number", "string", "boolean"]}, "value": {"type": ["number", "string", "boolean"]},
    "uniform": _PAIR, "log_uniform": _PAIR, "normal": _mapping("mean", "sd"),
    "lognormal": _mapping("median", "mu", "sigma"), "exponential": {"anyOf": [_NUMBER, _mapping("mean")]},
    "pareto": _mapping("min", "alpha"), "beta": _mapping("a", "b"),
    "poisson": {"anyOf": [{"type": "number"}, _mapping("mean")]},
    "categorical": {"anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, {"type": "array"}]},
    "quantiles": {"anyOf": [{"type": "object", "additionalProperties": _NUMBER}, {"type": "array"}]},
}
"""How each is written, as JSON Schema."""
