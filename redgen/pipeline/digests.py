"""SHA-256 of growing files, kept up to date in a thread, and the journal entries that rely on it.

The thread reads back what workers wrote (from the page cache) in shard order, so a journal entry always speaks of
bytes that are there, and says what they must hash to: a resumed run believes nothing that it cannot read back.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redgen.errors import SinkError

_READ = 1 << 20
_KEEP = 1 << 27
"""Bytes of a file's end that stay in the page cache; what lies before goes to the disk and makes room. A long run then
takes no more of the machine's memory than a short one, and in a virtual machine the pages it fills are the same
few again and again, which costs a fraction of filling new ones."""


def sha256_of(path: Path) -> str:
    """The digest of one whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Digests:
    """Running digests of files below ``root``: ``to`` names a file and how many of its bytes are final."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hashes: dict[str, Any] = {}
        self._at: dict[str, int] = {}
        self._flushed: dict[str, tuple[int, int]] = {}
        self._buffer = memoryview(bytearray(_READ))

    def advance(self, ends: Mapping[str, int]) -> dict[str, str]:
        """Hash each file up to its new end; the digests so far, of these files."""
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
                self._flush(path, file.fileno(), at)
            self._at[path] = at
            found[path] = digest.hexdigest()
        return found

    def _flush(self, path: str, fd: int, end: int) -> None:
        """Let go of all but the last ``_KEEP`` bytes before ``end``. Source: posix_fadvise(2), mm/fadvise.c.

        The first time a range is named, Linux begins to write it; the next time it is clean, and leaves the cache.
        """
        begun, before = self._flushed.get(path, (0, 0))
        if end - _KEEP > before and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, begun, end - _KEEP - begun, os.POSIX_FADV_DONTNEED)
            self._flushed[path] = (before, end - _KEEP)

    def digest(self, path: str) -> str:
        """The digest so far of one file."""
        return str(self._hashes[path].hexdigest())


class Follower:
    """A thread that takes finished shards in order, hashes what they added, and then notes them in the journal.

    ``meanwhile`` is done first, while the workers make the next shards.
    """

    def __init__(self, digests: Digests, note: Callable[[dict[str, Any]], None],
                 meanwhile: Callable[[], None]) -> None:
        self._digests = digests
        self._note = note
        self._meanwhile = meanwhile
        self._queue: queue.SimpleQueue[tuple[dict[str, int], dict[str, Any]] | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def put(self, ends: dict[str, int], entry: dict[str, Any]) -> None:
        """Hand over one finished shard; raises what the thread ran into.

        The thread starts with the first shard, when all workers are forked: a fork beside threads is a gamble.
        """
        self._raise()
        self._queue.put((ends, entry))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="redgen-digests", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait until all is hashed and noted."""
        self._queue.put(None)
        if self._thread is None:
            self._run()
        else:
            self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._meanwhile()
            while (item := self._queue.get()) is not None:
                ends, entry = item
                self._note({**entry, "sha256": self._digests.advance(ends)})
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self._failure = error
