"""Small activities told by hand: what one visitor, one attacker, one administrator did."""

from __future__ import annotations

from typing import Any

import numpy as np

from redgen.activity import terms
from redgen.activity.connection import number
from redgen.activity.schema import rows
from redgen.clock import MILLISECOND, SECOND, parse_time
from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World

NOON = parse_time("2026-01-12T12:00:00Z")
VISITOR, ATTACKER, DESK = 0xF1020304, 0xF50A0B0C, 0x0A140411


def ids(name: str, n: int) -> Any:
    """Row ids."""
    return Seed(5).noise(np.arange(n, dtype=np.uint64), name)


def codes(words: tuple[str, ...], chosen: list[str]) -> list[int]:
    """The codes of words."""
    return [words.index(word) for word in chosen]


def visit(world: World) -> Table:
    """A visitor asks for one page of each route, with every kind of referer, and meets every kind of upstream."""
    routes, n = world.routes, len(world.routes)
    t = NOON + np.arange(n) * 1_234_567
    site = routes.site.astype(np.int64)
    ref = np.where(np.arange(n) % 4 == 0, -1, np.where(np.arange(n) % 4 == 1, -2, np.arange(n) - 1))
    status = np.array([200, 304, 502, 504, 499, 404])[np.arange(n) % 6]
    local = routes.local | (world.sites.stop[site] <= world.sites.first[site])
    return rows(
        "http", n, id=ids("visit", n), t=t, dur=250 * MILLISECOND + np.arange(n) * 777, client=VISITOR, cport=51_822,
        agent=np.arange(n) % len(world.agents), device=1, site=site, actor=-1, method=routes.method, route=np.arange(n),
        obj=np.arange(n) * 37 + 5, obj2=3, word=np.arange(n) % len(world.words), ref=ref, ref_obj=41, ref_obj2=2,
        ref_word=0, status=status, bytes=np.where(status == 304, 0, 1_000 + np.arange(n) * 5_000), req_bytes=412,
        conn=number(np.full(n, NOON), ids("connection", n) % np.uint64(7)), conn_n=np.arange(n) % 9 + 1,
        proto=np.arange(n) % 2, upstream=np.where(local, -1, world.sites.first[site]), up_dur=200 * MILLISECOND,
    )


def flows(world: World) -> Table:
    """One connection in each state, then UDP, ICMP, a server that speaks first, a big download, a half-open scan."""
    tcp = list(terms.CONN_STATES)
    state = codes(terms.CONN_STATES, [*tcp, "SF", "S0", "OTH", "SF", "SF", "RSTO"])
    n, m = len(state), len(tcp)
    proto = [0] * m + codes(terms.TRANSPORTS, ["udp", "udp", "icmp", "tcp", "tcp", "tcp"])
    service = [1] * m + [terms.SERVICES.index("ntp"), -1, -1, terms.SERVICES.index("ssh"), 1, -1]
    sent = [1_892] * m + [48, 64, 56, 3_000, 900, 0]
    got = [6_411] * m + [48, 0, 56, 9_000, 40_000_000, 0]
    return rows(
        "flow", n, id=ids("flow", n), uid=ids("flow", n), t=NOON + np.arange(n) * 1_111_111,
        dur=4_117_552 + np.arange(n) * 1_000, orig=[DESK] * m + [VISITOR] * (n - m), oport=51_544 + np.arange(n),
        resp=world.sites.addr[0], rport=443, proto=proto, service=service, orig_bytes=sent, resp_bytes=got, state=state,
    )


def lookups(world: World) -> Table:
    """Each type of question; an unknown name, a refusal, no reply; a generated label; a reverse lookup."""
    qtype = codes(terms.QTYPES, [*terms.QTYPES, "A", "A", "A", "A", "TXT", "AAAA"])
    n, m = len(qtype), len(terms.QTYPES)
    rcode = [0] * m + [terms.RCODES.index("NXDOMAIN"), terms.RCODES.index("REFUSED"), -1, 0, 0, 0]
    return rows(
        "dns", n, id=ids("dns", n), t=NOON + np.arange(n) * 500_000, dur=14_203, client=DESK,
        cport=40_213 + np.arange(n), name=[*range(m), 1, 2, 3, -1, -1, 4], label=ids("label", n), zone=0,
        qtype=qtype, rcode=rcode,
        answer=[VISITOR] * m + [0, 0, 0, VISITOR, 0, 0], ttl=300, proto=1,
    )


def logins(world: World) -> Table:
    """Guesses at unknown and known accounts, a login, work as root, a new account, jobs, scanners."""
    hosts = world.hosts
    guess, admin = hosts.owned, int(np.flatnonzero(hosts.uids >= 1000)[0])
    root = hosts.unix_names.code("root")
    # (op, name, method, n, second)
    told = [
        ("invalid_user", guess, 0, 0, 0), ("failed_password", guess, 0, 1, 2), ("closed_preauth", guess, 0, 0, 3),
        ("pam_failure", root, 0, 0, 10), ("failed_password", root, 0, 1, 12), ("failed_password", root, 0, 2, 15),
        ("pam_more_failures", root, 0, 1, 16), ("max_tries", root, 0, 6, 30), ("max_tries", guess, 0, 6, 31),
        ("no_ident", -1, 0, 0, 35), ("closed_preauth", -1, 0, 0, 36), ("disconnect_preauth", root, 0, 0, 37),
        ("disconnect_preauth", guess, 0, 0, 38), ("disconnect_preauth", -1, 0, 0, 39),
        ("failed_password", admin, 1, 1, 40), ("failed_password", guess, 2, 1, 41),
        ("failed_password", admin, 2, 1, 42), ("accepted", admin, 1, 0, 50), ("sudo", admin, 0, 0, 60),
        ("sudo_denied", admin, 0, 0, 90),
        ("sudo_denied", admin, 0, 3, 95), ("useradd", guess, 0, 0, 120), ("usermod_sudo", guess, 0, 0, 121),
        ("passwd_changed", guess, 0, 0, 122), ("accepted", guess, 0, 0, 130), ("disconnect", guess, 0, 0, 140),
        ("disconnect", admin, 1, 0, 150), ("cron_open", root, 0, 0, 300), ("cron_close", root, 0, 0, 302),
        ("accepted", admin, 2, 0, 310),
    ]
    op, name, method, n, second = (list(part) for part in zip(*told, strict=True))
    return rows(
        "shell", len(told), id=ids("shell", len(told)), t=NOON + np.array(second) * SECOND, dur=0, client=ATTACKER,
        cport=51_822, op=codes(terms.SHELL_OPS, op), host=0, user=-1, name=name,
        conn=ids("conn", len(told)) % np.uint64(3), start=NOON - SECOND, method=method, n=n, key=77, command=0,
    )


def everything(world: World) -> dict[str, Table]:
    """All of them, without truth."""
    told = {"http": visit(world), "flow": flows(world), "dns": lookups(world), "shell": logins(world)}
    return {kind: table.without("truth") for kind, table in told.items()}
