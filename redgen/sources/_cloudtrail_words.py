"""CloudTrail's vocabularies: the organisation's accounts, principals and resources in the words of records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.render import holes as h
from redgen.render.escapes import json_text
from redgen.render.holes import BASE32_UPPER, BASE62, BASE64, Forms, Hex, Hole, Letters, Pick, Text, Time
from redgen.seed import Seed
from redgen.sources._cloudtrail_events import GLOBAL, event_holes, regions, zone_prefix
from redgen.sources._cloudtrail_forms import expand, wording
from redgen.sources._cloudtrail_sessions import issuers, portals, providers, session_texts
from redgen.vocabulary import Vocabulary
from redgen.world.cloud import PRINCIPAL_TYPES, RESOURCE_KINDS, Cloud, key_id
from redgen.world.world import World

_UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = "abcdefghijklmnopqrstuvwxyz234567"
Escape = Callable[[str], str]

PLAIN, COMMAND, MODULE = range(3)
"""What of an agent's text depends on the call: nothing, the CLI's command, the SDK's service module."""
_CALL = {COMMAND: "@{command}", MODULE: "@{service}"}
_MANAGED = re.compile("Amazon|AWS|(Administrator|PowerUser|ReadOnly|IAMFull|ViewOnly)Access$|SecurityAudit$")
"""Names of policies that AWS itself publishes."""

def constants(world: World, seed: Seed) -> dict[str, str]:
    """Words that only this organisation knows: its identity provider in SAML, its repository, its vendor, its trail."""
    qualifier = seed.child("saml").stream().integers(0, 64, 27)
    slug = world.org.domain.split(".")[0]
    vendor = seed.child("vendor")
    number = f"{100_000_000_000 + vendor.key % 899_999_999_999:012d}"
    trails, buckets = (_names(world.cloud, kind) for kind in ("trail", "bucket"))
    return {
        "saml": "".join(BASE64[i] for i in qualifier) + "=",
        "repository": f"repo:{slug}/infrastructure:ref:refs/heads/main", "domain": world.org.domain,
        "vendor": number, "vendor_id": key_id("AROA", number, vendor.child("role").key),
        "vendor_session": f"crawler-{vendor.child('session').key:016x}"[:20],
        "external_id": f"{vendor.child('external').key:016x}{vendor.child('more').key:016x}",
        "home": next(iter(regions(world.cloud))), "trail": next(iter(trails), "trail"),
        "trail_bucket": next((name for name in buckets if "trail" in name), next(iter(buckets), "trail")),
    }


def _names(cloud: Cloud, kind: str) -> list[str]:
    return [cloud.resources.name[int(k)] for k in cloud.resources_of(kind)]


def owners(cloud: Cloud) -> list[int]:
    """The account of every resource; a user who is yet to be created (-1) will be of the first."""
    return [max(account, 0) for account in cloud.resources.account.tolist()]


def arns(cloud: Cloud, seed: Seed) -> list[str]:
    """The ARN of every resource; policies that AWS manages belong to ``aws``."""
    resources, found = cloud.resources, []
    paths = {(PRINCIPAL_TYPES[t], name, int(a)): path for t, name, a, path in zip(
        cloud.principals.type, cloud.principals.name, cloud.principals.account, cloud.principals.path, strict=True)}
    for k, (name, account) in enumerate(zip(resources.name, owners(cloud), strict=True)):
        kind = RESOURCE_KINDS[resources.kind[k]]
        if name.startswith("arn:"):
            found.append(name)
            continue
        if kind == "policy" and _MANAGED.match(name):
            found.append(f"arn:aws:iam::aws:policy/{name}")
            continue
        owner = ("AssumedRole" if kind == "role" else "IAMUser", name, account)
        found.append(wording()["arns"].get(kind, "{name}").format(
            name=name, account=cloud.accounts[account],
            region=cloud.regions[int(resources.region[k])],
            path=paths.get(owner, "/"), tail=_base62(seed, f"secret {k}", 6) if kind == "secret" else ""))
    return found


def key_styles(cloud: Cloud, seed: Seed) -> NDArray[np.int8]:
    """How the objects of each resource are named; one entry more, for no resource."""
    styles = wording()["object_keys"]
    free = [k for k, style in enumerate(styles) if not style["word"]]
    drawn = seed.child("keys").stream().integers(0, len(free), len(cloud.resources))
    found = [next((k for k, style in enumerate(styles) if style["word"] and style["word"] in name), free[pick])
             for name, pick in zip(cloud.resources.name, drawn.tolist(), strict=True)]
    return np.array([*found, free[0]], dtype=np.int8)


