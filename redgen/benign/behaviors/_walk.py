"""The kernel that walks sessions over a script: who asks for what, when, on which connection, and how logins end.

Sessions, routes, steps and the session's state are records (numpy structured arrays): kernels that take few arguments
compile in a fraction of the time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from redgen.activity.effects import piece_at
from redgen.activity.objects import chosen, hashed, normal, object_of, uniform, zipf
from redgen.activity.web import MAX_DUR, upstream_time
from redgen.benign.behaviors._script import (
    FACTOR,
    LOGIN_NUMBERS,
    LOGIN_STEPS,
    LOGOUT,
    NOTHING,
    PASSWORD,
    REFRESH,
    RESET,
    TOKEN,
    Script,
)
from redgen.compiled import kernel
from redgen.table import Column

MARKS = (
    "", "ok", "challenged", "bad_password", "unknown_user", "locked", "factor_ok", "factor_denied", "reset",
    "refreshed", "refresh_denied", "logout",
)
"""What a row was to the identity provider; the kernel's ``mark`` is a position in this tuple."""
OK, CHALLENGED, BAD, UNKNOWN, LOCKED, FACTOR_OK, FACTOR_DENIED, RESET_DONE, REFRESHED, REFUSED, LEFT = range(1, 12)

MOST_STEPS = 2000
_BLOCK = 2048
_SLOTS = 6              # connections a browser opens to one host under HTTP/1.1
_PER_CONNECTION = 1000  # nginx's keepalive_requests
_REVALIDATED = 0.25     # views on which a cached load is asked for again (unverified)
_MOST_TRIES = 8
_THINK, _AT_ONCE, _RETRY = range(3)

CAST = np.dtype([
    ("id", "u8"), ("t", "i8"), ("stop", "i8"),
    ("pages", "i8"),      # how many steps it will take (logins and redirects not counted)
    ("person", "i8"),     # -1 nobody known
    ("start", "i8"),      # where a crawl or sync goes on from
    ("external", "i4"),   # referer of the first request: -1 none, -2-k external
    ("port_low", "i4"), ("port_high", "i4"),
    ("known", "?"),       # has been here: its cache is warm
    ("signed", "?"),      # begins signed in
    ("stale", "?"),       # begins with an expired token: refreshes first
    ("factor", "?"),      # has a second factor
    ("refers", "?"),      # sends referers
    ("assets", "?"),      # loads what pages need
    ("h2", "?"),          # one connection carries all
    ("reuse", "?"),       # keeps connections alive
], align=True)
"""Who plays: one record per session."""

PLACE = np.dtype([
    ("objects", "i8"), ("objects2", "i8"), ("low", "f8"), ("span", "f8"), ("power", "f8"),
    ("latency_mu", "f8"), ("latency_sigma", "f8"),
    ("cacheable", "?"), ("word", "?"),
], align=True)
"""What the walk needs to know of a route; low, span, power: its objects' ``zipf_law``; ``word``: in its path."""

TRAIL = np.dtype([
    ("t", "i8"), ("id", "u8"), ("conn", "u8"), ("obj", "i8"), ("obj2", "i8"), ("ref_obj", "i8"), ("ref_obj2", "i8"),
    ("took", "i8"), ("session", "i4"), ("route", "i4"), ("word", "i4"), ("ref", "i4"), ("ref_word", "i4"),
    ("truth", "i4"), ("cport", "i4"), ("status", "i2"), ("conn_n", "i2"), ("mark", "i1"),
], align=True)
"""What the walk writes: one record per request."""

_STATE = np.dtype([(name, "i8") for name in (
    "t", "node", "pending", "tries", "serial", "taint", "signed", "renewed", "budget", "position", "last", "mark",
    "status", "how", "took", "floor", "obj", "obj2", "word", "page", "page_obj", "page_obj2", "page_word",
)] + [("loaded", "u8"), ("seen", "u8")])
"""Where a session stands; ``loaded`` and ``seen`` are bit sets of what its cache holds."""

_SLOT = np.dtype([("conn", "u8"), ("port", "i8"), ("count", "i8"), ("busy", "i8")])
"""A connection: its number, the client's port, requests so far, when the last answer was through."""


class Trail(NamedTuple):
    """The columns of ``TRAIL``, each contiguous."""

    t: Column
    id: Column
    conn: Column
    obj: Column
    obj2: Column
    ref_obj: Column
    ref_obj2: Column
    took: Column
    session: Column
    route: Column
    word: Column
    ref: Column
    ref_word: Column
    truth: Column
    cport: Column
    status: Column
    conn_n: Column
    mark: Column

    @classmethod
    def of(cls, records: Column) -> Trail:
        """The columns of an array of ``TRAIL`` records, copied block by block while a block is in the cache."""
        made = cls(*(np.empty(len(records), records.dtype[name]) for name in cls._fields))
        for first in range(0, len(records), _BLOCK):
            block = records[first : first + _BLOCK]
            for name, column in zip(cls._fields, made, strict=True):
                column[first : first + _BLOCK] = block[name]
        return made


