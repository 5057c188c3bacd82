"""People in the cloud: consoles and command lines, through the identity provider's roles or users of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import calls, desks
from redgen.activity.desks import Needs
from redgen.activity.schema import Activity
from redgen.benign.behaviors import _cloud, _staff
from redgen.benign.behaviors._cloud import Plan, Task
from redgen.benign.behaviors._staff import CACHED, Presence, Staff
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.seed import I64
from redgen.spec.model import Share
from redgen.table import Table, concat
from redgen.world.cloud import PRINCIPAL_TYPES

_ROLE = PRINCIPAL_TYPES.index("AssumedRole")
_SLACK = 2 * MINUTE
_PRESENCE = Presence(phone=0.0)
_FAILED = int(calls.error_codes(["Failed authentication"])[0])
_AGENTS = {"cli": "aws_cli", "sdk": "aws_sdk", "tool": "aws_tool"}


@behavior(gives=("cloud", "dns", "flow"), tiers=(Tier(HOUR + CACHED, 0.8), Tier(6 * HOUR + CACHED, 0.2)))
def cloud_people(
    ctx: Context, sessions: Sessions, *,
    tasks: dict[str, Task],
    failed_logins: Share = 0.02,
    presence: Presence = _PRESENCE,
) -> Activity:
    """One task per session, by weight, by people who have a principal (others do nothing).

    Who has a role signs in through the identity provider (AssumeRoleWithSAML, then ConsoleLogin for the console); who
    has an IAM user signs in to the console with it, with MFA where a factor is known (``failed_logins``: after a wrong
    password), or calls with its long-lived key. A task's ``role`` is assumed on top. The same person uses the same
    software every time.
    """
    sessions = sessions.take(np.flatnonzero(ctx.world.people.principal[sessions.who] >= 0))
    if not len(sessions):
        return {}
    who = _staff.staff(ctx, sessions, presence)
    which = _cloud.choose(ctx, tasks, sessions.id)
    plans = ctx.once("plans", lambda: [_cloud.plan(ctx.world, task) for task in tasks.values()])
    parts: list[Table] = []
    for k, made in enumerate(plans):
        some = np.flatnonzero(which == k)
        if len(some):
            parts += _work(ctx, sessions.take(some), _of(who, some), made, failed_logins)
    cloud = concat(parts)
    return {"cloud": cloud, **(_wired(ctx, sessions, who, cloud) if ctx.wants("dns", "flow") else {})}


def _of(who: Staff, some: I64) -> Staff:
    return Staff(who.person[some], who.client[some], who.agent[some], who.device[some], who.desk[some], who.phone[some])


def _work(ctx: Context, sessions: Sessions, who: Staff, made: Plan, failed: float) -> list[Table]:
    """The rows of sessions that do one task."""
    world, seed, ids = ctx.world, ctx.seed, sessions.id
    console = made.task.means == "console"
    kind = _AGENTS.get(made.task.means, "aws_cli")
    own = world.agents.draw(kind, world.seed.uniform(who.person.astype(np.uint64), kind))
    agent = who.agent if console else own
    principal, key, began, parts = _opened(ctx, sessions, who, agent, failed, console=console)
    start = np.maximum(began, sessions.t) + (SECOND * (2 + 9 * seed.uniform(ids, "looks"))).astype(np.int64)
    common: dict[str, Any] = {"client": who.client, "agent": agent}
    if made.task.role:
        role = _cloud.principal(world, made.task.role)
        begun = calls.assume(
            world, ctx.root, id=seed.noise(ids, "role"), cause=ids, t=start, truth=0, role=role, principal=principal,
            key=key, session_t=began, **common,
        )
        parts.append(begun.rows)
        principal, key, began = begun.principal, begun.key, begun.session_t
        start = began + SECOND
    done = _cloud.run(ctx, made, ids, start, sessions.stop - CACHED - _SLACK)
    at = done.at
    mfa = console & (world.cloud.principals.type[principal] != _ROLE) & (world.people.factor[who.person] >= 0)
    parts.append(calls.rows(
        world, ctx.root, id=done.id, cause=ids[at], t=done.t, truth=0, op=done.op, principal=principal[at],
        client=who.client[at], agent=agent[at], key=key[at], session_t=began[at], mfa=mfa[at], console=int(console),
        error=done.error,
    ))
    return parts


def _opened(
    ctx: Context, sessions: Sessions, who: Staff, agent: NDArray[np.int32], failed: float, *, console: bool
) -> tuple[NDArray[np.int32], NDArray[np.uint64], I64, list[Table]]:
    """Principal, key and beginning of each person's session (key and beginning 0: a long-lived key), and the rows."""
    world, seed, ids, t = ctx.world, ctx.seed, sessions.id, sessions.t
    principal = world.people.principal[who.person].astype(np.int32)
    key, began = np.zeros(len(ids), dtype=np.uint64), np.zeros(len(ids), dtype=np.int64)
    parts: list[Table] = []
    roles = np.flatnonzero(world.cloud.principals.type[principal] == _ROLE)
    users = np.flatnonzero(world.cloud.principals.type[principal] != _ROLE)
    held = calls.assume(
        world, ctx.root, id=seed.noise(ids[roles], "saml"), cause=ids[roles], t=t[roles], truth=0,
        role=principal[roles], client=who.client[roles], agent=agent[roles], way="saml",
    )
    key[roles], began[roles] = held.key, held.session_t
    parts.append(held.rows)
    if not console:
        return principal, key, began, parts
    wrong = users[seed.uniform(ids[users], "failed") < failed]
    late = np.zeros(len(ids), dtype=np.int64)
    late[wrong] = 20 * SECOND
    late[roles] = began[roles] - t[roles] + SECOND
    parts.append(calls.console_login(
        world, ctx.root, id=seed.noise(ids[wrong], "wrong"), cause=ids[wrong], t=t[wrong], truth=0, mfa=0,
        principal=principal[wrong], client=who.client[wrong], agent=agent[wrong], error=_FAILED,
    ).rows)
    mfa = (world.people.factor[who.person] >= 0) & (key == 0)
    in_ = calls.console_login(
        world, ctx.root, id=seed.noise(ids, "console"), cause=ids, t=t + late, truth=0, principal=principal,
        client=who.client, agent=agent, key=key, session_t=began, mfa=mfa,
    )
    parts.append(in_.rows)
    return principal, in_.key, in_.session_t, parts


def _wired(ctx: Context, sessions: Sessions, who: Staff, cloud: Table) -> Activity:
    """From desks in the office: connections to the cloud's endpoint, one for every few calls."""
    world = ctx.world
    order = np.argsort(sessions.id)
    whose = order[np.searchsorted(sessions.id[order], cloud["cause"])]
    some = np.flatnonzero((who.desk[whose] > 0) & (ctx.seed.uniform(cloud["id"], "connects") < 0.2))
    ids = cloud["id"][some]
    t = np.maximum(cloud["t"][some] - SECOND, sessions.t[whose[some]])
    return _staff.wired(ctx, Needs(
        id=ids, cause=cloud["cause"][some], t=t, client=who.desk[whose[some]],
        name=np.full(len(some), desks.cloud_endpoint(world), dtype=np.int32),
        dur=(SECOND * _staff.lognormal(ctx, ids, "lasts", 12, 1.0, 300)).astype(np.int64),
        sent=_staff.lognormal(ctx, ids, "sent", 4_000, 1.0, 4e6),
        received=_staff.lognormal(ctx, ids, "received", 22_000, 1.4, 4e8),
    ), https=0.0)


BEHAVIOR = cloud_people
