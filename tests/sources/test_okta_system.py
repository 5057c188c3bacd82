"""Okta's System Log, held to the rules its events follow: per event, per request, per session, per address."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redgen.activity import signin, terms
from redgen.activity.effects import Effects
from redgen.activity.schema import rows
from redgen.clock import HOUR, MINUTE, SECOND, iso, parse_time
from redgen.seed import Seed
from redgen.sources import _okta_forms, _okta_words
from redgen.sources.okta_system import OktaSystem
from redgen.table import Table, concat
from redgen.world.world import World
from tests.sources.stories import NOON, ids
from tests.worlds import ROOT, small_world

SHARED = Path(__file__).resolve().parents[3] / "shared"
KEYS = ["actor", "client", "device", "authenticationContext", "displayMessage", "eventType", "outcome", "published",
        "securityContext", "severity", "debugContext", "legacyEventType", "transaction", "uuid", "version", "request",
        "target"]
OP, RESULT, FACTOR = terms.AUTH_OPS.index, terms.AUTH_RESULTS.index, terms.FACTORS.index
CUSTOMERS, WORKFORCE = range(2)


@cache
def source() -> OktaSystem:
    return OktaSystem(small_world(), Seed(3).child("okta"))


def logged(table: Table) -> list[dict[str, Any]]:
    """The events of some rows, in the order they can be read."""
    records = source().observe({"auth": table.without("truth")})
    order = np.lexsort((records["id"], records["w"]))
    return [json.loads(text) for text in source().template.texts(records.take(order))]


def people(world: World, kind: str, n: int) -> Any:
    start, _ = world.people.span(kind)
    return np.arange(start, start + n, dtype=np.int32)


def logins(world: World, n: int = 400) -> Table:
    """Logins of both orgs in every way they can go, from home, office and from where nobody is at home."""
    name, t = ids("login", n), NOON + np.arange(n) * 7 * SECOND
    org = np.arange(n) % 2
    user = np.where(org == CUSTOMERS, people(world, "customer", n), people(world, "employee", 60)[np.arange(n) % 60])
    nobody = np.arange(n) % 11 == 0
    strange = np.arange(n) % 5 == 0
    home = world.people.address(user.astype(np.int32), (np.arange(n) % 3 * (org > 0)).astype(np.int8), t)
    client = np.where(strange, world.plan.draw("hosting", name, ROOT, "strange"), home)
    return signin.web_login(
        world, ROOT, Effects.of([]), id=name, cause=name, t=t, truth=0, org=org, user=np.where(nobody, -1, user),
        typed=np.where(nobody, np.arange(n) % len(world.typos), -1), client=client, agent=world.people.agent[user, 0],
        device=np.where(strange, name, world.people.device[user, 0]), wrong=np.arange(n) % 13,
        knows=np.arange(n) % 7 > 0, factor=np.where(org == WORKFORCE, world.people.factor[user], -1),
        answer=np.array([0, 0, 0, RESULT("denied"), RESULT("timeout")])[np.arange(n) % 5], prompts=1 + np.arange(n) % 3,
        app=np.where(org == WORKFORCE, np.arange(n) % len(world.apps), -1),
    ).rows


def acts(world: World) -> Table:
    """Everything that is done after a login, by its user and by an administrator, in both orgs."""
    told = [(op, org, admin) for op in range(len(terms.AUTH_OPS)) for org in range(2) for admin in range(2)
            if terms.AUTH_OPS[op] not in ("password", "session_start", "lock", "push_sent", "push_answer")]
    op, org, by_admin = (np.array(part) for part in zip(*told, strict=True))
    n = len(told)
    start = int(world.people.span("admin")[0])
    user = np.where(org == CUSTOMERS, people(world, "customer", n), people(world, "employee", n))
    actor = np.where(by_admin == 1, start, user)
    return signin.rows(
        world, ROOT, id=ids("act", n), cause=9, t=NOON + np.arange(n) * MINUTE, truth=0, op=op, org=org, user=actor,
        client=world.people.home[actor], agent=world.people.agent[actor, 0], device=world.people.device[actor, 0],
        session=ids("session of act", n), flow=ids("flow of act", n), factor=FACTOR("webauthn"), app=3,
        target=np.where(by_admin == 1, user, -1),
    )


@cache
def events() -> tuple[dict[str, Any], ...]:
    world = small_world()
    return tuple(logged(concat([logins(world), acts(world)])))


def debug(event: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = event["debugContext"]["debugData"]
    return found


def grouped(found: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> list[list[dict[str, Any]]]:
    groups = defaultdict(list)
    for event in found:
        groups[key(event)].append(event)
    return list(groups.values())


def web() -> list[dict[str, Any]]:
    return [e for e in events() if e["transaction"]["type"] == "WEB"]


def test_the_story_is_told_in_full() -> None:
    """Every event of the catalog is set off by some act, but for the few that need a rarer result."""
    types = {e["eventType"] for e in events()}
    wanted = {event["type"] for event in _okta_forms.wording()["events"].values()}
    assert wanted - types <= {"user.mfa.okta_verify.deny_push", "system.org.rate_limit.violation",
                              "app.generic.unauth_app_access_attempt", "app.oauth2.token.grant", "security.threat.detected"}


def test_many_a_request_from_an_anonymizer_is_a_threat() -> None:
    """ThreatInsight logs it when the login is typed, beside the policy's evaluation, in the same request."""
    world = small_world()
    proxy = np.flatnonzero(world.plan.asns.is_proxy[world.plan.asn])
    tried = logins(world)
    tried = tried.take((tried["op"] == terms.AUTH_OPS.index("identify")) & (tried["user"] >= 0))
    found = logged(tried.replace(client=world.plan.starts[proxy[0]] + np.arange(len(tried), dtype=np.uint32)))
    threats = [e for e in found if e["eventType"] == "security.threat.detected"]
    assert 0.3 * len(tried) < len(threats) < 0.7 * len(tried)
    for event in threats:
        beside = [e["eventType"] for e in found if e["transaction"]["id"] == event["transaction"]["id"]]
        assert event["outcome"]["result"] == "ALLOW" and debug(event)["threatSuspected"] == "true"
        assert json.loads(debug(event)["threatDetections"])
        assert event["actor"]["id"] == event["client"]["ipAddress"] and beside.count(event["eventType"]) == 1


