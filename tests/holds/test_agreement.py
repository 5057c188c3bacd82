"""One activity, several sensors: what they say about who, when, from where and how much agrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from redgen.dataset.dataset import Dataset
from tests.holds.reading import SECOND, Record, lines

MS = 1000
MINUTE = 60 * SECOND
IN_OFFICE = {"user.session.start", "user.authentication.auth_via_mfa"}


@pytest.fixture(scope="module")
def requests(other: Dataset) -> pd.DataFrame:
    """nginx requests with when they began and ended, µs."""
    frame = lines(other, "nginx_access")
    found = pd.DataFrame(list(frame["record"]))
    found["end"] = found["t"]
    found["start"] = found["t"] - (found["request_time"].astype(float) * SECOND).round().astype("int64")
    return found.assign(label=frame["label"], type=frame["type"])


@pytest.fixture(scope="module")
def conns(other: Dataset) -> pd.DataFrame:
    """Zeek connections with when they began and ended, µs."""
    frame = lines(other, "zeek_conn")
    found = pd.DataFrame(list(frame["record"])).rename(columns=lambda c: c.replace(".", "_"))
    found["end"] = found["t"] + (found["duration"].fillna(0) * SECOND).round().astype("int64")
    return found.assign(label=frame["label"])


@pytest.fixture(scope="module")
def sign_ins(other: Dataset) -> pd.DataFrame:
    """Okta events, flat; customers' are those of the Classic engine, which knows no 32-digit transactions."""
    frame = lines(other, "okta_system")
    found = pd.DataFrame([{
        "t": r["t"], "type": r["eventType"], "addr": r["client"]["ipAddress"], "result": r["outcome"]["result"],
        "agent": r["client"]["userAgent"]["rawUserAgent"], "customer": len(r["transaction"]["id"]) != 32,
        "who": r["actor"]["alternateId"], "id": r["actor"]["id"],
        "session": r["authenticationContext"]["externalSessionId"],
    } for r in frame["record"]])
    return found.assign(label=frame["label"])


class Spans:
    """Intervals by key: which of them hold at a time."""

    def __init__(self, keys: Iterator[Any], starts: pd.Series, ends: pd.Series) -> None:
        self.by: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
        for k, (key, a, b) in enumerate(zip(keys, starts, ends, strict=True)):
            self.by[key].append((a, b, k))

    def at(self, key: Any, a: int, b: int, slack: int) -> list[int]:
        """Positions of those that cover [a, b], give or take ``slack``."""
        return [k for start, end, k in self.by.get(key, ()) if start - slack <= a and b <= end + slack]


def test_a_customers_login_is_in_both_logs(requests: pd.DataFrame, sign_ins: pd.DataFrame) -> None:
    """Every session the provider starts for a customer happens inside a POST to the shop from the same address with the
    same browser; what the shop refuses, the provider refuses."""
    posts = requests[requests["method"] == "POST"].reset_index(drop=True)
    spans = Spans(zip(posts["addr"], posts["agent"], strict=True), posts["start"], posts["end"])
    starts = sign_ins[sign_ins["customer"] & (sign_ins["type"] == "user.session.start")]
    assert len(starts) > 300
    for row in starts.itertuples():
        found = posts.loc[spans.at((row.addr, row.agent), row.t, row.t, 2 * MS)]
        assert len(found), row
        if row.result == "FAILURE":
            assert (found["status"] == "401").any(), row
        else:
            assert found["status"].isin(["302", "200"]).any(), row


def test_refused_logins_are_in_the_providers_log(requests: pd.DataFrame, sign_ins: pd.DataFrame) -> None:
    """A 401 of the login form is a failed session start at the provider; a 429 never reached it."""
    tried = sign_ins[sign_ins["customer"]].reset_index(drop=True)
    spans = Spans(zip(tried["addr"], tried["agent"], strict=True), tried["t"], tried["t"])
    logins = requests[requests["type"] == "POST /login"]
    assert {"302", "401", "429"} <= set(logins["status"])
    for row in logins.itertuples():
        events = [k for a, _, k in spans.by.get((row.addr, row.agent), ()) if row.start - MS <= a <= row.end + MS]
        if row.status == "401":
            assert (tried.loc[events, "result"] == "FAILURE").any(), row
        if row.status == "429" and row.request_time < 0.01:
            assert not events, row


