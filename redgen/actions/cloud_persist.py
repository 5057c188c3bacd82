"""Leave a way back into a cloud account: users, keys, passwords and policies, and what they give."""

from __future__ import annotations

from typing import Literal

import numpy as np

from redgen.actions._cloud import Caller, Credential, Hand, errors, finished, hand, named, seen, unborn, user_resource
from redgen.actions._pace import pauses
from redgen.activity import calls
from redgen.playbook.stage import Network, Principal, Role, Stage, Staged, action
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share
from redgen.world.world import World

GAP = Distribution.of({"lognormal": {"median": "8s", "sigma": 1.0}})
"""Between two changes made by hand. Source: unverified."""
WAYS = {
    "new_user": ("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey"),
    "new_console_user": ("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateLoginProfile"),
    "key_for_other": ("iam:ListUsers", "iam:ListAccessKeys", "iam:CreateAccessKey"),
    "own_key": ("iam:ListAccessKeys", "iam:CreateAccessKey"),
    "login_profile": ("iam:GetLoginProfile", "iam:CreateLoginProfile"),
    "admin_policy": ("iam:ListAttachedUserPolicies", "iam:AttachUserPolicy"),
    "group": ("iam:ListGroupsForUser", "iam:AddUserToGroup"),
}
"""The calls of each way, in order; all concern one user."""


@action(facts={
    "created": "a new credential exists",
    "created_key": "seed of the access key that was created, 0 without one",
    "created_user": "the user (row of principals) whom it belongs to",
    "console": "a password for the console was set",
    "stopped": "a call was denied, so the rest was not tried",
})
def cloud_persist(
    stage: Stage, *, who: Caller, source: Network,
    way: Literal["new_user", "new_console_user", "key_for_other", "own_key", "login_profile", "admin_policy", "group"],
    other: Principal | None = None, credential: Credential = "own", reads: Share = 1.0, writes: Share = 1.0,
    gap: Delay = GAP, policy: str = "AdministratorAccess",
) -> Staged:
    """Take one ``way`` to stay in the account: each call follows the last one ``gap`` later, until one is denied.

    ``new_user``: create a user, give it ``policy`` and a key; ``key_for_other``: a key for the user ``other``;
    ``login_profile``: a console password for it; ``own_key``: a second key for the principal itself. Later steps use
    the key with ``credential: created``.
    """
    world = stage.world
    caller = hand(stage, who, source, credential)
    if caller is None:
        return Staged(ended=stage.t, facts={"created": False, "created_key": 0, "console": False, "stopped": True})
    op = calls.codes(world, WAYS[way])
    error = errors(stage, caller.principal, op, reads, writes)
    denied = np.flatnonzero((error >= 0) & ~world.cloud.ops.read[op])
    n = int(denied[0]) + 1 if len(denied) else len(op)
    op, error, ids = op[:n], error[:n], stage.ids(n)
    user = _user(stage, caller, way, other)
    account = int(world.cloud.principals.account[caller.principal])
    pause = pauses(stage.seed, ids, gap, 200_000)
    new = np.where(_gives(world, op), stage.seed.noise(ids, "new"), 0)
    second = [named(world, "policy", account, policy) if name.endswith("Policy") else -1 for name in WAYS[way][:n]]
    table = calls.rows(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=caller.t + np.cumsum(pause), truth=stage.truth,
        op=op, error=error, res=np.array([_user_of(world, name, user) for name in WAYS[way][:n]]),
        res2=np.array(second), new=new.astype(np.uint64), **caller.columns(),
    )
    key = next((int(k) for k, e, name in zip(new, error, WAYS[way], strict=False)
                if e < 0 and name == "iam:CreateAccessKey"), 0)
    console = any(e < 0 and name == "iam:CreateLoginProfile" for e, name in zip(error, WAYS[way], strict=False))
    return Staged(
        activity=seen(stage, [*caller.rows, table]), ended=finished([table]),
        facts={
            "created": bool(key or console), "created_key": key, "created_user": user, "console": console,
            "stopped": len(denied) > 0,
        },
    )


def _user(stage: Stage, caller: Hand, way: str, other: Role | None) -> int:
    """The user whom the calls concern: somebody new, somebody else, or the principal itself."""
    world = stage.world
    if way.startswith("new"):
        account = int(world.cloud.principals.account[caller.principal])
        found = unborn(world, account)
        if len(found):
            return int(found[int(stage.root.child("newcomer", stage.campaign_id).stream().integer(0, len(found)))])
    if other is not None and way != "own_key" and len(other):
        return int(other.members[0])
    return caller.principal


def _user_of(world: World, op: str, user: int) -> int:
    """The resource that a call is about: the user, or nobody where all users are listed."""
    return -1 if op == "iam:ListUsers" else user_resource(world, user)


def _gives(world: World, op: np.ndarray) -> np.ndarray:
    """Which operations create an identifier that somebody can use."""
    return np.isin(op, calls.codes(world, ("iam:CreateAccessKey", "iam:CreateUser", "iam:CreateLoginProfile")))


ACTION = cloud_persist
