"""What cloud actions share: whose credential is used, what it may do, and who a resource is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from redgen.actions._hands import hands_of, is_people
from redgen.actions._signins import merged
from redgen.activity import calls, desks
from redgen.activity.schema import Activity
from redgen.activity.terms import CLOUD_ERRORS
from redgen.playbook.stage import Kinds, Role, Stage
from redgen.seed import I64
from redgen.table import Table, concat
from redgen.world.cloud import PRINCIPAL_TYPES
from redgen.world.people import PEOPLE_KINDS
from redgen.world.world import World

Credential = Literal["own", "created", "assumed"]
"""The principal's own long-lived key; a key that an earlier step created; a session that an earlier step began."""

_ALWAYS = ("sts:GetCallerIdentity", "sts:GetSessionToken", "signin:ConsoleLogin")
"""What no policy can refuse."""
_DENIED = CLOUD_ERRORS.index("AccessDenied")
_EC2_DENIED = CLOUD_ERRORS.index("Client.UnauthorizedOperation")
NO_ERROR = -1


Caller = Annotated[Role, Kinds(("principal", *PEOPLE_KINDS))]
"""A principal, or a person in whose name the cloud is called."""


@dataclass(frozen=True)
class Hand:
    """Who calls: the principal, the credential in use and when its session began, the software and where it runs.

    ``rows`` are calls that had to be made first (a role has to be assumed); others may follow from ``t`` on.
    """

    principal: int
    key: int
    session_t: int
    client: int
    agent: int
    console: int
    t: int
    rows: tuple[Table, ...] = ()

    def columns(self) -> dict[str, Any]:
        """As columns of ``calls.rows``."""
        return {
            "principal": self.principal, "key": np.uint64(self.key), "session_t": self.session_t,
            "client": self.client, "agent": self.agent, "console": self.console,
        }


def hand(stage: Stage, who: Role, source: Role, credential: Credential) -> Hand | None:
    """The hand of the first member of ``who``; None when it has no business in the cloud.

    Facts of earlier steps say what was created or assumed. Somebody who comes as a role assumes it first.
    """
    if not len(who) or not len(source):
        return None
    facts, own = stage.facts, principal_of(stage.world, who)
    if credential == "created" and facts.get("created_key"):
        return Hand(int(facts["created_user"]), int(facts["created_key"]), 0, *_place(stage, source, -1), 0, stage.t)
    if credential == "assumed" and facts.get("role_key"):
        console = int(bool(facts.get("in_console", False)))
        place = _place(stage, source, -1 if console else own)
        return Hand(int(facts["role"]), int(facts["role_key"]), int(facts["role_since"]), *place, console, stage.t)
    if own < 0:
        return None
    client, agent = _place(stage, source, own)
    if PRINCIPAL_TYPES[stage.world.cloud.principals.type[own]] != "AssumedRole":
        return Hand(own, 0, 0, client, agent, 0, stage.t)
    begun = calls.assume(
        stage.world, stage.root, id=stage.ids(1, "assume"), cause=np.uint64(stage.cause), t=np.array([stage.t]),
        truth=stage.truth, role=own, client=client, agent=agent, way=_way(stage.world, own),
    )
    since = int(begun.session_t[0])
    return Hand(own, int(begun.key[0]), since, client, agent, 0, since + 400_000, (begun.rows,))


def principal_of(world: World, who: Role) -> int:
    """The principal of the first member of ``who``, -1 when it has none."""
    first = int(who.members[0])
    return first if who.kind == "principal" else int(world.people.principal[first])


def _way(world: World, role: int) -> str:
    """How a role is assumed: by people through single sign-on, by programs with a token of theirs."""
    person = int(world.cloud.principals.person[role])
    start, stop = world.people.span("service")
    return "web_identity" if person < 0 or start <= person < stop else "saml"


def _place(stage: Stage, source: Role, principal: int) -> tuple[int, int]:
    """Address and agent: of ``source``, or where the principal's own software runs (0 and -1: as always)."""
    world, first = stage.world, source.members[:1]
    if not is_people(source):
        return int(source.addr[0]), int(source.agent[0])
    if principal >= 0 and world.cloud.principals.addr[principal]:
        return 0, -1
    at = hands_of(world, first, "usual", np.array([stage.t]))
    if principal < 0:  # in the console: the browser
        return int(at.client[0]), int(at.agent[0])
    tool = world.agents.draw("aws_cli", world.seed.uniform(first.astype(np.uint64), "aws cli"))
    return int(at.client[0]), int(tool[0])


def errors(stage: Stage, principal: int, op: I64, reads: float, writes: float) -> NDArray[np.int16]:
    """The error each call gets: a policy allows a share of the reading and of the changing operations for good."""
    ops = stage.world.cloud.ops
    share = np.where(ops.read[op], reads, writes)
    each = np.uint64(principal) * np.uint64(4096) + op.astype(np.uint64)
    fact = stage.root.child("policies").uniform(each, "allowed")
    free = np.isin(op, calls.codes(stage.world, _ALWAYS))
    denied = (fact >= share) & ~free
    ec2 = np.array([source.startswith("ec2") for source in ops.source])[op]
    return np.where(denied, np.where(ec2, _EC2_DENIED, _DENIED), NO_ERROR).astype(np.int16)


def user_resource(world: World, principal: int) -> int:
    """The resource that a user is when somebody changes it; -1 when it is not listed.

    A user whom nobody has created yet belongs to no account so far.
    """
    cloud = world.cloud
    name, account = cloud.principals.name[principal], int(cloud.principals.account[principal])
    for r in cloud.resources_of("user").tolist():
        if cloud.resources.name[r] == name and cloud.resources.account[r] in (account, -1):
            return int(r)
    return -1


def unborn(world: World, account: int) -> I64:
    """Users whom nobody has created yet: principals without weight."""
    p = world.cloud.principals
    users = world.cloud.principals_of("IAMUser").astype(np.int64)
    found: I64 = users[(p.weight[users] == 0) & (p.account[users] == account)]
    return found


def named(world: World, kind: str, account: int, wanted: str) -> int:
    """The resource of ``kind`` called ``wanted`` in ``account``, -1 when there is none."""
    cloud = world.cloud
    for r in cloud.resources_of(kind).tolist():
        if cloud.resources.account[r] == account and cloud.resources.name[r] == wanted:
            return int(r)
    return -1


def sensitive(world: World, kind: str, account: int) -> I64:
    """The resources of ``kind`` in ``account``, those an attacker looks for first."""
    cloud = world.cloud
    found = cloud.resources_of(kind).astype(np.int64)
    found = found[cloud.resources.account[found] == account]
    ranked: I64 = found[np.argsort(~cloud.resources.sensitive[found], kind="stable")]
    return ranked


def flat(lists: Sequence[I64]) -> I64:
    """Several lists of codes as one."""
    return np.concatenate(lists) if lists else np.zeros(0, dtype=np.int64)


def seen(stage: Stage, tables: Sequence[Table]) -> Activity:
    """The calls, and what the sensor in the caller's office saw of them."""
    cloud = concat(list(tables))
    return merged({"cloud": cloud}, desks.of_calls(stage.world, stage.root, cloud))


def finished(tables: Sequence[Table]) -> int:
    """When the last of some rows is done."""
    return max(int((t["t"] + t["dur"]).max()) for t in tables if len(t))
