"""Every command of docs/ci.md does what the page says: run one after another, in an empty directory, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy
PAGE = Path(__file__).resolve().parents[2] / "docs" / "ci.md"
BLOCK = re.compile(r"^```(?P<kind>[a-z]+)(?P<rest>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, its text, and what its first line asks for (``exit=1``, ``file=NAME``)."""

    kind: str
    text: str
    wanted: dict[str, str]


def blocks() -> list[Block]:
    """The page's blocks in order."""
    return [Block(m["kind"], m["text"], dict(w.split("=", 1) for w in m["rest"].split())) for m in BLOCK.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Block, subprocess.CompletedProcess[str]]]:
    """Everything run: each block of shell with how it ended."""
    place = tmp_path_factory.mktemp("tutorial")
    tools = place / "bin"
    tools.mkdir()
    (tools / "redgen").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m redgen "$@"\n')
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    root = str(PAGE.parents[1])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "PYTEST_"))}
    env |= {"PATH": f"{tools}:{env['PATH']}", "REDGEN_CACHE": str(place / "cache"), "PYTHONPATH": root, "COLUMNS": "100"}
    work = place / "work"
    work.mkdir()
    done = []
    for block in blocks():
        if block.kind == "sh":
            ended = subprocess.run(["sh", "-e"], input=block.text, cwd=work, env=env, capture_output=True, text=True, check=False)
            done.append((block, ended))
        elif "file" in block.wanted:
            (work / block.wanted["file"]).write_text(block.text)
    return done


def test_every_command_ends_as_the_page_says(story: list[tuple[Block, subprocess.CompletedProcess[str]]]) -> None:
    """Exit code 0, but where the page says another one."""
    assert len(story) >= 6
    for block, ended in story:
        assert ended.returncode == int(block.wanted.get("exit", "0")), f"$ {block.text}\n{ended.stdout}\n{ended.stderr}"
        assert "Traceback" not in ended.stderr


def test_the_broken_rule_is_named(story: list[tuple[Block, subprocess.CompletedProcess[str]]]) -> None:
    """The failing build says which campaigns were lost, and by which rule in which file."""
    failed = next(ended for block, ended in story if block.wanted.get("exit") == "1")
    assert re.search(r"C-\d{4}", failed.stdout)
    assert "okta_mfa_fatigue.yml" in failed.stdout
