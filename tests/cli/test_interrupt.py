"""Kill it, interrupt it, start it again: nothing half-made, and in the end the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from redgen import generate
from tests.cli.conftest import Run
from tests.pipeline.conftest import SMALL, contents

SETTINGS = ("--set", "shard=10m", "--set", "sources=[nginx_access, okta_system]", "--set", "campaigns=[]")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run makes."""
    settings = [s for s in SETTINGS if s != "--set"]
    return contents(generate(SMALL, tmp_path_factory.mktemp("whole") / "out", settings=settings))


def started(target: Path, environment: dict[str, str], jobs: int) -> subprocess.Popen[str]:
    """A run in a process group of its own, some shards into its work."""
    command = [sys.executable, "-m", "redgen", "generate", str(SMALL), "-o", str(target), "-j", str(jobs), *SETTINGS]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
                               start_new_session=True)
    journal = target.with_name(target.name + ".partial") / "journal.jsonl"
    for _ in range(2000):
        if journal.exists() and journal.read_bytes().count(b"\n") >= 4:
            return process
        if process.poll() is not None:
            pytest.fail(f"the run ended before it could be stopped: {process.communicate()}")
        time.sleep(0.01)
    pytest.fail("the run never began to write")


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_started_again(
    tmp_path: Path, redgen: Run, environment: dict[str, str], whole: dict[str, bytes], jobs: int
) -> None:
    process = started(tmp_path / "out", environment, jobs)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    for _ in range(1000):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.01)
    else:
        pytest.fail("workers outlived their parent")
    assert not (tmp_path / "out").exists()
    kept = (tmp_path / "out.partial/journal.jsonl").read_bytes().count(b"\n")
    assert kept >= 4
    again = redgen("generate", SMALL, "-o", tmp_path / "out", "-j", jobs, *SETTINGS)
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "out") == whole
    assert not (tmp_path / "out.partial").exists()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"])
def test_interrupted(
    tmp_path: Path, redgen: Run, environment: dict[str, str], number: signal.Signals, code: int, jobs: int
) -> None:
    process = started(tmp_path / "out", environment, jobs)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to parent and workers alike
    else:
        os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said == (f"redgen: interrupted; nothing was made at {tmp_path / 'out'}; the same command goes on from here; "
                    f"to forget it, remove {tmp_path / 'out.partial'}\n")
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no worker is left
    again = redgen("generate", SMALL, "-o", tmp_path / "out", *SETTINGS)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "out/manifest.json").exists()
