"""Every kind of report by name, and one way to write it: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redgen import scorecard
from redgen.atomic import whole
from redgen.evidence import html, junit, markdown, navigator, openmetrics, sarif, tables
from redgen.evidence.graphs import Edge
from redgen.scorecard import Scorecard


@dataclass(frozen=True)
class Output:
    """A kind of report: its usual file name, what it is for, and what renders it."""

    filename: str
    about: str
    render: Callable[[Scorecard], str | bytes]


OUTPUTS: Mapping[str, Output] = {
    "json": Output("scorecard.json", "everything found; the baseline of the next run", scorecard.to_json),
    "html": Output("report.html", "one page for people, without network", html.render),
    "junit": Output("junit.xml", "test results for a CI server", junit.render),
    "sarif": Output("results.sarif", "findings on rule files for code scanning", sarif.render),
    "navigator": Output("navigator.json", "recall per technique for ATT&CK Navigator", navigator.render),
    "markdown": Output("scorecard.md", "a summary for a pull request", markdown.render),
    "openmetrics": Output("scorecard.prom", "numbers for a dashboard", openmetrics.render),
    "csv": Output("campaigns.csv", "campaigns, one a row", tables.campaigns_csv),
    "matches": Output("matches.csv", "alert groups against steps, one a row", tables.matches_csv),
    "parquet": Output("matches.parquet", "the same as Parquet", tables.matches_parquet),
}
"""Kind -> output, in the order in which they are offered."""


def write(card: Scorecard, kind: str, path: Path, playbooks: Mapping[str, Sequence[Edge]] | None = None) -> None:
    """Render one kind and put it under its name; SinkError when that cannot be done.

    ``playbooks``: playbook -> transitions (from, to, weight), which the HTML report draws.
    """
    save(html.render(card, playbooks) if kind == "html" else OUTPUTS[kind].render(card), path)


def save(content: str | bytes, path: Path) -> None:
    """Put a report under its name, whole or not at all; SinkError when that cannot be done."""
    with whole(path) as out:
        out.write(content.encode("utf-8", "replace") if isinstance(content, str) else content)
