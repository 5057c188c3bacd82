"""Compressed files are read whole, told by how they begin, however many frames they have."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from redgen.decompress import decompressed
from redgen.records import RecordFile

PARTS = (b'{"a": 1}\n', b'{"a": 2}\n')
FORMS = {"plain": b"".join(PARTS), "gzip": b"".join(map(gzip.compress, PARTS)),
         "zstd": b"".join(zstandard.ZstdCompressor().compress(p) for p in PARTS)}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_frame_is_read(tmp_path: Path, content: bytes) -> None:
    """Two members or frames, one file, under a name that says nothing; alerts and logs alike."""
    file = tmp_path / "log"
    file.write_bytes(content)
    with decompressed(file) as stream:
        assert stream.read() == b"".join(PARTS)
    assert [text for _, text in RecordFile(file, "log").lines()] == ['{"a": 1}', '{"a": 2}']


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    """As it is."""
    (tmp_path / "log").touch()
    with decompressed(tmp_path / "log") as stream:
        assert stream.read() == b""
