"""Calls of the cloud API: complete cloud rows, and the calls that begin a session (assumed roles, console sign-ins)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import schema
from redgen.activity.signin import ports
from redgen.activity.terms import CLOUD_ERRORS
from redgen.clock import MILLISECOND, SECOND
from redgen.errors import DataError, did_you_mean
from redgen.seed import I64, U64, Seed, picked
from redgen.table import Table, concat
from redgen.world.cloud import PRINCIPAL_TYPES, RESOURCE_KINDS, Cloud
from redgen.world.plan import I32
from redgen.world.world import World

GLOBAL_REGION = "us-east-1"
"""Where calls of global services are logged."""
SESSION_WAYS = {
    "api": "sts:AssumeRole", "saml": "sts:AssumeRoleWithSAML", "web_identity": "sts:AssumeRoleWithWebIdentity",
    "service": "sts:AssumeRole", "vendor": "sts:AssumeRole",
}
"""How a role is assumed: by a principal, by somebody signed in at the IdP, by a workload's token, by AWS itself, by
somebody of an account that is not the organization's."""

_BUCKET, _OBJECT, _ROLE = (RESOURCE_KINDS.index(k) for k in ("bucket", "object", "role"))
_SERVICE = PRINCIPAL_TYPES.index("AWSService")
_LONGEST = 20 * SECOND
_SIZE_MEDIAN, _SIZE_SIGMA, _SIZE_CAP = 180_000.0, 1.9, 4_000_000_000
"""Object sizes: lognormal, bytes. Source: unverified."""
_TOOK_MS = 65.0
"""Median time of a call. Source: unverified."""


@dataclass(frozen=True)
class Opened:
    """Sessions that began: the ``rows`` that began them, and per session what later calls must carry."""

    rows: Table
    principal: NDArray[np.int32]   # the role (or user) that calls from now on
    key: NDArray[np.uint64]        # the session's credential, 0 where none began
    session_t: NDArray[np.int64]


def codes(world: World, ops: Sequence[str]) -> NDArray[np.int64]:
    """The rows of ``World.cloud.ops`` for names such as ``"s3:GetObject"``; DataError names the nearest."""
    table = world.cloud.ops
    known = {f"{s}:{n}": i for i, (s, n) in enumerate(zip(table.source, table.name, strict=True))}
    for op in ops:
        if op not in known:
            raise DataError(f"unknown cloud operation {op!r}{did_you_mean(op, known)}")
    return np.array([known[op] for op in ops], dtype=np.int64)


def rows(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, op: Any, principal: Any, client: Any = 0,  # noqa: A002
    agent: Any = -1, cport: Any = -1, device: Any = 0, dur: Any = None, key: Any = 0, session_t: Any = 0, mfa: Any = 0,
    console: Any = 0, service: Any = -1, region: Any = -1, account: Any = -1, error: Any = -1, res: Any = -1,
    res2: Any = -1, obj: Any = -1, new: Any = 0, bytes: Any = -1,  # noqa: A002
) -> Table:
    """Cloud rows with what was left out filled in.

    Arguments are columns of schema.CLOUD, arrays of one length or scalars (``id`` and ``t`` arrays). ``op``: codes (see
    ``codes``). Filled when -1: ``region`` (that of the resource, else the account's home; global services us-east-1),
    ``account`` (the principal's), ``res`` and ``res2`` (one of the account's resources of the op's kind, the same few
    most of the time), ``obj`` (an object of the bucket, by popularity), ``bytes`` (the object's own size), ``agent``
    (the SDK of the principal's software). ``client`` 0 is where the principal's software runs. ``new`` 0 is drawn for
    ops that create an identifier. ``dur`` None draws the call's time. ``service`` >= 0 says that AWS calls on behalf of
    the principal, and an AWSService principal is AWS itself: neither has a client address or agent. Failed calls move
    no bytes and create nothing. ``seed`` is the dataset's root.
    """
    table = schema.rows(
        "cloud", len(id), id=id, cause=cause, t=t, dur=0 if dur is None else dur, truth=truth, op=op,
        principal=principal, client=client, agent=agent, cport=cport, device=device, key=key, session_t=session_t,
        mfa=mfa, console=console, service=service, region=region, account=account, error=error, res=res, res2=res2,
        obj=obj, new=new, bytes=bytes,
    )
    seed = seed.child("calls")
    table = _called_from(world, seed, table)
    table = _about(world.cloud, seed, table)
    return _outcome(world.cloud, seed, table, timed=dur is not None)


