"""Sign-ins at the identity provider: complete auth rows and the chains of a login, benign and hostile alike.

What is unusual about a sign-in (new address, device, place, speed) and how risky the provider finds it follow from
keyed facts of the person and of the network, never from what another row drew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import login_steps, schema
from redgen.activity.effects import Effects, collateral
from redgen.activity.login_steps import LOCK_AFTER, PUSH_TIMEOUT, Steps
from redgen.activity.novelty import judge
from redgen.activity.terms import AUTH_OPS, FACTORS
from redgen.clock import MINUTE
from redgen.seed import U64, Seed
from redgen.table import Table, concat
from redgen.world.plan import I32
from redgen.world.world import World

__all__ = [
    "LOCKED_FOR", "LOCK_AFTER", "LONGEST_LOGIN", "PUSH_TIMEOUT", "Logins", "ports", "push_prompts", "rows", "web_login",
]

LOCKED_FOR = (60 * MINUTE, 30 * MINUTE)
"""Microseconds until a locked account opens again by itself, by terms.ORGS."""
LONGEST_LOGIN = 15 * MINUTE
"""A login that ``web_login`` plays is over at most this many microseconds after it began (people; one push prompt)."""
_PUSH = FACTORS.index("push")


@dataclass(frozen=True)
class Logins:
    """What came of some logins: their rows, and one value per login in the order they were given.

    ``session`` u8: id of the IdP session, 0 where none began; ``done`` i8: when the last of its rows is done; ``ok``:
    a session began; ``locked``: this login made the account lock; ``changed`` i4: truth code of the effect that
    changed the login, 0 where none did (rows of benign logins already carry it).
    """

    rows: Table
    session: NDArray[np.uint64]
    done: NDArray[np.int64]
    ok: NDArray[np.bool_]
    locked: NDArray[np.bool_]
    changed: NDArray[np.int32]


def rows(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, op: Any, org: Any, user: Any, client: Any,  # noqa: A002
    agent: Any, device: Any, typed: Any = -1, cport: Any = -1, dur: Any = None, result: Any = 0, factor: Any = -1,
    session: Any = 0, flow: Any = 0, app: Any = -1, target: Any = -1,
) -> Table:
    """Auth rows with what the identity provider finds out by itself: ``novelty`` and ``risk``, port, duration.

    Arguments are columns of schema.AUTH, arrays of one length or scalars (``id`` and ``t`` arrays). ``cport`` -1 draws
    a port from the agent's range, one per (cause, flow); ``dur`` None draws the request's duration (it is 0 for what
    the provider does by itself: push_sent, push_answer, lock, unlock). Rows of one flow agree on risk. Who is nobody
    (user -1) has no history and no novelty. ``seed`` is the dataset's root.
    """
    table = schema.rows(
        "auth", len(id), id=id, cause=cause, t=t, dur=0 if dur is None else dur, truth=truth, op=op, org=org, user=user,
        typed=typed, client=client, cport=cport, agent=agent, device=device, result=result, factor=factor,
        session=session, flow=flow, app=app, target=target,
    )
    return _judged(world, seed.child("signin"), table, timed=dur is not None)


def _judged(world: World, seed: Seed, table: Table, *, timed: bool) -> Table:
    """``table`` with novelty, risk, ports and (unless ``timed``) durations filled in."""
    tie: U64 = np.where(table["flow"] > 0, table["flow"], table["cause"])
    novelty, risk = judge(world, seed, table["user"], table["client"], table["device"], tie, table["t"])
    found: dict[str, Any] = {"novelty": novelty, "risk": risk}
    if not timed:
        found["dur"] = login_steps.took(seed, table["id"], table["op"])
    if (table["cport"] < 0).any():
        drawn = ports(world, seed, table["agent"], seed.noise(table["cause"], "connection") ^ tie)
        found["cport"] = np.where(table["cport"] < 0, drawn, table["cport"])
    return table.replace(**found)


def ports(world: World, seed: Seed, agent: NDArray[np.int32], ids: U64) -> I32:
    """An ephemeral port from each agent's range (no agent: 49152-65535); the same id gives the same port."""
    agents = world.agents
    low = np.where(agent >= 0, agents.port_low[agent], 49152)
    high = np.where(agent >= 0, agents.port_high[agent], 65535)
    drawn: I32 = (low + seed.uniform(ids, "port") * (high + 1 - low)).astype(np.int32)
    return drawn