def test_an_enrolled_computer_tells_of_itself() -> None:
    """It is the same whenever its owner comes with it, fits the browser's system, and belongs to staff."""
    known: dict[str, str] = {}
    for event in events():
        if (device := event["device"]) is not None:
            assert known.setdefault(event["actor"]["id"], json.dumps(device)) == json.dumps(device)
            system = {"WINDOWS": "Windows", "MACOS": "Mac OS"}[device["os_platform"]]
            assert event["client"]["userAgent"]["os"].startswith(system)
            assert event["actor"]["id"].startswith("00u") and event["client"]["device"] == "Computer"
    assert known and any(e["device"] is None for e in events())


def test_keys_stand_in_the_order_of_the_api_with_their_nulls() -> None:
    for event in events():
        assert list(event) == KEYS
        assert list(event["actor"]) == ["id", "type", "alternateId", "displayName", "detailEntry"]
        assert list(event["authenticationContext"])[-1] == "externalSessionId"
        assert "reason" in event["outcome"] and "id" in event["client"]
        assert event["device"] is None or list(event["device"])[:3] == ["id", "name", "os_platform"]
        assert list(debug(event)) == sorted(debug(event))


def test_values_have_their_types() -> None:
    for event in events():
        assert all(isinstance(value, str) for value in debug(event).values())
        assert event["version"] == "0" and event["authenticationContext"]["authenticationStep"] == 0
        assert event["severity"] in {"DEBUG", "INFO", "WARN", "ERROR"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["published"])
        if event["transaction"]["type"] == "WEB":
            geo, net = event["client"]["geographicalContext"], event["securityContext"]
            assert isinstance(geo["geolocation"]["lat"], float) and len(geo["country"]) > 2
            assert isinstance(net["asNumber"], int) and net["asOrg"] == net["asOrg"].lower()
            assert isinstance(event["client"]["zone"], str)


