"""The kernel against a slow reference, hole by hole and all together; and what it refuses."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import PluginError
from redgen.render import escapes
from redgen.render import holes as h
from redgen.render.template import BLOCK, Template
from redgen.table import Table
from redgen.vocabulary import Vocabulary
from tests.render import reference

I64 = st.integers(-(2**63), 2**63 - 1) | st.integers(-1000, 1000) | st.sampled_from([10**k for k in range(19)])
U64 = st.integers(0, 2**64 - 1)
YEAR_1, YEAR_10000 = -62_135_596_800 * 10**6, 253_402_300_800 * 10**6
DAY = 86_400 * 10**6
TIMES = st.integers(YEAR_1 + DAY, YEAR_10000 - DAY - 1) | st.integers(17 * 10**14, 18 * 10**14)
WORDS = st.lists(st.text(max_size=40), min_size=1, max_size=5)

HOLES: dict[str, tuple[h.Hole, str, st.SearchStrategy[int]]] = {
    "text": (h.Text(Vocabulary.of(["", "a", "naïve ☃", "x" * 50]), "code"), "code", st.integers(0, 3)),
    "maybe": (h.Text(Vocabulary.of(["ok", "s" * 33]), "maybe", missing="—"), "maybe", st.integers(-1, 1)),
    "int": (h.Int("int"), "int", I64),
    "zeros": (h.Pad("int", 6), "int", I64),
    "blanks": (h.Pad("int", 8, " "), "int", I64),
    "ms": (h.Decimal("int", 3), "int", I64),
    "trim": (h.Decimal("int", 6, trim=True), "int", I64),
    "nano": (h.Decimal("int", 18), "int", I64),
    "ip": (h.IPv4("ip"), "ip", st.integers(0, 2**32 - 1)),
    "pick": (h.Pick(Vocabulary.of(["red", "", "grün"]), "seed", salt=2), "seed", U64),
    "hex": (h.Hex("seed", 33), "seed", U64),
    "hex2": (h.Hex("seed", 2, salt=9), "seed", U64),
    "letters": (h.Letters("seed", "ab+", 7), "seed", U64),
    "some": (h.Letters("seed", h.BASE64, 0, 43, salt=3), "seed", U64),
    "uid": (h.Base62("seed"), "seed", U64),
    "uid64": (h.Base62("seed", 64), "seed", U64),
    "uuid4": (h.Uuid4("seed"), "seed", U64),
    "uuid1": (h.Uuid1("t", "seed"), "t", TIMES),
    "inner": (h.Forms(["<@{int}>", "@{text}@{deep}", "plain"], "inner"), "inner", st.integers(-1, 2)),
    "deep": (h.Forms(["[@{ip}]", ""], "deep"), "deep", st.integers(-1, 1)),
}
HOLES |= {f"t_{s}": (h.Time("t", s), "t", TIMES) for s in h.TIME_STYLES}
HOLES |= {f"east_{s}": (h.Time("t", s, 345), "t", TIMES) for s in h.TIME_STYLES}
HOLES |= {f"west_{s}": (h.Time("t", s, -570), "t", TIMES) for s in h.TIME_STYLES}
COLUMNS = {column: strategy for _, column, strategy in HOLES.values()}
ROW = st.fixed_dictionaries(COLUMNS)
KINDS = {name: hole for name, (hole, _, _) in HOLES.items()}
ONE_BY_ONE = {name: Template([f"@{{{name}}}"], KINDS) for name in KINDS}
FORMS = ["", *(f"{k} is @{{{k}}}." for k in KINDS), "".join(f"@{{{k}}}" for k in KINDS), "no holes é\n"]
ALL = Template(FORMS, KINDS)


def columns(rows: list[dict[str, int]]) -> dict[str, np.ndarray]:
    """Rows as arrays; seeds as u64, the rest as int64."""
    kinds = {"seed": "u8", "ip": "u4", "code": "i1", "deep": "i2"}
    return {name: np.array([r[name] for r in rows], dtype=kinds.get(name, "i8")) for name in rows[0]}


@pytest.mark.parametrize("name", KINDS)
@given(rows=st.lists(ROW, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_every_hole_writes_what_the_reference_writes(name: str, rows: list[dict[str, int]]) -> None:
    expected = [reference.render([f"@{{{name}}}"], KINDS, row) for row in rows]
    assert ONE_BY_ONE[name].texts(columns(rows)) == expected
    assert max(len(e.encode()) for e in expected) <= ONE_BY_ONE[name].longest


@given(rows=st.lists(st.fixed_dictionaries({**COLUMNS, "form": st.integers(0, len(FORMS) - 1)}), min_size=1))
@settings(max_examples=100, deadline=None)
def test_forms_side_by_side(rows: list[dict[str, int]]) -> None:
    assert ALL.texts(columns(rows)) == [reference.render(FORMS, KINDS, row) for row in rows]


@given(words=WORDS, texts=st.lists(st.text(max_size=30).filter(lambda s: "@{" not in s), min_size=2, max_size=2))
@settings(max_examples=60, deadline=None)
def test_any_text_around_any_words(words: list[str], texts: list[str]) -> None:
    template = Template([f"{texts[0]}@{{w}}{texts[1]}"], {"w": h.Text(Vocabulary.of(words), "w")})
    assert template.texts({"w": np.arange(len(words))}) == [texts[0] + w + texts[1] for w in words]


def test_times_keep_their_day_from_row_to_row() -> None:
    days = np.arange(YEAR_1 // 86_400_000_000, YEAR_10000 // 86_400_000_000, 4_999) * 86_400_000_000
    template = Template(["@{t}"], {"t": h.Time("t", "iso_us_z")})
    expected = [reference.render(["@{t}"], {"t": h.Time("t", "iso_us_z")}, {"t": int(t)}) for t in days]
    assert template.texts({"t": days}) == expected
    assert template.texts({"t": days[::-1].copy()}) == expected[::-1]


def test_buffers_grow_and_blocks_join() -> None:
    n = 2 * BLOCK + 17
    words = Vocabulary.of(["x" * k for k in range(300)])
    template = Template(["@{w}|@{n}\n"], {"w": h.Text(words, "w"), "n": h.Int("n")})
    records = {"w": np.arange(n) % 300, "n": np.arange(n)}
    data, ends = template.render(records)
    lines = data.tobytes().decode().splitlines(keepends=True)
    assert lines == [f"{'x' * (k % 300)}|{k}\n" for k in range(n)]
    assert ends.tolist() == np.cumsum([len(line) for line in lines]).tolist()
    part, part_ends = template.render(records, slice(5, BLOCK + 9))
    assert part.tobytes().decode() == "".join(lines[5 : BLOCK + 9])
    assert part_ends[-1] == len(part)


def test_a_given_buffer_is_used_when_it_is_large_enough() -> None:
    template = Template(["@{n},"], {"n": h.Int("n")})
    buffer = np.empty(10_000, dtype=np.uint8)
    data, _ = template.render({"n": np.arange(100)}, out=buffer)
    assert data.base is buffer
    small, _ = template.render({"n": np.arange(100)}, out=np.empty(10, dtype=np.uint8))
    assert small.tobytes() == data.tobytes()


def test_no_rows_no_bytes() -> None:
    template = Template(["a@{n}"], {"n": h.Int("n")})
    data, ends = template.render({"n": np.zeros(0, dtype=np.int64)})
    assert len(data) == len(ends) == 0


def test_a_form_without_holes_repeats_once_per_record() -> None:
    assert Template(["x\n"], {}).texts(Table({"id": "u8"}, 3)) == ["x\n"] * 3


@pytest.mark.parametrize(("hole", "value", "message"), [
    (h.Text(Vocabulary.of(["a", "b"]), "c"), 2, "hole 'h': column 'c' holds 2, allowed 0..1"),
    (h.Text(Vocabulary.of(["a", "b"]), "c"), -1, "holds -1, allowed 0..1"),
    (h.Text(Vocabulary.of(["a", "b"]), "c", missing=""), -2, "holds -2, allowed -1..1"),
    (h.Text(Vocabulary.of([]), "c"), 0, "holds 0"),
    (h.Forms(["x"], "c"), 1, "holds 1, allowed -1..0"),
    (h.Forms(["x"], "c"), -(2**63), "allowed -1..0"),
    (h.IPv4("c"), -1, "not an IPv4 address"),
    (h.IPv4("c"), 2**32, "not an IPv4 address"),
    (h.Time("c", "iso_s_z"), YEAR_10000, "not a time"),
    (h.Time("c", "epoch_us", -1), YEAR_1, "not a time"),
    (h.Time("c", "clf"), 2**63 - 1, "not a time"),
])
def test_codes_out_of_range_are_refused_by_name(hole: h.Hole, value: int, message: str) -> None:
    template = Template(["ok@{h}"], {"h": hole})
    with pytest.raises(PluginError, match=re.escape(message)):
        template.render({"c": np.array([value])})


def test_a_form_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PluginError, match=r"column 'form' holds form 2, allowed 0\.\.1"):
        Template(["a", "b"], {}).render({"form": np.array([0, 1, 2])})


@pytest.mark.parametrize(("holes", "message"), [
    ({"statu": h.Int("s")}, "unknown hole 'status'; did you mean 'statu'?"),
    ({"status": h.Forms(["@{status}"], "s")}, "contains itself: status > status"),
    ({"status": h.Time("s", "iso")}, "unknown time style 'iso'"),
    ({"status": h.Pick(Vocabulary.of([]), "s")}, "the vocabulary is empty"),
    ({"status": h.Pad("s", 3, "x")}, "fill is"),
    ({"status": h.Decimal("s", 0)}, r"digits is 1\.\.18"),
    ({"status": h.Letters("s", "é", 2)}, "ASCII"),
])
def test_ill_made_templates_are_refused(holes: dict[str, h.Hole], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Template(["@{status}"], holes)


def test_columns_must_be_integers() -> None:
    with pytest.raises(PluginError, match="float64"):
        Template(["@{x}"], {"x": h.Int("x")}).render({"x": np.zeros(2)})


def test_drawn_text_is_well_formed_and_spread() -> None:
    seeds = np.arange(5000, dtype=np.uint64)
    template = Template(["@{a} @{b} @{c}"], {"a": h.Uuid4("s"), "b": h.Base62("s"), "c": h.Letters("s", h.BASE62, 1)})
    rows = [line.split(" ") for line in template.texts({"s": seeds})]
    assert all(str(uuid.UUID(a)) == a and uuid.UUID(a).version == 4 for a, _, _ in rows)
    assert len({a for a, _, _ in rows}) == len({b for _, b, _ in rows}) == 5000
    lengths = np.bincount([len(b) for _, b, _ in rows])
    assert lengths.argmax() == 17
    assert lengths[16:].sum() >= 4_900  # Zeek writes 17 or 18 characters with its prefix, seldom fewer
    assert len({c for _, _, c in rows}) == 62


@given(st.text())
def test_escapes_are_what_their_readers_undo(text: str) -> None:
    import json
    assert json.loads(f'"{escapes.json_text(text)}"') == text
    shown = escapes.nginx_default(text)
    assert shown.isascii() and '"' not in shown
    assert re.sub(rb"\\x([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), shown.encode()) == text.encode()
    tsv = escapes.zeek_tsv(text)
    assert "\t" not in tsv and "\n" not in tsv and tsv not in ("", "-")
