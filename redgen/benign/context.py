"""What a behavior is and what it may look at: sessions to play, the context they play in, the plug-in itself.

A behavior is a plug-in module in ``redgen/benign/behaviors/`` that exposes ``BEHAVIOR``::

    @behavior(gives=("auth",), tiers=(Tier(15 * MINUTE),))
    def workforce_sso(ctx: Context, sessions: Sessions, *, apps_per_day: float = 8.0) -> Activity:
        ...

    BEHAVIOR = workforce_sso

Its keyword parameters are the schema of ``with`` in a baseline's YAML.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, create_model

from redgen.activity.effects import Effects
from redgen.activity.schema import Activity
from redgen.seed import Seed
from redgen.spec.model import Cited
from redgen.world.world import World

T = TypeVar("T")


@dataclass(frozen=True)
class Tier:
    """Sessions of one length class: done within ``reach`` (µs) of their start, a ``share`` of all sessions.

    Long sessions start from sparse cells of their own, so that sampling a slice replays few of them.
    """

    reach: int
    share: float = 1.0


@dataclass(frozen=True)
class Sessions:
    """Sessions to be played, arrays of one length.

    ``id`` u8 unique, the ``cause`` of every row of the session; ``t`` i8 start (µs); ``stop`` i8: every row must be
    done before it; ``who`` i8: person code, or number of the entity, or -1 for nobody known; ``size`` f8 in (0, 1): how
    big the session is as a quantile (the long tier holds the top of the distribution).
    """

    id: NDArray[np.uint64]
    t: NDArray[np.int64]
    stop: NDArray[np.int64]
    who: NDArray[np.int64]
    size: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def concat(cls, parts: Sequence[Sessions]) -> Sessions:
        """All sessions of several parts, in order."""
        if not parts:
            whole = np.zeros(0, dtype=np.int64)
            return cls(np.zeros(0, dtype=np.uint64), whole, whole, whole, np.zeros(0))
        columns = ("id", "t", "stop", "who", "size")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))

    def take(self, index: NDArray[Any]) -> Sessions:
        """The sessions at ``index`` (positions or a mask)."""
        return Sessions(self.id[index], self.t[index], self.stop[index], self.who[index], self.size[index])


@dataclass(frozen=True)
class Context:
    """What a behavior may look at: the world, its own seed, the effects, and which rows are wanted.

    ``seed`` is root/benign/<population>; ``root`` the dataset's (for ``web.respond`` and other builders); ``per_day``
    the population's mean number of sessions a day. ``windows`` maps each wanted kind to its [start, stop): rows done
    outside, and rows of other kinds, are dropped by the model, so a behavior may leave them out, or not.
    """

    world: World
    root: Seed
    seed: Seed
    per_day: float = 0.0
    effects: Effects = field(default_factory=Effects.of)
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    memo: dict[str, Any] = field(default_factory=dict)

    def within(self, windows: Mapping[str, tuple[int, int]], effects: Effects) -> Context:
        """The same place for one call: what is wanted, and which effects hold. What was made once is shared."""
        return replace(self, windows=windows, effects=effects)

    def wants(self, *kinds: str) -> bool:
        """Whether any of ``kinds`` is asked for."""
        return any(kind in self.windows for kind in kinds)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, made at the first call only: for tables that depend on world and parameters alone."""
        if name not in self.memo:
            self.memo[name] = make()
        return self.memo[name]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Behavior:
    """A registered behavior: its function, the model of its parameters, what kinds it gives, its tiers."""

    name: str
    play: Callable[..., Activity]
    parameters: type[BaseModel]
    names: tuple[str, ...]
    gives: frozenset[str]
    tiers: tuple[Tier, ...]

    def read(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The keyword arguments that a YAML's ``parameters`` say; pydantic.ValidationError when they do not fit."""
        model = self.parameters.model_validate_json(json.dumps(dict(parameters)))
        return {name: getattr(model, name) for name in self.names}


def behavior(
    *, gives: Sequence[str], tiers: Sequence[Tier]
) -> Callable[[Callable[..., Activity]], Behavior]:
    """Turn ``f(ctx, sessions, *, parameter=…, …) -> Activity`` into a ``Behavior``; keyword parameters = YAML schema.

    ``gives``: kinds of activity it can make. ``tiers``: its session length classes, shares summing to 1. The function
    must fill ``truth`` with 0, or with a code read from ``ctx.effects`` where an effect made the row what it is.
    """

    def wrap(function: Callable[..., Activity]) -> Behavior:
        fields: dict[str, Any] = {}
        for name, p in inspect.signature(function, eval_str=True).parameters.items():
            if p.kind is p.KEYWORD_ONLY:
                fields[name] = (p.annotation, ... if p.default is p.empty else p.default)
        model = create_model(function.__name__, __base__=Cited, __doc__=function.__doc__, **fields)
        return Behavior(function.__name__, function, model, tuple(fields), frozenset(gives), tuple(tiers))

    return wrap
