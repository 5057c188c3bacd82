"""Logs and truth read back as a stranger would: six small parsers written from the field sheets, none of redgen's own.

``lines`` gives one row per record: ``file``, ``line``, ``text``, ``t`` (µs UTC at the log's own resolution), ``type``
(what kind of event it is), ``who`` (the client that caused it, as the log names it) and the truth beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from redgen.dataset.dataset import Dataset, load

SOURCES = ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns")
SECOND = 1_000_000
TICK = {"aws_cloudtrail": SECOND, "linux_auth": SECOND, "nginx_access": SECOND, "okta_system": 1000, "zeek_conn": 1,
        "zeek_dns": 1}
"""Resolution of each log's times in its default format, µs (field sheets 01, 02, 04, 06, 07)."""

Record = dict[str, Any]

_COMBINED = re.compile(
    r'(?P<addr>\S+) - (?P<user>\S+) \[(?P<time>[^]]+)\] "(?P<request>(?:[^"\\]|\\x[0-9A-F]{2})*)" (?P<status>\d{3}) '
    r'(?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"')
_SYSLOG = re.compile(
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\S+) (?P<host>\S+) (?P<tag>[\w.-]+?)(?:\[(?P<pid>\d+)\])?: "
    r"(?P<message>.*)")
_REQUEST = re.compile(r"([A-Z]+) (/\S*) (HTTP/[\d.]+)")
_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_PORT = re.compile(r"\bport (\d+)")


def micros(text: str, form: str) -> int:
    """UTC µs of a time in ``form``; UTC where the form has no zone."""
    when = datetime.strptime(text, form)
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000) * 1000


def nginx(text: str) -> Record:
    """An access line, combined or JSON."""
    if text.startswith("{"):
        found = json.loads(text)
        return {**found, "t": round(found["msec"] * 1000) * 1000, "addr": found["remote_addr"],
                "bytes": found["body_bytes_sent"], "agent": found["http_user_agent"], "status": str(found["status"]),
                "method": found["request_method"], "target": found["request_uri"], "referer": found["http_referer"]}
    match = _COMBINED.fullmatch(text)
    assert match, f"no combined line: {text}"
    found = match.groupdict()
    method, target, version = usual.groups() if (usual := _REQUEST.fullmatch(found["request"])) else ("", "", "")
    return {**found, "t": micros(found["time"], "%d/%b/%Y:%H:%M:%S %z"), "bytes": int(found["bytes"]),
            "method": method, "target": target, "server_protocol": version}


def auth(text: str, year: int = 2026) -> Record:
    """An auth.log line of either header form; ``addr`` and ``port`` of the client where it names them."""
    match = _SYSLOG.fullmatch(text)
    assert match, f"no syslog line: {text}"
    found: Record = match.groupdict()
    if found["time"][0].isdigit():
        t = round(datetime.fromisoformat(found["time"]).timestamp() * SECOND)
    else:
        t = micros(f"{year} {found['time']}", "%Y %b %d %H:%M:%S")
    addr, port = _ADDRESS.search(found["message"]), _PORT.search(found["message"])
    return {**found, "t": t, "addr": addr[0] if addr else "", "port": int(port[1]) if port else 0}


def okta(text: str) -> Record:
    """A LogEvent."""
    found: Record = json.loads(text)
    return {**found, "t": micros(found["published"], "%Y-%m-%dT%H:%M:%S.%fZ")}


def cloudtrail(text: str) -> Record:
    """A CloudTrail record."""
    found: Record = json.loads(text)
    return {**found, "t": micros(found["eventTime"], "%Y-%m-%dT%H:%M:%SZ")}


def zeek(text: str, names: tuple[str, ...]) -> Record:
    """A conn or dns row, TSV (with the header's names) or JSON; unset fields are missing in both."""
    if text.startswith("{"):
        found: Record = json.loads(text)
    else:
        values = text.split("\t")
        assert len(values) == len(names), text
        found = {k: v for k, v in zip(names, values, strict=True) if v != "-"}
    return {**found, "t": round(float(found["ts"]) * SECOND)}


_KIND: Mapping[str, Callable[[Record], str]] = {
    "nginx_access": lambda r: f"{r['method']} {route(r['target'])}",
    "linux_auth": lambda r: sentence(r["tag"], r["message"]),
    "okta_system": lambda r: r["eventType"],
    "aws_cloudtrail": lambda r: f"{r['eventSource'].partition('.')[0]}:{r['eventName']}",
    "zeek_conn": lambda r: f"{r['proto']}/{r['id.resp_p']}/{r['conn_state']}",
    "zeek_dns": lambda r: f"{r.get('qtype_name')}/{r.get('rcode_name', 'none')}",
}
_WHO: Mapping[str, Callable[[Record], str]] = {
    "nginx_access": lambda r: r["addr"],
    "linux_auth": lambda r: r["addr"] or f"{r['host']} {r['pid'] or r['tag']}",
    "okta_system": lambda r: r["client"]["ipAddress"],
    "aws_cloudtrail": lambda r: r["sourceIPAddress"],
    "zeek_conn": lambda r: r["id.orig_h"],
    "zeek_dns": lambda r: r["id.orig_h"],
}


