"""nginx's access log against a strict grammar, goaccess, and the rules of the sheet."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from redgen.activity import raw
from redgen.activity.schema import rows
from redgen.checks.sample import START, activity
from redgen.seed import Seed
from redgen.sources.nginx_access import NginxAccess
from tests.worlds import small_world

COMBINED = re.compile(
    r"(\d{1,3}\.){3}\d{1,3} - - \[\d\d/[A-Z][a-z]{2}/\d{4}:[0-2]\d:[0-5]\d:[0-5]\d \+0000\] "
    r'"(GET|POST|HEAD|PUT|PATCH|DELETE|OPTIONS) /[!#-\[\]-~]* HTTP/(1\.0|1\.1|2\.0|3\.0)" [1-5]\d\d (0|[1-9]\d*) '
    r'"(-|https?://[!#-\[\]-~]+)" "([ !#-\[\]-~]|\\x[0-9A-F]{2})+"\n',
)
RAW_LINE = re.compile(
    r"(\d{1,3}\.){3}\d{1,3} - - \[\d\d/[A-Z][a-z]{2}/\d{4}:[0-2]\d:[0-5]\d:[0-5]\d \+0000\] "
    r'"([ !#-\[\]-~]|\\x[0-9A-F]{2})*" 400 (150|248) "-" "-"\n',
)
KEYS = """
    time_iso8601 msec request_id connection connection_requests remote_addr remote_port remote_user http_x_forwarded_for
    scheme host server_name server_port request_method request_uri uri args server_protocol status body_bytes_sent
    bytes_sent request_length request_time upstream_addr upstream_status upstream_connect_time upstream_header_time
    upstream_response_time upstream_cache_status http_referer http_user_agent ssl_protocol ssl_cipher ssl_server_name
