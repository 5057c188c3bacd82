"""Raw requests as nginx's ``escape=default`` writes them, their random bytes drawn by the row's id."""

from __future__ import annotations

from redgen.activity.raw import RANDOM, RAW, SERVER, servers
from redgen.render.escapes import nginx_byte
from redgen.render.holes import Forms, Hole, Pick, Text
from redgen.vocabulary import Vocabulary
from redgen.world.world import World

_BYTES = Vocabulary.of(nginx_byte(b) for b in range(256) if b not in b"\r\n")
"""Every byte that ends no line."""


def raw_holes(world: World) -> dict[str, Hole]:
    """``raw`` over the column of that name, with the holes it needs."""
    places = max(len(entry.line) for entry in RAW if RANDOM in entry.line)
    holes: dict[str, Hole] = {f"byte{k}": Pick(_BYTES, "id", salt=k) for k in range(places)}
    holes["asked"] = Text(Vocabulary.of(servers(world)), "obj")
    return holes | {"raw": Forms([_form(entry.line) for entry in RAW], "raw")}


def _form(line: str) -> str:
    """The text of a line: each random byte a hole of its own."""
    special = {SERVER: "@{asked}"}
    return "".join(
        f"@{{byte{k}}}" if letter == RANDOM else special.get(letter) or nginx_byte(ord(letter))
        for k, letter in enumerate(line)
    )
