"""Names: what the organisation's resolver is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.seed import F64
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, U32

NAME_KINDS = ("site", "inner", "external", "record", "service")
"""The organisation's public sites and identity provider, its inner hosts, everything else; then names that hold no
address: of mail domains and their policies (TXT, MX, NS, SOA), and of services (SRV)."""


@dataclass(frozen=True)
class Names:
    """One row per fully qualified name, most popular first, those of records and services last.

    Columns are of length n unless said otherwise.
    """

    names: Vocabulary
    kind: NDArray[np.int8]        # NAME_KINDS
    answer: U32                   # the A record; 0 = the name does not exist, or holds other records
    ttl: I32                      # seconds
    weight: F64                   # popularity, sums to 1 (Zipf, exponent 1)
    zone: I32                     # code in ``zones``
    zones: Vocabulary             # domains below which labels can be generated
    resolver: np.uint32           # inner address of the resolver clients ask
    site: I32                     # [sites] row of each site's name
    idp: I32                      # [terms.ORGS] row of each identity provider host's name

    def __len__(self) -> int:
        return len(self.kind)

    def of_kind(self, kind: str) -> NDArray[np.int64]:
        """The rows of one of NAME_KINDS."""
        return np.flatnonzero(self.kind == NAME_KINDS.index(kind))

    def name_of_site(self, site: NDArray[np.int16]) -> I32:
        """The row of each site's name."""
        return self.site[site]