def plain_names(cloud: Cloud) -> list[str]:
    """Every resource's name; of a full ARN its last part."""
    return [re.split("[:/]", name)[-1] if name.startswith("arn:") else name for name in cloud.resources.name]


def principals_of(cloud: Cloud) -> list[list[int]]:
    """For each resource that is a role or a user, its rows among the principals: of a shared role, one per person."""
    p = cloud.principals
    rows: dict[tuple[str, str, int], list[int]] = {}
    for k, (kind, name, account) in enumerate(zip(p.type, p.name, p.account, strict=True)):
        rows.setdefault((PRINCIPAL_TYPES[kind], name, int(account)), []).append(k)
    kinds = {"role": "AssumedRole", "user": "IAMUser"}
    return [rows.get((kinds.get(RESOURCE_KINDS[kind], ""), name, account), []) for kind, name, account in zip(
        cloud.resources.kind, cloud.resources.name, owners(cloud), strict=True)]


@dataclass(frozen=True)
class Roles:
    """Which principal a role becomes: that of the person who assumes it, where the role has one for them.

    ``first``: int32[resources + 1], any principal of the resource, -1 none (the last entry is for no resource).
    ``keys`` int64, sorted: (resource, person); ``rows``: the principal of each.
    """

    first: NDArray[np.int32]
    keys: NDArray[np.int64]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, cloud: Cloud) -> Roles:
        """The roles of ``cloud``."""
        people = cloud.principals.person
        found = principals_of(cloud)
        owned = ((res, k, int(people[k])) for res, rows in enumerate(found) for k in rows)
        pairs = sorted((res << 32 | person, k) for res, k, person in owned if person >= 0)
        first = [rows[0] if rows else -1 for rows in found]
        return cls(np.array([*first, -1], dtype=np.int32), np.array([key for key, _ in pairs], dtype=np.int64),
                   np.array([k for _, k in pairs], dtype=np.int32))

    def become(self, res: NDArray[np.int32], person: NDArray[np.int32]) -> NDArray[np.int32]:
        """The principal that ``person`` is after assuming ``res``."""
        if not len(self.keys):
            return self.first[res]
        wanted = res.astype(np.int64) << 32 | np.maximum(person, 0)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        own = (self.keys[at] == wanted) & (person >= 0) & (res >= 0)
        return np.where(own, self.rows[at], self.first[res])


def holes(
    world: World, seed: Seed, commands: Sequence[str], modules: Sequence[str], escape: Escape = json_text
) -> dict[str, Hole]:
    """Every hole that calls share; ``escape`` is how names and agents are written."""
    shared = _time_holes() | _drawn_holes(world, seed) | _place_holes(world, seed) | event_holes(world, seed)
    named = _principal_holes(world, seed, escape) | _resource_holes(world, seed, escape)
    return shared | named | _agent_holes(world, commands, modules, escape)


def _time_holes() -> dict[str, Hole]:
    """Times as records write them; those beside the event's own are shown in a zone that lies so far away."""
    return {
        "time": Time("t", "iso_s_z"), "session_time": Time("session_t", "iso_s_z"), "now": Time("t", "aws_date_comma"),
        "expires": Time("t", "aws_date_comma", offset_minutes=60), "epoch": Time("t", "epoch_s"),
        "in_two_hours": Time("t", "aws_date_comma", offset_minutes=120), "in_week": Time("week", "aws_date_comma"),
        "before": Time("t", "aws_date_comma", offset_minutes=-60), "time_ms": Time("t", "iso_ms_offset"),
        "today": Time("t", "date"), "yesterday": Time("t", "date", offset_minutes=-1439),
        "tomorrow": Time("t", "date", offset_minutes=1439),
        "filed": Time("filed", "basic_m_z"), "filed_day": Time("filed", "slash_date"),
    }


