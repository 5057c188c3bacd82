"""Worker processes: each makes shards and writes them where the parent says; the parent alone keeps the order.

One shard goes through three messages: the parent says ``make``, the worker answers with a ``Report`` (how much it
will write), the parent grants the places in the files as soon as all earlier shards have reported, the worker writes.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from redgen.errors import RedgenError, SinkError
from redgen.pipeline.ledger import Base, Report
from redgen.pipeline.maker import Maker
from redgen.pipeline.memory import collect_seldom, keep_memory
from redgen.pipeline.shard import ShardPlan

Grant = Callable[[Report], list[dict[int, Base]]]
PlanFactory = Callable[[], ShardPlan]
Link = Connection  # one end of a pipe


def alone(plan: ShardPlan, root: Path, shards: range, grant: Grant) -> Generator[Report, None, None]:
    """Make ``shards`` in this process; yields each report when its bytes are written."""
    maker = Maker(plan, root)
    try:
        for shard in shards:
            report = maker.make(shard)
            maker.write(grant(report))
            yield report
    finally:
        maker.close()


def crew(factory: PlanFactory, root: Path, shards: range, grant: Grant, *, jobs: int,
         close_in_child: Sequence[int] = ()) -> Generator[Report, None, None]:
    """Make ``shards`` in ``jobs`` processes; yields each report, in shard order, when its bytes are written.

    ``factory`` gives the plan: with fork it is called in the parent's memory image, with spawn it is pickled and
    builds the plan anew. ``close_in_child``: file descriptors that children must not hold open.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pipes = [context.Pipe() for _ in range(min(jobs, len(shards)))]
    fork = context.get_start_method() == "fork"
    processes = []
    try:
        for k, (_, theirs) in enumerate(pipes):
            spare = [end.fileno() for j, pair in enumerate(pipes) for end in pair if end is not theirs] if fork else []
            process = context.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, factory, root, [*spare, *close_in_child] if fork else []),
                name=f"redgen-{k}", daemon=True)
            with uninterrupted():
                process.start()
            processes.append(process)
        for _, theirs in pipes:
            theirs.close()
        yield from _direct([ours for ours, _ in pipes], processes, shards, grant)
    finally:
        for ours, _ in pipes:
            ours.close()
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


def _direct(links: list[Link], processes: list[Any], shards: range,
            grant: Grant) -> Generator[Report, None, None]:
    """The parent's loop: hand out shards, grant places in order, yield what is written in order."""
    todo = iter(shards)
    made: dict[int, tuple[Link, Report]] = {}
    written: dict[int, Report] = {}
    next_grant = next_yield = shards.start
    for link in links:
        link.send(("make", next(todo)))
    while next_yield < shards.stop:
        for ready in wait(links):
            link = cast("Link", ready)
            word, body = _hear(link, processes[links.index(link)])
            if word == "made":
                made[body.shard] = (link, body)
            else:
                written[body.shard] = body
                if (shard := next(todo, None)) is not None:
                    link.send(("make", shard))
        while next_grant in made:
            link, report = made.pop(next_grant)
            link.send(("write", grant(report)))
            next_grant += 1
        while next_yield in written:
            yield written.pop(next_yield)
            next_yield += 1


def _hear(link: Link, process: Any) -> tuple[str, Any]:
    """One message of a worker; raises what it failed with, or SinkError when it is gone."""
    try:
        word, body = link.recv()
    except (EOFError, ConnectionResetError):
        process.join(5)
        raise SinkError(f"a worker process died (exit code {process.exitcode}), perhaps for lack of memory; "
                        "use fewer --jobs, or a shorter `shard` in the scenario") from None
    if word == "failed":
        error, trace = body
        if not isinstance(error, RedgenError):
            error.add_note(f"in a worker process:\n{trace}")
        raise error
    return word, body


def _serve(link: Link, factory: PlanFactory, root: Path, spare: Sequence[int]) -> None:
    """A worker's life: until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for fd in spare:
        os.close(fd)
    keep_memory()
    collect_seldom()
    maker: Maker | None = None
    try:
        maker = Maker(factory(), root)
        while True:
            word, body = link.recv()
            if word == "make":
                report = maker.make(body)
                link.send(("made", report))
            else:
                link.send(("written", maker.write(body)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # noqa: BLE001 - goes to the parent, which raises it
        _tell(link, error)
    finally:
        if maker:
            maker.close()


def _tell(link: Link, error: Exception) -> None:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever does not pickle
        error = RuntimeError(f"{type(error).__name__}: {error}")
    try:
        link.send(("failed", (error, trace)))
    except OSError:
        return
