"""Calls of the cloud API: complete cloud rows, and the calls that begin a session (assumed roles, console sign-ins)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World

GLOBAL_REGION = "us-east-1"
"""Where calls of global services are logged."""
SESSION_WAYS = ("api", "saml", "web_identity", "service")
"""How a role is assumed: AssumeRole by a principal, AssumeRoleWithSAML, …WithWebIdentity, AssumeRole by AWS itself."""


@dataclass(frozen=True)
class Opened:
    """Sessions that began: the ``rows`` that began them, and per session what later calls must carry."""

    rows: Table
    principal: NDArray[np.int32]   # the role (or user) that calls from now on
    key: NDArray[np.uint64]        # the session's credential
    session_t: NDArray[np.int64]


def codes(world: World, ops: Sequence[str]) -> NDArray[np.int64]:
    """The rows of ``World.cloud.ops`` for names such as ``"s3:GetObject"``; DataError names the nearest."""
    raise NotImplementedError


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
    most of the time), ``obj`` (an object of the bucket, by popularity), ``bytes`` (the object's own size). ``new`` 0 is
    drawn for ops that create an identifier. ``dur`` None draws the call's time. ``service`` >= 0 says that AWS calls
    on behalf of the principal: no client address or agent. Failed calls move no bytes and create nothing.
    """
    raise NotImplementedError


def assume(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, role: Any, principal: Any, client: Any = 0,  # noqa: A002
    agent: Any = -1, key: Any = 0, session_t: Any = 0, mfa: Any = 0, service: Any = -1, way: str = "api",
    error: Any = -1,
) -> Opened:
    """Assume roles: one AssumeRole row each; calls that follow carry the session's ``key`` and ``session_t``.

    ``role``: the role's row in ``World.cloud.principals``; ``principal``: who assumes it, with ``key`` and
    ``session_t`` of its own session. ``way``: one of SESSION_WAYS; by ``service`` the caller is AWS.
    """
    raise NotImplementedError


def console_login(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, principal: Any, client: Any, agent: Any,  # noqa: A002
    mfa: Any = 1, key: Any = 0, session_t: Any = 0, error: Any = -1,
) -> Opened:
    """Sign in to the console: CheckMfa (users with MFA) and ConsoleLogin rows; the session's calls carry ``console`` 1.

    For roles give the session from ``assume(way="saml")``: its key and start are kept. ``error``: terms.CLOUD_ERRORS
    (Failed authentication), no session then (key 0).
    """
    raise NotImplementedError
