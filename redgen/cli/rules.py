"""``redgen rules``: the bundled rule pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Bundled Sigma rules for every playbook family: list them, or copy them to keep.",
                  no_args_is_help=True, rich_markup_mode=None)

Only = Annotated[list[str] | None, typer.Option("--only", metavar="PART", help="identity, web, cloud, linux, network.")]


@app.command("list")
def list_() -> None:
    """List the rules."""
    from rich.console import Console
    from rich.padding import Padding

    from redgen.assess.rulepack import pack

    console = Console()
    for rule in pack():
        name = f"{rule.folder}/{rule.file.name}"
        console.print(f"[bold]{name:<46}[/] {rule.level:<8} {' '.join(rule.techniques)}", highlight=False,
                      no_wrap=True, overflow="ellipsis")
        console.print(Padding(rule.description, (0, 0, 0, 4)), highlight=False)


@app.command("copy")
def copy(
    target: Annotated[Path, typer.Argument(help="The directory to copy them to.")],
    only: Only = None,
) -> None:
    """Copy the rules into a directory of yours."""
    from redgen.assess.rulepack import copy_pack

    made = copy_pack(target, only or ())
    print(f"{target}: {len(made)} rules. Next: redgen ci identity-ci --rules {target} --write-gates redgen-gates.yml")
