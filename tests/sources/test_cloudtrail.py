"""CloudTrail records, held to the rules that tie their fields together, and to records that AWS itself wrote."""

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
from tests.worlds import ROOT, small_world

STRATUS = Path(__file__).resolve().parents[3] / "shared/judges/logs/cloudtrail/stratus_detonation_logs.jsonl"
ORDER = ["eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
         "userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData",
         "requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion", "managementEvent",
         "recipientAccountId", "sharedEventID", "vpcEndpointId", "eventCategory", "tlsDetails",
         "sessionCredentialFromConsole"]
HUMAN = 0xF1020304
DENIED = terms.CLOUD_ERRORS.index("AccessDenied")


@cache
def source(form: str = "json") -> AwsCloudTrail:
    return AwsCloudTrail(small_world(), Seed(3).child("cloudtrail"), form)


def recorded(table: Table) -> list[dict[str, Any]]:
    return [json.loads(text) for text in source().template.texts(source().observe({"cloud": table.without("truth")}))]


def named(name: str) -> int:
    return list(small_world().cloud.principals.name).index(name)


def agents(world: World, kind: str, n: int) -> Any:
    return world.agents.draw(kind, (np.arange(n) + 0.5) / n)


def every_call(world: World) -> Table:
    """Every operation by a user with a key, by a session of a role, on behalf by a service, denied, failing."""
    n_ops, ways = len(world.cloud.ops), 6
    n = n_ops * ways
    way, op = np.arange(n) // n_ops, np.arange(n) % n_ops
    users = world.cloud.principals_of("IAMUser")
    roles = world.cloud.principals_of("AssumedRole")
    is_user = (way == 0) | (way == 3)
    principal = np.where(is_user, users[np.arange(n) % len(users)], roles[np.arange(n) % len(roles)])
    principal = np.where(way == 5, world.cloud.principals_of("AWSService")[0], principal)
    turn = (op + way) % 3
    agent = np.choose(turn, [agents(world, kind, n) for kind in ("aws_cli", "aws_sdk", "aws_tool")])
    error = np.where(way == 3, DENIED, np.where(way == 4, 2 + np.arange(n) % (len(terms.CLOUD_ERRORS) - 2), -1))
    return calls.rows(
        world, ROOT, id=ids("call", n), cause=4, t=NOON + np.arange(n) * SECOND, truth=0, op=op, principal=principal,
        client=HUMAN, agent=agent, key=np.where(is_user, 0, ids("session", n)), error=error,
        session_t=np.where(is_user, 0, NOON - HOUR), service=np.where(way == 2, 3, -1), mfa=np.arange(n) % 2,
        console=np.where((way == 1) & (op % 5 == 0), 1, 0),
    )


@cache
def records() -> tuple[dict[str, Any], ...]:
    return tuple(recorded(every_call(small_world())))


def api_calls() -> list[dict[str, Any]]:
    return [r for r in records() if r["eventType"] == "AwsApiCall"]


def test_every_operation_is_recorded() -> None:
    ops = small_world().cloud.ops
    assert {(r["eventSource"], r["eventName"]) for r in records()} == {
        (f"{s}.amazonaws.com", n) for s, n in zip(ops.source, ops.name, strict=True)}


def test_keys_stand_in_the_order_aws_writes_them() -> None:
    for record in records():
        assert list(record) == [key for key in ORDER if key in record]
        always = {"errorCode", "errorMessage", "additionalEventData", "requestID", "resources", "apiVersion",
                  "sharedEventID", "vpcEndpointId", "tlsDetails", "sessionCredentialFromConsole"}
        assert set(ORDER) - set(record) <= always


def test_times_and_ids_have_their_form() -> None:
    seen = [r["eventID"] for r in records()]
    assert len(set(seen)) == len(seen)
    for record in records():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
        version = 3 if "sharedEventID" in record else 4
        assert re.fullmatch(rf"[0-9a-f]{{8}}-[0-9a-f]{{4}}-{version}[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}",
                            record["eventID"])
        if record["eventSource"] == "s3.amazonaws.com":
            assert re.fullmatch(r"[A-Z0-9]{16}", record["requestID"])
        elif record["eventSource"] == "dynamodb.amazonaws.com":
            assert re.fullmatch(r"[0-9A-V]{26}VV4KQNSO5AEMVJF66Q9ASUAAJG", record["requestID"])
        elif record["eventSource"] != "signin.amazonaws.com":
            assert len(record["requestID"]) == 36
        else:
            assert "requestID" not in record


