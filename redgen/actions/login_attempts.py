"""Try logins and passwords on a login page, from many addresses that take turns."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._pace import Tries, shifts, streak, too_fast
from redgen.actions._requests import Clients, Requests, ask, is_person, loads_after
from redgen.actions._signins import CUSTOMERS, OP, PASSWORD, RESULT, acts, login_routes, login_site, merged
from redgen.activity import signin
from redgen.activity.schema import Activity
from redgen.clock import MINUTE
from redgen.playbook.stage import Kinds, Network, Role, Site, Stage, Staged, action
from redgen.seed import I64, U64
from redgen.spec.distributions import CountLaw, Delay, Distribution
from redgen.spec.model import Share
from redgen.table import Table

Customers = Annotated[Role, Kinds(("customer",))]
TURN = Distribution.of({"quantiles": {"0": 1, "0.19": 1, "0.2": 30, "0.78": 30, "0.99": 284, "1": 465}})
"""Tries per address: 19 % make one, 58 % exactly 30 (rita missing_host, measured)."""
GAP = Distribution.of({"quantiles": {"0": "2s", "0.1": "6.5s", "0.5": "68s", "0.9": "123s", "1": "600s"}})
"""Time between an address's tries (rita missing_host, measured)."""
_MANY_REFUSED = 0.2


class Book(NamedTuple):
    """What each try is about, columns of one length in order of time."""

    ids: U64
    person: I64                # -1: a login that nobody here owns
    typed: I64
    result: I64                # terms.AUTH_RESULTS; rate_limited: turned away before anybody looked
    locks: NDArray[np.bool_]   # this try makes the account lock

    def take(self, index: I64) -> Book:
        """The tries at ``index``."""
        return Book(self.ids[index], self.person[index], self.typed[index], self.result[index], self.locks[index])


@action(facts={
    "any_success": "at least one password fitted and led to a session",
    "cracked": "persons whose password fitted",
    "stopped": "persons whose password fitted but who have a second factor",
    "refused": "persons on the list of whom every try was turned away",
    "blocked": "the site turned away more than a fifth of the tries",
    "any_locked": "at least one account locked",
    "hit_share": "share of the tries that fitted",
})
def login_attempts(
    stage: Stage, *, targets: Customers, source: Network, site: Site | None = None,
    pace: Annotated[float, Field(gt=0)] = 1.0, limit: Annotated[float, Field(ge=1)] | None = None,
    success: Share = 0.0, unknown: Share = 0.0, passwords: Annotated[float, Field(ge=1, le=100)] = 1.0,
    tries: CountLaw = TURN, gap: Delay = GAP, client: Literal["script", "browser"] = "script",
    reopens: bool = True, allowed: Annotated[float, Field(gt=0)] = 60.0, loads: dict[str, Share] | None = None,
) -> Staged:
    """Try a list of logins and passwords on the login of ``site``, ``pace`` tries a second from all of ``source``.

    ``targets`` are the list's logins that have an account here, ``unknown`` the share of its logins that have none,
    ``passwords`` how many it holds per login, ``success`` the share of its pairs that fit, ``limit`` how many pairs are
    tried at most. Each address makes ``tries`` tries ``gap`` apart, then another takes over. A ``browser`` opens the
    login form first (``reopens``: before every try) and ``loads`` what it needs (route: share of views); a ``script``
    only posts. The site turns an address away that tries more than ``allowed`` times a minute.
    """
    laps = round(passwords)
    owner, typed = _list(stage, targets.members, unknown)
    n = len(owner) * laps if limit is None else min(len(owner) * laps, round(limit))
    if not n or not len(source):
        return Staged(ended=stage.t, facts={"any_success": False, "blocked": False, "cracked": targets.members[:0]})
    at = shifts(stage.seed, n, addresses=len(source), t=stage.t, pace=pace, tries=tries, gap=gap)
    book = _book(stage, at, owner, typed, laps, success, allowed)
    keep = _worth_trying(book)
    at, book = at.take(keep), book.take(keep)
    fits, turned = book.result == RESULT["ok"], book.result == RESULT["rate_limited"]
    free = stage.world.people.factor[np.maximum(book.person, 0)] < 0
    forms = np.full(len(at.t), client == "browser") & (reopens | (at.nth == 0))
    locked = zip(book.person[book.locks].tolist(), at.t[book.locks].tolist(), strict=True)
    return Staged(
        activity=_rows(stage, at, book, Clients.of(source), login_site(stage.world, site), forms, loads or {}),
        ended=int(at.t[-1]),
        facts={
            "any_success": bool((fits & free).any()), "cracked": np.unique(book.person[fits & free]),
            "stopped": np.unique(book.person[fits & ~free]),
            "refused": np.setdiff1d(book.person[turned], np.append(book.person[~turned], -1)),
            "blocked": bool(turned.mean() > _MANY_REFUSED), "any_locked": bool(book.locks.any()),
            "hit_share": float(fits.mean()),
        },
        effects=tuple(
            stage.effect("account_locked", who, t, t + signin.LOCKED_FOR[CUSTOMERS]) for who, t in locked
        ),
    )


