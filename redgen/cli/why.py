"""``redgen why``: explain one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def why(
    dataset: Annotated[Path, typer.Argument(help="A dataset directory.")],
    place: Annotated[str, typer.Argument(metavar="LOGFILE:LINE", help="As in logs/zeek_conn/zeek_conn.0.log:17")],
) -> None:
    """Explain one log line: who, which session or attack step, from which random stream, and its sibling lines."""
    from rich.console import Console
    from rich.text import Text

    from redgen.dataset.dataset import load
    from redgen.dataset.explain import explain

    found = explain(load(dataset), place)
    console = Console(soft_wrap=True)
    console.print(Text(found.text, style="dim"))
    console.print()
    for name, value in found.facts:
        console.print(Text.assemble((f"{name:>10}  ", "cyan"), (value, "bold red" if name == "label" else "")))
    if found.siblings:
        console.print()
        console.print(Text(f"{'siblings':>10}  {found.kinship}", style="cyan"))
        for line in found.siblings:
            shown = Text.assemble("            ", (line.place, "green"), f"  {line.text}")
            console.print(shown, overflow="ellipsis", no_wrap=True, soft_wrap=False)
        if found.more:
            console.print(f"            … and {found.more:,} more", highlight=False)