def test_ids_embed_the_account_they_belong_to() -> None:
    """All key and principal ids of a record decode to the account that its ARNs and accountId name."""
    for record in records():
        identity = record["userIdentity"]
        found = re.findall(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z2-7]{16,17}\b", json.dumps(identity))
        assert {account_of(key) for key in found} <= {identity.get("accountId")}
        made = re.findall(r"\b(?:AKIA|ASIA|AIDA|AROA|ANPA)[A-Z2-7]{16,17}\b", json.dumps(record["responseElements"]))
        assert {account_of(key) for key in made} <= {record["recipientAccountId"]}


def test_credentials_fit_the_identity() -> None:
    """AKIA without a session is a user's own key; ASIA comes with a session context, and the other way round."""
    for record in api_calls():
        identity = record["userIdentity"]
        key = identity.get("accessKeyId", "")
        assert key.startswith("ASIA") == ("sessionContext" in identity) or identity["type"] == "SAMLUser"
        if key.startswith("AKIA"):
            assert identity["type"] in {"IAMUser", "Root"}
        if identity["type"] == "AssumedRole":
            session = identity["principalId"].partition(":")[2]
            assert identity["arn"].endswith(f"/{session}")
            issuer = identity["sessionContext"]["sessionIssuer"]
            assert identity["principalId"].startswith(issuer["principalId"])
            assert f":role{'/' if '/aws-' not in issuer['arn'] else ''}" in issuer["arn"]
            assert isinstance(identity["sessionContext"]["attributes"]["mfaAuthenticated"], str)


def test_old_versions_carry_web_identity_data() -> None:
    for record in records():
        context = record["userIdentity"].get("sessionContext")
        if context is not None:
            assert ("webIdFederationData" in context) == (record["eventVersion"] <= "1.08")
    assert len({r["eventVersion"] for r in records()}) >= 4


