"""Templates compiled to a table of instructions that the kernel interprets.

An instruction is a row of ``code``: (op, column, literal start, literal length, a, b, c, hole). Its literal is
written first, then what the op says. A form is a run of instructions that ends with ``END``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.errors import PluginError, did_you_mean
from redgen.render import holes as h
from redgen.vocabulary import Vocabulary

END, TEXT, INT, PAD, DECIMAL, IPV4, TIME, HEX, LETTERS, BASE62, UUID4, UUID1, FORMS, PICK = range(14)
WIDTH = 8
MAX_DEPTH = 8
"""How deep forms may stand within forms."""

_HOLE = re.compile(r"@\{([^{}]*)\}")
_TIME_LENGTHS = (20, 24, 27, 25, 29, 32, 26, 15, 24, 25, 10, 10, 16, 14, 19, 20, 20, 20, 20, 20)
_ALL = 1 << 63


@dataclass(frozen=True)
class Program:
    """What the kernel needs: instructions, where forms start, literal and vocabulary bytes with their offsets."""

    code: NDArray[np.int64]
    starts: NDArray[np.int64]       # first: (form column or -1, number of forms), then the entry of each form
    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    columns: tuple[str, ...]
    holes: tuple[str, ...]          # names of the holes, for messages
    longest: int

    def explain(self, at: int, row: NDArray[np.int64]) -> str:
        """Why instruction ``at`` (len(code) for the choice of the form itself) refused the row's values."""
        if at == len(self.code):
            column = int(self.starts[0])
            return f"column {self.columns[column]!r} holds form {row[column]}, allowed 0..{self.starts[1] - 1}"
        op, column, _, _, a, b, _, hole = self.code[at].tolist()
        where = f"hole {self.holes[hole]!r}: column {self.columns[column]!r} holds {row[column]}"
        if op == TEXT:
            return f"{where}, allowed {-b}..{a - 1}"
        if op == FORMS:
            return f"{where}, allowed -1..{a - 1}"
        return f"{where}, " + ("not an IPv4 address" if op == IPV4 else "not a time between the years 1 and 9999")