def _drawn_holes(world: World, seed: Seed) -> dict[str, Hole]:
    """Ids and details drawn from the call, or from the seed of what the call creates."""
    salt = seed.key % (1 << 16)
    account = world.cloud.accounts
    numbers = seed.child("foreign").stream().integers(100_000_000_000, 1_000_000_000_000, 8).tolist()
    foreign = [f"{number:012d}" for number in numbers]
    picks = wording()["picks"] | {"octet": [str(n) for n in range(1, 255)], "octet2": [str(n) for n in range(4, 251)]}
    found: dict[str, Hole] = {name: Pick(_json(options), "call", salt=20 + k)
                              for k, (name, options) in enumerate(picks.items())}
    resources = {kind: [json_text(world.cloud.resources.name[int(k)]) for k in world.cloud.resources_of(kind)]
                 for kind in ("secret", "parameter", "function", "bucket", "queue", "repository")}
    found |= {kind: Pick(Vocabulary.of(names or [f"/{kind}" if kind == "parameter" else kind]), "call", salt=60 + k)
              for k, (kind, names) in enumerate(resources.items())}
    trusted = [f"arn:aws:iam::{number}:root" for number in [*account, *foreign[:3]]]
    return found | {
        "foreign": Pick(Vocabulary.of(foreign), "call", salt=80),
        "trusted": Pick(Vocabulary.of(trusted), "call", salt=81),
        "trusted_url": Pick(Vocabulary.of(t.replace(":", "%3A") for t in trusted), "call", salt=81),
        "request_id": h.Uuid4("call", salt=2), "uuid": h.Uuid4("call", salt=3),
        "request_id_s3": Letters("call", _UPPER, 16, salt=4),
        "request_id_dynamo": Letters("call", _UPPER[:32], 26, salt=16),
        "file_unique": Letters("call", BASE62, 16, salt=17),
        "hex8": Hex("call", 8, salt=5),
        "hex16": Hex("call", 16, salt=6),
        "hex32": Hex("call", 32, salt=7), "hex64": Hex("call", 64, salt=8),
        "host_tail": Letters("call", BASE64, 75, salt=9),
        "hash": Letters("call", BASE64, 43, salt=10), "ssh_key": Letters("call", BASE64, 43, salt=11),
        "tail26": Letters("key", _LOWER, 26, salt=12), "change": Letters("call", _UPPER, 20, salt=13),
        "encoded": Letters("call", BASE62 + "_-", 380, 560, salt=14),
        "subnet": Hex("region", 16, salt=salt), "vpc": Hex("region", 16, salt=salt + 1),
        "group_id": Hex("region", 16, salt=salt + 2),
        "runtime": Hex("region", 64, salt=3), "hosted_zone": Letters("account", _UPPER, 18, salt=salt + 3),
        "distribution": Letters("account", _UPPER, 13, salt=salt + 4),
        "new_hex16": Hex("new", 16, salt=1), "new_uuid": h.Uuid4("new", salt=2),
        "new_tail26": Letters("new", _LOWER, 26, salt=12),
        "fingerprint": Hex("new", 40, salt=3), "session_token": Letters("new", BASE64, 480, 720, salt=4),
        "small": h.Int("small"), "bytes": h.Int("bytes"),
        "key_material": Hex("res", 64, salt=salt + 5), "run": h.Uuid4("key", salt=18),
        "new_run": h.Uuid4("new", salt=18),
        "host_octet": Pick(_json(picks["octet"]), "res", salt=salt + 6),
        "host_octet2": Pick(_json(picks["octet2"]), "res", salt=salt + 7),
        "host_zone": Pick(Vocabulary.of("abc"), "res", salt=salt + 8),
        "host_zone_id": Pick(Vocabulary.of("231"), "res", salt=salt + 8),
    }


