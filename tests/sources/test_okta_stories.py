"""Okta's System Log: what sign-ins, sessions and administrators leave tells one story."""

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
from tests.sources.okta import (
    CUSTOMERS,
    FACTOR,
    KEYS,
    OP,
    RESULT,
    SHARED,
    WORKFORCE,
    acts,
    debug,
    events,
    grouped,
    logged,
    logins,
    people,
    source,
    web,
)
from tests.sources.stories import NOON, ids
from tests.worlds import ROOT, small_world


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
