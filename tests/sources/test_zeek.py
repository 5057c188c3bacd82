"""Zeek's logs against their own type lines, the arithmetic of packets, and the rules that tie conn and dns together."""

from __future__ import annotations

import ipaddress
import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.activity.terms import CONN_STATES
from redgen.checks.sample import activity
from redgen.clock import SECOND
from redgen.registry import SOURCES
from redgen.seed import Seed
from redgen.sources import _zeek_flows as flows
from redgen.sources._zeek import ZeekSource
from tests.sources import stories
from tests.worlds import small_world

TYPES = {
    "time": r"\d{10}\.\d{6}", "interval": r"\d+\.\d{6}", "count": r"\d+", "port": r"\d{1,5}", "bool": "[TF]",
    "addr": r"\d{1,3}(\.\d{1,3}){3}", "enum": "tcp|udp|icmp", "string": r"[^\t]+", "set[string]": r"\(empty\)|[^\t]+",
    "vector[string]": r"[^\t]+", "vector[interval]": r"\d+\.\d{6}(,\d+\.\d{6})*",
}
ROWS = 1_500


@cache
def source(name: str, form: str) -> ZeekSource:
    """A source under test."""
    made: ZeekSource = SOURCES.get(name)(small_world(), Seed(3), form)
    return made


@cache
def lines(name: str, form: str) -> list[str]:
    """Lines about rows with every code, in write order."""
    made = source(name, form)
    records = made.observe(activity(small_world(), Seed(4), ROWS))
    return made.template.texts(records.take(np.lexsort((records["id"], records["w"]))))


@cache
def parsed(name: str) -> list[dict[str, Any]]:
    """The JSON lines."""
    return [json.loads(line) for line in lines(name, "json")]


@pytest.mark.parametrize("name", ["zeek_conn", "zeek_dns"])
def test_tsv_is_what_its_header_says(name: str) -> None:
    header = source(name, "tsv").header(stories.NOON).decode().splitlines()
    assert header[0] == "#separator \\x09"
    assert [row.partition("\t")[0] for row in header[1:]] == [
        "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#fields", "#types"]
    types = header[-1].split("\t")[1:]
    assert len(types) == len(header[-2].split("\t")[1:])
    for line in lines(name, "tsv"):
        values = line.removesuffix("\n").split("\t")
        assert len(values) == len(types), line
        for kind, value in zip(types, values, strict=True):
            assert value == "-" or re.fullmatch(TYPES[kind], value), (kind, value, line)


@pytest.mark.parametrize("name", ["zeek_conn", "zeek_dns"])
def test_tsv_and_json_tell_the_same(name: str) -> None:
    made = source(name, "tsv")
    for tsv, told in zip(lines(name, "tsv"), parsed(name), strict=True):
        assert made.parse(tsv) == told
        assert None not in told.values()
        assert re.fullmatch(r"C[0-9A-Za-z]{13,17}", told["uid"])


