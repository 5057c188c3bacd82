"""Staff at the identity provider: a sign-in opens a stretch of work in which apps are launched and tokens refreshed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity import desks, signin, whereabouts
from redgen.activity.desks import Needs
from redgen.activity.groups import expand
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, FACTORS, code
from redgen.benign.behaviors import _staff
from redgen.benign.behaviors._logins import DENIED, OK, WORKFORCE, Entered, Habits, enter
from redgen.benign.behaviors._script import Lognormal
from redgen.benign.behaviors._staff import CACHED, Presence, Staff, moments
from redgen.benign.context import Context, Sessions, Tier, behavior
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.seed import I64
from redgen.spec.model import Positive, Share
from redgen.table import Table, concat

_LONGEST = 9 * HOUR
_AFTER = 30 * MINUTE
"""What a slow sign-in and a last request may add to a stretch."""
_SSO, _REFRESH, _END, _ENROLL, _CHANGE, _REPORT = (code(AUTH_OPS, o) for o in (
    "sso", "token_refresh", "session_end", "factor_activate", "change_password", "report_suspicious"))
_STRETCH, _PRESENCE, _HABITS = Lognormal.of("5h", 0.55), Presence(), Habits()
_RESERVED = ("Okta Dashboard", "Okta Admin Console")


@behavior(gives=("auth", "dns", "flow"), tiers=(Tier(_LONGEST + _AFTER + CACHED),))
def workforce_sso(
    ctx: Context, sessions: Sessions, *,
    stretch: Lognormal = _STRETCH,
    launches: Positive = 6.0,
    unauthorized: Share = 0.004,
    refreshers: Share = 0.35,
    logs_out: Share = 0.12,
    enrolls: Share = 0.002,
    changes_password: Share = 0.003,
    reports: Share = 0.0005,
    presence: Presence = _PRESENCE,
    habits: Habits = _HABITS,
) -> Activity:
    """A sign-in and then ``stretch`` of work with ``launches`` apps on average (a quarter of both on the phone).

    ``unauthorized``: launches of apps the person may not use; ``refreshers``: stretches with a client that refreshes
    its token every hour; ``logs_out``: stretches that end with a logout; ``enrolls``, ``changes_password``: stretches
    in which a second factor is set up, the password changed; ``reports``: those in which a mail about a new sign-in is
    taken for a bad sign and reported. Desks in the office look names up and connect.
    """
    seed, ids = ctx.seed, sessions.id
    who = _staff.staff(ctx, sessions, presence)
    entered = enter(ctx, ids, ids, sessions.t, who, habits)
    hours = np.minimum(stretch.median * np.exp(stretch.sigma * seed.normal(ids, "stretch")), _LONGEST)
    stop = sessions.t + np.where(who.phone, hours / 8, hours).astype(np.int64)
    stop = np.maximum(stop, entered.t + MINUTE)
    count = np.floor(2 * launches * np.where(who.phone, 0.25, 1.0) * seed.uniform(ids, "launches") + 0.5)
    at, rank = expand(np.where(entered.ok, count, 0).astype(np.int64))
    row = seed.noise(ids[at] + rank.astype(np.uint64), "launch")
    t = _launch_times(ctx, row, entered.t[at], stop[at])
    kept = np.flatnonzero(~_at_lunch(ctx, row, who.person[at], t))
    at, row, t = at[kept], row[kept], t[kept]
    app = _favorites(ctx, row, who.person[at])
    denied = seed.uniform(row, "denied") < unauthorized
    rows = [
        entered.rows,
        _acts(ctx, sessions, who, entered, at, row, t, _SSO, app=app, result=np.where(denied, DENIED, OK)),
        _refreshes(ctx, sessions, who, entered, stop, refreshers),
        *_rarities(ctx, sessions, who, entered, stop, {
            _ENROLL: enrolls, _CHANGE: changes_password, _REPORT: reports, _END: logs_out}),
    ]
    wired = _office_needs(ctx, sessions, who, at, row, t, app) if ctx.wants("dns", "flow") else {}
    return {"auth": concat(rows), **wired}


def _launch_times(ctx: Context, row: NDArray[np.uint64], begin: I64, stop: I64) -> I64:
    """Two launches in five come in the first quarter of an hour, the others at any time."""
    u = ctx.seed.uniform(row, "when")
    soon = ctx.seed.uniform(row, "soon") < 0.4
    long = np.maximum(stop - begin - 10 * SECOND, SECOND)
    span = np.where(soon, np.minimum(long, 15 * MINUTE), long)
    when: I64 = begin + 3 * SECOND + (u * span).astype(np.int64)
    return when


def _at_lunch(ctx: Context, row: NDArray[np.uint64], person: NDArray[np.int32], t: I64) -> NDArray[np.bool_]:
    """Launches that do not happen because it is noon; half of them."""
    hour = whereabouts.local_minute(ctx.world, person, t) % (24 * 60) // 60
    away: NDArray[np.bool_] = (hour == 12) & (ctx.seed.uniform(row, "lunch") < 0.5)
    return away


def _favorites(ctx: Context, row: NDArray[np.uint64], person: NDArray[np.int32]) -> NDArray[np.int16]:
    """An app for each launch: everybody uses a few of them most, in an order of their own."""
    usable = ctx.once("apps", lambda: np.array(
        [k for k, name in enumerate(ctx.world.apps) if name not in _RESERVED] or [0], dtype=np.int16))
    rank = np.floor(len(usable) ** ctx.seed.uniform(row, "app")).astype(np.int64) - 1
    own = (ctx.world.seed.noise(person.astype(np.uint64), "apps") % np.uint64(len(usable))).astype(np.int64)
    picked: NDArray[np.int16] = usable[(own + rank * 5) % len(usable)]
    return picked


def _acts(
    ctx: Context, sessions: Sessions, who: Staff, entered: Entered, at: I64, row: NDArray[np.uint64], t: I64, op: int,
    **columns: NDArray[np.generic] | int,
) -> Table:
    """Rows of one act inside the sessions at positions ``at``."""
    return signin.rows(
        ctx.world, ctx.root, id=ctx.seed.noise(row, AUTH_OPS[op]), cause=sessions.id[at], t=t,
        truth=columns.pop("truth", 0), op=op, org=WORKFORCE, user=who.person[at], client=who.client[at],
        agent=who.agent[at], device=who.device[at], session=entered.session[at],
        flow=ctx.seed.noise(row, "flow"), **columns,
    )


def _refreshes(
    ctx: Context, sessions: Sessions, who: Staff, entered: Entered, stop: I64, share: float
) -> Table:
    """Hourly token refreshes; they fail once the tokens were revoked."""
    uses = entered.ok & (ctx.seed.uniform(sessions.id, "refreshes") < share)
    at, rank = expand(np.where(uses, np.maximum(stop - entered.t, 0) // HOUR, 0))
    row = ctx.seed.noise(sessions.id[at] + rank.astype(np.uint64), "refresh")
    t = moments(entered.t[at] + (rank + 1) * (HOUR - 2 * MINUTE), 90 * ctx.seed.uniform(row, "late"))
    revoked = ctx.effects.revoked(who.person[at], t)
    return _acts(
        ctx, sessions, who, entered, at, row, t, _REFRESH, result=np.where(revoked > 0, DENIED, OK), truth=revoked)


def _rarities(
    ctx: Context, sessions: Sessions, who: Staff, entered: Entered, stop: I64, shares: dict[int, float]
) -> list[Table]:
    """What few stretches hold: a factor set up, a new password, a logout at the end."""
    seed, ids = ctx.seed, sessions.id
    found = []
    for op, share in shares.items():
        at = np.flatnonzero(entered.ok & (seed.uniform(ids, f"does {op}") < share))
        t = stop[at] if op == _END else moments(entered.t[at], 20 + 160 * seed.uniform(ids[at], f"when {op}"))
        person = who.person[at]
        factor = np.where(seed.uniform(ids[at], "kind") < 0.7, code(FACTORS, "push"), code(FACTORS, "webauthn"))
        extra = {"factor": factor, "target": person} if op == _ENROLL else {}
        found.append(_acts(ctx, sessions, who, entered, at, ids[at], t, op, **extra))
    return found


def _office_needs(
    ctx: Context, sessions: Sessions, who: Staff, at: I64, row: NDArray[np.uint64], t: I64, app: NDArray[np.int16],
) -> Activity:
    """From desks in the office: the identity provider at sign-in, then each app."""
    world = ctx.world
    names = ctx.once("app names", lambda: desks.names_of_apps(world))
    seated, inside = np.flatnonzero(who.desk > 0), np.flatnonzero(who.desk[at] > 0)
    ids = np.concatenate([sessions.id[seated], row[inside]])
    whose = np.concatenate([seated, at[inside]])
    idp = np.full(len(seated), world.dns.idp[WORKFORCE], dtype=np.int32)
    return _staff.wired(ctx, Needs(
        id=ids, cause=sessions.id[whose], t=np.concatenate([sessions.t[seated], t[inside]]), client=who.desk[whose],
        name=np.concatenate([idp, names[app[inside]]]),
        dur=(SECOND * _staff.lognormal(ctx, ids, "lasts", 40, 1.1, 600)).astype(np.int64),
        sent=_staff.lognormal(ctx, ids, "sent", 9_000, 1.1, 4e7),
        received=_staff.lognormal(ctx, ids, "received", 140_000, 1.5, 4e8),
    ))


BEHAVIOR = workforce_sso
