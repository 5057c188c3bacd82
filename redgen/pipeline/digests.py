"""SHA-256 of growing files: of bytes as they are handed over, or read back from the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redgen.errors import SinkError
from redgen.shards.space import Bytes

_READ = 1 << 20


def sha256_of(path: Path) -> str:
    """The digest of one whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Digests:
    """Running digests of files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hashes: dict[str, Any] = {}
        self._at: dict[str, int] = {}
        self._buffer = memoryview(bytearray(_READ))

    def advance(self, ends: Mapping[str, int]) -> dict[str, str]:
        """Hash each file up to its new end, from the disk; the digests so far, of these files."""
        found = {}
        for path, end in ends.items():
            digest = self._hashes.setdefault(path, hashlib.sha256())
            at = self._at.get(path, 0)
            with (self.root / path).open("rb", buffering=0) as file:
                file.seek(at)
                while at < end:
                    got = file.readinto(self._buffer[: end - at])
                    if not got:
                        raise SinkError(f"{self.root / path} is shorter than what was written to it; is the disk full?")
                    digest.update(self._buffer[:got])
                    at += got
            self._at[path] = at
            found[path] = digest.hexdigest()
        return found

    def feed(self, path: str, at: int, pieces: Sequence[Bytes]) -> str:
        """Hash what the file has before byte ``at``, if that was not done, then ``pieces``; the digest so far."""
        if self._at.get(path, 0) < at:
            self.advance({path: at})
        digest = self._hashes.setdefault(path, hashlib.sha256())
        for piece in pieces:
            digest.update(piece.data)
            at += len(piece)
        self._at[path] = at
        return str(digest.hexdigest())

    def digest(self, path: str) -> str:
        """The digest so far of one file."""
        return str(self._hashes[path].hexdigest())
