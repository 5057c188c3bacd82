"""Runs of cloud calls: which operations, how many, how far apart, and what goes wrong, from the YAML of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from redgen.activity import calls
from redgen.activity.groups import expand, running
from redgen.activity.terms import CLOUD_ERRORS
from redgen.benign.behaviors._script import Lognormal, Quantiles
from redgen.benign.context import Context
from redgen.clock import SECOND
from redgen.errors import DataError, did_you_mean
from redgen.seed import F64, I64, U64, picked
from redgen.spec.model import Cited, Positive, Share
from redgen.world.world import World

_FEW = Quantiles(at=(0.0, 0.4, 0.8, 0.97, 1.0), are=(1, 3, 12, 40, 90))
_CLUMPED = Lognormal.of("2s", 2.2)


class Task(Cited):
    """One kind of work: the operations it consists of, with weights, after those it begins with."""

    weight: Positive = 1.0
    means: Literal["console", "cli", "sdk", "tool"] = "cli"
    """What people do it with."""
    begins: tuple[str, ...] = ()
    ops: dict[str, Positive]
    calls: Quantiles = _FEW
    gap: Lognormal = _CLUMPED
    """Between two calls: the wide tail makes clumps and pauses."""
    errors: Share = 0.015
    role: str = ""
    """A role that is assumed first."""


@dataclass(frozen=True)
class Calls:
    """The calls of some runs, one element per call: position of the run, id, time, op and error (-1 none)."""

    at: I64
    rank: I64
    id: U64
    t: I64
    op: NDArray[np.int16]
    error: NDArray[np.int16]


@dataclass(frozen=True)
class Plan:
    """A task with its names resolved."""

    task: Task
    begins: NDArray[np.int64]
    ops: NDArray[np.int64]
    upto: F64
    failures: NDArray[np.int16]    # [ops of the world, 2] how each operation usually fails, and how else


def plan(world: World, task: Task) -> Plan:
    """``task`` in the codes of ``world``; DataError names what is unknown."""
    return Plan(
        task, calls.codes(world, task.begins), calls.codes(world, list(task.ops)), np.cumsum(list(task.ops.values())),
        failures(world),
    )


def failures(world: World) -> NDArray[np.int16]:
    """How each operation fails: usually for want of a permission, else as something is missing or asked too often."""
    denied = {"ec2": "Client.UnauthorizedOperation"}
    missing = {"iam": "NoSuchEntityException", "secretsmanager": "ResourceNotFoundException",
               "lambda": "ResourceNotFoundException", "logs": "ResourceNotFoundException"}
    special = {"GetBucketPolicy": "NoSuchBucketPolicy", "GetObject": "NoSuchKey", "HeadObject": "NoSuchKey"}
    ops = world.cloud.ops
    else_ = {"s3": "AccessDenied"} | missing
    words = [(denied.get(s, "AccessDenied"), special.get(n, else_.get(s, "ThrottlingException")))
             for s, n in zip(ops.source, ops.name, strict=True)]
    return np.array([[CLOUD_ERRORS.index(word) for word in pair] for pair in words], dtype=np.int16)


def run(ctx: Context, made: Plan, ids: U64, t: I64, stop: I64) -> Calls:
    """The calls of runs that begin at ``t`` and must be over at ``stop``; ``ids`` unique per run."""
    seed, task = ctx.seed.child("calls"), made.task
    count = np.floor(task.calls.of(seed.uniform(ids, "count"))).astype(np.int64) + len(made.begins)
    at, rank = expand(np.maximum(count, 1))
    row = seed.noise(ids[at] + rank.astype(np.uint64), "call")
    gaps = np.where(rank > 0, 0.03 * SECOND + task.gap.median * np.exp(task.gap.sigma * seed.normal(row, "gap")), 0)
    when = t[at] + running(np.minimum(gaps, 3600 * SECOND), rank)
    kept = np.flatnonzero(when < stop[at])
    at, rank, row, when = at[kept], rank[kept], row[kept], when[kept]
    op = made.ops[picked(seed.uniform(row, "op"), made.upto)]
    if len(made.begins):
        op = np.where(rank < len(made.begins), made.begins[np.minimum(rank, len(made.begins) - 1)], op)
    usual = (seed.uniform(row, "failure") < 0.35).astype(np.int64)
    fails = seed.uniform(row, "fails") < task.errors
    error = np.where(fails, made.failures[op, usual], -1).astype(np.int16)
    return Calls(at, rank, row, when, op.astype(np.int16), error)


def choose(ctx: Context, tasks: Mapping[str, Task], ids: U64) -> I64:
    """The position of a task for each id, by weight."""
    upto = np.cumsum([task.weight for task in tasks.values()])
    return picked(ctx.seed.uniform(ids, "task"), upto)


def principal(world: World, name: str) -> int:
    """The principal called ``name`` (Identity Center's roles without their suffix); DataError when there is none."""
    names = list(world.cloud.principals.name)
    for code, known in enumerate(names):
        if known == name or known.startswith(f"{name}_"):
            return code
    raise DataError(f"no cloud principal is called {name!r}{did_you_mean(name, set(names))}")


def resource(world: World, kind: str, name: str) -> int:
    """The resource of ``kind`` called ``name``; DataError when there is none."""
    known = {world.cloud.resources.name[int(r)]: int(r) for r in world.cloud.resources_of(kind)}
    if name not in known:
        raise DataError(f"no {kind} is called {name!r}{did_you_mean(name, known)}")
    return known[name]


def service(world: World, name: str) -> int:
    """The code of an AWS service; DataError when the world's accounts do not use it."""
    names = list(world.cloud.services)
    if name not in names:
        raise DataError(f"unknown AWS service {name!r}{did_you_mean(name, names)}")
    return names.index(name)
