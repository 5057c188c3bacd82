"""What each verb says to somebody who reads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import redgen as library
from redgen.spec.files import names, resolve
from redgen.version import VERSION
from tests.cli.conftest import Run
from tests.pipeline.conftest import SMALL

QUICK = ("--set", "window.duration=30m", "--set", "campaigns=[]", "--set", "hard_negatives=[]")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, redgen: Run) -> subprocess.CompletedProcess[str]:
    return redgen("demo", cwd=tmp_path_factory.mktemp("demo"))


def test_the_demo_tells_a_newcomer_what_there_is(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    assert not demo.stderr, "nothing is drawn where nobody watches"
    for source in ("aws_cloudtrail", "linux_auth", "nginx_access", "okta_system", "zeek_conn", "zeek_dns"):
        assert f"logs/{source}/" in demo.stdout
    assert len(re.findall(r"^  C-\d{4}  ", demo.stdout, re.MULTILINE)) == 6
    assert demo.stdout.count("▶") == 1
    for verb in ("inspect", "why", "playbook show", "generate demo"):
        assert f"redgen {verb}" in demo.stdout


def test_the_demo_ends_with_the_score_and_where_its_page_is(demo: subprocess.CompletedProcess[str],
                                                            tmp_path_factory: pytest.TempPathFactory) -> None:
    told = demo.stdout.partition("as a SIEM would")[2]
    places = [told.index(words) for words in ("Verdict", "Recall", "False alerts", "Rules", "The same as a page:", "What next:")]
    assert places == sorted(places)
    page = re.search(r"The same as a page: (\S+report\.html)", told)
    assert page
    folder = next(tmp_path_factory.getbasetemp().glob("demo*/redgen-demo")).parent
    assert "</html>" in (folder / page[1]).read_text()
    assert (folder / "redgen-demo-report/alerts.ndjson").stat().st_size


def test_what_the_demo_says_to_type_next_works(demo: subprocess.CompletedProcess[str], redgen: Run,
                                               tmp_path_factory: pytest.TempPathFactory) -> None:
    made = next(p for p in tmp_path_factory.getbasetemp().glob("demo*/redgen-demo"))
    commands = re.findall(r"redgen ((?:inspect|why|playbook) .*)$", demo.stdout, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = redgen(*command.split(), cwd=made.parent)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_demo_has_every_family_and_hides_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = library.load(next(p for p in tmp_path_factory.getbasetemp().glob("demo*/redgen-demo")))
    assert set(made.campaigns["family"]) == {"account-takeover", "api-misuse", "distributed"}
    assert set(made.campaigns["playbook"]) == set(names("playbook"))
    assert made.campaigns["t_impact"].notna().sum() >= 3
    assert made.hard_negatives["kind"].nunique() >= 4
    total = sum(s["lines"] for s in made.manifest["sources"].values())
    assert 80_000 < total < 400_000
    assert made.manifest["labels"]["malicious"] < 0.15 * total


def test_generate_sums_up(tmp_path: Path, cli: Run) -> None:
    done = cli("generate", SMALL, "-o", tmp_path / "out", *QUICK)
    assert done.returncode == 0
    assert re.search(r"out: [\d,]+ lines in 6 logs, [\d.]+ MB, in [\d.]+ s", done.stdout)
    assert "redgen inspect" in done.stdout
    quiet = cli("generate", SMALL, "-o", tmp_path / "out", "--force", "--quiet", *QUICK)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_generate_takes_its_options(tmp_path: Path, cli: Run) -> None:
    options = ("--seed", 5, "--jobs", 1, "--parquet", "--inline-labels", "--no-campaigns")
    shorter = ("--set", "sources=[okta_system]", "--set", "hard_negatives=[]")
    assert cli("generate", SMALL, "-o", tmp_path / "out", *options, *shorter).returncode == 0
    made = library.load(tmp_path / "out")
    assert made.manifest["seed"] == 5
    assert not len(made.campaigns)
    assert (tmp_path / "out/parquet/okta_system").is_dir()
    assert '"redgen":{"label":' in next(made.files("okta_system")[0].records())[1]


def test_inspect_shows_sources_campaigns_and_times(tmp_path: Path, cli: Run) -> None:
    library.generate(SMALL, tmp_path / "out", jobs=1)
    done = cli("inspect", tmp_path / "out")
    assert done.returncode == 0
    for word in ("nginx_access", "combined", "C-0001", "ato-credential-stuffing", "N-0001", "▁", "█"):
        assert word in done.stdout


def test_inspect_cuts_no_number_in_a_narrow_terminal(tmp_path: Path, environment: dict[str, str]) -> None:
    made = library.generate(SMALL, tmp_path / "out", jobs=1)
    wanted = [f"{s['lines']:,}" for s in made.manifest["sources"].values()] + ["ato-credential-stuffing"]
    for columns in (80, 100, 120):
        shown = subprocess.run(
            [sys.executable, "-m", "redgen", "inspect", str(tmp_path / "out")], capture_output=True, text=True,
            check=True, env={**environment, "COLUMNS": str(columns)}).stdout
        assert max(map(len, shown.splitlines()[3:-1])) <= columns
        for text in wanted:
            assert f" {text} " in shown, (columns, text)


@pytest.mark.parametrize("name", [*names("playbook"), *names("hard negative")])
def test_every_playbook_can_be_shown_drawn_and_walked(tmp_path: Path, cli: Run, name: str) -> None:
    shown = cli("playbook", "show", name)
    assert shown.returncode == 0
    assert "└─" in shown.stdout or "→" in shown.stdout or len(shown.stdout.splitlines()) > 1
    drawn = cli("playbook", "show", name, "--svg", tmp_path / "graph.svg")
    assert drawn.returncode == 0
    drawing = " ".join(e.text or "" for e in ET.parse(tmp_path / "graph.svg").iter())
    steps = re.findall(r"[a-z_]+", cli("playbook", "paths", name).stdout)
    assert any(step in drawing for step in steps)
    walked = cli("playbook", "paths", name)
    assert walked.returncode == 0
    assert "ways; probabilities" in walked.stdout
    assert cli("playbook", "lint", name).returncode == 0


def test_campaigns_that_no_chosen_source_sees_are_told_of(cli: Run, tmp_path: Path) -> None:
    """On standard error, and only by a run that is not quiet; the dataset is made all the same."""
    asked = ["generate", SMALL, "--set", "window.duration=1h", "--set", "hard_negatives=[]", "--set",
             "campaigns=[{playbook: ssh-distributed-brute-force, counts: {swarm: 5}, start: {at: 1m}}]", "--set",
             "sources=[okta_system]", "-j", 1]
    loud, quiet = cli(*asked, "-o", tmp_path / "a"), cli(*asked, "-o", tmp_path / "b", "--quiet")
    assert (loud.returncode, quiet.returncode, quiet.stderr) == (0, 0, "")
    assert loud.stderr == ("redgen: warning: C-0001 (ssh-distributed-brute-force) leaves no line in okta_system; "
                           "to see it, add to sources: linux_auth, zeek_conn\n")
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


def test_lists(cli: Run) -> None:
    listed = cli("playbook", "list").stdout
    assert all(name in listed for name in (*names("playbook"), *names("hard negative")))
    listed = cli("baseline", "list").stdout
    assert all(name in listed for name in names("baseline"))
    for name in names("baseline"):
        assert "a day" in cli("baseline", "show", name).stdout


@pytest.mark.parametrize(("verb", "kind", "name"), [
    ("baseline", "baseline", "online-retail"), ("playbook", "playbook", "ato-mfa-fatigue"),
    ("playbook", "hard negative", "travelling-user")])
def test_files_are_printed_to_change_and_keep(cli: Run, verb: str, kind: str, name: str) -> None:
    """As they are, comments included."""
    assert cli(verb, "show", name, "--yaml").stdout == resolve(kind, name).read_text()


@pytest.mark.parametrize("kind", ["scenario", "playbook", "baseline"])
def test_schemas_are_json_schemas(cli: Run, kind: str) -> None:
    schema = json.loads(cli("schema", kind).stdout)
    assert schema["$schema"].startswith("https://json-schema.org")
    assert schema["properties"]


def test_version(cli: Run) -> None:
    assert cli("version").stdout == f"redgen {VERSION}\n"


def test_help_needs_nothing_heavy(environment: dict[str, str]) -> None:
    code = ("import sys; sys.argv = ['redgen', '--help']\n"
            "from redgen.cli.main import main\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            "heavy = {'numpy', 'numba', 'pandas', 'pyarrow', 'pydantic', 'networkx', 'yaml'} & sys.modules.keys()\n"
            "assert not heavy, heavy\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
