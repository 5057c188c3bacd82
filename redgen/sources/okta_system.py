"""Okta System Log: LogEvents of sign-ins and of what is done to accounts, one JSON object per line.

Customers sign in through the shop's own server (Classic Engine, ``/api/v1/authn``), the workforce at Okta's
dashboard (Identity Engine, ``/idp/idx``); each activity row gives the chain of events that ``data/okta_events.yaml``
names for it. Requests are told apart by their transaction: rows of one ``flow`` done at one time are one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity import terms, whereabouts
from redgen.activity.schema import Activity
from redgen.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from redgen.render.escapes import plain
from redgen.render.holes import Time
from redgen.render.template import Template
from redgen.seed import F64, I64, U64, Seed
from redgen.source import RECORD, Column, Field, Source
from redgen.sources import _okta_forms as forms
from redgen.sources import _okta_words as words
from redgen.sources._flat import flat
from redgen.table import Schema, Table
from redgen.world.plan import NETWORK_KINDS
from redgen.world.world import World

MAX_DELAY = 3 * MINUTE
SUSPECTED = {"proxy": 0.5, "hosting": 0.08, "other": 0.002}
"""Share of addresses that ThreatInsight lists on a day, by network. Source: unverified."""
_SLOW = 2 * MINUTE          # stragglers arrive within this
_STRAGGLERS = 0.002         # their share: "late events can be missing" from bounded queries, but seldom

_COLUMNS = {
    "published": "timestamp[us]", "uuid": "string", "eventType": "string", "severity": "string",
    "displayMessage": "string", "legacyEventType": "string", "outcome.result": "string", "outcome.reason": "string",
    "actor.id": "string", "actor.type": "string", "actor.alternateId": "string", "actor.displayName": "string",
    "client.userAgent": "string", "client.zone": "string", "client.device": "string", "client.ipAddress": "string",
    "client.geographicalContext": "string", "securityContext": "string",
    "authenticationContext.externalSessionId": "string", "transaction.type": "string", "transaction.id": "string",
    "debugContext.debugData.authnRequestId": "string", "debugContext.debugData.behaviors": "string",
    "debugContext.debugData.dtHash": "string", "debugContext.debugData.factor": "string",
    "debugContext.debugData.logOnlySecurityData": "string", "debugContext.debugData.privilegeGranted": "string",
    "debugContext.debugData.pushOnlyResponseType": "string", "debugContext.debugData.requestUri": "string",
    "debugContext.debugData.risk": "string", "debugContext.debugData.threatSuspected": "string",
    "target.id": "string", "target.type": "string", "target.alternateId": "string", "target.displayName": "string",
}


class OktaSystem(Source):
    """The System Log of the organisation's identity provider, both orgs in one stream."""

    name: ClassVar[str] = "okta_system"
    title: ClassVar[str] = "Okta System Log"
    sigma: ClassVar[Mapping[str, str]] = {"product": "okta", "service": "okta"}
    kinds: ClassVar[Mapping[str, int]] = {"auth": MAX_DELAY}
    formats: ClassVar[Mapping[str, str]] = {"json": "jsonl"}
    schema: Schema = RECORD | {
        "node": "u8", "user": "i4", "typed": "i4", "target": "i4", "flow": "u8", "tx": "u8", "device": "u8",
        "session": "u8", "session_form": "i1", "client": "u4", "agent": "i4", "city": "i4", "asn": "i4", "zone": "i1",
        "app": "i2", "factor": "i1", "risk": "i2", "threat": "i1", "registered": "i1", "enrollment": "i8",
        "app_user": "i8", "pick": "u8", "expires": "i8", "reported": "i8",
    }
    fields: ClassVar[tuple[Field, ...]] = (
        Field("actor.id", "string", "Who acted: 00u… a user, 0oa… an app, unknown before anyone was recognized."),
        Field("actor.type", "string", "User, SystemPrincipal or PublicClientApp."),
        Field("actor.alternateId", "string", "The login as stored; for an unknown user the text as typed."),
        Field("actor.displayName", "string", "The name shown to people."),
        Field("actor.detailEntry", "object", "Always null here."),
        Field("client.userAgent", "object", "rawUserAgent and the os and browser derived from it."),
        Field("client.zone", "string", "Network zone by name, or the text null."),
        Field("client.device", "string", "Computer, Mobile, Tablet or Unknown."),
        Field("client.id", "string", "OAuth client id, where one took part."),
        Field("client.ipAddress", "ip", "Where the request came from."),
        Field("client.geographicalContext", "object", "City, state, country, postal code, coordinates."),
        Field("device", "object", "The computer, where Okta Verify is enrolled on it; else null."),
        Field("authenticationContext", "object", "Providers, credential type, session ids."),
        Field("displayMessage", "string", "Fixed wording of the event type."),
        Field("eventType", "string", "What happened, of the event type catalogue."),
        Field("outcome.result", "string", "SUCCESS, FAILURE, ALLOW, DENY or CHALLENGE."),
        Field("outcome.reason", "string", "Why, where there is something to say."),
        Field("published", "time", "When it happened, UTC, milliseconds."),
        Field("securityContext", "object", "asNumber, asOrg, isp, domain and isProxy of the address."),
        Field("severity", "string", "DEBUG, INFO, WARN or ERROR."),
        Field("debugContext.debugData", "object", "Details of the request; every value is a string."),
        Field("legacyEventType", "string", "The same type in the older Events API, or null."),
        Field("transaction.type", "string", "WEB, or JOB for what Okta does by itself."),
        Field("transaction.id", "string", "The HTTP request; equals debugData.requestId."),
        Field("transaction.detail", "object", "The API token that made the call, when a server called."),
        Field("uuid", "string", "Unique per event; a version 1 UUID whose time is published."),
        Field("version", "string", "Always 0."),
        Field("request.ipChain", "array", "The client's address, then the proxies and servers it came through."),
        Field("target", "array", "What was acted upon: users, enrollments, policies, apps, tokens."),
    )

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        fixed = words.constants(world, seed)
        self._catalog = forms.catalog(fixed)
        holes = words.holes(world, seed, fixed)
        self._zones = words.zone_addresses(world)
        self.template = Template([text + "\n" for text in self._catalog.texts], holes)
        self.event_ids = Template(["@{uuid}"], holes)
        self._fixed = fixed
        self._machines = words.machines(world)

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        """Flat columns for Parquet; nested objects as their JSON text."""
        holes = words.holes(self.world, self.seed, self._fixed, plain)
        leaves = [flat(text) for text in self._catalog.texts]
        texts = {name: Template([found.get(name, "") for found in leaves], holes) for name in _COLUMNS}
        texts["published"] = Template(["@{at}"], {"at": Time("t", "epoch_us")})
        return tuple(Column(name, kind, texts[name]) for name, kind in _COLUMNS.items())

    def fanout(self, kind: str, table: Table) -> NDArray[np.int32]:
        """How many events each sign-in act gives."""
        if kind != "auth":
            return np.zeros(len(table), dtype=np.int32)
        return self._catalog.count[_act(table, self._suspected(table))]

    def observe(self, activity: Activity) -> Table:
        """The chain of events of each row of ``auth``."""
        table = activity.get("auth")
        if table is None or not len(table):
            return self.nothing()
        catalog, suspected = self._catalog, self._suspected(table)
        act = _act(table, suspected)
        count = catalog.count[act]
        row = np.repeat(np.arange(len(table)), count)
        begun = np.cumsum(count) - count
        event = catalog.chain[catalog.start[act][row] + np.arange(len(row)) - begun[row]]
        ids = table["id"]
        step = self.seed.noise(ids[row] + event.astype(np.uint64), "step")
        t = np.where(catalog.from_start[event], 0, table["dur"][row])
        t += table["t"][row] + catalog.delay[event] + (step % catalog.spread[event]).astype(np.int64)
        live = catalog.live[event] & (table["session"][row] != 0)
        return Table(
            self.schema, len(row), id=ids[row], form=event, t=t, w=self._written(table, row, begun, t, count),
            node=step, tx=self.seed.noise(_request(table)[row] + catalog.tx[event], "request"), expires=t + HOUR,
            session_form=np.where(live, 1 + np.maximum(table["org"][row], 0), 0),
            threat=suspected[row], **{name: column[row] for name, column in self._seen(table).items()})

    def _written(self, table: Table, row: I64, begun: I64, t: I64, count: NDArray[np.int32]) -> I64:
        """When events can be had: a second or two later, a few minutes for stragglers; in order within a flow."""
        done = table["t"] + table["dur"]
        lag = _lag(self.seed.uniform(table["id"], "straggler"), self.seed.normal(_flow(table), "lag"))
        offset = np.maximum(t - done[row], 0)
        latest = offset.copy()
        for back in range(1, int(count.max(initial=1))):
            earlier = np.arange(len(row)) - back
            inside = earlier >= begun[row]
            latest[inside] = np.maximum(latest[inside], offset[earlier[inside]])
        written: I64 = np.minimum(done[row] + latest + lag[row], done[row] + MAX_DELAY - 1)
        return written

    def _seen(self, table: Table) -> dict[str, NDArray[np.generic]]:
        """The columns that all events of a row share."""
        client, user, factor, app = table["client"], table["user"], table["factor"], table["app"]
        prefix = self.world.plan.find(client)
        known = prefix >= 0
        asn = np.where(known, self.world.plan.asn[prefix], -1)
        pick = self.seed.noise(table["id"], "pick")
        person = user.astype(np.int64)
        target = np.where(table["target"] >= 0, table["target"], user)
        risk = np.maximum(table["risk"], 0).astype(np.int16)
        return {
            "user": user, "typed": table["typed"], "target": target, "flow": _flow(table), "device": table["device"],
            "session": table["session"], "client": client, "agent": table["agent"],
            "city": np.where(known, self.world.plan.city[prefix], -1), "asn": asn, "zone": self._zone(table),
            "app": app,
            "factor": factor,
            "risk": risk * (1 << len(terms.NOVELTY)) + table["novelty"],
            "registered": self._registered(table),
            "enrollment": np.where(table["target"] >= 0, table["target"], person) * 16 + factor,
            "app_user": person * 4096 + app, "pick": pick,
            "reported": table["t"] - 5 * MINUTE - (pick % np.uint64(3 * HOUR)).astype(np.int64),
        }

    def _suspected(self, table: Table) -> NDArray[np.int8]:
        """Whether the provider suspects each request's address for now: many an anonymizer's, few others; all day."""
        client, plan = table["client"], self.world.plan
        prefix = plan.find(client)
        proxy = plan.asns.is_proxy[plan.asn[prefix]] & (prefix >= 0)
        hosted = (prefix >= 0) & (plan.kind[prefix] == NETWORK_KINDS.index("hosting"))
        share = np.select([proxy, hosted], [SUSPECTED["proxy"], SUSPECTED["hosting"]], SUSPECTED["other"])
        listed = client.astype(np.uint64) * np.uint64(1 << 16) + (table["t"] // DAY).astype(np.uint64)
        return (self.world.seed.uniform(listed, "threat list") < share).astype(np.int8)

    def _registered(self, table: Table) -> NDArray[np.int8]:
        """Position in ``words.MACHINES`` of the enrolled computer that each request of staff came from, 0 for none."""
        world, found = self.world, np.zeros(len(table), dtype=np.int8)
        at = np.flatnonzero((table["org"] == terms.ORGS.index("workforce")) & (table["user"] >= 0))
        user = table["user"][at]
        enrolled = world.people.factor[user] == terms.FACTORS.index("fastpass")
        enrolled |= world.seed.uniform(user.astype(np.uint64), "okta verify") < words.ENROLLED
        own = table["agent"][at] == world.people.agent[user, 0]
        own &= table["device"][at] == whereabouts.device(world, user, 0, table["t"][at])
        found[at] = np.where(enrolled & own, self._machines[table["agent"][at]], 0)
        return found

    def _zone(self, table: Table) -> NDArray[np.int8]:
        """The workforce's named zones by address; customers come from none."""
        addresses, zones = self._zones
        if not len(addresses):
            return np.zeros(len(table), dtype=np.int8)
        client = table["client"]
        at = np.minimum(np.searchsorted(addresses, client), len(addresses) - 1)
        found = (addresses[at] == client) & (table["org"] == terms.ORGS.index("workforce"))
        return np.where(found, zones[at], 0).astype(np.int8)

    def time_of_line(self, line: str) -> int:
        """``published``."""
        return parse_time(self.parse(line)["published"])


def _act(table: Table, suspected: NDArray[np.int8]) -> I64:
    """Which chain each row sets off: its org, op, result, its other case, and whether the request is ``suspected``.

    The other case is an act of an administrator on someone else, or a password after which a factor is asked for.
    """
    org = np.clip(table["org"], 0, len(terms.ORGS) - 1).astype(np.int64)
    op = np.clip(table["op"], 0, len(terms.AUTH_OPS) - 1)
    stranger = (table["user"] < 0) & (op == terms.AUTH_OPS.index("password"))
    result = np.where(stranger, terms.AUTH_RESULTS.index("unknown_user"), np.maximum(table["result"], 0))
    by_admin = (table["target"] >= 0) & (table["target"] != table["user"])
    challenged = (op == terms.AUTH_OPS.index("password")) & (table["factor"] > 0)
    act: I64 = ((org * len(terms.AUTH_OPS) + op) * len(terms.AUTH_RESULTS) + result) * 2 + (by_admin | challenged)
    return act * 2 + suspected


def _flow(table: Table) -> U64:
    """What ties the steps of one authentication; a row without one is a flow of its own."""
    return np.where(table["flow"] != 0, table["flow"], table["id"])


def _request(table: Table) -> U64:
    """The HTTP request: the same for rows of one flow that are done at one time (a wrong password and the lock)."""
    done: U64 = (table["t"] + table["dur"]).astype(np.uint64)
    return _flow(table) + done * np.uint64(0x9E3779B97F4A7C15)


def _lag(u: F64, z: F64) -> I64:
    """Microseconds until an event can be polled: lognormal around 1.5 s, a few up to two minutes."""
    usual = np.exp(np.log(1.5) + 0.5 * z) * SECOND
    late = u / _STRAGGLERS * _SLOW
    return np.minimum(np.where(u < _STRAGGLERS, late, usual), _SLOW).astype(np.int64)


SOURCE = OktaSystem
