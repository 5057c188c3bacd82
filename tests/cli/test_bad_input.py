"""Whatever is wrong, there is one message with the place and the remedy, exit code 2, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = """\
id: good
window: {start: 2026-01-12T00:00:00Z, duration: 1h}
baseline: online-retail
world: {scale: {customers: 200, employees: 10, admins: 1}}
"""


def scenario(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(("change", "said"), [
    (("baseline: online-retail", "baseline: online-retial"),
     "scenario.yaml:3: baseline: unknown baseline 'online-retial'; did you mean 'online-retail'"),
    (("id: good", "id: good\nwindo: 5"), "windo"),
    (("id: good", "id: good\nid: twice"), "scenario.yaml:2"),
    (("duration: 1h", "duration: 0s"), "between 1s and 5 years"),
    (("duration: 1h", "duration: soon"), "'soon' is not a duration"),
    (("start: 2026-01-12T00:00:00Z", "start: yesterday"), "'yesterday' is not a time"),
    (("id: good", "id: good\ncampaigns: [{playbook: ssh-distributd-brute-force}]"),
     "scenario.yaml:2: campaigns.0.playbook: unknown playbook 'ssh-distributd-brute-force'; did you mean"),
    (("id: good", "id: good\ncampaigns: [{playbook: ddos-http-flood, start: {at: 5h}}]"), "outside the window"),
    (("id: good", "id: good\ncampaigns: [{playbook: ddos-http-flood, with: {rat: 5}}]"),
     "no such parameter; did you mean 'rate'"),
    (("id: good", "id: good\ncampaigns: [{playbook: ddos-http-flood, counts: {bots: 0}}]"),
     "scenario.yaml:2: campaigns.0.counts.bots: is nobody; write at least 1, or leave it out"),
    (("id: good", "id: good\ncampaigns: [{playbook: ddos-http-flood, counts: {bots: {uniform: [0, 0.4]}}}]"),
     "campaigns.0.counts.bots: is nobody"),
    (("id: good", "id: good\nsources: [nginx_acess]"), "did you mean 'nginx_access'"),
    (("id: good", "id: good\nsources: {nginx_access: {format: xml}}"),
     "scenario.yaml:2: sources.nginx_access.format: nginx_access has no format 'xml'; allowed: combined, json"),
    (("id: good", "id: good\nsources: {nginx_access: {loss: 2}}"), "loss"),
    (("customers: 200", "customers: -1"), "customers"),
    (("world:", "world: {"), "scenario.yaml"),
    (("id: good", "id: [good"), "scenario.yaml"),
    (("id: good", "id: góod"), "scenario.yaml:1: id: should be a name of letters, digits, '_', '.' and '-'"),
    (("baseline: online-retail", "baseline: [online-retail, online-retail]"), "online-retail is listed twice"),
    (("baseline: online-retail", "baseline: []"), "is empty; write at least one"),
    (("id: good", "id: good\noutput: {rotate: 0s}"), "output.rotate: should be at least 1m, not 0s"),
    (("id: good", "id: good\nsources: {nginx_access: {latency: 100d}}"), "latency: should be at most 1d, not 100d"),
    (("id: good", "id: good\nsources: {nginx_access: {skew: -100d}}"), "skew: should be at least -1d, not -100d"),
])
def test_a_wrong_scenario(tmp_path: Path, cli: Run, change: tuple[str, str], said: str) -> None:
    file = scenario(tmp_path, GOOD.replace(*change))
    done = cli("generate", file, "-o", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scenario.yaml"]


@pytest.mark.parametrize(("arguments", "said"), [
    (["generate", "nowhere", "-o", "out"], "unknown scenario 'nowhere'"),
    (["generate", "nowhere/at/all.yaml", "-o", "out"], "there is no scenario file"),
    (["generate", "demo", "-o", "full"], "full is not empty"),
    (["generate", "demo", "-o", "file"], "is a file"),
    (["generate", "demo", "-o", "file/below"], "cannot write"),
    (["generate", "demo", "-o", "out", "--set", "window.duration=never"], "not a duration"),
    (["generate", "demo", "-o", "out", "--set", "nonsense"], "dotted.key=value"),
    (["generate", "demo", "-o", "out", "--set", "campains=[]"], "campains"),
    (["generate", "demo", "-o", "out", "--jobs", "0"], "jobs"),
    (["generate", "demo"], "--out"),
    (["inspect", "nowhere"], "there is no dataset"),
    (["inspect", "full"], "no manifest.json"),
    (["inspect", "broken"], "cannot be read"),
    (["why", "nowhere", "x:1"], "there is no dataset"),
    (["playbook", "show", "nothing"], "unknown playbook 'nothing'"),
    (["playbook", "lint", "bad.yaml"], "bad.yaml:"),
    (["playbook", "lint", "binary.yaml"], "binary.yaml"),
    (["baseline", "show", "nothing"], "unknown baseline 'nothing'"),
    (["schema", "nothing"], "nothing"),
    (["frobnicate"], "frobnicate"),
])
def test_a_wrong_command(tmp_path: Path, cli: Run, arguments: list[str], said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("x")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/manifest.json").write_text('{"format": 1')
    (tmp_path / "file").write_text("x")
    (tmp_path / "bad.yaml").write_text("id: x\ntitle: y\nfamily: distributed\nstart: a\nsteps: {a: {action: no}}\n")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    done = cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before
