"""Okta's System Log, held to the rules its events follow: per event, per request, per address."""

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


def test_the_story_is_told_in_full() -> None:
    """Every event of the catalog is set off by some act, but for the few that need a rarer result."""
    types = {e["eventType"] for e in events()}
    wanted = {event["type"] for event in _okta_forms.wording()["events"].values()}
    assert wanted - types <= {"user.mfa.okta_verify.deny_push", "system.org.rate_limit.violation",
                              "app.generic.unauth_app_access_attempt", "app.oauth2.token.grant", "security.threat.detected"}


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


def test_what_is_only_logged_is_json() -> None:
    noted = [json.loads(debug(e)["logOnlySecurityData"]) for e in events() if "logOnlySecurityData" in debug(e)]
    assert noted and all(set(n) == {"risk", "behaviors"} and len(n["behaviors"]) == 7 for n in noted)


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
