"""Requests that are none: what strangers send to a web server's port in other protocols, and how nginx answers it.

A row of kind ``http`` whose ``raw`` is a position in ``RAW`` came without TLS and, but for the few lines that are HTTP
(absolute targets, HTTP/0.9, plain HTTP at the port of HTTPS), could not be read: its ``method``, ``route`` and
``proto`` are -1. Nothing here goes beyond the first packet of a handshake, or a banner.

nginx keeps what it got up to the first CR or LF (``ngx_http_variable_request_line``), so that random bytes cut hellos
short; it answers 400 with a page of its own. A line that never came is ``""``: 400 without a page when the client
closed, 408 when it waited. Connections closed without a byte are not logged. Absolute targets and HTTP/0.9 are HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from redgen.activity import web, wire
from redgen.activity.effects import Effects, collateral
from redgen.activity.schema import rows
from redgen.activity.terms import CONN_STATES, HTTP_VERSIONS, METHODS, SERVICES, TRANSPORTS, code
from redgen.clock import SECOND
from redgen.seed import I64, U64, Seed, picked
from redgen.table import Table, concat
from redgen.world.plan import dotted
from redgen.world.world import World

RANDOM = "\u2022"
"""Stands for a byte drawn anew for each row: neither CR nor LF."""
SERVER = "\u25c6"
"""Stands for the address and port asked (``servers``); such a row's ``obj`` is the site's code."""

KINDS = ("tls", "rdp", "ssh", "smb", "survey", "proxy", "absolute", "old", "preface", "other", "empty", "plain")
"""What is sent. ``tls`` makes sense at plain ports alone, ``plain`` (HTTP to the port of HTTPS) at the others."""

_HELLO = "\x16\x03\x01"
_KEYS = RANDOM * 32 + " " + RANDOM * 32
_ZGRAB = "\x00\x00\x1a\xc0/\xc0+\xc0\x11\xc0\x07\xc0\x13\xc0\t\xc0\x14\xc0\n"
_CHROME = (
    "\x00 \x9a\x9a\x13\x01\x13\x02\x13\x03\xc0+\xc0/\xc0,\xc00\xcc\xa9\xcc\xa8\xc0\x13\xc0\x14"
    "\x00\x9c\x00\x9d\x00/\x005\x01\x00\x01\x93JJ\x00\x00\x00\x17\x00\x00\xff\x01\x00\x01\x00\x00\n"
)
_GO = f"{_HELLO}\x00\xee\x01\x00\x00\xea\x03\x03{_KEYS}\x00&"
_NEW_GO = "\xc0+\xc0/\xc0,\xc00\xcc\xa9\xcc\xa8\xc0\t\xc0\x13\xc0\n"
_OLD_GO = "\xcc\xa8\xcc\xa9\xc0/\xc00\xc0+\xc0,\xc0\x13\xc0\t\xc0\x14\xc0\n"
_RDP_ASKS = "\r\n\x01\x00\x08\x00\x03\x00\x00\x00"
_SENT: tuple[tuple[str, str, int, float], ...] = (
    # kind, payload (one character per byte; as far as anybody logs it), bytes of it in all (0: as written), weight
    ("tls", _GO + _NEW_GO, 243, 4),
    ("tls", _GO + _OLD_GO, 243, 2),
    ("tls", f"{_HELLO}\x00{{\x01\x00\x00w\x03\x03{RANDOM * 32}{_ZGRAB}", 128, 4),
    ("tls", f"{_HELLO}\x00\x8c\x01\x00\x00\x88\x03\x03{RANDOM * 32}{_ZGRAB}", 145, 3),
    ("tls", f"{_HELLO}\x02\x00\x01\x00\x01\xfc\x03\x03{_KEYS}{_CHROME}", 517, 3),
    ("rdp", f"\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr{_RDP_ASKS}", 0, 5),
    ("rdp", f"\x03\x00\x00+&\xe0\x00\x00\x00\x00\x00Cookie: mstshash=hello{_RDP_ASKS}", 0, 2),
    ("rdp", "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", 0, 3),
    ("ssh", "SSH-2.0-Go\r\n", 0, 5),
    ("ssh", "SSH-2.0-ZGrab ZGrab SSH Survey\r\n", 0, 1),
    ("ssh", "SSH-2.0-libssh2_1.11.0\r\n", 0, 1),
    ("smb", "\x00\x00\x00\xa4\xffSMBr\x00\x00\x00\x00\x08\x01@" + "\x00" * 14 + "@\x06\x00\x00\x01\x00\x00\x81\x00"
            "\x02PC NETWORK PROGRAM 1.0\x00\x02MICROSOFT NETWORKS 1.03\x00\x02MICROSOFT NETWORKS 3.0\x00\x02LANMAN1.0"
            "\x00\x02LM1.2X002\x00\x02Samba\x00\x02NT LANMAN 1.0\x00\x02NT LM 0.12\x00", 168, 1),
    ("survey", f"MGLNDD_{SERVER}\n", 0, 1),
    ("proxy", "CONNECT www.example.com:443 HTTP/1.1\r\n", 67, 3),
    ("proxy", "CONNECT ip-check.example:443 HTTP/1.1\r\n", 69, 2),
    ("proxy", "CONNECT mx.example.net:25 HTTP/1.0\r\n", 38, 1),
    ("absolute", "GET http://www.example.com/ HTTP/1.1\r\n", 0, 3),
    ("absolute", "GET http://ip-check.example/ HTTP/1.1\r\n", 0, 2),
    ("old", "GET /\r\n", 0, 1),
    ("preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 51, 1),
    ("other", "\x00\x0e8" + RANDOM * 8 + "\x00\x00\x00\x00\x00", 0, 2),
    ("other", "\x05\x01\x00", 0, 2),
    ("other", "\x04\x01\x01\xbb\xc0\x00\x02\x07\x00", 0, 1),
    ("other", "0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00", 0, 1),
    ("other", "OPTIONS sip:nm SIP/2.0\r\n", 220, 1),
    ("other", "JRMI\x00\x02K", 0, 1),
    ("other", "t3 12.1.2\n", 25, 1),
    ("other", "HELP\r\n", 0, 1),
    ("other", "EHLO mail.example.net\r\n", 0, 1),
    ("other", "*1\r\n$4\r\nINFO\r\n", 0, 1),
    ("other", "stats\r\n", 0, 1),
    ("empty", "\r\n\r\n", 0, 4),
    ("empty", "\n", 0, 1),
    ("plain", "GET / HTTP/1.1\r\n", 0, 6),
    ("plain", "GET / HTTP/1.0\r\n", 0, 1),
    ("plain", "HEAD / HTTP/1.1\r\n", 0, 1),
)
"""Source: what public access logs show of masscan, zgrab, nmap and their kind; weights unverified."""

_CUTS = 2 / 256  # of 256 bytes, two end a line
_HTTP = re.compile(r"(GET|HEAD) (?:http://([^/ ]+))?/(?: (HTTP/1\.[01]))?")
_LETTER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_ZEEK = re.compile(rf"{_LETTER}{{3,}}[ \t]+\S|{_LETTER}+[ \t]+\S.*HTTP/")
"""What Zeek's HTTP analyzer, which port 80 has from the start, takes for a request line (HTTP_RequestLine)."""
_KNOWN_METHOD = re.compile("(GET|HEAD|OPTIONS|CONNECT) ")
"""Elsewhere a signature must have seen a known method first, and an answer that begins with HTTP/."""

