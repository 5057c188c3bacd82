"""Sessions of roles in CloudTrail: what names them, which machine they run on, who vouched for them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.render.holes import BASE62
from redgen.seed import Seed
from redgen.world.cloud import SESSION_NAMES, Cloud
from redgen.world.world import World


def session_texts(world: World) -> list[str]:
    """What names each principal's sessions, without what differs from session to session (``stamps``)."""
    p, found = world.cloud.principals, []
    for k, name in enumerate(p.name):
        naming = SESSION_NAMES[p.naming[k]] if p.naming[k] >= 0 else ""
        known = naming == "login" and p.person[k] >= 0
        found.append(world.people.login[int(p.person[k])] if known else p.session[k] or name)
    return found


def providers(world: World, seed: Seed) -> list[str]:
    """The SAML provider that vouches for each principal's sessions: Identity Center's own for the roles it manages."""
    own = "".join(f"{word:016x}" for word in seed.child("identity center").stream().u64(1).tolist())
    return [f"AWSSSO_{own}_DO_NOT_DELETE" if path.startswith("/aws-reserved/") else "Okta"
            for path in world.cloud.principals.path]


def issuers(world: World, seed: Seed) -> list[str]:
    """Who issued the assertion behind each principal's SAML sessions: the portal of Identity Center, or Okta."""
    cloud, mine = world.cloud, seed.child("issuer")
    okta = "http://www.okta.com/" + "".join(BASE62[i] for i in mine.stream().integers(0, 62, 20))
    home = next(iter(cloud.regions), "us-east-1")
    instance = f"{next(iter(cloud.accounts), '')}_ins-{mine.child('instance').key:016x}"
    portal = f"https://portal.sso.{home}.amazonaws.com/saml/assertion/{b64encode(instance.encode()).decode()}"
    return [portal if path.startswith("/aws-reserved/") else okta for path in cloud.principals.path]


def portals(world: World, seed: Seed) -> list[str]:
    """Addresses from which Identity Center's portal assumes its roles for people."""
    few = np.arange(4, dtype=np.uint64)
    found = world.plan.near("cloud", np.zeros(len(few), dtype=np.int32), few, seed, "portal")
    return [".".join(str(int(a) >> shift & 255) for shift in (24, 16, 8, 0)) for a in found]


class Machines:
    """The instances that principals run on: of those of its account one per credential, by the credential's top bits.

    Behaviors put the number of the machine there (``calls.assume``), so that it keeps its name from hour to hour.
    """

    def __init__(self, cloud: Cloud) -> None:
        p, instance = cloud.principals, SESSION_NAMES.index("instance")
        here = [[int(r) for r in cloud.resources_of("instance") if cloud.resources.account[r] == account]
                for account in range(len(cloud.accounts))]
        self._all = np.array([r for some in here for r in some] or [-1], dtype=np.int32)
        begins = np.cumsum([0, *map(len, here)])
        runs = [p.naming[k] == instance and not serves_tasks(cloud, k) for k in range(len(p.naming))]
        counts = [len(here[a]) if r and a >= 0 else 0 for a, r in zip(p.account.tolist(), runs, strict=True)]
        self._first = np.array([*(int(begins[max(a, 0)]) for a in p.account.tolist()), 0], dtype=np.int64)
        self._count = np.array([*counts, 0], dtype=np.int64)
        self._shift = np.arange(len(counts) + 1, dtype=np.int64) * 7

    def of(self, principal: NDArray[Any], key: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The instance (a resource) of each principal and credential; -1 where it is no machine."""
        count = self._count[principal]
        number = (key >> np.uint64(48)).astype(np.int64) + self._shift[principal]
        at = self._first[principal] + number % np.maximum(count, 1)
        return np.where(count > 0, self._all[np.where(count > 0, at, 0)], -1).astype(np.int32)


def serves_tasks(cloud: Cloud, principal: int) -> bool:
    """Whether a role is that of containers, whose sessions are named by the task."""
    service = int(cloud.principals.service[principal])
    return service >= 0 and cloud.services[service].startswith("ecs")


def stamps(cloud: Cloud) -> NDArray[np.int8]:
    """What names the sessions of each principal; one entry more than principals, for none.

    0 is its text, 1 the text and the time in seconds, 2 in nanoseconds (the SDK for Go), 3 a task's id, 4 a machine's,
    5 a build's.
    """
    p, stamp, instance = cloud.principals, SESSION_NAMES.index("stamp"), SESSION_NAMES.index("instance")
    found = [(5 if text == "AWSCodeBuild" else 1 + text.startswith("aws-go")) if naming == stamp
             else (3 if serves_tasks(cloud, k) else 4) if naming == instance else 0
             for k, (naming, text) in enumerate(zip(p.naming, p.session, strict=True))]
    return np.array([*found, 0], dtype=np.int8)
