"""Cloud: AWS accounts with their operations, principals and resources."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.seed import F64
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, U32, Bools

PRINCIPAL_TYPES = ("IAMUser", "AssumedRole", "Root", "AWSService")
"""``userIdentity.type``: a role's row is what shows when someone has assumed it; services act in their own name."""
SESSION_NAMES = ("fixed", "login", "instance", "stamp")
"""How sessions of a role are named: its ``session`` text; the person's login; an instance id; text and a time stamp."""
RESOURCE_KINDS = (
    "bucket", "object", "secret", "trail", "key", "role", "user", "policy", "instance", "function", "table",
    "parameter", "log_group", "stack", "repository", "queue", "topic", "cluster", "db", "db_snapshot", "snapshot",
    "volume", "security_group", "image", "model", "detector", "document", "task", "group",
)
"""What a call can be about; ``Ops.resource`` and ``Resources.kind`` are positions in this tuple."""


@dataclass(frozen=True)
class Ops:
    """One row per (event source, event name), as listed in ``cloud_ops.csv``."""

    source: Vocabulary             # "s3": the event source without ".amazonaws.com"
    name: Vocabulary               # "GetObject"
    read: Bools
    data: Bools                    # a data event, not a management event
    global_: Bools                 # logged in us-east-1 whatever the region
    resource: NDArray[np.int8]     # RESOURCE_KINDS of ``res``, -1 none
    resource2: NDArray[np.int8]    # of ``res2``

    def __len__(self) -> int:
        return len(self.read)

    def code(self, op: str) -> int:
        """The row of ``"s3:GetObject"``; DataError names the nearest when there is none."""
        source, _, name = op.partition(":")
        known = {f"{s}:{n}": i for i, (s, n) in enumerate(zip(self.source, self.name, strict=True))}
        if f"{source}:{name}" not in known:
            raise DataError(f"unknown cloud operation {op!r}{did_you_mean(op, known)}")
        return known[op]


@dataclass(frozen=True)
class Principals:
    """One row per identity that can call; columns of length n."""

    type: NDArray[np.int8]         # PRINCIPAL_TYPES
    name: Vocabulary               # user name, role name, "root", or "lambda.amazonaws.com"
    account: NDArray[np.int8]      # row of ``Cloud.accounts``
    person: I32                    # whose it is, -1 when it belongs to no single person
    id: Vocabulary                 # AIDA… or AROA…; the account number for root; empty for services
    key: Vocabulary                # the long-lived AKIA… key, empty without one
    path: Vocabulary               # "/" or "/service-role/"
    naming: NDArray[np.int8]       # SESSION_NAMES, -1 for what has no sessions
    session: Vocabulary            # fixed session name, or the text before a stamp
    service: NDArray[np.int16]     # which service assumes this role by itself (Cloud.services), -1 none
    addr: U32                      # where it calls from when no person does: the account's NAT; 0 = the person's own
    weight: F64                    # relative activity within its type

    def __len__(self) -> int:
        return len(self.type)


@dataclass(frozen=True)
class Resources:
    """One row per resource that calls are about; columns of length n."""

    kind: NDArray[np.int8]         # RESOURCE_KINDS
    name: Vocabulary               # bucket name, secret name, instance id, key id, …
    account: NDArray[np.int8]
    region: NDArray[np.int8]       # row of ``Cloud.regions``
    objects: NDArray[np.int64]     # objects inside a bucket, else 0
    sensitive: Bools               # what an attacker looks for: customer exports, production secrets

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Cloud:
    """The organisation's AWS: ``accounts`` and ``regions`` are short lists, the rest tables."""

    accounts: Vocabulary           # 12 digits
    aliases: Vocabulary            # "lumenshop-prod"
    regions: Vocabulary            # the first is the home region
    ops: Ops
    principals: Principals
    services: Vocabulary           # "lambda.amazonaws.com"
    resources: Resources

    def principals_of(self, kind: str) -> I32:
        """The rows of one of PRINCIPAL_TYPES."""
        if kind not in PRINCIPAL_TYPES:
            raise DataError(f"unknown type of principal {kind!r}{did_you_mean(kind, PRINCIPAL_TYPES)}")
        return np.flatnonzero(self.principals.type == PRINCIPAL_TYPES.index(kind)).astype(np.int32)

    def resources_of(self, kind: str) -> I32:
        """The rows of one of RESOURCE_KINDS."""
        if kind not in RESOURCE_KINDS:
            raise DataError(f"unknown kind of resource {kind!r}{did_you_mean(kind, RESOURCE_KINDS)}")
        return np.flatnonzero(self.resources.kind == RESOURCE_KINDS.index(kind)).astype(np.int32)


def key_id(prefix: str, account: str, seed: int) -> str:
    """An AWS key or principal id that embeds its account number, as real ones do.

    The 16 characters after the 4-letter prefix are base32 of 10 bytes, of which the first 6, masked with
    0x7fffffffff80 and shifted right by 7, are the account; AIDA and AROA ids carry one more character.
    The seed's low 39 bits and the five above them are what distinguishes ids of one account.

    >>> key_id("AKIA", "111122223333", 7)[:11]
    'AKIARTX3GSD'
    """
    head = 1 << 47 | int(account) << 7 | (seed >> 32) & 0x7F
    text = base64.b32encode(head.to_bytes(6, "big") + (seed & 0xFFFFFFFF).to_bytes(4, "big")).decode()
    extra = "" if prefix in {"AKIA", "ASIA"} else "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(seed >> 39) & 31]
    return prefix + text + extra


def account_of(key: str) -> str:
    """The account number that a key or principal id embeds, 12 digits.

    >>> account_of(key_id("ASIA", "111122223333", 99))
    '111122223333'
    """
    head = int.from_bytes(base64.b32decode(key[4:20])[:6], "big")
    return f"{(head & 0x7FFFFFFFFF80) >> 7:012d}"
