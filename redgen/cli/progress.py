"""A run of ``generate`` as the terminal sees it: a bar with rate and time left; silent when nobody watches."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from redgen.dataset.dataset import Dataset
    from redgen.pipeline.produce import Progress, Watch


class Terminated(SystemExit):
    """SIGTERM came: the process is asked to end, and does so in order."""

    def __init__(self) -> None:
        super().__init__(143)


def run_with_progress(scenario: str, out: Path, *, seed: int | None, jobs: int | None, settings: list[str],
                      clean: bool, force: bool, quiet: bool) -> tuple[Dataset, float]:
    """Generate, with a bar on a terminal; the dataset and the seconds it took.

    Exits with 130 when interrupted, with 143 when terminated.
    """
    from redgen.pipeline.memory import collect_seldom, keep_memory

    collect_seldom()
    keep_memory()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing here multiplies matrices; idle threads spin for work
    from redgen.pipeline.run import generate

    begun = time.perf_counter()
    bar = None if quiet or not sys.stderr.isatty() else _bar()
    watch = _watcher(bar) if bar else None
    if bar:
        bar.start()
    try:
        made = generate(scenario, out, seed=seed, jobs=jobs, settings=settings, clean=clean, force=force, watch=watch,
                        warn=None if quiet else _warn)
    except (KeyboardInterrupt, Terminated) as stopped:
        _stop(bar)
        kept = out.with_name(f"{out.name}.partial")
        more = f"; the same command goes on from here; to forget it, remove {kept}" if kept.exists() else ""
        print(f"redgen: interrupted; nothing was made at {out}{more}", file=sys.stderr)
        sys.exit(stopped.code if isinstance(stopped, Terminated) else 130)
    finally:
        _stop(bar)
    return made, time.perf_counter() - begun


def _warn(text: str) -> None:
    print(f"redgen: warning: {text}", file=sys.stderr)


def _stop(bar: Bar | None) -> None:
    if bar:
        bar.stop()


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True)


def _watcher(bar: Bar) -> Watch:
    task = bar.add_task("planning", total=1.0, rate="")
    begun: list[tuple[float, int]] = []

    def watch(progress: Progress) -> None:
        now = time.perf_counter()
        begun.append((now, progress.lines))
        first, lines = begun[0]
        rate = f"{(progress.lines - lines) / (now - first):,.0f} lines/s" if len(begun) > 1 else ""
        bar.update(task, completed=progress.share, description=f"{progress.lines:,} lines", rate=rate)

    return watch
