"""How each format writes text: functions from a string to its escaped form, to be applied to vocabularies once."""

from __future__ import annotations

import json


def plain(text: str) -> str:
    """As it is."""
    return text


def json_text(text: str) -> str:
    """What stands between the quotes of a JSON string; UTF-8 stays as it is."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def nginx_default(text: str) -> str:
    r"""The way of nginx's ``escape=default``: the bytes ``"``, ``\``, below 0x20, above 0x7E become ``\xHH``.

    >>> nginx_default('a"b\\é')
    'a\\x22b\\x5C\\xC3\\xA9'
    """
    return "".join(map(nginx_byte, text.encode()))


def nginx_byte(b: int) -> str:
    r"""One byte that way.

    >>> nginx_byte(0x16), nginx_byte(0x41)
    ('\\x16', 'A')
    """
    return chr(b) if 0x20 <= b <= 0x7E and b not in (0x22, 0x5C) else f"\\x{b:02X}"


def zeek_tsv(text: str) -> str:
    r"""Zeek's ASCII writer: control characters, DEL and backslash become ``\xhh``, empty text ``(empty)``.

    A lone ``-``, which would mean unset, becomes ``\x2d``.

    >>> zeek_tsv("a\tb"), zeek_tsv("")
    ('a\\x09b', '(empty)')
    """
    if not text:
        return "(empty)"
    if text in ("-", "(empty)"):
        return f"\\x{ord(text[0]):02x}{text[1:]}"
    return "".join(f"\\x{ord(c):02x}" if ord(c) < 0x20 or c in "\\\x7f" else c for c in text)