def _principal_holes(world: World, seed: Seed, escape: Escape) -> dict[str, Hole]:
    """Who called: names, ids, credentials, sessions; and who the session that a call begins will be."""
    p, accounts = world.cloud.principals, world.cloud.accounts
    sessions = Vocabulary.of(map(escape, session_texts(world)))
    identities = [expand(text, constants(world, seed)) for text in wording()["identities"].values()]
    ids = p.id
    heads = Vocabulary.of(key_id("AKIA", account, 0)[4:12] for account in accounts)
    mid = Vocabulary.of(a + b for a in BASE32_UPPER for b in BASE32_UPPER)
    three = Vocabulary.of(a + b + c for a in BASE32_UPPER for b in BASE32_UPPER for c in BASE32_UPPER)
    names = p.name.escaped(escape)
    found: dict[str, Hole] = {
        "principal": Text(names, "principal", missing="unknown"),
        "principal_id": Text(ids, "principal", missing="unknown"),
        "path": Text(p.path, "principal", missing="/"), "owner": Text(accounts, "owner"),
        "own_key": Text(p.key, "principal", missing=""), "mfa": Text(Vocabulary.of(("false", "true")), "mfa"),
        "key": Forms([expand(t, {}) for t in ("@{own_key}", "AKIA@{session_key}", "ASIA@{session_key}")], "key_form"),
        "session_text": Text(sessions, "principal", missing="session"), "stamp": Time("session_t", "epoch_s"),
        "session": Forms([*(f"@{{session_text}}{stamp}" for stamp in ("", "-@{stamp}", "-@{stamp_us}000")), "@{task}",
                          "@{machine}", "@{session_text}-@{run}"], "stamped"),
        "task": Hex("key", 32), "machine": Text(world.cloud.resources.name, "machine", missing="unknown"),
        "new_task": Hex("new", 32), "new_machine": Text(world.cloud.resources.name, "new_machine", missing="unknown"),
        "stamp_us": Time("session_t", "epoch_us"), "epoch_us": Time("t", "epoch_us"),
        "role_id": Text(ids, "role", missing="unknown"), "new_text": Text(sessions, "role", missing="session"),
        "new_session": Forms([*(f"@{{new_text}}{s}" for s in ("", "-@{epoch}", "-@{epoch_us}000")), "@{new_task}",
                              "@{new_machine}", "@{new_text}-@{new_run}"], "new_stamped"),
        "issuer_url": Text(Vocabulary.of(issuers(world, seed)), "role", missing="http://www.okta.com/"),
        "provider": Text(Vocabulary.of(map(escape, providers(world, seed))), "role", missing="Okta"),
        "key_head": Text(heads, "owner"), "new_head": Text(heads, "new_owner"),
        "new_x": Text(Vocabulary.of(BASE32_UPPER), "new_x"),
        "delivery": Text(Vocabulary.of(("", ',"ec2RoleDelivery":"2.0"')), "instance"),
        "mfa_used": Text(Vocabulary.of(("No", "Yes")), "mfa"),
        "mfa_device": Forms(["", ',"MFAIdentifier":"arn:aws:iam::@{owner}:mfa/@{principal}"',
                             ',"MFAIdentifier":"arn:aws:iam::@{owner}:mfa/root-account-mfa-device"'], "mfa_device"),
        "issuer": Forms([wording()["issuer"]], "zero"),
        "identity": Forms(identities, "identity"),
        "caller": Forms(_callers(), "identity"),
        "console": Text(Vocabulary.of(("", ',"sessionCredentialFromConsole":"true"')), "console"),
    }
    for which in ("key", "new"):
        parts = ((f"{which}_mid", mid), (f"{which}_a", three), (f"{which}_b", three))
        found |= {name: Text(digits, name) for name, digits in parts}
    return found


def _callers() -> list[str]:
    """How messages name each identity."""
    user, root = "arn:aws:iam::@{owner}:user@{path}@{principal}", "arn:aws:iam::@{owner}:root"
    role = "arn:aws:sts::@{owner}:assumed-role/@{principal}/@{session}"
    words = {"user": user, "sign_in": user, "role": role, "root": root, "service": "@{principal}", "saml": "anonymous",
             "web_identity": "anonymous", "account": user, "vendor": "<vendor>"}
    found = []
    for name in wording()["identities"]:
        kind = {"sign_in_root": "root", "sign_in_role": "role"}.get(name, name)
        found.append(next(text for start, text in words.items() if kind.startswith(start)))
    return found


def _resource_holes(world: World, seed: Seed, escape: Escape) -> dict[str, Hole]:
    """What a call is about, and the object inside a bucket."""
    cloud = world.cloud
    arn = Vocabulary.of(map(escape, arns(cloud, seed)))
    names = Vocabulary.of(map(escape, plain_names(cloud)))
    first = Roles.of(cloud).first.tolist()[:-1]
    numbers = [cloud.accounts[account] for account in owners(cloud)]
    user_keys = [(cloud.principals.key[k] if k >= 0 else "") or key_id("AKIA", number, n * 0x9E3779B1)
                 for n, (k, number) in enumerate(zip(first, numbers, strict=True))]
    user_ids = [(cloud.principals.id[k] if k >= 0 else "") or key_id("AIDA", number, n * 0x9E3779B1)
                for n, (k, number) in enumerate(zip(first, numbers, strict=True))]
    return {
        "res": Text(names, "res", missing="unknown"),
        "res2": Text(names, "res2", missing="unknown"),
        "res_arn": Text(arn, "res", missing="*"), "res2_arn": Text(arn, "res2", missing="*"),
        "res_account": Text(Vocabulary.of(numbers), "res", missing=cloud.accounts[0]),
        "user_key": Text(Vocabulary.of(user_keys), "res", missing=user_keys[0]),
        "res_id": Text(Vocabulary.of(user_ids), "res", missing=user_ids[0]),
        "object_key": Forms([style["key"] for style in wording()["object_keys"]], "key_style"), "obj6": h.Pad("obj", 6),
        "obj_hex": Hex("obj_seed", 16), "obj_unique": Letters("obj_seed", BASE62, 16, salt=1),
        "obj_short": Letters("obj_seed", BASE62, 8, salt=1),
        "obj_month": Pick(Vocabulary.of(("10", "11", "12")), "obj_seed", salt=2),
        "obj_day": Pick(Vocabulary.of(f"{day:02d}" for day in range(1, 31)), "obj_seed", salt=3),
        "obj_clock": Pick(Vocabulary.of(f"{at // 12:02d}{at % 12 * 5:02d}" for at in range(288)), "obj_seed", salt=4),
    }