SETTING = np.dtype([
    ("answer", "u8"),     # key of the answers' stream, shared with web.respond
    ("owned", "u8"),      # key of the stream that says who owns which objects
    ("words", "i8"), ("keepalive", "i8"),   # size of the vocabulary; µs
    ("low", "i8"), ("high", "i8"),          # requests that begin outside are walked but not written
    *((name, "f8") for name in LOGIN_NUMBERS),
    *((name, "i8") for name in LOGIN_STEPS),
])
"""What holds for every session."""


@kernel()
def _holds(timeline, who, t):  # type: ignore[no-untyped-def]
    """Truth code of the effect that holds for a person, 0 when none does."""
    if who < 0 or timeline[0].shape[0] == 0:
        return np.int64(0)
    at = piece_at(timeline[0], timeline[1], timeline[2], who, t)
    return np.int64(timeline[3][at]) if at >= 0 else np.int64(0)


@kernel()
def _begin(st, slots, upto, setting, me):  # type: ignore[no-untyped-def]
    """Set the state to the start of a session."""
    st.t, st.budget, st.position, st.signed, st.page = me.t, me.pages, me.start, me.signed, me.external
    st.tries = st.serial = st.taint = st.renewed = st.floor = st.how = 0
    st.pending = st.last = st.page_obj = st.page_obj2 = st.page_word = -1
    st.loaded = st.seen = np.uint64(0xFFFF_FFFF_FFFF_FFFF) if me.known else np.uint64(0)
    st.node = chosen(upto[upto.shape[0] - 1], uniform(me.id, 1 << 42))
    if me.stale and setting.refresh >= 0:
        st.pending, st.node = st.node, setting.refresh
    for k in range(_SLOTS):
        slots[k].count = 0
        slots[k].busy = 0


@kernel()
def _ask(st, h, steps, place, person, setting):  # type: ignore[no-untyped-def]
    """Decide the step (calls for members wait for the login) and what it is about."""
    step = steps[st.node]
    if step.auth and not st.signed and setting.form >= 0 and step.does == NOTHING and not step.page:
        st.pending, st.node = st.node, setting.form  # an app knows that it must sign in; a page sends to the login
        step = steps[st.node]
    route = place[step.route]
    st.obj = object_of(step.object, h, route.objects, (route.low, route.span, route.power), person, st.last,
                       setting.owned, st.position)
    st.obj2 = 1 + np.int64(-0.8 * np.log(uniform(h, 7))) % (route.objects2 - 1) if route.objects2 > 1 else -1
    st.word = zipf(uniform(h, 8), setting.words, 1.0) if route.word else -1
    st.last = st.obj if st.obj >= 0 else st.last
    st.position += 1


@kernel()
def _tried(does, h, effects, person, t, tries, setting, has_factor):  # type: ignore[no-untyped-def]
    """(mark, truth) of a step that means something to the identity provider."""
    if does == PASSWORD or does == TOKEN:  # noqa: PLR1714, SIM109 (numba)
        locked, reset = _holds(effects[0], person, t), _holds(effects[1], person, t)
        if locked or reset:
            return (LOCKED, locked) if locked else (BAD, reset)
        if uniform(h, 2) < (setting.fails if tries == 0 else 1.0 - setting.retry_succeeds):
            return (UNKNOWN if uniform(h, 3) < setting.mistyped else BAD), np.int64(0)
        challenged = has_factor and setting.factor >= 0 and uniform(h, 4) < setting.challenged
        return (CHALLENGED if challenged else OK), np.int64(0)
    if does == FACTOR:
        return (FACTOR_DENIED if uniform(h, 2) < setting.factor_fails else FACTOR_OK), np.int64(0)
    if does == RESET:
        code = _holds(effects[1], person, t)
        return (BAD if code else RESET_DONE), code
    if does == REFRESH:
        code = _holds(effects[2], person, t)
        return (REFUSED if code else REFRESHED), code
    return (LEFT if does == LOGOUT else 0), np.int64(0)


