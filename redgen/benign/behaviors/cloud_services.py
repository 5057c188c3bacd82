"""Software in the cloud: roles that services and programs assume by themselves, and what they call with them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from redgen.activity import calls
from redgen.activity.schema import Activity
from redgen.benign.behaviors import _cloud
from redgen.benign.behaviors._cloud import Task
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.errors import DataError
from redgen.seed import I64
from redgen.spec.model import Duration
from redgen.table import concat
from redgen.world.cloud import RESOURCE_KINDS

_LONGEST = 6 * HOUR
_STORED = [RESOURCE_KINDS.index("object"), RESOURCE_KINDS.index("bucket")]
_USUAL = 0.97
"""Share of a program's calls about objects and buckets that are about its own bucket. Source: unverified."""
DENIALS = ("AccessDenied", "Client.UnauthorizedOperation")


@behavior(gives=("cloud",), tiers=(Tier(_LONGEST + 10 * MINUTE),))
def cloud_services(
    ctx: Context, sessions: Sessions, *,
    principal: str,
    task: Task,
    opened: Literal["service", "api", "web_identity", "vendor", "key"] = "service",
    by: str = "",
    lasts: Duration = HOUR,
    via: dict[str, str] | None = None,
    store: str = "",
) -> Activity:
    """One life of a credential per session: ``principal`` is assumed, and ``task`` is done for ``lasts`` (at most 6 h).

    ``opened``: by the AWS service that owns the role, by the principal ``by`` through the API, with a workload's own
    token, by a vendor from an account of its own, or not at all: a long-lived key. A task's ``role`` is assumed on top,
    and does the work. Who assumes a role calls with it from the same place with the same software. ``via``: operations
    (``kms:Decrypt``, or ``"*"``) that an AWS service performs on the principal's behalf. ``principal`` may be an AWS
    service, which then calls in its own name. ``store``: the bucket that nearly all its calls about buckets and objects
    are about.
    """
    world = ctx.world
    _check(lasts)
    made = ctx.once("plan", lambda: _cloud.plan(world, task))
    who, ids = _cloud.principal(world, principal), sessions.id
    start, key, began, parts = sessions.t, np.zeros(len(ids), dtype=np.uint64), np.zeros(len(ids), dtype=np.int64), []
    hand: dict[str, Any] = {}
    if opened != "key":
        caller = _cloud.principal(world, by) if opened == "api" else -1
        hand = _hand(ctx, caller) if opened == "api" else {}
        begun = calls.assume(
            world, ctx.root, id=ctx.seed.noise(ids, "assume"), cause=ids, t=start, truth=0, role=who, principal=caller,
            way=opened, machine=np.maximum(sessions.who, 0), **hand,
        )
        parts.append(begun.rows)
        key, began = begun.key, begun.session_t
        start = began + (SECOND * (0.2 + 3 * ctx.seed.uniform(ids, "warm"))).astype(np.int64)
    if task.role:
        hand, caller, who = hand or _hand(ctx, who), who, _cloud.principal(world, task.role)
        begun = calls.assume(
            world, ctx.root, id=ctx.seed.noise(ids, "role"), cause=ids, t=start, truth=0, principal=caller, key=key,
            session_t=began, role=who, **hand,
        )
        parts.append(begun.rows)
        key, began, start = begun.key, begun.session_t, begun.session_t + SECOND
    done = _cloud.run(ctx, made, ids, start, sessions.t + lasts)
    behalf = _via(ctx, via or {})[done.op]
    parts.append(calls.rows(
        world, ctx.root, id=done.id, cause=ids[done.at], t=done.t, truth=0, op=done.op, principal=who, key=key[done.at],
        session_t=began[done.at], error=_allowed(ctx, who, done), service=behalf, res=_stores(ctx, store, done), **hand,
    ))
    return {"cloud": concat(parts)}


def _check(lasts: int) -> None:
    if lasts > _LONGEST:
        raise DataError("cloud_services: a credential lasts at most 6 h")


def _hand(ctx: Context, principal: int) -> dict[str, Any]:
    """Where a program runs, and its software: the same for all roles that it takes on."""
    return {"client": int(ctx.world.cloud.principals.addr[principal]),
            "agent": calls.own_software(ctx.world, ctx.root, principal)}


def _allowed(ctx: Context, principal: int, done: _cloud.Calls) -> NDArray[np.int16]:
    """The errors of calls; roles that AWS made for its services may all that they ask: nobody denies them anything."""
    if not ctx.world.cloud.principals.path[principal].startswith("/aws-service-role/"):
        return done.error
    return np.where(np.isin(done.error, calls.error_codes(DENIALS)), np.int16(-1), done.error)


def _stores(ctx: Context, store: str, done: _cloud.Calls) -> I64:
    """The bucket of each call about objects or buckets; -1 leaves it open, as for 3 in 100 of them."""
    found = np.full(len(done.op), -1, dtype=np.int64)
    if store:
        objects = np.isin(ctx.world.cloud.ops.resource[done.op], _STORED)
        usual = objects & (ctx.seed.uniform(done.id, "store") < _USUAL)
        found[usual] = _cloud.resource(ctx.world, "bucket", store)
    return found


def _via(ctx: Context, via: dict[str, str]) -> I64:
    """Per operation of the world the service that performs it, -1 the caller itself."""
    said = {op: _cloud.service(ctx.world, name) for op, name in via.items()}
    found = np.full(len(ctx.world.cloud.ops), said.pop("*", -1), dtype=np.int64)
    if said:
        found[calls.codes(ctx.world, list(said))] = list(said.values())
    return found


BEHAVIOR = cloud_services
