"""CloudTrail records, held to the rules that tie their fields together."""

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
from tests.sources.trail import DENIED, HUMAN, agents, api_calls, every_call, recorded, records, source
from tests.worlds import ROOT, small_world

ORDER = ["eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
         "userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData",
         "requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion", "managementEvent",
         "recipientAccountId", "sharedEventID", "vpcEndpointId", "eventCategory", "tlsDetails",
         "sessionCredentialFromConsole"]


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
