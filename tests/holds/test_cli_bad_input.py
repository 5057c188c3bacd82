"""What goes wrong on a user's machine, through the real command in a process of its own: exit code 2, one message with
the place and the remedy, no traceback, nothing left behind. (The table of small slips is in ``tests/cli``.)"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = """\
id: tiny
seed: 3
window: {start: 2026-01-12T09:00:00Z, duration: 40m}
baseline: [online-retail, saas-workforce]
traffic: 0.2
world: {scale: {customers: 200, employees: 20, admins: 2}}
campaigns:
- {playbook: mine.yaml, start: {at: 1m}}
"""
PLAYBOOK = """\
id: mine
title: Some guessing
family: distributed
roles:
  hosts: {kind: host, where: {exposed: true}, count: 2}
  bots: {kind: address, network: hosting, agent: cli, count: 5}
parameters:
  tries: {uniform: [20, 40], source: unverified}
start: guess
steps:
  guess:
    action: ssh_attempts
    technique: T1110.001
    with: {hosts: hosts, source: bots, count: $tries, pace: 1}
    then: {rest: 0.5, end: 0.5}
  rest:
    action: wait
    with: {lasting: 1m}
    then: end
objective: guess
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


def redgen(*arguments: object, cwd: Path, before: Callable[[], object] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}
    return subprocess.run([sys.executable, "-m", "redgen", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=240, env=environment, cwd=cwd, preexec_fn=before)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "mine.yaml").write_text(PLAYBOOK)
    return tmp_path


def assert_refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr + done.stdout
    for words in said:
        assert words in done.stderr, done.stderr


def test_the_scenario_is_good_as_it_stands(place: Path) -> None:
    done = redgen("generate", "scenario.yaml", "-o", "out", "-q", cwd=place)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (place / "out" / "manifest.json").is_file()


@pytest.mark.parametrize(("old", "new", "said"), [
    ("then: {rest: 0.5, end: 0.5}", "then: {rest: 0.5, end: 0.4}", ["mine.yaml:15", "0.9"]),
    ("    then: end\n", "    then: guess\n", ["mine.yaml:", "end"]),
    ("action: ssh_attempts", "action: ssh_attemps", ["mine.yaml:12", "did you mean 'ssh_attempts'"]),
    ("hosts: hosts", "hosts: host", ["mine.yaml:14", "did you mean 'hosts'"]),
    ("start: guess\n", "start: guess\nstart: guess\n", ["mine.yaml:10", "start"]),
    ("objective: guess", "objective: gold", ["mine.yaml:20", "gold"]),
])
def test_a_broken_playbook_stops_the_run(place: Path, old: str, new: str, said: list[str]) -> None:
    """With file and line of the playbook, before anything is written; the linter says the same."""
    assert PLAYBOOK.count(old) == 1
    (place / "mine.yaml").write_text(PLAYBOOK.replace(old, new))
    before = tree(place)
    assert_refused(redgen("generate", "scenario.yaml", "-o", "out", cwd=place), *said)
    assert tree(place) == before


def test_all_mistakes_are_told_at_once(place: Path) -> None:
    """One run of the linter names every line that is wrong."""
    slips = {"action: ssh_attempts": ("action: ssh_attemps", 12),
             "technique: T1110.001": ("technique: T9999", 13), "end: 0.5": ("end: 0.4", 15), "lasting: 1m": ("lasting: soon", 18),
             "objective: guess": ("objective: gold", 20)}
    broken = PLAYBOOK
    for good, (bad, _) in slips.items():
        broken = broken.replace(good, bad)
    (place / "mine.yaml").write_text(broken)
    done = redgen("playbook", "lint", "mine.yaml", cwd=place)
    assert_refused(done, *(f"mine.yaml:{line}:" for _, line in slips.values()))


def test_a_directory_with_something_else_in_it_is_left_alone(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "thesis.tex").write_text("three years of work")
    before = tree(place)
    assert_refused(redgen("generate", "scenario.yaml", "-o", "out", "--force", cwd=place), "out", "not empty")
    assert tree(place) == before


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"", b"- a\n- list\n"])
def test_a_file_that_is_no_scenario(place: Path, content: bytes) -> None:
    (place / "scenario.yaml").write_bytes(content)
    before = tree(place)
    assert_refused(redgen("generate", "scenario.yaml", "-o", "out", cwd=place), "scenario.yaml")
    assert tree(place) == before


def test_a_directory_instead_of_a_file(place: Path) -> None:
    (place / "folder.yaml").mkdir()
    assert_refused(redgen("generate", "folder.yaml", "-o", "out", cwd=place), "folder.yaml")
    assert not (place / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_one_may_not_read_or_write(place: Path) -> None:
    (place / "scenario.yaml").chmod(0)
    assert_refused(redgen("generate", "scenario.yaml", "-o", "out", cwd=place), "scenario.yaml", "Permission denied")
    (place / "scenario.yaml").chmod(0o644)
    (place / "closed").mkdir(mode=0o500)
    assert_refused(redgen("generate", "scenario.yaml", "-o", "closed/out", cwd=place), "closed", "cannot write")
    assert not list((place / "closed").iterdir())


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """``mounted("size=1m")``: a small file system of its own."""
    done: list[Path] = []

    def mount(options: str) -> Path:
        point = tmp_path / f"disk{len(done)}"
        point.mkdir()
        if os.geteuid() or not shutil.which("mount"):
            pytest.skip("only root can mount a file system")
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)], capture_output=True, text=True,
                              check=False)
        if made.returncode:
            pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
        done.append(point)
        return point

    yield mount
    for point in done:
        subprocess.run(["umount", str(point)], check=True)


def test_a_file_system_that_is_read_only(place: Path, mounted: Callable[[str], Path]) -> None:
    disk = mounted("ro")
    done = redgen("generate", "scenario.yaml", "-o", disk / "out", cwd=place)
    assert_refused(done, f"{disk} is not yours to write to", "choose another directory")
    assert not list(disk.iterdir())


def test_a_full_disk(place: Path, mounted: Callable[[str], Path]) -> None:
    """The message says what to do; no dataset stands there; with room again, the same command finishes the work."""
    disk = mounted("size=500k")
    done = redgen("generate", "scenario.yaml", "-o", disk / "out", "-j", 2, "--set", "shard=10m", cwd=place)
    assert_refused(done, "No space left on device", "free some space")
    assert not (disk / "out").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    again = redgen("generate", "scenario.yaml", "-o", disk / "out", "-j", 2, "--set", "shard=10m", cwd=place)
    assert again.returncode == 0, again.stderr
    assert [p.name for p in disk.iterdir()] == ["out"]


def test_files_that_may_not_grow(place: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = redgen("generate", "scenario.yaml", "-o", "out", "-j", 1, cwd=place, before=limit)
    assert_refused(done, "File too large", "raise the file size limit")
    assert not (place / "out").exists()
