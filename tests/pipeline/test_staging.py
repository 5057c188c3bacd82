"""Where datasets are put: never over something else, never half, never by two at once."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from redgen.errors import SinkError
from redgen.pipeline.staging import open_staging
from tests.pipeline.test_produce import make
from tests.shards.doubles import tiny_plan


def dataset(at: Path, *names: str) -> Path:
    """A directory that looks like a dataset of ``names``."""
    for name in names:
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text("x")
    (at / "manifest.json").write_text(json.dumps({"files": [{"path": n} for n in names]}))
    return at


def finish(target: Path, *, force: bool = False) -> None:
    with open_staging(target, "d", force=force) as staging:
        (staging.path / "logs").mkdir()
        (staging.path / "logs/new.log").write_text("new")
        (staging.path / "manifest.json").write_text(json.dumps({"files": [{"path": "logs/new.log"}]}))
        staging.promote(force=force)


def test_a_new_directory_appears_whole(tmp_path: Path) -> None:
    finish(tmp_path / "deep" / "er" / "out")
    assert sorted(p.name for p in (tmp_path / "deep/er").iterdir()) == ["out"]
    assert sorted(p.name for p in (tmp_path / "deep/er/out").iterdir()) == ["logs", "manifest.json"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    finish(tmp_path / "out")
    assert (tmp_path / "out/logs/new.log").read_text() == "new"


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(SinkError, match="not empty and holds no dataset"):
            open_staging(tmp_path / "out", "d", force=force)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="is a file"):
        open_staging(tmp_path / "file", "d")


def test_force_replaces_a_dataset_and_nothing_else(tmp_path: Path) -> None:
    old = dataset(tmp_path / "out", "logs/a/old.log", "truth/labels.parquet")
    with pytest.raises(SinkError, match="--force"):
        open_staging(old, "d")
    (old / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match=r"not the dataset's \(notes.txt\)"):
        open_staging(old, "d", force=True)
    (old / "notes.txt").unlink()
    finish(old, force=True)
    assert sorted(p.relative_to(old).as_posix() for p in old.rglob("*")) == ["logs", "logs/new.log", "manifest.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_manifest_cannot_reach_outside(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    old = dataset(tmp_path / "out", "logs/old.log")
    (old / "manifest.json").write_text(json.dumps({"files": [{"path": "logs/old.log"}, {"path": "../precious"}]}))
    finish(old, force=True)
    assert (tmp_path / "precious").exists()


def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    with open_staging(tmp_path / "out", "d"), pytest.raises(SinkError, match="another run"):
        open_staging(tmp_path / "out", "d")


def test_a_strange_partial_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/mine").write_text("x")
    with pytest.raises(SinkError, match="not redgen's"):
        open_staging(tmp_path / "out", "d")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(SinkError, match="not yours to write to"):
        open_staging(tmp_path / "out", "d")
    tmp_path.chmod(stat.S_IRWXU)


def test_a_symbolic_link_stays_and_what_it_leads_to_is_filled(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    for link, place in (("empty", "far/empty"), ("nowhere", "far/new")):
        (tmp_path / link).symlink_to(place)
    (tmp_path / "far/empty").mkdir()
    for link, place in (("empty", "far/empty"), ("nowhere", "far/new")):
        finish(tmp_path / link)
        finish(tmp_path / link, force=True)
        assert (tmp_path / link).is_symlink()
        assert (tmp_path / place / "logs/new.log").is_file()
    assert sorted(p.name for p in tmp_path.rglob("*.partial")) == []


def test_an_impossible_name_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (("loop", "leads to itself"), ("a" * 300, "choose a shorter name")):
        with pytest.raises(SinkError, match=said):
            open_staging(tmp_path / name, "d")
    assert [p.name for p in tmp_path.iterdir()] == ["loop"]


def test_an_impossible_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="cannot write"):
        open_staging(tmp_path / "file" / "out", "d")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_is_a_message_and_the_run_can_go_on(tmp_path: Path, jobs: int) -> None:
    """A file size limit stands in for a full disk: the same path, another errno."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tests.shards.doubles import tiny_plan\n"
        "from tests.pipeline.test_produce import make\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, {resource.RLIM_INFINITY}))\n"
        "from redgen.errors import SinkError\n"
        "try:\n"
        f"    make(tiny_plan(), Path({str(tmp_path / 'out')!r}), {jobs})\n"
        "except SinkError as error:\n"
        "    sys.exit(f'told: {error}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert "told: " in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.partial").exists()
    make(tiny_plan(), tmp_path / "out")
    assert (tmp_path / "out/logs").is_dir()
    assert not (tmp_path / "out.partial").exists()
