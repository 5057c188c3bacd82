"""The kernel that walks sessions over a script: who asks for what, when, on which connection, and how logins end."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from redgen.activity.effects import piece_at
from redgen.activity.objects import chosen, object_of, uniform, zipf
from redgen.activity.web import MAX_DUR, upstream_time
from redgen.benign.behaviors._script import FACTOR, LOGOUT, NOTHING, PASSWORD, REFRESH, RESET, TOKEN
from redgen.seed import mix, to_normal
from redgen.table import Column

MARKS = (
    "", "ok", "challenged", "bad_password", "unknown_user", "locked", "factor_ok", "factor_denied", "reset",
    "refreshed", "refresh_denied", "logout",
)
"""What a row was to the identity provider; the kernel's ``mark`` is a position in this tuple."""
OK, CHALLENGED, BAD, UNKNOWN, LOCKED, FACTOR_OK, FACTOR_DENIED, RESET_DONE, REFRESHED, REFUSED, LEFT = range(1, 12)

MOST_STEPS = 2000
_SLOTS = 6              # connections a browser opens to one host under HTTP/1.1
_PER_CONNECTION = 1000  # nginx's keepalive_requests
_REVALIDATED = 0.25     # views on which a cached load is asked for again (unverified)
_MOST_TRIES = 8
_ROWS_PER_STEP = np.uint64(32)
_NOBODY = -1

# Where a session's state stands in one array of int64.
(
    _T, _NODE, _PENDING, _TRIES, _SERIAL, _TAINT, _SIGNED, _RENEWED, _BUDGET, _POSITION, _LAST, _MARK, _STATUS, _HOW,
    _TOOK, _FLOOR, _ROWS, _OBJ, _OBJ2, _WORD, _PAGE, _PAGE_OBJ, _PAGE_OBJ2, _PAGE_WORD,
) = range(24)
_THINK, _AT_ONCE, _RETRY = range(3)


class Cast(NamedTuple):
    """Who plays: one entry per session."""

    id: Column
    t: Column
    stop: Column
    pages: Column       # i8 how many steps it will take (logins and redirects not counted)
    person: Column      # i8, -1 nobody known
    known: Column       # bool has been here: its cache is warm
    signed: Column      # bool begins signed in
    stale: Column       # bool begins with an expired token: refreshes first
    factor: Column      # bool has a second factor
    refers: Column      # bool sends referers
    external: Column    # i4 referer of the first request: -1 none, -2-k external
    assets: Column      # bool loads what pages need
    h2: Column          # bool one connection carries all
    reuse: Column       # bool keeps connections alive
    port_low: Column
    port_high: Column
    start: Column       # i8 where a crawl or sync goes on from


class Place(NamedTuple):
    """What the walk needs to know of routes and the site."""

    objects: Column
    objects2: Column
    zipf: Column
    latency_mu: Column
    latency_sigma: Column
    local: Column
    cacheable: Column
    word: Column        # bool the path has a word
    words: int
    keepalive: int      # µs


class Keys(NamedTuple):
    """Keys of the streams: the answers' (shared with web.respond), and that of owned objects."""

    answer: np.uint64
    owned: np.uint64


_TRAIL = (
    "i4", "i8", "u8", "i4", "i8", "i8", "i4", "i4", "i8", "i8", "i4", "i2", "i4", "u8", "i2", "i4", "i1", "i8",
)


class Trail(NamedTuple):
    """What the walk writes, one entry per request."""

    session: Column
    t: Column
    id: Column
    route: Column
    obj: Column
    obj2: Column
    word: Column
    ref: Column
    ref_obj: Column
    ref_obj2: Column
    ref_word: Column
    status: Column
    truth: Column
    conn: Column
    conn_n: Column
    cport: Column
    mark: Column
    took: Column

    @classmethod
    def empty(cls, n: int) -> Trail:
        """Room for ``n`` requests."""
        return cls(*(np.empty(n, dtype=kind) for kind in _TRAIL))


@nb.njit(cache=True, nogil=True)
def _holds(timeline, who, t):  # type: ignore[no-untyped-def]
    """Truth code of the effect that holds for a person, 0 when none does."""
    if who < 0 or timeline[0].shape[0] == 0:
        return np.int64(0)
    at = piece_at(timeline[0], timeline[1], timeline[2], who, t)
    return np.int64(timeline[3][at]) if at >= 0 else np.int64(0)


