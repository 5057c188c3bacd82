"""The engine over whole files: several sources, routing, order, bytes, safety."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redgen.alert import Detection
from redgen.detector import EventFile, Events
from redgen.detectors.sigma import Sigma
from redgen.errors import DataError
from redgen.native import lines as native_lines
from redgen.native import write
from redgen.sigma.addresses import bounds, normal
from redgen.sigma.store import Store
from tests.sigma.lab import at, correlation, groups, run, selects

SOURCES: Mapping[str, Mapping[str, str]] = {
    "one": {"product": "one", "service": "log"}, "two": {"product": "two", "service": "log"}}


def two_sources(folder: Path, rules: list[str], one: list[dict[str, Any]], two: list[dict[str, Any]], *,
                routing: bool = True) -> Detection:
    """Rules over two log sources."""
    folder.mkdir()
    (folder / "r.yml").write_text("\n---\n".join(rules))
    files = []
    for name, events in (("one", one), ("two", two)):
        log = folder / f"{name}.ndjson"
        log.write_text("".join(json.dumps(e) + "\n" for e in events))
        files.append(EventFile(log, f"logs/{name}.ndjson", name, "ndjson"))
    return Sigma([folder / "r.yml"]).detect(Events(tuple(files), SOURCES, time_field="@timestamp", routing=routing))


def for_source(name: str, source: str, **fields: Any) -> str:
    """A rule for one of the sources."""
    return selects(name, **fields).replace("{category: test}", f"{{product: {source}}}")


def test_a_correlation_joins_sources_of_different_words(tmp_path: Path) -> None:
    """A sign-in in one log, a download in another, by alias."""
    rules = [for_source("login", "one", act="login"), for_source("get", "two", verb="GET"),
             correlation("temporal_ordered", ["login", "get"], "1m", by=["who"],
                         aliases={"who": {"login": "actor", "get": "client"}})]
    one = [at(0, act="login", actor="9.9.9.9"), at(1, act="login", actor="8.8.8.8")]
    two = [at(5, verb="GET", client="9.9.9.9"), at(90, verb="GET", client="8.8.8.8")]
    detection = two_sources(tmp_path / "x", rules, one, two)
    assert groups(detection) == ["9.9.9.9"]
    assert detection.alerts.events[["file", "line"]].to_numpy().tolist() == [["logs/one.ndjson", 1], ["logs/two.ndjson", 1]]
    assert {r.rule_id: r.sources for r in detection.rules} == {
        "login": ("one",), "get": ("two",), "corr": ("one", "two")}


def test_routing_changes_no_alert_where_fields_are_disjoint(tmp_path: Path) -> None:
    """Random rules and events, each with its source's own fields, with routing and without."""
    for seed in range(3):
        r = random.Random(seed)
        events = {s: [at(r.randint(0, 50), **{f"{s}_{f}": r.choice("xyz") for f in "abg" if r.random() < 0.8})
                      for _ in range(60)] for s in SOURCES}
        rules = []
        for number in range(12):
            s = r.choice(list(SOURCES))
            rules.append(for_source(f"r{number}", s, **{f"{s}_{f}": r.choice("xyz") for f in r.sample("ab", r.randint(1, 2))}))
        rules += [correlation("event_count", ["r0"], "5s", {"gte": 2}, by=[], name="c0"),
                  correlation("temporal", ["r1", "r2"], "5s", by=[], name="c1")]
        on, off = (two_sources(tmp_path / f"{seed}{routing}", rules, events["one"], events["two"], routing=routing)
                   for routing in (True, False))
        assert list(native_lines(on.alerts)) == list(native_lines(off.alerts))
        assert len(on.alerts) > 0


def test_alerts_are_in_order_and_their_bytes_are_the_same(tmp_path: Path) -> None:
    """By time, rule, group, place; twice the same, whatever the order of lines of equal time."""
    r = random.Random(5)
    events = [at(r.randint(0, 9), k=r.choice("ab"), g=r.choice("uvw"), user=r.choice(["ann", "bob"])) for _ in range(400)]
    rules = [selects("a", k="a"), selects("b", k="b"),
             correlation("event_count", ["b"], "3s", {"gte": 5}, generate=True)]
    first, second = run(rules, events), run(rules, events)
    assert list(native_lines(first.alerts)) == list(native_lines(second.alerts))
    frame = first.alerts.frame
    keys = list(zip(frame["t_alert"], frame["rule_id"], frame["group"], strict=True))
    assert keys == sorted(keys)
    assert frame["alert_id"].tolist() == [f"A-{i + 1}" for i in range(len(frame))]


