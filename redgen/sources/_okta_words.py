"""Okta's vocabularies: the world's people, places, networks, agents and apps in the words of LogEvents."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from redgen.activity.terms import FACTORS, NOVELTY, ORGS, RISKS
from redgen.render.escapes import json_text, plain
from redgen.render.holes import BASE62, Forms, Hex, Hole, IPv4, Letters, Pick, Text, Time, Uuid1
from redgen.seed import Seed
from redgen.vocabulary import Vocabulary
from redgen.world.world import World

Escape = Callable[[str], str]

_REQUEST = BASE62 + "-@_"
BEHAVIORS = (("New Geo-Location", "new_geo"), ("New Device", "new_device"), ("New IP", "new_ip"),
             ("New State", "new_state"), ("New Country", "new_country"), ("Velocity", "velocity"),
             ("New City", "new_city"))
"""Okta's behavior names in the order it writes them, and the novelty bit each reports."""
_PLACES = {"new_city", "new_state", "new_country", "new_geo"}
FACTOR_WORDS = {
    # factor: (debugData.factor, id prefix, authenticator, method, verified properties, credentialType, last request)
    "password": ("PASSWORD_AS_FACTOR", "lae", "Password", "Password", "[]", "PASSWORD", "answer"),
    "push": ("OKTA_VERIFY_PUSH", "opf", "Okta Verify", "Get a push notification", "[USER_PRESENCE]", None, "poll"),
    "webauthn": ("FIDO_WEBAUTHN", "fwf", "Security Key or Biometric", "Security Key or Biometric",
                 "[USER_PRESENCE, USER_VERIFICATION]", "ASSERTION", "answer"),
    "totp": ("OKTA_SOFT_TOKEN", "ost", "Okta Verify", "Enter a code", "[USER_PRESENCE]", "OTP", "answer"),
    "sms": ("SMS_FACTOR", "sms", "Phone", "SMS", "[USER_PRESENCE]", "SMS", "answer"),
    "email": ("EMAIL_FACTOR", "emf", "Email", "Email", "[]", "EMAIL", "answer"),
    "fastpass": ("SIGNED_NONCE", "pfd", "Okta Verify", "Use Okta FastPass", "[USER_PRESENCE, HARDWARE_PROTECTED]",
                 None, "poll"),
}
_FINISH = {"answer": "/idp/idx/challenge/answer", "poll": "/idp/idx/authenticators/poll"}
PRIVILEGES = ("Help Desk administrator", "Read-only administrator", "Group administrator", "Application administrator",
              "Organization administrator", "Super administrator", "Super administrator", "Super administrator")
API_TOKENS = ("ci-deploy", "hr-sync", "siem-export", "terraform", "user-import", "backup-job",
              "helpdesk-portal", "reporting")
THREATS = (("Login failures", "Login Failures", "MEDIUM"), ("Password Spray", "Password Spray", "HIGH"),
           ("Login failures, Login failures with high unknown users count", "Login Failures", "HIGH"))
"""What Okta ThreatInsight finds: the event's reason, the threat, its level. Source: field sheet; shares unverified."""
ENROLLED = 0.4
"""Share of staff whose computer is enrolled in Okta Verify besides those who sign in with it. Source: unverified."""
MACHINES = ("", "Windows", "Mac")
"""Systems of computers that Okta Verify enrolls here."""
NO_NETWORK = '{"asNumber":null,"asOrg":null,"isp":null,"domain":null,"isProxy":null}'


