"""Reading YAML: a strict subset, positions, overrides; and every mistake named at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from redgen.errors import DataError, SpecError
from redgen.spec.loader import load_yaml, override
from redgen.spec.model import Cited, Count, Duration, Number, Spec, Time


class Wheel(Cited):
    """A part."""

    size: Number
    spokes: tuple[Count, ...] = ()


class Bike(Spec):
    """A whole."""

    name: str
    kind: Literal["road", "gravel"] = "road"
    gears: Annotated[int, Field(ge=1)] = 1
    wheels: dict[str, Wheel] = Field(default_factory=dict)
    price: int | tuple[int, ...] | dict[str, int] = 0
    ride: Duration = 0
    built: Time = 0


def problems(text: str, *settings: str) -> list[str]:
    """What is wrong with a bike."""
    try:
        override(load_yaml(text, "b.yaml"), settings).validate(Bike)
    except SpecError as error:
        return [str(p) for p in error.problems]
    return []


def test_plain_values_mean_what_they_look_like() -> None:
    text = "a: no\nb: 12:30\nc: 1e3\nd: 0x1f\ne: 1_000\nf: '7'\ng: ~\nh: 2026-01-02\ni: 010\n1: x\n\"t\": true\nj: .5"
    assert load_yaml(text).data == {
        "a": "no", "b": "12:30", "c": 1000.0, "d": 31, "e": 1000, "f": "7", "g": None, "h": "2026-01-02", "i": "010",
        "1": "x", "t": True, "j": 0.5,
    }


def test_a_sound_file_becomes_a_frozen_model() -> None:
    text = "name: x\nride: 1h30m\nbuilt: 2026-01-01\nwheels: {front: {size: {value: 2, source: measured}, spokes: [1]}}"
    bike = load_yaml(text).validate(Bike)
    assert (bike.ride, bike.wheels["front"].size, bike.wheels["front"].spokes) == (5_400_000_000, 2.0, (1,))
    assert bike.built == 1_767_225_600_000_000
    with pytest.raises(ValueError, match="frozen"):
        bike.name = "y"  # type: ignore[misc]


def test_every_mistake_is_named_with_line_and_remedy() -> None:
    text = """\
nmae: x
kind: raod
gears: 0
wheels:
  front: {size: big, spoks: [1]}
  back:
    spokes: [1, -2]
