"""``redgen generate``: a scenario in, a dataset out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Another seed than the scenario's.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes, else one a core; same bytes.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a dataset that is already there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def generate(
    scenario: Annotated[str, typer.Argument(help="A bundled scenario's name, or the path of a YAML file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset directory to make.")],
    seed: Seed = None,
    jobs: Jobs = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one key, dotted; repeatable.")
    ] = None,
    no_campaigns: Annotated[
        bool, typer.Option("--no-campaigns", help="The clean twin: the same benign lines, no attack.")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the records as Parquet too.")] = False,
    inline_labels: Annotated[
        bool, typer.Option("--inline-labels", help="Add each line's label to the line itself.")
    ] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Turn a scenario into a dataset of correlated, labelled logs.

    The same scenario and seed give the same bytes on any machine with any number of jobs. An interrupted run goes on
    where it stopped when the same command is given again.
    """
    from redgen.cli.progress import run_with_progress

    overrides = list(settings or [])
    overrides += ["output.parquet=true"] if parquet else []
    overrides += ["output.inline_labels=true"] if inline_labels else []
    made, seconds = run_with_progress(
        scenario, out, seed=seed, jobs=jobs, settings=overrides, clean=no_campaigns, force=force, quiet=quiet)
    if not quiet:
        sources, labels = made.manifest["sources"].values(), made.manifest["labels"]
        lines, size = sum(s["lines"] for s in sources), sum(s["bytes"] for s in sources)
        rate = f"{lines / seconds:,.0f} lines/s, {size / seconds / 1e6:,.0f} MB/s"
        print(f"{out}: {lines:,} lines in {len(sources)} logs, {size / 1e6:,.1f} MB, in {seconds:.1f} s ({rate})")
        print(f"  {len(made.manifest['campaigns'])} campaigns: {labels['malicious']:,} malicious lines, "
              f"{labels['collateral']:,} collateral, {labels['hard_negative']:,} of hard negatives")
        print(f"  next: redgen inspect {out}")