def _list(stage: Stage, members: I64, unknown: float) -> tuple[I64, I64]:
    """The logins of the list, shuffled: whose each is (-1 nobody's here), and what is typed when it is nobody's.

    Strangers' logins look like customers'; there are no more of them than such logins in the world.
    """
    world, seed = stage.world, stage.seed.child("list")
    slips = seed.noise(np.arange(world.mistyped, dtype=np.uint64), "strangers")
    wanted = round(len(members) * unknown / max(1.0 - unknown, 0.02))
    strangers = np.argsort(slips, kind="stable")[:wanted]
    owner = np.append(members, np.full(len(strangers), -1, dtype=np.int64))
    typed = np.append(np.full(len(members), -1, dtype=np.int64), strangers)
    order = np.argsort(seed.noise(np.arange(len(owner), dtype=np.uint64), "order"), kind="stable")
    return owner[order], typed[order]


def _book(
    stage: Stage, at: Tries, owner: I64, typed: I64, laps: int, success: float, allowed: float
) -> Book:
    """Go through the list again and again, once per password, and find out what each try gives."""
    seed, n, size = stage.seed.child("book"), len(at.t), len(owner)
    entry = np.arange(size, dtype=np.uint64)
    known = max(float((owner >= 0).mean()), 1e-6)
    right = (owner >= 0) & (seed.uniform(entry, "fits") < min(success * laps / known, 1.0))
    turn = np.where(right, np.floor(seed.uniform(entry, "lap") * laps), -1).astype(np.int64)
    lap, place = np.divmod(np.arange(n), size)
    person = owner[place]
    result = np.where(person < 0, RESULT["unknown_user"], RESULT["bad_password"])
    result[turn[place] == lap] = RESULT["ok"]
    result[too_fast(at.source, at.t, allowed)] = RESULT["rate_limited"]
    locks = _lock(at.t, person, result)
    return Book(stage.ids(n, "try"), person, typed[place], result, locks)


def _lock(t: I64, person: I64, result: I64) -> NDArray[np.bool_]:
    """Which tries lock an account (its first k-th wrong one in a row); results of later ones become ``locked``."""
    looked = np.flatnonzero((person >= 0) & (result != RESULT["rate_limited"]))
    locks = np.zeros(len(t), dtype=np.bool_)
    wrong = result[looked] == RESULT["bad_password"]
    late = looked[wrong & (streak(person[looked], wrong) == signin.LOCK_AFTER[CUSTOMERS])]
    _, first = np.unique(person[late], return_index=True)
    locks[late[first]] = True
    since = np.full(int(person.max(initial=0)) + 1, np.iinfo(np.int64).max)
    since[person[locks]] = t[locks]
    begun = since[np.maximum(person[looked], 0)]
    closed = looked[(t[looked] > begun) & (t[looked] - signin.LOCKED_FOR[CUSTOMERS] < begun)]
    result[closed] = RESULT["locked"]
    return locks