def constants(world: World, seed: Seed) -> dict[str, dict[str, str]]:
    """What each org fixes: its host, its policies, its own apps and their ids."""
    found = {}
    for org in ORGS:
        mine = seed.child(org)
        shard = _letters(mine, "shard", 3)
        ids = {name: prefix + _letters(mine, name, 20 - len(prefix) - len(shard)) + shard for name, prefix in (
            ("system_id", "00u"), ("dashboard_id", "0oa"), ("console_id", "0oa"), ("shop_id", "0oa"),
            ("policy_id", "00p"),
            ("rule_id", "0pr"), ("deny_rule_id", "0pr"), ("mfa_rule_id", "0pr"), ("app_rule_id", "rul"),
            ("token_id", "00T"))}
        server = _server(world, org)
        city = int(world.plan.city_of(np.array([server], dtype=np.uint32))[0])
        found[org] = ids | {
            "shard": shard, "host": world.org.idp_host(org), "shop": json_text(world.org.name),
            "policy": "Default Policy" if org == "customers" else "Workforce sign-on",
            "rule": "Default Rule" if org == "customers" else "Require MFA",
            "login_uri": "/api/v1/authn" if org == "customers" else "/idp/idx/identify",
            "dashboard_client": "okta.2b1959c8-bcc0-56eb-a589-cfcfb7422f26",
            "console_client": "okta.b58d5b75-07d4-5f25-bf59-368a1261a405",
            "bucket_id": _uuid(mine, "bucket"), "server_ip": str(ipaddress.IPv4Address(server)),
            "server_geo": place_words(world)[city] if city >= 0 else "null",
        }
    return found


def holes(
    world: World, seed: Seed, orgs: Mapping[str, Mapping[str, str]], escape: Escape = json_text
) -> dict[str, Hole]:
    """Every hole of the event texts; ``escape`` is how text is written (whole JSON values are JSON all the same)."""
    salt = seed.key % (1 << 18)
    alphabet = BASE62
    people = {"login": written(world.people.login, escape), "name": written(world.people.display, escape)}
    found: dict[str, Hole] = {
        "published": Time("t", "iso_ms_z"), "uuid": Uuid1("t", "node"), "ip": IPv4("client"),
        "user_tail": Letters("user", alphabet, 14, salt=salt),
        "target_tail": Letters("target", alphabet, 14, salt=salt),
        "password_tail": Letters("user", alphabet, 14, salt=salt + 1),
        "enrollment_tail": Letters("enrollment", alphabet, 14, salt=salt + 2),
        "app_user_tail": Letters("app_user", alphabet, 14, salt=salt + 3),
        "dashboard_user_tail": Letters("user", alphabet, 14, salt=salt + 4),
        "console_user_tail": Letters("user", alphabet, 14, salt=salt + 5),
        "login": Text(people["login"], "user", missing="unknown"),
        "name": Text(people["name"], "user", missing="unknown"),
        "target_login": Text(people["login"], "target", missing="unknown"),
        "target_name": Text(people["name"], "target", missing="unknown"),
        "typed": Text(written(world.typos, escape), "typed", missing="unknown"),
        "flow": Hex("flow", 32), "tx_hex": Hex("tx", 32),
        "tx_head": Letters("tx", _REQUEST, 22), "tx_tail": Letters("tx", _REQUEST, 3, salt=1),
        "dt_hash": Hex("device", 64, salt=salt), "fingerprint": Hex("device", 32, salt=salt + 1),
        "session": Forms(["unknown", "102@{session_tail}", "idx@{session_tail}"], "session_form"),
        "session_tail": Letters("session", BASE62 + "-_", 22, salt=salt),
        "code_id": Letters("tx", BASE62, 43, salt=2), "state": Letters("flow", BASE62, 64),
        "access_token_id": Letters("tx", BASE62 + "-_", 43, salt=3),
        "id_token_id": Letters("tx", BASE62 + "-_", 43, salt=4),
        "refresh_tail": Letters("tx", BASE62, 14, salt=5),
        "expires": Time("expires", "iso_ms_z"), "api_token_tail": Letters("pick", BASE62, 14, salt=salt),
        "api_token": Pick(Vocabulary.of(API_TOKENS), "pick"),
        "privilege": Pick(Vocabulary.of(PRIVILEGES), "pick", salt=1),
        "reported_at": Time("reported", "iso_ms_z"), "reported_id": Uuid1("reported", "pick"),
        "reported_tx": Hex("pick", 32),
    }
    found |= _machine_holes(salt, orgs["workforce"]["shard"])
    return found | _seen_holes(world, escape) | _factor_holes() | _app_holes(world, seed, orgs["workforce"], escape)


