"""The world: one organisation and the internet around it, as columns and vocabularies."""

from __future__ import annotations

from dataclasses import dataclass

from redgen.activity.terms import ORGS
from redgen.seed import Seed
from redgen.vocabulary import Vocabulary
from redgen.world.agents import Agents
from redgen.world.cloud import Cloud
from redgen.world.hosts import Hosts
from redgen.world.names import Names
from redgen.world.offices import Offices
from redgen.world.people import People
from redgen.world.plan import AddressPlan
from redgen.world.sites import Routes, Sites


@dataclass(frozen=True)
class Org:
    """The organisation itself."""

    name: str                      # "Lumen Shop"
    domain: str                    # "lumenshop.example"
    idp_hosts: tuple[str, ...]     # one identity-provider host per terms.ORGS: "login.lumenshop.example", …

    def idp_host(self, org: str) -> str:
        """The identity provider's host of one of terms.ORGS."""
        return self.idp_hosts[ORGS.index(org)]


@dataclass(frozen=True)
class World:
    """Everything that is there before anything happens: frozen, picklable, without an object per entity."""

    seed: Seed                     # the stream of the world's keyed facts
    org: Org
    plan: AddressPlan
    people: People
    agents: Agents
    sites: Sites
    routes: Routes
    cloud: Cloud
    hosts: Hosts
    dns: Names
    offices: Offices
    apps: Vocabulary               # display names of the apps behind the identity provider
    referers: Vocabulary           # external referer URLs, fictional
    typos: Vocabulary              # logins nobody owns: [0, mistyped) are slips of real ones, the rest guesses
    mistyped: int
    words: Vocabulary              # search words, url-encoded

    @property
    def upstreams(self) -> Vocabulary:
        """Upstream servers of all sites."""
        return self.sites.upstreams

    @property
    def unix_names(self) -> Vocabulary:
        """Account names on Linux hosts, guessed ones included."""
        return self.hosts.unix_names

    @property
    def commands(self) -> Vocabulary:
        """Command lines run through sudo."""
        return self.hosts.commands

    @property
    def names(self) -> Vocabulary:
        """Names the resolver is asked for."""
        return self.dns.names

    @property
    def zones(self) -> Vocabulary:
        """Domains below which labels can be generated."""
        return self.dns.zones