def test_a_right_password_leaves_a_trace_at_the_provider(requests: pd.DataFrame, sign_ins: pd.DataFrame) -> None:
    """Also where a second factor stops whoever has it: the shop answers 302, the provider logs what it decided."""
    tried = sign_ins[sign_ins["customer"]].reset_index(drop=True)
    spans = Spans(zip(tried["addr"], tried["agent"], strict=True), tried["t"], tried["t"])
    logins = requests[(requests["type"] == "POST /login") & (requests["status"] == "302")]
    silent = [row for row in logins.itertuples()
              if not any(row.start - MS <= a <= row.end + MS for a, _, _ in spans.by.get((row.addr, row.agent), ()))]
    assert not silent, f"{len(silent)} of {len(logins)}"


def test_every_request_travels_over_a_connection(requests: pd.DataFrame, conns: pd.DataFrame) -> None:
    """Same addresses and ports, the request inside the connection's time, its bytes inside the connection's."""
    to_sites = conns[conns["id_resp_p"].isin([80, 443])].reset_index(drop=True)
    ports = zip(to_sites["id_orig_h"], to_sites["id_orig_p"].astype(str), strict=True)
    spans = Spans(ports, to_sites["t"], to_sites["end"])
    closing = requests["end"].max() - 10 * MINUTE  # a connection still open at the end of the day is not logged
    sites: dict[str, set[str]] = defaultdict(set)
    checked = 0
    for (addr, port, _), some in requests.groupby(["remote_addr", "remote_port", "connection"]):
        found = to_sites.loc[spans.at((addr, port), some["start"].min(), some["end"].max(), 2 * MS)]
        if not len(found) and some["start"].min() > closing:
            continue
        assert len(found) == 1, (addr, port, len(some))
        conn = found.iloc[0]
        assert some["bytes_sent"].sum() <= conn["resp_bytes"]
        assert some["request_length"].sum() <= conn["orig_bytes"]
        assert some["server_name"].nunique() == some["http_user_agent"].nunique() == 1
        assert sorted(some["connection_requests"]) == list(range(1, len(some) + 1)) or some["start"].min() < _early(some)
        sites[some["server_name"].iloc[0]].add(conn["id_resp_h"])
        checked += 1
    assert checked > 3000
    assert all(len(addresses) == 1 for addresses in sites.values())


def _early(some: pd.DataFrame) -> int:
    """Connections opened before midnight had requests before the log began."""
    midnight = some["start"].min() // (24 * 60 * MINUTE) * (24 * 60 * MINUTE)
    return int(midnight + 10 * MINUTE)


def test_connections_to_the_sites_carry_requests(requests: pd.DataFrame, conns: pd.DataFrame) -> None:
    """No established connection to a site's address without a line in the site's log."""
    told = set(zip(requests["remote_addr"], requests["remote_port"], strict=True))
    web = conns[conns["id_resp_p"] == 443]
    ends = zip(web["id_orig_h"], web["id_orig_p"].astype(str), strict=True)
    sites = set(web.loc[[end in told for end in ends], "id_resp_h"])
    opening = conns["end"].min() + 10 * MINUTE
    held = conns[conns["id_resp_h"].isin(sites) & (conns["id_resp_p"] == 443) & (conns["conn_state"] == "SF")
                 & (conns["t"] > opening)]
    assert len(held) > 3000
    silent = [row for row in held.itertuples() if (row.id_orig_h, str(row.id_orig_p)) not in told]
    assert not silent, silent[:3]


