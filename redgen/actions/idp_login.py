"""Sign in to the identity provider, with whatever goes wrong on the way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from redgen.actions._hands import Via, hands, own_devices
from redgen.actions._pace import pauses, rounds, scattered
from redgen.actions._signins import OP, RESULT, apps_of, merged, org_of
from redgen.activity import desks, signin
from redgen.activity.effects import Effect
from redgen.activity.groups import expand, running
from redgen.activity.terms import FACTORS
from redgen.playbook.stage import Network, People, Role, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import CountLaw, Delay, Distribution
from redgen.spec.model import Share
from redgen.table import Table

NONE = Distribution.of(0)
LAUNCH = Distribution.of({"lognormal": {"median": "3m", "sigma": 1.2}})
"""Between two apps that somebody opens. Source: unverified."""


@action(facts={
    "any_success": "at least one session began",
    "right": "at least one right password was given",
    "entered": "persons who got a session",
    "failed": "persons who did not",
    "any_locked": "at least one account locked",
    "session": "id of the first session that began, 0 without one",
})
def idp_login(
    stage: Stage, *, who: People, source: Network, via: Via = "given", own_device: bool = False,
    times: Annotated[float, Field(ge=1)] = 1.0, within: Delay = NONE, wrong: CountLaw = NONE, knows: Share = 1.0,
    factor: Literal["own", "none", "push", "webauthn", "totp", "sms", "email", "fastpass"] = "own",
    answer: Literal["ok", "denied", "timeout"] = "ok", prompts: CountLaw = Distribution.of(1),
    pace: Annotated[float, Field(gt=0)] = 4.0, apps: CountLaw = NONE, gap: Delay = LAUNCH, expired: Share = 0.0,
    same_office: bool = False,
) -> Staged:
    """Sign every one of ``who`` in, ``times`` times within ``within``, after ``wrong`` passwords each.

    ``source``: where from: addresses (with the persons' ``own_device`` or another), or (``via``) where these persons
    are. ``knows``: share that gives the right password in the end; ``expired``: share that has to change it then. The
    second ``factor`` ends with ``answer`` after ``prompts``. ``pace``: median seconds between tries. Who is in opens
    ``apps`` apps, ``gap`` apart. ``same_office``: only those who work where the first one does.
    """
    seed, world = stage.seed, stage.world
    who = _colleagues(stage, who) if same_office else who
    n = len(who) * round(times)
    if not n or not len(source):
        return Staged(ended=stage.t, facts={"any_success": False, "entered": who.members[:0], "failed": who.members})
    t = scattered(seed, n, t=stage.t, span=int(within.one(seed.stream())))
    turn = rounds(seed, n, len(who))
    person, ids = who.members[turn], stage.ids(n, "login")
    given = hands(world, source, turn, person, via, t)
    found = own_devices(world, given, person, t) if own_device else given
    knowing = seed.uniform(person.astype(np.uint64), "knows") < knows
    slips = np.rint(wrong.quantile(seed.uniform(ids, "wrong"))).astype(np.int64)
    logins = signin.web_login(
        world, stage.root, stage.effects, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth,
        org=org_of(world, person), user=person, client=found.client, agent=found.agent, device=found.device,
        wrong=np.maximum(slips, ~knowing), knows=knowing, factor=_factor(stage, person, factor), answer=RESULT[answer],
        pace=pace, prompts=np.maximum(np.rint(prompts.quantile(seed.uniform(ids, "prompts"))), 1).astype(np.int64),
    )
    base = {"id": ids, "done": logins.done, "user": person, **found._asdict(), "session": logins.session}
    inside = np.flatnonzero(logins.ok)
    changed = inside[seed.uniform(person[inside].astype(np.uint64), "expired") < expired]
    opened = _apps(stage, {k: v[inside] for k, v in base.items()}, apps, gap)
    renewed = _changes(stage, {k: v[changed] for k, v in base.items()})
    rows = merged(*({"auth": table} for table in (logins.rows, opened, renewed)))["auth"]
    return Staged(
        activity=merged({"auth": rows}, desks.of_signins(world, stage.root, rows)),
        ended=int(max(logins.done.max(), (rows["t"] + rows["dur"]).max())),
        facts={
            "any_success": len(inside) > 0, "right": bool((knowing & ~logins.locked).any()),
            "entered": np.unique(person[inside]), "failed": np.setdiff1d(person, person[inside]),
            "any_locked": bool(logins.locked.any()), "session": int(logins.session[inside[0]]) if len(inside) else 0,
        },
        effects=_locks(stage, person, logins),
    )


def _colleagues(stage: Stage, who: Role) -> Role:
    """Those who work in the office of the first one who has an office."""
    office = stage.world.people.office[who.members]
    seated = np.flatnonzero(office >= 0)
    return who.take(np.flatnonzero(office == office[seated[0]])) if len(seated) else who.take(seated)


def _locks(stage: Stage, person: I64, logins: signin.Logins) -> tuple[Effect, ...]:
    """The accounts that were locked on the way."""
    lasts = np.array(signin.LOCKED_FOR)[org_of(stage.world, person)]
    some = np.flatnonzero(logins.locked)
    spans = zip(person[some].tolist(), logins.done[some].tolist(), lasts[some].tolist(), strict=True)
    return tuple(stage.effect("account_locked", who, t, t + lasting) for who, t, lasting in spans)


def _factor(stage: Stage, person: I64, factor: str) -> Any:
    """The second factor of each login."""
    if factor == "own":
        return stage.world.people.factor[person]
    return -1 if factor == "none" else FACTORS.index(factor)


def _apps(stage: Stage, base: dict[str, Any], apps: Distribution, gap: Distribution) -> Table:
    """The apps each session opens."""
    ids, done = base.pop("id"), base.pop("done")
    at, rank = expand(np.rint(apps.quantile(stage.seed.uniform(ids, "apps"))).astype(np.int64))
    row = stage.seed.noise(ids[at] + rank.astype(np.uint64), "app")
    usable = apps_of(stage.world)
    app = usable[(stage.seed.noise(row, "which") % np.uint64(len(usable))).astype(np.int64)]
    return signin.rows(
        stage.world, stage.root, id=row, cause=np.uint64(stage.cause), truth=stage.truth, op=OP["sso"], app=app,
        t=done[at] + running(pauses(stage.seed, row, gap), rank), org=org_of(stage.world, base["user"][at]),
        flow=stage.seed.noise(row, "flow"), **{k: v[at] for k, v in base.items()},
    )


def _changes(stage: Stage, base: dict[str, Any]) -> Table:
    """A changed password right after the login, where the old one had expired."""
    ids, done = base.pop("id"), base.pop("done")
    wait = (25_000_000 * np.exp(0.5 * stage.seed.normal(ids, "new password"))).astype(np.int64)
    return signin.rows(
        stage.world, stage.root, id=stage.seed.noise(ids, "change"), cause=np.uint64(stage.cause), t=done + wait,
        truth=stage.truth, op=OP["change_password"], org=org_of(stage.world, base["user"]),
        flow=stage.seed.noise(ids, "change flow"), **base,
    )


ACTION = idp_login
