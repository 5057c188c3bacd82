"""The fields of nginx's access log: what each says, its type, and the template text that writes it."""

from __future__ import annotations

from redgen.source import Field

COMBINED = (
    ("remote_addr", "ip", "client address", "@{remote_addr}"),
    ("remote_user", "string", "user of HTTP basic authentication", "-"),
    ("time_local", "time", "completion of the request, 1 s, zone of the server (UTC)", "@{time_local}"),
    ("request", "string", "request line as sent, up to its first line end: method, target, protocol, or anything",
     "@{method} @{request_uri} @{protocol}"),
    ("status", "integer", "response status, nginx's own 499 and 444 included", "@{status}"),
    ("body_bytes_sent", "integer", "bytes of the body sent, 0 for HEAD, 204 and 304", "@{body_bytes_sent}"),
    ("http_referer", "string", "Referer header", "@{referer}"),
    ("http_user_agent", "string", "User-Agent header", "@{user_agent}"),
)
"""(name, type, meaning, text) in the order of ``log_format combined``."""

RAW = {"request": "@{raw}"}
"""What lines show instead when the request line could not be read, or is not made of method, path and protocol."""

_LINE = '{} - {} [{}] "{}" {} {} "{}" "{}"\n'

JSON = (
    ("time_iso8601", "time", "completion of the request, 1 s", "@{time_iso8601}"),
    ("msec", "number", "completion of the request, epoch seconds with milliseconds", "@{msec}"),
    ("request_id", "string", "random identifier of the request, 32 hexadecimal digits", "@{request_id}"),
    ("connection", "integer", "serial number of the client connection", "@{connection}"),
    ("connection_requests", "integer", "number of this request on its connection", "@{connection_requests}"),
    ("remote_addr", "ip", "client address", "@{remote_addr}"),
    ("remote_port", "string", "client port", "@{remote_port}"),
    ("remote_user", "string", "user of HTTP basic authentication", ""),
    ("http_x_forwarded_for", "string", "X-Forwarded-For header as received", ""),
    ("scheme", "string", "http or https", "@{scheme}"),
    ("host", "string", "Host header or the target's, the server's name without them", "@{host}"),
    ("server_name", "string", "virtual host that answered", "@{server_name}"),
    ("server_port", "string", "port that accepted the request", "@{server_port}"),
    ("request_method", "string", "method, empty when the request line could not be read", "@{method}"),
    ("request_uri", "string", "target as sent, query included", "@{request_uri}"),
    ("uri", "string", "path, decoded", "@{uri}"),
    ("args", "string", "query", "@{args}"),
    ("server_protocol", "string", "HTTP/1.1, HTTP/2.0, …", "@{protocol}"),
    ("status", "integer", "response status, nginx's own 499 and 444 included", "@{status}"),
    ("body_bytes_sent", "integer", "bytes of the body sent, 0 for HEAD, 204 and 304", "@{body_bytes_sent}"),
    ("bytes_sent", "integer", "bytes of headers and body sent", "@{bytes_sent}"),
    ("request_length", "integer", "bytes of request line, headers and body", "@{request_length}"),
    ("request_time", "number", "seconds from the first byte read to the last byte sent", "@{request_time}"),
    ("upstream_addr", "string", "application server asked, empty when served locally", "@{upstream_addr}"),
    ("upstream_status", "string", "its status, - when it gave none", "@{upstream_status}"),
    ("upstream_connect_time", "string", "seconds to connect to it", "@{upstream_connect_time}"),
    ("upstream_header_time", "string", "seconds until its response header", "@{upstream_header_time}"),
    ("upstream_response_time", "string", "seconds until its whole response", "@{upstream_response_time}"),
    ("upstream_cache_status", "string", "proxy cache status, empty without one", ""),
    ("http_referer", "string", "Referer header", "@{referer}"),
    ("http_user_agent", "string", "User-Agent header", "@{user_agent}"),
    ("ssl_protocol", "string", "TLS version, empty on plain HTTP", "@{ssl_protocol}"),
    ("ssl_cipher", "string", "TLS cipher suite, empty on plain HTTP", "@{ssl_cipher}"),
    ("ssl_server_name", "string", "server name of the TLS handshake (SNI)", "@{ssl_server_name}"),
)
"""(key, type, meaning, text) in the order of our ``log_format … escape=json``; what nginx always prints is a number."""


def combined_lines() -> list[str]:
    """The forms of a combined line: usual requests, and raw ones."""
    return [_LINE.format(*(shown.get(key, text) for key, _, _, text in COMBINED)) for shown in ({}, RAW)]


def json_line() -> str:
    """The form of a JSON line."""
    shown = {key: text if kind in ("integer", "number") else f'"{text}"' for key, kind, _, text in JSON}
    return "{" + ",".join(f'"{key}":{text}' for key, text in shown.items()) + "}\n"


def documented() -> tuple[Field, ...]:
    """Every field of both formats, once."""
    formats: dict[str, list[str]] = {}
    known: dict[str, Field] = {}
    for name, rows in (("combined", COMBINED), ("json", JSON)):
        for key, kind, meaning, _ in rows:
            formats.setdefault(key, []).append(name)
            known[key] = Field(key, kind, meaning, tuple(formats[key]))
    return tuple(known.values())