_BAD_PAGE, _PLAIN_PAGE = 150, 248
"""nginx's page for 400, and for plain HTTP at an HTTPS port (its code 497, logged as 400); ``server_tokens off``."""
_HEADER = 145
"""Header of those answers: status line, Server, Date, Content-Type, Content-Length of three digits, Connection."""
_HEADER_TIMEOUT, _LINGERS = 60 * SECOND, 5 * SECOND
"""nginx's client_header_timeout and lingering_timeout (defaults)."""
_WAITS, _STAYS, _RESETS = 0.2, 0.08, 0.3
"""Shares: of empty requests that wait for the timeout, of clients that do not close before nginx gives up lingering, of
connections that the client resets. Source: unverified."""


class Raw(NamedTuple):
    """One line as nginx keeps it."""

    kind: str
    line: str        # one character per byte, RANDOM and SERVER as said; no CR, no LF
    sent: int        # bytes of the whole payload, SERVER counted as one
    weight: float    # within its kind
    method: int      # terms.METHODS, -1: could not be read
    proto: int       # terms.HTTP_VERSIONS; -1 with a method: HTTP/0.9
    host: str        # of an absolute target


def _cut(payload: str) -> Iterator[tuple[str, float]]:
    """The lines that a payload leaves, with their probabilities: cut at any random byte, or at its own line end."""
    line, left = re.split("[\r\n]", payload, maxsplit=1)[0], 1.0
    for at in (k for k, letter in enumerate(line) if letter == RANDOM):
        yield line[:at], left * _CUTS
        left *= 1.0 - _CUTS
    yield line, left


