"""Measure ``generate`` as a user runs it: rate, ratio to cp, peak memory, at two sizes, with one job and two.

Nothing here asserts a time. Each figure is the median of ``--runs`` runs in fresh processes; memory is the largest
resident set of any one process. ``cp``: ``cp -r`` of the dataset to the same disk, and ``sync``, typed as soon as the
run ends. ``from memory``: the same when all of the source is in memory. ``to memory``: then without ``sync``, so that
nothing waits for the disk. All start with no other data to be written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

CASES = {
    "nginx_access alone": {"baseline": "online-retail", "sources": ["nginx_access"]},
    "all sources": {"baseline": ["online-retail", "saas-workforce"]},
}
HEAD = ("logs", "lines", "jobs", "lines/s", "MB/s", "CPU s", "× cp", "× cp from memory",
        "× cp to memory", "peak MB per process")
WINDOW = {"start": "2026-01-12T00:00:00Z", "duration": "1d"}
CAMPAIGNS = [
    {"playbook": "ato-credential-stuffing", "counts": {"list": 2000}, "with": {"pace": 2}, "start": {"at": "2h"}},
    {"playbook": "api-bola-enumeration", "start": {"at": "3h"}},
]


@dataclass(frozen=True)
class Measured:
    """One run: lines and bytes of the logs, seconds (by the clock, of all processors), peak memory, seconds of cp.

    ``resident``: bytes of the largest process. The copies are described at the top.
    """

    lines: int
    bytes: int
    seconds: float
    cpu: float
    resident: int
    copy: float
    from_memory: float
    to_memory: float


def main() -> None:
    """Run every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10], help="millions of lines")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--where", type=Path, default=None, help="a directory on the disk to measure")
    given = parser.parse_args()
    print(machine())
    print(f"`redgen --help` takes {help_ratio(given.runs):.2f} × `python -c 'import numpy'` (contract: at most 2)\n")
    print("| " + " | ".join(HEAD) + " |\n|---|" + "--:|" * (len(HEAD) - 1))
    with tempfile.TemporaryDirectory(dir=given.where) as folder:
        for name, scenario in CASES.items():
            traffic = lines_at_traffic_one(scenario, Path(folder))
            for millions in given.millions:
                for jobs in given.jobs:
                    file = written(scenario, millions * 1e6 / traffic, Path(folder))
                    runs = [run(file, jobs, Path(folder)) for _ in range(given.runs)]
                    print(row(name, jobs, runs), flush=True)


def machine() -> str:
    """Which machine this is, in one line."""
    cpu = next((x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x),
               platform.processor()) if Path("/proc/cpuinfo").exists() else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, load {load:.1f}\n"


def help_ratio(runs: int) -> float:
    """Time of ``redgen --help`` over that of importing numpy."""
    def median(*arguments: str) -> float:
        return statistics.median(timed(lambda: call(*arguments)) for _ in range(2 * runs + 1))

    return median("-m", "redgen", "--help") / median("-c", "import numpy")


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def call(*arguments: str) -> None:
    """Run Python with ``arguments``, silently."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def written(scenario: dict[str, object], traffic: float, folder: Path) -> Path:
    """The scenario's file at a traffic."""
    file = folder / "scenario.yaml"
    whole = {"id": "benchmark", "seed": 7, "window": WINDOW, "campaigns": CAMPAIGNS, "traffic": traffic, **scenario}
    file.write_text(yaml.safe_dump(whole))
    return file


def lines_at_traffic_one(scenario: dict[str, object], folder: Path) -> float:
    """How many lines the scenario has at traffic 1; this run also compiles what is not compiled yet."""
    return run(written(scenario, 1.0, folder), 2, folder).lines


def run(file: Path, jobs: int, folder: Path) -> Measured:
    """Generate once in a fresh process, then copy what was made."""
    out, copy = folder / "out", folder / "copy"
    os.sync()
    begun = time.perf_counter()
    command = [sys.executable, "-m", "redgen", "generate", str(file), "-o", str(out), "-j", str(jobs), "--quiet"]
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    sources = json.loads((out / "manifest.json").read_text())["sources"].values()
    as_typed = copied(out, copy)
    read(out)
    from_memory, to_memory = copied(out, copy), copied(out, copy, synced=False)
    shutil.rmtree(out)
    return Measured(sum(s["lines"] for s in sources), sum(s["bytes"] for s in sources), seconds,
                    usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, as_typed, from_memory, to_memory)


def read(folder: Path) -> None:
    """Read every file once, so that copying finds all of them in memory: ``generate`` leaves only their ends there."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass


def copied(out: Path, copy: Path, *, synced: bool = True) -> float:
    """Seconds that ``cp -r`` takes, with ``sync`` where it is ``synced``."""
    os.sync()

    def work() -> None:
        subprocess.run(["cp", "-r", str(out), str(copy)], check=True)
        if synced:
            os.sync()

    seconds = timed(work)
    shutil.rmtree(copy)
    return seconds


def row(name: str, jobs: int, runs: list[Measured]) -> str:
    """One line of the table: medians."""
    middle = sorted(runs, key=lambda r: r.seconds)[len(runs) // 2]
    copies = [statistics.median(getattr(r, name) for r in runs) for name in ("copy", "from_memory", "to_memory")]
    resident = max(r.resident for r in runs)
    return (f"| {name} | {middle.lines:,} | {jobs} | {middle.lines / middle.seconds:,.0f} | "
            f"{middle.bytes / middle.seconds / 1e6:,.0f} | {middle.cpu:.1f} | "
            + " | ".join(f"{middle.seconds / copy:.1f}" for copy in copies) + f" | {resident / 1e6:,.0f} |")


if __name__ == "__main__":
    main()
