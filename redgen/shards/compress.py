"""Compression in frames that stand alone, so that the bytes do not depend on how work was shared."""

from __future__ import annotations

import zlib
from collections.abc import Callable

Frame = Callable[[bytes], bytes]


def _plain(data: bytes) -> bytes:
    return data


def _gzip(data: bytes) -> bytes:
    """One gzip member without name or time; members one after another are one gzip file (RFC 1952)."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    return squeeze.compress(data) + squeeze.flush()


def _zstd(data: bytes) -> bytes:
    """One Zstandard frame with its size; frames one after another are one file (RFC 8878)."""
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(data)


COMPRESSORS: dict[str, tuple[str, Frame]] = {"": ("", _plain), "gzip": (".gz", _gzip), "zstd": (".zst", _zstd)}
"""Name in the scenario -> (file suffix, how one frame is made)."""
