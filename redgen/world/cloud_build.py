"""AWS accounts, principals and resources from the spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.seed import Seed
from redgen.spec.world import Resource, Role, WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world import bundled
from redgen.world.cloud import (
    PRINCIPAL_TYPES,
    RESOURCE_KINDS,
    SESSION_NAMES,
    Cloud,
    Ops,
    Principals,
    Resources,
    key_id,
)
from redgen.world.plan import AddressPlan
from redgen.world.populate import Census

CLOUD_SHARE = 0.4
"""Share of employees who work in the cloud console or its API at all (unverified)."""
OWN_SERVICES = ("cloudtrail", "config", "lambda", "ec2", "autoscaling", "ssm", "elasticloadbalancing", "s3", "logs",
                "secretsmanager", "rds", "guardduty", "ecs-tasks", "backup", "delivery.logs", "events")
"""Services that call in their own name in every account."""
HEX_IDS = {"instance": ("i-", 17), "snapshot": ("snap-", 17), "volume": ("vol-", 17), "security_group": ("sg-", 17),
           "image": ("ami-", 17), "detector": ("", 32)}
"""Kinds whose unnamed resources have an id of AWS's own: prefix and number of hex digits."""
NEWCOMERS = ("svc-metrics", "cloudwatch-sync", "support-readonly", "deploy-temp", "log-shipper", "aws-support")
"""IAM users whom nobody has created yet: principals without weight, whose resource belongs to no account so far."""


@dataclass
class _Draft:
    """Principals being listed; one dict of column values each."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, **values: Any) -> int:
        self.rows.append({"person": -1, "id": "", "key": "", "path": "/", "naming": -1, "session": "", "service": -1,
                          "addr": 0, "weight": 1.0, **values})
        return len(self.rows) - 1


def build_cloud(spec: WorldSpec, plan: AddressPlan, census: Census, seed: Seed) -> tuple[Cloud, NDArray[np.int32]]:
    """The cloud, and each person's principal (-1 none)."""
    cloud = spec.cloud
    numbers = [a.number or f"{100_000_000_000 + int(seed.child('account', a.alias).key % 899_999_999_999)}"
               for a in cloud.accounts]
    aliases = [a.alias for a in cloud.accounts]
    services = list(dict.fromkeys([*(f"{s}.amazonaws.com" for s in OWN_SERVICES),
                                   *(r.service for r in cloud.roles if r.service)]))
    draft = _Draft()
    if cloud.accounts:
        for i, number in enumerate(numbers):
            draft.add(type="Root", name="root", account=i, id=number, weight=0.01)
        owners = _people(spec, numbers, aliases, census, draft, seed)
        _machines(spec, plan, numbers, aliases, services, census, owners, draft, seed)
    else:
        owners = np.full(len(census.kind), -1, dtype=np.int32)
    principals = _principals(draft.rows)
    return Cloud(
        accounts=Vocabulary.of(numbers), aliases=Vocabulary.of(aliases), regions=Vocabulary.of(cloud.regions),
        ops=_ops(), principals=principals, services=Vocabulary.of(services),
        resources=_resources(spec, aliases, principals, seed),
    ), owners


def _account(alias: str | None, aliases: Sequence[str], what: str) -> int:
    if alias is None:
        return 0
    if alias not in aliases:
        raise DataError(f"{what}: unknown account {alias!r}{did_you_mean(alias, aliases)}")
    return aliases.index(alias)


def _role_name(role: Role, seed: Seed) -> str:
    """Identity Center's roles end in 16 hex digits."""
    reserved = role.name.startswith("AWSReservedSSO_")
    return f"{role.name}_{seed.child('role', role.name).key:016x}" if reserved else role.name


