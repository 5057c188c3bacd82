"""Do things inside a session of the identity provider: open apps, enrol factors, use an administrator's powers."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._hands import Via, hands
from redgen.actions._pace import pauses
from redgen.actions._signins import OP, RESULT, apps_of, merged, org_of
from redgen.activity import desks, signin
from redgen.activity.terms import FACTORS
from redgen.errors import DataError, did_you_mean
from redgen.playbook.stage import Network, People, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Duration, Share

GAP = Distribution.of({"lognormal": {"median": "35s", "sigma": 0.9}})
"""Between two acts of somebody who clicks. Source: unverified."""
Act = Literal[
    "sso", "factor_activate", "factor_deactivate", "factor_reset_all", "change_password", "reset_password",
    "change_email", "api_token_create", "admin_app", "privilege_grant", "unlock", "session_end", "policy_deny",
]
_ON_OTHERS = ("factor_reset_all", "factor_deactivate", "reset_password", "privilege_grant", "unlock")
_ON_ITSELF = ("factor_activate",)
_OF_FACTORS = ("factor_activate", "factor_deactivate", "factor_reset_all")


@action(facts={
    "acted": "the acts were done",
    "refused": "an app refused to open",
    "opened": "number of different apps that were opened",
    "helped": "persons whom an administrator's act concerned",
})
def idp_act(
    stage: Stage, *, actor: People, source: Network, acts: Annotated[tuple[Act, ...], Field(min_length=1)],
    target: People | None = None, via: Via = "given", repeat: Annotated[float, Field(ge=1)] = 1.0, gap: Delay = GAP,
    apps: tuple[str, ...] = (), app_order: Literal["each", "popular"] = "each", denied: Share = 0.0,
    factor: Literal["push", "webauthn", "totp", "sms", "email", "fastpass"] = "push", locks_out: Duration = 0,
) -> Staged:
    """Do ``acts`` one after the other (the whole list ``repeat`` times), ``gap`` apart, in the session of ``actor``.

    ``source`` says from where (``via``: from where the actor is). ``sso`` opens one of ``apps`` (all of the world's
    without), another each time or by popularity; a share ``denied`` refuses to open. Acts of administrators concern
    ``target``. ``locks_out``: how long the owner is kept out by a changed or reset password.
    """
    world, seed = stage.world, stage.seed
    who = int(actor.members[0])
    names = np.array(acts * round(repeat))
    n = len(names)
    ids, user = stage.ids(n), np.full(n, who)
    t = stage.t + np.cumsum(pauses(seed, ids, gap, 1_000))
    opens = names == "sso"
    app = np.where(opens, _apps(stage, apps, app_order, opens), -1)
    refused = opens & (seed.uniform(app.astype(np.uint64), "denied") < denied)
    about = _about(names, who, int(target.members[0]) if target is not None and len(target) else -1)
    table = signin.rows(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth,
        op=np.array([OP[str(name)] for name in names]), org=org_of(world, user), user=user, app=app, target=about,
        result=np.where(refused, RESULT["denied"], RESULT["ok"]), flow=seed.noise(ids, "flow"),
        factor=np.where(np.isin(names, _OF_FACTORS), FACTORS.index(factor), -1),
        session=np.uint64(_session(stage, who)), **hands(world, source, user * 0, user, via, t)._asdict(),
    )
    kept_out = _locked_out(names, who, about, t) if locks_out else {}
    return Staged(
        activity=merged({"auth": table}, desks.of_signins(world, stage.root, table)),
        ended=int((table["t"] + table["dur"]).max()),
        facts={
            "acted": True, "refused": bool(refused.any()), "opened": len(np.unique(app[opens & ~refused])),
            "helped": np.unique(about[(about >= 0) & (about != who)]),
        },
        effects=tuple(stage.effect("password_reset", p, when, when + locks_out) for p, when in kept_out.items()),
    )


def _session(stage: Stage, who: int) -> int:
    """The session an earlier step opened, else one of this actor's own."""
    known = int(stage.facts.get("session", 0))
    return known or int(stage.seed.noise(np.array([who], dtype=np.uint64), "session")[0])


def _about(names: NDArray[np.str_], who: int, other: int) -> I64:
    """Whom each act concerns: somebody else, the actor, or nobody in particular (-1)."""
    return np.where(np.isin(names, _ON_OTHERS), other, np.where(np.isin(names, _ON_ITSELF), who, -1)).astype(np.int64)


def _apps(stage: Stage, names: tuple[str, ...], order: str, opens: NDArray[np.bool_]) -> I64:
    """The app that each act opens."""
    known = list(stage.world.apps)
    for name in names:
        if name not in known:
            raise DataError(f"unknown app {name!r}{did_you_mean(name, known)}")
    pool: I64 = np.array([known.index(name) for name in names], dtype=np.int64) if names else apps_of(stage.world)
    at = np.maximum(np.cumsum(opens) - 1, 0) % len(pool)
    if order == "each" and not names:
        pool = pool[np.argsort(stage.seed.noise(pool.astype(np.uint64), "order"), kind="stable")]
    elif order == "popular":
        u = stage.seed.uniform(np.arange(len(opens), dtype=np.uint64), "app")
        at = np.minimum((len(pool) * u**2).astype(np.int64), len(pool) - 1)
    found: I64 = pool[at]
    return found


def _locked_out(names: NDArray[np.str_], who: int, about: I64, t: I64) -> dict[int, int]:
    """Whose password somebody else now knows, and since when."""
    found: dict[int, int] = {}
    for name, other, when in zip(names.tolist(), about.tolist(), t.tolist(), strict=True):
        if name == "change_password":
            found[who] = when
        elif name == "reset_password":
            found[other if other >= 0 else who] = when
    return found


ACTION = idp_act