@dataclass
class _Builder:
    """Instructions under construction."""

    holes: Mapping[str, h.Hole]
    code: list[list[int]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    size: int = 0
    offsets: list[NDArray[np.int64]] = field(default_factory=list)
    n_offsets: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    starts: list[int] = field(default_factory=lambda: [-1, 0])
    literals: dict[bytes, int] = field(default_factory=dict)
    vocabularies: dict[tuple[int, str | None], int] = field(default_factory=dict)
    choices: dict[str, tuple[int, int]] = field(default_factory=dict)
    made: dict[str, tuple[list[int], int]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def column(self, name: str) -> int:
        return self.columns.setdefault(name, len(self.columns))

    def bytes_at(self, raw: bytes) -> int:
        """Where ``raw`` lies in the data; equal literals share their place."""
        if raw not in self.literals:
            self.literals[raw] = self.size
            self.data.append(raw)
            self.size += len(raw)
        return self.literals[raw]

    def vocabulary_at(self, words: Vocabulary, missing: str | None) -> int:
        """Where the offsets of ``words`` begin; entry 0 is what stands for code -1."""
        key = (id(words), missing)
        if key not in self.vocabularies:
            gap = (missing or "").encode()
            bounds = np.concatenate([[0], words.offsets + len(gap)]) + self.size
            self.vocabularies[key] = self.n_offsets
            self.offsets.append(bounds.astype(np.int64))
            self.n_offsets += len(bounds)
            self.data += [gap, words.data.tobytes()]
            self.size += len(gap) + len(words.data)
        return self.vocabularies[key]

    def forms(self, texts: Sequence[str]) -> tuple[int, int]:
        """Compile several texts; where their entries stand in ``starts``, and the longest output of any."""
        if len(self.open) > MAX_DEPTH:
            raise PluginError(f"forms within forms, deeper than {MAX_DEPTH}: {' > '.join(self.open)}")
        entries, longest = [], 0
        for text in texts:
            entry, length = self.form(text)
            entries.append(entry)
            longest = max(longest, length)
        at = len(self.starts)
        self.starts += entries
        return at, longest

    def form(self, text: str) -> tuple[int, int]:
        """Compile one text; (its first instruction, the length of its longest output)."""
        parts = _HOLE.split(text)
        body, longest = [], 0
        for k, name in enumerate(parts[1::2]):
            literal = parts[2 * k].encode()
            op, length = self.instruction(name)
            body.append([op[0], op[1], self.bytes_at(literal), len(literal), *op[2:], self.names[name]])
            longest += len(literal) + length
        tail = parts[-1].encode()
        body.append([END, 0, self.bytes_at(tail), len(tail), 0, 0, 0, 0])
        entry = len(self.code)
        self.code += body
        return entry, longest + len(tail)

    def instruction(self, name: str) -> tuple[list[int], int]:
        """[op, column, a, b, c] of the hole ``name`` and the length of its longest output."""
        if name in self.made:
            return self.made[name]
        hole = self.holes.get(name)
        if hole is None:
            raise PluginError(f"unknown hole {name!r}{did_you_mean(name, self.holes)}")
        if name in self.open:
            raise PluginError(f"hole {name!r} contains itself: {' > '.join([*self.open, name])}")
        self.names.setdefault(name, len(self.names))
        self.open.append(name)
        try:
            self.made[name] = _COMPILERS[type(hole)](self, hole)
        except ValueError as error:
            raise PluginError(f"hole {name!r}: {error}") from None
        finally:
            self.open.pop()
        return self.made[name]


def compile_program(forms: Sequence[str], holes: Mapping[str, h.Hole], form_column: str) -> Program:
    """Instructions for ``forms``; ``PluginError`` when a hole is unknown, endless or ill-made."""
    if not forms:
        raise PluginError("a template needs at least one form")
    builder = _Builder(holes)
    top = builder.column(form_column) if len(forms) > 1 else -1
    at, longest = builder.forms(forms)
    entries = builder.starts[at:]
    starts = [top, len(forms), *entries, *builder.starts[2:at]]
    code = np.array(builder.code, dtype=np.int64).reshape(-1, WIDTH)
    nested = code[:, 0] == FORMS
    code[nested, 5] += len(entries)  # nested entries moved behind the top ones
    return Program(
        code, np.array(starts, dtype=np.int64),
        np.frombuffer(b"".join([*builder.data, bytes(16)]), dtype=np.uint8),
        np.concatenate([*builder.offsets, np.zeros(1, dtype=np.int64)]),
        tuple(builder.columns), tuple(builder.names), longest,
    )


def _text(b: _Builder, hole: h.Text) -> tuple[list[int], int]:
    lengths = np.diff(hole.vocabulary.offsets)
    longest = max(int(lengths.max(initial=0)), len((hole.missing or "").encode()))
    at = b.vocabulary_at(hole.vocabulary, hole.missing)
    return [TEXT, b.column(hole.column), len(hole.vocabulary), int(hole.missing is not None), at], longest


def _pick(b: _Builder, hole: h.Pick) -> tuple[list[int], int]:
    if not len(hole.vocabulary):
        raise ValueError("the vocabulary is empty")
    [_, column, size, _, at], longest = _text(b, h.Text(hole.vocabulary, hole.column))
    return [PICK, column, size, hole.salt, at], longest


def _int(b: _Builder, hole: h.Int) -> tuple[list[int], int]:
    return [INT, b.column(hole.column), 0, 0, 0], 20


def _pad(b: _Builder, hole: h.Pad) -> tuple[list[int], int]:
    if hole.fill not in ("0", " ") or not 0 <= hole.width <= 64:
        raise ValueError("fill is '0' or ' ', width at most 64")
    return [PAD, b.column(hole.column), hole.width, ord(hole.fill), 0], max(20, hole.width)


def _decimal(b: _Builder, hole: h.Decimal) -> tuple[list[int], int]:
    if not 1 <= hole.digits <= 18:
        raise ValueError("digits is 1..18")
    return [DECIMAL, b.column(hole.column), hole.digits, int(hole.trim), 10**hole.digits], 22


def _ipv4(b: _Builder, hole: h.IPv4) -> tuple[list[int], int]:
    return [IPV4, b.column(hole.column), 0, 0, 0], 15


def _time(b: _Builder, hole: h.Time) -> tuple[list[int], int]:
    if hole.style not in h.TIME_STYLES:
        raise ValueError(f"unknown time style {hole.style!r}{did_you_mean(hole.style, h.TIME_STYLES)}")
    if abs(hole.offset_minutes) >= 24 * 60:
        raise ValueError("offset_minutes is less than a day")
    style = h.TIME_STYLES.index(hole.style)
    return [TIME, b.column(hole.column), style, hole.offset_minutes, 0], _TIME_LENGTHS[style]


def _hex(b: _Builder, hole: h.Hex) -> tuple[list[int], int]:
    if not 0 <= hole.width <= 4096:
        raise ValueError("width is 0..4096")
    return [HEX, b.column(hole.column), hole.width, 0, hole.salt], hole.width


def _letters(b: _Builder, hole: h.Letters) -> tuple[list[int], int]:
    longest = max(hole.longest, hole.length)
    if not hole.alphabet.isascii() or not 1 <= len(hole.alphabet) <= 256 or not 0 <= hole.length <= longest <= 4096:
        raise ValueError("the alphabet is 1..256 ASCII characters, lengths are 0..4096")
    if not 0 <= hole.salt < 1 << 20:
        raise ValueError("salt is 0..2^20-1")
    alphabet = b.bytes_at(hole.alphabet.encode()) << 9 | len(hole.alphabet)
    return [LETTERS, b.column(hole.column), hole.length << 16 | longest, alphabet, hole.salt], longest


def _base62(b: _Builder, hole: h.Base62) -> tuple[list[int], int]:
    if not 1 <= hole.bits <= 1024:
        raise ValueError("bits is 1..1024")
    words = -(-hole.bits // 64)
    return [BASE62, b.column(hole.column), words, (hole.bits - 1) % 64 + 1, b.bytes_at(h.BASE62.encode())], 11 * words


def _uuid4(b: _Builder, hole: h.Uuid4) -> tuple[list[int], int]:
    return [UUID4, b.column(hole.column), 0, 0, hole.salt], 36


def _uuid1(b: _Builder, hole: h.Uuid1) -> tuple[list[int], int]:
    return [UUID1, b.column(hole.time), b.column(hole.seed), 0, 0], 36


def _forms(b: _Builder, hole: h.Forms) -> tuple[list[int], int]:
    column = b.column(hole.column)
    key = "\0".join(hole.forms)
    if key not in b.choices:
        b.choices[key] = b.forms(hole.forms)
    at, longest = b.choices[key]
    return [FORMS, column, len(hole.forms), at, 0], longest


_COMPILERS: Mapping[type, Callable[[_Builder, Any], tuple[list[int], int]]] = {
    h.Text: _text, h.Int: _int, h.Pad: _pad, h.Decimal: _decimal, h.IPv4: _ipv4, h.Time: _time, h.Pick: _pick,
    h.Hex: _hex, h.Letters: _letters, h.Base62: _base62, h.Uuid4: _uuid4, h.Uuid1: _uuid1, h.Forms: _forms,
}
