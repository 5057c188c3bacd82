"""Sign-ins at the identity provider: complete auth rows and the chains of a login, benign and hostile alike.

What is unusual about a sign-in (new address, device, place, speed) and how risky the provider finds it follow from
keyed facts of the person and of the network, never from what another row drew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity.effects import Effects
from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World

LOCK_AFTER = (10, 5)
"""Wrong passwords in a row after which an account locks, by terms.ORGS."""
LOCKED_FOR = (3_600_000_000, 1_800_000_000)
"""Microseconds until a locked account opens again by itself, by terms.ORGS."""
LONGEST_LOGIN = 15 * 60_000_000
"""A login that ``web_login`` plays is over at most this many microseconds after it began."""


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
    the provider does by itself: push_sent, lock, unlock). Rows of one flow agree on risk. Who is nobody (user -1) has
    no history and no novelty.
    """
    raise NotImplementedError


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
    this login, counting towards the lock (terms: ``LOCK_AFTER`` wrong ones lock it, in the same second, and no further
    try gets in).

    Chains are those of the provider: workforce (Identity Engine) password → push_sent → push_answer 4-40 s later, or
    factor_check → session_start → sso; customers (Classic) password and session_start. Effects: a locked account
    answers ``locked``; after a hostile reset the owner's password is wrong.
    """
    raise NotImplementedError


def push_prompts(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, user: Any, client: Any, agent: Any,  # noqa: A002
    device: Any, flow: Any, answer: Any, wait: Any = None, org: Any = 1, cport: Any = -1, session: Any = 0,
) -> Table:
    """Push prompts: for each element a push_sent row at ``t`` and its push_answer ``wait`` µs later.

    ``answer`` is terms.AUTH_RESULTS of each (ok, denied, timeout). ``wait`` None draws it: 4-40 s, lognormal with
    median 9 s; denials 2-20 s; timeouts 5 minutes (Okta Verify's own limit).
    """
    raise NotImplementedError
