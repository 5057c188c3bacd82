"""Files as they were before gzip or Zstandard, whatever they are called."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO, cast

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How such files begin (RFC 1952, RFC 8878)."""

BUFFER = 8 << 20


def decompressed(path: Path) -> IO[bytes]:
    """The bytes of a plain, gzip or Zstandard file (of any number of frames), told apart by how it begins.

    OSError when it cannot be opened; damage shows while it is read, as EOFError, OSError, zlib.error or ZstdError.
    """
    raw = path.open("rb")
    magic = raw.peek(4)[:4]
    if magic == ZSTD:
        import zstandard

        reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=True)
        return io.BufferedReader(reader, BUFFER)
    if magic[:2] == GZIP:
        raw.close()
        return cast("IO[bytes]", gzip.GzipFile(path))
    return raw
