"""Bytes reach the disk the same whether they pass the page cache or not, wherever pieces begin and end."""

from __future__ import annotations

import errno
import os
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.errors import SinkError
from redgen.pipeline.appending import Appender
from redgen.seed import Seed

_MEGA = 1 << 20
LENGTHS = st.lists(st.sampled_from([0, 1, 17, 4095, 4096, 4097, _MEGA - 1, _MEGA + 4096, 3 * _MEGA + 5, 9 * _MEGA]),
                   min_size=1, max_size=6)


def pieces(lengths: list[int]) -> list[np.ndarray]:
    whole = Seed(1).stream().u64(sum(lengths) // 8 + 1).view(np.uint8)
    return [whole[a:b] for a, b in pairwise([0, *accumulate(lengths)])]


@settings(max_examples=25, deadline=None)
@given(head=st.binary(max_size=5000), lengths=LENGTHS, at_once=st.booleans())
def test_a_file_holds_what_was_put_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, lengths: list[int], at_once: bool
) -> None:
    root, parts = tmp_path_factory.mktemp("appended"), pieces(lengths)
    (root / "log").write_bytes(head)
    files, at = Appender(root), len(head)
    for some in [parts] if at_once else [[part] for part in parts]:
        files.write("log", at, some)
        at += sum(len(part) for part in some)
    files.close()
    assert (root / "log").read_bytes() == head + b"".join(part.tobytes() for part in parts)


def test_many_files_take_turns(tmp_path: Path) -> None:
    files, part = Appender(tmp_path), pieces([2 * _MEGA + 3])[0]
    for turn in range(2):
        for n in range(70):  # more than are held open
            files.write(f"log.{n}", turn * len(part), [part])
    files.close()
    assert all((tmp_path / f"log.{n}").read_bytes() == part.tobytes() * 2 for n in range(70))


def test_a_file_system_that_knows_no_direct_writes_gets_ordinary_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & getattr(os, "O_DIRECT", 0):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return opened(path, flags, mode)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    files, parts = Appender(tmp_path), pieces([2 * _MEGA, 5 * _MEGA + 1])
    files.write("log", 0, parts)
    files.close()
    assert (tmp_path / "log").read_bytes() == b"".join(part.tobytes() for part in parts)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, Linux's disk that is always full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(SinkError, match="No space left"):
        Appender(tmp_path).write("log", 0, pieces([3 * _MEGA]))
