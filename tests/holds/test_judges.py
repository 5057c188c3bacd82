"""Every line of the dataset before judges: other people's tools, and the rules of the field sheets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from redgen.dataset.dataset import Dataset
from tests.holds import sheets
from tests.holds.reading import Record, lines, raw

FAILED = re.compile(r"sshd\[\d+\]: (Invalid user |Failed password for |error: maximum authentication attempts exceeded )")
"""What the stock sshd filter of fail2ban counts as a failure (sheet 06, section 6)."""


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="fail2ban is not installed")
@pytest.mark.parametrize(("form", "most"), [("day", 100_000), ("other", 6_000)])
def test_fail2ban_finds_exactly_the_failed_logins(
    request: pytest.FixtureRequest, tmp_path: Path, form: str, most: int
) -> None:
    """The stock filter matches the lines of failed logins and no others; of the attacks', those that truth labels."""
    frame = lines(request.getfixturevalue(form), "linux_auth").head(most)
    log = tmp_path / "auth.log"
    log.write_text("\n".join(frame["text"]) + "\n", encoding="utf-8")
    done = subprocess.run(["fail2ban-regex", "--print-all-matched", str(log), "sshd"], capture_output=True, text=True,
                          check=True, timeout=300)
    matched = Counter(re.findall(r"^\|  (\S.*)$", done.stdout.partition("Matched line(s):")[2], re.MULTILINE))
    failed = frame[frame["text"].map(lambda text: bool(FAILED.search(text)))]
    assert matched == Counter(failed["text"])
    counted = re.search(r"Lines: (\d+) lines, \d+ ignored, (\d+) matched", done.stdout)
    assert counted
    assert (int(counted[1]), int(counted[2])) == (len(frame), len(failed))
    assert {"malicious", "benign"} <= set(failed["label"])


@pytest.mark.skipif(not shutil.which("goaccess"), reason="goaccess is not installed")
def test_goaccess_reads_every_request(day: Dataset, tmp_path: Path) -> None:
    (log,) = day.files("nginx_access")
    report = tmp_path / "report.json"
    subprocess.run(["goaccess", str(log.path), "--log-format=COMBINED", "--no-global-config", "-o", str(report)],
                   check=True, capture_output=True, timeout=120)
    general = json.loads(report.read_text(encoding="utf-8"))["general"]
    assert general["failed_requests"] == 0
    assert general["total_requests"] == log.lines


RULES: dict[str, Callable[[Record], Iterator[str]]] = {
    "aws_cloudtrail": sheets.trail, "okta_system": sheets.system_log, "zeek_conn": sheets.conn, "zeek_dns": sheets.dns,
    "nginx_access": sheets.access,
}


@pytest.mark.parametrize("source", RULES)
def test_every_record_keeps_the_rules_of_its_sheet(other: Dataset, source: str) -> None:
    frame = lines(other, source)
    broken: dict[str, list[str]] = defaultdict(list)
    for record, text in zip(frame["record"], frame["text"], strict=True):
        for rule in RULES[source](record):
            broken[rule].append(text)
    assert not broken, {rule: (len(found), found[0][:600]) for rule, found in broken.items()}


def one_each(pairs: Iterable[tuple[Hashable, Hashable]]) -> dict[Hashable, set[Hashable]]:
    """Keys that go with more than one value, and those values."""
    seen: dict[Hashable, set[Hashable]] = defaultdict(set)
    for key, value in pairs:
        seen[key].add(value)
    return {key: values for key, values in seen.items() if len(values) > 1}


def test_okta_events_agree_with_one_another(day: Dataset) -> None:
    """One request has one client; one address one place and network; one browser is always read the same way."""
    events = list(lines(day, "okta_system")["record"])
    assert len({e["uuid"] for e in events}) == len(events)
    web = [e for e in events if e["transaction"]["type"] == "WEB"]
    for told in (
        lambda e: (e["transaction"]["id"], (e["client"]["ipAddress"], e["client"]["userAgent"]["rawUserAgent"])),
        lambda e: (e["transaction"]["id"], e["debugContext"]["debugData"].get("requestUri")),
        lambda e: (e["client"]["ipAddress"], json.dumps([e["client"]["geographicalContext"], e["securityContext"]])),
        lambda e: (e["client"]["userAgent"]["rawUserAgent"], json.dumps([e["client"]["userAgent"], e["client"]["device"]])),
        lambda e: (e["eventType"], e["displayMessage"]),
        lambda e: (e["legacyEventType"], e["eventType"] if e["legacyEventType"] else ""),
        lambda e: (e["actor"]["id"], e["actor"]["alternateId"] if e["actor"]["id"] != "unknown" else ""),
    ):
        assert not one_each(map(told, web))
    for lock in (e for e in events if e["eventType"] == "user.account.lock"):
        same = [e for e in events if e["transaction"]["id"] == lock["transaction"]["id"]]
        assert any(e["outcome"]["result"] == "FAILURE" and e is not lock for e in same), "a lock follows a failure"


def test_single_sign_on_is_preceded_by_a_policy(day: Dataset) -> None:
    """Every app that opens was allowed by its policy in the same session, at most a moment before."""
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    opened = []
    for event in lines(day, "okta_system")["record"]:
        apps = [t["id"] for t in event["target"] or () if t["type"] == "AppInstance"]
        key = event["authenticationContext"]["externalSessionId"]
        if event["eventType"] == "policy.evaluate_sign_on" and apps:
            seen[key, apps[0]].append(event["t"])
        if event["eventType"] == "user.authentication.sso":
            opened.append((key, apps[0], event["t"]))
    assert opened
    assert not [o for o in opened if not any(0 <= o[2] - t < 5_000_000 for t in seen[o[:2]])]


