"""What happened, as tables by kind: the columns every builder fills and every source reads.

Each row has ``id`` (u64, unique), ``cause`` (u64: the session, step or activity that led to it), ``t`` (start,
UTC microseconds), ``dur`` (microseconds; the row is *done* at ``t + dur``) and ``truth`` (i32, 0 = benign).
All other columns are codes into the world's vocabularies and tables, addresses as u32, or plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from redgen.table import Schema, Table, concat

_COMMON = {"id": "u8", "cause": "u8", "t": "i8", "dur": "i8", "truth": "i4"}
_CLIENT = {"client": "u4", "cport": "i4", "agent": "i4", "device": "u8"}

HTTP: Schema = _COMMON | _CLIENT | {
    "site": "i2",        # code of the virtual host (World.sites)
    "actor": "i4",       # person (World.people) or -1
    "method": "i1",      # terms.METHODS
    "route": "i4",       # World.routes; the path template that obj, obj2 and word fill
    "obj": "i8", "obj2": "i8", "word": "i4",
    "ref": "i4",         # route of the referring page; -1 none; -2-k = external referer k (World.referers)
    "ref_obj": "i8", "ref_obj2": "i8", "ref_word": "i4",
    "status": "i2", "bytes": "i8",   # bytes = body bytes sent
    "req_bytes": "i4",   # request line, headers and body
    "conn": "u8", "conn_n": "i2",    # client connection (made by activity.connection.number: its start is in it), and
                         # which request on it this is (1-based)
    "proto": "i1",       # terms.HTTP_VERSIONS
    "raw": "i2",         # raw.RAW: the request line where it is not made of these columns, which are -1 where nobody
                         # could read it (method, route, proto); such a request came without TLS; -1 of all others
    "upstream": "i2",    # upstream server (World.upstreams) or -1 when served locally
    "up_dur": "i8",      # microseconds the upstream took
}
AUTH: Schema = _COMMON | _CLIENT | {
    "op": "i1",          # terms.AUTH_OPS
    "org": "i1",         # terms.ORGS: the IdP tenant
    "user": "i4",        # person, -1 when the login typed belongs to nobody
    "typed": "i4",       # World.typos: the login as typed, when user is -1
    "session": "u8",     # IdP session, 0 when none exists yet
    "flow": "u8",        # ties the steps of one authentication
    "result": "i1",      # terms.AUTH_RESULTS
    "factor": "i1",      # terms.FACTORS; of a right password: the one asked for next
    "app": "i2",         # World.apps or -1
    "target": "i4",      # the person acted upon by an administrator, -1 when the user acts on himself
    "novelty": "u1",     # terms.NOVELTY bits
    "risk": "i1",        # terms.RISKS
}
CLOUD: Schema = _COMMON | _CLIENT | {
    "op": "i2",          # World.cloud.ops: (event source, event name)
    "principal": "i4",   # World.cloud.principals
    "key": "u8",         # credential in use: 0 = the principal's own long-lived key, else a session or new key
    "session_t": "i8",   # when that session began, 0 without one
    "mfa": "i1", "console": "i1",
    "service": "i2",     # the AWS service that called on the principal's behalf (World.cloud.services), -1 none
    "region": "i1", "account": "i1",
    "error": "i2",       # terms.CLOUD_ERRORS, -1 none
    "res": "i4", "res2": "i4",       # resources (World.cloud.resources)
    "obj": "i8",         # object number inside a bucket, or another serial
    "new": "u8",         # seed of an identifier that the call creates (access key, session, instance)
    "bytes": "i8",
}
SHELL: Schema = _COMMON | {
    "client": "u4", "cport": "i4",
    "op": "i1",          # terms.SHELL_OPS
    "host": "i2",        # World.hosts
    "user": "i4",        # person or -1
    "name": "i4",        # World.unix_names: the account name
    "conn": "u8", "start": "i8",     # the connection (or job) this belongs to and when it began
    "method": "i1",      # terms.SSH_METHODS
    "n": "i4",           # tries, or the exit detail the op needs
    "key": "u8",         # seed of the public key's fingerprint
    "command": "i4",     # World.commands
    "serial": "i4",      # the host's number of the session, of logins and logouts; -1 = nobody counted
    "fresh": "i1",       # of logins: 1 when no manager of the user was running, -1 = nobody looked
}
DNS: Schema = _COMMON | {
    "client": "u4", "cport": "i4",
    "name": "i4",        # World.names, -1 when the name is made from ``label``
    "label": "u8", "zone": "i4",     # generated first label below World.zones[zone]
    "qtype": "i1", "rcode": "i1",    # terms.QTYPES, terms.RCODES; rcode -1 = no answer
    "answer": "u4", "ttl": "i4",
    "proto": "i1",       # terms.TRANSPORTS
}
FLOW: Schema = _COMMON | {
    "orig": "u4", "oport": "i4", "resp": "u4", "rport": "i4",
    "proto": "i1",       # terms.TRANSPORTS
    "service": "i1",     # terms.SERVICES, -1 unknown
    "orig_bytes": "i8", "resp_bytes": "i8",   # payload
    "state": "i1",       # terms.CONN_STATES
    "uid": "u8",         # seed of Zeek's uid; a dns row's uid is its own id
}
KINDS: Mapping[str, Schema] = {
    "http": HTTP, "auth": AUTH, "cloud": CLOUD, "shell": SHELL, "dns": DNS, "flow": FLOW,
}

Activity = Mapping[str, Table]
"""Tables by kind; a kind nobody asked for, or in which nothing happened, may be missing."""


def rows(kind: str, n: int | None = None, /, **columns: Any) -> Table:
    """A table of ``kind``; columns left out say nothing (-1, or 0 for counts and times)."""
    return Table(KINDS[kind], n, **columns)


def merge(parts: list[Activity]) -> dict[str, Table]:
    """All rows of several activities, kind by kind, in order."""
    kinds = [k for k in KINDS if any(k in part for part in parts)]
    return {k: concat([part[k] for part in parts if k in part]) for k in kinds}


def done_between(activity: Activity, start: int, stop: int) -> dict[str, Table]:
    """The rows whose end ``t + dur`` lies in [start, stop)."""
    kept = {}
    for kind, table in activity.items():
        done = table["t"] + table["dur"]
        inside = (done >= start) & (done < stop)
        kept[kind] = table if inside.all() else table.take(np.flatnonzero(inside))
    return kept
