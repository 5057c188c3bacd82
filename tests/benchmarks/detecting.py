"""Measure ``detect``: two million log lines of six sources, a hundred Sigma rules, ten correlations.

Run with ``python -m tests.benchmarks.detecting``; ``--dataset`` takes one that is there already, ``--rules`` other
rules. ``--burst`` measures one dense group instead: all correlation types over events at one rate. Nothing here asserts
a time; the contract is 60 s and 3 GB for the first, 2 s a correlation and 1 GB for a burst of 100,000.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redgen.alert import TESTED
from redgen.assess.events import events_of
from redgen.detector import EventFile, Events
from redgen.detectors.sigma import Sigma
from redgen.native import write
from tests.benchmarks.__main__ import machine

WORDS = ("union select", "../..", "/etc/passwd", "cmd.exe", "wp-login", ".env", "<script", "sleep(", "jndi:", "%00",
         "/.git/", "xp_cmdshell", "phpmyadmin", "actuator", "/cgi-bin/", "base64_decode", "select%20", "alert(")
TOOLS = ("sqlmap", "nikto", "nmap", "masscan", "gobuster", "wpscan", "zgrab", "hydra", "curl/", "python-requests")
CALLS = ("CreateAccessKey", "StopLogging", "DeleteTrail", "PutBucketPolicy", "AttachUserPolicy", "ConsoleLogin",
         "GetObject", "ListBuckets", "RunInstances", "AssumeRole")
OKTA = ("user.session.start", "user.mfa.factor.deactivate", "user.account.lock", "policy.rule.update",
        "system.push.send_factor_verify_push", "user.account.reset_password", "application.user_membership.add")


def rules() -> Iterator[dict[str, Any]]:
    """A hundred rules of the kinds that public rules are: lists of words in a URI, names of calls, filters."""
    for i in range(55):
        words = [WORDS[(i * 7 + j) % len(WORDS)] + ("" if j < 12 else str(i)) for j in range(16)]
        detection: dict[str, Any] = {"s": {"cs-uri-query|contains": words}, "f": {"sc-status": 404},
                                     "condition": "s and not f"}
        if i % 5 == 0:
            detection = {"s": {"cs-user-agent|contains": list(TOOLS)}, "n": {"c-ip|cidr": "10.0.0.0/8"},
                         "condition": "s and not n"}
        if i % 7 == 0:
            detection = {"s": {"cs-uri-query|re": f"(?i)(union|select).{{0,{i + 3}}}(from|where)"}, "condition": "s"}
        yield rule(f"web{i}", {"category": "webserver"}, detection)
    for i in range(20):
        yield rule(f"aws{i}", {"product": "aws", "service": "cloudtrail"}, {
            "s": {"eventName": [CALLS[i % len(CALLS)], f"Call{i}"]}, "f": {"sourceIPAddress|endswith": ".amazonaws.com"},
            "condition": "s and not f"})
    for i in range(15):
        yield rule(f"okta{i}", {"product": "okta", "service": "okta"}, {
            "s": {"eventType": OKTA[i % len(OKTA)], "outcome.result": "FAILURE"}, "condition": "s"})
    for i in range(10):
        yield rule(f"dns{i}", {"category": "dns"}, {
            "s": {"query|endswith": [f".x{i}.test", ".onion"]}, "t": {"qtype_name": "TXT"}, "condition": "s or t"})


def rule(name: str, source: dict[str, str], detection: dict[str, Any]) -> dict[str, Any]:
    """One rule."""
    return {"title": name, "name": name, "level": "low", "logsource": source, "detection": detection}


def correlations() -> Iterator[dict[str, Any]]:
    """Ten correlations over wide base rules, most of whose events belong to many groups."""
    web, flow = {"category": "webserver"}, {"product": "zeek", "service": "conn"}
    yield rule("any_request", web, {"s": {"cs-method": ["GET", "POST"]}, "condition": "s"})
    yield rule("error", web, {"s": {"sc-status|gte": 400}, "condition": "s"})
    yield rule("login", web, {"s": {"cs-uri-query|contains": "login"}, "condition": "s"})
    yield rule("flow", flow, {"s": {"proto": "tcp"}, "condition": "s"})
    yield rule("failed", {"product": "okta", "service": "okta"}, {"s": {"outcome.result": "FAILURE"}, "condition": "s"})
    for name, kind, base, by, condition in (
            ("flood", "event_count", ["any_request"], ["c-ip"], {"gte": 300}),
            ("errors", "event_count", ["error"], ["c-ip"], {"gte": 50}),
            ("paths", "value_count", ["any_request"], ["c-ip"], {"gte": 200, "field": "cs-uri-query"}),
            ("agents", "value_count", ["login"], ["c-ip"], {"gte": 10, "field": "cs-user-agent"}),
            ("bytes", "value_sum", ["any_request"], ["c-ip"], {"gte": 50_000_000, "field": "sc-bytes"}),
            ("fan_out", "value_count", ["flow"], ["id.orig_h"], {"gte": 500, "field": "id.resp_h"}),
            ("volume", "value_sum", ["flow"], ["id.orig_h"], {"gte": 1e9, "field": "orig_bytes"}),
            ("spray", "value_count", ["failed"], ["client.ipAddress"], {"gte": 10, "field": "actor.alternateId"}),
            ("then", "temporal_ordered", ["error", "login"], ["c-ip"], None),
            ("both", "temporal", ["error", "login", "any_request"], ["c-ip"], None)):
        body = {"type": kind, "rules": base, "group-by": by, "timespan": "10m"}
        yield {"title": name, "name": name, "level": "high", "correlation": body | (
            {"condition": condition} if condition else {})}


def made(folder: Path, customers: int) -> Path:
    """A dataset of about two million lines."""
    out = folder / "dataset"
    subprocess.run([sys.executable, "-m", "redgen", "generate", "demo", "-o", out, "-j", "2", "--quiet", "--set",
                    f"world.scale.customers={customers}", "--set", "world.scale.employees=900"], check=True)
    return out


def report(name: str, events: Events, paths: list[Path]) -> None:
    """Detect once, and print what it took."""
    begun, used = time.perf_counter(), time.process_time()
    detection = Sigma(paths).detect(events)
    found, cpu = time.perf_counter() - begun, time.process_time() - used
    with tempfile.NamedTemporaryFile() as out:
        begun = time.perf_counter()
        write(detection.alerts, Path(out.name))
        written = time.perf_counter() - begun
    lines = sum(file.lines for file in events.files)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tested = sum(r.status == TESTED for r in detection.rules)
    untested = sorted({f"{r.rule_id}: {r.reason}" for r in detection.rules if r.status != TESTED})
    print(f"| {name} | {lines:,} | {tested} | {len(detection.alerts):,} | {found:.1f} | {cpu:.1f} | "
          f"{lines / found:,.0f} | {written:.1f} | {peak:,.0f} |", *untested, sep="\n  ", flush=True)


def bursts(folder: Path, n: int) -> None:
    """One group, n events in 100 s: what a distributed attack on one account looks like."""
    log = folder / "burst.ndjson"
    with log.open("w") as out:
        for i in range(n):
            out.write(json.dumps({"t": 1_700_000_000 + i * 100 / n, "k": "ab"[i % 2], "g": "x", "v": i % 5000}) + "\n")
    events = Events((EventFile(log, log.name, format="ndjson", lines=n),), time_field="t", routing=False)
    base = [rule(k, {"category": "test"}, {"s": {"k": k}, "condition": "s"}) for k in "ab"]
    for kind, names, condition in (
            ("event_count", "a", {"gte": 100}), ("value_count", "a", {"gte": 100, "field": "v"}),
            ("value_sum", "a", {"gte": 100, "field": "v"}), ("value_median", "a", {"gte": 100, "field": "v"}),
            ("value_percentile", "a", {"gte": 100, "field": "v", "percentile": 95}), ("temporal", "ab", None),
            ("temporal_ordered", "ab", None), ("temporal", "ab", "a and b")):
        body = {"type": kind, "rules": list(names), "group-by": ["g"], "timespan": "1m"}
        whole = {"title": kind, "correlation": body | ({"condition": condition} if condition else {})}
        path = folder / "burst.yml"
        path.write_text("\n---\n".join(map(json.dumps, [*base, whole])))
        report(f"{kind} {condition or ''}", events, [path])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--rules", type=Path, nargs="*")
    parser.add_argument("--burst", type=int, default=0)
    given = parser.parse_args()
    print(machine())
    print("| what | lines | rules | alerts | s | CPU s | lines/s | s to write | peak MB |\n|---|" + "--:|" * 8)
    with tempfile.TemporaryDirectory() as made_here:
        folder = Path(made_here)
        if given.burst:
            bursts(folder, given.burst)
            return
        own = folder / "rules.yml"
        own.write_text("\n---\n".join(json.dumps(r) for r in (*rules(), *correlations())))
        dataset = given.dataset or made(folder, given.customers)
        report("a day", events_of([dataset]), given.rules or [own])


if __name__ == "__main__":
    main()