def test_cloudtrail_records_agree_with_one_another(day: Dataset) -> None:
    """Ids are unique, a service writes one version, an id belongs to one name, an address has no two tools at once."""
    records = list(lines(day, "aws_cloudtrail")["record"])
    assert len({r["eventID"] for r in records}) == len(records)
    requests = {(r["requestID"], r.get("sharedEventID", r["eventID"])) for r in records if "requestID" in r}
    assert len({request for request, _ in requests}) == len(requests), "one request, one event, in however many trails"
    assert not one_each((r["eventSource"], r["eventVersion"]) for r in records)
    assert len({r["eventVersion"] for r in records}) >= 3
    names = ((who["principalId"], who.get("userName") or who.get("arn")) for who in (r["userIdentity"] for r in records)
             if who.get("type") in {"IAMUser", "AssumedRole"} and "arn" in who)
    assert not one_each(names)
    denied = sum("errorCode" in r for r in records)
    assert 0.005 < denied / len(records) < 0.2


def test_connections_agree_with_one_another(other: Dataset) -> None:
    """Uids are unique; an address is inside or outside, always; no two connections share ends at one time."""
    rows = list(lines(other, "zeek_conn")["record"])
    assert len({r["uid"] for r in rows}) == len(rows)
    sides = [(r["id.orig_h"], r["local_orig"]) for r in rows] + [(r["id.resp_h"], r["local_resp"]) for r in rows]
    assert not one_each(sides)
    assert [r["ts"] for r in rows] != sorted(r["ts"] for r in rows), "conn.log is in the order of removal"
    ends: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
    for r in rows:
        if r["proto"] == "tcp":
            key = tuple(r[k] for k in ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"))
            ends[key].append((r["ts"], r["ts"] + r.get("duration", 0)))
    spans = [sorted(s) for s in ends.values()]
    overlaps = sum(b[0] < a[1] for s in spans for a, b in pairwise(s))
    assert overlaps <= 3, "client ports are drawn, and may meet by chance once in a long while"


def test_servers_use_the_ports_of_linux(other: Dataset) -> None:
    """Sheet 07, rule 6: 32768-60999."""
    ports = [r["id.orig_p"] for r in lines(other, "zeek_conn")["record"]
             if r["id.orig_h"].startswith("10.20.") and r["proto"] == "tcp"]
    assert all(32768 <= p <= 60999 for p in ports), f"{sum(p > 60999 for p in ports)} of {len(ports)} above"


def test_requests_agree_with_one_another(other: Dataset) -> None:
    """A host has one banner; a connection one client, one browser, and requests that count up as they end or start."""
    rows = list(lines(other, "nginx_access")["record"])
    assert len({r["request_id"] for r in rows}) == len(rows)
    banners = ((r["server_name"], sheets.banner(r)) for r in rows if sheets.banner(r) is not None)
    assert not one_each(banners)
    shared = one_each((r["connection"], (r["remote_addr"], r["remote_port"])) for r in rows)
    assert len(shared) <= 0.002 * len({r["connection"] for r in rows}), "serials are drawn within each second"
    kept = [r for r in rows if r["connection"] not in shared]
    for told in (lambda r: r["http_user_agent"], lambda r: (r["server_protocol"], r["server_name"])):
        assert not one_each((r["connection"], told(r)) for r in kept)
    assert len({(r["connection"], r["connection_requests"]) for r in kept}) == len(kept)
    statuses = Counter(r["status"] for r in rows)
    assert statuses["304"] and statuses["404"] and statuses["302"]


def test_lines_of_a_host_agree_with_one_another(day: Dataset) -> None:
    """One connection has one process; who is unknown stays unknown; sudo happens in a session that is open."""
    pattern = re.compile(r"(?P<unknown>(?:Failed password for|closed by|exceeded for|Disconnected from|Disconnecting) "
                         r"invalid user|Invalid user|user unknown)|(?P<known>authenticating user|for (?!invalid user)\S+ from)")
    ends: dict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    depth: Counter[tuple[str, str]] = Counter()
    strays = []
    for record in lines(day, "linux_auth")["record"]:
        key, message = (record["host"], record["pid"]), record["message"]
        if record["tag"] == "sshd" and record["port"] and "rhost=" not in message:
            ends[key].add((record["addr"], record["port"]))
        if record["tag"] == "sshd" and (found := pattern.search(message)):
            kinds[key].add(found.lastgroup or "")
        if opened := re.search(r"\(sshd:session\): session (opened|closed) for user ([\w.-]+)", message):
            depth[record["host"], opened[2]] += 1 if opened[1] == "opened" else -1
        if (ran := re.match(r" *(\S+) : TTY=pts", message)) and depth[record["host"], ran[1]] < 1:
            strays.append(record)
    assert not {k: v for k, v in ends.items() if len(v) > 1}
    assert not {k: v for k, v in kinds.items() if len(v) > 1}
    began = lines(day, "linux_auth")["t"].min() + 4 * 3600 * 1_000_000
    assert not [s for s in strays if s["t"] > began]  # earlier ones may sit in sessions opened before midnight


def test_zeek_headers_frame_the_rows(day: Dataset) -> None:
    """Eight lines of header, one type per field, #close at the end."""
    for source in ("zeek_conn", "zeek_dns"):
        (file,) = day.files(source)
        text = file.path.read_text(encoding="utf-8").splitlines()
        assert [line.split("\t")[0].split(" ")[0] for line in text[:8]] == [
            "#separator", "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#fields", "#types"]
        assert text[6].count("\t") == text[7].count("\t")
        assert re.fullmatch(r"#close\t\d{4}(-\d\d){5}", text[-1])
        assert len(text) == 9 + len(raw(day, source)[1])
