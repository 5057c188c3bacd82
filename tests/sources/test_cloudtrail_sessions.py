"""CloudTrail: sessions, accounts and keys hang together from record to record."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redgen.activity import calls, terms
from redgen.activity.schema import rows
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.seed import Seed
from redgen.sources import _cloudtrail_forms as forms
from redgen.sources._cloudtrail_words import split_agent
from redgen.sources.aws_cloudtrail import AwsCloudTrail
from redgen.table import Table, concat
from redgen.world.cloud import account_of, key_id
from redgen.world.world import World
from tests.sources.stories import NOON, ids
from tests.sources.trail import DENIED, HUMAN, agents, api_calls, every_call, named, recorded, records, source
from tests.worlds import ROOT, small_world


def test_a_role_is_assumed_and_used() -> None:
    """The key that AssumeRole hands out is the one its session calls with, from the second it was made."""
    world = small_world()
    roles = world.cloud.principals_of("AssumedRole")[:25]
    caller = world.cloud.principals_of("IAMUser")[0]
    n = len(roles)
    opened = calls.assume(
        world, ROOT, id=ids("assume", n), cause=1, t=NOON + np.arange(n) * MINUTE, truth=0, role=roles,
        principal=caller, client=HUMAN, agent=agents(world, "aws_cli", n))
    used = calls.rows(
        world, ROOT, id=ids("used", n), cause=1, t=opened.session_t + SECOND, truth=0,
        op=calls.codes(world, ["sts:GetCallerIdentity"])[0], principal=opened.principal, key=opened.key,
        session_t=opened.session_t, client=HUMAN, agent=agents(world, "aws_cli", n))
    for begun, later in zip(recorded(opened.rows), recorded(used), strict=True):
        given, identity = begun["responseElements"], later["userIdentity"]
        assert given["credentials"]["accessKeyId"] == identity["accessKeyId"]
        assert identity["sessionContext"]["attributes"]["creationDate"] == begun["eventTime"]
        assert begun["requestParameters"]["roleArn"] == identity["sessionContext"]["sessionIssuer"]["arn"]
        assert begun["resources"][0]["ARN"] == begun["requestParameters"]["roleArn"]
        assert begun["requestParameters"]["roleSessionName"] == given["assumedRoleUser"]["arn"].rpartition("/")[2]
        assert given["assumedRoleUser"]["assumedRoleId"].startswith(identity["principalId"].partition(":")[0])
        assert begun["readOnly"] is True
        ends = given["credentials"]["expiration"]
        assert re.fullmatch(r"Jan 12, 2026, 1:\d\d:\d\d PM", ends), ends


def test_a_role_of_another_account_is_in_both_trails() -> None:
    """Two records of one call: another event in each trail, the same shared event; the owner sees an account's caller.

    Source: IAM user guide, example of cross-account AssumeRole.
    """
    world = small_world()
    p = world.cloud.principals
    caller, user = named("pipeline-runner"), named("ci-deploy")
    role = named("deploy-prod")
    assert p.account[caller] != p.account[role] == p.account[user]
    opened = calls.assume(
        world, ROOT, id=ids("cross", 3), cause=1, t=NOON + np.arange(3) * MINUTE, truth=0, role=role,
        principal=np.array([caller, user, caller]), client=HUMAN, agent=agents(world, "aws_cli", 3),
        key=np.array([7, 0, 7], dtype=np.uint64), session_t=np.array([NOON - MINUTE, 0, NOON - MINUTE]),
        error=np.array([-1, -1, DENIED]))
    assert source().fanout("cloud", opened.rows).tolist() == [2, 1, 1]
    mine, theirs, inside, refused = recorded(opened.rows)
    theirs_of, ours_of = (world.cloud.accounts[p.account[k]] for k in (caller, role))
    assert (mine["recipientAccountId"], theirs["recipientAccountId"]) == (theirs_of, ours_of)
    assert mine["sharedEventID"] == theirs["sharedEventID"] and mine["eventID"] != theirs["eventID"]
    assert theirs["userIdentity"] == {"type": "AWSAccount", "principalId": mine["userIdentity"]["principalId"],
                                      "accountId": theirs_of}
    assert mine["userIdentity"]["type"] == "AssumedRole" and mine["userIdentity"]["accountId"] == theirs_of
    same = set(mine) - {"userIdentity", "eventID", "recipientAccountId"}
    assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}
    assert account_of(mine["responseElements"]["credentials"]["accessKeyId"]) == ours_of
    assert "sharedEventID" not in inside and inside["recipientAccountId"] == ours_of
    assert refused["errorCode"] == "AccessDenied" and refused["recipientAccountId"] == theirs_of
    assert "sharedEventID" not in refused


def test_a_vendor_comes_from_an_account_of_its_own() -> None:
    world = small_world()
    role = named("datadog-integration")
    opened = calls.assume(world, ROOT, id=ids("vendor", 2), cause=1, t=NOON + np.arange(2) * MINUTE, truth=0,
                          role=role, way="vendor")
    for record in recorded(opened.rows):
        who = record["userIdentity"]
        assert who["type"] == "AWSAccount" and set(who) == {"type", "principalId", "accountId"}
        assert account_of(who["principalId"].partition(":")[0]) == who["accountId"] not in set(world.cloud.accounts)
        assert record["recipientAccountId"] == world.cloud.accounts[world.cloud.principals.account[role]]
        assert "sharedEventID" in record and record["requestParameters"]["externalId"]


def test_requests_to_sts_say_where_they_were_served() -> None:
    found = [r for r in records() if r["eventSource"] == "sts.amazonaws.com"]
    inside = [r for r in found if not re.fullmatch(r"[\d.]+", r["sourceIPAddress"])]
    for record in found:
        told = record["additionalEventData"]
        ms = parse_time(record["eventTime"]) // 1000
        text = b64decode(told["ExtendedRequestId"]).decode()
        match = re.fullmatch(r"1:([a-z0-9-]+):S:(\d{13}):R:\w{8}", text)
        assert match and match[1] == record["awsRegion"] and int(match[2]) // 1000 * 1000 == ms
        details = {"endpointType": "regional", "awsServingRegion": record["awsRegion"]}
        assert told.get("RequestDetails") == (None if record in inside else details)


def test_keys_have_their_material() -> None:
    """What a key did names its material, always the same; what only asks about keys does not."""
    made: dict[str, set[str]] = defaultdict(set)
    for record in records():
        if record["eventSource"] != "kms.amazonaws.com":
            continue
        works = record["eventName"] in {"Decrypt", "Encrypt", "GenerateDataKey"} and "errorMessage" not in record
        assert ("additionalEventData" in record) == works
        if works:
            made[record["resources"][0]["ARN"]].add(record["additionalEventData"]["keyMaterialId"])
    assert made and all(len(material) == 1 for material in made.values())


def test_a_trail_asks_for_the_key_of_a_file_of_its_own() -> None:
    world = small_world()
    trail = next(int(k) for k in world.cloud.principals_of("AWSService")
                 if world.cloud.principals.name[k] == "cloudtrail.amazonaws.com")
    op = calls.codes(world, ["kms:GenerateDataKey"])[0]
    for record in recorded(calls.rows(world, ROOT, id=ids("data key", 20), cause=1, truth=0, op=op,
                                      t=NOON + np.arange(20) * MINUTE, principal=trail)):
        arn = record["requestParameters"]["encryptionContext"]["aws:s3:arn"]
        account, region = record["recipientAccountId"], record["awsRegion"]
        assert re.fullmatch(rf"arn:aws:s3:::[a-z-]+/AWSLogs/{account}/CloudTrail/{region}/2026/01/12/{account}_CloudTrail_"
                            rf"{region}_20260112T\d\d[0-5][05]Z_\w{{16}}\.json\.gz", arn)


def test_a_session_of_a_shared_role_bears_the_name_of_who_assumed_it() -> None:
    world = small_world()
    principals = world.cloud.principals
    staff = [int(k) for k in world.cloud.principals_of("AssumedRole") if principals.person[k] >= 0][:10]
    n = len(staff)
    opened = calls.assume(
        world, ROOT, id=ids("saml", n), cause=1, t=NOON + np.arange(n) * MINUTE, truth=0, role=np.array(staff),
        way="saml", client=HUMAN, agent=agents(world, "desktop", n))
    signed = calls.console_login(
        world, ROOT, id=ids("door", n), cause=1, t=opened.session_t + SECOND, truth=0, principal=opened.principal,
        client=HUMAN, agent=agents(world, "desktop", n), key=opened.key, session_t=opened.session_t)
    for begun, entered in zip(recorded(opened.rows), recorded(signed.rows), strict=True):
        assert begun["userIdentity"]["type"] == "SAMLUser" and "sAMLAssertionID" in begun["requestParameters"]
        given = begun["responseElements"]["assumedRoleUser"]
        assert entered["userIdentity"]["arn"] == given["arn"]
        assert entered["userIdentity"]["principalId"] == given["assumedRoleId"]
        assert entered["eventType"] == "AwsConsoleSignIn" and entered["responseElements"] == {"ConsoleLogin": "Success"}


def test_a_new_key_is_the_one_later_used() -> None:
    world = small_world()
    user = int(world.cloud.principals_of("IAMUser")[3])
    name = world.cloud.principals.name[user]
    res = next(int(r) for r in world.cloud.resources_of("user") if world.cloud.resources.name[r] == name)
    op = calls.codes(world, ["iam:CreateAccessKey", "sts:GetCallerIdentity"])
    made = calls.rows(world, ROOT, id=ids("new key", 1), cause=1, t=np.array([NOON]), truth=0, op=op[0],
                      principal=user, client=HUMAN, res=res, agent=agents(world, "aws_cli", 1))
    used = calls.rows(world, ROOT, id=ids("used key", 1), cause=1, t=np.array([NOON + MINUTE]), truth=0, op=op[1],
                      principal=user, client=HUMAN, key=made["new"], agent=agents(world, "aws_cli", 1))
    born, later = recorded(made)[0], recorded(used)[0]
    key = born["responseElements"]["accessKey"]
    assert key["userName"] == name == born["requestParameters"]["userName"]
    assert later["userIdentity"]["accessKeyId"] == key["accessKeyId"]
    assert later["userIdentity"]["type"] == "IAMUser" and "sessionContext" not in later["userIdentity"]
    assert key["accessKeyId"] == key_id("AKIA", born["recipientAccountId"], int(made["new"][0]))
    assert re.fullmatch(r"Jan 12, 2026, 12:00:0\d PM", key["createDate"])


def test_a_created_user_calls_under_the_id_it_was_given() -> None:
    world = small_world()
    users = world.cloud.resources_of("user")
    n, op = len(users), calls.codes(world, ["iam:CreateUser"])[0]
    made = recorded(calls.rows(
        world, ROOT, id=ids("born", n), cause=1, t=NOON + np.arange(n), truth=0, op=op, client=HUMAN, res=users,
        principal=int(world.cloud.principals_of("IAMUser")[0]), agent=agents(world, "aws_cli", n)))
    known = {who["userName"]: who["principalId"] for who in (r["userIdentity"] for r in records())
             if who["type"] == "IAMUser" and "principalId" in who}
    born = {r["responseElements"]["user"]["userName"]: r["responseElements"]["user"]["userId"] for r in made}
    assert known.keys() & born.keys() and all(born[name] == known[name] for name in known.keys() & born.keys())


def test_the_console_door() -> None:
    """CheckMfa before ConsoleLogin; MFA shows in the session; a failure names nobody's key and has no error code."""
    world = small_world()
    user = int(world.cloud.principals_of("IAMUser")[1])
    failed = terms.CLOUD_ERRORS.index("Failed authentication")
    agent = agents(world, "desktop", 1)
    good = calls.console_login(world, ROOT, id=ids("good", 1), cause=1, t=np.array([NOON]), truth=0, principal=user,
                               client=HUMAN, agent=agent, mfa=1)
    bad = calls.console_login(world, ROOT, id=ids("bad", 1), cause=1, t=np.array([NOON]), truth=0, principal=user,
                              client=HUMAN, agent=agent, mfa=0, error=failed)
    later = calls.rows(world, ROOT, id=ids("later", 1), cause=1, t=good.session_t + MINUTE, truth=0,
                       op=calls.codes(world, ["s3:ListBuckets"])[0], principal=user, client=HUMAN, agent=agent,
                       key=good.key, session_t=good.session_t, mfa=1, console=1)
    checked, entered, refused, listed = recorded(concat([good.rows, bad.rows, later]))
    assert (checked["eventName"], entered["eventName"]) == ("CheckMfa", "ConsoleLogin")
    assert checked["eventTime"] < entered["eventTime"] and entered["additionalEventData"]["MFAUsed"] == "Yes"
    assert "accessKeyId" not in entered["userIdentity"] and "MFAIdentifier" in entered["additionalEventData"]
    assert refused["errorMessage"] == "Failed authentication" and "errorCode" not in refused
    assert refused["userIdentity"]["accessKeyId"] == "" and "arn" not in refused["userIdentity"]
    assert refused["responseElements"] == {"ConsoleLogin": "Failure"} and not refused["readOnly"]
    context = listed["userIdentity"]["sessionContext"]
    assert context["attributes"] == {"creationDate": entered["eventTime"], "mfaAuthenticated": "true"}
    assert listed["sessionCredentialFromConsole"] == "true" and listed["userIdentity"]["accessKeyId"].startswith("ASIA")