def _raws() -> Iterator[Raw]:
    for kind, payload, size, weight in _SENT:
        for line, share in _cut(payload):
            found = _HTTP.fullmatch(line)
            method, host, proto = found.groups() if found else ("", "", "")
            yield Raw(kind, line, size or len(payload), weight * share, METHODS.index(method) if method else -1,
                      HTTP_VERSIONS.index(proto) if proto else -1, host or "")


RAW: tuple[Raw, ...] = tuple(_raws())
"""Every line there is; the column ``raw`` is a position in it."""


class _Columns(NamedTuple):
    sent: I64
    names: NDArray[np.bool_]    # has SERVER
    method: NDArray[np.int8]
    proto: NDArray[np.int8]
    empty: NDArray[np.bool_]
    line: I64                   # its length
    service: NDArray[np.int8]   # terms.SERVICES that Zeek names, at plain ports
    elsewhere: NDArray[np.int8]


@cache
def _columns() -> _Columns:
    http = code(SERVICES, "http")
    spoken = [http if _ZEEK.match(r.line) else -1 for r in RAW]
    known = [http if _KNOWN_METHOD.match(r.line) and (r.method < 0) == (r.proto < 0) else -1 for r in RAW]
    return _Columns(
        np.array([r.sent for r in RAW]), np.array([SERVER in r.line for r in RAW]),
        np.array([r.method for r in RAW], dtype=np.int8),
        np.array([r.proto for r in RAW], dtype=np.int8), np.array([not r.line for r in RAW]),
        np.array([len(r.line) for r in RAW]), np.array(spoken, dtype=np.int8), np.array(known, dtype=np.int8),
    )


def drawn(u: NDArray[np.float64], kinds: NDArray[np.integer]) -> NDArray[np.int16]:
    """A line per uniform, of one of ``KINDS`` each, by weight."""
    found = np.zeros(len(u), dtype=np.int16)
    for k, kind in enumerate(KINDS):
        at = np.flatnonzero(kinds == k)
        mine = np.array([n for n, r in enumerate(RAW) if r.kind == kind])
        upto = np.cumsum([RAW[n].weight for n in mine])
        found[at] = mine[picked(u[at], upto)]
    return found


def servers(world: World) -> list[str]:
    """Each site as surveys name their target: ``192.0.2.7_80``."""
    sites = zip(world.sites.addr.tolist(), world.sites.port.tolist(), strict=True)
    return [f"{dotted(addr)}_{port}" for addr, port in sites]


