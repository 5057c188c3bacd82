"""The steps of logins before they become rows: tries of a password, a second factor, the session that begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from redgen.activity.effects import Effects
from redgen.activity.groups import expand, running
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS, ORGS
from redgen.clock import MILLISECOND, MINUTE, SECOND
from redgen.seed import F64, I64, U64, Seed
from redgen.table import Table
from redgen.world.plan import Bools

LOCK_AFTER = (10, 5)
"""Wrong passwords in a row after which an account locks, by terms.ORGS. Okta's default and a stricter policy."""
PUSH_TIMEOUT = 5 * MINUTE
"""Nobody answers: Okta Verify gives up."""
_WORKFORCE = ORGS.index("workforce")
_STUBBORN = 2
"""Further tries, refused, that somebody makes on an account that just locked."""

OK, BAD, UNKNOWN, LOCKED, DENIED, TIMEOUT = (AUTH_RESULTS.index(r) for r in (
    "ok", "bad_password", "unknown_user", "locked", "denied", "timeout"))
PASSWORD, SENT, ANSWER, CHECK, START, SSO, LOCK, IDENTIFY = (AUTH_OPS.index(o) for o in (
    "password", "push_sent", "push_answer", "factor_check", "session_start", "sso", "lock", "identify"))
PUSH = FACTORS.index("push")

_BY_ITSELF = ("push_sent", "push_answer", "lock", "unlock")
_MILLISECONDS = {"password": 240, "reset_password": 400, "change_password": 320, "session_start": 90, "sso": 160,
                 "token_refresh": 70, "factor_activate": 260}
"""Median time of the request behind an act, 110 ms for the others. Source: unverified."""
_MEDIAN = np.array([0 if word in _BY_ITSELF else _MILLISECONDS.get(word, 110) for word in AUTH_OPS], dtype=np.float64)
_FACTOR_SECONDS = {"webauthn": 6.0, "totp": 11.0, "sms": 18.0, "email": 35.0, "fastpass": 2.5}
_ANSWERED = np.array([_FACTOR_SECONDS.get(f, 5.0) for f in FACTORS])
"""Median seconds a person takes to answer a factor's challenge. Source: unverified."""