def test_the_uuid_tells_the_time() -> None:
    """A version 1 UUID decodes to within a millisecond of ``published``; no two are the same."""
    seen = {event["uuid"] for event in events()}
    assert len(seen) == len(events())
    for event in events():
        found = uuid.UUID(event["uuid"])
        micros = found.time // 10 - 12_219_292_800_000_000
        assert found.version == 1 and 0 <= micros - parse_time(event["published"]) < 1000


def test_one_request_has_one_client_and_one_uri() -> None:
    for group in grouped(web(), lambda e: e["transaction"]["id"]):
        assert len({(e["client"]["ipAddress"], json.dumps(e["client"]["userAgent"]), debug(e)["requestUri"],
                     debug(e)["requestId"]) for e in group}) == 1
        event = group[0]
        assert event["transaction"]["id"] == debug(event)["requestId"]
        assert debug(event)["url"] == debug(event)["requestUri"] + "?"


def test_requests_are_numbered_as_their_engine_does() -> None:
    """Classic: 27 characters with AA before the last three. Identity Engine: 32 hex digits."""
    ids_of = {len(e["transaction"]["id"]) for e in web()}
    assert ids_of == {27, 32}
    for event in web():
        found = event["transaction"]["id"]
        classic = re.fullmatch(r"[A-Za-z0-9@_-]{22}AA[A-Za-z0-9@_-]{3}", found)
        assert classic or re.fullmatch(r"[0-9a-f]{32}", found)
        by_token = debug(event)["requestUri"] != "/oauth2/v1/token"
        assert bool(classic and by_token) == ("requestApiTokenId" in event["transaction"]["detail"])


def test_the_chain_of_addresses_begins_with_the_client() -> None:
    for event in web():
        first = event["request"]["ipChain"][0]
        assert first["ip"] == event["client"]["ipAddress"]
        assert first["geographicalContext"] == event["client"]["geographicalContext"] and first["version"] == "V4"
    assert all(not e["request"]["ipChain"] for e in events() if e["transaction"]["type"] == "JOB")
    assert {len(e["request"]["ipChain"]) for e in web()} == {1, 2}  # the shop's server stands behind its customers


def test_an_address_keeps_its_place_and_network() -> None:
    for group in grouped(web(), lambda e: e["client"]["ipAddress"]):
        assert len({json.dumps([e["securityContext"], e["client"]["geographicalContext"]]) for e in group}) == 1


def test_an_agent_is_always_read_the_same_way() -> None:
    for group in grouped(web(), lambda e: e["client"]["userAgent"]["rawUserAgent"]):
        assert len({(e["client"]["userAgent"]["os"], e["client"]["userAgent"]["browser"], e["client"]["device"])
                    for e in group}) == 1


def test_a_session_begins_before_it_shows() -> None:
    """No session id before ``user.session.start``; the same one in what follows."""
    begun: dict[str, str] = {}
    for event in sorted(events(), key=lambda e: (e["published"], e["eventType"] != "user.session.start")):
        context = event["authenticationContext"]
        session = context["externalSessionId"]
        assert context["rootSessionId"] == session
        if event["eventType"] == "user.session.start":
            assert (session == "unknown") == (event["outcome"]["result"] == "FAILURE")
            begun.setdefault(session, event["published"])
        elif session in begun:
            assert event["published"] >= begun[session]
        assert re.fullmatch(r"unknown|(102|idx)[A-Za-z0-9_-]{22}", session)
    assert len(begun) > 50
    people_in = [e for e in events() if e["actor"]["type"] == "User"]
    for group in grouped(people_in, lambda e: e["authenticationContext"]["externalSessionId"]):
        session = group[0]["authenticationContext"]["externalSessionId"]
        assert session == "unknown" or len({e["actor"]["id"] for e in group}) == 1


