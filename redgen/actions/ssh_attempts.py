"""Try names and passwords over SSH, from many addresses that take turns."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._pace import shifts
from redgen.activity import ssh
from redgen.playbook.stage import Host, Network, People, Role, Stage, Staged, action
from redgen.seed import I64, U64
from redgen.spec.distributions import CountLaw, Delay, Distribution
from redgen.spec.model import Share

TURN = Distribution.of({"quantiles": {"0": 1, "0.19": 1, "0.2": 30, "0.78": 30, "0.99": 284, "1": 465}})
"""Tries per address: 19 % make one, 58 % exactly 30, p99 284, at most 465 (rita missing_host, measured)."""
GAP = Distribution.of({"quantiles": {"0": "2s", "0.1": "6.5s", "0.5": "68s", "0.9": "123s", "1": "600s"}})
"""Time between an address's tries: q10 6.5 s, q50 68 s, q90 123 s (rita missing_host, measured)."""
SHORT = Distribution.of({"lognormal": {"median": "1500ms", "sigma": 0.8}})
"""How long a program that found a password stays to see what it found. Source: unverified."""
ONE = Distribution.of(1)


@action(facts={
    "any_success": "a password fitted",
    "entered": "hosts that were entered",
    "found": "persons whose password fitted",
    "refused": "every try failed",
})
def ssh_attempts(
    stage: Stage, *, hosts: Host, source: Network, count: Annotated[float, Field(ge=1, le=2e6)],
    accounts: People | None = None, pace: Annotated[float, Field(gt=0)] = 0.26, tries: CountLaw = TURN,
    gap: Delay = GAP, per_connection: CountLaw = ONE, root: Share = 0.45, success: Share = 0.0,
    farewell: Literal["bye", "closed"] = "bye", silent: Share = 0.0, stay: Delay = SHORT,
) -> Staged:
    """Make ``count`` connections to ``hosts``, ``pace`` a second in all, ``tries`` per address ``gap`` apart.

    Each tries ``per_connection`` passwords: for root in a share ``root`` of cases, else for a common name. With chance
    ``success`` one of ``accounts`` has a password on the list: it is found once, somewhere on the way, on one host.
    A share ``silent`` of the connections only looks for a server. ``farewell``: how the program takes its leave.
    """
    world, seed, n = stage.world, stage.seed, round(count)
    if not len(source) or not len(hosts):
        return Staged(ended=stage.t, facts={"any_success": False, "refused": True})
    at = shifts(seed, n, addresses=len(source), t=stage.t, pace=pace, tries=tries, gap=gap)
    ids = stage.ids(n, "connection")
    host = hosts.members[(seed.noise(at.shift.astype(np.uint64), "host") % np.uint64(len(hosts))).astype(np.int64)]
    wrong = np.rint(per_connection.quantile(seed.uniform(ids, "per connection"))).astype(np.int64)
    wrong = np.clip(wrong, 1, ssh.MAX_TRIES)
    quiet = seed.uniform(ids, "silent") < silent
    name = np.where(quiet, -1, _names(stage, ids, root))
    outcome = np.where(quiet, ssh.NO_IDENT, np.where(wrong == ssh.MAX_TRIES, ssh.MAXED, ssh.OUTCOMES.index(farewell)))
    user = np.full(n, -1)
    hit = _hit(stage, n, accounts, success)
    if hit >= 0 and accounts is not None:
        user[hit] = accounts.members[0]
        name[hit], outcome[hit], wrong[hit] = world.people.unix[user[hit]], ssh.ACCEPTED, wrong[hit] - 1
    made = ssh.connections(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=at.t, truth=stage.truth, host=host,
        client=source.addr[at.source], name=name, outcome=outcome, user=user, tries=wrong, public=True,
        stay=np.where(outcome == ssh.ACCEPTED, stay.quantile(seed.uniform(ids, "stay")), 0).astype(np.int64),
    )
    return Staged(
        activity={"shell": made.shell, "flow": made.flow}, ended=int(made.ended.max()),
        facts={
            "any_success": hit >= 0, "refused": hit < 0, "entered": host[[hit]] if hit >= 0 else host[:0],
            "found": user[[hit]] if hit >= 0 else user[:0],
        },
    )


def _names(stage: Stage, ids: U64, root: float) -> NDArray[np.int64]:
    """Account names: root, or by a Zipf law (exponent 1) one that lists of names hold; some of those exist here."""
    hosts, seed = stage.world.hosts, stage.seed
    system = np.flatnonzero((hosts.uids > 0) & (hosts.uids < 1000))
    listed = np.arange(hosts.owned, len(hosts.unix_names))
    names: I64 = np.concatenate([listed[:4], system, listed[4:]]).astype(np.int64)
    rank = np.floor((2.0 * len(names) + 1.0) ** seed.uniform(ids, "name") * 0.5 - 0.5).astype(np.int64)
    guess = names[np.clip(rank, 0, len(names) - 1)]
    return np.where(seed.uniform(ids, "root") < root, hosts.unix_names.code("root"), guess)


def _hit(stage: Stage, n: int, accounts: Role | None, success: float) -> int:
    """Which connection gets in, -1 when none does."""
    stream = stage.seed.child("hit").stream()
    if accounts is None or not len(accounts) or stream.uniform() >= success:
        return -1
    return min(int((0.2 + 0.75 * stream.uniform()) * n), n - 1)


ACTION = ssh_attempts
