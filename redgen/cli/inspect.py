"""``redgen inspect``: what is in a dataset."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from redgen.clock import MINUTE

WIDE = 110
"""Columns of a terminal from which on paths are written out; a narrower one shows how each begins, if there is room."""

SET = 74
"""Columns that everything but a campaign's path and timeline takes."""

NUMBERS = 74
"""Columns that everything but a log's timeline takes."""

LEAST = 12
"""A path shown in fewer columns says nothing."""

UNBOUND = 140
"""Columns of a file or a pipe."""

if TYPE_CHECKING:
    from rich.table import Table

    from redgen.dataset.overview import CampaignLine


def inspect(
    dataset: Annotated[Path, typer.Argument(help="A dataset directory.")],
) -> None:
    """Show what is in a dataset: each log, each label, each campaign, and when."""
    from rich.console import Console

    from redgen.dataset import overview
    from redgen.dataset.dataset import load

    data = load(dataset)
    bound = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(width=None if bound else UNBOUND)
    width = max(6, min(12, console.width - NUMBERS)) if console.width < WIDE else max(12, min(48, console.width - WIDE))
    narrow = None if console.width >= WIDE else max(0, console.width - 12 - SET)
    m = data.manifest
    console.print(f"[bold]{dataset}[/]: {m['scenario']['title'] or m['scenario']['id']}", highlight=False)
    console.print(f"{m['window']['start_iso']} to {m['window']['stop_iso']} · seed {m['seed']} · "
                  f"{m['organization']['name']} · addresses {m['address_plan']['name']} · redgen {m['redgen']}",
                  highlight=False)
    console.print(_sources(overview.sources(data, width)))
    runs = overview.campaigns(data, width)
    if runs:
        console.print(_runs("Campaigns", runs, impact=True, narrow=narrow))
    noise = overview.hard_negatives(data, width)
    if noise:
        console.print(_runs("Hard negatives", noise, impact=False, narrow=narrow))
    step = m["timeline"]["step"] * len(next(iter(m["timeline"]["lines"].values()))) / width / MINUTE
    console.print(f"One bar of a timeline is {step:,.0f} minutes. Next: redgen why {dataset} FILE:LINE",
                  highlight=False)


def _sources(lines: list[Any]) -> Table:
    from rich.table import Table

    from redgen.dataset.overview import spark

    table = Table(title="Logs", title_justify="left", box=None, pad_edge=False)
    for name in ("source", "format"):
        table.add_column(name, no_wrap=True)
    for name in ("lines", "MB", "malicious", "hard neg.", "collateral"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    for s in lines:
        table.add_row(s.name, s.format, f"{s.lines:,}", f"{s.bytes / 1e6:,.1f}", f"{s.labels['malicious']:,}",
                      f"{s.labels['hard_negative']:,}", f"{s.labels['collateral']:,}", spark(s.timeline))
    return _whole(table)


def _runs(title: str, lines: list[CampaignLine], *, impact: bool, narrow: int | None) -> Table:
    from rich.table import Table

    from redgen.dataset.overview import spark

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column("what", no_wrap=True)
    paths = narrow is None or narrow >= LEAST
    if paths:
        table.add_column("path", no_wrap=bool(narrow), overflow="ellipsis" if narrow else "fold", max_width=narrow)
    table.add_column("onset" if impact else "begins", no_wrap=True)
    if impact:
        table.add_column("impact", no_wrap=True)
    table.add_column("lines", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    for c in lines:
        path = [c.path] if paths else []
        moments = [_short(c.onset), _short(c.impact)] if impact else [_short(c.onset)]
        table.add_row(c.id, c.what, *path, *moments, f"{c.events:,}", spark(c.timeline))
    return _whole(table)


def _whole(table: Table) -> Table:
    """``table`` whose names and numbers are never cut: what does not fit is taken from paths and timelines."""
    for column in table.columns:
        if column.header not in ("path", "when"):
            column.min_width = max(len(str(text)) for text in (column.header, *column.cells))
    return table


def _short(moment: str) -> str:
    """Day and minute of an ISO time."""
    return moment[5:16].replace("T", " ") if moment else "–"