def test_verdicts_belong_to_policies() -> None:
    for event in events():
        verdict = event["outcome"]["result"] in {"ALLOW", "DENY", "CHALLENGE"}
        assert verdict == (event["eventType"] in {"policy.evaluate_sign_on", "security.threat.detected"})
        legacy = event["legacyEventType"] or ""
        if legacy.endswith(("_success", ".success")):
            assert event["outcome"]["result"] == "SUCCESS"
        if legacy.endswith(("_failed", "_fail", "_denied", ".failure", "_failure")):
            assert event["outcome"]["result"] == "FAILURE" and event["outcome"]["reason"]


def test_risk_and_behaviors_tell_one_story() -> None:
    seen = set()
    for event in events():
        if "behaviors" not in debug(event):
            continue
        behaviors = dict(pair.split("=") for pair in debug(event)["behaviors"].strip("{}").split(", "))
        assert list(behaviors) == [name for name, _ in _okta_words.BEHAVIORS]
        if behaviors["New Country"] == "POSITIVE":
            assert {behaviors[f"New {k}"] for k in ("IP", "State", "City", "Geo-Location")} == {"POSITIVE"}
        risk = debug(event)["risk"]
        level = re.fullmatch(r"\{(?:reasons=(.+), )?level=(LOW|MEDIUM|HIGH)\}", risk)
        assert level is not None
        if "Anomalous Device" in (level[1] or ""):
            assert behaviors["New Device"] == "POSITIVE"
        seen.add(level[2])
    assert seen == {"LOW", "MEDIUM", "HIGH"}


def test_what_is_only_logged_is_json() -> None:
    noted = [json.loads(debug(e)["logOnlySecurityData"]) for e in events() if "logOnlySecurityData" in debug(e)]
    assert noted and all(set(n) == {"risk", "behaviors"} and len(n["behaviors"]) == 7 for n in noted)


def test_administrators_act_on_others_and_people_on_themselves() -> None:
    for event in events():
        victims = [t["id"] for t in event["target"] or [] if t["type"] == "User"]
        uri, kind = debug(event).get("requestUri", ""), event["eventType"]
        if "/lifecycle/" in uri and kind != "user.mfa.factor.activate":
            assert event["authenticationContext"]["externalSessionId"] != "unknown"
            assert victims and victims[0] in uri
        if kind == "user.account.unlock_by_admin":
            assert victims[0] != event["actor"]["id"]


def test_a_lockout_shares_its_request_with_the_last_failure() -> None:
    locks = [e for e in events() if e["eventType"] == "user.account.lock"]
    assert len(locks) > 5
    for lock in locks:
        assert lock["severity"] == "DEBUG" and lock["outcome"] == {"result": "FAILURE", "reason": "LOCKED_OUT"}
        same = [e for e in events() if e["transaction"]["id"] == lock["transaction"]["id"]]
        assert {"user.session.start", "user.account.lock"} <= {e["eventType"] for e in same}
        assert lock["published"] >= max(e["published"] for e in same)


def test_nobody_is_unknown_and_typed_something() -> None:
    strangers = [e for e in events() if e["actor"]["id"] == "unknown"]
    assert strangers and all(e["actor"]["alternateId"] in set(small_world().typos) for e in strangers)
    assert {e["outcome"]["reason"] for e in strangers} == {"VERIFICATION_ERROR"}