def test_uids_join_the_two_logs() -> None:
    conns = {told["uid"]: told for told in parsed("zeek_conn")}
    for told in parsed("zeek_dns"):
        conn = conns[told["uid"]]
        assert conn["service"] == "dns"
        assert all(conn[key] == told[key] for key in ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto"))
        if "rtt" in told:
            assert conn["ts"] <= told["ts"] and told["rtt"] == conn.get("duration", 0)


def test_rows_are_written_at_removal_not_by_start() -> None:
    stamps = [told["ts"] for told in parsed("zeek_conn")]
    assert stamps != sorted(stamps)


def test_packets_add_up() -> None:
    """Bytes with headers, states with packets, histories with sides: every rule of the sheet, on every state."""
    seen = set()
    for told in parsed("zeek_conn"):
        state, history = told["conn_state"], told.get("history", "")
        seen.add((told["proto"], state))
        least = {"tcp": 40, "udp": 28, "icmp": 28}[told["proto"]]
        for side, letters in (("orig", "SADFRT"), ("resp", "hadfrt")):
            packets, size = told[f"{side}_pkts"], told.get(f"{side}_bytes", 0)
            extra = told[f"{side}_ip_bytes"] - size
            if "duration" in told:  # bytes are told only then
                assert least * packets <= extra <= 60 * packets + 1_520, told  # one segment may have been sent twice
            assert told["proto"] == "icmp" or (packets > 0) == any(c in letters for c in history), told
        assert ("duration" in told) == ("orig_bytes" in told) == ("resp_bytes" in told)
        assert told["proto"] == "tcp" or state in {"udp": ("SF", "S0", "SHR"), "icmp": ("OTH",)}[told["proto"]]
        if state == "S0":
            assert told["resp_pkts"] == 0
            assert told["proto"] != "tcp" or told.get("orig_bytes", 0) == 0
        if state == "REJ" and told["proto"] == "tcp":
            assert (told["resp_pkts"], history) == (1, "Sr")
        if state == "SF" and told["proto"] == "tcp":
            assert re.fullmatch(r"Sh(A|AD?T?a?d?t?|Adt?D?a?)(Ff|fF)", history), history
        assert told["ip_proto"] == {"tcp": 6, "udp": 17, "icmp": 1}[told["proto"]]
        assert len(set(history)) == len(history)
    assert {state for proto, state in seen if proto == "tcp"} == set(CONN_STATES)


def test_the_running_example_of_the_sheets() -> None:
    """14 packets with 1,892 bytes are 2,628 bytes of IP, 13 with 6,411 are 7,095, when timestamps are in use."""
    for sent, packets, whole in ((1_892, 14, 2_628), (6_411, 13, 7_095)):
        assert sent + packets * 52 + 8 == whole


@given(dur=st.integers(0, 10**9))
def test_unanswered_syns_double_their_waits(dur: int) -> None:
    assert flows.tries(np.array([dur]))[0] == sum(dur >= (2**k - 1) * SECOND for k in range(12))


@given(state=st.integers(0, 12), proto=st.integers(0, 2), flags=st.tuples(*[st.booleans()] * 4),
       resent=st.integers(0, 2))
@settings(max_examples=300)
def test_every_history_has_its_code(state: int, proto: int, flags: tuple[bool, ...], resent: int) -> None:
    words, codes = flows.histories()
    text = flows.history(state, proto, *flags, resent)
    assert words[int(codes[(state, proto, *map(int, flags), resent)])] == text
    assert text.count("^") <= 1 and re.fullmatch(r"\^?[SsHhAaDdFfRrTt]*", text)


def test_local_addresses_are_ours() -> None:
    world = small_world()
    ours = {str(ipaddress.ip_address(int(a))) for a in (*world.sites.addr, *world.hosts.public, *world.offices.egress)}
    for told in parsed("zeek_conn"):
        for side in ("orig", "resp"):
            address = told[f"id.{side}_h"]
            private = any(ipaddress.ip_address(address) in ipaddress.ip_network(n)
                          for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
            assert told[f"local_{side}"] == (private or address in ours)


def test_answers_are_those_of_the_question() -> None:
    seen = set()
    for told in parsed("zeek_dns"):
        assert told["query"] == told["query"].lower() and not told["query"].endswith(".") and len(told["query"]) <= 253
        assert ("answers" in told) == ("TTLs" in told) == ("rtt" in told)
        assert ("rcode" in told) == ("rcode_name" in told)
        assert told["rejected"] == (told.get("rcode_name") in ("REFUSED", "SERVFAIL"))
        assert told["RA"] == ("answers" in told)
        if "answers" not in told:
            continue
        assert told["rcode_name"] == "NOERROR"
        assert len(told["answers"]) == len(told["TTLs"])
        *aliases, answer = told["answers"]
        assert told["qtype_name"] in ("A", "AAAA") or not aliases
        seen.add(told["qtype_name"])
        if told["qtype_name"] in ("A", "AAAA"):
            address = ipaddress.ip_address(answer)
            assert address.version == (4 if told["qtype_name"] == "A" else 6) and str(address) == answer
        elif told["qtype_name"] == "TXT":
            assert re.fullmatch(r"TXT (\d+) .+", answer)
            assert len(answer.split(" ", 2)[2]) == int(answer.split(" ")[1])
        elif told["qtype_name"] == "PTR":
            assert told["query"].endswith(".in-addr.arpa")
    assert seen == {"A", "AAAA", "TXT", "PTR", "MX", "SRV", "CNAME", "NS", "SOA"}


def test_sizes_follow_the_name() -> None:
    """A query is 12 bytes of header, the name and six more, and 11 with EDNS; an A record adds 16."""
    conns = {told["uid"]: told for told in parsed("zeek_conn")}
    for told in parsed("zeek_dns"):
        conn = conns[told["uid"]]
        if "duration" not in conn:
            assert "rcode" not in told or told.get("rtt", 0) == 0
            continue
        assert conn["orig_bytes"] - len(told["query"]) in (18, 29)
        if told["qtype_name"] == "A" and "answers" in told:
            aliases = [answer for answer in told["answers"] if not re.fullmatch(r"[\d.]+", answer)]
            records = 16 * (len(told["answers"]) - len(aliases)) + sum(len(alias) + 14 for alias in aliases)
            assert conn["resp_bytes"] - conn["orig_bytes"] == records


def test_addresses_come_alone_in_numbers_and_behind_aliases() -> None:
    """A name is answered alike every time: the address that clients use comes first, aliases before addresses."""
    kinds: dict[str, set[str]] = {}
    for told in parsed("zeek_dns"):
        if told["qtype_name"] == "A" and "answers" in told:
            shape = "".join("a" if re.fullmatch(r"[\d.]+", answer) else "c" for answer in told["answers"])
            kinds.setdefault(told["query"], set()).add(shape)
            assert len(set(told["answers"])) == len(told["answers"])
    assert all(len(shapes) == 1 for shapes in kinds.values())
    assert {"a", "ca", "caa"} <= set.union(*kinds.values()) <= {"a", "ca", "aa", "caa", "aaaa", "cca"}