def _agent_holes(
    world: World, commands: Sequence[str], modules: Sequence[str], escape: Escape
) -> dict[str, Hole]:
    """The client's name for itself, with what of it follows the call."""
    heads, tails = zip(*(split_agent(ua)[1:] for ua in world.agents.ua), strict=True)
    services = world.cloud.services
    said: dict[str, Hole] = {
        "ua_head": Text(Vocabulary.of(map(escape, heads)), "agent", missing=""),
        "ua_tail": Text(Vocabulary.of(map(escape, tails)), "agent", missing=""),
        "command": Text(Vocabulary.of(commands), "op"), "module": Text(Vocabulary.of(modules), "op"),
        "ua_call": Forms(["", "@{command}", "@{module}"], "agent_kind"),
    }
    own = "@{ua_head}@{ua_call}@{ua_tail}"
    others = ["@{service}", "@{principal}", "AWS Internal"]
    portal = wording()["portal_agent"]
    more: dict[str, Hole] = {
        "service": Text(services, "service", missing=""), "ip": h.IPv4("client"),
        "agent": Forms([own, *others, portal], "origin_kind"),
        "agent_s3": Forms([f"[{own}]", *others, portal], "origin_kind"),
        "agent_ssm": Forms([wording()["ssm_agent"], *others, portal], "origin_kind"),
        "origin": Forms(["@{ip}", *others, "@{portal}"], "origin_kind"),
        "invoked_by": Text(Vocabulary.of(f',"invokedBy":"{name}"' for name in services), "service", missing=""),
    }
    return said | more


def _place_holes(world: World, seed: Seed) -> dict[str, Hole]:
    """Account and region, the hosts that follow from the region, and where Identity Center's portal calls from."""
    names = regions(world.cloud)
    s3 = ["s3.amazonaws.com" if name == GLOBAL else f"s3.{name}.amazonaws.com" for name in names]
    inside = ["ec2.internal" if name == GLOBAL else f"{name}.compute.internal" for name in names]
    zones = [zone_prefix(name) for name in names]
    sign_in = ["signin.aws.amazon.com" if name == GLOBAL else f"{name}.signin.aws.amazon.com" for name in names]
    return {
        "account": Text(world.cloud.accounts, "account"), "recipient": Text(world.cloud.accounts, "recipient"),
        "internal": Text(Vocabulary.of(inside), "region"), "zone_prefix": Text(Vocabulary.of(zones), "region"),
        "portal": Pick(Vocabulary.of(portals(world, seed)), "call", salt=82),
        "region": Text(Vocabulary.of(names), "region"),
        "s3_suffix": Text(Vocabulary.of(s3), "region"), "sign_in_host": Text(Vocabulary.of(sign_in), "region"),
        "cipher": Text(Vocabulary.of(("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")), "tls",
                       missing="ECDHE-RSA-AES128-GCM-SHA256"),
    }


def split_agent(ua: str) -> tuple[int, str, str]:
    """(PLAIN, COMMAND or MODULE, text before, text after) what of a user agent follows the call.

    >>> split_agent("aws-sdk-go-v2/1.39.6 ua/2.1 api/@{service}#1.53.4")
    (2, 'aws-sdk-go-v2/1.39.6 ua/2.1 api/', '#1.53.4')
    """
    for kind, call in _CALL.items():
        if call in ua:
            head, _, tail = ua.partition(call)
            return kind, head, tail
    return PLAIN, ua, ""


def _json(texts: Iterable[str]) -> Vocabulary:
    return Vocabulary.of(map(json_text, texts))


def _base62(seed: Seed, name: str, length: int) -> str:
    return "".join(BASE62[i] for i in seed.child(name).stream().integers(0, 62, length))
