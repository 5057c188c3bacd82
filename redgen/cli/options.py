"""Options that several scoring verbs share, and what they all do with a scorecard."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from redgen.assess.judge import Terms
    from redgen.scorecard import Scorecard

Gates = Annotated[Path | None, typer.Option("--gates", metavar="FILE", help="What must hold for exit code 0.")]
Baseline = Annotated[Path | None, typer.Option(
    "--baseline", metavar="FILE", help="The scorecard (JSON) of an accepted run: losing a campaign fails.")]
WriteGates = Annotated[Path | None, typer.Option(
    "--write-gates", metavar="FILE", help="Write a first gates file from this run.")]
Rules = Annotated[list[Path], typer.Option(
    "--rules", "-r", metavar="PATH", help="Sigma rules: a file or folder; `bundled` is redgen's own pack. Repeatable.")]
Pipelines = Annotated[list[Path] | None, typer.Option(
    "--pipeline", "-p", metavar="FILE", help="A pySigma processing pipeline. Repeatable.")]
Placeholders = Annotated[Path | None, typer.Option(
    "--placeholders", metavar="FILE", help="YAML with the values of %placeholders%.")]
Detectors = Annotated[list[str] | None, typer.Option(
    "--detector", "-d", metavar="SPEC",
    help="Another detector: command:…, python:module:function, alerts:FILE, crowdsec, fail2ban. Repeatable.")]
RawFires = Annotated[bool, typer.Option("--raw-fires", help="An alert per qualifying event, not per episode.")]
WindowEdge = Annotated[str, typer.Option(
    "--window-edge", metavar="inclusive|exclusive", help="Whether a correlation's window holds its old end.")]
Strict = Annotated[bool, typer.Option("--strict", help="A rule in error fails the detection (exit 4).")]
Confidence = Annotated[float | None, typer.Option(
    "--confidence", help="Of the intervals in the scorecard; the gates file's, or 0.95.", show_default=False)]
Sequential = Annotated[str | None, typer.Option(
    "--sequential", metavar="'r0=0.95 r1=0.85'",
    help="Seed after seed until recall is decided: also alpha, beta, n_max.")]
MinSeverity = Annotated[int, typer.Option("--min-severity", min=0, max=100, help="Leave weaker alerts out.")]
K = Annotated[int, typer.Option("--k", min=1, help="Matching alerts that make a campaign detected.")]
MinSteps = Annotated[int, typer.Option("--min-steps", min=1, help="Steps that must be hit.")]
MinPurity = Annotated[float, typer.Option("--min-purity", help="Share of malicious events in an alert of many.")]
Horizon = Annotated[float, typer.Option("--horizon", help="Seconds after a step in which an alert still matches it.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Count diluted alerts as detections.")]
MatchLevel = Annotated[str, typer.Option("--match", metavar="campaign|event|entity", help="What counts as a match.")]
AllowChance = Annotated[bool, typer.Option("--allow-chance", help="Gate on recall although chance explains it.")]
Inconclusive = Annotated[str | None, typer.Option(
    "--inconclusive", metavar="pass|fail", help="Count inconclusive gates so, instead of exit 3.")]
Attempt = Annotated[int, typer.Option("--attempt", min=1, help="Which try this is; reports say it.")]
Today = Annotated[str | None, typer.Option("--today", metavar="DATE", help="The day for allowances that expire.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a scenario's key.")]
Reports = Annotated[Path | None, typer.Option("--reports", metavar="DIR", help="Write every report into it.")]
Cache = Annotated[Path | None, typer.Option("--cache", metavar="DIR", help="Where datasets are kept.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="The scorecard, to compare with later.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="A page for people.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="A summary.")]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="JUnit XML.")]
Sarif = Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="SARIF 2.1.0.")]
Navigator = Annotated[Path | None, typer.Option("--navigator", metavar="FILE", help="ATT&CK Navigator layer.")]
Openmetrics = Annotated[Path | None, typer.Option("--openmetrics", metavar="FILE", help="OpenMetrics text.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Campaigns, one a row.")]
Matches = Annotated[Path | None, typer.Option(
    "--matches", metavar="FILE", help="Alerts against steps (.csv, .parquet).")]
RulesBehind = Annotated[list[Path] | None, typer.Option(
    "--rules", "-r", metavar="PATH", help="The Sigma rules behind the alerts, for their names and files.")]
AlertFormat = Annotated[str, typer.Option(
    "--alert-format", metavar="NAME", help="The alerts' format, instead of telling it from the file.")]
Mapping_ = Annotated[Path | None, typer.Option(
    "--mapping", metavar="FILE", help="YAML that maps the fields of any other alert format.")]
Zone = Annotated[str, typer.Option("--zone", help="The zone of alert times that name none.")]
Ledger = Annotated[Path | None, typer.Option("--ledger", metavar="FILE", help="When each event was sent (Parquet).")]
Observed = Annotated[Path | None, typer.Option(
    "--observed-sources", metavar="FILE", help="How many events of each source arrived.")]
Evidence = Annotated[int, typer.Option("--evidence", min=1, help="Events that one alert names at most.")]
AlertsOut = Annotated[Path | None, typer.Option(
    "--out", "-o", metavar="FILE", help="Alerts as JSON lines, instead of on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No scorecard on the terminal.")]
Yaml = Annotated[bool, typer.Option("--yaml", help="Print the file itself, to change and keep.")]


def check_choice(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    """DataError unless ``value`` is one of ``allowed``, or None."""
    from redgen.errors import DataError, did_you_mean

    if value is not None and value not in allowed:
        raise DataError(f"{name} cannot be {value!r}{did_you_mean(value, allowed)}")


def print_file(path: Path) -> None:
    """The file as it is, on standard output; DataError when it cannot be read."""
    from redgen.errors import DataError

    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    sys.stdout.buffer.write(content)


def day(text: str | None) -> date | None:
    """The date written in ISO 8601; DataError when it is none."""
    from redgen.errors import DataError

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise DataError(f"--today {text!r} is no date; write 2027-01-31") from None


def check_targets(files: Mapping[str, Path | None], write_gates: Path | None) -> None:
    """SinkError when a file asked for cannot be written, so that it shows before anything is."""
    from redgen.atomic import writable
    from redgen.errors import SinkError

    for path in files.values():
        if path is not None:
            writable(path)
    if write_gates is not None:
        writable(write_gates)
        if write_gates.exists():
            raise SinkError(f"{write_gates} is already there; name another file, or remove it")


def publish(card: Scorecard, files: Mapping[str, Path | None], *, write_gates: Path | None, quiet: bool,
            dataset: Path | None = None) -> None:
    """Write every report asked for, the gates file and GitHub's annotations, and show the scorecard."""
    from redgen.assess.graphs import playbook_edges
    from redgen.evidence.outputs import save, write

    for kind, path in files.items():
        if path is not None:
            write(card, kind, path, playbook_edges(dataset) if dataset and kind == "html" else None)
    if write_gates is not None:
        from redgen.gates.writer import write_gates as text_of

        save(text_of(card), write_gates)
        if not quiet:
            print(f"gates: {write_gates}, to look through and keep", file=sys.stderr)
    if quiet:
        _brief(card)
    else:
        _show(card)
    _github(card)


