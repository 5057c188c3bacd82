"""Scenarios: what a user may ask for, and what is impossible, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from redgen.clock import DAY, HOUR, parse_time
from redgen.errors import DataError, SpecError
from redgen.spec import files
from redgen.spec.scenario import Scenario, load_scenario, named

TEXT = """\
id: week
seed: 7
window: {start: 2026-03-02T00:00:00Z, duration: 7d}
baseline: base.yaml
traffic: 0.5
campaigns:
- {playbook: book.yaml, count: 30, stealth: 1, with: {pace: {log_uniform: [0.1, 1]}}}
- {playbook: book.yaml, id: loud, start: {within: [1h, 2026-03-03T12:00:00Z]}, sampler: coverage, at_least: 2}
hard_negatives:
- {kind: calm.yaml, count: 2, start: {at: 2d}}
sources:
  nginx_access: {format: json, loss: 0.01, skew: -2s, latency: 3s}
output: {compress: zstd, rotate: 6h, parquet: true, order: event_time, inline_labels: true}
world: {scale: {customers: 50000}}
address_plan: benchmark
"""


@pytest.fixture()
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Load a scenario text that stands beside what it names."""
    few = type("Few", (), {"names": lambda _: ["nginx_access", "okta_system"]})
    monkeypatch.setattr("redgen.spec.scenario.SOURCES", few())
    for name in ("base", "book", "calm"):
        (tmp_path / f"{name}.yaml").write_text("id: x\n")

    def run(text: str, *settings: str) -> Scenario:
        (tmp_path / "s.yaml").write_text(text)
        return load_scenario(tmp_path / "s.yaml", settings)[1]

    return run


def test_a_whole_scenario(load) -> None:
    found = load(TEXT, "seed=9", "campaigns.0.count=3", "world.scale.customers=10")
    assert (found.seed, found.traffic, found.baselines) == (9, 0.5, ("base.yaml",))
    assert found.window.window.duration == 7 * DAY
    assert found.world == {"scale": {"customers": 10}}
    assert [(name, e.count) for name, e in named(found.campaigns)] == [("book", 3), ("loud", 1)]
    assert found.campaigns[1].start is not None
    start = parse_time("2026-03-02")
    assert found.campaigns[1].start.span(found.window.window) == (start + HOUR, start + 36 * HOUR)
    assert found.hard_negatives[0].start is not None
    assert found.hard_negatives[0].start.span(found.window.window) == (start + 2 * DAY, start + 2 * DAY)
    assert found.sources["nginx_access"].skew == -2_000_000


def test_little_has_to_be_said(load) -> None:
    found = load("id: x\nwindow: {start: 2026-03-02, duration: 1h}\nbaseline: [base.yaml]\nsources: [okta_system]\n")
    assert (found.seed, found.traffic, found.campaigns, found.output.compress) == (1, 1.0, (), "none")
    assert (found.sources["okta_system"].loss, found.shard, found.address_plan) == (0, None, "reserved")


def test_the_second_entry_of_a_playbook_gets_a_name_of_its_own(load) -> None:
    found = load(TEXT.replace("id: loud, ", ""))
    assert [name for name, _ in named(found.campaigns)] == ["book", "book#2"]


