"""SSH connections as sshd, PAM, logind and sudo log them, with their flows; also cron jobs and account changes.

Chains and their delays are those of OpenSSH: a refused password takes PAM 1.5 to 3 s, six tries end a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World

OUTCOMES = (
    "accepted",        # (wrong tries, then) in: a session of ``stay`` µs
    "closed",          # ``tries`` wrong passwords, then the client closes the connection
    "bye",             # the same, but it says "Bye Bye" (libssh, Go, paramiko)
    "max_tries",       # MaxAuthTries reached: the server disconnects
    "closed_preauth",  # closed before any password was tried (name -1: before a user was named)
    "no_ident",        # a scanner: closed before it said who it is
)
"""How a connection went; ``outcome`` is a position in this tuple."""
MAX_TRIES = 6


@dataclass(frozen=True)
class Connections:
    """Rows of some connections, and per connection (in the order given) its number, end and whether it got in."""

    shell: Table
    flow: Table
    conn: NDArray[np.uint64]
    entered: NDArray[np.int64]     # when the session began, 0 without one
    ended: NDArray[np.int64]
    ok: NDArray[np.bool_]


def connections(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, client: Any, name: Any,  # noqa: A002
    outcome: Any, user: Any = -1, method: Any = 0, tries: Any = 0, stay: Any = 0, key: Any = 0, cport: Any = -1,
    public: Any = False, pace: Any = None, exchanged: Any = None,
) -> Connections:
    """Whole connections, one per element: arrays of one length or scalars (``id``, ``t`` arrays).

    ``id`` u8 unique per connection; ``t`` the SYN; ``name`` code in World.unix_names (an account that does not exist is
    an ``Invalid user``), -1 when none was named; ``outcome`` position in OUTCOMES; ``method`` terms.SSH_METHODS;
    ``tries`` wrong passwords (capped at MAX_TRIES); ``stay`` µs the session lasts; ``key`` seed of the public key, 0 =
    the person's own for publickey; ``public`` the client came to the host's public address. ``pace`` µs between an
    answer and the next try (None: programs at once, people 2-6 s by keyed noise of the id); ``exchanged`` bytes of the
    session (None: drawn from ``stay``).
    """
    raise NotImplementedError


def commands(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, user: Any, command: Any,  # noqa: A002
    conn: Any, start: Any, denied: Any = False, client: Any = 0, dur: Any = None,
) -> Table:
    """sudo commands inside sessions: ``command`` codes in World.commands; ``denied``: refused (not in sudoers)."""
    raise NotImplementedError


def jobs(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, stay: Any,  # noqa: A002
) -> Table:
    """Cron jobs: a cron_open row at ``t`` and its cron_close ``stay`` µs later, one ``conn`` each."""
    raise NotImplementedError


def account(
    world: World, seed: Seed, *, id: Any, cause: Any, t: Any, truth: Any, host: Any, name: Any, op: str, conn: Any,  # noqa: A002
    start: Any, user: Any = -1,
) -> Table:
    """Account changes by root: ``op`` is useradd, usermod_sudo or passwd_changed; ``name`` the account changed."""
    raise NotImplementedError
