"""Call the cloud's API: a list of operations in order, and sweeps over every resource of a kind."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.actions._cloud import Caller, Credential, Hand, errors, finished, flat, hand, seen, sensitive, user_resource
from redgen.actions._pace import pauses
from redgen.activity import calls
from redgen.playbook.stage import Network, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share
from redgen.world.cloud import RESOURCE_KINDS

GAP = Distribution.of({"lognormal": {"median": "1500ms", "sigma": 1.0}})
"""Between two calls of a script with a person behind it. Source: unverified."""


@action(facts={
    "any_success": "at least one call was let in",
    "any_denied": "at least one call was denied",
    "mostly_denied": "more than half of the calls were denied",
    "denied_share": "share of the calls that were denied",
    "can_write": "at least one changing call was let in",
})
def cloud_calls(
    stage: Stage, *, who: Caller, source: Network, ops: tuple[str, ...] = (), sweep: tuple[str, ...] = (),
    most: Annotated[float, Field(ge=1)] = 25.0, repeat: Annotated[float, Field(ge=1)] = 1.0, shuffle: bool = False,
    credential: Credential = "own", reads: Share = 1.0, writes: Share = 1.0, gap: Delay = GAP,
    sweep_gap: Delay | None = None, give_up: Share = 0.0,
) -> Staged:
    """Call ``ops`` (such as ``iam:ListUsers``) in order, ``gap`` apart, then ``sweep`` over up to ``most`` resources.

    Sweeps ask about one resource of the operation's kind after the other, those worth most first, ``sweep_gap`` apart.
    The whole is done ``repeat`` times, ``shuffle`` in another order each time. ``credential``: which one is used. The
    principal's policy allows a share of the ``reads`` and of the ``writes``, always the same ones. ``give_up``: chance
    of stopping at each denied call.
    """
    world, seed = stage.world, stage.seed
    caller = hand(stage, who, source, credential)
    if caller is None or not (ops or sweep):
        return Staged(ended=stage.t, facts={"any_success": False, "mostly_denied": True, "denied_share": 1.0})
    op, res, swept = _plan(stage, caller, ops, sweep, round(most), round(repeat), shuffle)
    error = errors(stage, caller.principal, op, reads, writes)
    ids = stage.ids(len(op))
    stops = np.flatnonzero((error >= 0) & (seed.uniform(ids, "give up") < give_up))
    n = int(stops[0]) + 1 if len(stops) else len(op)
    op, res, swept, error, ids = op[:n], res[:n], swept[:n], error[:n], ids[:n]
    pause = np.where(swept, pauses(seed, ids, sweep_gap or gap), pauses(seed, ids, gap))
    t = caller.t + np.cumsum(pause)
    table = calls.rows(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth, op=op, error=error, res=res,
        **caller.columns(),
    )
    tables = [*caller.rows, table]
    denied = float((error >= 0).mean())
    return Staged(
        activity=seen(stage, tables), ended=finished(tables),
        facts={
            "any_success": bool((error < 0).any()), "any_denied": bool((error >= 0).any()), "denied_share": denied,
            "mostly_denied": denied > 0.5, "can_write": bool(((error < 0) & ~world.cloud.ops.read[op]).any()),
        },
    )


def _plan(
    stage: Stage, caller: Hand, ops: tuple[str, ...], sweep: tuple[str, ...], most: int, repeat: int, shuffle: bool
) -> tuple[I64, I64, np.ndarray]:
    """The operations in order, the resource of each (-1: the builder picks one), and which belong to a sweep."""
    world = stage.world
    account = int(world.cloud.principals.account[caller.principal])
    single, swept_over = calls.codes(world, ops), calls.codes(world, sweep)
    asked = [sensitive(world, _kind(stage, op), account)[:most] for op in swept_over.tolist()]
    itself = _itself(stage, caller, single)
    op = flat([single, *(np.full(len(found), code) for code, found in zip(swept_over, asked, strict=True))])
    res = flat([itself, *asked])
    swept = np.arange(len(op)) >= len(single)
    rounds = []
    for k in range(repeat):
        keys = stage.seed.noise(np.arange(len(op), dtype=np.uint64), f"shuffle {k}")
        rounds.append(np.argsort(keys, kind="stable") if shuffle and k else np.arange(len(op)))
    order = flat(rounds)
    return op[order], res[order], swept[order]


def _itself(stage: Stage, caller: Hand, op: I64) -> I64:
    """The caller's own user where an operation is about a user, else -1: the builder picks a resource."""
    kind = stage.world.cloud.ops.resource[op]
    own = user_resource(stage.world, caller.principal)
    return np.where(kind == RESOURCE_KINDS.index("user"), own, -1).astype(np.int64)


def _kind(stage: Stage, op: int) -> str:
    """The kind of resource an operation is about; objects are swept by their buckets."""
    kind = RESOURCE_KINDS[stage.world.cloud.ops.resource[op]]
    return "bucket" if kind == "object" else kind


ACTION = cloud_calls