def _called_from(world: World, seed: Seed, table: Table) -> Table:
    """Address, agent and port: none for AWS itself, the principal's own software where nothing was said."""
    principals, who = world.cloud.principals, table["principal"]
    aws = (table["service"] >= 0) | (principals.type[who] == _SERVICE)
    client = np.where(table["client"] == 0, principals.addr[who], table["client"])
    own = _software(world, seed, who)
    agent = np.where(aws, -1, np.where(table["agent"] < 0, own, table["agent"])).astype(np.int32)
    drawn = ports(world, seed, agent, seed.noise(table["cause"], "connection") ^ table["key"])
    cport = np.where(aws, -1, np.where(table["cport"] < 0, drawn, table["cport"]))
    return table.replace(client=np.where(aws, 0, client), agent=agent, cport=cport)


def _software(world: World, seed: Seed, who: I32) -> I32:
    """The SDK of each principal's software; that of functions says where it runs, and no other does."""
    cloud, agents = world.cloud, world.agents
    sdk, weight = agents.agents_of("aws_sdk")
    inside = np.array(["exec-env/AWS_Lambda" in agents.ua[k] for k in sdk])
    function = np.array([name.startswith("lambda.") for name in cloud.services] + [False])
    runs = function[cloud.principals.service[who]]
    u, found = seed.uniform(who.astype(np.uint64), "software"), np.zeros(len(who), dtype=np.int32)
    for some, kept in ((runs, inside), (~runs, ~inside)):
        upto = np.cumsum(np.where(kept if kept.any() else True, weight, 0.0))
        found[some] = sdk[picked(u[some], upto)]
    return found


def own_software(world: World, seed: Seed, principal: int) -> int:
    """The agent that a principal's software calls with. ``seed`` is the dataset's root."""
    return int(_software(world, seed.child("calls"), np.array([principal], dtype=np.int32))[0])


def _about(cloud: Cloud, seed: Seed, table: Table) -> Table:
    """Account, resources, object and region of each call."""
    ops, op = cloud.ops, table["op"]
    account = np.where(table["account"] < 0, cloud.principals.account[table["principal"]], table["account"])
    account = np.maximum(account, 0)
    who = table["principal"]
    found = {}
    for name, kind in (("res", ops.resource), ("res2", ops.resource2)):
        usual = pick(cloud, seed, table["id"], who, kind[op], account, name)
        found[name] = np.where(table[name] < 0, usual, table[name])
    res = found["res"]
    number = np.where(res >= 0, cloud.resources.objects[res], 0)
    popular = np.floor(np.maximum(number, 1) ** seed.uniform(table["id"], "obj")).astype(np.int64) - 1
    obj = np.where((table["obj"] < 0) & (ops.resource[op] == _OBJECT) & (number > 0), popular, table["obj"])
    there = np.where(res >= 0, cloud.resources.region[res], 0)
    home = np.where(ops.global_[op], _region(cloud, GLOBAL_REGION), np.maximum(there, 0))
    region = np.where(table["region"] < 0, home, table["region"])
    return table.replace(account=account, obj=obj, region=region, **found)


def pick(
    cloud: Cloud, seed: Seed, ids: U64, principal: I32, kind: NDArray[np.int8], account: NDArray[np.integer], name: str
) -> I32:
    """A resource of ``kind`` in ``account`` for each id; each principal has its own few that it uses most; -1 = none.

    Objects are picked by their bucket; a program's are in one bucket four times in five.
    """
    stored = kind == _OBJECT
    kind = np.where(kind == _OBJECT, _BUCKET, kind).astype(np.int64)
    owned = cloud.resources.kind.astype(np.int64) * 256 + cloud.resources.account
    order = np.argsort(owned, kind="stable")
    wanted = kind * 256 + account
    first = np.searchsorted(owned[order], wanted, side="left")
    count = np.searchsorted(owned[order], wanted, side="right") - first
    some = np.flatnonzero((kind >= 0) & (count > 0))
    found = np.full(len(ids), -1, dtype=np.int32)
    if len(some):
        first, count = first[some], count[some]
        works = (cloud.principals.person[principal[some]] < 0) & stored[some]
        rank = np.floor(count ** (seed.uniform(ids[some], name) ** np.where(works, 5.0, 1.5))).astype(np.int64) - 1
        own = seed.noise(principal[some].astype(np.uint64) * np.uint64(64) + kind[some].astype(np.uint64), "own")
        found[some] = order[first + ((own % count.astype(np.uint64)).astype(np.int64) + rank) % count]
    return found


