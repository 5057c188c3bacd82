"""The rules of the field sheets that every record must keep on its own; each function yields what a record breaks.

Written from formats 01, 02, 04 and 07 alone; rules that tie records together are in ``test_judges``.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterator

from tests.holds.reading import SECOND, Record

TRAIL_KEYS = [
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
    "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID",
    "readOnly", "resources", "eventType", "apiVersion", "managementEvent", "recipientAccountId", "sharedEventID",
    "vpcEndpointId", "eventCategory", "tlsDetails", "sessionCredentialFromConsole"]
ALWAYS = {"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
          "userAgent", "requestParameters", "responseElements", "eventID", "readOnly", "eventType", "managementEvent",
          "recipientAccountId", "eventCategory"}
HOSTS = {"ses": "email"}
"""Endpoints whose host is not called like the event source."""
GLOBAL = {"iam", "cloudfront", "route53", "organizations"}
_TLS = {"TLSv1.3": {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"},
        "TLSv1.2": {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"}}


def account_of(key: str) -> str:
    """The account number that an AWS id embeds (sheet 04, section 3)."""
    raw = int.from_bytes(base64.b32decode(key[4:20])[:6], "big")
    return f"{(raw & 0x7FFFFFFFFF80) >> 7:012d}"


def trail(record: Record) -> Iterator[str]:
    """A CloudTrail record, sheet 04 sections 2 to 8."""
    keys = [k for k in record if k != "t"]
    if keys != [k for k in TRAIL_KEYS if k in record]:
        yield f"keys out of order, or unknown: {keys}"
    yield from (f"no {k}" for k in ALWAYS - set(keys))
    service = record["eventSource"].removesuffix(".amazonaws.com")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"]):
        yield "eventTime has other than seconds"
    if uuid.UUID(record["eventID"]).version != (3 if "sharedEventID" in record else 4):
        yield "eventID is no UUID v4, or v3 for an event that others share"
    signin = record["eventType"] == "AwsConsoleSignIn"
    if signin != (service == "signin") or (signin and "requestID" in record) or (signin and "errorCode" in record):
        yield "a sign-in is AwsConsoleSignIn, without requestID and errorCode"
    if not signin and record["eventType"] == "AwsApiCall" and "requestID" not in record:
        yield "an API call has a requestID"
    if record.get("errorCode") and record["responseElements"] is not None:
        yield "a failed call answers nothing"
    if record["readOnly"] and record["responseElements"] is not None and service != "sts":
        yield "a read answers nothing"
    if (record["eventCategory"] == "Data") == record["managementEvent"]:
        yield "Data and managementEvent contradict"
    if service in GLOBAL and record["awsRegion"] != "us-east-1":
        yield f"{service} is global: us-east-1"
    if service == "s3" and record["eventCategory"] == "Data" and "." not in record["userAgent"].split("/")[0] \
            and not re.fullmatch(r"\[.*\]", record["userAgent"]):
        yield "S3 writes the userAgent of a data event in brackets"
    for resource in record.get("resources", ()):
        if "arn" in resource or not resource.get("ARN", resource.get("ARNPrefix", "")).startswith("arn:aws:"):
            yield "resources carry ARN in upper case"
    yield from _identity(record)
    yield from _transport(record, service)


def _identity(record: Record) -> Iterator[str]:
    who, session = record["userIdentity"], record["userIdentity"].get("sessionContext")
    kind, key = who.get("type"), who.get("accessKeyId", "")
    if kind == "AWSService" and set(who) != {"type", "invokedBy"}:
        yield "AWSService has type and invokedBy only"
    if key.startswith("ASIA") != bool(session and session.get("attributes")) and key:
        yield "ASIA key and sessionContext belong together"
    if key.startswith("AKIA") and (kind != "IAMUser" or session):
        yield "AKIA is an IAM user's own key"
    for text in (key, who.get("principalId", "").partition(":")[0]):
        if re.match(r"A[KS]IA|AIDA|AROA", text) and account_of(text) != who["accountId"]:
            yield f"{text} is of another account"
    if kind == "AssumedRole":
        if who["arn"].rpartition("/")[2] != who["principalId"].partition(":")[2]:
            yield "session names differ"
        if session and session["sessionIssuer"]["accountId"] != who["accountId"]:
            yield "role of another account"
    if "accountId" in who and kind != "AWSAccount" and record["recipientAccountId"] != who["accountId"] \
            and "sharedEventID" not in record:
        yield "recipient and caller differ without a shared event"
    if session:
        for name in ("mfaAuthenticated", "creationDate"):
            if not isinstance(session["attributes"][name], str):
                yield f"{name} is a string"
        if (record["eventVersion"] == "1.08") != ("webIdFederationData" in session):
            yield "webIdFederationData belongs to version 1.08 only"
    if record.get("sessionCredentialFromConsole", "true") != "true":
        yield "sessionCredentialFromConsole is the text true"


def _transport(record: Record, service: str) -> Iterator[str]:
    tls, agent = record.get("tlsDetails"), record["userAgent"]
    by_service = record["sourceIPAddress"].endswith(".amazonaws.com")
    if by_service and (tls or agent != record["sourceIPAddress"]):
        yield "a call by a service has its name as agent, and no TLS"
    if tls:
        if set(tls) != {"tlsVersion", "cipherSuite", "clientProvidedHostHeader"}:
            yield "tlsDetails has three keys"
        if tls["cipherSuite"] not in _TLS[tls["tlsVersion"]]:
            yield "cipher and TLS version disagree"
        host = tls["clientProvidedHostHeader"]
        where = record["awsRegion"] in host or host.count(".") == 2 or service in {"s3", "signin", "organizations", "ce"}
        if not where or (HOSTS.get(service, service) not in host and service != "s3"):
            yield f"host header {host} is not that of {service} in {record['awsRegion']}"
    command = re.search(r"md/command#([a-z0-9-]+)\.([a-z0-9-]+)", agent)
    if command:
        told = command[2].replace("-", "")
        if not re.sub(r"\d{8}(v\d)?$", "", record["eventName"].lower()).startswith(told[:8]) and command[1] != "s3":
            yield f"{command[0]} does not call {record['eventName']}"


RESULTS = {"SUCCESS", "FAILURE", "SKIPPED", "ALLOW", "DENY", "CHALLENGE", "UNKNOWN", "RATE_LIMIT"}
OKTA_KEYS = ["actor", "client", "device", "authenticationContext", "displayMessage", "eventType", "outcome", "published",
             "securityContext", "severity", "debugContext", "legacyEventType", "transaction", "uuid", "version", "request",
             "target"]
_BEHAVIORS = re.compile(r"\{New Geo-Location=\w+, New Device=\w+, New IP=\w+, New State=\w+, New Country=\w+, "
                        r"Velocity=\w+, New City=\w+\}")
_RISK = re.compile(r"\{(reasons=[A-Z][\w -]+(, [A-Z][\w -]+)*, )?level=(LOW|MEDIUM|HIGH)\}")


def system_log(event: Record) -> Iterator[str]:
    """An Okta LogEvent, sheet 02 sections 2 to 7."""
    if [k for k in event if k != "t"] != OKTA_KEYS:
        yield "keys are not those of a LogEvent"
    debug, kind, result = event["debugContext"]["debugData"], event["eventType"], event["outcome"]["result"]
    if event["version"] != "0" or event["severity"] not in {"DEBUG", "INFO", "WARN", "ERROR"} or result not in RESULTS:
        yield "version, severity or result out of its vocabulary"
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["published"]):
        yield "published has other than milliseconds"
    own = uuid.UUID(event["uuid"])
    if own.version == 1 and abs((own.time - 0x01B21DD213814000) // 10 - event["t"]) > 5000:
        yield "the uuid tells another time"
    if event["transaction"]["type"] == "WEB":
        if event["transaction"]["id"] != debug.get("requestId", event["transaction"]["id"]):
            yield "transaction and requestId differ"
        first = event["request"]["ipChain"][0]
        if (first["ip"], first["geographicalContext"]) != (
                event["client"]["ipAddress"], event["client"]["geographicalContext"]) or first["version"] != "V4":
            yield "the chain of addresses does not begin with the client"
    if (result in {"CHALLENGE", "ALLOW", "DENY"}) != kind.startswith(("policy.", "security.")):
        yield "verdicts belong to policies"
    legacy = event["legacyEventType"] or ""
    contrary = {"SUCCESS": r".*_(failed?|failure)", "FAILURE": r".*success"}.get(result, "-")
    if re.fullmatch(contrary, legacy):
        yield "legacyEventType and result contradict"
    if kind == "user.account.lock" and (result, event["outcome"]["reason"], event["severity"]) != (
            "FAILURE", "LOCKED_OUT", "DEBUG"):
        yield "a lock is FAILURE, LOCKED_OUT, DEBUG"
    if event["client"]["zone"] is None or len((event["client"]["geographicalContext"] or {}).get("country") or "xxx") < 3:
        yield "zone is never null, countries are spelled out"
    if not re.fullmatch(r"(102|10|trs|idx)[\w-]{21,22}|unknown", event["authenticationContext"]["externalSessionId"] or "unknown"):
        yield "externalSessionId has another form"
    yield from _debug(debug)
    yield from _people(event, kind)


def _debug(debug: Record) -> Iterator[str]:
    yield from (f"debugData.{k} is no text" for k, v in debug.items() if not isinstance(v, str) and k != "originalPrincipal")
    if "behaviors" in debug and not _BEHAVIORS.fullmatch(debug["behaviors"]):
        yield "behaviors have another punctuation"
    if "risk" in debug and not _RISK.fullmatch(debug["risk"]):
        yield f"risk has another punctuation: {debug['risk']}"
    if "logOnlySecurityData" in debug and not {"risk", "behaviors"} <= set(json.loads(debug["logOnlySecurityData"])):
        yield "logOnlySecurityData lacks risk or behaviors"


def _people(event: Record, kind: str) -> Iterator[str]:
    actor, targets = event["actor"], [t for t in event["target"] or () if t["type"] == "User"]
    form = re.escape(event["client"]["ipAddress"] or "-") if actor["type"] == "IP address" else r"unknown|(00u|0oa)\w{17}"
    if not re.fullmatch(form, actor["id"]):
        yield f"actor {actor['id']} has another form"
    if kind.endswith((".reset_all", "unlock_by_admin", "privilege.grant")) and any(t["id"] == actor["id"] for t in targets):
        yield "an administrator acts on another"
    if kind == "user.mfa.factor.activate" and targets and targets[0]["id"] != actor["id"]:
        yield "people enroll their own factor"


def conn(row: Record) -> Iterator[str]:
    """A JSON row of conn.log, sheet 07 sections 3 to 5 and 10."""
    state, history = row["conn_state"], row.get("history", "")
    if not re.fullmatch(r"C[0-9A-Za-z]{13,17}", row["uid"]):
        yield "uid has another form"
    if row["ip_proto"] != {"tcp": 6, "udp": 17, "icmp": 1}[row["proto"]] or row["missed_bytes"] != 0:
        yield "protocol number or missed bytes"
    if ("duration" in row) != ("orig_bytes" in row) or row.get("duration") == 0:
        yield "bytes are known where there is a duration, and none is 0"
    for side in ("orig", "resp"):
        payload, packets, whole = row.get(f"{side}_bytes", 0), row[f"{side}_pkts"], row[f"{side}_ip_bytes"]
        if row["proto"] != "tcp" and "duration" in row and whole != payload + 28 * packets:
            yield f"{side}: 28 bytes of headers each"
        if row["proto"] == "tcp" and not payload + 40 * packets <= whole <= payload * 1.2 + 60 * packets + 3000:
            yield f"{side}: {whole} bytes in {packets} packets for {payload}"
        if packets == 0 and whole:
            yield f"{side}: bytes without packets"
    if row["resp_pkts"] and state == "S0":
        yield "S0 has no answer"
    if state == "REJ" and (not row["resp_pkts"] or row.get("resp_bytes")):
        yield "REJ has an answer without bytes"
    if row["proto"] == "tcp":
        shapes = {"SF": r"ShA.*(F.*f|f.*F).*", "S0": r"S+", "REJ": r"SrR?|Sr", "RSTO": r"Sh.*R.*", "RSTR": r"Sh.*r.*",
                  "S1": r"Sh[^FfRr]*", "RSTOS0": r"SR", "SH": r"S[AD]*F", "S2": r"Sh.*F[^f]*", "S3": r"Sh.*f[^F]*"}
        if state in shapes and not re.fullmatch(shapes[state], history):
            yield f"{state} does not have history {history}"
        if row["id.resp_p"] == 22 and "d" in history and "D" in history and history.index("D") < history.index("d"):
            yield "an SSH server speaks first"
    if row["proto"] != "icmp" and row["id.orig_p"] < 1024 and row["id.orig_p"] != row["id.resp_p"]:
        yield "a client port is ephemeral"


QTYPES = {1: "A", 28: "AAAA", 12: "PTR", 16: "TXT", 15: "MX", 65: "HTTPS", 33: "SRV", 5: "CNAME", 2: "NS", 6: "SOA"}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def dns(row: Record) -> Iterator[str]:
    """A JSON row of dns.log, sheet 07 section 6."""
    if row["qclass_name"] != "C_INTERNET" or QTYPES[row["qtype"]] != row["qtype_name"]:
        yield "class or type"
    if "rcode" in row and RCODES[row["rcode"]] != row["rcode_name"]:
        yield "rcode and its name"
    if "rcode" not in row and {"rtt", "answers", "TTLs"} & set(row):
        yield "no reply, no answer"
    if len(row.get("answers", ())) != len(row.get("TTLs", ())):
        yield "as many TTLs as answers"
    if row["query"] != row["query"].lower() or row["query"].endswith("."):
        yield "a query is in lower case, without a dot at its end"
    if row["qtype_name"] == "TXT" and any(not re.match(r"TXT \d+ ", a) for a in row.get("answers", ())):
        yield "a text tells its length"
    if row["qtype_name"] == "PTR" and not row["query"].endswith("in-addr.arpa"):
        yield "a PTR question is about an address"


NGINX_PAGES = {400: 150, 401: 172, 403: 146, 404: 146, 405: 150, 413: 176, 429: 162, 500: 170, 502: 150, 503: 190, 504: 160}
"""Bytes of nginx's own error pages with server_tokens off; Chrome and MSIE get 402 more (sheet 01, section 2)."""
BANNERS = {0: "nginx", 16: "nginx/1.24.0 (Ubuntu)", 7: "nginx/1.27.4"}
"""Bytes that a banner adds to each of them."""


