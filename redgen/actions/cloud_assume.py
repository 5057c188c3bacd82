"""Assume roles of a cloud account until one lets in."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.actions._cloud import NO_ERROR, Caller, Credential, finished, hand
from redgen.activity import calls
from redgen.activity.terms import CLOUD_ERRORS
from redgen.playbook.stage import Network, Principal, Stage, Staged, action
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share
from redgen.table import concat

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
    stage: Stage, *, who: Caller, source: Network, roles: Principal, credential: Credential = "own",
    lets_in: Share = 0.25, most: Annotated[float, Field(ge=1)] = 12.0, gap: Delay = GAP,
) -> Staged:
    """Try to assume ``roles`` one after the other, up to ``most``, until one trusts the principal (share ``lets_in``).

    Later steps use the session with ``credential: assumed``.
    """
    caller = hand(stage, who, source, credential)
    n = min(len(roles), round(most))
    if caller is None or not n:
        return Staged(ended=stage.t, facts={"any_success": False, "role_key": 0, "tried": 0})
    role = roles.members[:n]
    each = np.uint64(caller.principal) << np.uint64(20) | role.astype(np.uint64)
    trusted = stage.root.child("trust").uniform(each, "in")
    first = np.flatnonzero(trusted < lets_in)
    n = int(first[0]) + 1 if len(first) else n
    ids = stage.ids(n)
    pause = np.maximum(gap.quantile(stage.seed.uniform(ids, "gap")), 200_000).astype(np.int64)
    refused = np.where(trusted[:n] < lets_in, NO_ERROR, CLOUD_ERRORS.index("AccessDenied"))
    opened = calls.assume(
        stage.world, stage.root, id=ids, cause=np.uint64(stage.cause), t=caller.t + np.cumsum(pause), truth=stage.truth,
        role=role[:n], principal=caller.principal, client=caller.client, agent=caller.agent, key=np.uint64(caller.key),
        session_t=caller.session_t, error=refused,
    )
    tables = [*caller.rows, opened.rows]
    return Staged(
        activity={"cloud": concat(tables)}, ended=finished(tables),
        facts={
            "any_success": len(first) > 0, "role": int(role[n - 1]), "tried": n, "in_console": False,
            "role_key": int(opened.key[-1]) if len(first) else 0, "role_since": int(opened.session_t[-1]),
        },
    )


ACTION = cloud_assume
