"""The one set of distributions that every YAML uses, for delays, counts, rates and sizes, each drawn by its quantile.

Written as ``{log_uniform: [0.2, 50], unit: per_second, source: "…", stealth: down}``, or plainly as a constant. Where
the quantity is a time, numbers are durations (``{lognormal: {median: 40m, sigma: 1.2}}``), or ``unit`` is a unit of
time, and values are whole microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from redgen.errors import did_you_mean
from redgen.seed import F64, Stream
from redgen.spec.laws import LAWS, SCHEMAS, TIME_UNITS, Reader
from redgen.spec.model import FARTHEST

NOTES = frozenset({"unit", "source", "note", "stealth", "min", "max"})
STEALTH_SHARE = 0.25
"""Given a level of stealth, a draw comes from a quarter of the distribution around that level."""


@dataclass(frozen=True)
class Distribution:
    """A law with its arguments; ``time`` says that values are microseconds.

    ``low`` and ``high`` are the probabilities between which it is cut off (``min`` and ``max``). ``stealth``: which way
    a stealthier attacker turns this knob (``up``, ``down``, or empty).

    >>> Distribution.of({"uniform": [1, 3]}).quantile([0.0, 0.5, 1.0]).tolist()
    [1.0, 2.0, 3.0]
    >>> Distribution.of("40m").one(Stream(1))
    2400000000
    """

    law: str
    arguments: tuple[Any, ...]
    time: bool = False
    unit: str = ""
    source: str = ""
    stealth: str = ""
    low: float = 0.0
    high: float = 1.0
    shown: str = field(default="", compare=False)

    @classmethod
    def of(cls, written: Any) -> Distribution:
        """The distribution written in a YAML as ``written``; ValueError says what is wrong with it."""
        if isinstance(written, cls):
            return written
        if not isinstance(written, Mapping):
            written = {"constant": written}
        elif "value" in written:
            written = {("constant" if k == "value" else k): v for k, v in written.items()}
        laws = [k for k in written if k not in NOTES]
        unknown = [k for k in laws if k not in LAWS]
        if unknown:
            raise ValueError(f"unknown distribution {unknown[0]!r}{did_you_mean(str(unknown[0]), [*LAWS, *NOTES])}")
        if len(laws) != 1:
            found = f"; found {', '.join(laws)}" if laws else ""
            raise ValueError(f"write one distribution of {', '.join(LAWS)}{found}")
        unit, source, stealth = (_text(written, k) for k in ("unit", "source", "stealth"))
        if stealth not in ("", "up", "down"):
            raise ValueError(f"stealth is up or down, not {stealth!r}")
        reader = Reader(TIME_UNITS.get(unit))
        arguments = LAWS[laws[0]].read(written[laws[0]], reader)
        made = cls(laws[0], arguments, False, unit, source, stealth, shown=_shown(laws[0], written))
        limits = [reader.number(written[k], k) if k in written else None for k in ("min", "max")]
        return replace(made, time=reader.is_time())._cut(*limits)

    def _cut(self, least: float | None, most: float | None) -> Distribution:
        if least is None and most is None:
            return self
        if not self.numeric:
            raise ValueError("min and max need numbers to cut")
        low = 0.0 if least is None else self._probability(least)
        high = 1.0 if most is None else self._probability(most)
        if not low < high:
            raise ValueError("nothing is left between min and max")
        return replace(self, low=low, high=high)

    def _probability(self, value: float) -> float:
        """The share of draws below ``value``, by bisection of the quantile function."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            below = float(self._raw(np.array([middle]))[0]) < value
            low, high = (middle, high) if below else (low, middle)
        return 0.0 if high < 1e-15 else 1.0 if low > 1 - 1e-15 else high

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers (a constant or a category may be text)."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values())

    def values(self) -> tuple[Any, ...]:
        """What it can give when that is a short list, else probes from its lowest to its highest."""
        if self.law == "constant":
            return self.arguments
        if self.law == "categorical":
            return tuple(self.arguments[0])
        return tuple(self.quantile(np.array([1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - 1e-4])).tolist())

    def _raw(self, u: F64) -> NDArray[Any]:
        return LAWS[self.law].quantile(u, *self.arguments)

    def quantile(self, u: Any) -> NDArray[Any]:
        """The value at each probability ``u`` (array-like): float64, int64 where values are whole, object for text."""
        raw = self._raw(self.low + np.asarray(u, dtype=np.float64) * (self.high - self.low))
        if not self.time:
            return raw
        longest = float(FARTHEST)
        sane = np.nan_to_num(np.asarray(raw, dtype=np.float64), posinf=longest, neginf=-longest)
        return np.rint(np.clip(sane, -longest, longest)).astype(np.int64)

    def draw(self, stream: Stream, n: int, stealth: float | None = None) -> NDArray[Any]:
        """``n`` values; ``stealth`` in [0, 1] draws them from the quarter that so stealthy an attacker would choose."""
        u = stream.uniforms(n)
        if stealth is not None and self.stealth:
            aim = stealth if self.stealth == "up" else 1.0 - stealth
            u = (1.0 - STEALTH_SHARE) * aim + STEALTH_SHARE * u
        return self.quantile(u)

    def one(self, stream: Stream, stealth: float | None = None) -> Any:
        """A single value, as a plain Python scalar."""
        return self.draw(stream, 1, stealth).tolist()[0]

    def __str__(self) -> str:
        return self.shown

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.of, ref="redgen.Distribution", json_schema_input_schema=core_schema.any_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        reference = handler(schema)
        handler.resolve_ref_schema(reference).update(cls._written())
        return reference

    @classmethod
    def _written(cls) -> dict[str, Any]:
        notes = {"unit": {"type": "string"}, "source": {"type": "string"}, "note": {"type": "string"},
                 "stealth": {"enum": ["up", "down"]}, "min": {}, "max": {}}
        forms = [
            {"type": "object", "properties": {law: form, **notes}, "required": [law], "additionalProperties": False}
            for law, form in SCHEMAS.items()
        ]
        return {"anyOf": [{"type": ["number", "string", "boolean"]}, *forms]}