def _region(cloud: Cloud, region: str) -> int:
    """The code of a region; the home region where the organisation does not know it."""
    names = list(cloud.regions)
    return names.index(region) if region in names else 0


def _outcome(cloud: Cloud, seed: Seed, table: Table, *, timed: bool) -> Table:
    """Bytes, new identifiers and time of each call."""
    ops, op, ids = cloud.ops, table["op"], table["id"]
    failed = table["error"] >= 0
    named = ops.read[op] & ~np.isin(op, _giving_keys(cloud))
    new = np.where(table["new"] > 0, table["new"], np.where(named, np.uint64(0), seed.noise(ids, "new")))
    moved = np.where(np.isin(op, _moving(cloud)), object_bytes(seed, table["res"], table["obj"]), 0)
    size = np.where(table["bytes"] < 0, moved, table["bytes"])
    found: dict[str, Any] = {"new": np.where(failed, np.uint64(0), new), "bytes": np.where(failed, 0, size)}
    if not timed:
        took = _TOOK_MS * MILLISECOND * np.exp(0.8 * seed.normal(ids, "took")) + found["bytes"] / 40.0
        found["dur"] = np.minimum(took, _LONGEST).astype(np.int64)
    return table.replace(**found)


def object_bytes(seed: Seed, res: I32, obj: I64) -> I64:
    """The size of objects in buckets: a fact of (bucket, object). ``seed``: root/calls."""
    what = seed.noise(res.astype(np.uint64), "bucket") ^ obj.astype(np.uint64)
    drawn = _SIZE_MEDIAN * np.exp(_SIZE_SIGMA * seed.normal(what, "size"))
    size: I64 = np.minimum(drawn, _SIZE_CAP).astype(np.int64) + 1
    return size


def _moving(cloud: Cloud) -> NDArray[np.int64]:
    """Operations that move an object."""
    names = np.array(list(cloud.ops.name))
    return np.flatnonzero(np.isin(names, ("GetObject", "PutObject")))


def _giving_keys(cloud: Cloud) -> NDArray[np.int64]:
    """Reads that hand out new credentials all the same."""
    names = np.array(list(cloud.ops.name))
    given = (*(way.partition(":")[2] for way in SESSION_WAYS.values()), "GetSessionToken", "GetFederationToken")
    return np.flatnonzero(np.isin(names, given))


def assume(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, role: Any, principal: Any = -1,  # noqa: A002
    client: Any = 0, agent: Any = -1, key: Any = 0, session_t: Any = 0, mfa: Any = 0, way: str = "api", error: Any = -1,
    machine: Any = None,
) -> Opened:
    """Assume roles: one row each; calls that follow carry ``principal`` (the role), ``key`` and ``session_t``.

    ``role``: the role's row in ``World.cloud.principals``; ``principal``: who assumes it, with ``key`` and
    ``session_t`` of its own session. ``way``: one of SESSION_WAYS. ``saml``, ``web_identity`` and ``vendor`` come from
    outside: the caller is not a principal yet, and the row's principal is the role itself. ``service``: the caller is
    the AWS service that the role belongs to. ``machine``: which of several machines each session is for (its number
    goes into the credential's top bits and gives the session its name); None says nothing of machines. Roles that
    Identity Center manages are assumed in its own region, others by SAML in us-east-1.
    """
    cloud, n = world.cloud, len(id)
    role = np.broadcast_to(np.asarray(role, dtype=np.int32), n)
    caller: Any = principal
    if way == "service":
        caller = _service_principals(cloud)[cloud.principals.service[role]]
    elif way in {"saml", "web_identity", "vendor"}:
        caller = role
    made = rows(
        world, seed, id=id, cause=cause, t=t, truth=truth, op=codes(world, [SESSION_WAYS[way]])[0], principal=caller,
        client=client, agent=agent, key=key, session_t=session_t, mfa=mfa, error=error, res=role_resource(cloud, role),
        account=cloud.principals.account[role], region=_saml_region(cloud, role) if way == "saml" else -1,
    )
    if machine is not None:
        low = made["new"] & np.uint64((1 << 48) - 1)
        named = np.asarray(machine).astype(np.uint64) << np.uint64(48) | low
        made = made.replace(new=np.where(made["new"] > 0, named, made["new"]))
    ok = made["error"] < 0
    return Opened(made, role, made["new"], np.where(ok, made["t"] + made["dur"], 0))