def _seen_holes(world: World, escape: Escape) -> dict[str, Hole]:
    """What the provider makes of the client: place, network, zone, agent, and how unusual all that is."""
    city, agent = world.plan.cities, world.agents
    judged = [(risk, novelty) for risk in RISKS for novelty in range(1 << len(NOVELTY))]
    return {
        "geo": Text(place_words(world), "city", missing="null"),
        "city": Text(written(city.name, escape), "city", missing="unknown"),
        "country": Text(written(city.country, escape), "city", missing="unknown"),
        "state_name": Text(written(city.state, escape), "city", missing="unknown"),
        "security": Text(network_words(world), "asn", missing=NO_NETWORK),
        "zone": Text(Vocabulary.of(map(escape, zone_names(world))), "zone"),
        "user_agent": Text(agent_words(world), "agent", missing="null"),
        "device_kind": Text(_of(agent.device_words, agent.device), "agent", missing="Unknown"),
        "os": Text(_of(agent.os_words, agent.os), "agent", missing="Unknown"),
        "browser": Text(_of(agent.browser_words, agent.browser), "agent", missing="UNKNOWN"),
        "threat_reason": Pick(Vocabulary.of(reason for reason, _, _ in THREATS), "flow", salt=3),
        "threat_detections": Pick(Vocabulary.of(
            escape(json.dumps({name: level}, separators=(",", ":"))) for _, name, level in THREATS), "flow", salt=3),
        "threat": Text(Vocabulary.of(("false", "true")), "threat"),
        "behaviors": Text(Vocabulary.of(behavior_text(n) for _, n in judged), "risk"),
        "risk": Text(Vocabulary.of(risk_text(r, n) for r, n in judged), "risk"),
        "log_only": Text(Vocabulary.of(escape(note_text(r, n)) for r, n in judged), "risk"),
    }


def machines(world: World) -> NDArray[np.int8]:
    """Position in ``MACHINES`` of each agent's system; one entry more, for no agent."""
    system = [world.agents.os_words[int(code)] for code in world.agents.os]
    return np.array([next((k for k, word in enumerate(MACHINES) if word and name.startswith(word)), 0)
                     for name in system] + [0], dtype=np.int8)


def _machine_holes(salt: int, shard: str) -> dict[str, Hole]:
    """The device object of an enrolled computer: facts of its owner."""
    text = (
        '{{"id":"guo@{{machine_tail}}{shard}","name":"{name}","os_platform":"{platform}","os_version":"@{{{build}}}",'
        '"managed":@{{managed}},"registered":true,"device_integrator":null,"disk_encryption_type":"{disk}",'
        '"screen_lock_type":"@{{lock}}","secure_hardware_present":true}}'
    )
    return {
        "registered": Forms([
            "null",
            text.format(shard=shard, name="DESKTOP-@{serial}", platform="WINDOWS", build="windows_build",
                        disk="ALL_INTERNAL_VOLUMES"),
            text.format(shard=shard, name="MBP-@{serial}", platform="MACOS", build="mac_build", disk="FULL"),
        ], "registered"),
        "machine_tail": Letters("user", BASE62, 14, salt=salt + 6),
        "serial": Letters("user", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 7, salt=salt + 7),
        "windows_build": Pick(Vocabulary.of(("10.0.22631.6199", "10.0.26100.7171", "10.0.19045.6575")), "user"),
        "mac_build": Pick(Vocabulary.of(("15.7.2", "26.1.0", "14.8.2")), "user"),
        "managed": Pick(Vocabulary.of(("true", "true", "true", "false")), "user", salt=1),
        "lock": Pick(Vocabulary.of(("BIOMETRIC", "BIOMETRIC", "PASSCODE")), "user", salt=2),
    }


