"""``redgen demo``: a first dataset, and what there is to see in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redgen.cli.generate import Force, Jobs, Seed

if TYPE_CHECKING:
    from rich.console import Console

    from redgen.dataset.dataset import Dataset


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset directory to make.")] = Path("redgen-demo"),
    seed: Seed = None,
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Make a small dataset with attacks of every family, run the bundled rules on it, and show what they catch."""
    from rich.console import Console

    from redgen.assess.detection import detectors_of
    from redgen.assess.judge import Terms
    from redgen.assess.loop import report_files, whole_loop
    from redgen.assess.rulepack import BUNDLED
    from redgen.cli.options import publish
    from redgen.cli.progress import run_with_progress

    made, seconds = run_with_progress("demo", out, seed=seed, jobs=jobs, settings=[], clean=False, force=force,
                                      quiet=False)
    console = Console()
    _what(console, made, out, seconds)
    _lines(console, made, out)
    console.print("\nNow redgen's own Sigma rules read these logs, as a SIEM would, and the truth says what they "
                  "caught.\n", highlight=False)
    reports = out.with_name(f"{out.name}-report")
    files = report_files(reports)
    card = whole_loop(made, detectors_of([Path(BUNDLED)]), Terms(), alerts=files.pop("alerts"))
    publish(card, files, write_gates=None, quiet=False, dataset=made.path)
    _next(console, made, out, reports)


def _what(console: Console, made: Dataset, out: Path, seconds: float) -> None:
    m = made.manifest
    lines, labels = sum(s["lines"] for s in m["sources"].values()), m["labels"]
    marked = labels["malicious"]
    console.print(f"\nMade [bold]{out}[/] in {seconds:.0f} s: {m['scenario']['title']}.", highlight=False)
    console.print(f"{lines:,} log lines in the formats of {len(m['sources'])} products; {marked:,} of them belong to "
                  f"{len(m['campaigns'])} attacks, {labels['hard_negative']:,} only look like it, and "
                  f"{labels['collateral']:,} are ordinary people suffering from an attack.\n", highlight=False)
    for name, source in m["sources"].items():
        size = f"{source['lines']:>9,} lines, {source['labels']['malicious']:>6,} malicious"
        console.print(f"  logs/{name + '/':<16}{size}   {source['title']}", highlight=False, no_wrap=True,
                      overflow="ellipsis")
    console.print("  truth/              which line belongs to what: labels.parquet, campaigns.jsonl", highlight=False)
    console.print("  lookups/            identities, assets, GeoIP of this made-up internet", highlight=False)
    console.print()
    for c in m["campaigns"]:
        console.print(f"  {c['campaign_id']}  {c['playbook']:<28} {' → '.join(c['path'])}", highlight=False,
                      overflow="ellipsis", no_wrap=True)


def _lines(console: Console, made: Dataset, out: Path) -> None:
    from rich.text import Text

    from redgen.dataset.showcase import sample

    found = sample(made)
    if found is None:
        return
    console.print(f"\nThree lines of {found.file}; one is part of an attack:\n", highlight=False)
    for number, text in found.lines:
        mark = number == found.marked
        console.print(Text(f"{'▶' if mark else ' '} {number:>6}  {text}", style="bold red" if mark else "dim"),
                      overflow="ellipsis", no_wrap=True)
    technique = f" (ATT&CK {found.technique})" if found.technique else ""
    console.print(f"\nLine {found.marked} is step [bold]{found.step_id}[/]{technique} of {found.campaign_id}, "
                  f"“{found.title}”.", highlight=False)
    console.print(f"Ask about any line: [cyan]redgen why {out} {found.file}:{found.marked}[/]", highlight=False,
                  soft_wrap=True)


def _next(console: Console, made: Dataset, out: Path, reports: Path) -> None:
    console.print(f"\nThe same as a page: [bold]{reports / 'report.html'}[/] (no network needed)", highlight=False,
                  soft_wrap=True)
    console.print("\nWhat next:", highlight=False)
    for command, why in (
        (f"redgen inspect {out}", "what is in it, and when"),
        ("redgen rules copy my-rules", "the rules that were run, to change and keep"),
        (f"redgen ci {out} --rules my-rules --baseline {reports / 'scorecard.json'}", "fails when one got worse"),
        ("redgen playbook show ato-credential-stuffing", "an attack as a graph"),
        (f"redgen generate demo -o other --seed {int(made.manifest['seed']) + 1}", "the same day with other people"),
    ):
        console.print(f"  [cyan]{command}[/]\n      {why}", highlight=False, soft_wrap=True)
