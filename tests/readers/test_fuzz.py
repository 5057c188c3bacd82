"""Whatever stands in a file, reading it ends in alerts or in one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redgen.errors import RedgenError
from redgen.reader import AUTO, Options, read_alerts
from redgen.registry import READERS
from tests.readers.test_contract import FILES, SAMPLES

SEEDS = [(path.name.split(".")[0], path.read_bytes()) for path in FILES]
FORMS = [AUTO, *(name for name in READERS.names() if name != "redgen_native")]
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
                     max_leaves=4)
WORDS = sorted({word for _, seed in SEEDS for word in seed.decode().replace('"', " ").split() if word.isascii()})


def outcome(path: Path, data: bytes, form: str) -> None:
    """Reads, or says in words why not."""
    path.write_bytes(data)
    options = Options(SAMPLES / "generic.mapping.yaml") if form == "generic" else None
    try:
        read_alerts(path, form, options)
    except RedgenError as error:
        assert str(path) in str(error)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_files(tmp_path: Path, sample: tuple[str, bytes], data: st.DataObject) -> None:
    """A sample with a piece cut out or replaced, read as what it is, as what it seems, or as any format."""
    own, seed = sample
    form = data.draw(st.sampled_from([own, own, AUTO, *FORMS]))
    start = data.draw(st.integers(0, len(seed)))
    stop = data.draw(st.integers(start, min(len(seed), start + 40)))
    outcome(tmp_path / "a", seed[:start] + data.draw(st.binary(max_size=6)) + seed[stop:], form)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(WORDS), VALUE, max_size=5), max_size=3), st.sampled_from(FORMS))
def test_strange_records(tmp_path: Path, records: list[dict[str, Any]], form: str) -> None:
    """Records of any values under the formats' own keys."""
    outcome(tmp_path / "a", "".join(json.dumps(r) + "\n" for r in records).encode(), form)


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 100_000, "[1, 2]", '"x"', "{}", "{}\n{}", '{"hits": {"hits": [1]}}', "\x00" * 9,
                                  "a,b\n1,2,3\n", "a: [", "- a\n- b: 1\n", '{"results": [{}]}', "[[{}]]", "null"])
@pytest.mark.parametrize("form", READERS.names())
def test_odd_documents(tmp_path: Path, text: str, form: str) -> None:
    """Documents of the wrong kind, for every format."""
    outcome(tmp_path / "a", text.encode(), form)
