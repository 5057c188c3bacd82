"""Assume roles of a cloud account until one lets in."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.actions._cloud import NO_ERROR, Caller, Credential, finished, hand, seen
from redgen.actions._pace import pauses
from redgen.activity import calls
from redgen.activity.terms import CLOUD_ERRORS
from redgen.playbook.stage import Network, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share
from redgen.world.cloud import SESSION_NAMES

GAP = Distribution.of({"lognormal": {"median": "3s", "sigma": 0.8}})
"""Between two tries. Source: unverified."""


@action(facts={
    "any_success": "a role was assumed",
    "role": "the role (row of principals)",
    "role_key": "seed of the session's credential, 0 without one",
    "role_since": "when the session began, µs",
    "in_console": "the session is one of the console",
    "tried": "number of roles that were tried",
})
def cloud_assume(
    stage: Stage, *, who: Caller, source: Network, credential: Credential = "own", lets_in: Share = 0.25,
    most: Annotated[float, Field(ge=1)] = 12.0, gap: Delay = GAP,
) -> Staged:
    """Try to assume the account's roles one after the other, up to ``most``, until one trusts the principal.

    Roles of AWS services never do, of the others a share ``lets_in``. Later steps use the session with ``credential:
    assumed``.
    """
    caller = hand(stage, who, source, credential)
    role = _roles(stage, caller.principal)[: round(most)] if caller else np.zeros(0, dtype=np.int64)
    if caller is None or not len(role):
        return Staged(ended=stage.t, facts={"any_success": False, "role_key": 0, "tried": 0})
    each = np.uint64(caller.principal) << np.uint64(20) | role.astype(np.uint64)
    trusted = stage.root.child("trust").uniform(each, "in")
    trusts = (trusted < lets_in) & (stage.world.cloud.principals.service[role] < 0)
    first = np.flatnonzero(trusts)
    n = int(first[0]) + 1 if len(first) else len(role)
    ids = stage.ids(n)
    pause = pauses(stage.seed, ids, gap, 200_000)
    refused = np.where(trusts[:n], NO_ERROR, CLOUD_ERRORS.index("AccessDenied"))
    opened = calls.assume(
        stage.world, stage.root, id=ids, cause=np.uint64(stage.cause), t=caller.t + np.cumsum(pause), truth=stage.truth,
        role=role[:n], principal=caller.principal, client=caller.client, agent=caller.agent, key=np.uint64(caller.key),
        session_t=caller.session_t, error=refused,
    )
    tables = [*caller.rows, opened.rows]
    return Staged(
        activity=seen(stage, tables), ended=finished(tables),
        facts={
            "any_success": len(first) > 0, "role": int(role[n - 1]), "tried": n, "in_console": False,
            "role_key": int(opened.key[-1]) if len(first) else 0, "role_since": int(opened.session_t[-1]),
        },
    )


def _roles(stage: Stage, principal: int) -> I64:
    """The roles of the principal's account that programs and services assume, in the order in which they are tried."""
    p = stage.world.cloud.principals
    found = stage.world.cloud.principals_of("AssumedRole").astype(np.int64)
    found = found[(p.account[found] == p.account[principal]) & (p.naming[found] != SESSION_NAMES.index("login"))]
    keys = stage.root.child("roles", stage.campaign_id).noise(found.astype(np.uint64), "order")
    shuffled: I64 = found[np.argsort(keys, kind="stable")]
    return shuffled


ACTION = cloud_assume