def read(raw: NDArray[np.int16]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The columns (method, proto) that nginx reads in each line."""
    return _columns().method[raw], _columns().proto[raw]


def answer(world: World, seed: Seed, effects: Effects, asked: Table) -> Table:
    """``asked``, all of it raw, with what came back: HTTP at a plain port as ``web.respond`` says, a refusal else.

    Callers fill what they do for ``web.respond``; ``seed`` is the root seed. The rows' order may change.
    """
    lines = _columns().line[asked["raw"]] + 2
    headers = np.where(asked["proto"] >= 0, 62 + np.diff(world.agents.ua.offsets)[asked["agent"]], 0)
    asked = asked.replace(req_bytes=np.where(asked["method"] >= 0, lines + headers, 0))
    usual = _served(world, asked)
    served = collateral(*web.respond(world, seed, effects, asked.take(usual)))
    return concat([served, _refused(world, seed, asked.take(~usual))])


def _served(world: World, http: Table) -> NDArray[np.bool_]:
    served: NDArray[np.bool_] = (http["method"] >= 0) & world.sites.plain[http["site"]]
    return served


def _refused(world: World, seed: Seed, asked: Table) -> Table:
    heard, raw, ids = _columns(), asked["raw"], asked["id"]
    mine, empty, method = seed.child("raw"), heard.empty[raw], asked["method"]
    waits = empty & (mine.uniform(ids, "waits") < _WAITS)
    page = _pages(world, asked) + web.tokens(world, seed)[asked["site"]]
    u, trip = mine.uniform(ids, "slow"), wire.trips(asked["client"])
    stays = mine.uniform(ids, "stays") < _STAYS
    closes = np.where(stays, _LINGERS + 400 + (2_000 * u).astype(np.int64), trip + 300 + (400 * u).astype(np.int64))
    leaves = (20_000 * np.exp(1.5 * mine.normal(ids, "leaves"))).astype(np.int64) + 50
    dur = np.where(waits, _HEADER_TIMEOUT + (4_000 * u).astype(np.int64), np.where(empty, leaves, closes))
    return asked.replace(
        status=np.where(waits, 408, 400), bytes=np.where(empty | (method == METHODS.index("HEAD")), 0, page),
        dur=np.minimum(dur, web.MAX_DUR), upstream=-1, up_dur=0,
    )


def _pages(world: World, http: Table) -> I64:
    """Bytes of the page that refuses each row, its banner left out."""
    page = np.where(http["method"] >= 0, _PLAIN_PAGE, _BAD_PAGE)
    padded = (http["proto"] >= 0) & world.agents.padded[http["agent"]]
    return np.asarray(page + np.where(padded, web.PADDING, 0), dtype=np.int64)


def headers(world: World, http: Table, usual: I64) -> I64:
    """Bytes of each answer's header; ``usual`` where a page was served. HTTP/0.9 has none, no answer neither."""
    silent = (http["bytes"] == 0) & (http["method"] < 0) | (http["method"] >= 0) & (http["proto"] < 0)
    banner = np.where(http["bytes"] > 0, http["bytes"] - _pages(world, http), 0)
    return np.where(silent, 0, np.where(_served(world, http), usual, _HEADER + banner))


def flows(world: World, seed: Seed, http: Table) -> Table:
    """One flow row per row of ``http`` (answered), each of which is a connection of its own."""
    usual = _served(world, http) & (http["proto"] >= 0)
    return concat([wire.flows(world, seed, http.take(usual)), _flows(world, seed, http.take(~usual))])


def _flows(world: World, seed: Seed, http: Table) -> Table:
    heard, raw, n = _columns(), http["raw"], len(http)
    silent = (http["bytes"] == 0) & heard.empty[raw]
    left = silent & (http["status"] == 400)  # the client closed first; else it is nginx who does
    ids = _closed_by(seed, http["conn"], ~left)
    u, trip = seed.child("raw").uniform(http["id"], "ends"), wire.trips(http["client"])
    plain = world.sites.plain[http["site"]]
    named = np.array([len(name) - 1 for name in servers(world)])[http["site"]]
    sent = heard.sent[raw] + np.where(heard.names[raw], named, 0)
    return rows(
        "flow", n, id=ids, uid=ids, cause=http["cause"], t=http["t"] - trip - 400, dur=trip + 400 + http["dur"] + 200,
        truth=http["truth"], orig=http["client"], oport=http["cport"], resp=world.sites.addr[http["site"]],
        rport=world.sites.port[http["site"]], proto=code(TRANSPORTS, "tcp"),
        service=np.where(plain, heard.service[raw], heard.elsewhere[raw]),
        orig_bytes=np.where(http["method"] >= 0, http["req_bytes"], sent),
        resp_bytes=np.where(silent, 0, http["bytes"] + headers(world, http, np.zeros(n, dtype=np.int64))),
        state=np.where(~silent & (u < _RESETS), code(CONN_STATES, "RSTO"), code(CONN_STATES, "SF")),
    )


def _closed_by(seed: Seed, conn: U64, server: NDArray[Any]) -> U64:
    """Ids for the flows of ``conn`` that ``wire.server_closes`` finds closed as ``server`` says, but one in a hundred.

    Who closes is a fact of a flow's id; here the answer decides it, so the id is drawn again until it fits.
    """
    ids = seed.child("wire").noise(conn, "flow")
    for k in range(8):
        other = np.flatnonzero(wire.server_closes(ids) != server)
        ids[other] = seed.child("wire", k).noise(conn[other], "raw flow")
    return ids
