"""Worker processes: each makes shards in memory that it shares with the parent, which keeps the order and writes.

There is one block of memory more than workers, so that each can go on while a made shard is written. Blocks are given
out in shard order: the shard that all wait for always has one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from redgen.errors import RedgenError, SinkError
from redgen.pipeline.arena import Arena, arenas
from redgen.pipeline.maker import Made, Maker
from redgen.pipeline.memory import collect_seldom, keep_memory
from redgen.shards.shard import ShardPlan
from redgen.shards.space import Bytes

PlanFactory = Callable[[], ShardPlan]
Link = Connection  # one end of a pipe


@dataclass(frozen=True)
class Held:
    """A made shard and the block it is in; ``release`` gives the block back, from any thread."""

    made: Made
    block: Bytes
    release: Callable[[], None]


def alone(plan: ShardPlan, root: Path, shards: range) -> Generator[Held, None, None]:
    """Make ``shards`` in this process, in order."""
    maker = Maker(plan, root)
    free: queue.SimpleQueue[Arena] = queue.SimpleQueue()
    for arena in arenas(2, inherited=True):
        free.put(arena)
    for shard in shards:
        arena = free.get()
        block = arena.block()
        yield Held(maker.make(shard, block), block, partial(free.put, arena))


def crew(factory: PlanFactory, root: Path, shards: range, *, jobs: int,
         close_in_child: Sequence[int] = ()) -> Generator[Held, None, None]:
    """Make ``shards`` in ``jobs`` processes; yields them in order, however they come.

    ``factory`` gives the plan: with fork it is called in the parent's memory image, with spawn it is pickled and
    builds the plan anew. ``close_in_child``: file descriptors that children must not hold open.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    fork = context.get_start_method() == "fork"
    jobs = min(jobs, len(shards))
    shared = arenas(jobs + 1, inherited=fork)
    pipes = [context.Pipe() for _ in range(jobs)]
    told, tell = context.Pipe(duplex=False)
    processes = []
    try:
        for k, (_, theirs) in enumerate(pipes):
            ends = [end for pair in pipes for end in pair if end is not theirs]
            spare = [end.fileno() for end in (*ends, told, tell)] if fork else []
            process = context.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, shared, factory, root, [*spare, *close_in_child] if fork else []),
                name=f"redgen-{k}", daemon=True)
            with uninterrupted():
                process.start()
            processes.append(process)
        for _, theirs in pipes:
            theirs.close()
        yield from _Direction([ours for ours, _ in pipes], processes, shared, told, tell).run(shards)
    finally:
        for ours, _ in pipes:
            ours.close()  # ``told`` and ``tell`` close when the writer is done with them
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


@contextmanager
def uninterrupted() -> Generator[None, None, None]:
    """Interrupts wait until the body is done.

    One that is raised while a process forks would leave a lock that another module holds meanwhile (logging's) locked
    for good, and the next thread that asks for it, and everybody who waits for that thread, with it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {s: signal.signal(s, lambda number, _frame: came.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if came:
        signal.raise_signal(came[0])


class _Direction:
    """The parent's side: hand out shards with blocks, collect what is made, yield it in order."""

    def __init__(self, links: list[Link], processes: list[Any], shared: list[Arena], told: Link, tell: Link) -> None:
        self._links, self._processes = links, dict(zip(links, processes, strict=True))
        self._blocks = [arena.block() for arena in shared]
        self._told, self._tell = told, tell
        self._idle, self._free = list(links), list(range(len(shared)))
        self._made: dict[int, Held] = {}

    def run(self, shards: range) -> Generator[Held, None, None]:
        """All of ``shards``, in order."""
        todo = iter(shards)
        for shard in shards:
            self._hand_out(todo)
            while shard not in self._made:
                self._listen()
                self._hand_out(todo)
            yield self._made.pop(shard)

    def _hand_out(self, todo: Iterator[int]) -> None:
        while self._idle and self._free and (shard := next(todo, None)) is not None:
            self._idle.pop(0).send((shard, self._free.pop(0)))

    def _listen(self) -> None:
        for ready in wait([*self._links, self._told]):
            link = cast("Link", ready)
            if link is self._told:
                self._free.append(link.recv())
                continue
            slot, made = _hear(link, self._processes[link])
            self._made[made.report.shard] = Held(made, self._blocks[slot], partial(_give_back, self._tell, slot))
            self._idle.append(link)


def _give_back(tell: Link, slot: int) -> None:
    """Say that a block is free; nobody listens any more when all shards are made."""
    with contextlib.suppress(OSError):
        tell.send(slot)


def _hear(link: Link, process: Any) -> tuple[int, Made]:
    """The block and shard that a worker made; raises what it failed with, or SinkError when it is gone."""
    try:
        failed, body = link.recv()
    except (EOFError, ConnectionResetError):
        process.join(5)
        raise SinkError(f"a worker process died (exit code {process.exitcode}), perhaps for lack of memory; "
                        "use fewer --jobs, or a shorter `shard` in the scenario") from None
    if failed:
        error, trace = body
        if not isinstance(error, RedgenError):
            error.add_note(f"in a worker process:\n{trace}")
        raise error
    return cast("tuple[int, Made]", body)


def _serve(link: Link, shared: Sequence[Arena], factory: PlanFactory, root: Path, spare: Sequence[int]) -> None:
    """A worker's life: until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for fd in spare:
        os.close(fd)
    keep_memory()
    collect_seldom()
    try:
        maker, blocks = Maker(factory(), root), [arena.block() for arena in shared]
        while True:
            shard, slot = link.recv()
            link.send((False, (slot, maker.make(shard, blocks[slot]))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # noqa: BLE001 - goes to the parent, which raises it
        _tell(link, error)


def _tell(link: Link, error: Exception) -> None:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever does not pickle
        error = RuntimeError(f"{type(error).__name__}: {error}")
    try:
        link.send((True, (error, trace)))
    except OSError:
        return