def _worth_trying(book: Book) -> I64:
    """Everything but tries on accounts that are open already."""
    at = np.arange(len(book.ids))
    first = np.full(int(book.person.max(initial=0)) + 1, len(at))
    done = book.result == RESULT["ok"]
    np.minimum.at(first, book.person[done], at[done])
    return np.flatnonzero((book.person < 0) | (at <= first[np.maximum(book.person, 0)]))


def _rows(
    stage: Stage, at: Tries, book: Book, sources: Clients, site: int, forms: NDArray[np.bool_], loads: dict[str, float]
) -> Activity:
    """The requests of every try (those of ``forms`` after opening the form) and what the identity provider saw."""
    form, post = login_routes(stage.world, site)
    who = sources.take(at.source).acting(book.person)
    status = np.where(book.result == RESULT["ok"], 0, 401)
    status[book.result == RESULT["rate_limited"]] = 429
    some = np.flatnonzero(is_person(stage.world, who.agent) & forms & (form >= 0))
    ids, page = stage.seed.noise(book.ids[some], "form"), np.zeros(len(at.t), dtype=np.uint64)
    page[some] = ids
    tried = Requests.of(book.ids, at.t, at.shift, np.full(len(at.t), post), status=status, page=page)
    typing = (2_600_000 * np.exp(0.6 * stage.seed.normal(ids, "typing"))).astype(np.int64) + 400_000
    typing = np.minimum(typing, (0.7 * _since(at)[some]).astype(np.int64))
    pages = Requests.of(ids, at.t[some] - typing, at.shift[some], np.full(len(some), form))
    fresh = np.flatnonzero(at.nth[some] == 0)
    extra, of = loads_after(stage, pages.take(fresh), loads)
    clients = Clients.concat([who, who.take(some), who.take(some[fresh][of])])
    made = ask(stage, clients, Requests.concat([tried, pages, extra]))
    return merged(made, *({"auth": table} for table in _answers(stage, book, made["http"])))


def _since(at: Tries) -> I64:
    """Time since the turn's last try, a minute for the first one."""
    order = np.lexsort((at.t, at.shift))
    since = np.full(len(order), MINUTE)
    since[order[1:]] = np.where(np.diff(at.shift[order]) == 0, np.diff(at.t[order]), MINUTE)
    return since


def _answers(stage: Stage, book: Book, http: Table) -> list[Table]:
    """What the identity provider did: a password each, a session where it fitted, a lock where it was one too many."""
    factor = stage.world.people.factor[np.maximum(book.person, 0)]
    fits = book.result == RESULT["ok"]
    flow, session = (stage.seed.noise(book.ids, name) for name in ("flow", "session"))
    found = []
    for op, step, some, own in (
        ("password", 0, book.result != RESULT["rate_limited"],
         {"result": book.result, "factor": np.where(fits, np.maximum(factor, PASSWORD), PASSWORD)}),
        ("lock", 0, book.locks, {"result": RESULT["locked"]}),  # one request with the last wrong password
        ("session_start", 1, fits & (factor < 0), {"session": session}),
        ("factor_check", 1, fits & (factor >= 0), {"result": RESULT["timeout"], "factor": factor}),
    ):
        i = np.flatnonzero(some)
        about: dict[str, Any] = {"user": book.person, "typed": book.typed, "flow": flow} | own
        cut = {name: value[i] if isinstance(value, np.ndarray) else value for name, value in about.items()}
        found.append(acts(stage, http, book.ids[i], op, cut | {"op": OP[op], "org": CUSTOMERS}, step))
    return found


ACTION = login_attempts