def _saml_region(cloud: Cloud, role: I32) -> NDArray[np.int64]:
    """Where each role is assumed by SAML: Identity Center in its home region, else the global endpoint's region."""
    managed = np.array([path.startswith("/aws-reserved/") for path in cloud.principals.path])
    return np.where(managed[role], 0, _region(cloud, GLOBAL_REGION))


def _service_principals(cloud: Cloud) -> NDArray[np.int64]:
    """The AWSService principal of each service; where there is none, the first."""
    acting = {cloud.principals.name[p]: int(p) for p in cloud.principals_of("AWSService")}
    first = min(acting.values(), default=0)
    return np.array([acting.get(name, first) for name in cloud.services], dtype=np.int64)


def role_resource(cloud: Cloud, role: I32) -> I32:
    """The resource that each role principal is when somebody assumes it; -1 where it is not listed."""
    named = {(cloud.resources.account[r], cloud.resources.name[r]): int(r) for r in cloud.resources_of("role")}
    which, at = np.unique(role, return_inverse=True)
    found = [named.get((cloud.principals.account[p], cloud.principals.name[p]), -1) for p in which]
    return np.array(found, dtype=np.int32)[at]


def console_login(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, principal: Any, client: Any, agent: Any,  # noqa: A002
    mfa: Any = 1, key: Any = 0, session_t: Any = 0, error: Any = -1,
) -> Opened:
    """Sign in to the console: CheckMfa (users with MFA) and ConsoleLogin rows; the session's calls carry ``console`` 1.

    For roles give the session from ``assume(way="saml")``: its key and start are kept, and its MFA was the IdP's.
    ``error``: terms.CLOUD_ERRORS (``Failed authentication``), no session then (key 0).
    """
    mine, ids = seed.child("console"), np.asarray(id, dtype=np.uint64)
    op = codes(world, ["signin:CheckMfa", "signin:ConsoleLogin"])
    held = np.broadcast_to(np.asarray(key, dtype=np.uint64), len(ids))
    asks = (np.broadcast_to(np.asarray(mfa), len(ids)) > 0) & (held == 0)
    typing = np.where(asks, (2 + 9 * mine.uniform(ids, "code")) * SECOND, 0).astype(np.int64)
    made = rows(
        world, seed, id=mine.noise(ids, "login"), cause=cause, t=np.asarray(t) + typing, truth=truth, op=op[1],
        principal=principal, client=client, agent=agent, console=1, mfa=mfa, key=key, session_t=session_t, error=error,
        region=np.where(held > 0, _saml_region(world.cloud, np.broadcast_to(principal, len(ids))), -1),
    )
    checks = made.take(np.flatnonzero(asks))
    asked = checks["t"] - typing[asks]
    checks = checks.replace(id=mine.noise(checks["id"], "check"), t=asked, op=op[0], new=0, error=-1)
    ok = made["error"] < 0
    begun = np.where(held > 0, np.asarray(session_t, dtype=np.int64), made["t"] + made["dur"])
    credential = np.where(held > 0, held, made["new"])
    return Opened(concat([checks, made]), made["principal"], credential, np.where(ok, begun, 0))


def error_codes(words: Sequence[str]) -> NDArray[np.int16]:
    """Codes of terms.CLOUD_ERRORS."""
    return np.array([CLOUD_ERRORS.index(word) for word in words], dtype=np.int16)
