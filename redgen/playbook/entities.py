"""Who took part in a campaign, in the words of the logs: addresses, user agents, logins, sites, hosts, principals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address

import numpy as np

from redgen.activity.schema import Activity
from redgen.playbook.stage import Role
from redgen.seed import I64
from redgen.spec.playbook import PEOPLE_KINDS
from redgen.world.world import World

_COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "person": (("http", "actor"), ("auth", "user"), ("auth", "target"), ("shell", "user")),
    "address": (("http", "client"), ("auth", "client"), ("cloud", "client"), ("shell", "client"), ("flow", "orig"),
                ("dns", "client")),
    "agent": (("http", "agent"), ("auth", "agent"), ("cloud", "agent")),
    "site": (("http", "site"),),
    "host": (("shell", "host"),),
    "principal": (("cloud", "principal"),),
}
"""Where in the activity each kind of entity shows."""


def summary(
    world: World, roles: Sequence[Role], activity: Activity, partly: bool
) -> dict[str, dict[str, list[str]]]:
    """``{attacker: {ip: […], ua: […]}, victim: {user: […]}}`` of the roles a campaign used, sorted.

    Members who never appear in ``activity`` are left out (a list longer than the time it took), unless ``partly`` says
    that some activity is not there to be looked at.
    """
    seen = {kind: _seen(activity, kind) for kind in _COLUMNS}
    behind = world.cloud.principals.person[seen["principal"]] if len(seen["principal"]) else seen["principal"]
    seen["person"] = np.union1d(seen["person"], behind)
    found: dict[str, dict[str, set[str]]] = {"attacker": {}, "victim": {}}
    for role in roles:
        kind = "person" if role.kind in PEOPLE_KINDS else role.kind
        codes = role.addr.astype(np.int64) if kind == "address" else role.members
        _add(found[role.side], kind, codes, None if partly else seen[kind], world)
        if kind == "address":
            _add(found[role.side], "agent", role.agent.astype(np.int64), None if partly else seen["agent"], world)
    return {side: {kind: sorted(names) for kind, names in kinds.items()} for side, kinds in found.items()}


_WORDS: Mapping[str, tuple[str, Callable[[World, int], str]]] = {
    "person": ("user", lambda world, code: world.people.login[code]),
    "address": ("ip", lambda world, code: str(IPv4Address(code))),  # noqa: ARG005
    "agent": ("ua", lambda world, code: world.agents.ua[code]),
    "site": ("site", lambda world, code: world.sites.host[code]),
    "host": ("host", lambda world, code: world.hosts.name[code]),
    "principal": ("principal", lambda world, code: world.cloud.principals.name[code]),
}
"""What each kind of entity is called in the truth, and its name."""


def _add(side: dict[str, set[str]], kind: str, codes: I64, among: I64 | None, world: World) -> None:
    there = np.unique(codes[codes >= 0])
    if among is not None:
        there = there[np.isin(there, among)]
    if len(there):
        word, name = _WORDS[kind]
        side.setdefault(word, set()).update(name(world, code) for code in there.tolist())


def _seen(activity: Activity, kind: str) -> I64:
    """The codes of a kind of entity that occur in the activity."""
    columns = [activity[table][column] for table, column in _COLUMNS[kind] if table in activity]
    parts = [np.unique(column).astype(np.int64) for column in columns]
    found = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
    return found[found >= 0]
