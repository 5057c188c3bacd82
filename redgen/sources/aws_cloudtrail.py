"""AWS CloudTrail: one record per API call, as JSON lines or in the ``{"Records":[…]}`` envelopes of S3 delivery.

Records arrive minutes after the call and in no order, as trails deliver them. In the ``s3`` format a file holds what
five minutes brought of one account and region, and stands where a trail puts it; it is one envelope on one line: a
record's line number in the labels is its 1-based place in ``Records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity.calls import role_resource
from redgen.activity.schema import Activity
from redgen.clock import DAY, MINUTE, SECOND, iso, parse_time
from redgen.render.escapes import plain
from redgen.render.holes import BASE62, Time
from redgen.render.template import Template
from redgen.seed import I64, U64, Seed
from redgen.source import RECORD, Column, Field, Source
from redgen.sources import _cloudtrail_forms as forms
from redgen.sources import _cloudtrail_sessions as sessions
from redgen.sources import _cloudtrail_words as words
from redgen.sources._cloudtrail_events import GLOBAL, regions
from redgen.table import Schema, Table
from redgen.world.cloud import PRINCIPAL_TYPES
from redgen.world.world import World

MAX_DELAY = 15 * MINUTE
FILE = 5 * MINUTE           # a trail delivers about that often
_LATEST = 9 * MINUTE        # measured: file stamp minus eventTime is 0-9 min, with modes at 1-2 and 6 min

_OBJECTS = ("requestParameters", "responseElements")
_TYPED = {"readOnly": "bool", "managementEvent": "bool"}

KEEPERS = ("secretsmanager", "ssm", "lambda", "s3")
"""Services in the order of the alternatives of ``kms:Decrypt``: what each keeps under a key."""


class AwsCloudTrail(Source):
    """What the organisation's trail records of calls to its AWS accounts."""

    name: ClassVar[str] = "aws_cloudtrail"
    title: ClassVar[str] = "AWS CloudTrail"
    sigma: ClassVar[Mapping[str, str]] = {"product": "aws", "service": "cloudtrail"}
    kinds: ClassVar[Mapping[str, int]] = {"cloud": MAX_DELAY}
    formats: ClassVar[Mapping[str, str]] = {"json": "jsonl", "s3": "json"}
    schema: Schema = RECORD | {
        "call": "u8", "op": "i2", "identity": "i1", "principal": "i4", "owner": "i1", "key": "u8", "key_form": "i1",
        "key_mid": "i2", "key_a": "i2", "key_b": "i2", "session_t": "i8", "stamped": "i1", "instance": "i1",
        "machine": "i4", "new_machine": "i4",
        "mfa": "i1",
        "mfa_device": "i1", "console": "i1", "service": "i2", "origin_kind": "i1", "client": "u4", "agent": "i4",
        "agent_kind": "i1", "tls": "i1", "account": "i1", "region": "i1", "error": "i2", "variant": "i1", "res": "i4",
        "res2": "i4", "obj": "i8", "obj_seed": "u8", "key_style": "i1", "bytes": "i8", "small": "i4", "new": "u8",
        "new_owner": "i1", "new_mid": "i2", "new_a": "i2", "new_b": "i2", "new_x": "i1", "role": "i4",
        "new_stamped": "i1",
        "week": "i8", "zero": "i1", "event": "u8", "shared": "i1", "recipient": "i1", "filed": "i8",
        "ms_a": "i2", "ms_b": "i2", "ms_c": "i2", "ms_d": "i2",
    }
    fields: ClassVar[tuple[Field, ...]] = (
        Field("eventVersion", "string", "Version of the record; one per service and period."),
        Field("userIdentity", "object", "Who called: type, ids, ARN, access key, session."),
        Field("eventTime", "time", "When the call was done, UTC, seconds."),
        Field("eventSource", "string", "The service: s3.amazonaws.com."),
        Field("eventName", "string", "The operation."),
        Field("awsRegion", "string", "Where the call was made; us-east-1 for global services."),
        Field("sourceIPAddress", "string", "The caller's address, or the name of the AWS service that called."),
        Field("userAgent", "string", "The caller's software."),
        Field("errorCode", "string", "What went wrong, if anything did."),
        Field("errorMessage", "string", "The same in words."),
        Field("requestParameters", "object", "What was asked, or null."),
        Field("responseElements", "object", "What came back; null for reads and errors."),
        Field("additionalEventData", "object", "What some services add: sign-in details, bytes transferred."),
        Field("requestID", "string", "The request's id; sign-ins have none."),
        Field("eventID", "string", "Unique per record."),
        Field("readOnly", "boolean", "Whether the call could change nothing."),
        Field("resources", "array", "What the call was about, for some services: accountId, type, ARN."),
        Field("eventType", "string", "AwsApiCall or AwsConsoleSignIn."),
        Field("apiVersion", "string", "The API's version, for some services."),
        Field("managementEvent", "boolean", "False for data events."),
        Field("recipientAccountId", "string", "The account whose trail this is."),
        Field("sharedEventID", "string", "The same in every trail that has the call: other accounts, AWS services."),
        Field("eventCategory", "string", "Management or Data."),
        Field("tlsDetails", "object", "Version, cipher and host header; absent when AWS itself called."),
        Field("sessionCredentialFromConsole", "string", "true for calls the console made."),
    )

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        cloud = world.cloud
        self._calls = forms.calls(cloud.ops, words.constants(world, seed))
        self._holes = words.holes(world, seed, self._calls.commands, self._calls.modules) | dict(self._calls.holes)
        enveloped = self.format == "s3"
        self.lead = b"," if enveloped else b""
        self.rotate = FILE if enveloped else 0
        places = [(number, name) for number in cloud.accounts for name in regions(cloud)]
        self.lanes = tuple(map("/".join, places)) if enveloped else ()
        self.schema = {**self.schema, "lane": "i2"} if enveloped else self.schema
        texts = self._calls.forms
        self.template = Template([f",{t}" for t in texts] if enveloped else [f"{t}\n" for t in texts], self._holes)
        self.event_ids = Template(["@{event_id}"], self._holes)
        self._identities: dict[str, int] = {name: k for k, name in enumerate(forms.wording()["identities"])}
        self._global = regions(cloud).index(GLOBAL)
        self._roles, self._stamps = words.Roles.of(cloud), sessions.stamps(cloud)
        self._odd = np.array([int(number) & 1 for number in cloud.accounts], dtype=np.int64)
        self._agent_kind = np.array([words.split_agent(ua)[0] for ua in world.agents.ua] + [words.PLAIN], dtype=np.int8)
        agents = np.arange(len(world.agents) + 1, dtype=np.uint64)
        self._old_tls = (seed.uniform(agents, "tls") < 0.08) & (self._agent_kind != words.COMMAND)
        self._style = words.key_styles(cloud, seed)
        self._machines = sessions.Machines(cloud)
        self._sso = np.array([path.startswith("/aws-reserved/") for path in cloud.principals.path] + [False])
        self._decrypts = _which(cloud.ops.source, cloud.ops.name, "kms:Decrypt")
        self._kept = np.array([next((k for k, word in enumerate(KEEPERS) if service.startswith(word)), -1)
                               for service in cloud.services] + [-1], dtype=np.int64)
        self._assume, self._data_key = (_which(cloud.ops.source, cloud.ops.name, name) for name in (
            "sts:AssumeRole", "kms:GenerateDataKey"))
        self._trail = np.array([name.startswith("cloudtrail.") for name in cloud.principals.name] + [False])
        self._itself = np.append(role_resource(cloud, np.arange(len(cloud.principals), dtype=np.int32)), -2)
        self._of_itself = np.concatenate([_which(cloud.ops.source, cloud.ops.name, f"ssm:{name}") for name in (
            "UpdateInstanceInformation", "PutInventory", "ListInstanceAssociations")])
        self._named = {name: _which(cloud.ops.source, cloud.ops.name, name) for name in (
            "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "signin:ConsoleLogin", "signin:CheckMfa",
            "signin:SwitchRole", "signin:PasswordRecoveryRequested", "signin:PasswordRecoveryCompleted")}

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        """Flat columns for Parquet; parameters and responses as their JSON text."""
        calls = self._calls
        own = words.holes(self.world, self.seed, calls.commands, calls.modules, plain) | dict(calls.holes)
        when = Column("eventTime", "timestamp[us]", Template(["@{at}"], {"at": Time("t", "epoch_us")}))
        who = [Column(name, "string", Template(texts, own, "identity"))
               for name, texts in forms.identity_cells(words.constants(self.world, self.seed)).items()]
        rest = [Column(name, _TYPED.get(name, "string"), Template(texts, self._holes if name in _OBJECTS else own))
                for name, texts in calls.cells.items()]
        return (when, *who, *rest)

    def header(self, opened: int) -> bytes:  # noqa: ARG002
        """The envelope's beginning."""
        return b'{"Records":[' if self.format == "s3" else b""

    def footer(self, closed: int) -> bytes:  # noqa: ARG002
        """The envelope's end."""
        return b"]}" if self.format == "s3" else b""

    def filed(self, lane: int, closed: int) -> str:
        """Where a trail delivers what it has of an account's region. Source: CloudTrail user guide, log file names."""
        account, region = self.lanes[lane].split("/")
        day, clock = iso(closed)[:10], iso(closed)[11:16].replace(":", "")
        drawn = self.seed.child("file", self.lanes[lane], closed).stream().integers(0, len(BASE62), 16)
        name = f"{account}_CloudTrail_{region}_{day.replace('-', '')}T{clock}Z_{''.join(BASE62[k] for k in drawn)}.json"
        return f"AWSLogs/{account}/CloudTrail/{region}/{day.replace('-', '/')}/{name}"

    def observe(self, activity: Activity) -> Table:
        """One record per row of ``cloud``."""
        table = activity.get("cloud")
        if table is None or not len(table):
            return self.nothing()
        table, second = self._seen_twice(table)
        ids, done = table["id"], table["t"] + table["dur"]
        call = self.seed.noise(ids, "call")
        failed = table["error"] >= 0
        denied = failed & (table["error"] < len(forms.DENIALS))
        outcome = np.where(denied, forms.DENIED, np.where(failed, forms.FAILED, forms.OK))
        form = table["op"].astype(np.int64) * 3 + outcome
        who = self._who(table, second)
        lane = {"lane": who["recipient"] * len(regions(self.world.cloud)) + who["region"]} if self.lanes else {}
        return Table(
            self.schema, len(table), id=ids, t=done, w=done + self._delay(ids), form=form, call=call, op=table["op"],
            event=np.where(second, self.seed.noise(ids, "second event"), call),
            error=table["error"], variant=self._variant(table, call),
            small=220 + (call >> np.uint64(20)) % np.uint64(1400),
            bytes=np.maximum(table["bytes"], 0), week=done + 7 * DAY, filed=done // FILE * FILE, **_clock(done), **who,
            **self._about(table), **self._created(table, who), **lane,
        )

    def fanout(self, kind: str, table: Table) -> NDArray[np.int32]:
        """One record for each call, two where another account's principal calls."""
        return super().fanout(kind, table) + (self._crossing(table) if kind in self.kinds else 0)

    def _abroad(self, table: Table) -> NDArray[np.bool_]:
        """Calls to another account than the caller's."""
        who, account = table["principal"], self.world.cloud.principals.account
        ours = (who >= 0) & (table["account"] >= 0) & ~self._of_aws[who]
        abroad: NDArray[np.bool_] = ours & (account[who] != table["account"]) & ~self._sign_in[table["op"]]
        return abroad

    def _crossing(self, table: Table) -> NDArray[np.bool_]:
        """Calls to another account that worked: both accounts' trails have them.

        What is refused stands in the caller's trail alone. Source: IAM user guide, logging with CloudTrail.
        """
        crossing: NDArray[np.bool_] = self._abroad(table) & (table["error"] < 0)
        return crossing

    def _seen_twice(self, table: Table) -> tuple[Table, NDArray[np.bool_]]:
        """A row for each record, and which ones are the called account's second record of a call."""
        crossing = self._crossing(table)
        if not crossing.any():
            return table, crossing
        rows = np.repeat(np.arange(len(table)), 1 + crossing)
        return table.take(rows), np.append(False, rows[1:] == rows[:-1])

    @cached_property
    def _of_aws(self) -> NDArray[np.bool_]:
        """Which principals are AWS services in their own name."""
        return np.append(self.world.cloud.principals.type == PRINCIPAL_TYPES.index("AWSService"), False)

    def _variant(self, table: Table, call: U64) -> NDArray[np.int64]:
        """Which alternative of its parameters each call has.

        A service decrypts what it keeps, CloudTrail alone asks for keys to a trail's files, and a vendor alone gives an
        external id (both the last alternatives).
        """
        found = (call % np.uint64(forms.VARIANTS)).astype(np.int64)
        kept, op = self._kept[table["service"]], table["op"]
        one = np.where(kept >= 0, found // len(KEEPERS) * len(KEEPERS) + kept, found)
        found = np.where(np.isin(op, self._decrypts), one, found)
        for ops, last, own in ((self._data_key, 2, self._trail[table["principal"]]),
                               (self._assume, 3, self._by_vendor(table))):
            inner = found // (last + 1) * (last + 1)
            found = np.where(np.isin(op, ops), np.where(own, inner + last, inner + found % last), found)
        return found

    def _by_vendor(self, table: Table) -> NDArray[np.bool_]:
        """Roles that nobody of the organisation assumes: their rows name the role itself as the caller."""
        itself = (self._itself[table["principal"]] == table["res"]) & (table["key"] == 0)
        by_vendor: NDArray[np.bool_] = np.isin(table["op"], self._assume) & itself
        return by_vendor

    def _delay(self, ids: U64) -> I64:
        """Minutes until delivery: most after one or two, a second wave around six. Source: a trail of 2,900 records.

        What S3 gets waits for its file to be closed, too: it takes as much less to get into one.
        """
        z, wave = self.seed.normal(ids, "delivery"), self.seed.uniform(ids, "wave") < 0.62
        if self.lanes:
            minutes, latest = np.where(wave, 0.5 * np.exp(0.6 * z), 3.2 + 0.4 * z), _LATEST - FILE
        else:
            minutes, latest = np.where(wave, 1.6 * np.exp(0.45 * z), 6.0 + 0.9 * z), _LATEST
        delay: I64 = np.clip(minutes * MINUTE, 2 * SECOND, latest).astype(np.int64)
        return delay

    def _who(self, table: Table, second: NDArray[np.bool_]) -> dict[str, Any]:
        """Identity, credential, and where and with what the call was made."""
        cloud, principals = self.world.cloud, self.world.cloud.principals
        who, op = table["principal"], table["op"]
        known = who >= 0
        kind = np.where(known, principals.type[who], -1)
        aws = kind == PRINCIPAL_TYPES.index("AWSService")
        served = table["service"] >= 0
        inner = (table["client"] == 0) & ~served & ~aws
        by_portal = np.isin(op, self._named["sts:AssumeRoleWithSAML"]) & self._sso[who]
        origin = np.where(by_portal, 4, np.where(served, 1, np.where(aws, 2, np.where(inner, 3, 0))))
        agent = table["agent"]
        region = np.where(cloud.ops.global_[op], self._global, np.maximum(table["region"], 0))
        at_home = np.isin(op, self._named["signin:ConsoleLogin"]) & (kind == PRINCIPAL_TYPES.index("AssumedRole"))
        account = np.maximum(table["account"], 0)
        key = np.where((table["key"] == 0) & known, self.seed.noise(who.astype(np.uint64), "key"), table["key"])
        sign_in, machine = self._sign_in[op], self._machines.of(who, key)
        owner, vendor = np.where(known, principals.account[who], account), self._by_vendor(table)
        identity = np.where(vendor, self._identities["vendor"], self._identity(table, kind))
        foreign = np.where(kind == 1, self._identities["account_role"], self._identities["account_user"])
        crossing = self._crossing(table)
        return {
            "identity": np.where(second, foreign, identity), "principal": who, "owner": owner,
            "recipient": np.where(self._abroad(table) & ~second, owner, account), "shared": crossing | aws | vendor,
            "key": key, "key_form": _key_form(table, kind, self._has_key[who]),
            **_key_parts("key", key, self._odd[owner]),
            "session_t": np.where(table["session_t"] > 0, table["session_t"], table["t"]),
            "stamped": self._stamps[who], "machine": machine, "instance": machine >= 0,
            "mfa": (table["mfa"] > 0) & ~self._sso[who],
            "mfa_device": np.where(table["mfa"] <= 0, 0, np.where(kind == 0, 1, np.where(kind == 2, 2, 0))),
            "console": (table["console"] > 0) & ~sign_in & (origin == 0), "service": table["service"],
            "origin_kind": origin,
            "client": table["client"], "agent": agent, "agent_kind": self._agent_kind[agent],
            "tls": np.where(origin == 0, self._old_tls[agent], np.where(by_portal, 0, -1)), "account": account,
            "region": np.where(at_home, np.maximum(table["region"], 0), region), "zero": 0,
        }

    @cached_property
    def _has_key(self) -> NDArray[np.bool_]:
        """Which principals own a long-lived access key."""
        return np.append(np.diff(self.world.cloud.principals.key.offsets) > 0, False)

    @cached_property
    def _sign_in(self) -> NDArray[np.bool_]:
        """Which operations sign somebody in."""
        found = [rows for name, rows in self._named.items() if name.startswith("signin:")]
        return np.isin(np.arange(len(self.world.cloud.ops)), np.concatenate(found))

    def _identity(self, table: Table, kind: NDArray[Any]) -> NDArray[np.int64]:
        """Which shape of ``userIdentity`` each record has."""
        code, op = self._identities, table["op"]
        old = self._calls.old[op].astype(np.int64)  # the _old shape stands behind the new one
        session = table["session_t"] > 0
        by_type: list[NDArray[Any]] = [
            np.where(session, code["user_session"] + old, code["user_key"]), code["role"] + old,
            np.where(session | (table["key"] != 0), code["root_session"] + old, code["root_key"]),
            np.full(len(table), code["service"]),
        ]
        found = np.select([kind == k for k in range(len(by_type))], by_type, code["sign_in_unknown"])
        found = np.where(np.isin(op, self._named["sts:AssumeRoleWithSAML"]), code["saml"], found)
        found = np.where(np.isin(op, self._named["sts:AssumeRoleWithWebIdentity"]), code["web_identity"], found)
        user = np.where(table["error"] >= 0, code["sign_in_failed"], code["sign_in"])
        other = np.where(kind == 2, code["sign_in_root"], code["sign_in_unknown"])
        at_door = np.where(kind == 0, user, np.where(kind == 1, code["sign_in_role"], other))
        return np.where(self._sign_in[op], at_door, found)

    def _about(self, table: Table) -> dict[str, Any]:
        """The resources and the object."""
        own, obj = self._machines.of(table["principal"], table["key"]), np.maximum(table["obj"], 0)
        res = np.where((own >= 0) & np.isin(table["op"], self._of_itself), own, table["res"])
        return {
            "res": res, "res2": table["res2"], "obj": obj, "key_style": self._style[res],
            "obj_seed": obj.astype(np.uint64) * np.uint64(1 << 20) + (res + 1).astype(np.uint64),
        }

    def _created(self, table: Table, who: Mapping[str, Any]) -> dict[str, Any]:
        """Ids of what the call makes: they belong to the account it is made in."""
        principals, caller, new = self.world.cloud.principals, table["principal"], table["new"]
        person = np.where(caller >= 0, principals.person[caller], -1)
        role = np.where(who["identity"] == self._identities["saml"], caller, self._roles.become(table["res"], person))
        return {
            "new": new, "new_owner": who["account"], **_key_parts("new", new, self._odd[who["account"]]),
            "new_x": (new >> np.uint64(39)) & np.uint64(31), "role": role,
            "new_stamped": self._stamps[role], "new_machine": self._machines.of(role, new),
        }

    def time_of_line(self, line: str) -> int:
        """``eventTime``."""
        return parse_time(self.parse(line)["eventTime"])


def _which(sources: Any, names: Any, op: str) -> NDArray[np.int64]:
    """The rows of one operation: one, or none when the world does not list it."""
    source, _, name = op.partition(":")
    pairs = enumerate(zip(sources, names, strict=True))
    return np.array([k for k, pair in pairs if pair == (source, name)], dtype=np.int64)


def _key_form(table: Table, kind: NDArray[Any], owned: NDArray[np.bool_]) -> NDArray[np.int64]:
    """0 the principal's own key, 1 another long-lived one (AKIA), 2 a session's (ASIA)."""
    lasting = (table["session_t"] == 0) & ((kind == 0) | (kind == 2))
    return np.where(lasting, np.where((table["key"] == 0) & owned, 0, 1), 2)


def _clock(done: I64) -> dict[str, NDArray[Any]]:
    """The last 12 digits of a time in milliseconds, by threes."""
    ms = done // 1000
    return {f"ms_{part}": ms // 1000**k % 1000 for k, part in enumerate("dcba")}


def _key_parts(name: str, seed: U64, odd: I64) -> dict[str, NDArray[Any]]:
    """The last eight characters of an access key id as codes: two of its base32 digits, then three and three.

    See ``redgen.world.cloud.key_id``: the first digit begins with the account's lowest bit, ``odd``; then come seven
    bits of the seed, which end the six bytes that hold the account, and its low 32 bits.
    """
    low = seed & np.uint64(0xFFFFFFFF)
    own = ((seed >> np.uint64(32)) & np.uint64(0x7F)) << np.uint64(2) | low >> np.uint64(30)
    mid = odd << 9 | own.astype(np.int64)
    fifteen = np.uint64(0x7FFF)
    return {f"{name}_mid": mid, f"{name}_a": low >> np.uint64(15) & fifteen, f"{name}_b": low & fifteen}


SOURCE = AwsCloudTrail