def test_a_person_keeps_ids_and_device() -> None:
    """Ids of 20 characters with their prefix, one per login and org; a device hash that stays with the profile."""
    users = [e for e in events() if e["actor"]["type"] == "User"]
    for group in grouped(users, lambda e: (e["actor"]["alternateId"], len(e["transaction"]["id"]))):
        if group[0]["actor"]["id"] != "unknown":
            assert len({e["actor"]["id"] for e in group}) == 1
            assert re.fullmatch(r"00u[A-Za-z0-9]{17}", group[0]["actor"]["id"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", debug(e)["dtHash"]) for e in events() if "dtHash" in debug(e))
    for event in events():
        for target in event["target"] or []:
            assert target["type"] not in {"AppInstance", "AuthenticatorEnrollment"} or len(target["id"]) == 20


def test_offices_are_named_zones_for_the_workforce() -> None:
    zones = {e["client"]["zone"] for e in web()}
    assert "null" in zones and zones & set(small_world().offices.name)


def test_a_dashboard_login_runs_through_its_chain() -> None:
    """Password, push, session, dashboard, app: in this order, tied by one authnRequestId until the session."""
    world = small_world()
    user = people(world, "employee", 1)
    made = signin.web_login(
        world, ROOT, Effects.of([]), id=ids("one", 1), cause=1, t=np.array([NOON]), truth=0, org=WORKFORCE, user=user,
        client=world.people.home[user], agent=world.people.agent[user, 0], device=world.people.device[user, 0],
        factor=FACTOR("push"), app=1,
    )
    found = sorted(logged(made.rows), key=lambda e: e["published"])
    assert [(e["eventType"], e["outcome"]["result"]) for e in found] == [
        ("policy.evaluate_sign_on", "CHALLENGE"), ("user.authentication.auth_via_mfa", "SUCCESS"),
        ("system.push.send_factor_verify_push", "SUCCESS"), ("user.authentication.auth_via_mfa", "SUCCESS"),
        ("user.authentication.verify", "SUCCESS"), ("user.session.start", "SUCCESS"),
        ("policy.evaluate_sign_on", "ALLOW"), ("app.oauth2.authorize.code", "SUCCESS"),
        ("user.authentication.sso", "SUCCESS"), ("app.oauth2.token.grant.access_token", "SUCCESS"),
        ("app.oauth2.token.grant.id_token", "SUCCESS"), ("policy.evaluate_sign_on", "ALLOW"),
        ("user.authentication.sso", "SUCCESS"),
    ]
    assert [debug(e)["factor"] for e in found if "factor" in debug(e)] == ["PASSWORD_AS_FACTOR", "OKTA_VERIFY_PUSH"]
    assert len({debug(e)["authnRequestId"] for e in found}) == 1
    assert {debug(e)["requestUri"] for e in found[3:7]} == {"/idp/idx/authenticators/poll"}
    pushed, approved = parse_time(found[2]["published"]), parse_time(found[3]["published"])
    assert 4 * SECOND <= approved - pushed <= 41 * SECOND


def test_a_policy_is_evaluated_once_and_first_in_a_login_however_often_the_password_is_wrong() -> None:
    flows = grouped((e for e in events() if "authnRequestId" in debug(e)), lambda e: debug(e)["authnRequestId"])
    tried = [flow for flow in flows if any(debug(e).get("factor") == "PASSWORD_AS_FACTOR" for e in flow)]
    assert len(tried) > 50
    for flow in tried:
        flow.sort(key=lambda e: e["published"])
        first = next(e for e in flow if e["eventType"] != "security.threat.detected")
        asked = [e for e in flow if e["outcome"]["result"] == "CHALLENGE"]
        assert asked == [first] and debug(first)["requestUri"] == "/idp/idx/identify"


def test_a_session_begins_in_the_request_that_brought_the_last_proof() -> None:
    for org, proof in (("102", "user.session.start"), ("idx", "user.authentication.auth_via_mfa")):
        starts = [e for e in web() if e["eventType"] == "user.session.start" and e["outcome"]["result"] == "SUCCESS"
                  and e["authenticationContext"]["externalSessionId"].startswith(org)]
        assert starts
        for start in starts:
            beside = [e["eventType"] for e in events() if e["transaction"]["id"] == start["transaction"]["id"]]
            assert proof in beside and "policy.evaluate_sign_on" in beside


def test_a_refresh_gives_an_access_token_and_the_dashboards_next_refresh_token() -> None:
    given = [e for e in events() if debug(e).get("grantType") == "refresh_token" and e["outcome"]["result"] == "SUCCESS"]
    assert {e["eventType"].split(".")[-1] for e in given} == {"access_token", "refresh_token"}
    for event in given:
        assert event["target"][-1]["type"] == event["eventType"].split(".")[-1]
        assert event["transaction"]["detail"] == {}, "nobody's API token, but the client's own secret"


def test_events_can_be_read_soon_and_nearly_in_order() -> None:
    records = source().observe({"auth": logins(small_world()).without("truth")})
    lag = records["w"] - records["t"]
    assert lag.min() >= 0 and np.quantile(lag, 0.99) < 10 * SECOND
    line = source().template.texts(records.take(slice(0, 1)))[0]
    assert source().time_of_line(line) == records["t"][0] // 1000 * 1000


def test_reports_name_an_earlier_moment() -> None:
    reports = [e for e in events() if e["eventType"].startswith("user.account.report")]
    for event in reports:
        then = parse_time(debug(event)["suspiciousActivityTimestamp"])
        assert 0 < parse_time(event["published"]) - then < 4 * HOUR and event["severity"] == "WARN"
    assert reports, iso(NOON)


@pytest.mark.skipif(not (SHARED / "judges/dict/okta-event-types.csv").exists(), reason="no event type catalogue here")
def test_event_types_are_of_the_catalogue() -> None:
    with (SHARED / "judges/dict/okta-event-types.csv").open(encoding="utf-8") as stream:
        known = {row["Event Type"] for row in csv.DictReader(stream)}
    assert {event["type"] for event in _okta_forms.wording()["events"].values()} <= known


@pytest.mark.skipif(not (SHARED / "judges/panther_tests/Okta.SystemLog.jsonl").exists(), reason="no judges here")
def test_shapes_agree_with_events_of_others() -> None:
    """Where other people's events have a field that ours have, it is of the same kind (their nulls are dropped)."""
    ours: dict[str, set[type]] = defaultdict(set)
    for event in events():
        for path, value in leaves(event):
            ours[path].add(type(value))
    with (SHARED / "judges/panther_tests/Okta.SystemLog.jsonl").open(encoding="utf-8") as stream:
        theirs = [json.loads(line)["log"] for line in stream]
    for event in theirs:
        if "eventType" not in event or "debugContext" not in event:
            continue
        for path, value in leaves(event):
            number = {int, float}
            if path in ours and value is not None and not path.startswith("debugContext"):
                fits = type(value) in ours[path] or (type(value) in number and ours[path] & number)
                assert fits or type(None) in ours[path], (path, value)


def leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def test_columns_say_what_the_events_say() -> None:
    """Each Parquet column holds the value of its path (of the first target), unescaped; objects as JSON."""
    table = logins(small_world()).without("truth")
    found = source().observe({"auth": table})
    written = [json.loads(text) for text in source().template.texts(found)]
    for column in source().columns:
        for cell, event in zip(column.template.texts(found), written, strict=True):
            value: Any = event
            for key in column.name.split("."):
                value = value[0] if isinstance(value, list) else value
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, dict):
                assert json.loads(cell) == value
            elif column.type == "string":
                assert cell == ("" if value is None else value), (column.name, cell, value)


def test_golden(golden: Callable[[str, str], None]) -> None:
    """A wrong password at the dashboard, a customer's login, an app: byte for byte."""
    home = small_world().people.home[2010]
    some = rows("auth", 3, id=ids("golden", 3), cause=1, t=NOON + np.arange(3) * SECOND, dur=200_000,
                op=[OP("password"), OP("session_start"), OP("sso")], org=[WORKFORCE, CUSTOMERS, WORKFORCE],
                result=[RESULT("bad_password"), 0, 0], user=[2010, 5, 2010], client=home, agent=2, device=8, flow=7,
                app=2, session=[0, 99, 77], novelty=[3, 0, 0], risk=[2, 0, 0])
    records = source().observe({"auth": some.without("truth")})
    golden("okta_system.json.jsonl", "".join(source().template.texts(records)))
