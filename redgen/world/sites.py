"""Sites and routes: the web applications the organisation serves, and what can be asked of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.seed import F64
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, U32, Bools

ROUTE_KINDS = ("page", "api", "asset", "login_form", "login_post", "logout", "health", "probe", "feed", "other")
STYLES = ("int", "uuid", "hex", "slug")
"""How an object id is written in a path: ``1042``, a version-4 UUID, 24 hex digits, or words from the id."""
BODIES = ("constant", "lognormal")


@dataclass(frozen=True)
class Sites:
    """One row per virtual host; columns of length n unless said otherwise."""

    host: Vocabulary
    addr: U32                      # public address (the load balancer's, where connections end)
    inner: U32                     # the web server's inner address
    port: I32
    first: NDArray[np.int16]       # the site's upstreams are [first, stop) of ``upstreams``
    stop: NDArray[np.int16]
    upstreams: Vocabulary          # "10.20.3.21:8080", of all sites
    keepalive_s: I32               # idle client connections are closed after this many seconds
    h2: Bools                      # offers HTTP/2
    org: NDArray[np.int8]          # terms.ORGS whose identity provider logins go through, -1 none

    def __len__(self) -> int:
        return len(self.addr)

    @property
    def plain(self) -> Bools:
        """Which speak HTTP without TLS: those on its ports."""
        return np.isin(self.port, (80, 8080))

    def code(self, host: str) -> int:
        """The row of ``host``; DataError names the nearest when there is none."""
        try:
            return self.host.code(host)
        except KeyError:
            raise DataError(f"unknown site {host!r}{did_you_mean(host, self.host)}") from None


@dataclass(frozen=True)
class Routes:
    """One row per route of any site; columns of length n.

    Body size in bytes: ``constant`` routes always send ``size``; ``lognormal`` ones exp(mu + sigma z), replaced with
    probability ``tail`` by a Pareto of minimum ``tail_k`` and index ``tail_alpha``, never above ``cap``. The size of
    a cacheable or asset body belongs to (route, obj), not to the request. Upstream time is lognormal in ms.
    """

    id: Vocabulary                 # "shop.cart": name in YAML
    site: NDArray[np.int16]
    method: NDArray[np.int8]       # terms.METHODS
    path: Vocabulary               # template with @{obj} @{obj2} @{word}; query included
    kind: NDArray[np.int8]         # ROUTE_KINDS
    status: NDArray[np.int16]      # of a request that succeeds: 200, 302 after a login, 404 for probes
    objects: NDArray[np.int64]     # obj is in [0, objects); 1 when the path has none
    objects2: NDArray[np.int64]    # the same for obj2
    zipf: F64                      # popularity of objects: exponent
    style: NDArray[np.int8]        # STYLES
    body: NDArray[np.int8]         # BODIES
    size: NDArray[np.int64]
    mu: F64
    sigma: F64
    tail: F64
    tail_k: F64
    tail_alpha: F64
    cap: F64
    latency_mu: F64                # ln ms of upstream time
    latency_sigma: F64
    request: NDArray[np.int32]     # bytes of request body (POST, PUT), 0 for reads
    local: Bools                   # served by nginx itself, no upstream
    cacheable: Bools               # a browser revalidates: 304 after an earlier 200
    auth: Bools                    # needs a session: 401 or 403 without

    def __len__(self) -> int:
        return len(self.kind)

    def code(self, route: str) -> int:
        """The row of a route by its id; DataError names the nearest when there is none."""
        try:
            return self.id.code(route)
        except KeyError:
            raise DataError(f"unknown route {route!r}{did_you_mean(route, self.id)}") from None

    def of_kind(self, kind: str, site: int = -1) -> I32:
        """The rows of one of ROUTE_KINDS, of one site or of all."""
        if kind not in ROUTE_KINDS:
            raise DataError(f"unknown kind of route {kind!r}{did_you_mean(kind, ROUTE_KINDS)}")
        found = self.kind == ROUTE_KINDS.index(kind)
        return np.flatnonzero(found & ((self.site == site) | (site < 0))).astype(np.int32)
