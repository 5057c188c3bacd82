"""What happens to a made shard: a thread writes its bytes, another hashes them, then the journal notes it.

Both work from the memory that the shard was made in, in shard order, so a journal entry always speaks of bytes that
were written, and says what they must hash to: a resumed run believes nothing that it cannot read back.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redgen.pipeline.appending import Appender
from redgen.pipeline.digests import Digests
from redgen.shards.space import Bytes


@dataclass
class Addition:
    """What one shard adds: ``parts`` are (path, byte where it begins there, pieces); ``marks``: file -> its bytes.

    ``entry`` goes into the journal when all is written; then ``release`` is called, in the thread, failed or not.
    """

    parts: Sequence[tuple[str, int, Sequence[Bytes]]]
    marks: dict[str, int]
    entry: dict[str, Any]
    release: Callable[[], None]
    written: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Takes additions in shard order. ``meanwhile`` is done first, while the workers make the next shards."""

    def __init__(self, root: Path, digests: Digests, note: Callable[[dict[str, Any]], None],
                 meanwhile: Callable[[], None]) -> None:
        self._files = Appender(root)
        self._digests = digests
        self._note = note
        self._meanwhile = meanwhile
        self._to_write: queue.SimpleQueue[Addition | None] = queue.SimpleQueue()
        self._to_hash: queue.SimpleQueue[Addition | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def put(self, addition: Addition) -> None:
        """Hand over the next shard; raises what the threads ran into.

        They start with the first shard, when all workers are forked: a fork beside threads is a gamble.
        """
        self._raise()
        self._to_write.put(addition)
        self._to_hash.put(addition)
        if not self._threads:
            self._threads = [threading.Thread(target=work, name=f"redgen-{work.__name__}", daemon=True)
                             for work in (self._write, self._hash)]
            for thread in self._threads:
                thread.start()

    def finish(self) -> None:
        """Wait until all is written, hashed and noted."""
        self._to_write.put(None)
        self._to_hash.put(None)
        for thread in self._threads:
            thread.join()
        if not self._threads:
            self._meanwhile()
        self._files.close()
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        while (addition := self._to_write.get()) is not None:
            try:
                if self._failure is None:
                    for path, at, pieces in addition.parts:
                        self._files.write(path, at, pieces)
            except BaseException as error:  # noqa: BLE001 - handed to the main thread
                self._failure = error
            addition.written.set()

    def _hash(self) -> None:
        try:
            self._meanwhile()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            self._failure = error
        while (addition := self._to_hash.get()) is not None:
            try:
                if self._failure is None:
                    self._sign(addition)
            except BaseException as error:  # noqa: BLE001 - handed to the main thread
                self._failure = error
            addition.written.wait()
            addition.release()

    def _sign(self, addition: Addition) -> None:
        """Hash what the shard adds; note it when it is written."""
        seen = self._digests.advance(addition.marks)
        seen |= {path: self._digests.feed(path, at, pieces) for path, at, pieces in addition.parts}
        addition.written.wait()
        if self._failure is None:
            self._note({**addition.entry, "sha256": seen})
