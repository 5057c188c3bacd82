"""The pages on scenarios and baselines: their examples run, and their tables are the models, key by key, with defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from redgen import generate
from redgen.benign.behaviors import _cloud, _logins, _script, _staff, _visitors
from redgen.benign.context import Behavior
from redgen.registry import BEHAVIORS, SOURCES
from redgen.shards.inputs import Request
from redgen.shards.plan import make_plan
from redgen.spec import baseline, scenario, world
from redgen.spec.loader import load_yaml
from redgen.spec.scenario import Scenario
from redgen.world.build import default_spec

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```yaml(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(
    r"^#+ ([^\n]+)\n(?:(?!#|\| key)[^\n]*\n)*\| key \| default \| says \|\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", re.MULTILINE)
SMALL = ("world.scale.customers=1000",)
FRAME = "id: frame\nwindow: {start: 2026-03-02T00:00:00Z, duration: 7d}\nbaseline: saas-workforce\n"

MODELS: dict[str, dict[str, type[BaseModel]]] = {
    "scenarios.md": {
        "The file": scenario.Scenario, "window": scenario.WindowSpec, "campaigns": scenario.CampaignSpec,
        "hard_negatives": scenario.HardNegativeSpec, "start": scenario.StartSpec, "sources": scenario.SourceSpec,
        "output": scenario.OutputSpec,
    },
    "baselines.md": {
        "The file": baseline.Baseline, "populations": baseline.Population, "entities": baseline.Entities,
        "rate": baseline.Rate, "every": baseline.Every, "season": baseline.Season, "burst": baseline.Burst,
        "The world": world.WorldSpec, "scale": world.Scale, "sites": world.Site, "routes": world.Route,
        "body": world.Body, "latency": world.Latency, "hosts": world.Host, "offices": world.Office, "dns": world.Dns,
        "cloud": world.Cloud, "accounts": world.Account, "roles": world.Role, "resources": world.Resource,
        "lognormal": _script.Lognormal, "quantiles": _script.Quantiles, "step": _script.Step, "login": _script.Login,
        "visitors": _visitors.Visitors, "presence": _visitors.Presence, "presence of staff": _staff.Presence,
        "habits": _logins.Habits, "task": _cloud.Task,
    },
}
"""The heading above each table, and the model it describes."""


@dataclass(frozen=True)
class Row:
    """One row of a table: the key, and the other two cells."""

    key: str
    default: str
    says: str


def tables(page: str) -> dict[str, list[Row]]:
    """The tables of keys of a page, by the heading above."""
    found = {}
    for heading, body in TABLE.findall((DOCS / page).read_text()):
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()]
        found[heading] = [Row(row[0].strip("`"), *row[1:]) for row in cells]
    return found


def examples(page: str) -> list[tuple[str, str]]:
    """(file, text) of each YAML block; the file is empty where none is named."""
    return BLOCK.findall((DOCS / page).read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page on baselines tells its reader to write."""
    place = tmp_path_factory.mktemp("pages")
    for name, text in examples("baselines.md"):
        (place / name).write_text(text)
    return place


@pytest.mark.parametrize("page", MODELS)
def test_every_table_holds_the_keys_of_its_model(page: str) -> None:
    """All of them, in any order, and no others; ``source`` and ``note`` are told of once."""
    found = tables(page)
    assert found.keys() == MODELS[page].keys()
    for heading, model in MODELS[page].items():
        keys = {field.alias or name for name, field in model.model_fields.items()}
        told = {"source", "note"} if issubclass(model, baseline.Cited) else set()
        assert {row.key for row in found[heading]} == keys - told, heading


@pytest.mark.parametrize("page", MODELS)
def test_every_default_is_the_model_s(page: str) -> None:
    """Where the cell is a value: it means what is meant when nothing is said. ``required`` is said of what is."""
    for heading, rows in tables(page).items():
        fields = {field.alias or name: field for name, field in MODELS[page][heading].model_fields.items()}
        for row in rows:
            field, place = fields[row.key], f"{page}: {heading}: {row.key}"
            assert (row.default == "required") == field.is_required(), place
            if row.default.startswith("`"):
                default = field.default if field.default is not PydanticUndefined else field.default_factory()
                assert _read(MODELS[page][heading], row.key, row.default.strip("`")) == default, place
            elif row.default == "none":
                assert not field.default, place


