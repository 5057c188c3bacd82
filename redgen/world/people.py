"""People: everyone and everything that has a login, as columns; and where each is to be found at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.clock import DAY, HOUR
from redgen.errors import DataError, did_you_mean
from redgen.seed import F64, I64, U64, Seed
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, U32, AddressPlan, Bools

PEOPLE_KINDS = ("customer", "employee", "admin", "service", "api_client")
"""``People.kind`` is a position in this tuple; people of one kind are contiguous, in this order."""

WHERES = ("home", "mobile", "office", "vpn")
"""The networks a person can be on; the codes ``People.address`` takes."""


@dataclass(frozen=True)
class People:
    """One row per person (a service or an API client counts as one); row number = person.

    Columns are of length n unless said otherwise; -1 says 'none'.
    """

    seed: Seed                    # the stream of their keyed facts
    plan: AddressPlan
    kind: NDArray[np.int8]        # PEOPLE_KINDS
    first: NDArray[np.int64]      # [6] where each kind begins, and the end
    login: Vocabulary             # e-mail address, unique; a service's or API client's name for those
    display: Vocabulary           # "Jane Doe"
    uid: I32                      # Unix uid, -1 without a Unix account
    city: I32                     # row of plan.cities
    zone: NDArray[np.int16]       # time zone: code in plan.cities.zones
    utc_offset: I32               # minutes, standard time
    home: U32                     # the home line's address (services, API clients: where they call from)
    mobile: U32                   # the carrier's egress the phone uses most, shared by many
    office: NDArray[np.int16]     # row of World.offices, -1 works nowhere
    egress: U32                   # the office's NAT egress, 0 without an office
    vpn: U32                      # the company's VPN gateway for staff, 0 = uses a commercial VPN
    agent: NDArray[np.int32]      # [n, 2] rows of World.agents: main device, phone
    device: U64                   # [n, 2] seeds of the two devices' ids (okta dtHash, fingerprints)
    breached: Bools               # login and password are in a breach list
    factor: NDArray[np.int8]      # second factor, terms.FACTORS, -1 none
    weight: F64                   # relative activity, mean 1 within a kind, heavy-tailed
    unix: I32                     # account name: code in World.hosts.unix_names
    principal: I32                # row of World.cloud.principals
    password_age_days: I32        # at the world's beginning

    def __len__(self) -> int:
        return len(self.kind)

    def span(self, kind: str) -> tuple[int, int]:
        """Persons of ``kind`` are those in [start, stop); DataError when there is no such kind."""
        if kind not in PEOPLE_KINDS:
            raise DataError(f"unknown kind of person {kind!r}{did_you_mean(kind, PEOPLE_KINDS)}")
        code = PEOPLE_KINDS.index(kind)
        return int(self.first[code]), int(self.first[code + 1])

    def address(self, person: I32, where: NDArray[np.int8] | int, t: I64) -> U32:
        """The address each person shows from ``where`` (WHERES) at time ``t``: a keyed fact, the same for all who ask.

        Home: three lines in five are dynamic and move to another address of the same prefix every 2 to 10 weeks.
        Mobile: an egress of the person's carrier, the usual one on two days in three, else that half-day's. Office:
        the NAT egress (the home line for who has no office). VPN: the company's gateway for staff, a commercial
        exit of the week for others. Services and API clients have one address wherever they are.
        """
        where = np.broadcast_to(np.asarray(where, dtype=np.int8), person.shape)
        out = self.home[person].copy()
        human = self.kind[person] < PEOPLE_KINDS.index("service")
        for code, lookup in enumerate((self._at_home, self._on_mobile, self._at_office, self._on_vpn)):
            some = np.flatnonzero(human & (where == code))
            if len(some):
                out[some] = lookup(person[some], t[some])
        return out

    def _at_home(self, person: I32, t: I64) -> U32:
        ids = person.astype(np.uint64)
        base = self.home[person]
        weeks = 2.0 + 8.0 * self.seed.uniform(ids, "lease")
        phase = self.seed.uniform(ids, "lease phase") * weeks
        epoch = np.floor(t / (7 * DAY) / weeks + phase).astype(np.uint64)
        moved = self.plan.within(self.plan.find(base), _pair(ids, epoch), self.seed, "lease")
        return np.where(self.seed.uniform(ids, "dynamic") < 0.6, moved, base).astype(np.uint32)

    def _on_mobile(self, person: I32, t: I64) -> U32:
        base = self.mobile[person]
        half_day = _pair(person.astype(np.uint64), (t // (12 * HOUR)).astype(np.uint64))
        other = self.plan.within(self.plan.find(base), half_day, self.seed, "attach")
        return np.where(self.seed.uniform(half_day, "usual") < 2 / 3, base, other).astype(np.uint32)

    def _at_office(self, person: I32, t: I64) -> U32:
        has = self.office[person] >= 0
        return np.where(has, self.egress[person], self._at_home(person, t)).astype(np.uint32)

    def _on_vpn(self, person: I32, t: I64) -> U32:
        week = _pair(person.astype(np.uint64), (t // (7 * DAY)).astype(np.uint64))
        exits = self.plan.near("vpn", self.city[person], week, self.seed, "exit")
        own = self.vpn[person]
        return np.where(own > 0, own, exits).astype(np.uint32)


def _pair(ids: U64, part: U64) -> U64:
    """One id of (person, period)."""
    return ids * np.uint64(1 << 24) + part % np.uint64(1 << 24)
