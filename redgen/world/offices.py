"""Offices: where employees work, behind one public address each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.seed import U64, Seed
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, U32


@dataclass(frozen=True)
class Offices:
    """One row per office; columns of length n."""

    name: Vocabulary              # also the Okta zone name: "Dublin HQ"
    egress: U32                   # public NAT address
    inner: U32                    # inner prefix
    inner_len: NDArray[np.int8]
    city: I32                     # row of plan.cities
    first: I32                    # employees of the office are [first, stop) of World.people
    stop: I32

    def __len__(self) -> int:
        return len(self.egress)

    def inner_address(self, office: NDArray[np.int16], device: U64, seed: Seed) -> U32:
        """The inner (DHCP) address of each device in its office: a keyed fact."""
        hosts = (np.uint64(1) << (np.uint64(32) - self.inner_len[office].astype(np.uint64))) - np.uint64(64)
        return self.inner[office] + (np.uint64(32) + seed.noise(device, "dhcp") % hosts).astype(np.uint32)