price: {a: b}
ride: 5
built: yesterday
"""
    assert problems(text) == [
        "b.yaml:1: name: missing; this key is required",
        "b.yaml:1: nmae: unknown key; did you mean 'name'?",
        "b.yaml:2: kind: the text 'raod' is not allowed; did you mean 'road'?",
        "b.yaml:3: gears: should be greater than or equal to 1, not 0",
        "b.yaml:5: wheels.front.size: should be a number, not the text 'big'",
        "b.yaml:5: wheels.front.spoks: unknown key; did you mean 'spokes'?",
        "b.yaml:6: wheels.back.size: missing; this key is required",
        "b.yaml:7: wheels.back.spokes.1: should be greater than or equal to 0, not -2",
        "b.yaml:8: price.a: should be a whole number, not the text 'b'",
        "b.yaml:9: ride: write a duration with its unit, for example 90s, 5m, 1h30m, 7d, not 5",
        "b.yaml:10: built: 'yesterday' is not a time; write for example 2026-01-12T00:00:00Z",
    ]


def test_types_are_not_bent() -> None:
    assert problems("name: 7\ngears: true\nprice: 1.5") == [
        "b.yaml:1: name: should be text, not 7",
        "b.yaml:2: gears: should be a whole number, not true",
        ("b.yaml:3: price: should be a whole number, not 1.5; or should be a list, not 1.5; "
         "or should be a mapping (key: value), not 1.5"),
    ]
    assert problems("[]") == ["b.yaml:1: should be a mapping (key: value), not a list"]


@pytest.mark.parametrize(("text", "message"), [
    ("", "empty; nothing is written here"),
    ("# only a comment\n", "empty; nothing is written here"),
    ("a: 1\nb: 2\na: 3\n", "b.yaml:3: a: duplicate key; it is first written on line 1"),
    ("a:\n  x: 1\n  x: 2\n", "b.yaml:3: x: duplicate key; it is first written on line 2"),
    ("a:\n\tb: 1\n", "b.yaml:2: not YAML: tab used for indentation; indent with spaces"),
    ("a: [1, 2\n", "b.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'"),
    ("a: !!python/object:os.system x\n", "tags are not supported"),
    ("a: !!binary aGk=\n", "tags are not supported"),
    ("a: *x\n", "b.yaml:1: unknown or recursive alias *x"),
    ("a: &x [*x]\n", "b.yaml:1: unknown or recursive alias *x"),
    ("<<: {a: 1}\n", "b.yaml:1: <<: merge keys are not supported; write the keys out"),
    ("a: 1\n---\nb: 2\n", "b.yaml:2: a second document begins; write one per file"),
    ("? [a, b]\n: 1\n", "b.yaml:1: a key must be plain text"),
    ("a: 1e999\n", "too large a number"),
    ("a: " + "9" * 5000 + "\n", "too large a number"),
    ('a: "\\ud800"\n', "escape of a control character or half a character"),
    ('a: "\\UFFFFFFFF"\n', "an escape sequence stands for no character"),
    ("a: \x00\n", "b.yaml:1: control character U+0000; is this a text file?"),
    ("[" * 100_000, "b.yaml:1: nested deeper than 40 levels"),
    ("- " * 5_000 + "x", "b.yaml:1: nested deeper than 40 levels"),
], ids=lambda v: repr(v)[:30])
def test_what_is_not_our_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_yaml(text, "b.yaml")
    assert message in str(caught.value)


def test_aliases_are_fine_until_they_explode() -> None:
    assert load_yaml("a: &x {k: 1}\nb: *x\n").data == {"a": {"k": 1}, "b": {"k": 1}}
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(SpecError, match=r"b\.yaml:\d+: aliases expand to more than"):
        load_yaml(bomb, "b.yaml")


def test_all_duplicates_and_tags_of_a_file_are_told_together() -> None:
    with pytest.raises(SpecError) as caught:
        load_yaml("a: 1\na: 2\nb: !x 3\nc: 4\nc: 5\n", "b.yaml")
    assert [p.line for p in caught.value.problems] == [2, 3, 5]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*nowhere\.yaml: No such file"):
        load_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(DataError, match="Is a directory"):
        load_yaml(tmp_path)
    with pytest.raises(DataError, match="cannot read"):
        load_yaml(Path("a\0b"))
    binary = tmp_path / "x.yaml"
    binary.write_bytes(b"a: 1\nb: \xff\xfe\n")
    with pytest.raises(SpecError, match=r"x\.yaml:2: not UTF-8 text; is this a text file\?"):
        load_yaml(binary)
    with pytest.raises(SpecError, match="this is no specification"):
        load_yaml(Path("/dev/zero"))


def test_a_byte_order_mark_and_windows_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n- 2\r\n")
    assert load_yaml(path).data == {"a": 1, "b": [2]}


def test_settings_change_values_anywhere() -> None:
    document = load_yaml("name: x\nprice: [1, 2]\nwheels: {f: {size: 1}}\n")
    changed = override(document, ["price.1=7", "wheels.f.size=2.5", "wheels.b={size: 9}", "ride=5m", "kind=gravel"])
    assert changed.data == {"name": "x", "price": [1, 7], "wheels": {"f": {"size": 2.5}, "b": {"size": 9}},
                            "ride": "5m", "kind": "gravel"}
    assert document.data["price"] == [1, 2]


def test_faulty_settings_are_named_as_such() -> None:
    text = "name: x\nprice: [1, 2]\n"
    assert problems(text, "gears=0", "kind=raod") == [
        "--set gears=0: gears: should be greater than or equal to 1, not 0",
        "--set kind=raod: kind: the text 'raod' is not allowed; did you mean 'road'?",
    ]
    assert problems(text, "price.5=1", "name.first=x", "gears", "=1", "ride=[") == [
        "--set =1: write --set dotted.key=value, for example --set window.duration=1d",
        "--set gears: write --set dotted.key=value, for example --set window.duration=1d",
        "--set name.first=x: name.first: name is a value, not a mapping",
        "--set price.5=1: price.5: this list holds entries 0 to 1",
        "--set ride=[: ride: not YAML: expected the node content, but found '<stream end>'",
    ]


def test_parts_and_overlays_keep_their_places() -> None:
    base = load_yaml("world: {size: 1, list: [1, 2]}\n", "base.yaml")
    over = load_yaml("id: s\n\nworld:\n  size: big\n  list: [3]\n", "over.yaml")
    both = base.at("world").overlay(over.at("world"))
    assert both.data == {"size": "big", "list": [3]}
    with pytest.raises(SpecError) as caught:
        both.validate(Wheel)
    assert [str(p) for p in caught.value.problems] == [
        "over.yaml:4: world.size: should be a number, not the text 'big'",
        "over.yaml:5: world.list: unknown key; allowed: note, size, source, spokes",
    ]
    with pytest.raises(KeyError):
        base.at("nothing")


def test_messages_shorten_what_is_long() -> None:
    (found,) = problems("name: x\nkind: " + "y" * 500)
    assert len(found) < 120


def test_context_reaches_validators() -> None:
    from pydantic import ValidationInfo, field_validator

    class Asks(Spec):
        name: str

        @field_validator("name")
        @classmethod
        def _known(cls, value: str, info: ValidationInfo) -> str:
            known: Any = info.context
            if value not in known:
                raise ValueError(f"unknown name {value!r}")
            return value

    assert load_yaml("name: a").validate(Asks, ["a"]).name == "a"
    with pytest.raises(SpecError, match="text:1: name: unknown name 'b'"):
        load_yaml("name: b").validate(Asks, ["a"])
