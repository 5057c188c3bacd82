"""The composite action: every input is used, and its script runs redgen as a workflow would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    """The action as GitHub reads it."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return loaded


def test_inputs_are_declared_and_used(action: dict[str, Any]) -> None:
    """Nothing is asked for in vain, nothing is used unasked."""
    steps = yaml.safe_dump(action["runs"])
    assert set(re.findall(r"inputs\.([a-z-]+)", steps)) == set(action["inputs"])
    assert all(step.get("shell") == "bash" for step in action["runs"]["steps"] if "run" in step)


def test_no_input_reaches_the_shell_as_text(action: dict[str, Any]) -> None:
    """Inputs come through the environment: what a pull request writes into one is never run."""
    assert not any("${{" in step["run"] for step in action["runs"]["steps"] if "run" in step)


def test_its_script_scores_and_tells_github(action: dict[str, Any], tmp_path: Path) -> None:
    """Annotations on standard output, a step summary, the scorecard's place, and the exit code of the gates."""
    script = next(s["run"] for s in action["runs"]["steps"] if s.get("id") == "score")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "redgen").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m redgen "$@"\n')
    (tools / "redgen").chmod(0o755)
    (tmp_path / "gates.yml").write_text("version: 1\ngates:\n- {id: all, metric: campaign_recall, min: 1.0}\n")
    env = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "REDGEN_CACHE": str(tmp_path / "cache"),
        "SCENARIO": str(ROOT / "tests/holds/scoring.yaml"), "RULES": "bundled", "GATES": "gates.yml", "BASELINE": "",
        "ARGS": "--jobs 1", "REPORTS": "reports", "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=tmp_path, env=env, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::error" in done.stdout
    assert (tmp_path / "output").read_text() == "scorecard=reports/scorecard.json\n"
    assert (tmp_path / "reports/scorecard.json").stat().st_size
    assert "1 gate failed" in (tmp_path / "summary.md").read_text()
