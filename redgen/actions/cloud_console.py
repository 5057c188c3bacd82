"""Sign in to the cloud's console and click around."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.actions._cloud import NO_ERROR, Caller, Credential, finished, principal_of, seen
from redgen.actions._hands import Via, hands, is_people
from redgen.actions._pace import pauses
from redgen.activity import calls
from redgen.activity.terms import CLOUD_ERRORS
from redgen.playbook.stage import Network, Stage, Staged, action
from redgen.seed import U64
from redgen.spec.distributions import Delay, Distribution
from redgen.table import Table
from redgen.world.cloud import PRINCIPAL_TYPES

GAP = Distribution.of({"lognormal": {"median": "4s", "sigma": 1.2}})
"""Between two calls that a page of the console makes. Source: unverified."""
_TYPING = 9_000_000


@action(facts={
    "any_success": "a console session began",
    "role": "who calls from now on (row of principals)",
    "role_key": "seed of the session's credential, 0 without one",
    "role_since": "when the session began, µs",
    "in_console": "the session is one of the console",
})
def cloud_console(
    stage: Stage, *, who: Caller, source: Network, credential: Credential = "own", mfa: bool = False,
    wrong: Annotated[float, Field(ge=0, le=50)] = 0.0, knows: bool = True, ops: tuple[str, ...] = (), gap: Delay = GAP,
) -> Staged:
    """Sign in at the console after ``wrong`` passwords (people with a role: through single sign-on), then make ``ops``.

    With ``credential: created`` the user whom an earlier step gave a console password signs in. Later steps use the
    session with ``credential: assumed``.
    """
    world = stage.world
    nobody = Staged(ended=stage.t, facts={"any_success": False, "role_key": 0})
    if not len(who) or not len(source):
        return nobody
    made = credential == "created" and "created_user" in stage.facts
    user = int(stage.facts["created_user"]) if made else principal_of(world, who)
    if user < 0:
        return nobody
    first = source.members[:1]
    via: Via = "usual" if is_people(source) else "given"
    at = hands(world, source, first * 0, first, via, np.array([stage.t]))
    place = {"client": int(at.client[0]), "agent": int(at.agent[0])}
    if PRINCIPAL_TYPES[world.cloud.principals.type[user]] == "AssumedRole":
        opened, tables = _through_sso(stage, user, place)
    else:
        opened, tables = _by_password(stage, user, place, round(wrong), knows, mfa)
    if not opened.key[-1]:
        return Staged(activity=seen(stage, tables), ended=finished(tables), facts=nobody.facts)
    if ops:
        row, t = stage.ids(len(ops), "click"), finished(tables)
        pause = pauses(stage.seed, row, gap, 1_000)
        tables.append(calls.rows(
            world, stage.root, id=row, cause=np.uint64(stage.cause), t=t + np.cumsum(pause), truth=stage.truth,
            op=calls.codes(world, ops), principal=user, key=opened.key[-1], session_t=opened.session_t[-1], console=1,
            mfa=int(mfa), **place,
        ))
    return Staged(
        activity=seen(stage, tables), ended=finished(tables),
        facts={
            "any_success": True, "role": user, "role_key": int(opened.key[-1]), "role_since": int(opened.session_t[-1]),
            "in_console": True,
        },
    )


def _through_sso(stage: Stage, role: int, place: dict[str, int]) -> tuple[calls.Opened, list[Table]]:
    """The role is assumed with what the identity provider vouches for, and the console opened with it."""
    common = {"cause": np.uint64(stage.cause), "truth": stage.truth, **place}
    begun = calls.assume(
        stage.world, stage.root, id=stage.ids(1, "assume"), t=np.array([stage.t]), role=role, way="saml", **common,
    )
    opened = calls.console_login(
        stage.world, stage.root, id=stage.ids(1, "login"), t=begun.session_t + 700_000, principal=role, mfa=0,
        key=begun.key, session_t=begun.session_t, **common,
    )
    return opened, [begun.rows, opened.rows]


def _by_password(
    stage: Stage, user: int, place: dict[str, int], wrong: int, knows: bool, mfa: bool
) -> tuple[calls.Opened, list[Table]]:
    """Passwords until one fits, or until nobody knows another one."""
    n = max(wrong + int(knows), 1)
    ids: U64 = stage.ids(n, "login")
    pause = (_TYPING * np.exp(0.6 * stage.seed.normal(ids, "typing"))).astype(np.int64)
    failed = np.arange(n) < (wrong if knows else n)
    opened = calls.console_login(
        stage.world, stage.root, id=ids, cause=np.uint64(stage.cause), t=stage.t + np.cumsum(pause), truth=stage.truth,
        principal=user, mfa=np.where(failed, 0, int(mfa)),
        error=np.where(failed, CLOUD_ERRORS.index("Failed authentication"), NO_ERROR), **place,
    )
    return opened, [opened.rows]


ACTION = cloud_console