def _factor_holes() -> dict[str, Hole]:
    """How each second factor, and the password, is called; without a factor it was the password."""
    words = [FACTOR_WORDS[f] for f in FACTORS]
    first = words[0]

    def said(texts: Iterable[str], missing: str) -> Text:
        return Text(Vocabulary.of(texts), "factor", missing=missing)

    return {
        "factor": said((w[0] for w in words), first[0]), "factor_label": said((w[0] for w in words), first[0]),
        "enrollment_prefix": said((w[1] for w in words), first[1]),
        "authenticator": said((w[2] for w in words), first[2]),
        "method": said((w[3] for w in words), first[3]), "verified": said((w[4] for w in words), first[4]),
        "credential_type": said((json.dumps(w[5]) for w in words), '"PASSWORD"'),
        "classic_uri": said(
            (f"/api/v1/authn{'' if f == 'password' else '/factors/verify'}" for f in FACTORS), "/api/v1/authn"),
        "finish_uri": said((_FINISH[w[6]] for w in words), _FINISH[first[6]]),
    }


def _app_holes(world: World, seed: Seed, org: Mapping[str, str], escape: Escape) -> dict[str, Hole]:
    """The apps behind the identity provider; two in three speak SAML, Okta's own do not."""
    names, shard = list(world.apps), org["shard"]
    own = {"Okta Dashboard": org["dashboard_id"], "Okta Admin Console": org["console_id"]}
    ids = [own.get(name) or "0oa" + _letters(seed, f"app {name}", 17 - len(shard)) + shard for name in names]
    saml = [name not in own and seed.child("app", name).stream().uniform() < 2 / 3 for name in names]
    slugs = ["".join(c if c.isalnum() else "_" for c in name.lower()) for name in names]
    uris = [f"/app/{slug}/{app}/sso/saml" if s else "/oauth2/v1/authorize"
            for slug, app, s in zip(slugs, ids, saml, strict=True)]

    def said(texts: Iterable[str], missing: str) -> Text:
        return Text(Vocabulary.of(texts), "app", missing=missing)

    return {
        "app": Text(written(world.apps, escape), "app", missing="Okta Dashboard"),
        "app_id": said(ids, "unknown"), "app_uri": said(uris, "/oauth2/v1/authorize"),
        "app_mode": said(("SAML_2_0" if s else "OPENID_CONNECT" for s in saml), "OPENID_CONNECT"),
        "app_sign_on": said(("SAML 2.0" if s else "OpenID Connect" for s in saml), "OpenID Connect"),
        "app_initiation": Pick(Vocabulary.of(("IDP_INITIATED", "SP_INITIATED")), "pick", salt=2),
    }


def behavior_text(novelty: int) -> str:
    """``New Geo-Location=NEGATIVE, New Device=POSITIVE, …`` of novelty bits.

    >>> behavior_text(0b0000011)[:44]
    'New Geo-Location=NEGATIVE, New Device=POSITI'
    """
    return ", ".join(f"{name}={_verdict(novelty, bit)}" for name, bit in BEHAVIORS)


def risk_text(risk: str, novelty: int) -> str:
    """``reasons=Anomalous Location, Anomalous Device, level=HIGH``; a low risk has no reasons."""
    reasons = _reasons(novelty) if risk != "low" else ""
    return f"reasons={reasons}, level={risk.upper()}" if reasons else f"level={risk.upper()}"


def note_text(risk: str, novelty: int) -> str:
    """The same two judgments as the JSON of ``logOnlySecurityData``."""
    reasons = _reasons(novelty) if risk != "low" else ""
    found = {"risk": ({"reasons": reasons} if reasons else {}) | {"level": risk.upper()},
             "behaviors": {name: _verdict(novelty, bit) for name, bit in BEHAVIORS}}
    return json.dumps(found, separators=(",", ":"))


