"""What the identity provider saw of a walk: auth rows from the marks on its requests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import signin
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS, code
from redgen.benign.behaviors._visitors import Identity
from redgen.benign.behaviors._walk import MARKS, Trail
from redgen.benign.context import Context, Sessions
from redgen.table import Table

_EVENTS = {
    "ok": (("password", "ok"), ("session_start", "ok")),
    "challenged": (("password", "ok"),),
    "bad_password": (("password", "bad_password"),),
    "unknown_user": (("password", "unknown_user"),),
    "locked": (("password", "locked"),),
    "factor_ok": (("factor_check", "ok"), ("session_start", "ok")),
    "factor_denied": (("factor_check", "denied"),),
    "reset": (("reset_password", "ok"), ("session_start", "ok")),
    "refreshed": (("token_refresh", "ok"),),
    "refresh_denied": (("token_refresh", "denied"),),
    "logout": (("session_end", "ok"),),
}
"""The events of each mark, in order: (terms.AUTH_OPS, terms.AUTH_RESULTS)."""

_MOST = max(map(len, _EVENTS.values()))
_OPS, _RESULTS = (np.full((len(MARKS), _MOST), -1, dtype=np.int8) for _ in range(2))
for _mark, _events in _EVENTS.items():
    for _k, (_op, _result) in enumerate(_events):
        _OPS[MARKS.index(_mark), _k] = code(AUTH_OPS, _op)
        _RESULTS[MARKS.index(_mark), _k] = code(AUTH_RESULTS, _result)

_PUSH = code(FACTORS, "push")
_CHECK, _ANSWER = code(AUTH_OPS, "factor_check"), code(AUTH_OPS, "push_answer")


def sign_ins(ctx: Context, sessions: Sessions, trail: Trail, who: Identity, site: int) -> Table:
    """One auth row per event of each marked request; events fall inside the request's time at the upstream."""
    at, step = np.nonzero(_OPS[trail.mark] >= 0)
    mark, s = trail.mark[at], trail.session[at]
    op, result = _OPS[mark, step].copy(), _RESULTS[mark, step]
    person = who.person.astype(np.int32)[s]
    factor = np.where(person >= 0, ctx.world.people.factor[person], -1).astype(np.int8)
    op[(op == _CHECK) & (factor == _PUSH)] = _ANSWER
    unknown = mark == MARKS.index("unknown_user")
    seed = ctx.seed.child("sign-ins")
    row, flow = trail.id[at], seed.noise(sessions.id, "flow")[s]
    about_session = np.isin(op, [code(AUTH_OPS, o) for o in ("session_start", "session_end", "token_refresh")])
    asks = mark == MARKS.index("challenged")
    proven = about_session & (mark == MARKS.index("factor_ok"))
    mailed = 0.3 * step * (mark == MARKS.index("reset"))  # a request of its own
    checked = np.where((op == code(AUTH_OPS, "password")) & ~asks, code(FACTORS, "password"), factor)
    return signin.rows(
        ctx.world, ctx.root,
        id=seed.noise(row + step.astype(np.uint64), "row"), cause=sessions.id[s],
        t=trail.t[at] + (trail.took[at] * (0.45 + mailed)).astype(np.int64), dur=trail.took[at] // 8,
        truth=trail.truth[at], op=op, org=int(ctx.world.sites.org[site]), user=np.where(unknown, -1, person),
        typed=np.where(unknown, _mistyped(ctx, row), -1), client=who.client[s], cport=trail.cport[at],
        agent=who.agent[s], device=who.device[s], result=result,
        factor=np.where(about_session & ~proven, -1, checked),
        session=np.where(about_session, seed.noise(sessions.id, "session")[s], 0), flow=flow,
    )


def _mistyped(ctx: Context, row: Any) -> NDArray[np.int32]:
    """A slip of a login that nobody owns, one per row."""
    slips = max(ctx.world.mistyped, 1)
    return (ctx.seed.noise(row, "slip") % np.uint64(slips)).astype(np.int32)