@dataclass(frozen=True)
class Steps:
    """What happens in some logins, one element per step; ``login`` is the position of the login it belongs to."""

    login: I64
    id: U64
    t: I64
    dur: I64
    op: NDArray[np.int8]
    result: NDArray[np.int8]
    changed: NDArray[np.int32]

    @classmethod
    def concat(cls, parts: Sequence[Steps]) -> Steps:
        """All steps of several parts."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


@dataclass(frozen=True)
class Stand:
    """Where logins stand after some steps: who got through, and until when it took, one value per login."""

    steps: Steps
    passed: Bools
    until: I64
    locked: Bools
    changed: NDArray[np.int32]


def took(seed: Seed, id: U64, op: NDArray[np.integer]) -> I64:  # noqa: A002
    """Microseconds of the request behind each act, by its row id; 0 for what the provider does by itself."""
    drawn = _MEDIAN[op] * MILLISECOND * np.exp(0.45 * seed.normal(id, "took"))
    micros: I64 = np.minimum(drawn, 6 * SECOND).astype(np.int64)
    return micros


def wait(seed: Seed, id: U64, answer: NDArray[np.integer]) -> I64:  # noqa: A002
    """Microseconds until a push prompt has its answer: 4-40 s (median 9) approved, 2-25 s denied, else the timeout."""
    z = seed.normal(id, "wait")
    approved = np.clip(9.0 * np.exp(0.6 * z), 4.0, 40.0)
    denied = np.clip(7.0 * np.exp(0.7 * z), 2.0, 25.0)
    seconds = np.where(answer == OK, approved, np.where(answer == DENIED, denied, PUSH_TIMEOUT / SECOND))
    return (seconds * SECOND).astype(np.int64)


def _steps(
    seed: Seed, login: I64, key: U64, t: I64, op: int, result: NDArray[np.integer] | int, *, dur: I64 | None = None,
    changed: NDArray[np.int32] | int = 0,
) -> Steps:
    """Steps of one op; ``key`` tells the steps of this op apart, in all logins."""
    ids = seed.noise(key, AUTH_OPS[op])
    ops = np.full(len(login), op, dtype=np.int8)
    return Steps(
        login, ids, t, took(seed, ids, ops) if dur is None else dur, ops,
        np.broadcast_to(np.asarray(result, dtype=np.int8), len(login)),
        np.broadcast_to(np.asarray(changed, dtype=np.int32), len(login)),
    )


def passwords(
    seed: Seed, effects: Effects, each: Table, *, wrong: I64, knows: Bools, pace: F64, before: I64
) -> Stand:
    """Tries of a password until the right one, or until the account locks; see ``signin.web_login``.

    The workforce types the login first, and the password on the next page.
    """
    limit = np.array(LOCK_AFTER)[each["org"]]
    user = each["user"]
    counts = np.where(user >= 0, np.minimum(wrong + knows, np.maximum(limit - before, 0) + _STUBBORN), wrong + knows)
    login, rank = expand(counts)
    key = seed.noise(each["id"][login] + rank.astype(np.uint64), "try")
    gaps = (pace[login] * SECOND * np.exp(0.6 * seed.normal(key, "pace"))).astype(np.int64)
    named = np.flatnonzero((each["org"] == _WORKFORCE) & (user >= 0) & (counts > 0))
    identified = _steps(seed, named, each["id"][named], each["t"][named], IDENTIFY, OK)
    typing = np.zeros(len(each), dtype=np.int64)
    typing[named] = identified.dur + (
        0.8 * pace[named] * SECOND * np.exp(0.5 * seed.normal(each["id"][named], "typing"))).astype(np.int64)
    t = (each["t"] + typing)[login] + running(np.where(rank > 0, gaps, 0), rank)
    who, fails = user[login], before[login] + rank
    known = who >= 0
    right = known & knows[login] & (rank == wrong[login])
    shut, stolen = effects.locked(who, t), np.where(right, effects.reset(who, t), 0)
    locked = known & ((fails >= limit[login]) | (shut > 0))
    entered = right & ~locked & (stolen == 0)
    result = np.select([~known, locked, entered], [UNKNOWN, LOCKED, OK], BAD)
    changed = np.where(known, np.where(shut > 0, shut, stolen), 0)
    tried = _steps(seed, login, key, t, PASSWORD, result, changed=changed)
    locks = np.flatnonzero(known & (fails == limit[login] - 1) & (result == BAD))
    lock = _steps(seed, login[locks], key[locks], t[locks], LOCK, OK, dur=tried.dur[locks], changed=changed[locks])
    return _stand(Steps.concat([identified, tried, lock]), each, login[entered], login[locks])


def second_factor(seed: Seed, each: Table, stand: Stand, answer: I64, prompts: I64) -> Stand:
    """The second factor of logins that passed: push prompts, or one check of another factor, or none."""
    factor = each["factor"]
    page = (SECOND * (0.3 + 0.9 * seed.uniform(each["id"], "page"))).astype(np.int64)
    begins = stand.until + page
    pushed = _pushes(seed, each, begins, answer, np.where(stand.passed & (factor == PUSH), np.maximum(prompts, 1), 0))
    checks = np.flatnonzero(stand.passed & (factor > 0) & (factor != PUSH))
    key = each["id"][checks]
    thought = (_ANSWERED[factor[checks]] * SECOND * np.exp(0.5 * seed.normal(key, "thought"))).astype(np.int64)
    checked = _steps(seed, checks, key, begins[checks] + thought, CHECK, answer[checks])
    passed = stand.passed & ((factor <= 0) | (answer == OK))
    return _stand(Steps.concat([pushed, checked]), each, np.flatnonzero(passed), None, after=stand)


def _pushes(seed: Seed, each: Table, begins: I64, answer: NDArray[np.integer], prompts: I64) -> Steps:
    """Prompts one after the other, 3-15 s apart; all but the last are denied or time out."""
    login, rank = expand(prompts)
    key = seed.noise(each["id"][login] + rank.astype(np.uint64), "prompt")
    refused = np.where(seed.uniform(key, "refused") < 0.4, DENIED, TIMEOUT)
    said = np.where(rank == prompts[login] - 1, answer[login], refused)
    waits = wait(seed, key, said)
    again = waits + (SECOND * (3 + 12 * seed.uniform(key, "again"))).astype(np.int64)
    sent = begins[login] + running(np.where(rank > 0, np.roll(again, 1), 0), rank)
    return Steps.concat([
        _steps(seed, login, key, sent, SENT, OK), _steps(seed, login, key, sent + waits, ANSWER, said),
    ])


def sessions(seed: Seed, each: Table, stand: Stand) -> Stand:
    """The session of logins that passed everything, and the app it was for."""
    inside = np.flatnonzero(stand.passed)
    key = each["id"][inside]
    t = stand.until[inside]  # by the request that brought the last proof
    started = _steps(seed, inside, key, t, START, OK, dur=np.zeros(len(inside), dtype=np.int64))
    opened = np.flatnonzero(each["app"][inside] >= 0)
    drawn = (SECOND * (1.3 + 1.6 * seed.uniform(key[opened], "open"))).astype(np.int64)
    apps = _steps(seed, inside[opened], key[opened], t[opened] + started.dur[opened] + drawn, SSO, OK)
    return _stand(Steps.concat([started, apps]), each, inside, None, after=stand)


def _stand(steps: Steps, each: Table, passed: I64, locks: I64 | None, after: Stand | None = None) -> Stand:
    """Where the logins stand after ``steps``; ``passed`` and ``locks`` are positions of logins."""
    until = each["t"].copy() if after is None else after.until.copy()
    np.maximum.at(until, steps.login, steps.t + steps.dur)
    inside = np.zeros(len(each), dtype=np.bool_)
    inside[passed] = True
    locked = np.zeros(len(each), dtype=np.bool_) if after is None else after.locked
    if locks is not None:
        locked[locks] = True
    changed = np.zeros(len(each), dtype=np.int32) if after is None else after.changed.copy()
    np.maximum.at(changed, steps.login, steps.changed)
    return Stand(steps, inside, until, locked, changed)
