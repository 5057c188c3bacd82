"""Hosts: the Linux machines that people and jobs log in to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.vocabulary import Vocabulary
from redgen.world.plan import U32, Bools

SYSLOG_STYLES = ("rfc3164", "rfc3339")
"""``Jan  2 03:04:05`` or ``2026-01-02T03:04:05.678901+00:00``; one host uses one form."""
HOST_ROLES = ("web", "app", "db", "bastion", "ci", "batch")

SERVERS = (10 << 24) + (20 << 16)
"""10.20.0.0/16: the servers' network."""


@dataclass(frozen=True)
class Hosts:
    """One row per host; columns of length n. Clocks run on UTC."""

    name: Vocabulary               # "web01"
    role: NDArray[np.int8]         # HOST_ROLES
    addr: U32                      # inner address
    public: U32                    # public address, 0 without one
    exposed: Bools                 # ssh can be reached from the internet
    style: NDArray[np.int8]        # SYSLOG_STYLES
    unix_names: Vocabulary         # account names: [0, owned) exist, the others are only guessed at
    owned: int
    uids: NDArray[np.int32]        # [len(unix_names)] uid of each account, -1 for guessed names
    commands: Vocabulary           # sudo command lines: [0, ordinary) are everyday ones
    ordinary: int

    def __len__(self) -> int:
        return len(self.addr)

    def code(self, host: str) -> int:
        """The row of a host by name; DataError names the nearest when there is none."""
        try:
            return self.name.code(host)
        except KeyError:
            raise DataError(f"unknown host {host!r}{did_you_mean(host, self.name)}") from None
