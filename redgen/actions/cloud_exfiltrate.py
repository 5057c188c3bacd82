"""Copy what a cloud account stores: list buckets and get their objects, or read secrets one by one."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from redgen.actions._cloud import NO_ERROR, Caller, Credential, Hand, errors, finished, hand, seen, sensitive
from redgen.actions._pace import pauses
from redgen.activity import calls
from redgen.playbook.stage import Network, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share

GAP = Distribution.of({"lognormal": {"median": "180ms", "sigma": 0.9}})
"""Between two objects of a tool that copies buckets. Source: unverified."""
_PAGE = 1000
"""Keys per page of a bucket's listing."""
_NOTHING = {"any_success": False, "objects": 0, "bytes": 0, "mostly_denied": True}


@action(facts={
    "any_success": "something was read",
    "objects": "number of objects (or secrets) that were read",
    "bytes": "bytes that were read",
    "mostly_denied": "more than half of the reads were denied",
})
def cloud_exfiltrate(
    stage: Stage, *, who: Caller, source: Network, what: Literal["objects", "secrets"] = "objects",
    name: str = "", stores: Annotated[float, Field(ge=1)] = 2.0,
    count: Annotated[float, Field(ge=1, le=500_000)] = 500.0,
    order: Literal["listed", "sampled"] = "listed", credential: Credential = "own", reads: Share = 1.0,
    denied: Share = 0.0, gap: Delay = GAP, lists: bool = True, fresh: bool = False,
) -> Staged:
    """Read ``count`` objects of the ``stores`` buckets worth most (or of the one called ``name``), ``gap`` apart.

    ``lists``: each bucket is listed first, a page per 1000 keys. ``order``: as listed, or a sample. ``fresh``: the
    newest objects, as a nightly job would, not the oldest. A share ``denied`` of single reads is refused. ``secrets``:
    the values of secrets instead, each once.
    """
    world, seed = stage.world, stage.seed
    caller = hand(stage, who, source, credential)
    if caller is None:
        return Staged(ended=stage.t, facts=_NOTHING)
    op, res, obj = _plan(stage, caller, what, name, round(stores), round(count), order, lists, fresh)
    n, ids = len(op), stage.ids(len(op))
    if not n:
        return Staged(ended=stage.t, facts=_NOTHING)
    error = errors(stage, caller.principal, op, reads, 1.0)
    access = calls.error_codes(["AccessDenied"])[0]
    single = (op != op[0]) | (obj >= 0)  # a listing stands or falls with the policy
    error = np.where((seed.uniform(ids, "denied") < denied) & (error == NO_ERROR) & single, access, error)
    pause = pauses(seed, ids, gap)
    table = calls.rows(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=caller.t + np.cumsum(pause), truth=stage.truth,
        op=op, error=error, res=res, obj=obj, **caller.columns(),
    )
    got = (error < 0) & (obj >= 0) if what == "objects" else error < 0
    return Staged(
        activity=seen(stage, [*caller.rows, table]), ended=finished([table]),
        facts={
            "any_success": bool(got.any()), "objects": int(got.sum()), "bytes": int(table["bytes"].sum()),
            "mostly_denied": bool((error >= 0).mean() > 0.5),
        },
    )


def _plan(
    stage: Stage, caller: Hand, what: str, name: str, stores: int, count: int, order: str, lists: bool, fresh: bool
) -> tuple[I64, I64, I64]:
    """Operation, resource and object of each call, in order."""
    world = stage.world
    account = int(world.cloud.principals.account[caller.principal])
    found = sensitive(world, "secret" if what == "secrets" else "bucket", account)
    if name:
        found = found[[world.cloud.resources.name[r] == name for r in found.tolist()]]
    if what == "secrets":
        some = found[:count]
        listing, get = calls.codes(world, ("secretsmanager:ListSecrets", "secretsmanager:GetSecretValue"))
        return np.append(listing, np.full(len(some), get)), np.append(-1, some), np.full(len(some) + 1, -1)
    listing, get = calls.codes(world, ("s3:ListObjects", "s3:GetObject"))
    parts = []
    chosen = found[:stores]
    for k, bucket in enumerate(chosen.tolist()):
        held = int(world.cloud.resources.objects[bucket])
        share = min(count // len(chosen) + (k < count % len(chosen)), held)
        keys = np.arange(share)
        if order == "sampled":
            u = stage.seed.uniform(np.arange(share, dtype=np.uint64), f"object {k}")
            keys = np.minimum((held * u).astype(np.int64), held - 1)
        elif fresh:
            keys = held - 1 - keys
        pages = np.full(max(-(-share // _PAGE), 1) if lists else 0, -1, dtype=np.int64)
        ops = np.append(np.full(len(pages), listing), np.full(share, get))
        parts.append((ops, np.full(len(ops), bucket), np.append(pages, keys)))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty
    ops, res, obj = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ops, res, obj


ACTION = cloud_exfiltrate
