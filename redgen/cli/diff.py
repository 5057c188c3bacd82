"""``redgen diff``: two scorecards compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def diff(
    old: Annotated[Path, typer.Argument(help="The scorecard of the older run (JSON).")],
    new: Annotated[Path, typer.Argument(help="The scorecard of the newer run (JSON).")],
    margin: Annotated[float, typer.Option("--margin", help="Loss of recall that still counts as no worse.")] = 0.02,
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="A summary as Markdown.")] = None,
) -> None:
    """Compare two runs: campaigns lost and gained, and whether the change is more than chance.

    Exit code 0: no worse; 1: worse (on the same dataset: any campaign was lost); 3: too little to tell.
    """
    from dataclasses import replace

    from rich.console import Console

    from redgen.assess.judge import read_scorecard
    from redgen.cli.options import check_targets
    from redgen.errors import DataError
    from redgen.evidence import markdown as as_markdown
    from redgen.evidence import terminal
    from redgen.evidence.outputs import save
    from redgen.gates.evaluate import GATE_FAILED, NO_VERDICT, OK
    from redgen.gates.regression import compare
    from redgen.scorecard import FAILED, INCONCLUSIVE

    if not 0 <= margin < 1:
        raise DataError(f"--margin cannot be {margin:g}; write a share of campaigns, such as 0.02")
    check_targets({"markdown": markdown}, None)
    before, after = read_scorecard(old), read_scorecard(new)
    found = compare(before, after, margin=margin)
    card = replace(after, regression=found)
    console = Console()
    sys.stdout.write(terminal.comparison(card, width=max(80, min(console.width, 120)), color=console.is_terminal))
    if markdown is not None:
        save(as_markdown.render(card), markdown)
    if found.verdict == FAILED or (found.lost and found.paired):
        raise typer.Exit(GATE_FAILED)
    raise typer.Exit(NO_VERDICT if found.verdict == INCONCLUSIVE and not found.paired else OK)
