"""What Zeek's logs share: fields with types, the two encodings of its ASCII writer, and a base class for its sources.

Source: Zeek, src/logging/writers/ascii and scripts/base/protocols; the version written is 8.0 (LTS).
"""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from redgen.clock import SECOND
from redgen.render.holes import Base62, Decimal, Forms, Hole, Int, IPv4, Text, Time
from redgen.render.template import Template
from redgen.seed import Seed
from redgen.source import Column, Field, Source
from redgen.vocabulary import Vocabulary
from redgen.world.world import World

_TYPES = {"time": "time", "interval": "number", "count": "integer", "port": "integer", "bool": "boolean", "addr": "ip"}
_ARROW = {"time": "timestamp[us]", "interval": "double", "count": "int64", "port": "int64", "bool": "bool"}
_BARE = frozenset({"time", "interval", "count", "port", "bool"})
_TRUTH = {"tsv": ("F", "T"), "json": ("false", "true"), "parquet": ("false", "true")}


@dataclass(frozen=True)
class ZeekField:
    """One field of a log: its name and type as Zeek declares them, what it says, the text that writes its value.

    ``known``: a 0/1 column that says whether it is set, "" when it always is, "never" when it never is. A vector's
    text holds its elements, with what stands between them in the encoding.
    """

    name: str
    type: str
    text: str
    value: str
    known: str = ""

    @property
    def vector(self) -> bool:
        """Whether it is a set or a vector."""
        return "[" in self.type


UID = "C@{uid}"
UID_FIELDS = (
    ZeekField("ts", "time", "time of the first packet", "@{ts}"),
    ZeekField("uid", "string", "identifier of the connection, shared by all logs about it", UID),
    ZeekField("id.orig_h", "addr", "address of the originator", "@{orig}"),
    ZeekField("id.orig_p", "port", "its port (ICMP: the type)", "@{oport}"),
    ZeekField("id.resp_h", "addr", "address of the responder", "@{resp}"),
    ZeekField("id.resp_p", "port", "its port (ICMP: the code)", "@{rport}"),
)
"""The fields that every connection log starts with; they read the columns t, uid, orig, oport, resp, rport."""


def seconds(column: str, encoding: str) -> Decimal:
    """An interval of ``column`` µs in seconds: six decimals in TSV, as few as needed elsewhere."""
    return Decimal(column, 6, trim=encoding != "tsv")


def flag(column: str, encoding: str) -> Text:
    """A 0/1 column as a Zeek bool."""
    return Text(Vocabulary.of(_TRUTH[encoding]), column)


def always(value: bool, encoding: str) -> Text:
    """The same bool in every record."""
    return Text(Vocabulary.of([_TRUTH[encoding][value]]), "form")


def lines(fields: Sequence[ZeekField], encoding: str) -> tuple[str, dict[str, Hole]]:
    """The form of one record's line, and the holes that leave out (JSON) or dash (TSV) what is not set."""
    made: dict[str, Hole] = {}
    parts = []
    for field in fields:
        shown = field.value if encoding == "tsv" else _json_member(field)
        unset = "-" if encoding == "tsv" else ""
        if field.known == "never":
            shown = unset
        elif field.known:
            made[f"field {field.name}"] = Forms([unset, shown], field.known)
            shown = f"@{{field {field.name}}}"
        parts.append(shown)
    if encoding == "tsv":
        return "\t".join(parts) + "\n", made
    return "{" + parts[0].removeprefix(",") + "".join(parts[1:]) + "}\n", made


def _json_member(field: ZeekField) -> str:
    inner = field.type.partition("[")[2].rstrip("]") or field.type
    value = field.value if inner in _BARE else f'"{field.value}"'
    return f',"{field.name}":' + (f"[{value}]" if field.vector else value)