def test_errors_and_reads_return_nothing() -> None:
    given = {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken"}
    for record in api_calls():
        if "errorCode" in record or (record["readOnly"] and record["eventName"] not in given):
            assert record["responseElements"] is None
        if "errorCode" in record:
            assert record["errorMessage"]


def test_denials_name_who_what_and_which() -> None:
    denied = [r for r in api_calls() if r.get("errorCode") in {"AccessDenied", "Client.UnauthorizedOperation"}]
    assert len(denied) > 300
    for record in denied:
        identity, message = record["userIdentity"], record["errorMessage"]
        if record["eventSource"] == "organizations.amazonaws.com":
            assert message == "You don't have permissions to access this resource."
            continue
        assert identity.get("arn", "User: ") in message and "is not authorized to perform: " in message
        service = record["eventSource"] == "ec2.amazonaws.com"
        assert service == (record["errorCode"] == "Client.UnauthorizedOperation")
        if record["eventSource"] in {"iam.amazonaws.com", "sts.amazonaws.com"}:
            assert record["requestParameters"] is None


def test_host_region_and_source_agree() -> None:
    for record in api_calls():
        if "tlsDetails" not in record:
            continue
        tls, region = record["tlsDetails"], record["awsRegion"]
        host = tls["clientProvidedHostHeader"]
        assert list(tls) == ["tlsVersion", "cipherSuite", "clientProvidedHostHeader"]
        assert (tls["tlsVersion"] == "TLSv1.3") == (tls["cipherSuite"] == "TLS_AES_128_GCM_SHA256")
        assert region in host or region == "us-east-1", host
        if record["eventSource"] == "s3.amazonaws.com" and isinstance(record["requestParameters"], dict):
            assert record["requestParameters"]["Host"] == host
    for name in ("iam", "route53", "cloudfront", "organizations"):
        assert {r["awsRegion"] for r in records() if r["eventSource"] == f"{name}.amazonaws.com"} == {"us-east-1"}


def test_the_command_line_names_the_call() -> None:
    named = [r for r in api_calls() if "md/command#" in r["userAgent"]]
    assert len(named) > 100
    for record in named:
        service, _, operation = record["userAgent"].rstrip("]").rpartition("md/command#")[2].partition(".")
        known = {forms.kebab(re.sub(r"20\d{6}(v\d)?$", "", record["eventName"])), "ls", "cp", "rm"}
        assert operation in known and service
    assert any(r["userAgent"].endswith("md/command#iam.list-mfa-devices") for r in named)
    modules = {m[1] for r in api_calls() if (m := re.search(r" api/(\w+)#", r["userAgent"]))}
    assert {"sts", "cloudwatchlogs", "ec2"} <= modules


def test_services_call_in_their_own_name() -> None:
    for record in records():
        identity = record["userIdentity"]
        if "invokedBy" in identity:
            assert record["sourceIPAddress"] == record["userAgent"] == identity["invokedBy"]
            assert "tlsDetails" not in record and "sessionCredentialFromConsole" not in record
        elif record["eventSource"] == "s3.amazonaws.com":
            assert record["userAgent"][0] + record["userAgent"][-1] == "[]"
    console = [r for r in records() if "sessionCredentialFromConsole" in r]
    assert console and {r["sessionCredentialFromConsole"] for r in console} == {"true"}


def test_data_events_are_of_their_category() -> None:
    ops = small_world().cloud.ops
    data = {f"{s}.amazonaws.com:{n}" for s, n, d in zip(ops.source, ops.name, ops.data, strict=True) if d}
    for record in records():
        is_data = f"{record['eventSource']}:{record['eventName']}" in data
        assert record["managementEvent"] is not is_data
        assert record["eventCategory"] == ("Data" if is_data else "Management")
    got = next(r for r in records() if r["eventName"] == "GetObject" and "errorCode" not in r)
    key = got["requestParameters"]["key"]
    assert [r["type"] for r in got["resources"]] == ["AWS::S3::Object", "AWS::S3::Bucket"]
    thing, bucket = got["resources"]
    assert thing["ARN"] == f"{bucket['ARN']}/{key}" and "accountId" not in thing
    assert got["additionalEventData"]["bytesTransferredOut"] > 0


def test_resources_shout_arn() -> None:
    for record in records():
        for resource in record.get("resources", []):
            assert {"ARN", "ARNPrefix"} & set(resource) and "arn" not in resource


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


def test_no_word_is_left_unfilled() -> None:
    for record in records():
        assert not re.findall(r"<(?!sensitiveDataRemoved)\w+>|@\{", json.dumps(record)), record["eventName"]


def test_no_secret_is_written() -> None:
    text = json.dumps(records())
    for word in ("secretAccessKey", "SecretAccessKey", '"password"', "secretString"):
        assert word not in text


def test_an_envelope_is_one_line_of_json() -> None:
    """The s3 format: header, records led by commas (the first comma dropped), footer."""
    made = source("s3")
    table = made.observe({"cloud": every_call(small_world()).take(slice(0, 50)).without("truth")})
    data, ends = made.template.render(table)
    text = made.header(NOON) + data.tobytes()[len(made.lead):] + made.footer(NOON)
    found = json.loads(text)
    assert list(found) == ["Records"] and len(found["Records"]) == len(ends) == 50 and b"\n" not in text
    assert found["Records"] == recorded(every_call(small_world()).take(slice(0, 50)))


def test_delivery_takes_minutes_and_shuffles() -> None:
    table = source().observe({"cloud": every_call(small_world()).without("truth")})
    lag = table["w"] - table["t"]
    assert lag.min() >= 2 * SECOND and lag.max() <= 9 * MINUTE
    assert MINUTE < np.median(lag) < 4 * MINUTE
    written = table["t"][np.argsort(table["w"], kind="stable")]
    assert (np.diff(written) < 0).mean() > 0.2


def test_agents_are_split_where_the_call_shows() -> None:
    ua = "aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1 md/GOOS#linux api/@{service}#1.26.2"
    assert split_agent(ua) == (2, "aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1 md/GOOS#linux api/", "#1.26.2")
    assert split_agent("curl/8") == (0, "curl/8", "")


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Every path of a value with its kind; what is null says nothing."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= shape(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            found |= shape(inner, f"{path}[]")
    elif value is not None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        found[path] = "number" if number else type(value).__name__
    return found


@pytest.mark.skipif(not STRATUS.exists(), reason="no judges here")
def test_shapes_agree_with_real_detonations() -> None:
    """For operations that real attack runs recorded too: the same keys at the top, and values of the same kinds.

    What a call asks may differ (other parameters), what AWS adds may not: identity, response, TLS, resources.
    """
    real: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in STRATUS.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)["event"]
        if event.get("eventName"):
            real[event["eventName"]].append(event)
    ours: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records():
        ours[record["eventName"]].append(record)
    both, anywhere = real.keys() & ours.keys(), {path for record in records() for path in shape(record)}
    assert len(both) > 35
    for name in both:
        known: dict[str, str] = {}
        for record in ours[name]:
            known |= shape(record)
        for event in real[name]:
            assert set(event) <= {key for record in ours[name] for key in record}, (name, set(event))
            assert event["readOnly"] == ours[name][0]["readOnly"], name
            for path, kind in shape(event).items():
                assert known.get(path, kind) == kind, (name, path, kind, known[path])
            for part in ("userIdentity", "tlsDetails"):
                missing = {f".{part}{p}" for p in shape(event.get(part))} - anywhere
                assert not missing, (name, missing)


