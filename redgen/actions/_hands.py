"""Whose hands: the address, software and device that acts, of an intruder or of a person wherever they are."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from redgen.activity import whereabouts
from redgen.activity.whereabouts import PLACES
from redgen.playbook.stage import Role
from redgen.seed import I64, U64
from redgen.world.people import PEOPLE_KINDS
from redgen.world.world import World

Via = Literal["given", "usual", "home", "mobile", "office", "vpn"]
"""``given``: as the role of addresses says; ``usual``: where the person is at the time; else one of their networks."""


class Hands(NamedTuple):
    """Columns of one length."""

    client: NDArray[np.uint32]
    agent: I64
    device: U64


def hands(world: World, source: Role, turn: I64, person: NDArray[np.integer], via: Via, t: I64) -> Hands:
    """What acts at each time ``t``: member ``turn`` of ``source``, or (``via``) the ``person`` beside it."""
    if via == "given":
        at = turn % len(source)
        return Hands(source.addr[at], source.agent[at].astype(np.int64), source.device[at])
    return hands_of(world, person, via, t)


def hands_of(world: World, person: NDArray[np.integer], via: Via, t: I64) -> Hands:
    """What each person shows at each time ``t``, where they are or on the network ``via``."""
    who = np.asarray(person, dtype=np.int32)
    place = whereabouts.place(world, who, t) if via == "usual" else np.full(len(t), PLACES.index(via), dtype=np.int8)
    phone = (place == whereabouts.MOBILE).astype(np.int64)
    return Hands(
        whereabouts.address(world, who, place, t), world.people.agent[who, phone].astype(np.int64),
        whereabouts.device(world, who, phone, t),
    )


def own_devices(world: World, found: Hands, person: NDArray[np.integer], t: I64) -> Hands:
    """The same addresses with each person's own main device."""
    who = np.asarray(person, dtype=np.int32)
    return Hands(found.client, world.people.agent[who, 0].astype(np.int64), whereabouts.device(world, who, 0, t))


def is_people(role: Role) -> bool:
    """Whether the members of a role are persons."""
    return role.kind in PEOPLE_KINDS