@nb.njit(cache=True, nogil=True)
def _begin(st, masks, slots, script, cast, s):  # type: ignore[no-untyped-def]
    """Set the state to the start of session s."""
    rows = st[_ROWS]
    st[:] = -1
    st[_ROWS], st[_T], st[_BUDGET], st[_POSITION] = rows, cast.t[s], cast.pages[s], cast.start[s]
    st[_SIGNED], st[_PAGE] = cast.signed[s], cast.external[s]
    st[_TRIES] = st[_SERIAL] = st[_TAINT] = st[_RENEWED] = st[_FLOOR] = st[_HOW] = 0
    st[_NODE] = chosen(script.entry, uniform(cast.id[s], 1 << 42))
    if cast.stale[s] and script.refresh >= 0:
        st[_PENDING], st[_NODE] = st[_NODE], script.refresh
    masks[:] = np.uint64(0xFFFF_FFFF_FFFF_FFFF) if cast.known[s] else np.uint64(0)
    slots[2][:] = 0
    slots[3][:] = 0


@nb.njit(cache=True, nogil=True)
def _ask(st, h, script, place, person, owned_key):  # type: ignore[no-untyped-def]
    """Decide the step (a page for members leads to the login first) and what it is about."""
    node = st[_NODE]
    if script.auth[node] and not st[_SIGNED] and script.form >= 0 and script.does[node] == NOTHING:
        st[_PENDING], st[_NODE] = node, script.form
        node = script.form
    route = script.route[node]
    st[_OBJ] = object_of(
        script.object[node], h, place.objects[route], place.zipf[route], person, st[_LAST], owned_key,
        st[_POSITION],
    )
    most = place.objects2[route]
    st[_OBJ2] = np.int64(-0.8 * np.log(uniform(h, 7))) % most if most > 1 else -1
    st[_WORD] = zipf(uniform(h, 8), place.words, 1.0) if place.word[route] else -1
    st[_LAST] = st[_OBJ] if st[_OBJ] >= 0 else st[_LAST]
    st[_POSITION] += 1


@nb.njit(cache=True, nogil=True)
def _tried(does, h, effects, person, t, tries, script, has_factor):  # type: ignore[no-untyped-def]
    """(mark, truth) of a step that means something to the identity provider."""
    if does == PASSWORD or does == TOKEN:  # noqa: PLR1714, SIM109 (numba)
        if code := _holds(effects[0], person, t):
            return LOCKED, code
        if code := _holds(effects[1], person, t):
            return BAD, code
        if uniform(h, 2) < (script.login[1] if tries == 0 else 1.0 - script.login[2]):
            return (UNKNOWN if uniform(h, 3) < script.login[3] else BAD), np.int64(0)
        challenged = has_factor and script.factor >= 0 and uniform(h, 4) < script.login[7]
        return (CHALLENGED if challenged else OK), np.int64(0)
    if does == FACTOR:
        return (FACTOR_DENIED if uniform(h, 2) < script.login[8] else FACTOR_OK), np.int64(0)
    if does == RESET:
        code = _holds(effects[1], person, t)
        return (BAD if code else RESET_DONE), code
    if does == REFRESH:
        code = _holds(effects[2], person, t)
        return (REFUSED if code else REFRESHED), code
    return (LEFT if does == LOGOUT else 0), np.int64(0)


@nb.njit(cache=True, nogil=True)
def _judge(st, masks, h, script, place, effects, person, has_factor):  # type: ignore[no-untyped-def]
    """Decide what the answer is where the session decides it: sign-ins, revoked tokens, copies still fresh."""
    node = st[_NODE]
    route, does = script.route[node], script.does[node]
    st[_MARK] = st[_STATUS] = 0
    if does != NOTHING:
        mark, code = _tried(does, h, effects, person, st[_T], st[_TRIES], script, has_factor)
        st[_MARK] = mark
        st[_TAINT] = code if code else st[_TAINT]  # noqa: FURB110 (numba)
        if mark in (BAD, UNKNOWN, LOCKED, FACTOR_DENIED, REFUSED):
            st[_STATUS] = 401
            st[_TRIES] += 1
            st[_BUDGET] = min(st[_BUDGET], 2) if code else st[_BUDGET]  # the owner cannot know why, and goes
        elif mark in (OK, FACTOR_OK, RESET_DONE, REFRESHED):
            st[_TRIES], st[_SIGNED], st[_RENEWED] = 0, 1, 1
        elif mark == LEFT:
            st[_SIGNED] = 0
    elif script.auth[node] and not st[_RENEWED]:
        code = _holds(effects[2], person, st[_T])
        if code:
            st[_STATUS], st[_TAINT] = 401, code
    elif place.cacheable[route] and st[_OBJ] < 0 and st[_WORD] < 0:
        bit = np.uint64(1) << np.uint64(node & 63)
        st[_STATUS] = 304 if masks[1] & bit else 0
        masks[1] |= bit