def _people(
    spec: WorldSpec, numbers: Sequence[str], aliases: Sequence[str], census: Census, draft: _Draft, seed: Seed
) -> NDArray[np.int32]:
    """A principal for each admin and a share of employees: an IAM user, or a session of a role they may assume."""
    owners = np.full(len(census.kind), -1, dtype=np.int32)
    start, stop = int(census.first[1]), int(census.first[3])
    ids = census.ids[start:stop]
    uses, own = seed.uniform(ids, "uses cloud"), seed.uniform(ids, "iam user")
    which = seed.uniform(ids, "role")
    by_kind = {kind: [r for r in spec.cloud.roles if r.people == kind and r.sessions == "login"]
               for kind in ("employee", "admin")}
    for n in range(stop - start):
        person = start + n
        kind = "admin" if census.kind[person] == 2 else "employee"
        local = census.login[person].partition("@")[0]
        number_seed = seed.child("person", kind, int(ids[n]))
        if own[n] < (1.0 if kind == "admin" else spec.cloud.iam_user_share or 0.0):
            owners[person] = draft.add(
                type="IAMUser", name=local, account=0, person=person, **_user_ids(numbers[0], number_seed))
        roles = by_kind[kind]
        if roles and (kind == "admin" or uses[n] < CLOUD_SHARE):
            upto = np.cumsum([r.weight for r in roles])
            role = roles[int(np.searchsorted(upto, which[n] * upto[-1], side="right"))]
            account = _account(role.account, aliases, f"role {role.name}")
            row = draft.add(
                type="AssumedRole", name=_role_name(role, seed), account=account, person=person, path=role.path,
                id=_role_id(role, account, numbers, seed), naming=SESSION_NAMES.index("login"),
                session=census.login[person])
            owners[person] = row if owners[person] < 0 else owners[person]
    return owners


def _user_ids(account: str, seed: Seed) -> dict[str, str]:
    """The principal id and the long-lived key of an IAM user."""
    return {"id": key_id("AIDA", account, seed.child("id").key), "key": key_id("AKIA", account, seed.child("key").key)}


def _role_id(role: Role, account: int, numbers: Sequence[str], seed: Seed) -> str:
    return key_id("AROA", numbers[account], seed.child("role id", role.name, account).key)


def _machines(
    spec: WorldSpec, plan: AddressPlan, numbers: Sequence[str], aliases: Sequence[str], services: Sequence[str],
    census: Census, owners: NDArray[np.int32], draft: _Draft, seed: Seed,
) -> None:
    """IAM users of programs, roles that services and machines assume, and services in their own name."""
    base = census.city[int(census.first[3])] if census.first[3] < len(census.kind) else 0
    ids = np.arange(len(spec.cloud.users) + len(spec.cloud.roles), dtype=np.uint64)
    addr = plan.near("cloud", np.full(len(ids), base, dtype=np.int32), ids, seed, "machine")
    made = []
    for i, name in enumerate(spec.cloud.users):
        keys = seed.child("user", name)
        made.append(draft.add(
            type="IAMUser", name=name, account=0, addr=int(addr[i]), weight=4.0, **_user_ids(numbers[0], keys)))
    for i, role in enumerate(spec.cloud.roles):
        if role.people in {"employee", "admin"} and role.sessions == "login":
            continue
        account = _account(role.account, aliases, f"role {role.name}")
        row = draft.add(
            type="AssumedRole", name=_role_name(role, seed), account=account, path=role.path, weight=role.weight,
            id=_role_id(role, account, numbers, seed), naming=SESSION_NAMES.index(role.sessions),
            session=role.session or role.name, service=services.index(role.service) if role.service else -1,
            addr=int(addr[len(spec.cloud.users) + i]))
        if role.people == "service":
            made.append(row)
    first, stop = int(census.first[3]), int(census.first[4])
    for person, row in zip(range(first, stop), made, strict=False):
        owners[person] = row
        draft.rows[row]["person"] = person
    for i, service in enumerate(services):
        draft.add(type="AWSService", name=service, account=0, service=i)
    taken = {row["name"] for row in draft.rows}
    for name in NEWCOMERS:
        if name not in taken:
            draft.add(type="IAMUser", name=name, account=0, weight=0.0,
                      id=key_id("AIDA", numbers[0], seed.child("user", name, "id").key))


