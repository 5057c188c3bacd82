"""Administrators of the identity provider at work: they open its console and help people who cannot get in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import desks, signin, whereabouts
from redgen.activity.groups import expand
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, FACTORS, code
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._logins import WORKFORCE, Entered, Habits, enter
from redgen.benign.behaviors._staff import CACHED, Presence, Staff, moments
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR
from redgen.seed import I64, U64, picked
from redgen.spec.model import Positive, Share
from redgen.table import Table, concat

_OP = {word: k for k, word in enumerate(AUTH_OPS)}
_PUSH = code(FACTORS, "push")
_HELP = {"reset_password": 0.56, "unlock": 0.16, "factor_deactivate": 0.12, "factor_reset_all": 0.1,
         "privilege_grant": 0.03, "api_token_create": 0.03}
_FACTORLESS = (_OP["factor_deactivate"], _OP["factor_reset_all"])
_HELPED = (_OP["reset_password"], _OP["unlock"], *_FACTORLESS)
"""Acts after which people sign in again."""
_PRESENCE, _HABITS = Presence(phone=0.0), Habits(fails=0.04)


@behavior(gives=("auth", "dns", "flow"), tiers=(Tier(3 * HOUR + CACHED),))
def idp_admin(
    ctx: Context, sessions: Sessions, *,
    helps: dict[str, Positive] | None = None,
    most: Positive = 3.0,
    returns: Share = 0.85,
    presence: Presence = _PRESENCE,
    habits: Habits = _HABITS,
) -> Activity:
    """Sessions in the administrator console: up to ``most`` acts of ``helps`` (terms.AUTH_OPS: weight) on employees.

    Who is unlocked has locked himself out before. Those helped sign in again minutes later (``returns``), from where
    they are; a reset password is changed, a factor taken away set up anew.
    """
    seed, ids = ctx.seed, sessions.id
    who = _staff.staff(ctx, sessions, presence)
    entered = enter(ctx, ids, ids, sessions.t, who, habits)
    inside = np.flatnonzero(entered.ok)
    opened = _acts(ctx, ids, who, entered, inside, ids[inside], moments(
        entered.t[inside], 4 + 40 * seed.uniform(ids[inside], "opens")), _OP["admin_app"], -1)
    at, rank = expand(np.where(entered.ok, 1 + np.floor(most * seed.uniform(ids, "acts")), 0).astype(np.int64))
    row = seed.noise(ids[at] + rank.astype(np.uint64), "act")
    t = moments(entered.t[at], 180 + (rank + seed.uniform(row, "when")) * 240)
    names = helps or _HELP
    upto = np.cumsum(list(names.values()))
    op = np.array([code(AUTH_OPS, name) for name in names], dtype=np.int8)[picked(seed.uniform(row, "kind"), upto)]
    helped = _employees(ctx, row)
    acts = _acts(ctx, ids, who, entered, at, row, t, op, np.where(op == _OP["api_token_create"], -1, helped))
    shut = np.flatnonzero(op == _OP["unlock"])
    locked = _sign_in(ctx, ids[at[shut]], seed.noise(row[shut], "locks"), moments(
        entered.t[at[shut]], 10 + 50 * seed.uniform(row[shut], "locked")), helped[shut], wrong=6, knows=False)
    back = np.flatnonzero(np.isin(op, _HELPED) & (seed.uniform(row, "returns") < returns))
    later = _back(ctx, ids[at[back]], row[back], t[back], helped[back], op[back])
    auth = concat([entered.rows, opened, acts, locked.rows, *later])
    return {"auth": auth, **(desks.of_signins(ctx.world, ctx.root, auth) if ctx.wants("dns", "flow") else {})}


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
        factor=np.where(np.isin(op, _FACTORLESS), _PUSH, -1),
    )


def _sign_in(
    ctx: Context, cause: U64, ids: U64, t: I64, person: NDArray[np.int32], *, wrong: int = 0, knows: bool = True,
    factor: NDArray[np.int8] | int = -1,
) -> signin.Logins:
    """Sign-ins of those who need help, on their main device, from where they are."""
    world = ctx.world
    where = whereabouts.place(world, person, t)
    return signin.web_login(
        world, ctx.root, ctx.effects, id=ids, cause=cause, t=t, truth=0, org=WORKFORCE, user=person, wrong=wrong,
        knows=knows, client=whereabouts.address(world, person, where, t), agent=world.people.agent[person, 0],
        device=whereabouts.device(world, person, 0, t), factor=factor,
    )


def _back(
    ctx: Context, cause: U64, row: U64, t: I64, person: NDArray[np.int32], helped: NDArray[np.int8]
) -> list[Table]:
    """People sign in again after they were helped, and put right what was reset."""
    world, seed = ctx.world, ctx.seed
    later = moments(t, 60 + 1500 * seed.uniform(row, "later") ** 2)
    bare = np.isin(helped, _FACTORLESS)
    factor = np.where(bare, -1, world.people.factor[person]).astype(np.int8)
    again = _sign_in(ctx, cause, seed.noise(row, "back"), later, person, factor=factor)
    found = [again.rows]
    for op, due in ((_OP["factor_activate"], bare), (_OP["change_password"], helped == _OP["reset_password"])):
        some = np.flatnonzero(again.ok & due)
        whom = person[some]
        where = whereabouts.place(world, whom, later[some])
        found.append(signin.rows(
            world, ctx.root, id=seed.noise(row[some], f"does {op}"), cause=cause[some], truth=0, op=op, org=WORKFORCE,
            t=moments(again.done[some], 20 + 70 * seed.uniform(row[some], f"when {op}")), user=whom,
            target=whom if op == _OP["factor_activate"] else -1, factor=_PUSH if op == _OP["factor_activate"] else -1,
            client=whereabouts.address(world, whom, where, later[some]), agent=world.people.agent[whom, 0],
            device=whereabouts.device(world, whom, 0, later[some]), session=again.session[some],
            flow=seed.noise(row[some], f"flow {op}"),
        ))
    return found


BEHAVIOR = idp_admin
