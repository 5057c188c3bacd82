"""Where a row comes from, in words: who did what, in which session or attack step, from which random stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.activity.raw import RAW
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, METHODS, SHELL_OPS
from redgen.shards.plan import Plan
from redgen.table import Table
from redgen.truth import Cause
from redgen.vocabulary import Vocabulary
from redgen.world.people import PEOPLE_KINDS
from redgen.world.plan import NETWORK_KINDS, dotted
from redgen.world.world import World

Fact = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One activity: its kind and a table of one row (or several)."""

    kind: str
    table: Table

    def __getitem__(self, column: str) -> int:
        return int(self.table[column][0])

    @property
    def party(self) -> NDArray[np.int64]:
        """Who acts over the network: the client's address and port in one number, -1 where nobody does."""
        address, port = ("orig", "oport") if self.kind == "flow" else ("client", "cport")
        if address not in self.table:
            return np.full(len(self.table), -1, dtype=np.int64)
        return self.table[address].astype(np.int64) << 16 | self.table[port].astype(np.int64) & 0xFFFF


def describe(plan: Plan, row: Row, code: int) -> list[Fact]:
    """(what, words) pairs about one activity; ``code`` is its truth."""
    facts: list[Fact] = [("label", plan.causes[code].label)]
    facts += [(name, text) for name, text in _SEEN[row.kind](plan.world, row) if text]
    if "client" in row.table and row["client"]:
        facts.append(("from", _address(plan.world, row["client"])))
    if "agent" in row.table and row["agent"] >= 0 and plan.world.agents.ua[row["agent"]]:
        facts.append(("software", plan.world.agents.ua[row["agent"]]))
    return [*facts, *_reason(plan, row, plan.causes[code])]


def _reason(plan: Plan, row: Row, cause: Cause) -> Iterator[Fact]:
    owner = cause.noise_id if cause.label == "hard_negative" else cause.campaign_id
    campaign = next((c for c in plan.campaigns if c.id == owner), None)
    if cause.label in {"malicious", "hard_negative"} and campaign is not None:
        path = " → ".join(f"[{s}]" if s == cause.step_id else s for s in campaign.path)
        yield "campaign" if cause.label == "malicious" else "noise", f"{campaign.id}, {campaign.playbook}"
        yield "path", path
        technique = f", {cause.technique}" if cause.technique else ""
        yield "step", f"{cause.step_id}{technique}; execution {row['cause']:016x}"
        kind = "campaign" if cause.label == "malicious" else "hard negative"
        yield "stream", f"{kind}/{campaign.entry}/{campaign.ordinal}/{cause.step_id}"
        return
    yield "session", f"{row['cause']:016x}"
    yield "stream", _population(plan, row)
    if cause.label == "collateral":
        yield "changed by", f"campaign {cause.campaign_id}: {cause.step_id}"


def _population(plan: Plan, row: Row) -> str:
    """The population whose session gave the row: the one that gives it again."""
    happenings = plan.work.happenings
    done = row["t"] + row["dur"]
    for population in happenings.benign.populations if happenings.benign else ():
        made = population.play({row.kind: (done, done + 1)}, happenings.effects)
        if row.kind in made and np.isin(row.table["id"], made[row.kind]["id"]).any():
            return f"benign/{population.id}, session by {population.behavior.name}"
    return "unknown"


def _address(world: World, address: int) -> str:
    found = int(world.plan.find(np.array([address], dtype=np.uint32))[0])
    if found < 0:
        return f"{dotted(address)} (inside)"
    plan = world.plan
    place, operator = int(plan.city[found]), int(plan.asn[found])
    where = f"{NETWORK_KINDS[plan.kind[found]]}, {plan.cities.name[place]} {plan.cities.iso[place]}"
    return f"{dotted(address)} ({where}, AS{plan.asns.number[operator]} {plan.asns.org[operator]})"


def _person(world: World, person: int) -> str:
    if person < 0:
        return ""
    return f"{world.people.login[person]} ({PEOPLE_KINDS[world.people.kind[person]]})"


def _word(vocabulary: Vocabulary, code: int) -> str:
    return vocabulary[code] if 0 <= code < len(vocabulary) else ""


def _http(world: World, row: Row) -> list[Fact]:
    site, route = _word(world.sites.host, row["site"]), _word(world.routes.path, row["route"])
    if row["raw"] >= 0:
        return [("who", "a stranger"),
                ("what", f"{RAW[row['raw']].kind} request without TLS at {site} → {row['status']}")]
    return [("who", _person(world, row["actor"]) or "a visitor without a login"),
            ("what", f"{METHODS[row['method']]} {site}{route} → {row['status']}")]


def _auth(world: World, row: Row) -> list[Fact]:
    who = _person(world, row["user"]) or f"{_word(world.typos, row['typed'])!r}, a login that nobody owns"
    return [("who", who), ("what", f"{AUTH_OPS[row['op']]}: {_word_of(AUTH_RESULTS, row['result'])}"),
            ("acted on", _person(world, row["target"]))]


def _cloud(world: World, row: Row) -> list[Fact]:
    cloud, p = world.cloud, row["principal"]
    owner = _person(world, int(cloud.principals.person[p])) if p >= 0 else ""
    return [("who", f"{_word(cloud.principals.name, p)}{f', {owner}' if owner else ''}"),
            ("what", f"{cloud.ops.source[row['op']]}:{cloud.ops.name[row['op']]}"),
            ("on", _word(cloud.resources.name, row["res"]))]


def _shell(world: World, row: Row) -> list[Fact]:
    return [("who", _person(world, row["user"]) or f"account {_word(world.unix_names, row['name'])!r}"),
            ("what", f"{SHELL_OPS[row['op']]} on {_word(world.hosts.name, row['host'])}"),
            ("command", _word(world.commands, row["command"]))]


def _dns(world: World, row: Row) -> list[Fact]:
    name = _word(world.names, row["name"]) or f"a generated name below {_word(world.zones, row['zone'])}"
    return [("what", f"asked for {name}")]


def _flow(world: World, row: Row) -> list[Fact]:
    return [("from", _address(world, row["orig"])), ("what", f"{dotted(row['resp'])}:{row['rport']}")]


def _word_of(words: tuple[str, ...], code: int) -> str:
    return words[code] if 0 <= code < len(words) else ""


_SEEN: Mapping[str, Callable[[World, Row], list[Fact]]] = {
    "http": _http, "auth": _auth, "cloud": _cloud, "shell": _shell, "dns": _dns, "flow": _flow,
}