@pytest.mark.parametrize(("old", "new", "finding"), [
    ("duration: 7d", "duration: 0s", ":3: window: the duration of a window is between 1s and 5 years"),
    ("duration: 7d", "duration: 900w", ":3: window: the duration of a window is between 1s and 5 years"),
    ("duration: 7d", "duration: 99999w", ":3: window.duration: longer than 200 years"),
    ("duration: 7d", "duration: -7d", ":3: window.duration: '-7d' is not a duration"),
    ("duration: 7d", "end: 2026-03-09", ":3: window.duration: missing; this key is required"),
    ("2026-03-02T00", "1826-03-02T00", ":3: window: a window lies between the years 1990 and 2100"),
    ("2026-03-02T00", "2026-02-30T00", ":3: window.start: '2026-02-30T00:00:00Z' is not a time"),
    ("base.yaml", "bass.yaml", ":4: baseline: there is no baseline file bass.yaml"),
    ("base.yaml", "[base.yaml, bass.yaml]", ":4: baseline.1: there is no baseline file bass.yaml"),
    ("traffic: 0.5", "traffic: -1", ":5: traffic: should be greater than or equal to 0, not -1"),
    ("count: 30", "count: -1", ":7: campaigns.0.count: should be greater than or equal to 0, not -1"),
    ("count: 30", "count: 2.5", ":7: campaigns.0.count: should be a whole number, not 2.5"),
    ("stealth: 1,", "stealth: 2,", ":7: campaigns.0.stealth: should be less than or equal to 1, not 2"),
    ("log_uniform: [0.1, 1]", "log_uniform: [0, 1]", ":7: campaigns.0.with.pace: the low end of log_uniform"),
    ("id: loud", "id: l d", ":8: campaigns.1.id: "),
    ("[1h, 2026", "[3d, 2026", ":8: campaigns.1.start: begins within a span that ends before it starts"),
    ("[1h, 2026-03-03", "[1h, 2027-03-03", ":8: campaigns.1.start: lies outside the window, 2026-03-02T00:00"),
    ("{at: 2d}", "{at: 7d}", ":10: hard_negatives.0.start: lies outside the window"),
    ("{at: 2d}", "{}", ":10: hard_negatives.0.start: write either at or within"),
    ("coverage", "covrage", ":8: campaigns.1.sampler: the text 'covrage' is not allowed; did you mean 'coverage'?"),
    ("calm.yaml", "clam.yaml", ":10: hard_negatives.0.kind: there is no hard negative file clam.yaml"),
    ("nginx_access:", "nginx_acess:", ":12: sources.nginx_acess: unknown source; did you mean 'nginx_access'?"),
    ("loss: 0.01", "loss: 1", ":12: sources.nginx_access.loss: should be less than 1, not 1"),
    ("zstd", "zip", ":13: output.compress: the text 'zip' is not allowed; did you mean 'gzip'?"),
    ("rotate: 6h", "rotate: 6", ":13: output.rotate: write a duration with its unit"),
    ("address_plan", "adress_plan", ":15: adress_plan: unknown key; did you mean 'address_plan'?"),
    ("seed: 7", "seed: -7", ":2: seed: should be greater than or equal to 0, not -7"),
    ("seed: 7", "sed: 7", ":2: sed: unknown key; did you mean 'seed'?"),
])
def test_the_impossible_is_named_with_its_line(load, old: str, new: str, finding: str) -> None:
    assert old in TEXT
    with pytest.raises(SpecError) as caught:
        load(TEXT.replace(old, new, 1))
    assert any(f"s.yaml{finding}" in str(p) for p in caught.value.problems), str(caught.value)


def test_entries_do_not_share_an_id(load) -> None:
    with pytest.raises(SpecError, match=r"s\.yaml:8: campaigns\.1\.id: another entry has the same id"):
        load(TEXT.replace("{playbook: book.yaml, count: 30,", "{playbook: book.yaml, id: loud,"))


def test_bundled_files_are_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in files.FOLDERS:
        for name in files.names(kind):
            assert files.resolve(kind, name).stem == name
    with pytest.raises(DataError, match="unknown playbook 'nothing_like_it'"):
        files.resolve("playbook", "nothing_like_it")
    with pytest.raises(DataError, match="there is no scenario file"):
        load_scenario("nothing.yaml")
    with pytest.raises(DataError):
        load_scenario("a\0b.yaml")


def test_an_installed_package_carries_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "redgen"
    (package / "bundled" / "attack_playbooks").mkdir(parents=True)
    (package / "spec").mkdir()
    (package / "bundled" / "attack_playbooks" / "own.yaml").write_text("id: own\n")
    monkeypatch.setattr(files, "__file__", str(package / "spec" / "files.py"))
    assert files.names("playbook") == ["own"]
    assert files.resolve("playbook", "own").is_file()


def test_paths_are_looked_up_beside_the_scenario_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "b.yaml").write_text("")
    (tmp_path / "here" / "b.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert files.resolve("baseline", "b.yaml", Path("here")) == Path("here/b.yaml")
    assert files.resolve("baseline", "b.yaml") == Path("b.yaml")
    assert files.shown(tmp_path / "here" / "b.yaml") == "here/b.yaml"