def _verdict(novelty: int, bit: str) -> str:
    return "POSITIVE" if novelty >> NOVELTY.index(bit) & 1 else "NEGATIVE"


def _reasons(novelty: int) -> str:
    new = {bit for k, bit in enumerate(NOVELTY) if novelty >> k & 1}
    said = [("Anomalous Geo-Distance", "velocity" in new), ("Anomalous Location", bool(new & _PLACES)),
            ("Anomalous Device", "new_device" in new), ("Anomalous IP", new == {"new_ip"})]
    return ", ".join(reason for reason, holds in said if holds)


def place_words(world: World) -> Vocabulary:
    """``geographicalContext`` of each city."""
    c = world.plan.cities
    return Vocabulary.of(
        json.dumps({"city": c.name[i], "state": c.state[i], "country": c.country[i], "postalCode": c.postal[i] or None,
                    "geolocation": {"lat": round(float(c.lat[i]), 4), "lon": round(float(c.lon[i]), 4)}},
                   separators=(",", ":"), ensure_ascii=False) for i in range(len(c)))


def network_words(world: World) -> Vocabulary:
    """``securityContext`` of each network operator."""
    a = world.plan.asns
    return Vocabulary.of(
        json.dumps({"asNumber": int(a.number[i]), "asOrg": a.org[i].lower(), "isp": a.isp[i].lower(),
                    "domain": a.domain[i] or ".", "isProxy": bool(a.is_proxy[i])},
                   separators=(",", ":"), ensure_ascii=False) for i in range(len(a)))


def agent_words(world: World) -> Vocabulary:
    """``client.userAgent`` of each agent."""
    a = world.agents
    return Vocabulary.of(
        json.dumps({"rawUserAgent": ua, "os": a.os_words[int(a.os[i])], "browser": a.browser_words[int(a.browser[i])]},
                   separators=(",", ":"), ensure_ascii=False) for i, ua in enumerate(a.ua))


def zone_names(world: World) -> list[str]:
    """Network zones by name: no zone, each office, the company's VPN."""
    return ["null", *world.offices.name, "Staff VPN"]


def zone_addresses(world: World) -> tuple[NDArray[np.uint32], NDArray[np.int8]]:
    """Public addresses that lie in a zone, sorted, and the zone of each."""
    gateways = np.unique(world.people.vpn)
    gateways = gateways[gateways > 0]
    addr = np.concatenate([world.offices.egress, gateways]).astype(np.uint32)
    zone = np.concatenate([np.arange(1, len(world.offices) + 1), np.full(len(gateways), len(world.offices) + 1)])
    order = np.argsort(addr, kind="stable")
    return addr[order], zone[order].astype(np.int8)


def _server(world: World, org: str) -> int:
    """The address from which the org's own web application calls the API: its first site's, or the first of all."""
    mine = np.flatnonzero(world.sites.org == ORGS.index(org))
    return int(world.sites.addr[mine[0] if len(mine) else 0])


def written(words: Vocabulary, escape: Escape) -> Vocabulary:
    """``words`` escaped; as they are where JSON has nothing to escape in them (a million names are looked at once)."""
    clean = not ((words.data < 0x20) | (words.data == ord('"')) | (words.data == ord("\\"))).any()
    return words if escape is plain or clean else words.escaped(escape)


def _of(words: Vocabulary, codes: NDArray[np.int8]) -> Vocabulary:
    return Vocabulary.of(json_text(words[int(code)]) for code in codes)


def _letters(seed: Seed, name: str, length: int) -> str:
    drawn = seed.child(name).stream().integers(0, len(BASE62), length)
    return "".join(BASE62[i] for i in drawn)


def _uuid(seed: Seed, name: str) -> str:
    digits = "".join(f"{word:016x}" for word in seed.child(name).stream().u64(2).tolist())
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