def _principals(rows: list[dict[str, Any]]) -> Principals:
    def column(name: str, dtype: Any) -> Any:
        return np.array([row[name] for row in rows], dtype=dtype)

    return Principals(
        type=np.array([PRINCIPAL_TYPES.index(row["type"]) for row in rows], dtype=np.int8),
        name=Vocabulary.of(row["name"] for row in rows), account=column("account", np.int8),
        person=column("person", np.int32), id=Vocabulary.of(row["id"] for row in rows),
        key=Vocabulary.of(row["key"] for row in rows), path=Vocabulary.of(row["path"] for row in rows),
        naming=column("naming", np.int8), session=Vocabulary.of(row["session"] for row in rows),
        service=column("service", np.int16), addr=column("addr", np.uint32), weight=column("weight", np.float64),
    )


def _ops() -> Ops:
    rows = bundled.operations()

    def kinds(column: str) -> NDArray[np.int8]:
        return np.array([RESOURCE_KINDS.index(row[column]) if row[column] else -1 for row in rows], dtype=np.int8)

    return Ops(
        source=Vocabulary.of(row["source"] for row in rows), name=Vocabulary.of(row["name"] for row in rows),
        read=np.array([row["read"] == "1" for row in rows]), data=np.array([row["data"] == "1" for row in rows]),
        global_=np.array([row["global"] == "1" for row in rows]), resource=kinds("resource"),
        resource2=kinds("resource2"),
    )


def _resources(spec: WorldSpec, aliases: Sequence[str], principals: Principals, seed: Seed) -> Resources:
    """What the spec lists, and every role and IAM user as something that calls can be about."""
    rows: list[tuple[str, str, int, int, bool]] = []
    for resource in spec.cloud.resources:
        account = _account(resource.account, aliases, f"{resource.kind} {resource.name}")
        rows += [(resource.kind, _resource_name(resource, n, seed), account, resource.objects, resource.sensitive)
                 for n in range(resource.count)]
    seen = set()
    accounts = np.where(principals.weight > 0, principals.account, -1).tolist()
    for code, name, account in zip(principals.type, principals.name, accounts, strict=True):
        kind = {"IAMUser": "user", "AssumedRole": "role"}.get(PRINCIPAL_TYPES[code])
        if kind and (kind, name, account) not in seen:
            seen.add((kind, name, account))
            rows.append((kind, name, account, 0, False))
    regions = max(len(spec.cloud.regions), 1)
    place = seed.uniform(np.arange(len(rows), dtype=np.uint64), "region")
    return Resources(
        kind=np.array([RESOURCE_KINDS.index(row[0]) for row in rows], dtype=np.int8),
        name=Vocabulary.of(row[1] for row in rows), account=np.array([row[2] for row in rows], dtype=np.int8),
        region=np.where(place < 0.75, 0, (place * regions).astype(np.int64) % regions).astype(np.int8),
        objects=np.array([row[3] for row in rows], dtype=np.int64),
        sensitive=np.array([row[4] for row in rows], dtype=np.bool_),
    )


def _resource_name(resource: Resource, n: int, seed: Seed) -> str:
    if resource.name:
        return resource.name if resource.count == 1 else f"{resource.name}-{n + 1}"
    keys = seed.child("resource", resource.kind, resource.account or "", n)
    text = f"{keys.child('a').key:016x}{keys.child('b').key:016x}"
    if resource.kind == "key":
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
    prefix, digits = HEX_IDS.get(resource.kind, (f"{resource.kind.replace('_', '-')}-", 8))
    zero = "0" if prefix and digits == 17 else ""
    return f"{prefix}{zero}{text[: digits - len(zero)]}"
