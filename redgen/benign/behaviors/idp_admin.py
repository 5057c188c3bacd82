"""Administrators of the identity provider at work: they open its console and help people who are locked out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import signin, whereabouts
from redgen.activity.groups import expand
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, FACTORS, code
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._logins import WORKFORCE, Entered, Habits, enter
from redgen.benign.behaviors._staff import Presence, Staff, moments
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR
from redgen.seed import I64, U64
from redgen.spec.model import Positive, Share
from redgen.table import Table, concat

_ADMIN_APP, _ENROLL = code(AUTH_OPS, "admin_app"), code(AUTH_OPS, "factor_activate")
_PUSH = code(FACTORS, "push")
_HELP = {"reset_password": 0.42, "unlock": 0.3, "factor_deactivate": 0.12, "factor_reset_all": 0.1,
         "privilege_grant": 0.03, "api_token_create": 0.03}
_ALONE = ("api_token_create",)
"""What an administrator does for nobody."""
_ANEW = ("factor_deactivate", "factor_reset_all")
"""After which people set a factor up anew."""
_PRESENCE, _HABITS = Presence(phone=0.0), Habits(fails=0.04)


@behavior(gives=("auth",), tiers=(Tier(2 * HOUR),))
def idp_admin(
    ctx: Context, sessions: Sessions, *,
    helps: dict[str, Positive] | None = None,
    most: Positive = 3.0,
    enrolls_again: Share = 0.8,
    presence: Presence = _PRESENCE,
    habits: Habits = _HABITS,
) -> Activity:
    """Sessions in the administrator console: up to ``most`` acts of ``helps`` (terms.AUTH_OPS: weight) on employees.

    Whose factors were taken away sign in with their password alone and set one up again (``enrolls_again``), minutes
    later and from where they are.
    """
    seed, ids = ctx.seed, sessions.id
    who = _staff.staff(ctx, sessions, presence)
    entered = enter(ctx, ids, ids, sessions.t, who, habits)
    inside = np.flatnonzero(entered.ok)
    opened = _acts(ctx, ids, who, entered, inside, ids[inside], moments(
        entered.t[inside], 4 + 40 * seed.uniform(ids[inside], "opens")), _ADMIN_APP, -1)
    at, rank = expand(np.where(entered.ok, 1 + np.floor(most * seed.uniform(ids, "acts")), 0).astype(np.int64))
    row = seed.noise(ids[at] + rank.astype(np.uint64), "act")
    t = moments(entered.t[at], 60 + (rank + seed.uniform(row, "when")) * 240)
    names = helps or _HELP
    kinds = np.array([code(AUTH_OPS, name) for name in names], dtype=np.int8)
    upto = np.cumsum(list(names.values()))
    op = kinds[np.searchsorted(upto, seed.uniform(row, "kind") * upto[-1], side="right")]
    helped = _employees(ctx, row)
    target = np.where(np.isin(op, [code(AUTH_OPS, o) for o in _ALONE]), -1, helped)
    acts = _acts(ctx, ids, who, entered, at, row, t, op, target)
    freed = np.isin(op, [code(AUTH_OPS, o) for o in _ANEW]) & (seed.uniform(row, "again") < enrolls_again)
    some = np.flatnonzero(freed)
    return {"auth": concat([entered.rows, opened, acts, *_anew(ctx, ids[at[some]], row[some], t[some], helped[some])])}


def _employees(ctx: Context, row: U64) -> NDArray[np.int32]:
    first, stop = ctx.world.people.span("employee")
    return (first + np.floor(ctx.seed.uniform(row, "target") * max(stop - first, 1))).astype(np.int32)


def _acts(
    ctx: Context, ids: U64, who: Staff, entered: Entered, at: I64, row: U64, t: I64, op: NDArray[np.int8] | int,
    target: NDArray[np.int32] | int,
) -> Table:
    """Acts of the administrators whose sessions are at positions ``at``."""
    return signin.rows(
        ctx.world, ctx.root, id=ctx.seed.noise(row, "row"), cause=ids[at], t=t, truth=0, op=op, org=WORKFORCE,
        user=who.person[at], client=who.client[at], agent=who.agent[at], device=who.device[at],
        session=entered.session[at], flow=ctx.seed.noise(row, "flow"), target=target,
        factor=np.where(np.isin(op, [code(AUTH_OPS, o) for o in _ANEW]), _PUSH, -1),
    )


def _anew(ctx: Context, cause: U64, row: U64, t: I64, person: NDArray[np.int32]) -> list[Table]:
    """People sign in without a factor and set one up."""
    world, seed = ctx.world, ctx.seed
    later = moments(t, 120 + 1500 * seed.uniform(row, "later"))
    where = whereabouts.place(world, person, later)
    client, device = whereabouts.address(world, person, where, later), whereabouts.device(world, person, 0, later)
    agent = world.people.agent[person, 0]
    back = signin.web_login(
        world, ctx.root, ctx.effects, id=seed.noise(row, "back"), cause=cause, t=later, truth=0, org=WORKFORCE,
        user=person, client=client, agent=agent, device=device,
    )
    ok = np.flatnonzero(back.ok)
    enrolled = signin.rows(
        world, ctx.root, id=seed.noise(row[ok], "enrolls"), cause=cause[ok],
        t=moments(back.done[ok], 20 + 70 * seed.uniform(row[ok], "scans")), truth=0, op=_ENROLL, org=WORKFORCE,
        user=person[ok], target=person[ok], client=client[ok], agent=agent[ok], device=device[ok], factor=_PUSH,
        session=back.session[ok], flow=seed.noise(row[ok], "enroll flow"),
    )
    return [back.rows, enrolled]


BEHAVIOR = idp_admin