@pytest.mark.skipif(not STRATUS.exists(), reason="no judges here")
def test_responses_have_the_fields_real_ones_have() -> None:
    """Operations whose response real runs recorded: ours has all of its fields, save what their tags and code add."""
    allowed = re.compile(r"tags|permissionsBoundary|layers|\.stateReason|publish|networkInterface|metadata")
    gaps: dict[str, set[str]] = {}
    for line in STRATUS.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)["event"]
        if not event.get("responseElements"):
            continue
        mine = [r for r in records() if r["eventName"] == event["eventName"] and r["responseElements"]]
        if mine:
            known = {path for record in mine for path in shape(record["responseElements"])}
            lacking = {p for p in shape(event["responseElements"]) if p not in known and not allowed.search(p)}
            if lacking:
                gaps[event["eventName"]] = lacking
    assert not gaps


def test_columns_say_what_the_records_say() -> None:
    """Each Parquet column holds the value of its path, unescaped; parameters and responses as JSON."""
    made = source()
    table = made.observe({"cloud": every_call(small_world()).without("truth")})
    for column in made.columns:
        for cell, record in zip(column.template.texts(table), records(), strict=True):
            value: Any = record
            for key in column.name.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, dict):
                assert json.loads(cell) == value
            elif column.type == "bool":
                assert cell == str(value).lower()
            elif column.type == "string":
                assert cell == (value or ""), (column.name, cell, value)


def test_golden(golden: Callable[[str, str], None]) -> None:
    """Five calls, byte for byte, as lines and in the envelope."""
    world = small_world()
    names = ["sts:GetCallerIdentity", "s3:GetObject", "iam:CreateUser", "kms:Decrypt", "ec2:RunInstances"]
    user = int(world.cloud.principals_of("IAMUser")[0])
    some = rows("cloud", 5, id=ids("golden", 5), cause=1, t=NOON + np.arange(5) * SECOND, dur=90_000,
                op=calls.codes(world, names), principal=user, client=[HUMAN, HUMAN, HUMAN, 0, HUMAN],
                agent=agents(world, "aws_cli", 5), service=[-1, -1, -1, 2, -1], region=0, account=0,
                error=[-1, -1, -1, -1, DENIED], key=0, session_t=0,
                res=[-1, int(world.cloud.resources_of("bucket")[0]), int(world.cloud.resources_of("user")[0]),
                     int(world.cloud.resources_of("key")[0]), int(world.cloud.resources_of("image")[0])],
                obj=[-1, 41, -1, -1, -1], new=77, bytes=[0, 81_233, 0, 0, 0], mfa=0, console=0)
    for form in ("json", "s3"):
        made = source(form)
        data = made.template.render(made.observe({"cloud": some.without("truth")}))[0].tobytes()[len(made.lead):]
        golden(f"aws_cloudtrail.{form}.{made.formats[form]}", (made.header(0) + data + made.footer(0)).decode())
    assert parse_time(json.loads(data.decode().split(',{"eventVersion"')[0])["eventTime"]) == NOON
