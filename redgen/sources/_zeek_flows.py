"""How connections look in packets: history letters, packet and IP byte counts, and when Zeek forgets them.

Pure functions of a flow's own columns and of uniforms drawn for it. Header sizes: IPv4 20, TCP 20 plus 12 with
timestamps, SYN 20 more than the bare 20 + 20 (12 without timestamps), UDP and ICMP 8.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import CONN_STATES, SERVICES, TRANSPORTS
from redgen.clock import MILLISECOND, SECOND
from redgen.seed import F64, I64
from redgen.vocabulary import Vocabulary

TCP, UDP, ICMP = (TRANSPORTS.index(p) for p in ("tcp", "udp", "icmp"))
SF, S0, REJ, S1, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR, OTH = range(len(CONN_STATES))
_ESTABLISHED = np.isin(np.arange(len(CONN_STATES)), (SF, S1, S2, S3, RSTO, RSTR))
_DNS, _SSH = SERVICES.index("dns"), SERVICES.index("ssh")

UNTIL_REMOVED = np.zeros((len(TRANSPORTS), len(CONN_STATES)), dtype=np.int64)
"""From the last packet until Zeek removes the connection and writes it, by transport and state (Zeek's defaults)."""
UNTIL_REMOVED[TCP] = 5 * SECOND                      # tcp_close_delay, tcp_attempt_delay
UNTIL_REMOVED[TCP, [REJ, RSTO, RSTR, RSTOS0, RSTRH]] = 100 * MILLISECOND   # tcp_reset_delay
UNTIL_REMOVED[TCP, [S2, S3]] = 3 * SECOND            # tcp_partial_close_delay
UNTIL_REMOVED[TCP, [S1, OTH]] = 300 * SECOND         # tcp_inactivity_timeout
UNTIL_REMOVED[[UDP, ICMP]] = 60 * SECOND             # udp_inactivity_timeout, icmp_inactivity_timeout
DNS_REMOVED = 10 * SECOND                            # dns_session_timeout
LONGEST_DELAY = 300 * SECOND

_EVENTS = ("", "T", "t")  # nothing resent, by the originator, by the responder


class Packets(NamedTuple):
    """Packets and IP bytes each way."""

    orig: I64
    orig_bytes: I64
    resp: I64
    resp_bytes: I64


def history(
    state: int, transport: int, orig: bool, resp: bool, server_first: bool, server_closes: bool, resent: int,
) -> str:
    """Zeek's history of a connection: letters in the order of first occurrence, upper case by the originator.

    >>> history(SF, TCP, True, True, False, False, 0), history(SF, TCP, True, True, True, True, 0)
    ('ShADadFf', 'ShAdDafF')
    """
    if transport == ICMP:
        return ""
    if transport == UDP:
        return "^d" if state == SHR else "D" * (orig or not resp) + "d" * (resp and state != S0)
    special = {S0: "S", REJ: "Sr", RSTOS0: "SR", RSTRH: "^hr", SH: "SF", SHR: "^h" + "d" * resp + "af"}
    if state in special:
        return special[state]
    mine, theirs = ("D" + "T" * (resent == 1)) * orig, ("d" + "t" * (resent == 2)) * resp
    data = theirs + mine + "a" * orig if server_first and resp else mine + "a" * orig + theirs
    if state == OTH:
        return data.replace("a", "") + "A" * resp + "a" * orig
    close = {SF: "fF" if server_closes else "Ff", S2: "F", S3: "f", RSTO: "fR" if server_closes and data else "R",
             RSTR: "r" if server_closes or not data else "Fr"}.get(state, "")
    return "Sh" + ("" if state == RSTO and not data else "A") + data + close


@cache
def histories() -> tuple[Vocabulary, NDArray[np.int16]]:
    """Every history there is, and its code by the seven arguments of ``history``."""
    sizes = (len(CONN_STATES), len(TRANSPORTS), 2, 2, 2, 2, len(_EVENTS))
    texts = [history(s, p, *map(bool, flags), resent)  # type: ignore[call-arg]
             for s, p, *flags, resent in itertools.product(*map(range, sizes))]
    words = list(dict.fromkeys(texts))
    codes = {word: k for k, word in enumerate(words)}
    return Vocabulary.of(words), np.array([codes[t] for t in texts], dtype=np.int16).reshape(sizes)


def settled(
    state: NDArray[np.int8], proto: NDArray[np.int8], orig: I64, resp: I64,
) -> tuple[NDArray[np.int8], I64, I64]:
    """(state, payload each way) as they can be: UDP is SF, S0 or SHR, ICMP is OTH; who is not heard sends nothing."""
    tcp = proto == TCP
    mute = np.isin(state, (S0, REJ, RSTOS0, RSTRH, SH))
    orig = np.where(tcp & (mute | (state == SHR)) | ~tcp & (state == SHR), 0, orig)
    resp = np.where(tcp & mute | ~tcp & (state == S0), 0, resp)
    udp = np.where(resp == 0, S0, np.where(orig == 0, SHR, SF))
    return np.where(tcp, state, np.where(proto == UDP, udp, OTH)).astype(np.int8), orig, resp


def spoken(service: NDArray[np.int8], proto: NDArray[np.int8], orig: I64, resp: I64) -> NDArray[np.int8]:
    """The service that Zeek recognizes: it needs both sides of a TCP connection to have spoken."""
    heard = (proto != TCP) | (orig > 0) & (resp > 0)
    return np.where(heard, service, -1).astype(np.int8)


def tries(dur: I64) -> I64:
    """How many SYN packets an unanswered attempt of that length sent: at 0, 1, 3, 7, … seconds."""
    return 1 + np.log2(np.maximum(dur / SECOND, 0) + 1 + 1e-9).astype(np.int64)


def count(
    proto: NDArray[np.int8], state: NDArray[np.int8], dur: I64, orig: I64, resp: I64, stamps: NDArray[np.bool_],
    resent: NDArray[np.int64], u: F64, *, bare: I64 | int = 0, server_closes: NDArray[np.bool_] | bool = False,
) -> Packets:
    """Packets and IP bytes of flows with payload ``orig`` and ``resp``; ``stamps``: TCP timestamps in use.

    ``bare``: bytes of the SYN where a scanner's own stack made it (40 without options, 44 with one), else 0.
    Each side sends full segments and a few short ones, and acknowledges every second segment of the other.
    """
    mss = np.where(stamps, 1448, 1460)
    out, back = _segments(orig, mss, u), _segments(resp, mss, 1 - u)
    stamps = stamps & (np.asarray(bare) == 0)
    header, syn = np.where(stamps, 52, 40), np.where(stamps, 60, np.where(bare, bare, 52))
    begun = _ESTABLISHED[state]
    ends_mine = np.isin(state, (SF, S2, RSTO)).astype(np.int64)
    ends_theirs = np.isin(state, (SF, S3, RSTR)).astype(np.int64)
    silent = (orig == 0) & (resp == 0)
    scan = (state == RSTO) & silent
    ends_mine += (state == RSTR) & ~np.asarray(server_closes) & ~silent
    ends_theirs += (state == RSTO) & np.asarray(server_closes) & ~silent
    po = np.where(begun, 2 - scan + out + (back + 1) // 2 + ends_mine + (state == SF), 0)
    pr = np.where(begun, 1 + back + (out + 1) // 2 + ends_theirs, 0)
    for code, mine, theirs in ((S0, tries(dur), 0), (REJ, 1, 1), (RSTOS0, 2, 0), (RSTRH, 0, 2), (SH, 2, 0),
                               (SHR, 0, 3 + back), (OTH, out + back, back + out)):
        po, pr = np.where(state == code, mine, po), np.where(state == code, theirs, pr)
    bo = po * header + orig + np.where(begun | np.isin(state, (RSTOS0, SH)), syn - header, 0)
    bo = np.where((state == S0) | (state == REJ), po * syn, bo)
    br = pr * header + resp + np.where(begun | np.isin(state, (RSTRH, SHR)), syn - header, 0)
    br = np.where(state == REJ, 40 * pr, br)
    again = np.minimum(mss, np.where(resent == 1, orig, resp)) + header
    po, bo = po + (resent == 1), bo + np.where(resent == 1, again, 0)
    pr, br = pr + (resent == 2), br + np.where(resent == 2, again, 0)
    datagrams, replies = _datagrams(orig), _datagrams(resp)
    flat = proto != TCP
    datagrams = np.maximum(datagrams, flat & (resp == 0))
    return Packets(*(np.where(flat, a, b).astype(np.int64) for a, b in (
        (datagrams, po), (orig + 28 * datagrams, bo), (replies, pr), (resp + 28 * replies, br))))


def _segments(size: I64, mss: I64, u: F64) -> I64:
    """Data segments: as many as needed, and up to three short ones at the seams of messages."""
    return np.where(size > 0, np.minimum(-(-size // mss) + (4 * u).astype(np.int64), size), 0)


def _datagrams(size: I64) -> I64:
    return -(-size // 1_200)