def route(target: str) -> str:
    """The path of a request with what varies taken out: numbers, hex, slugs' endings and the query."""
    path = target.partition("?")[0]
    parts = [re.sub(r"^(?=.*\d)[\w.~%-]+$", "*", part) if not re.fullmatch(r"v\d", part) else part
             for part in path.split("/")]
    return "/".join(parts)


def sentence(tag: str, message: str) -> str:
    """The message of a syslog line with what varies taken out: names, addresses, numbers, keys, commands."""
    text = re.sub(r"SHA256:\S+", "SHA256:K", message)
    text = re.sub(r"COMMAND=.*", "COMMAND=C", text)
    text = _ADDRESS.sub("A", text)
    text = re.sub(r"(user=|USER=|PWD=|name=|home=|group to )\S+", r"\1U", text)
    text = re.sub(r"^ *\S+ : (?=TTY|command|user NOT|\d)", "U : ", text)
    text = re.sub(r"(?<=for )(invalid user )?\S+(?= from)|(?<=user )\S+(?= (?:A|by|from|from A)\b)|(?<=Invalid user )\S+",
                  "U", text)
    text = re.sub(r"(?<=by )\w+(?=\()|(?<=for user )[\w.-]+|(?<=changed for )\S+|(?<=of user )\S+|(?<=add ')[^']+|"
                  r"(?<=authenticating user )\S+|(?<=invalid user )\S+|(?<=from user )\S+", "U", text)
    return f"{tag}: " + re.sub(r"\d+", "9", text)


@cache
def _frame(path: Path, source: str) -> pd.DataFrame:
    dataset = load(path)
    places, texts = raw(dataset, source)
    names = columns(dataset, source)
    records = [read(source, text, names) for text in texts]
    frame = pd.DataFrame({
        "file": [place[0] for place in places], "line": [place[1] for place in places], "text": texts,
        "t": [r["t"] for r in records], "type": [_KIND[source](r) for r in records],
        "who": [_WHO[source](r) for r in records], "record": records,
    })
    truth = dataset.labels[dataset.labels["source"] == source]
    words = ["file", "label", "campaign_id", "step_id", "noise_id"]
    truth = truth[["line", *words]].astype(dict.fromkeys(words, str))
    merged = frame.merge(truth, on=["file", "line"], how="left", validate="one_to_one")
    merged["label"] = merged["label"].fillna("benign")
    return merged.fillna({"campaign_id": "", "step_id": "", "noise_id": ""})


def lines(dataset: Dataset, source: str) -> pd.DataFrame:
    """Every record of a source with its truth, in file order; read once per dataset."""
    return _frame(dataset.path, source)


def raw(dataset: Dataset, source: str) -> tuple[list[tuple[str, int]], list[str]]:
    """Where each record stands, (file, line), and its text; in file order, unparsed."""
    places, texts = [], []
    for file in dataset.files(source):
        for number, text in file.records():
            places.append((file.name, number))
            texts.append(text)
    return places, texts


def marked(dataset: Dataset, source: str, **wanted: set[str]) -> set[tuple[str, int]]:
    """(file, line) of the labels of a source whose columns are among those wanted."""
    found = dataset.labels[dataset.labels["source"] == source]
    for column, values in wanted.items():
        found = found[found[column].isin(values)]
    return set(zip(found["file"].astype(str), found["line"].astype(int), strict=True))


def read(source: str, text: str, names: tuple[str, ...] = ()) -> Record:
    """One record's fields; ``names``: those of a Zeek TSV's header."""
    readers = {"nginx_access": nginx, "linux_auth": auth, "okta_system": okta, "aws_cloudtrail": cloudtrail}
    return readers[source](text) if source in readers else zeek(text, names)


def who(source: str, record: Record) -> str:
    """The client that caused a record, as the log names it."""
    return _WHO[source](record)


def columns(dataset: Dataset, source: str) -> tuple[str, ...]:
    """The field names of a Zeek TSV's header, nothing for other logs."""
    file = dataset.files(source)[0]
    if not file.head_lines:
        return ()
    with file.open() as stream:
        head = [next(stream).decode().rstrip("\n") for _ in range(file.head_lines)]
    return tuple(next(h for h in head if h.startswith("#fields")).split("\t")[1:])