def banner(row: Record) -> int | None:
    """Bytes by which an error page of nginx's own exceeds the smallest one; None when the page is another's."""
    status, agent = int(row["status"]), row["http_user_agent"]
    if row["scheme"] == "http" and row["server_port"] == "443" and row["request_method"] == "GET":
        return int(row["body_bytes_sent"]) - 248 - 402 * bool(re.search("Chrome|MSIE", agent) and row["server_protocol"])
    if not row["body_bytes_sent"] and not row["request_method"]:
        return None  # nobody was there to read a page
    own = (not row["upstream_addr"] or status in {502, 504}) and row["request_method"] != "HEAD"
    if not own or status not in NGINX_PAGES:
        return None
    return int(row["body_bytes_sent"]) - NGINX_PAGES[status] - 402 * bool(re.search("Chrome|MSIE", agent))


def access(row: Record) -> Iterator[str]:
    """A JSON line of nginx, sheet 01 sections 2 and 3."""
    status, size, took = int(row["status"]), row["body_bytes_sent"], float(row["request_time"])
    agent = row["http_user_agent"]
    if (row["request_method"] == "HEAD" or status in {204, 304}) and size:
        yield "no body is sent"
    if banner(row) not in {None, *BANNERS}:
        yield f"nginx's own {status} has another size than {size}"
    if status == 504 and took < 60:
        yield "a timeout takes a minute"
    for part in ("upstream_connect_time", "upstream_header_time", "upstream_response_time"):
        if re.fullmatch(r"[\d.]+", row[part]) and float(row[part]) > took + 0.002:
            yield f"{part} beyond the request's time"
    if bool(row["upstream_addr"]) != bool(row["upstream_status"]):
        yield "an upstream answers with a status"
    if row["bytes_sent"] < size or abs(row["msec"] * SECOND - row["t"]) > 1000:
        yield "bytes or times"
    if re.search(r"Windows NT 1[1-9]|Mac OS X 1[1-9]_|Chrome/\d+\.\d+\.[1-9]", agent) and not re.search("CriOS|compatible", agent):
        yield f"no browser says {agent}"
    if row["server_protocol"] not in {"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} and row["scheme"] == "https":
        yield "protocol"
    if not row["request_method"] and (row["request_uri"] or status not in {400, 408} or row["request_length"]):
        yield "what cannot be read is refused"
    if (row["scheme"] == "http") != (not row["ssl_protocol"]):
        yield "scheme"
