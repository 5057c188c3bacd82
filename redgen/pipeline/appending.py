"""Bytes to disk: large pieces past the page cache where the system can, the rest through it."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from redgen.pipeline.staging import writing
from redgen.shards.space import Bytes

_BLOCK = 4096
_BOUNCE = 1 << 23
_WORTH_IT = 1 << 20
_KEEP = 1 << 27
_OPEN_FILES = 64


class Appender:
    """Writes pieces at given places of files below ``root``.

    Through the page cache a run would copy each byte into pages that nobody reads and, in a virtual machine, wait for
    the host to find them; so whole blocks go from a buffer straight to the disk (``O_DIRECT``, open(2)). Where the
    file system refuses that, the cache is used and told to let go of what lies far behind.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, int] = {}
        self._direct: dict[str, int] = {}
        self._flushed: dict[str, tuple[int, int]] = {}
        self._refused = not hasattr(os, "O_DIRECT")
        self._buffer = mmap.mmap(-1, _BOUNCE)  # begins at a page
        self._bounce = np.frombuffer(self._buffer, dtype=np.uint8)

    def write(self, path: str, at: int, pieces: Sequence[Bytes]) -> None:
        """Put ``pieces`` one after the other from byte ``at`` on; SinkError when the disk refuses."""
        with writing(self._root / path):
            for piece in pieces:
                head = min(-at % _BLOCK, len(piece))
                whole = (len(piece) - head) // _BLOCK * _BLOCK
                if whole < _WORTH_IT or self._refused:
                    self._through_cache(path, at, piece)
                    self._let_go(path, at + len(piece))
                else:
                    self._through_cache(path, at, piece[:head])
                    self._past_cache(path, at + head, piece[head : head + whole])
                    self._through_cache(path, at + head + whole, piece[head + whole :])
                at += len(piece)

    def close(self) -> None:
        """Close all files."""
        for fd in [*self._open.values(), *self._direct.values()]:
            os.close(fd)
        self._open.clear()
        self._direct.clear()

    def _through_cache(self, path: str, at: int, piece: Bytes) -> None:
        view = piece.data
        while view:
            done = os.pwrite(self._fd(path), view, at)
            at += done
            view = view[done:]

    def _past_cache(self, path: str, at: int, piece: Bytes) -> None:
        for first in range(0, len(piece), _BOUNCE):
            part = piece[first : first + _BOUNCE]
            self._bounce[: len(part)] = part
            done = self._put_direct(path, at + first, len(part))
            if done < len(part):  # refused, or the disk took a part: go on the usual way, which says why
                self._through_cache(path, at + first + done, part[done:])

    def _put_direct(self, path: str, at: int, size: int) -> int:
        if self._refused:
            return 0
        try:
            return os.pwrite(self._fd(path, direct=True), memoryview(self._buffer)[:size], at)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._refused = True
            return 0

    def _fd(self, path: str, *, direct: bool = False) -> int:
        files = self._direct if direct else self._open
        if path not in files:
            if len(files) >= _OPEN_FILES:
                self.close()
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_DIRECT if direct else 0)
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            files[path] = os.open(self._root / path, flags, 0o644)
        return files[path]

    def _let_go(self, path: str, end: int) -> None:
        """Let go of all but the last ``_KEEP`` bytes before ``end``. Source: posix_fadvise(2), mm/fadvise.c.

        The first time a range is named, Linux begins to write it; the next time it is clean, and leaves the cache.
        """
        begun, before = self._flushed.get(path, (0, 0))
        if end - _KEEP > before and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd(path), begun, end - _KEEP - begun, os.POSIX_FADV_DONTNEED)
            self._flushed[path] = (before, end - _KEEP)
