"""``redgen baseline``: the bundled models of ordinary behavior."""

from __future__ import annotations

from typing import Annotated

import typer

from redgen.cli.options import Yaml, print_file

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The bundled models of ordinary behavior.",
                  epilog="How to write your own: docs/baselines.md")


@app.command("list")
def list_() -> None:
    """List the bundled baselines."""
    from rich.console import Console
    from rich.table import Table

    from redgen.benign.catalog import baselines

    table = Table(box=None, pad_edge=False)
    for name in ("baseline", "title", "populations"):
        table.add_column(name)
    for entry in baselines():
        table.add_row(entry.id, entry.title, ", ".join(p.id for p in entry.populations))
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A bundled baseline's name, or a path.")],
    yaml: Yaml = False,
) -> None:
    """Print a baseline's populations and how often each starts sessions."""
    from rich.console import Console
    from rich.table import Table

    from redgen.benign.catalog import baseline, pace
    from redgen.spec.files import resolve

    if yaml:
        print_file(resolve("baseline", name))
        return
    entry = baseline(name)
    console = Console()
    console.print(f"[bold]{entry.id}[/]: {entry.title}", highlight=False)
    if entry.description:
        console.print(entry.description.strip(), highlight=False)
    table = Table(box=None, pad_edge=False)
    for column in ("population", "behavior", "who", "sessions"):
        table.add_column(column)
    for p in entry.populations:
        table.add_row(p.id, p.behavior, p.entities.people or "anonymous", pace(p))
    console.print(table)