class ZeekSource(Source, ABC):
    """A Zeek log: subclasses declare ``path`` and ``zeek_fields`` and give the holes of the values."""

    formats: ClassVar = {"tsv": "log", "json": "json"}
    path: ClassVar[str]
    zeek_fields: ClassVar[tuple[ZeekField, ...]]

    def __init__(self, world: World, seed: Seed, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        line, optional = lines(self.zeek_fields, self.format)
        holes = self._common_holes(self.format) | dict(self.holes(self.format)) | optional
        self.template = Template([line], holes)
        self.event_ids = Template([UID], holes)
        self.columns = tuple(_parquet(self.zeek_fields, self._common_holes("parquet") | dict(self.holes("parquet"))))

    def holes(self, encoding: str) -> Mapping[str, Hole]:
        """The holes of this log's own fields in one of the formats, or as plain text for "parquet"."""
        raise NotImplementedError

    @staticmethod
    def _common_holes(encoding: str) -> dict[str, Hole]:
        return {
            "ts": Decimal("t", 6, trim=True) if encoding == "json" else Time("t", "epoch_s_us"),
            "uid": Base62("uid"), "orig": IPv4("orig"), "oport": Int("oport"),
            "resp": IPv4("resp"), "rport": Int("rport"),
        }

    def header(self, opened: int) -> bytes:
        """TSV: separators, path, time of opening, fields and types."""
        if self.format == "json":
            return b""
        rows = (
            "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{self.path}",
            f"#open\t{_stamp(opened)}", "\t".join(["#fields", *(f.name for f in self.zeek_fields)]),
            "\t".join(["#types", *(f.type for f in self.zeek_fields)]),
        )
        return ("\n".join(rows) + "\n").encode()

    def footer(self, closed: int) -> bytes:
        """TSV: time of closing."""
        return f"#close\t{_stamp(closed)}\n".encode() if self.format == "tsv" else b""

    def parse(self, line: str) -> dict[str, Any]:
        """The fields that are set, with their types."""
        if self.format == "json":
            return super().parse(line)
        values = line.rstrip("\n").split("\t")
        if len(values) != len(self.zeek_fields):
            raise ValueError(f"{len(values)} columns, not {len(self.zeek_fields)}: {line[:120]!r}")
        pairs = zip(self.zeek_fields, values, strict=True)
        return {field.name: _read(field.type, value) for field, value in pairs if value != "-"}

    def time_of_line(self, line: str) -> int:
        """The field ts, to the microsecond."""
        text = line.partition("\t")[0] if self.format == "tsv" else str(re.search(r'"ts":([\d.]+)', line)[1])  # type: ignore[index]
        whole, _, fraction = text.partition(".")
        return int(whole) * SECOND + int(fraction.ljust(6, "0"))


def documented(fields: Sequence[ZeekField]) -> tuple[Field, ...]:
    """Zeek fields as fields of a source."""
    return tuple(Field(f.name, "array" if f.vector else _TYPES.get(f.type, "string"), f.text) for f in fields)


def _parquet(fields: Sequence[ZeekField], holes: dict[str, Hole]) -> list[Column]:
    found = []
    for field in fields:
        if field.known == "never":
            text = ""
        elif field.type == "time":
            text = "@{epoch_us}"
        else:
            text = f"@{{field {field.name}}}" if field.known else field.value
        maybe = Forms(["", field.value], field.known)
        own: dict[str, Hole] = {"epoch_us": Time("t", "epoch_us"), f"field {field.name}": maybe}
        found.append(Column(field.name, _ARROW.get(field.type, "string"), Template([text], holes | own)))
    return found


def _read(kind: str, value: str) -> Any:
    if "[" in kind:
        inner = kind.partition("[")[2].rstrip("]")
        return [] if value == "(empty)" else [_read(inner, part) for part in value.split(",")]
    if kind in ("count", "port"):
        return int(value)
    if kind in ("time", "interval"):
        return float(value)
    return value == "T" if kind == "bool" else "" if value == "(empty)" else value


def _stamp(t: int) -> str:
    return datetime.fromtimestamp(t // SECOND, UTC).strftime("%Y-%m-%d-%H-%M-%S")
