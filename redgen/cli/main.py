"""The command line: one verb per file; errors become one message and exit code 2."""

from __future__ import annotations

import signal
import sys

import typer

from redgen.cli import (
    baseline,
    ci,
    demo,
    detect,
    diff,
    generate,
    inspect,
    playbook,
    rules,
    schema,
    score,
    version,
    why,
)
from redgen.cli.progress import Terminated
from redgen.errors import RedgenError

app = typer.Typer(
    name="redgen", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Labelled security logs with attacks inside, for testing detections. Start with: redgen demo",
    context_settings={"help_option_names": ["-h", "--help"]}, rich_markup_mode=None,  # plain text, in half the time
)
app.command("demo")(demo.demo)
app.command("generate", epilog="What a scenario may say: docs/scenarios.md; for editors: redgen schema scenario")(
    generate.generate)
app.command("inspect")(inspect.inspect)
app.command("why")(why.why)
app.command("detect")(detect.detect)
app.command("score")(score.score)
app.command("diff")(diff.diff)
app.command("ci")(ci.ci)
app.add_typer(playbook.app, name="playbook")
app.add_typer(baseline.app, name="baseline")
app.add_typer(rules.app, name="rules")
app.command("schema", epilog="In words: docs/scenarios.md, docs/playbooks.md, docs/baselines.md")(schema.schema)
app.command("version")(version.version)


def main() -> None:
    """Run the command line; exit code 2 for anything the user can put right, 130 when interrupted, 143 by SIGTERM."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(standalone_mode=True)
    except RedgenError as error:
        sys.exit(_say(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except Terminated as stopped:
        print("interrupted", file=sys.stderr)
        sys.exit(stopped.code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _say(error: RedgenError) -> int:
    print(f"redgen: {error}", file=sys.stderr)
    for note in getattr(error, "__notes__", ()):
        print(note, file=sys.stderr)
    return 2


def _terminated(_signal: int, _frame: object) -> None:
    raise Terminated