def test_native_lines_say_what_the_format_says(tmp_path: Path) -> None:
    """Every key, times with microseconds, quotes and Unicode intact."""
    events = [at(0.25, k="a", src_ip="9.9.9.9", user='Zoë "z"'), at(1, k="a", src_ip="9.9.9.9", user="ann")]
    out = tmp_path / "alerts.ndjson"
    detection = run([selects("a", k="a"), correlation("event_count", ["a"], "1m", {"gte": 2}, by=["src_ip"], name="c")], events)
    assert write(detection.alerts, out) == 1
    assert json.loads(out.read_text()) == {
        "redgen_alert": 1, "rule_id": "c", "rule_title": "c", "level": "medium", "ts": "2023-11-14T22:13:21.000000Z",
        "first_ts": "2023-11-14T22:13:20.250000Z", "last_ts": "2023-11-14T22:13:21.000000Z", "fires": 1,
        "group": {"src_ip": "9.9.9.9"}, "entities": {"ip": ["9.9.9.9"], "user": ['Zoë "z"', "ann"]},
        "events": [{"file": "events.ndjson", "line": 1}, {"file": "events.ndjson", "line": 2}]}


def test_native_lines_read_back_as_they_were(tmp_path: Path) -> None:
    """By the reader of this format."""
    from redgen.reader import Options
    from redgen.readers.redgen_native import READER
    from redgen.records import Notes, RecordFile

    events = [at(i, k="a", src_ip=f"9.9.9.{i % 3}") for i in range(30)]
    rules = [selects("a", k="a"), correlation("event_count", ["a"], "1m", {"gte": 3}, by=["src_ip"], generate=True)]
    alerts = run(rules, events, evidence=4).alerts
    out = tmp_path / "alerts.ndjson"
    write(alerts, out)
    back = READER.read(RecordFile(out, out.name), Options(), Notes())
    same = ["rule_id", "severity", "t_alert", "t_first", "t_last"]
    assert back.frame[same].to_numpy().tolist() == alerts.frame[same].to_numpy().tolist()
    assert back.events.to_numpy().tolist() == alerts.events.to_numpy().tolist()
    assert back.entities.sort_values(["alert", "type", "value"]).to_numpy().tolist() == alerts.entities.to_numpy().tolist()


def test_no_alerts_are_an_empty_file(tmp_path: Path) -> None:
    """Not one with an empty line."""
    out = tmp_path / "none.ndjson"
    assert write(run(selects("a", k="z"), [at(0, k="a")]).alerts, out) == 0
    assert out.read_bytes() == b""


def test_a_hundred_thousand_alerts_of_one_rule(tmp_path: Path) -> None:
    """A plain rule's alerts are columns, one per event."""
    n = 100_000
    text = "".join(f'{{"@timestamp": {1_700_000_000 + i}, "k": "a", "user": "u{i % 100}"}}\n' for i in range(n))
    alerts = run(selects("a", k="a"), text).alerts
    assert len(alerts) == len(alerts.events) == len(alerts.entities) == n
    assert alerts.events["line"].tolist() == list(range(1, n + 1))
    assert write(alerts, tmp_path / "a.ndjson") == n


def test_the_event_id_of_a_product_is_named() -> None:
    """Where the dataset has one."""
    detection = run(selects("a", k="a"), [at(0, k="a", uuid="e-1"), at(1, k="a")])
    assert detection.alerts.events["event_id"].tolist() == ["e-1", ""]


def test_a_loaded_store_reaches_nothing_outside(tmp_path: Path) -> None:
    """Neither files nor settings nor extensions; and its spill directory goes with it."""
    with Store() as store:
        spill = Path(store.one("SELECT current_setting('temp_directory')"))
        store.lock()
        for sql in (f"COPY (SELECT 1) TO '{tmp_path / 'x.csv'}'", "SELECT * FROM read_csv('/etc/hosts')",
                    "SET memory_limit = '9GB'", "INSTALL httpfs", "SELECT * FROM 'https://x.example/y.parquet'"):
            with pytest.raises(duckdb.Error):
                store.db.execute(sql)
        assert store.one("SELECT current_setting('memory_limit')") != ""
    assert not spill.exists()


