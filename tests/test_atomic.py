"""A file is there whole or not at all, and what is no file of one's own is left what it is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from redgen.atomic import whole, writable
from redgen.errors import SinkError


def test_what_ends_well_is_there_with_the_rights_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    with whole(tmp_path / "x") as out:
        out.write(b"one")
        assert not (tmp_path / "x").exists()
    assert (tmp_path / "x").read_bytes() == b"one"
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_what_is_broken_off_leaves_the_old_file_and_no_rest(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(error), whole(tmp_path / "x") as out:
        out.write(b"half")
        raise error
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x", "old")]


@pytest.mark.parametrize(("name", "said"), [
    ("", "is a directory; name a file in it"), ("no/where/x", "cannot be written; make the directory"),
    ("file/x", "cannot be written; make the directory")])
def test_what_cannot_be_written_is_told_beforehand(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=said):
        writable(tmp_path / name)
    with pytest.raises(SinkError, match=said), whole(tmp_path / name):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with whole(tmp_path / "pipe") as out:
        out.write(b"through")
    reader.join()
    assert read == [b"through"]
    assert (tmp_path / "pipe").is_fifo()