@kernel()
def _judge(st, h, steps, place, effects, me, setting):  # type: ignore[no-untyped-def]
    """Decide what the answer is where the session decides it: sign-ins, revoked tokens, copies still fresh."""
    step = steps[st.node]
    st.mark = st.status = 0
    if step.does != NOTHING:
        mark, code = _tried(step.does, h, effects, me.person, st.t, st.tries, setting, me.factor)
        st.mark = mark
        st.taint = code if code else st.taint  # noqa: FURB110 (numba)
        if mark in (BAD, UNKNOWN, LOCKED, FACTOR_DENIED, REFUSED):
            st.status = 401
            st.tries += 1
            st.budget = min(st.budget, 2) if code else st.budget  # the owner cannot know why, and goes
        elif mark in (OK, FACTOR_OK, RESET_DONE, REFRESHED):
            st.tries, st.signed, st.renewed = 0, 1, 1
        elif mark == LEFT:
            st.signed = 0
    elif step.auth and not st.signed and setting.form >= 0:
        st.status = 302
    elif step.auth and not st.renewed:
        code = _holds(effects[2], me.person, st.t)
        if code:
            st.status, st.taint = 401, code
    elif place[step.route].cacheable and st.obj < 0 and st.word < 0:
        bit = np.uint64(1) << np.uint64(st.node & 63)
        st.status = 304 if st.seen & bit else 0
        st.seen |= bit


