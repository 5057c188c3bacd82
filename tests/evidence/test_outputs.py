"""Outputs are written whole or not at all, and a target that cannot be written is said with its remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from redgen.errors import SinkError
from redgen.evidence import outputs
from tests.evidence.cards import empty, losing


@pytest.mark.parametrize("kind", outputs.OUTPUTS)
@pytest.mark.parametrize("make", [losing, empty])
def test_every_kind_is_written(kind: str, make, tmp_path: Path) -> None:
    target = tmp_path / outputs.OUTPUTS[kind].filename
    target.write_text("an older one")
    outputs.write(make(), kind, target)
    first = target.read_bytes()
    assert len(first) > 30 and first != b"an older one"
    outputs.write(make(), kind, target)
    assert target.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [target.name], "no half file is left"


def test_a_new_file_may_be_read_by_others(tmp_path: Path) -> None:
    known = os.umask(0o022)
    try:
        outputs.save("x", tmp_path / "x")
    finally:
        os.umask(known)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("target", "remedy"), [
    ("missing/report.html", "make the directory"), (".", "name a file in it"), ("file/report.html", "make the directory")])
def test_a_target_that_cannot_be_written(target: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=remedy):
        outputs.save("x", tmp_path / target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device() -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        outputs.save("x" * 100_000, Path("/dev/full"))