@nb.njit(cache=True, nogil=True)
def _connection(st, slots, cast, s, t, keepalive):  # type: ignore[no-untyped-def]
    """The slot that carries a request at t, opened anew where none is free."""
    conn, port, count, busy = slots
    many = 1 if cast.h2[s] else _SLOTS
    best = 0
    for k in range(many):
        alive = count[k] > 0 and t - busy[k] < keepalive and count[k] < _PER_CONNECTION and cast.reuse[s]
        if alive and (busy[k] <= t or cast.h2[s]):
            return k
        if busy[k] < busy[best]:
            best = k
    drawn = mix(cast.id[s], np.uint64(1 << 40) + np.uint64(st[_SERIAL]))
    conn[best] = (np.uint64(t // 1_000_000) << np.uint64(40)) | (drawn & np.uint64((1 << 40) - 1))
    span = np.uint64(cast.port_high[s] - cast.port_low[s] + 1)
    drawn = mix(cast.id[s], np.uint64(1 << 41)) + np.uint64(st[_SERIAL] * 2) + drawn % np.uint64(2)
    port[best] = cast.port_low[s] + np.int64(drawn % span)
    count[best] = 0
    st[_SERIAL] += 1
    return best


@nb.njit(cache=True, nogil=True)
def _write(out, st, slots, k, s, row, t, route, what, status, mark, window):  # type: ignore[no-untyped-def]
    """Count a request, and write it when it begins inside the window and there is room."""
    conn, port, count, busy = slots
    count[k] += 1
    busy[k] = max(busy[k], t + st[_TOOK])
    if not window[0] <= t < window[1]:
        return
    n = st[_ROWS]
    st[_ROWS] += 1
    if n >= out.t.shape[0]:
        return
    out.session[n], out.t[n], out.id[n], out.route[n] = s, t, row, route
    out.obj[n], out.obj2[n], out.word[n] = what
    out.ref[n], out.ref_obj[n], out.ref_obj2[n], out.ref_word[n] = (
        st[_PAGE], st[_PAGE_OBJ], st[_PAGE_OBJ2], st[_PAGE_WORD]
    )
    out.status[n], out.truth[n], out.mark[n], out.took[n] = status, st[_TAINT], mark, st[_TOOK]
    out.conn[n], out.conn_n[n], out.cport[n] = conn[k], count[k], port[k]


@nb.njit(cache=True, nogil=True)
def _request(st, slots, keys, script, place, cast, s, row, window, out):  # type: ignore[no-untyped-def]
    """The step's own request; a page becomes what later requests refer to."""
    node, t = st[_NODE], st[_T]
    route = script.route[node]
    st[_TOOK] = upstream_time(mix(keys.answer, row), place.latency_mu[route], place.latency_sigma[route])
    k = _connection(st, slots, cast, s, t, place.keepalive)
    _write(out, st, slots, k, s, row, t, route, (st[_OBJ], st[_OBJ2], st[_WORD]), st[_STATUS], st[_MARK], window)
    st[_FLOOR] = t + st[_TOOK]
    if script.page[node] and cast.refers[s] and st[_STATUS] != 401:
        st[_PAGE], st[_PAGE_OBJ], st[_PAGE_OBJ2], st[_PAGE_WORD] = route, st[_OBJ], st[_OBJ2], st[_WORD]


@nb.njit(cache=True, nogil=True)
def _loads(st, masks, slots, keys, script, place, cast, s, row, window, out):  # type: ignore[no-untyped-def]
    """What the page loads within about a second, one after the other, referring to it."""
    node, took = st[_NODE], st[_TOOK]
    for j in range(script.first[node], script.first[node + 1]):
        route, bit = script.load_route[j], np.uint64(1) << np.uint64(j & 63)
        kept = place.cacheable[route] and not script.load_same[j] and j < 64
        cached = kept and (masks[0] & bit) != 0
        own = mix(row, np.uint64(j + 1))
        if uniform(own, 1) >= script.load_share[j] * (_REVALIDATED if cached else 1.0):
            continue
        if kept:
            masks[0] |= bit
        at = st[_FLOOR] + np.int64(4_000 - 90_000 * np.log(uniform(own, 2)))
        if at >= cast.stop[s] - MAX_DUR:
            break
        obj = st[_OBJ] % place.objects[route] if script.load_same[j] and st[_OBJ] >= 0 else -1
        st[_TOOK] = upstream_time(mix(keys.answer, own), place.latency_mu[route], place.latency_sigma[route])
        k = _connection(st, slots, cast, s, at, place.keepalive)
        status = 304 if cached else 0
        _write(out, st, slots, k, s, own, at, route, (obj, np.int64(-1), np.int64(-1)), status, 0, window)
        st[_FLOOR] = at
    st[_TOOK] = took


@nb.njit(cache=True, nogil=True)
def _follow(st, script, h):  # type: ignore[no-untyped-def]
    """Set the next step (-1 ends the session) and how it comes: after thought, at once, or as another try."""
    node, mark = st[_NODE], st[_MARK]
    st[_HOW] = _AT_ONCE
    if mark in (LOCKED, LEFT) or (mark == BAD and script.does[node] == RESET):
        st[_NODE] = -1
    elif mark in (BAD, UNKNOWN, FACTOR_DENIED):
        gives_up = st[_TRIES] >= _MOST_TRIES or uniform(h, 5) < script.login[4]
        st[_HOW] = _THINK if gives_up else _RETRY
        st[_NODE] = script.forgot if gives_up else node
    elif mark == CHALLENGED:
        st[_NODE] = script.factor
    elif st[_STATUS] == 401:  # a token that is no longer good: refresh it, else sign in again
        st[_PENDING] = st[_PENDING] if mark == REFUSED else node
        st[_NODE] = script.submit if mark == REFUSED or script.refresh < 0 else script.refresh
    elif mark != 0 and st[_PENDING] >= 0:
        st[_NODE], st[_PENDING] = st[_PENDING], -1
    elif script.then[node] >= 0:
        st[_NODE] = script.then[node]
    else:
        st[_NODE], st[_HOW] = chosen(script.upto[node], uniform(h, 6)), _THINK


@nb.njit(cache=True, nogil=True)
def _advance(st, script, h):  # type: ignore[no-untyped-def]
    """Go to the next step: a round trip later, after a failed try's second thought, or after reading."""
    node = st[_NODE]
    if st[_HOW] == _THINK and script.does[node] == NOTHING:
        st[_BUDGET] -= 1
    _follow(st, script, h)
    u = uniform(h, 9)
    if st[_HOW] == _AT_ONCE:
        pause = 20_000.0 + 130_000.0 * u
    elif st[_HOW] == _RETRY:
        pause = np.exp(script.login[5] + (script.login[6] - script.login[5]) * u)
    else:
        pause = 1_000.0 + min(np.exp(script.think_mu[node] + script.think_sigma[node] * to_normal(u)), 3.6e9)
    st[_T] = max(st[_T] + st[_TOOK], st[_FLOOR]) + np.int64(pause)


@nb.njit(cache=True, nogil=True)
def walk(keys, script, place, cast, effects, window, out):  # type: ignore[no-untyped-def]
    """Walk every session; gives the number of requests there are, of which the first ``len(out.t)`` are written.

    ``window`` (low, high): requests that begin outside are walked but not counted. ``effects``: (subject, t0, t1, code)
    of locks, resets and revocations.
    """
    st, masks = np.zeros(24, np.int64), np.zeros(2, np.uint64)
    slots = (
        np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.int64), np.zeros(_SLOTS, np.int64), np.zeros(_SLOTS, np.int64)
    )
    for s in range(cast.id.shape[0]):
        person, end = cast.person[s], cast.stop[s] - MAX_DUR
        _begin(st, masks, slots, script, cast, s)
        for step in range(MOST_STEPS):
            if st[_NODE] < 0 or st[_BUDGET] <= 0 or st[_T] >= end or st[_T] >= window[1]:
                break
            h = mix(cast.id[s], np.uint64(step))
            row = mix(cast.id[s], np.uint64(1 << 43) + np.uint64(step))
            _ask(st, h, script, place, person, keys.owned)
            _judge(st, masks, h, script, place, effects, person, cast.factor[s])
            _request(st, slots, keys, script, place, cast, s, row, window, out)
            if cast.assets[s] and script.first[st[_NODE] + 1] > script.first[st[_NODE]]:
                _loads(st, masks, slots, keys, script, place, cast, s, row, window, out)
            _advance(st, script, h)
    return st[_ROWS]
