"""Fill a staging directory with the logs of a plan: headers, shards by however many workers, footers; resumable."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redgen.errors import SinkError
from redgen.pipeline.digests import Digests, sha256_of
from redgen.pipeline.ledger import Ledger, Report
from redgen.pipeline.maker import MARKS_FOLDER, addition, marks_of
from redgen.pipeline.staging import Staging, writing
from redgen.pipeline.workers import Held, PlanFactory, alone, crew
from redgen.pipeline.writer import Writer
from redgen.shards.shard import ShardPlan, warm


@dataclass(frozen=True)
class Progress:
    """How far a run is: shards and lines done, and the share of the window that they cover."""

    shards: int
    of: int
    lines: int
    share: float


Watch = Callable[[Progress], None]


def _nothing() -> None:
    """What is done meanwhile when nobody says."""


def produce(plan: ShardPlan, factory: PlanFactory, staging: Staging, *, jobs: int,
            watch: Watch | None = None, meanwhile: Callable[[], None] = _nothing) -> tuple[Ledger, Digests]:
    """Write all logs of ``plan`` into ``staging``, going on where its journal ends; the final ledger and digests.

    ``factory`` gives the plan to worker processes (see ``workers.crew``); ``meanwhile`` is done beside them.
    """
    ledger, digests = _resumed(plan, staging)
    if not ledger.applied:
        _open_files(plan, staging.path)
    lines = ledger.lines
    if watch:
        watch(_progress(plan, ledger.applied, lines))
    writer = Writer(staging.path, digests, staging.note, meanwhile)
    try:
        with closing(_shards(plan, factory, staging, ledger, jobs)) as made:
            for held in made:
                report, bases = held.made.report, ledger.apply(held.made.report)
                writer.put(addition(held.made, held.block, plan, bases, held.release))
                ledger.parquet += report.parquet
                lines += report.lines
                if watch:
                    watch(_progress(plan, report.shard + 1, lines))
    finally:
        writer.finish()
    ledger.check()
    _close_files(plan, staging.path, ledger)
    with writing(staging.path):
        digests.advance({s.path: s.stored for states in ledger.files for s in states.values()})
    return ledger, digests


def _shards(plan: ShardPlan, factory: PlanFactory, staging: Staging, ledger: Ledger,
            jobs: int) -> Generator[Held, None, None]:
    shards = range(ledger.applied, plan.layout.shards)
    if jobs > 1 and len(shards) > 1:
        warm(plan)
        return crew(factory, staging.path, shards, jobs=jobs, close_in_child=[staging.journal_fd()])
    return alone(plan, staging.path, shards)


def _progress(plan: ShardPlan, shards: int, lines: int) -> Progress:
    window = plan.layout.window
    return Progress(shards, plan.layout.shards, lines, (plan.layout.cuts[shards] - window.start) / window.duration)


def _ends(ledger: Ledger, report: Report) -> dict[str, int]:
    """The files that ``report`` touched, and where its part ends in each."""
    ends = marks_of(report)
    for states, entry in zip(ledger.files, report.outlets, strict=True):
        for growth in entry.growths:
            ends[states[growth.file].path] = states[growth.file].stored_after[report.shard]
    return ends


def _open_files(plan: ShardPlan, root: Path) -> None:
    """Make folders and every file with its header; those of lanes are begun by who writes to them first."""
    with writing(root):
        (root / MARKS_FOLDER).mkdir(exist_ok=True)
        for outlet in plan.outlets:
            (root / "logs" / outlet.name).mkdir(parents=True, exist_ok=True)
            for file in range(0 if outlet.source.lanes else outlet.files):
                (root / outlet.path(file)).write_bytes(outlet.stored(outlet.header(file)))


def _close_files(plan: ShardPlan, root: Path, ledger: Ledger) -> None:
    """Cut each file to its length (an earlier run may have written more) and add its footer."""
    with writing(root):
        for outlet, states in zip(plan.outlets, ledger.files, strict=True):
            for file, state in states.items():
                foot = outlet.footer(file)
                stored = outlet.stored(foot)
                with (root / state.path).open("r+b") as stream:
                    stream.truncate(state.stored)
                    stream.seek(state.stored)
                    stream.write(stored)
                state.size += len(foot)
                state.stored += len(stored)


def _resumed(plan: ShardPlan, staging: Staging) -> tuple[Ledger, Digests]:
    """The state after those of the journal's entries that the bytes on disk confirm."""
    entries: Sequence[dict[str, Any]] = staging.entries
    while True:
        ledger, digests = Ledger(plan.layout, plan.outlets, plan.codes), Digests(staging.path)
        confirmed = sum(1 for _ in _confirm(ledger, digests, entries))
        if confirmed == len(entries):
            return ledger, digests
        entries = entries[:confirmed]
        staging.keep(confirmed)


def _confirm(ledger: Ledger, digests: Digests, entries: Sequence[dict[str, Any]]) -> Generator[None, None, None]:
    """One item per entry whose bytes are on disk; stops at the first that is not."""
    for entry in entries:
        report = Report.from_json(entry)
        ledger.apply(report)
        try:
            seen = digests.advance(_ends(ledger, report))
            whole = all(sha256_of(digests.root / path) == sha for path, _, _, sha in report.parquet)
        except (OSError, SinkError):
            return
        if seen != entry["sha256"] or not whole:
            return
        ledger.parquet += report.parquet
        yield
