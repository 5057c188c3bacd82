"""Who took part in a campaign, in the words of the logs: addresses, user agents, logins, hosts, principals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address

import numpy as np
from numpy.typing import NDArray

from redgen.activity.schema import Activity
from redgen.playbook.stage import Role
from redgen.spec.playbook import PEOPLE_KINDS
from redgen.world.world import World

_PERSONS = {"http": ("actor",), "auth": ("user", "target"), "shell": ("user",)}
_ADDRESSES = {"http": ("client",), "auth": ("client",), "cloud": ("client",), "shell": ("client",), "flow": ("orig",)}


def summary(
    world: World, roles: Sequence[Role], activity: Activity, partly: bool
) -> dict[str, dict[str, list[str]]]:
    """``{attacker: {ip: […], ua: […]}, victim: {user: […]}}`` of the roles a campaign used, sorted.

    Members who never appear in ``activity`` are left out (a list longer than the time it took), unless ``partly`` says
    that some activity is not there to be looked at.
    """
    found: dict[str, dict[str, set[str]]] = {"attacker": {}, "victim": {}}
    persons, addresses = _seen(activity, _PERSONS), _seen(activity, _ADDRESSES)
    for role in roles:
        side = found[role.side]
        if role.kind in PEOPLE_KINDS:
            there = role if partly else role.only(persons)
            _add(side, "user", (world.people.login[int(m)] for m in there.members))
        elif role.kind == "address":
            there = role if partly else role.take(np.isin(role.addr, addresses))
            _add(side, "ip", (str(IPv4Address(int(a))) for a in there.addr))
            _add(side, "ua", (world.agents.ua[int(a)] for a in np.unique(there.agent) if a >= 0))
        elif role.kind == "site":
            _add(side, "site", (world.sites.host[int(m)] for m in role.members))
        elif role.kind == "host":
            _add(side, "host", (world.hosts.name[int(m)] for m in role.members))
        else:
            _add(side, "principal", (world.cloud.principals.name[int(m)] for m in role.members))
    return {side: {kind: sorted(names) for kind, names in kinds.items()} for side, kinds in found.items()}


def _add(side: dict[str, set[str]], kind: str, names: Iterable[str]) -> None:
    fresh = set(names)
    if fresh:
        side.setdefault(kind, set()).update(fresh)


def _seen(activity: Activity, columns: Mapping[str, tuple[str, ...]]) -> NDArray[np.int64]:
    """The values of some columns over all kinds of activity."""
    parts = [activity[kind][c].astype(np.int64) for kind, names in columns.items() if kind in activity for c in names]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