def _text(written: Mapping[str, Any], key: str) -> str:
    value = written.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key} is text, not {value!r}")  # noqa: TRY004 (pydantic turns ValueErrors into findings)
    return value


def _shown(law: str, written: Mapping[str, Any]) -> str:
    """The law as a line of text: ``lognormal median 40m, sigma 1.2``."""
    value = written[law]
    if isinstance(value, Mapping):
        value = ", ".join(f"{k} {v}" for k, v in value.items())
    elif isinstance(value, list | tuple):
        value = " to ".join(str(v) for v in value) if len(value) == 2 else ", ".join(str(v) for v in value)
    words = [str(value)] if law == "constant" else [law, str(value)]
    words += [f"{k} {written[k]}" for k in ("min", "max") if k in written]
    return " ".join([*words, *([str(written["unit"])] if "unit" in written else [])])


def as_delay(law: Distribution) -> Distribution:
    """``law`` as durations; ValueError when it is no time or can be negative."""
    if law.law == "constant" and law.arguments == (0,):
        return replace(law, time=True)
    if not law.time:
        raise ValueError("is no time: write durations such as 90s or 40m, or a unit of time")
    return _positive(law)


def _positive(law: Distribution) -> Distribution:
    if not law.numeric:
        raise ValueError("should be a number or a distribution of numbers")
    if float(law.quantile([1e-9])[0]) < 0:
        raise ValueError("can become negative")
    return law


def _counting(law: Distribution) -> Distribution:
    if law.time:
        raise ValueError("is a count, not a time")
    _positive(law)
    if not math.isfinite(top := float(law.quantile([0.9999])[0])) or top > 1e8:
        raise ValueError("can exceed 100 million")
    return law


def _casting(law: Distribution) -> Distribution:
    _counting(law)
    if round(float(law.quantile([0.9999])[0])) < 1:
        raise ValueError("is nobody; write at least 1, or leave it out")
    return law


Delay = Annotated[Distribution, AfterValidator(as_delay)]
"""A distribution of durations (µs, never negative)."""
CountLaw = Annotated[Distribution, AfterValidator(_counting)]
"""A distribution of counts; whoever draws rounds them."""
CastLaw = Annotated[Distribution, AfterValidator(_casting)]
"""A distribution of how many play a role: whoever draws rounds them, and takes one where a draw gives none."""
