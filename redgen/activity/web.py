"""How web servers answer: status, sizes, latency and upstream of http rows, benign and hostile alike.

Everything is a pure function of the row's id and columns, so an answer does not depend on the rows beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.activity.effects import Effects
from redgen.seed import Seed
from redgen.table import Table
from redgen.world.world import World


MAX_DUR = 120_000_000
"""Longest request in microseconds; a row's ``done`` is at most this much after its ``t``."""


def respond(world: World, seed: Seed, effects: Effects, http: Table) -> tuple[Table, NDArray[np.int32]]:
    """Fill in how the server answered each request of ``http``; give the table and what effects changed.

    Callers fill id, cause, t, truth, client, cport, agent, device, site, actor, method, route, obj, obj2, word, the
    referer columns, conn, conn_n, proto, and ``status`` where the outcome is theirs to decide (a failed login is 401,
    an object of somebody else 403, a cached copy 304); ``status`` 0 lets the route decide. ``req_bytes`` that are not 0
    are kept (a posted body of known size), else drawn. Filled: status, bytes, req_bytes, dur, upstream, up_dur.

    The second value has one truth code per row: that of the overload that changed the row, 0 where none did. Callers
    whose rows are benign pass it through ``effects.collateral``; attack rows keep their own truth.
    ``seed`` is the root seed of the dataset.
    """
    raise NotImplementedError