def _show(card: Scorecard) -> None:
    from rich.console import Console

    from redgen.evidence import terminal

    console = Console()
    width = console.width if console.is_terminal else max(80, min(console.width, 120))
    color = console.is_terminal and not console.no_color
    sys.stdout.write(terminal.render(card, width=width, color=color))


def _brief(card: Scorecard) -> None:
    """What a quiet run does not keep to itself: why it did not pass."""
    from redgen.scorecard import PASSED

    for said in card.failed:
        print(f"redgen: the detection failed: {said}", file=sys.stderr)
    for gate in card.gates:
        if gate.status != PASSED:
            print(f"redgen: gate {gate.gate_id}: {gate.status}: {gate.message}", file=sys.stderr)


def _github(card: Scorecard) -> None:
    """Annotations and the step summary, where GitHub runs this."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from redgen.evidence import github

    commands, summary = github.render(card)
    sys.stdout.write(commands)
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if place:
        try:
            with Path(place).open("a", encoding="utf-8") as out:
                out.write(summary)
        except OSError as error:
            print(f"redgen: no step summary: {place} cannot be written ({error.strerror})", file=sys.stderr)


def terms(*, gates: Path | None, baseline: Path | None, confidence: float | None, k: int, min_severity: int,
          min_steps: int, min_purity: float, horizon: float, lenient: bool, match: str, attempt: int,
          allow_chance: bool, inconclusive: str | None, today: str | None, ledger: Path | None = None,
          observed: Path | None = None) -> Terms:
    """The terms that the options of a scoring verb spell out; DataError for values that make no sense."""
    from redgen.assess.judge import Terms, read_observed
    from redgen.gates.expectations import load_any
    from redgen.scorecard import Settings

    check_choice("--inconclusive", inconclusive, ("pass", "fail"))
    check_choice("--match", match, ("campaign", "event", "entity"))
    if confidence is None:
        confidence = load_any(gates).level if gates else 0.95
    settings = Settings(confidence=confidence, k=k, min_severity=min_severity, min_steps=min_steps,
                        min_purity=min_purity, horizon_seconds=horizon, lenient=lenient, match_level=match,
                        attempt=attempt)
    return Terms(settings, gates, baseline, allow_chance, inconclusive, ledger,
                 read_observed(observed) if observed else None, day(today))
