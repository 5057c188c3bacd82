"""How staff get through a sign-in: slips, typing errors, forgotten passwords, prompts that nobody answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import signin
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS, ORGS, code
from redgen.benign.behaviors._staff import Staff
from redgen.benign.context import Context
from redgen.clock import SECOND
from redgen.seed import I64, U64
from redgen.spec.model import Cited, Share
from redgen.table import Table, concat
from redgen.world.world import World

WORKFORCE = code(ORGS, "workforce")
OK, DENIED, TIMEOUT, UNKNOWN = (code(AUTH_RESULTS, r) for r in ("ok", "denied", "timeout", "unknown_user"))
PASSWORD, RESET, CHANGE = (code(AUTH_OPS, o) for o in ("password", "reset_password", "change_password"))
_PUSH = code(FACTORS, "push")
_MOST_SLIPS = 4


class Habits(Cited):
    """How sign-ins of staff go, as shares of sign-ins unless said otherwise."""

    fails: Share = 0.07
    """First passwords that are wrong."""
    retry_succeeds: Share = 0.75
    """Of the tries after a wrong one."""
    mistyped: Share = 0.09
    """Of the failures: the login, not the password, was mistyped."""
    forgotten: Share = 0.004
    """The password is gone: some wrong ones, a reset, then in."""
    challenged: Share = 0.9
    """Sign-ins of people with a second factor that are asked for it."""
    ignored: Share = 0.015
    """Challenges that time out before a second one is answered."""
    denied: Share = 0.003
    """Challenges that the owner denies or fails."""


@dataclass(frozen=True)
class Entered:
    """What came of some sign-ins, one per element: rows, IdP sessions (0 = none), when they began, who got in."""

    rows: Table
    session: U64
    t: I64
    ok: NDArray[np.bool_]


def slips(world: World) -> NDArray[np.int32]:
    """The mistyped logins that look like ones of ours."""
    tail = "@" + world.org.domain
    ours = [k for k, login in zip(range(world.mistyped), world.typos, strict=False) if login.endswith(tail)]
    return np.array(ours or range(max(world.mistyped, 1)), dtype=np.int32)


def enter(ctx: Context, ids: U64, cause: U64, t: I64, who: Staff, habits: Habits, app: Any = -1) -> Entered:
    """Sign in, one element per sign-in: ``ids`` unique, at ``t``; ``app`` is opened at once (-1 none)."""
    world, seed = ctx.world, ctx.seed.child("logins")
    first = seed.uniform(ids, "fails") < habits.fails
    more = np.floor(np.log(seed.uniform(ids, "more")) / np.log(max(1 - habits.retry_succeeds, 1e-9))).astype(np.int64)
    wrong = np.where(first, np.minimum(1 + more, _MOST_SLIPS), 0)
    slip = first & (seed.uniform(ids, "slip") < habits.mistyped)
    lost = ~slip & (seed.uniform(ids, "lost") < habits.forgotten)
    factor = world.people.factor[who.person]
    asked = (factor >= 0) & (seed.uniform(ids, "challenged") < habits.challenged)
    u = seed.uniform(ids, "answer")
    pushed = factor == _PUSH
    answer = np.where(u < habits.denied, np.where(pushed & (u < habits.denied / 3), TIMEOUT, DENIED), OK)
    again = pushed & (u > 1 - habits.ignored)
    begins = t + np.where(slip, SECOND * (6 + 14 * seed.uniform(ids, "notices")), 0).astype(np.int64)
    common: dict[str, Any] = {
        "org": WORKFORCE, "user": who.person, "client": who.client, "agent": who.agent, "device": who.device,
        "factor": np.where(asked, factor, -1), "answer": answer, "prompts": np.where(again, 2, 1), "app": app,
    }
    tried = signin.web_login(
        world, ctx.root, ctx.effects, id=ids, cause=cause, t=begins, truth=0,
        wrong=np.where(lost, 2 + (more > 0), wrong - (slip & (wrong > 0))), knows=~lost, **common,
    )
    strays = _strays(ctx, np.flatnonzero(slip), ids, cause, t, who)
    some = np.flatnonzero(lost & (tried.changed == 0))
    if not len(some):
        return Entered(concat([tried.rows, strays]), tried.session, tried.done, tried.ok)
    part = {k: v[some] if isinstance(v, np.ndarray) else v for k, v in common.items()}
    reset = tried.done[some] + (SECOND * (50 + 220 * seed.uniform(ids[some], "mail"))).astype(np.int64)
    recovered = _reset(ctx, some, ids, cause, reset, who)
    back = signin.web_login(
        world, ctx.root, ctx.effects, id=seed.noise(ids[some], "back"), cause=cause[some], truth=0,
        t=reset + (SECOND * (15 + 45 * seed.uniform(ids[some], "again"))).astype(np.int64), **part,
    )
    session, done, ok = tried.session.copy(), tried.done.copy(), tried.ok.copy()
    session[some], done[some], ok[some] = back.session, back.done, back.ok
    return Entered(concat([tried.rows, strays, recovered, back.rows]), session, done, ok)


def _strays(ctx: Context, some: I64, ids: U64, cause: U64, t: I64, who: Staff) -> Table:
    """Tries with a login that nobody owns."""
    known = ctx.once("slips", lambda: slips(ctx.world))
    seed = ctx.seed.child("logins")
    typed = known[(seed.noise(ids[some], "typed") % np.uint64(len(known))).astype(np.int64)]
    return signin.rows(
        ctx.world, ctx.root, id=seed.noise(ids[some], "stray"), cause=cause[some], t=t[some], truth=0, op=PASSWORD,
        org=WORKFORCE, user=-1, typed=typed, client=who.client[some], agent=who.agent[some], device=who.device[some],
        result=UNKNOWN, flow=seed.noise(ids[some], "stray flow"),
    )


def _reset(ctx: Context, some: I64, ids: U64, cause: U64, t: I64, who: Staff) -> Table:
    """Resets of a forgotten password by their owners."""
    seed = ctx.seed.child("logins")
    return signin.rows(
        ctx.world, ctx.root, id=seed.noise(ids[some], "reset"), cause=cause[some], t=t, truth=0, op=RESET,
        org=WORKFORCE, user=who.person[some], client=who.client[some], agent=who.agent[some], device=who.device[some],
        flow=seed.noise(ids[some], "reset flow"),
    )