def web_login(
    world: World, seed: Seed, effects: Effects, *, id: Any, cause: Any, t: Any, truth: Any, org: Any, user: Any,  # noqa: A002
    client: Any, agent: Any, device: Any, typed: Any = -1, wrong: Any = 0, knows: Any = True, factor: Any = -1,
    answer: Any = 0, prompts: Any = 1, pace: Any = 4.0, app: Any = -1, before: Any = 0, cport: Any = -1,
) -> Logins:
    """Play logins from password to session: one per element, arrays of one length or scalars (``id``, ``t`` arrays).

    ``id`` u8 unique per login (rows and flow are hashed from it). ``wrong``: passwords that fail first; ``knows``: then
    the right one follows (else the login ends). ``typed``: a login of nobody, with user -1: every try is unknown_user.
    ``factor``: the second factor used (terms.FACTORS, -1 none); ``answer``: terms.AUTH_RESULTS of its last prompt (ok,
    denied, timeout); ``prompts``: pushes sent until then, those before it end denied or timeout. ``pace``: median
    seconds between tries. ``app``: opened at once, -1 none. ``before``: wrong passwords of the same account just before
    this login, counting towards the lock (``LOCK_AFTER`` wrong ones lock it, in the same second, and no further try
    gets in).

    Chains are those of the provider: workforce (Identity Engine) identify → password → push_sent → push_answer 4-40 s
    later, or factor_check → session_start → sso; customers (Classic) password and session_start. Effects: a locked
    account answers ``locked``; after a hostile reset the owner's password is wrong. Rows of benign logins (truth 0)
    that an effect changed carry its code.
    """
    n, mine = len(id), seed.child("signin")
    each = schema.rows(
        "auth", n, id=id, cause=cause, t=t, truth=truth, org=org, user=user, typed=typed, client=client, cport=cport,
        agent=agent, device=device, factor=factor, app=app,
    )
    tried = login_steps.passwords(
        mine, effects, each, wrong=_column(wrong, n, "i8"), knows=_column(knows, n, "?"), pace=_column(pace, n, "f8"),
        before=_column(before, n, "i8"),
    )
    challenged = login_steps.second_factor(mine, each, tried, _column(answer, n, "i8"), _column(prompts, n, "i8"))
    ended = login_steps.sessions(mine, each, challenged)
    steps = Steps.concat([tried.steps, challenged.steps, ended.steps])
    session = np.where(ended.passed, mine.noise(each["id"], "session"), np.uint64(0))
    made = _rows_of(world, mine, each, steps, session)
    return Logins(made, session, ended.until, ended.passed, ended.locked, ended.changed)


def _column(value: Any, n: int, dtype: str) -> NDArray[Any]:
    return np.broadcast_to(np.asarray(value, dtype=dtype), n)


def _rows_of(world: World, seed: Seed, each: Table, steps: Steps, session: U64) -> Table:
    """The steps of logins as rows."""
    of = each.take(steps.login)
    within = np.isin(steps.op, (login_steps.START, login_steps.SSO))
    factored = np.isin(steps.op, (login_steps.SENT, login_steps.ANSWER, login_steps.CHECK, login_steps.START))
    factored |= (steps.op == login_steps.PASSWORD) & (steps.result == login_steps.OK)  # which factor is asked for
    made = of.replace(
        id=steps.id, t=steps.t, dur=steps.dur, op=steps.op, result=steps.result,
        flow=seed.noise(of["id"], "flow"), session=np.where(within, session[steps.login], np.uint64(0)),
        factor=np.where(factored, of["factor"], -1), app=np.where(steps.op == login_steps.SSO, of["app"], -1),
    )
    return collateral(_judged(world, seed, made, timed=True), steps.changed)


def push_prompts(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, user: Any, client: Any, agent: Any,  # noqa: A002
    device: Any, flow: Any, answer: Any, wait: Any = None, org: Any = 1, cport: Any = -1, session: Any = 0,
) -> Table:
    """Push prompts: for each element a push_sent row at ``t`` and its push_answer ``wait`` µs later, two rows each.

    ``id`` u8 unique per prompt (the rows' ids are hashed from it). ``answer`` is terms.AUTH_RESULTS of each (ok,
    denied, timeout). ``wait`` None draws it: 4-40 s, lognormal with median 9 s; denials 2-25 s; timeouts 5 minutes
    (Okta Verify's own limit).
    """
    mine = seed.child("signin")
    sent = schema.rows(
        "auth", len(id), id=id, cause=cause, t=t, dur=0, truth=truth, op=login_steps.SENT, org=org, user=user,
        client=client, agent=agent, device=device, flow=flow, session=session, cport=cport, result=login_steps.OK,
        factor=_PUSH,
    )
    said = _column(answer, len(id), "i1")
    waits = login_steps.wait(mine, sent["id"], said) if wait is None else _column(wait, len(id), "i8")
    key = mine.noise(sent["id"], AUTH_OPS[login_steps.ANSWER])
    answered = sent.replace(id=key, t=sent["t"] + waits, op=login_steps.ANSWER, result=said)
    sent = sent.replace(id=mine.noise(sent["id"], AUTH_OPS[login_steps.SENT]))
    return _judged(world, mine, concat([sent, answered]), timed=True)
