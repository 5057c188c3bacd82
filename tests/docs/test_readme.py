"""What the README shows can be run: its scenario is planned, its links lead somewhere, its verbs exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from redgen.cli.main import app
from redgen.shards.inputs import Request
from redgen.shards.plan import make_plan

README = Path(__file__).resolve().parents[2] / "README.md"
DOCS = README.parent / "docs"


def test_the_scenario_can_be_planned(tmp_path: Path) -> None:
    """As it is written, with fewer people."""
    found = re.search(r"```yaml\n(id: .*?)```", README.read_text(), re.DOTALL)
    assert found
    (tmp_path / "scenario.yaml").write_text(found[1])
    plan = make_plan(Request(str(tmp_path / "scenario.yaml"), ("world.scale.customers=3000",)))
    assert len(plan.campaigns) > 40


def test_links_lead_to_files() -> None:
    """Every relative link."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target


@pytest.mark.parametrize(("page", "fewest"), [
    (README, 13), (DOCS / "scenarios.md", 0), (DOCS / "baselines.md", 5)], ids=lambda page: getattr(page, "name", ""))
def test_commands_are_verbs_with_these_options(page: Path, fewest: int) -> None:
    """Every ``redgen`` line of a block of shell."""
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL) for line in block.splitlines()
             if line.startswith("redgen ")]
    assert len(lines) >= fewest
    for line in lines:
        words = line.split("#")[0].split()[1:]
        verb = verbs[words[0]]
        verb = verb.commands[words[1]] if hasattr(verb, "commands") else verb
        known = {option for parameter in verb.params for option in parameter.opts}
        assert {w for w in words if w.startswith("-")} <= known, line


def test_pages_that_help_names_are_there() -> None:
    """Those at the end of ``--help``."""
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    named = [page for verb in verbs.values() for page in re.findall(r"docs/[a-z-]+\.md", verb.epilog or "")]
    assert len(named) >= 4
    assert all((README.parent / page).exists() for page in named)