""".split()  # noqa: SIM905
NUMBERS = {"status", "body_bytes_sent", "bytes_sent", "request_length", "request_time", "connection",
           "connection_requests", "msec"}


@cache
def lines(form: str) -> list[str]:
    """Two thousand requests with every code, in write order."""
    made = NginxAccess(small_world(), Seed(3), form)
    records = made.observe({"http": activity(small_world(), Seed(2), 2_000)["http"]})
    return made.template.texts(records.take(np.lexsort((records["id"], records["w"]))))


@cache
def requests() -> list[dict[str, Any]]:
    """The JSON lines, parsed."""
    return [json.loads(line) for line in lines("json")]


def test_combined_lines_match_the_grammar() -> None:
    wrong = [line for line in lines("combined") if not COMBINED.fullmatch(line)]
    assert 150 < len(wrong) < 300
    assert [line for line in wrong if not RAW_LINE.fullmatch(line)] == []


def test_both_formats_tell_the_same() -> None:
    made = NginxAccess(small_world(), Seed(3), "combined")
    for line, told in zip(lines("combined"), requests(), strict=True):
        parsed = made.parse(line)
        if told["scheme"] == "https":  # all sites of this world speak TLS; what comes without it is raw
            assert parsed["request"] == f"{told['request_method']} {told['request_uri']} {told['server_protocol']}"
        else:  # what could be read of it, without TLS
            assert told["request_method"] in ("", parsed["request"].split(" ")[0])
            assert parsed["request"].endswith(told["server_protocol"])
            assert (told["scheme"], told["ssl_protocol"]) == ("http", "")
            assert (told["request_method"] == "") <= (told["request_uri"] + told["uri"] + told["server_protocol"] == "")
        assert (parsed["status"], parsed["body_bytes_sent"]) == (told["status"], told["body_bytes_sent"])
        assert parsed["http_referer"].replace("-", "", parsed["http_referer"] == "-") == told["http_referer"]


@pytest.mark.skipif(not shutil.which("goaccess"), reason="goaccess is not installed")
def test_goaccess_reads_every_line(tmp_path: Path) -> None:
    log, report = tmp_path / "access.log", tmp_path / "report.json"
    log.write_text("".join(lines("combined")))
    subprocess.run(["goaccess", str(log), "--log-format=COMBINED", "--no-global-config", "-o", str(report)], check=True,
                   capture_output=True, timeout=120)
    general = json.loads(report.read_text())["general"]
    assert general["failed_requests"] == 0
    assert general["total_requests"] == len(lines("combined"))


def test_json_keys_stand_in_order_and_numbers_are_bare() -> None:
    for told in requests():
        assert list(told) == KEYS
        assert {key for key, value in told.items() if not isinstance(value, str)} == NUMBERS
        assert re.fullmatch("[0-9a-f]{32}", told["request_id"])


def test_times_are_those_of_completion() -> None:
    """File order is completion order; msec and time_iso8601 are one time; request_time has three decimals."""
    stamps = [told["msec"] for told in requests()]
    assert stamps == sorted(stamps)
    for line in lines("json"):
        assert re.search(r'"msec":\d+\.\d{3},', line)
        assert re.search(r'"request_time":\d+\.\d{3},', line)


def test_upstream_times_nest() -> None:
    """connect <= header <= response <= request time; a local answer has none; a silent upstream shows dashes."""
    seen = set()
    for told in requests():
        parts = [told[f"upstream_{name}_time"] for name in ("connect", "header", "response")]
        if not told["upstream_addr"]:
            assert parts == ["", "", ""] and told["upstream_status"] == ""
            continue
        known = [float(part) for part in parts if part != "-"]
        assert known == sorted(known) and known[-1] <= told["request_time"]
        assert told["upstream_status"] == ("-" if told["status"] == 499 else str(told["status"]))
        seen.add((told["status"] in (499, 504), parts[0] == "-", parts[1] == "-"))
    assert seen == {(False, False, False), (True, False, True), (False, True, True), (False, False, True)}


def test_sizes_and_addresses_agree() -> None:
    for told in requests():
        odd = told["scheme"] == "http"  # all sites of this world speak TLS
        if told["status"] != 499 and not odd:
            assert 60 < told["bytes_sent"] - told["body_bytes_sent"] < 282  # less than activity.wire puts on the wire
        target = f"{told['uri']}?{told['args']}" if told["args"] else told["uri"]
        assert unquote(told["request_uri"]) == unquote(target)
        assert odd or (told["scheme"], told["ssl_server_name"]) == ("https", told["host"])


def test_a_connection_keeps_its_serial_and_later_ones_get_higher() -> None:
    from redgen.activity import connection
    started = np.arange(200) * 7_000_000 + 1_790_000_000_000_000
    numbers = connection.number(started, np.arange(200, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    serials = connection.serial(numbers, 1024, 7 * 86_400)
    assert (np.diff(serials) > 0).all()


def test_objects_of_one_collection_look_the_same_on_every_route() -> None:
    """An id on a page is the id in the API below the same collection, and another style elsewhere is stable too."""
    made = NginxAccess(small_world(), Seed(3), "json")
    http = activity(small_world(), Seed(2), 300)["http"]
    http = http.take(http["raw"] < 0)
    texts = made.template.texts(made.observe({"http": http.replace(obj=12, obj2=3, ref_obj=12)}))
    by_route: dict[int, set[str]] = {}
    for route, line in zip(http["route"].tolist(), texts, strict=True):
        by_route.setdefault(route, set()).add(json.loads(line)["uri"])
    paths = [small_world().routes.path[route].partition("?")[0] for route in by_route]
    assert all(len(uris) == 1 for path, uris in zip(paths, by_route.values(), strict=True) if "@{word}" not in path)


def raw_lines() -> list[str]:
    """A combined line of every raw request there is, as a server with ``server_tokens off`` refuses it."""
    made, n = NginxAccess(small_world(), Seed(3), "combined"), len(raw.RAW)
    line = np.arange(n, dtype=np.int16)
    method, proto = raw.read(line)
    http = rows("http", n, id=Seed(4).noise(np.arange(n, dtype=np.uint64), "id"), t=START, raw=line, method=method,
                proto=proto, status=400, bytes=150, agent=small_world().agents.ua.code(""), obj=0, site=0, client=1)
    return made.template.texts(made.observe({"http": http.without("truth")}))


def test_raw_requests_are_escaped_and_end_where_the_line_ended() -> None:
    """As public logs show them: the cipher after 0xC0 is 0x0A, which ends the line; RDP's cookie ends at its CR."""
    told = [line.split('"')[1] for line in raw_lines()]
    assert {"SSH-2.0-Go", "GET /", "PRI * HTTP/2.0", "", r"\x05\x01\x00", "CONNECT www.example.com:443 HTTP/1.1",
            r"\x03\x00\x00/*\xE0\x00\x00\x00\x00\x00Cookie: mstshash=Administr"} <= set(told)
    assert any(re.fullmatch(r"MGLNDD_\d+\.\d+\.\d+\.\d+_443", text) for text in told)
    hellos = [text for text in told if text.startswith(r"\x16\x03\x01")]
    whole = [text for text in hellos if text.endswith((r"\xC0\x13\xC0", r"\xC0\x14\xC0"))]
    assert len(whole) == 4 and len(hellos) > 200
    assert len(set(hellos)) > 0.97 * len(hellos)  # a hello cut before its first random byte says nothing of its own
    assert not re.search(r"\\x0[AD]", "".join(told))


@pytest.mark.skipif(not shutil.which("goaccess"), reason="goaccess is not installed")
def test_goaccess_reads_every_raw_line(tmp_path: Path) -> None:
    log, report = tmp_path / "access.log", tmp_path / "report.json"
    log.write_text("".join(raw_lines()))
    subprocess.run(["goaccess", str(log), "--log-format=COMBINED", "--no-global-config", "-o", str(report)], check=True,
                   capture_output=True, timeout=120)
    general = json.loads(report.read_text())["general"]
    assert (general["failed_requests"], general["total_requests"]) == (0, len(raw.RAW))


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="fail2ban is not installed")
def test_fail2ban_takes_raw_lines_for_bad_requests(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(raw_lines()))
    done = subprocess.run(["fail2ban-regex", str(log), "nginx-bad-request"], capture_output=True, text=True, check=True,
                          timeout=120)
    assert f"Lines: {len(raw.RAW)} lines, 0 ignored, {len(raw.RAW)} matched" in done.stdout
