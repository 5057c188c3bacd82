"""nginx's access log: one line per answered request, written when the last byte was sent."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from redgen.activity import raw
from redgen.activity.connection import serial
from redgen.activity.schema import Activity
from redgen.activity.terms import HTTP_VERSIONS, METHODS
from redgen.clock import DAY, SECOND, parse_time
from redgen.render import escapes
from redgen.render.holes import Decimal, Forms, Hex, Hole, Int, IPv4, Text, Time
from redgen.render.template import Template
from redgen.seed import Seed
from redgen.source import RECORD, Column, Source
from redgen.sources import _nginx_fields as fields
from redgen.sources._nginx_raw import raw_holes
from redgen.sources._nginx_uris import Uris, referer_code
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from redgen.world.agents import AGENT_KINDS
from redgen.world.world import World

LOCAL, ANSWERED, SILENT, REFUSED = range(4)
"""How the upstream fared: not asked, answered, gave no header (timeout, client gone), refused the connection."""

_CIPHERS = (("", ""), ("TLSv1.3", "TLS_AES_256_GCM_SHA384"), ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"))
_SERIALS_PER_SECOND = 1_024
_RESTART = 7 * DAY // SECOND  # serials begin anew with the weekly restart

_SHARED = RECORD | {
    "client": "u4", "agent": "i4", "method": "i1", "proto": "i1", "status": "i2", "bytes": "i8",
    "route": "i4", "obj": "i8", "obj2": "i8", "word": "i4",
    "referer": "i4", "ref_site": "i2", "ref_ext": "i4", "ref_obj": "i8", "ref_obj2": "i8", "ref_word": "i4",
}
_COMBINED_ONLY = {"raw": "i2"}
_JSON_ONLY = {
    "site": "i2", "host": "i2", "cport": "i4", "serial": "i8", "conn_n": "i2", "sent": "i8", "req_bytes": "i4",
    "ms": "i8", "up": "i1", "upstream": "i2", "up_status": "i2", "up_connect": "i8", "up_header": "i8", "up_ms": "i8",
    "tls": "i1",
}
_COPIED = ("client", "agent", "method", "proto", "status", "bytes", "route", "obj", "obj2", "word",
           "ref_obj", "ref_obj2", "ref_word")

_COMBINED_LINE = re.compile(
    r'(?P<remote_addr>\S+) - (?P<remote_user>\S+) \[(?P<time_local>[^]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) '
    r'(?P<body_bytes_sent>\d+) "(?P<http_referer>[^"]*)" "(?P<http_user_agent>[^"]*)"',
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class NginxAccess(Source):
    """Requests as nginx logs them, ``combined`` or JSON."""

    name = "nginx_access"
    title = "nginx access log"
    sigma: ClassVar = {"category": "webserver", "product": "nginx"}
    kinds: ClassVar = {"http": 1}
    formats: ClassVar = {"combined": "log", "json": "json"}
    fields = fields.documented()

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        json = self.format == "json"
        self.schema = _SHARED | (_JSON_ONLY if json else _COMBINED_ONLY)
        holes = _holes(world, json=json)
        self.template = Template([fields.json_line()] if json else fields.combined_lines(), holes)
        if json:
            self.event_ids = Template(["@{request_id}"], holes)
        self.columns = tuple(_parquet(holes, fields.JSON if json else fields.COMBINED))
        old = (AGENT_KINDS.index("library"), AGENT_KINDS.index("cli"))
        known = np.arange(len(world.agents), dtype=np.uint64)
        dated = np.isin(world.agents.kind, old) & (world.seed.uniform(known, "old tls") < 0.3)
        self._tls = np.where(dated, 2, 1).astype(np.int8)
        self._plain = world.sites.plain
        hosts = {host: k for k, host in enumerate(_hosts(world))}
        self._raw_host = np.array([hosts[r.host] if r.host else -1 for r in raw.RAW], dtype=np.int16)

    def observe(self, activity: Activity) -> Table:
        """One record per request."""
        http = activity.get("http")
        if http is None or not len(http):
            return self.nothing()
        done = http["t"] + http["dur"]
        referer, ref_site, ref_ext = referer_code(http["ref"], http["site"], self.world.routes)
        columns: dict[str, Any] = {name: http[name] for name in _COPIED}
        if self.format == "json":
            columns |= self._json_columns(http)
        else:
            columns |= {"raw": http["raw"], "form": http["raw"] >= 0}
        return Table(self.schema, len(http), id=http["id"], t=done, w=done, referer=referer, ref_site=ref_site,
                     ref_ext=ref_ext, **columns)

    def _json_columns(self, http: Table) -> dict[str, Any]:
        status, size = http["status"], http["bytes"]
        headers, odd = self._header_bytes(http), np.flatnonzero(http["raw"] >= 0)
        tls = np.where(self._plain[http["site"]], 0, self._tls[http["agent"]])
        host = http["site"]
        if len(odd):
            headers[odd] = raw.headers(self.world, http.take(odd), headers[odd])
            tls[odd], named = 0, self._raw_host[http["raw"][odd]]
            host = host.copy()
            host[odd] = np.where(named >= 0, named, host[odd])
        return {
            "form": 0, "host": host, "site": http["site"], "cport": http["cport"], "conn_n": http["conn_n"],
            "req_bytes": http["req_bytes"],
            "serial": serial(http["conn"], _SERIALS_PER_SECOND, _RESTART),
            "sent": np.where((status == 444) | ((status == 499) & (size == 0)), 0, size + headers),
            "ms": http["dur"] // 1_000,
            "tls": tls,
            **self._upstream(http),
        }

    def _header_bytes(self, http: Table) -> NDArray[np.int64]:
        """Bytes of the response header: what a route always sends, its cookies, and the digits of the length.

        Below what ``activity.wire`` gives a response's header on the wire, so that bytes_sent adds up below a flow's.
        """
        route, status = http["route"].astype(np.uint64), http["status"]
        own = (self.world.seed.noise(route, "response header") % np.uint64(110)).astype(np.int64)
        start = np.where(http["proto"] == HTTP_VERSIONS.index("HTTP/2.0"), 74, 162)
        bodiless = (status == 304) | (status == 204)
        digits = np.log10(np.maximum(http["bytes"], 1)).astype(np.int64)
        return start + np.where(bodiless, own // 3, own + digits)

    def _upstream(self, http: Table) -> dict[str, Any]:
        """How the application server fared: connect <= header <= response <= request time, all in ms."""
        status, upstream, took = http["status"], http["upstream"], http["up_dur"]
        silent = (status == 499) | (status == 504) | ((status == 502) & (took >= 10_000))
        state = np.where(upstream < 0, LOCAL, np.where(silent, SILENT, np.where(status == 502, REFUSED, ANSWERED)))
        response = np.minimum(took, http["dur"]) // 1_000
        u = self.seed.uniform(http["id"], "upstream")
        early = np.where(http["bytes"] > 16_384, response * (0.6 + 0.4 * u), response).astype(np.int64)
        return {
            "up": state, "upstream": upstream, "up_status": np.where(status == 499, -1, status), "up_ms": response,
            "up_header": early, "up_connect": np.minimum(early, (u < 0.12).astype(np.int64)),
        }

    def parse(self, line: str) -> dict[str, Any]:
        """The fields of a line; numbers of the combined format as integers."""
        if self.format == "json":
            return super().parse(line)
        found = _COMBINED_LINE.fullmatch(line.rstrip("\n"))
        if found is None:
            raise ValueError(f"not a combined line: {line[:120]!r}")
        return found.groupdict() | {"status": int(found["status"]), "body_bytes_sent": int(found["body_bytes_sent"])}

    def time_of_line(self, line: str) -> int:
        """Completion: whole seconds in the combined format, milliseconds in JSON."""
        if self.format == "json":
            seconds, _, millis = str(re.search(r'"msec":(\d+\.\d{3})', line)[1]).partition(".")  # type: ignore[index]
            return int(seconds) * SECOND + int(millis) * 1_000
        day, month, rest = self.parse(line)["time_local"].split("/")
        year, clock = rest[:4], rest[5:13]
        return parse_time(f"{year}-{_MONTHS.index(month) + 1:02d}-{day}T{clock}Z")


def _holes(world: World, *, json: bool) -> dict[str, Hole]:
    escape = escapes.json_text if json else escapes.nginx_default
    uris = Uris(world, escape)
    agents = Vocabulary.of(ua or "-" for ua in world.agents.ua) if not json else world.agents.ua
    holes: dict[str, Hole] = {
        "remote_addr": IPv4("client"),
        "time_local": Time("t", "clf"),
        "method": Text(Vocabulary.of(METHODS), "method", missing=""),
        "protocol": Text(Vocabulary.of(HTTP_VERSIONS), "proto", missing=""),
        "request_uri": uris.paths(),
        "status": Int("status"),
        "body_bytes_sent": Int("bytes"),
        "referer": uris.referer("" if json else "-"),
        "user_agent": Text(agents.escaped(escape), "agent"),
    }
    if json:
        holes |= {"uri": uris.paths("uri"), "args": uris.paths("args")} | _json_holes(world)
    else:
        holes |= raw_holes(world)
    return uris.holes | holes


def _hosts(world: World) -> list[str]:
    """What Host headers say: the sites, then what others take this server for."""
    return list(dict.fromkeys([*world.sites.host, *(r.host for r in raw.RAW if r.host)]))


def _json_holes(world: World) -> dict[str, Hole]:
    sites = world.sites
    return {
        "time_iso8601": Time("t", "iso_s_offset"), "msec": Time("t", "epoch_s_ms"), "request_id": Hex("id", 32),
        "connection": Int("serial"), "connection_requests": Int("conn_n"), "remote_port": Int("cport"),
        "scheme": Text(Vocabulary.of("https" if tls else "http" for tls, _ in _CIPHERS), "tls"),
        "host": Text(Vocabulary.of(_hosts(world)), "host"),
        "server_name": Text(sites.host, "site"),
        "server_port": Text(Vocabulary.of(str(p) for p in sites.port.tolist()), "site"),
        "bytes_sent": Int("sent"), "request_length": Int("req_bytes"), "request_time": Decimal("ms", 3),
        "upstream_addr": Text(sites.upstreams, "upstream", missing=""),
        "upstream_status": Forms(["", *["@{up_status}"] * 3], "up"),
        "upstream_connect_time": Forms(["", "@{up_connect}", "@{up_connect}", "-"], "up"),
        "upstream_header_time": Forms(["", "@{up_header}", "-", "-"], "up"),
        "upstream_response_time": Forms(["", "@{up_ms}", "@{up_ms}", "@{up_ms}"], "up"),
        "up_status": Text(Vocabulary.of(str(k) for k in range(600)), "up_status", missing="-"),
        "up_connect": Decimal("up_connect", 3), "up_header": Decimal("up_header", 3), "up_ms": Decimal("up_ms", 3),
        "ssl_protocol": Text(Vocabulary.of(v for v, _ in _CIPHERS), "tls"),
        "ssl_cipher": Text(Vocabulary.of(c for _, c in _CIPHERS), "tls"),
        "ssl_server_name": Forms(["", "@{server_name}", "@{server_name}"], "tls"),
    }


def _parquet(holes: dict[str, Hole], rows: tuple[tuple[str, str, str, str], ...]) -> list[Column]:
    types = {"integer": "int64", "number": "double", "time": "timestamp[us]"}
    typed = holes | {"epoch_us": Time("t", "epoch_us")}
    return [
        Column(key, types.get(kind, "string"), Template(_forms(key, kind, text, typed), typed),
               empty_is_null=kind != "string")
        for key, kind, _, text in rows
    ]


def _forms(key: str, kind: str, text: str, holes: dict[str, Hole]) -> list[str]:
    """The texts of one column: usual requests, and raw ones where the format shows those."""
    text = "@{epoch_us}" if kind == "time" else text
    return [text, fields.RAW[key]] if key in fields.RAW and "raw" in holes else [text]


SOURCE = NginxAccess
