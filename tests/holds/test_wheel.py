"""The wheel holds all that redgen needs: installed into an empty environment, it works from any directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(folder), str(ROOT)],
                           capture_output=True, text=True, check=False, timeout=600)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("redgen-*.whl")
    return found


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``redgen`` of a fresh environment that borrows this one's dependencies, but not this checkout."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True, timeout=300)
    (site,) = home.glob("lib/python3.*/site-packages")
    borrowed = [p for p in sys.path if p.endswith("site-packages")]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "-q", "--no-deps",
                    "--no-index", str(wheel)], check=True, timeout=300)
    (site / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    return home / "bin" / "redgen"


def run(command: Path, *arguments: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}} | {"NO_COLOR": "1"}
    done = subprocess.run([str(command), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300,
                          env=environment, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_the_yaml_folders_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("attack_playbooks", "baselines", "baselines/hard_negatives", "samples/scenarios"):
        here = {p.name for p in (ROOT / folder).glob("*.yaml")}
        packed = {Path(n).name for n in names if Path(n).parent.as_posix() == f"redgen/bundled/{folder}"}
        assert here == packed != set(), folder
    assert not [n for n in names if "tests" in Path(n).parts or n.endswith((".nbi", ".nbc", ".pyc"))]
    data = {p.relative_to(ROOT).as_posix() for p in (ROOT / "redgen").rglob("*")
            if p.suffix in {".csv", ".txt", ".yaml", ".json"} and "bundled" not in p.parts}
    assert data <= set(names)
    (licence,) = [n for n in names if n.endswith("licenses/LICENSE")]
    assert "Apache License" in zipfile.ZipFile(wheel).read(licence).decode()


def test_it_works_from_any_directory(command: Path, tmp_path: Path) -> None:
    listed = run(command, "playbook", "list", cwd=tmp_path)
    assert all(p.stem in listed for p in (ROOT / "attack_playbooks").glob("*.yaml"))
    run(command, "generate", "demo", "-o", "out", "-j", 1, "-q", "--set", "window.duration=20m", "--set", "traffic=0.1",
        "--set", "campaigns=[]", "--set", "hard_negatives=[]", cwd=tmp_path)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert len(manifest["sources"]) == 6
    assert all(source["lines"] for source in manifest["sources"].values())


def test_it_is_the_wheels_own_code_that_runs(command: Path, tmp_path: Path) -> None:
    told = subprocess.run([str(command.with_name("python")), "-c", "import redgen; print(redgen.__file__)"],
                          capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})
    assert Path(told.stdout.strip()).is_relative_to(command.parent.parent)
