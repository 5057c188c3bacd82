"""The names the resolver knows: our own, and an invented outside world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redgen.seed import Seed
from redgen.spec.world import WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world import bundled
from redgen.world.names import NAME_KINDS, Names
from redgen.world.plan import U32, AddressPlan

RESOLVER = (10 << 24) + (20 << 16) + 53
TTLS = np.array([30, 60, 120, 300, 900, 3600], dtype=np.int32)
TTL_SHARES = (0.05, 0.24, 0.06, 0.41, 0.06, 0.18)
"""TTLs of external names (unverified); our own have 60 or 300 s, inner ones 3600 s."""
MISSING = ("wpad", "isatap", "printer-2f", "fileserver-old")
"""Names that clients of every office ask for in vain."""
SERVICES = ("_ldap._tcp.dc._msdcs", "_kerberos._tcp.dc._msdcs")
"""Services of a directory that desks look for in vain, too: this company has none."""
OFFERED = ("_sip._tls", "_sipfederationtls._tcp", "_imaps._tcp", "_caldavs._tcp", "_autodiscover._tcp")
"""Services that some domains offer. Source: RFC 6186, RFC 6764, RFC 3263 (cited); which and how many: unverified."""
SELECTORS = ("selector1", "google", "s1", "k1", "mail", "dkim")
"""DKIM selectors in common use. Source: unverified."""
MAIL_DOMAINS = 160
"""How many outside domains exchange mail with the organisation, the most popular first. Source: unverified."""


def build_names(spec: WorldSpec, plan: AddressPlan, sites: U32, idp: tuple[str, ...], idp_addr: U32,
                host_names: list[str], host_addr: U32, seed: Seed) -> Names:
    """Sites, identity provider, inner hosts and external names; most popular first, Zipf with exponent 1."""
    domain = spec.domain or ""
    ours = [(s.host, NAME_KINDS.index("site"), int(a), 60) for s, a in zip(spec.sites, sites, strict=True)]
    ours += [(h, NAME_KINDS.index("site"), int(a), 300) for h, a in zip(idp, idp_addr, strict=True)]
    inner = [(f"{h}.corp.{domain}", NAME_KINDS.index("inner"), int(a), 3600)
             for h, a in zip(host_names, host_addr, strict=True)]
    inner += [(f"{label}.corp.{domain}", NAME_KINDS.index("inner"), 0, 900) for label in MISSING]
    rows = ours + inner + _outside(spec.dns.external or 0, plan, seed)
    rows = list({row[0]: row for row in reversed(rows)}.values())[::-1]
    order = _ranked(rows, len(ours), seed)
    rows = _with_records([rows[i] for i in order], domain)
    names = [row[0] for row in rows]
    zones = list(dict.fromkeys([*spec.dns.zones, *(".".join(n.split(".")[-2:]) for n in names)]))
    code = {zone: i for i, zone in enumerate(zones)}
    place = {name: i for i, name in enumerate(names)}
    weight = 1.0 / (1.0 + np.arange(len(rows)))
    return Names(
        names=Vocabulary.of(names), kind=np.array([row[1] for row in rows], dtype=np.int8),
        answer=np.array([row[2] for row in rows], dtype=np.uint32),
        ttl=np.array([row[3] for row in rows], dtype=np.int32), weight=weight / weight.sum(),
        zone=np.array([code[".".join(n.split(".")[-2:])] for n in names], dtype=np.int32), zones=Vocabulary.of(zones),
        resolver=np.uint32(RESOLVER), site=np.array([place[s.host] for s in spec.sites], dtype=np.int32),
        idp=np.array([place[host] for host in idp], dtype=np.int32),
    )


def _ranked(rows: list[tuple[str, int, int, int]], ours: int, seed: Seed) -> list[int]:
    """Popularity ranks: keyed noise, with our own sites and the identity provider near the top."""
    rank = seed.uniform(np.arange(len(rows), dtype=np.uint64), "rank")
    rank[:ours] *= 0.05
    return [int(i) for i in np.argsort(rank, kind="stable")]


def _with_records(rows: list[tuple[str, int, int, int]], domain: str) -> list[tuple[str, int, int, int]]:
    """``rows``, and after them the names that hold policies of mail domains and services, each new name once."""
    record, service, external = (NAME_KINDS.index(kind) for kind in ("record", "service", "external"))
    outside = dict.fromkeys(".".join(row[0].split(".")[-2:]) for row in rows if row[1] == external)
    found = list(rows)
    for k, base in enumerate([domain, *outside][: MAIL_DOMAINS + 1]):
        found += [(base, record, 0, 3600), (f"_dmarc.{base}", record, 0, 3600 if k % 3 else 300),
                  (f"{SELECTORS[k % len(SELECTORS)]}._domainkey.{base}", record, 0, 300 if k % 4 else 3600)]
        if k % 4 == 1:
            found.append((f"{OFFERED[k // 4 % len(OFFERED)]}.{base}", service, 0, 3600))
    found += [(f"{label}.corp.{domain}", service, 0, 600) for label in SERVICES]
    return list({row[0]: row for row in reversed(found)}.values())[::-1]


def _outside(count: int, plan: AddressPlan, seed: Seed) -> list[tuple[str, int, int, int]]:
    """``count`` external names: a few hosts per invented domain, which live in one network each."""
    if not count:
        return []
    words = bundled.sections("words.txt")
    stems, labels, zones = words["external stems"], words["external labels"], words["external zones"]
    ids = np.arange(count, dtype=np.uint64)
    domains = max(count // 3, 1)
    domain = np.minimum((seed.uniform(ids, "domain") ** 2 * domains).astype(np.int64), domains - 1)
    label = (seed.uniform(ids, "label") ** 1.5 * len(labels)).astype(np.int64)
    homes = np.arange(domains, dtype=np.uint64)
    where = seed.uniform(homes, "network")
    rows = np.zeros(domains, dtype=np.int32)
    for kind, some in (("service", where < 0.45), ("cloud", (where >= 0.45) & (where < 0.85)),
                       ("hosting", where >= 0.85)):
        at = np.flatnonzero(some)
        rows[at] = plan.find(plan.draw(kind, homes[at], seed, "domain"))
    answer = plan.within(rows[domain], ids, seed, "answer")
    ttl = TTLS[np.minimum(np.searchsorted(np.cumsum(TTL_SHARES), seed.uniform(ids, "ttl")), len(TTLS) - 1)]
    bases = [_domain(d, stems, zones) for d in range(domains)]
    taken: dict[str, int] = {}
    found = []
    for d, lab, addr, seconds in zip(domain.tolist(), label.tolist(), answer.tolist(), ttl.tolist(), strict=True):
        name = f"{labels[lab]}.{bases[d]}"
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            name = f"{labels[lab]}{taken[name]}.{bases[d]}"
        found.append((name, NAME_KINDS.index("external"), addr, seconds))
    return found


def _domain(number: int, stems: Sequence[str], zones: Sequence[str]) -> str:
    """The ``number``-th invented domain: one stem, then two, then two and a number."""
    n = len(stems)
    zone = zones[(0, 0, 0, 1, 0, 0, 2)[number % 7] % len(zones)]
    if number < n:
        return f"{stems[number]}.{zone}"
    first, turn = number % n, number // n
    second = (first + 1 + turn % (n - 1)) % n
    serial = "" if turn < n else str(turn // (n - 1) + 1)
    return f"{stems[first]}-{stems[second]}{serial}.{zone}"