@pytest.mark.parametrize(("option", "said"), [({"window_edge": "open"}, "inclusive or exclusive"), ({"evidence": 0}, "at least one")])
def test_arguments_out_of_range(option: dict[str, Any], said: str) -> None:
    """One clear message."""
    with pytest.raises(DataError, match=said):
        Sigma(["rules"], **option)


def test_an_event_without_a_time_is_still_an_alert() -> None:
    """Of a plain rule: it is there to be seen; it counts as of 1970."""
    detection = run(selects("a", k="a"), [{"k": "a", "@timestamp": "never"}, at(0, k="a")])
    assert detection.alerts.frame["t_alert"].tolist() == [0, 1_700_000_000_000_000]


ZEEK = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
        "#fields\tts\tid.orig_h\tquery\n#types\ttime\taddr\tstring\n1768176015.5\t203.0.113.9\tx.test\n")
TRAIL = ('{"eventVersion": "1.11", "eventTime": "2026-01-12T00:00:00Z", "eventSource": "s3.amazonaws.com", '
         '"eventName": "ListBuckets", "userIdentity": {"type": "Root"}}\n')
FOREIGN = {
    "access.log": ('203.0.113.9 - - [12/Jan/2026:00:00:06 +0000] "GET /x?id=1 HTTP/1.1" 200 5 "-" "sqlmap/1.7"\n',
                   "{category: webserver}", {"c-useragent|contains": "SQLMAP"}),
    "auth.log": ("Jan 12 00:00:01 web1 sshd[7]: Failed password for root from 203.0.113.9 port 22 ssh2\n",
                 "{product: linux, service: sshd}", {"src_ip": "203.0.113.9"}),
    "dns.log": (ZEEK, "{product: zeek, service: dns}", {"query|endswith": ".test"}),
    "trail.json": (TRAIL, "{product: aws, service: cloudtrail}", {"userIdentity.type": "root"})}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_recognized(tmp_path: Path, name: str) -> None:
    """Nobody says what it is, and a rule of another source stays out."""
    content, source, fields = FOREIGN[name]
    (tmp_path / name).write_text(content)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(selects("mine", **fields).replace("{category: test}", source))
    (tmp_path / "rules" / "b.yml").write_text(selects("other", **fields).replace("{category: test}", "{product: windows}"))
    detection = Sigma([tmp_path / "rules"]).detect(Events((EventFile(tmp_path / name, name),), year_from=1_768_176_000_000_000))
    assert detection.alerts.frame["rule_id"].tolist() == ["mine"]
    assert detection.alerts.events[["file", "line"]].to_numpy().tolist() == [[name, content.count("\n")]]
    assert [r.status for r in detection.rules] == ["tested", "UNSUPPORTED_LOGSOURCE"]


@given(st.ip_addresses(), st.integers(0, 32))
def test_membership_in_a_network_is_that_of_the_standard_library(address: Any, cut: int) -> None:
    """As a range of text."""
    bits = 32 if address.version == 4 else 128
    other = ip_address(int(address) ^ 1) if address.version == 4 else address
    for prefix in {min(cut, bits), bits}:
        network = ip_network(f"{other}/{prefix}", strict=False)
        first, last = bounds(network)
        assert (first <= (normal(str(address)) or "") <= last) == (address in network)
        assert normal(address.exploded.upper()) == normal(str(address))


def test_very_many_alerts_share_what_they_may_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw fires of a dense burst would else name every event thousands of times."""
    from redgen.sigma import evidence

    monkeypatch.setattr(evidence, "BUDGET", 100)
    detection = run([selects("a", k="a"), correlation("event_count", ["a"], "1m", {"gte": 10})],
                    [at(i / 10, k="a", g="u") for i in range(59)], raw_fires=True)
    assert len(detection.alerts) == 50
    assert len(detection.alerts.events) == 100
    assert detection.alerts.frame["n_events"].tolist() == list(range(10, 60))
    assert [d.code for d in detection.diagnostics] == ["EVIDENCE_CUT"]


def test_lines_that_are_no_records_are_counted() -> None:
    """A log cut off in the middle still has its alerts."""
    detection = run(selects("a", k="a"), json.dumps(at(0, k="a")) + '\n{"k": "a", "@time')
    assert len(detection.alerts) == 1
    assert [(d.code, d.count) for d in detection.diagnostics] == [("REFUSED_LINES", 1)]