def _read(model: type[BaseModel], key: str, text: str) -> Any:
    """What ``text`` means as the key of the model."""
    value = load_yaml(f"x: {text}").data["x"]
    field = next(field for name, field in model.model_fields.items() if (field.alias or name) == key)
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(field.annotation, key, *field.metadata)])
    return adapter.validate_python(tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("page", MODELS)
def test_every_word_that_can_be_chosen_is_told(page: str) -> None:
    """In the row of its key, or in the default."""
    for heading, rows in tables(page).items():
        fields = {field.alias or name: field for name, field in MODELS[page][heading].model_fields.items()}
        for row in rows:
            for word in _words(fields[row.key].annotation):
                assert not word or f"`{word}`" in f"{row.default} {row.says}", f"{page}: {heading}: {row.key}: {word}"


def _words(annotation: Any) -> list[str]:
    """The words of all ``Literal`` types inside a type."""
    if get_origin(annotation) is Literal:
        return [*get_args(annotation)]
    return [word for part in get_args(annotation) if not isinstance(part, str) for word in _words(part)]


def test_every_behavior_is_told_with_its_parameters() -> None:
    """Each by name, those it needs in the line that says so, and numbers with the default of today."""
    page = (DOCS / "baselines.md").read_text()
    told = dict(re.findall(r"^\*\*`(\w+)`\*\*: (.*?)\n\n", page, re.MULTILINE | re.DOTALL))
    assert told.keys() == set(BEHAVIORS.names())
    for name, text in told.items():
        behavior: Behavior = BEHAVIORS.get(name)
        needs = "".join(re.findall(r"^Needs .*$", text, re.MULTILINE))
        for key in behavior.names:
            field = behavior.parameters.model_fields[key]
            assert f"`{key}`" in (needs if field.is_required() else text.replace(needs, "")), f"{name}: {key}"
            if isinstance(field.default, float):
                assert re.search(rf"`{key}` {field.default:g}\b", text), f"{name}: {key} is {field.default:g}"


def test_every_source_is_told_with_its_formats() -> None:
    """The default one first."""
    page = (DOCS / "scenarios.md").read_text()
    for name in SOURCES.names():
        formats = " ".join(f"`{one}`" for one in SOURCES.get(name).formats)
        assert f"| `{name}` | {formats} |" in page


@pytest.mark.parametrize("number", range(len(examples("scenarios.md"))))
def test_examples_of_scenarios_can_be_planned(number: int, tmp_path: Path) -> None:
    """As they are written, with fewer people; those of one section inside a scenario that says the rest."""
    text = examples("scenarios.md")[number][1]
    if "id" not in yaml.safe_load(text):
        text = FRAME + text
    (tmp_path / "scenario.yaml").write_text(text)
    plan = make_plan(Request(str(tmp_path / "scenario.yaml"), SMALL))
    assert len(plan.campaigns) == sum(e.count for e in (*plan.scenario.campaigns, *plan.scenario.hard_negatives))


def test_the_baseline_generates_an_hour(folder: Path) -> None:
    """Every population shows, so does the attack, and nothing is said of a shop."""
    made = generate(folder / "museum-morning.yaml", folder / "museum", jobs=1)
    lines = {name: entry["lines"] for name, entry in made.manifest["sources"].items()}
    assert all(lines[name] > 20 for name in ("nginx_access", "okta_system", "zeek_conn", "linux_auth")), lines
    assert made.manifest["labels"]["malicious"]
    served = "".join(path.read_text() for path in (folder / "museum/logs/nginx_access").iterdir())
    for trace in ("/exhibitions/", "/account/tickets/", "POST /login", "ELB-HealthChecker", "/.env"):
        assert trace in served, trace
    assert "lumenshop" not in served


def test_baselines_are_joined(folder: Path) -> None:
    """The museum with the bundled two: three sites, and everybody's populations."""
    plan = make_plan(Request(str(folder / "museum-and-shop.yaml"), SMALL))
    assert set(plan.world.sites.host) > {"tickets.citymuseum.example", "www.lumenshop.example"}
    names = {population.id for population in plan.inputs.populations}
    assert names > {"guests", "employees-sso", "shoppers"}
    assert plan.world.org.name == "City Museum"
    assert isinstance(plan.scenario, Scenario)


@pytest.mark.parametrize("page", ["scenarios.md", "baselines.md", "playbooks.md", "dataset.md"])
def test_links_lead_somewhere(page: str) -> None:
    """To a file, and to a heading in it."""
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", (DOCS / page).read_text()):
        file = DOCS / (target or page)
        assert file.exists(), target
        headings = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-")
                    for h in re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)]
        assert not anchor or anchor in headings, f"{target}#{anchor}"


def test_numbers_of_the_default_world_are_told() -> None:
    """Where a model leaves a number open, the table says that of the world behind it."""
    behind, found = default_spec(), tables("baselines.md")
    for heading, part in (("scale", behind.scale), ("dns", behind.dns), ("The world", behind), ("cloud", behind.cloud)):
        for row in found[heading]:
            said = getattr(part, row.key)
            if isinstance(said, int | float):
                assert float(row.default) == said, row
    told = {row.key: row.default for heading in ("The world", "cloud") for row in found[heading]}
    hosts, roles = sum(host.count for host in behind.hosts), len(behind.cloud.roles)
    assert (told["hosts"], told["apps"], told["roles"]) == (str(hosts), f"{len(behind.apps)} names", str(roles))
