"""``redgen playbook``: the bundled attack graphs, and the linter for one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from redgen.cli.options import Yaml, print_file

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="Attack graphs: list, show, check, and what ways lead through them.",
                  epilog="How to write your own: docs/playbooks.md")
Name = Annotated[str, typer.Argument(help="A bundled playbook's name, or a path.")]


@app.command("list")
def list_() -> None:
    """List the bundled playbooks and hard negatives."""
    from rich.console import Console
    from rich.table import Table

    from redgen.playbook.catalog import playbooks

    for title, kind in (("Playbooks", "playbook"), ("Hard negatives", "hard negative")):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in ("name", "family", "title", "steps", "techniques"):
            table.add_column(column, no_wrap=column in {"name", "family", "steps"})
        for book in playbooks(kind):
            techniques = dict.fromkeys(s.technique for s in book.steps.values() if s.technique)
            table.add_row(book.id, book.family, book.title, str(len(book.steps)), " ".join(techniques))
        Console().print(table)


@app.command()
def show(
    name: Name,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write a picture instead.")] = None,
    yaml: Yaml = False,
) -> None:
    """Draw a playbook's graph."""
    from rich.console import Console
    from rich.text import Text

    from redgen.playbook import draw
    from redgen.playbook.catalog import file_of, graph

    if yaml:
        print_file(file_of(name))
        return
    found = graph(name)
    if svg:
        from redgen.pipeline.staging import writing

        with writing(svg):
            svg.write_text(draw.svg(found), encoding="utf-8")
        print(f"{svg}: {len(found.playbook.steps)} steps, {len(found.ways)} transitions")
        return
    console = Console()
    console.print(Text(f"{found.playbook.title} ({found.playbook.family})", style="bold"))
    for twig in draw.outline(found):
        line = Text(twig.stem, style="dim")
        if twig.label:
            line.append(f"{twig.label} → ", style="cyan")
        line.append(twig.step, style="bold red" if twig.objective else "dim" if twig.again else "bold")
        line.append(" (see there)" if twig.again else f"  {twig.note}" if twig.note else "", style="dim")
        console.print(line)
    if found.playbook.objectives:
        console.print(Text(f"objective: {', '.join(found.playbook.objectives)}", style="red"))


@app.command()
def lint(
    names: Annotated[list[str], typer.Argument(help="Bundled names or paths; several at once.")],
) -> None:
    """Check playbooks: every mistake at once, with its file and line."""
    from redgen.errors import Problem, SpecError
    from redgen.playbook.catalog import graph

    problems: list[Problem] = []
    for name in names:
        try:
            graph(name)
        except SpecError as error:
            problems.extend(error.problems)
        else:
            print(f"{name}: no problems")
    if problems:
        raise SpecError(problems)


@app.command()
def paths(name: Name) -> None:
    """List every way through a playbook with its probability."""
    from rich.console import Console
    from rich.table import Table

    from redgen.playbook.catalog import ways_through

    table = Table(box=None, pad_edge=False)
    table.add_column("probability", justify="right")
    table.add_column("path")
    table.add_column("if")
    found = ways_through(name)
    for way in found:
        table.add_row(f"{way.natural:.4f}", " → ".join(way.steps), ", ".join(way.facts))
    Console().print(table)
    print(f"{len(found)} ways; probabilities are given that the facts under 'if' are so")