@kernel()
def _connection(st, slots, me, t, keepalive):  # type: ignore[no-untyped-def]
    """The slot that carries a request at t, opened anew where none is free."""
    many = 1 if me.h2 else _SLOTS
    best = 0
    for k in range(many):
        slot = slots[k]
        alive = slot.count > 0 and t - slot.busy < keepalive and slot.count < _PER_CONNECTION and me.reuse
        if alive and (slot.busy <= t or me.h2):
            return k
        if slot.busy < slots[best].busy:
            best = k
    drawn = hashed(me.id, np.uint64(1 << 40) + np.uint64(st.serial))
    slot = slots[best]
    slot.conn = (np.uint64(t // 1_000_000) << np.uint64(40)) | (drawn & np.uint64((1 << 40) - 1))
    span = np.uint64(me.port_high - me.port_low + 1)
    drawn = hashed(me.id, np.uint64(1 << 41)) + np.uint64(st.serial * 2) + drawn % np.uint64(2)
    slot.port = me.port_low + np.int64(drawn % span)
    slot.count = 0
    st.serial += 1
    return best


@kernel()
def _write(out, n, st, slots, me, s, row, t, route, status, setting):  # type: ignore[no-untyped-def]
    """Send a request over a connection; write it when it begins inside the window and there is room. Rows so far."""
    slot = slots[_connection(st, slots, me, t, setting.keepalive)]
    slot.count += 1
    slot.busy = max(slot.busy, t + st.took)
    if not setting.low <= t < setting.high:
        return n
    if n < out.shape[0]:
        to = out[n]
        to.session, to.t, to.id, to.route, to.status, to.truth, to.took = s, t, row, route, status, st.taint, st.took
        to.ref, to.ref_obj, to.ref_obj2, to.ref_word = st.page, st.page_obj, st.page_obj2, st.page_word
        to.conn, to.conn_n, to.cport = slot.conn, slot.count, slot.port
        to.obj = to.obj2 = to.word = -1
        to.mark = 0
    return n + 1


@kernel()
def _request(st, slots, steps, place, me, s, row, setting, out, n):  # type: ignore[no-untyped-def]
    """The step's own request; a page becomes what later requests refer to. Rows so far."""
    step = steps[st.node]
    route = place[step.route]
    st.took = upstream_time(hashed(setting.answer, row), route.latency_mu, route.latency_sigma)
    written = _write(out, n, st, slots, me, s, row, st.t, step.route, st.status, setting)
    if n < written <= out.shape[0]:
        to = out[n]
        to.obj, to.obj2, to.word, to.mark = st.obj, st.obj2, st.word, st.mark
    st.floor = st.t + st.took
    if step.page and me.refers and st.status in (0, 304):
        st.page, st.page_obj, st.page_obj2, st.page_word = step.route, st.obj, st.obj2, st.word
    return written


@kernel()
def _loads(st, slots, step, loads, place, me, s, row, setting, out, n):  # type: ignore[no-untyped-def]
    """What the page loads within about a second, one after the other, referring to it. Rows so far."""
    took = st.took
    for j in range(step.first, step.stop):
        load = loads[j]
        route, bit = place[load.route], np.uint64(1) << np.uint64(j & 63)
        kept = route.cacheable and not load.same and j < 64
        cached = kept and (st.loaded & bit) != 0
        own, odds = hashed(row, j + 1), load.share * (_REVALIDATED if cached else 1.0)
        if odds < 1.0 and uniform(own, 1) >= odds:
            continue
        if kept:
            st.loaded |= bit
        at = st.floor + np.int64(4_000 - 90_000 * np.log(uniform(own, 2)))
        if at >= me.stop - MAX_DUR:
            break
        st.took = upstream_time(hashed(setting.answer, own), route.latency_mu, route.latency_sigma)
        written = _write(out, n, st, slots, me, s, own, at, load.route, 304 if cached else 0, setting)
        if load.same and st.obj >= 0 and n < written <= out.shape[0]:
            out[n].obj = st.obj % route.objects
        n = written
        st.floor = at
    st.took = took
    return n


@kernel()
def _follow(st, steps, upto, h, setting):  # type: ignore[no-untyped-def]
    """Set the next step (-1 ends the session) and how it comes: after thought, at once, or as another try."""
    step, mark = steps[st.node], st.mark
    st.how = _AT_ONCE
    if mark in (LOCKED, LEFT) or (mark == BAD and step.does == RESET):
        st.node = -1
    elif mark in (BAD, UNKNOWN, FACTOR_DENIED):
        gives_up = st.tries >= _MOST_TRIES or uniform(h, 5) < setting.gives_up
        st.how = _THINK if gives_up else _RETRY
        st.node = setting.forgot if gives_up else st.node
    elif mark == CHALLENGED:
        st.node = setting.factor
    elif st.status == 401:  # a token that is no longer good: refresh it, else sign in again
        st.pending = st.pending if mark == REFUSED else st.node
        st.node = setting.submit if mark == REFUSED or setting.refresh < 0 else setting.refresh
    elif st.status == 302:
        st.node, st.pending = setting.form, st.node
    elif mark != 0 and st.pending >= 0:
        st.node, st.pending = st.pending, -1
    elif step.then >= 0:
        st.node = step.then
    else:
        st.node, st.how = chosen(upto[st.node], uniform(h, 6)), _THINK


@kernel()
def _advance(st, steps, upto, h, setting):  # type: ignore[no-untyped-def]
    """Go to the next step: a round trip later, after a failed try's second thought, or after reading."""
    step = steps[st.node]
    if st.how == _THINK and step.does == NOTHING:
        st.budget -= 1
        if st.budget <= 0:
            return
    _follow(st, steps, upto, h, setting)
    u = uniform(h, 9)
    if st.how == _AT_ONCE:
        pause = 20_000.0 + 130_000.0 * u
    elif st.how == _RETRY:
        pause = np.exp(setting.gap_low + (setting.gap_high - setting.gap_low) * u)
    else:
        pause = 1_000.0 + min(np.exp(step.think_mu + step.think_sigma * normal(h, 9)), 3.6e9)
    st.t = max(st.t + st.took, st.floor) + np.int64(pause)


Timeline = tuple[Column, Column, Column, Column]
"""An effect's subjects, their first and last moments, and truth codes."""


def walk(setting: Column, script: Script, place: Column, cast: Column, effects: tuple[Timeline, ...],
         out: Column) -> int:
    """Walk every session; gives the number of requests there are, of which the first ``len(out)`` are written.

    ``setting`` SETTING[1], ``place`` PLACE by route, ``cast`` CAST, ``out`` TRAIL; ``effects``: locks, resets and
    revocations.
    """
    states, slots = np.zeros(1, _STATE), np.zeros(_SLOTS, _SLOT)
    return int(_walk(setting, script.steps, script.loads, script.upto, place, cast, effects, states, slots, out))


@kernel()
def _walk(settings, steps, loads, upto, place, cast, effects, states, slots, out):  # type: ignore[no-untyped-def]
    """See ``walk``; ``states`` and ``slots`` hold the session under way."""
    setting = settings[0]
    n = 0
    for s in range(cast.shape[0]):
        me, st = cast[s], states[0]  # a record does not keep its array alive
        end = min(me.stop - MAX_DUR, setting.high)
        _begin(st, slots, upto, setting, me)
        for k in range(MOST_STEPS):
            if st.node < 0 or st.budget <= 0 or st.t >= end:
                break
            h, row = hashed(me.id, k), hashed(me.id, np.uint64(1 << 43) + np.uint64(k))
            _ask(st, h, steps, place, me.person, setting)
            _judge(st, h, steps, place, effects, me, setting)
            n = _request(st, slots, steps, place, me, s, row, setting, out, n)
            step = steps[st.node]
            if me.assets and step.stop > step.first and st.status in (0, 304):
                n = _loads(st, slots, step, loads, place, me, s, row, setting, out, n)
            _advance(st, steps, upto, h, setting)
    return n