def test_names_are_looked_up_before_they_are_connected_to(other: Dataset, conns: pd.DataFrame) -> None:
    """An inner client that connects outside by TLS has asked for that address before, never just after."""
    answers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for record in lines(other, "zeek_dns")["record"]:
        for address in record.get("answers", ()):
            answers[record["id.orig_h"], address].append(record["t"] + round(record.get("rtt", 0) * SECOND))
    named = {address for _, address in answers}
    outward = conns[conns["local_orig"] & ~conns["local_resp"] & (conns["id_resp_p"] == 443)
                    & conns["id_resp_h"].isin(named)]
    warm = outward[outward["t"] > conns["t"].min() + 60 * MINUTE]
    assert len(warm) > 1000
    unasked = [row for row in warm.itertuples()
               if not any(t <= row.t for t in answers[row.id_orig_h, row.id_resp_h])]
    assert len(unasked) <= 0.005 * len(warm), unasked[:3]


def test_each_dns_row_has_its_connection(other: Dataset, conns: pd.DataFrame) -> None:
    """Same uid, same ends, the question at its beginning, the answer inside it."""
    by_uid = conns.set_index("uid")
    for record in lines(other, "zeek_dns")["record"]:
        conn = by_uid.loc[record["uid"]]
        assert conn["service"] == "dns"
        assert [conn[k] for k in ("id_orig_h", "id_orig_p", "id_resp_h", "id_resp_p", "proto")] == [
            record[k] for k in ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")]
        assert conn["t"] <= record["t"] <= conn["end"]
        assert round(record.get("rtt", 0) * SECOND) <= conn["end"] - conn["t"] + 1


def test_ssh_lines_name_the_connection_that_zeek_saw(other: Dataset, conns: pd.DataFrame) -> None:
    """Client address and port of every sshd line belong to a connection to port 22 of one of that host's addresses."""
    ssh = conns[conns["id_resp_p"] == 22].reset_index(drop=True)
    spans = Spans(zip(ssh["id_orig_h"], ssh["id_orig_p"], strict=True), ssh["t"], ssh["end"])
    frame = lines(other, "linux_auth")
    closing = frame["t"].max() - 4 * 60 * MINUTE  # sessions still open at the end of the day
    hosts: dict[str, set[str]] = defaultdict(set)
    seen = accepted = 0
    for record in frame["record"]:
        if not record["tag"].startswith("sshd") or not record["port"]:
            continue
        found = spans.at((record["addr"], record["port"]), record["t"], record["t"], SECOND)
        if not found and record["t"] > closing:
            continue
        assert found, record
        if len(found) == 1:
            hosts[record["host"]].add(ssh.loc[found[0], "id_resp_h"])
        seen += 1
        accepted += record["message"].startswith("Accepted")
    assert seen > 5000
    assert accepted > 100
    assert all(len(addresses) <= 2 for addresses in hosts.values())
    assert not any(a & b for host, a in hosts.items() for peer, b in hosts.items() if host < peer)


@pytest.fixture(scope="module")
def calls(other: Dataset) -> list[Record]:
    return list(lines(other, "aws_cloudtrail").sort_values("t")["record"])


def test_temporary_keys_are_issued_before_they_are_used(calls: list[Record]) -> None:
    """An AssumeRole's key is used by that role session only, from then on, and says when it was made.

    Of a call between two accounts the caller's record is looked at; the other one says the same.
    """
    issued: dict[str, tuple[int, Record]] = {}
    across = {r["sharedEventID"] for r in calls if "sharedEventID" in r and r["userIdentity"]["type"] == "AssumedRole"}
    assert across, "no call between accounts"
    for record in calls:
        credentials = (record.get("responseElements") or {}).get("credentials")
        second = record["userIdentity"].get("type") == "AWSAccount" and record["sharedEventID"] in across
        if credentials and not second:
            assert credentials["accessKeyId"] not in issued
            issued[credentials["accessKeyId"]] = (record["t"], record)
    used = 0
    for record in calls:
        identity = record["userIdentity"]
        key = identity.get("accessKeyId", "")
        if key.startswith("ASIA"):
            made = _time(identity["sessionContext"]["attributes"]["creationDate"])
            assert made <= record["t"] <= made + 12 * 60 * MINUTE
        if key in issued:
            t, origin = issued[key]
            assert abs(made - t) <= SECOND
            assert t <= record["t"]
            assert origin["responseElements"]["assumedRoleUser"]["arn"] == identity["arn"]
            assert origin["requestParameters"]["roleSessionName"] == identity["arn"].rpartition("/")[2]
            used += 1
        elif identity.get("type") == "AssumedRole" and key and "Console" not in record["eventName"]:
            assert made < _first(calls) or "sessionCredentialFromConsole" in record, record["eventName"]
    assert used > 2000


def _time(text: str) -> int:
    return round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * SECOND


def _first(calls: list[Record]) -> int:
    return calls[0]["t"]


def test_new_keys_are_used_after_they_were_made_by_their_user(calls: list[Record]) -> None:
    made = {}
    for record in calls:
        key = (record.get("responseElements") or {}).get("accessKey")
        if key:
            made[key["accessKeyId"]] = (record["t"], key["userName"])
    assert made, "nobody made a key today"
    used = set()
    for record in calls:
        key = record["userIdentity"].get("accessKeyId")
        if key in made:
            assert record["t"] >= made[key][0]
            assert record["userIdentity"]["userName"] == made[key][1]
            used.add(key)
    assert used


def test_sessions_of_the_provider_begin_before_they_are_used(sign_ins: pd.DataFrame) -> None:
    """A session id belongs to one user and is first seen when the session starts (or was open before the day)."""
    own = sign_ins[~sign_ins["session"].isin(["unknown", None])].sort_values("t", kind="stable")
    begun = own[own["type"] == "user.session.start"].groupby("session")["t"].min()
    assert (own[own["type"] == "user.session.start"].groupby("session")["id"].nunique() == 1).all()
    used = own[own["session"].isin(begun.index)]
    first = used.groupby("session")["t"].min()
    assert (begun.loc[first.index] - first <= SECOND).all(), "a session was used before it started"
    ended = own[own["type"] == "user.session.end"].groupby("session")["t"].max()
    after = used[used["session"].isin(ended.index)]
    assert (after["t"] <= after["session"].map(ended)).all(), "a session was used after it ended"


@cache
def _offices(path: Path) -> dict[str, str]:
    """NAT egress -> the first two numbers of the office's inner addresses."""
    assets = pd.read_csv(path / "lookups" / "assets.csv")
    found = assets[assets["kind"] == "office"]
    return {a: ".".join(inner.split(".")[:2]) + "." for a, inner in zip(found["address"], found["inner_address"], strict=True)}


def _unseen(other: Dataset, conns: pd.DataFrame, events: pd.DataFrame, slack: int) -> list[Any]:
    """The events from an office's egress at whose time no desk of that office talked TLS."""
    desks = {egress: conns[conns["id_orig_h"].str.startswith(inner) & (conns["id_resp_p"] == 443)]
             for egress, inner in _offices(other.path).items()}
    return [e for e in events.itertuples()
            if e.addr in desks and not ((desks[e.addr]["t"] <= e.t + slack) & (desks[e.addr]["end"] >= e.t - slack)).any()]


@pytest.mark.parametrize("label", ["benign", "hard_negative"])
def test_who_signs_in_at_the_office_is_on_its_wire(
    other: Dataset, conns: pd.DataFrame, sign_ins: pd.DataFrame, label: str
) -> None:
    """An employee's sign-in that the provider saw from an office's egress left that office's desks at that time, after
    a question for the provider's name."""
    idp = {r["query"]: r["answers"] for r in lines(other, "zeek_dns")["record"] if ".okta." in r["query"] and "answers" in r}
    to_idp = conns[conns["id_resp_h"].isin({a for found in idp.values() for a in found})]
    events = sign_ins[sign_ins["type"].isin(IN_OFFICE) & ~sign_ins["customer"] & (sign_ins["label"] == label)
                      & sign_ins["addr"].isin(_offices(other.path))]
    assert len(events) >= 10
    assert len(_unseen(other, to_idp, events, 2 * MINUTE)) <= 0.15 * len(events)
