"""What a score is worth: who alerts on everything gains nothing, who loses an attack fails, and little never passes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

import redgen as library
from redgen.assess.rulepack import rules_folder
from tests.holds.command import card, redgen, tree

ROOT = Path(__file__).resolve().parents[2]
GATES = """\
version: 1
gates:
- {id: recall, metric: campaign_recall, bound: lower, min: 0.5}
"""
EVERY_LINE = """\
title: Every line of Okta
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0001
logsource: {product: okta}
detection: {selection: {eventType: '*'}, condition: selection}
---
title: Every line of nginx
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0002
logsource: {product: nginx}
detection: {selection: {sc-status: '*'}, condition: selection}
"""
FATIGUE = "rules/okta_mfa_fatigue.yml"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with gates, and one rule that catches some of the campaigns."""
    (tmp_path / "rules").mkdir()
    shutil.copyfile(rules_folder() / "identity" / "okta_mfa_fatigue.yml", tmp_path / FATIGUE)
    (tmp_path / "gates.yml").write_text(GATES)
    return tmp_path


def oracle(dataset: Path, left_out: frozenset[str] = frozenset()) -> str:
    """Alerts of somebody who knows: one for each campaign, raised at its first line, naming all of its lines."""
    labels = library.load(dataset).labels
    lines = []
    for name, own in labels[labels["label"] == "malicious"].groupby("campaign_id", observed=True):
        first, last = (datetime.fromtimestamp(t / 1e6, UTC).isoformat() for t in (own["t"].min(), own["t"].max()))
        events = [{"file": str(f), "line": int(n)} for f, n in zip(own["file"], own["line"], strict=True)]
        if name not in left_out:
            lines.append(json.dumps({"redgen_alert": 1, "rule_id": "oracle", "rule_title": "Oracle", "level": "high", "ts": first,
                                     "first_ts": first, "last_ts": last, "events": events}))
    return "\n".join(lines) + "\n"


def score(dataset: Path, place: Path, alerts: str, *more: object) -> tuple[int, dict[str, object], str]:
    """Exit code, scorecard and what was said of some alerts held against the gates."""
    (place / "alerts.ndjson").write_text(alerts)
    done = redgen("score", dataset, "alerts.ndjson", "--gates", "gates.yml", "--json", "card.json", *more, cwd=place)
    assert not done.stderr, done.stderr
    return done.returncode, card(place / "card.json"), done.stdout


@pytest.fixture(scope="module")
def every_line(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An alert for every line of every log, by two rules that match anything."""
    place = tmp_path_factory.mktemp("every")
    (place / "every.yml").write_text(EVERY_LINE)
    assert redgen("detect", scored, "--rules", "every.yml", "-o", "every.ndjson", "-q", cwd=place).returncode == 0
    return (place / "every.ndjson").read_text()


@pytest.mark.parametrize("named", ["lines", "people"])
def test_an_alert_on_every_line_gains_nothing(scored: Path, place: Path, every_line: str, named: str) -> None:
    """Every campaign is hit, and would be by luck: corrected recall is 0, and no gate on recall is passed by it."""
    total = sum(s["lines"] for s in library.load(scored).manifest["sources"].values())
    alerts = every_line
    assert alerts.count("\n") == total
    if named == "people":
        users = [json.loads(line) for line in alerts.splitlines() if '"user":[' in line]
        alerts = "\n".join(json.dumps({**a, "events": [], "entities": {"user": a["entities"]["user"]}}) for a in users)
    code, found, said = score(scored, place, alerts)
    assert found["chance"]["refused"]
    assert abs(found["chance"]["adjusted"]) < 0.15
    if named == "lines":
        assert (found["recall"]["value"], found["chance"]["recall"], found["chance"]["adjusted"]) == (1, 1, 0)
    assert code == 3
    assert found["gates"][0]["status"] == "inconclusive"
    assert "too much luck for a gate on recall" in " ".join(said.split())
    assert redgen("score", scored, "alerts.ndjson", "--gates", "gates.yml", "--inconclusive", "fail", "-q",
                  cwd=place).returncode == 1


def test_no_alerts_are_a_recall_of_nothing_with_its_interval(scored: Path, place: Path) -> None:
    """The upper bound says what 40 campaigns allow to be overlooked; the gate fails, and without gates it is no pass."""
    code, found, _ = score(scored, place, "")
    assert code == 1
    plain = found["recall_plain"]
    assert (plain["value"], plain["lower"], plain["n"]) == (0, 0, 40)
    assert plain["upper"] == pytest.approx(1 - 0.025 ** (1 / 40))
    assert "EMPTY_FILE" in {d["code"] for d in found["diagnostics"]}
    bare = redgen("score", scored, "alerts.ndjson", cwd=place)
    assert bare.returncode == 3
    assert "no alert was read" in bare.stdout


def test_who_knows_everything_gets_what_so_many_campaigns_allow(scored: Path, place: Path) -> None:
    """Recall 1; its lower bound is the exact one of n without a miss, at the effective number of weighted campaigns."""
    code, found, _ = score(scored, place, oracle(scored))
    assert code == 0
    assert (found["recall"]["value"], found["chance"]["adjusted"], found["precision"]["value"]) == (1, 1, 1)
    assert found["recall_plain"]["lower"] == pytest.approx(0.025 ** (1 / 40))
    assert found["recall"]["lower"] == pytest.approx(0.025 ** (1 / int(found["recall"]["n_eff"])))
    assert {c["status"] for c in found["campaigns"]} == {"DETECTED"}


@pytest.mark.parametrize(("limit", "where", "says"), [
    (0.95, "", "cannot show 0.95 even without a miss"),
    (0.9, "where: {playbook: api-bola-enumeration}, ", "8 campaigns cannot show 0.9 even without a miss")])
def test_few_campaigns_are_inconclusive(scored: Path, place: Path, limit: float, where: str, says: str) -> None:
    """Without a single miss; who wants to count that as a pass or a failure must say so."""
    (place / "gates.yml").write_text(
        f"version: 1\ngates:\n- {{id: r, metric: campaign_recall, {where}bound: lower, min: {limit}}}\n")
    code, found, _ = score(scored, place, oracle(scored))
    assert (code, found["gates"][0]["status"]) == (3, "inconclusive")
    assert says in found["gates"][0]["message"]
    for word, wanted in (("pass", 0), ("fail", 1)):
        assert score(scored, place, oracle(scored), "--inconclusive", word)[0] == wanted


def victim(dataset: Path, found: dict[str, list[dict[str, object]]]) -> tuple[str, str]:
    """A campaign that was detected, and its victim, who is nobody else's."""
    people = {c["campaign_id"]: c["entities"]["victim"].get("user", []) for c in library.load(dataset).records("campaigns")}
    everybody = [user for users in people.values() for user in users]
    return next((c["campaign_id"], people[c["campaign_id"]][0]) for c in found["campaigns"]
                if c["status"] == "DETECTED" and len(people[c["campaign_id"]]) == 1
                and everybody.count(people[c["campaign_id"]][0]) == 1)


def test_a_rule_edit_that_loses_one_campaign_fails_the_build(scored: Path, place: Path) -> None:
    """Somebody tunes an alarm out. The build names campaign, rule and file, wherever it is read; put back, it passes."""
    build = ("ci", scored, "--rules", "rules", "--reports", "out")
    assert redgen(*build, "-q", cwd=place).returncode == 0
    shutil.copyfile(place / "out" / "scorecard.json", place / "accepted.json")
    name, user = victim(scored, card(place / "accepted.json"))
    good = (place / FATIGUE).read_text()
    tuned = good.replace("  condition: selection\n", f"  vip: {{actor.alternateId: {user}}}\n  condition: selection and not vip\n")
    assert tuned != good
    (place / FATIGUE).write_text(tuned)
    build = (*build, "--baseline", "accepted.json")
    failed = redgen(*build, cwd=place, environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place / "summary.md")})
    assert failed.returncode == 1
    found = card(place / "out" / "scorecard.json")
    assert [(c["campaign_id"], c["rules"], c["files"]) for c in found["regression"]["lost"]] == [(name, ["MFA Fatigue"], [FATIGUE])]
    seen = " ".join(failed.stdout.split())
    assert f"no-loss 1 of 40 campaigns lost: {name} (seen before by MFA Fatigue; {FATIGUE})" in seen
    assert f"::error file={FATIGUE}," in failed.stdout
    assert re.search(rf"::error file={FATIGUE},[^\n]*::campaign {name} .*MFA Fatigue", failed.stdout)
    summary = (place / "summary.md").read_text()
    assert all(word in summary.replace("\\", "") for word in (name, "MFA Fatigue", FATIGUE))
    case = next(c for c in ET.parse(place / "out" / "junit.xml").iter("testcase") if c.get("name") == name)
    broken = case.find("failure")
    assert broken is not None
    assert "MFA Fatigue" in (broken.text or "") + broken.get("message", "")
    assert FATIGUE in (broken.text or "") + broken.get("message", "")
    results = json.loads((place / "out" / "results.sarif").read_text())["runs"][0]["results"]
    lost = [r for r in results if name in r["message"]["text"] and r["level"] == "error"]
    assert {loc["physicalLocation"]["artifactLocation"]["uri"] for r in lost for loc in r["locations"]} == {FATIGUE}
    page = (place / "out" / "report.html").read_text()
    assert name in page
    assert FATIGUE in page

    compared = redgen("diff", "accepted.json", "out/scorecard.json", cwd=place)
    assert compared.returncode == 1
    seen = " ".join(compared.stdout.split())
    assert f"lost {name}; seen before by MFA Fatigue in {FATIGUE}" in seen
    assert re.search(r"False alerts .* → .* a day \(p .* that they grew\) Half of all campaigns detected after .* → .*", seen)

    (place / FATIGUE).write_text(good)
    passed = redgen(*build, cwd=place)
    assert passed.returncode == 0, passed.stdout
    assert "1 of 1 gate passed" in passed.stdout
    compared = redgen("diff", "accepted.json", "out/scorecard.json", cwd=place)
    assert compared.returncode == 0, compared.stdout


def test_an_allowance_excuses_a_lost_campaign_until_it_expires(scored: Path, place: Path) -> None:
    """The day after its last one it is a failure of its own."""
    name = card_of(scored, place)["campaigns"][0]["campaign_id"]
    (place / "gates.yml").write_text(
        "version: 1\ngates:\n- {id: no-loss, metric: lost_campaigns, max: 0}\nallow:\n"
        f"- {{campaign: {name}, gate: no-loss, reason: log source retired, owner: ir-team, expires: 2027-01-31}}\n")
    (place / "alerts.ndjson").write_text(oracle(scored, frozenset({name})))
    run = ("score", scored, "alerts.ndjson", "--gates", "gates.yml", "--baseline", "card.json")
    assert redgen(*run, "--today", "2027-01-31", cwd=place).returncode == 0
    late = redgen(*run, "--today", "2027-02-01", cwd=place)
    assert late.returncode == 1
    assert "expired on 2027-01-31; ask ir-team" in " ".join(late.stdout.split())


def card_of(dataset: Path, place: Path) -> dict[str, list[dict[str, str]]]:
    """The scorecard of the oracle, which is then in ``card.json``."""
    (place / "alerts.ndjson").write_text(oracle(dataset))
    assert redgen("score", dataset, "alerts.ndjson", "--json", "card.json", "-q", cwd=place).returncode == 0
    return card(place / "card.json")


def test_a_baseline_of_another_dataset_is_compared_and_never_strictly(scored: Path, place: Path) -> None:
    """Unpaired, and it says so: nothing can be lost that was not there."""
    old = card_of(scored, place)
    old["dataset"]["digest"] = "sha256:" + "0" * 64
    (place / "card.json").write_text(json.dumps(old))
    done = redgen("score", scored, "alerts.ndjson", "--baseline", "card.json", cwd=place)
    assert done.returncode == 0
    assert "another dataset, so unpaired" in " ".join(done.stdout.split())
    (place / "gates.yml").write_text("version: 1\ngates:\n- {id: no-loss, metric: lost_campaigns, max: 0}\n")
    strict = redgen("score", scored, "alerts.ndjson", "--baseline", "card.json", "--gates", "gates.yml", "-q", cwd=place)
    assert strict.returncode == 3, strict.stderr


SEVERAL = """\
id: several
seed: 7
window: {start: 2026-03-02T00:00:00Z, duration: 12h}
baseline: saas-workforce
traffic: 0.3
world: {scale: {employees: 60, admins: 8}}
campaigns: [{playbook: ato-mfa-fatigue, count: 12}]
sources: [okta_system]
"""


def test_a_sequential_test_decides_over_datasets(place: Path) -> None:
    """One seed after another until it is clear; who alerts on everything is not asked how much he catches."""
    (place / "several.yaml").write_text(SEVERAL)
    (place / "every.yml").write_text(EVERY_LINE.partition("---")[0])
    plan = ("ci", "several.yaml", "--cache", "cache", "--jobs", 1, "--sequential")
    low = redgen(*plan, "r0=0.95 r1=0.9", "--rules", "rules", cwd=place)
    assert low.returncode == 1, low.stdout + low.stderr
    assert "making the dataset of several.yaml" in low.stderr
    assert re.search(r"seed 7: \d+ of \d+ campaigns detected so far: failed", low.stderr)
    short = redgen(*plan, "r0=0.95 r1=0.9 n_max=1", "--rules", "rules", "-q", cwd=place)
    assert short.returncode in (1, 3), short.stderr
    lucky = redgen(*plan, "r0=0.6 r1=0.1", "--rules", "every.yml", cwd=place)
    assert lucky.returncode == 3, lucky.stdout
    assert "chance alone would detect" in " ".join(lucky.stdout.split())


def test_the_same_inputs_give_the_same_bytes(scored: Path, place: Path) -> None:
    """Every report of ``redgen ci``, in two processes with other hash seeds, elsewhere, with more or fewer threads."""
    alerts = place / "alerts"
    made = []
    (place / "gates.yml").write_text(GATES + "- {id: fp, metric: fp_groups_per_day, bound: upper, max: 50}\n")
    for seed, threads in ((1, "1"), (2, "2")):
        here = place / f"run{seed}"
        shutil.copytree(place / "rules", here / "rules")
        shutil.copyfile(place / "gates.yml", here / "gates.yml")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "NUMBA_NUM_THREADS": threads,
                       "OMP_NUM_THREADS": threads, "TZ": ("UTC", "Asia/Tokyo")[seed - 1], "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "redgen", "ci", str(scored), "--rules", "rules", "--gates", "gates.yml", "--reports", "out"]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in (0, 1), done.stderr
        made.append((tree(here / "out"), done.stdout))
    assert not alerts.exists()
    assert len(made[0][0]) == 11
    for name, content in made[0][0].items():
        assert content == made[1][0][name], name
    assert made[0] == made[1]


RULE = """\
title: {title}
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c01{n:02}
logsource: {{product: {product}}}
detection: {{selection: {{{what}}}, condition: {condition}}}
"""
PUSH = "eventType: system.push.send_factor_verify_push"
HONEST = {
    "Push": ("okta", PUSH, "selection", "tested", ""),
    "Elsewhere": ("windows", "EventID: 1", "selection", "UNSUPPORTED_LOGSOURCE", "no log source here is product: windows"),
    "Gap": ("okta", "no.such.field: 1", "selection", "FIELD_GAP", "okta_system has no no.such.field"),
    "Admins": ("okta", "'actor.alternateId|expand': '%admins%'", "selection", "UNRESOLVED_PLACEHOLDER", "no value for %admins%"),
    "Slip": ("okta", PUSH, "selektion", "ERROR", "selektion"),
}


def test_rules_that_could_not_be_tested_are_named(scored: Path, tmp_path: Path) -> None:
    """In the scorecard, on the terminal of both verbs, and in what GitHub shows; ``--strict`` makes an error one."""
    (tmp_path / "rules").mkdir()
    for n, (title, (product, what, condition, *_)) in enumerate(HONEST.items()):
        (tmp_path / "rules" / f"{title.lower()}.yml").write_text(
            RULE.format(title=title, n=n, product=product, what=what, condition=condition))
    (tmp_path / "rules" / "broken.yml").write_text("title: Broken\ndetection: [\n")
    wanted = {**{title: status for title, (*_, status, _) in HONEST.items()}, "broken": "ERROR"}
    reasons = {title: reason for title, (*_, reason) in HONEST.items()} | {"broken": "not YAML"}
    done = redgen("ci", scored, "--rules", "rules", "--reports", "out", cwd=tmp_path, environment={"GITHUB_ACTIONS": "true"})
    assert done.returncode == 0, done.stderr
    rules = {r["rule"]["title"] or "broken": r["rule"] for r in card(tmp_path / "out" / "scorecard.json")["rules"]}
    assert {title: rule["status"] for title, rule in rules.items()} == wanted
    for title, reason in reasons.items():
        assert reason in rules[title]["reason"]
    seen = " ".join(done.stdout.split())
    assert "Rules 1 tested; 5 not tested:" in seen
    told = redgen("detect", scored, "--rules", "rules", "-o", "a.ndjson", cwd=tmp_path).stderr
    for title, status in wanted.items():
        if status != "tested":
            assert re.search(rf"{status} +\d +.*{title}", done.stdout), title
            assert re.search(rf"title=redgen%3A rule not tested \({status}\)::[^\n]*{re.escape(reasons[title].replace('%', '%25'))}",
                             done.stdout), title
            assert re.search(rf"not tested: {title} \(rules/{title.lower()}\.yml:\d\): {status}: .*{re.escape(reasons[title])}", told)
    for verb in (("ci", scored, "-q"), ("detect", scored, "-q", "-o", "b.ndjson")):
        strict = redgen(*verb, "--rules", "rules", "--strict", cwd=tmp_path)
        assert strict.returncode == 4
        assert "2 of 6 rules cannot be used" in strict.stderr


@pytest.mark.parametrize("program", ["false", "no-such-program-anywhere", "echo nonsense"])
def test_a_detector_that_fails_is_no_verdict_on_the_rules(scored: Path, place: Path, program: str) -> None:
    """Exit code 4 whatever the gates, and it says what happened."""
    done = redgen("ci", scored, "--rules", "rules", "--detector", f"command:{program}", "--gates", "gates.yml", "--inconclusive",
                  "pass", "-q", cwd=place)
    assert done.returncode == 4, done.stderr
    assert "redgen: the detection failed: command: " in done.stderr


TESTS = """\
def test_enough(redgen_dataset, assert_recall):
    redgen_dataset({data!r})
    card = assert_recall("rules", min=0.3, bound="lower", where={{"playbook": "ato-mfa-fatigue"}})
    assert card.recall.n == 40


def test_too_much_wanted(redgen_dataset, assert_recall):
    redgen_dataset({data!r})
    assert_recall("rules", min=0.99)


def test_rules_for_others(redgen_dataset, assert_recall):
    redgen_dataset({data!r})
    assert_recall("elsewhere.yml", min=0.1)


def test_no_rules(redgen_dataset, assert_recall):
    redgen_dataset({data!r})
    assert_recall("rulez", min=0.5)


def test_no_dataset(assert_recall):
    assert_recall("rules", min=0.5)


def test_no_scenario(redgen_dataset):
    redgen_dataset("identity-si")


def test_a_slip(redgen_dataset, assert_recall):
    redgen_dataset({data!r})
    assert_recall("rules", min=0.1, where={{"playbok": "ato-mfa-fatigue"}})
"""


def test_pytest_says_what_was_missed(scored: Path, place: Path) -> None:
    """A passing assertion, one that lists what was missed and what came near, and mistakes without a traceback."""
    (place / "elsewhere.yml").write_text(RULE.format(title="Elsewhere", n=9, product="windows", what="a: 1", condition="selection"))
    (place / "test_it.py").write_text(TESTS.format(data=str(scored)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"], cwd=place, env=environment,
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "6 failed, 1 passed" in done.stdout, done.stdout
    assert re.search(r"campaign recall \d+ of 40: 0\.\d+, 95% interval 0\.\d+ to 0\.\d+; its lower bound must reach 0\.99", done.stdout)
    assert re.search(r"MISSED C-\d{4} ato-mfa-fatigue \(phished → .*\); nearest: .*MFA Fatigue.*event_count \d of at least 4", done.stdout)
    assert re.search(r"not tested: Elsewhere \(elsewhere\.yml:1\): UNSUPPORTED_LOGSOURCE: no log source here is product: windows", done.stdout)
    assert "redgen: rulez: no such rule file or folder" in done.stdout
    assert "call redgen_dataset(scenario) first" in done.stdout
    assert "did you mean 'identity-ci'" in done.stdout
    assert "did you mean 'playbook'" in done.stdout
    assert "Traceback" not in done.stdout


def test_gates_written_from_a_run_are_passed_by_it(scored: Path, place: Path) -> None:
    """And by no worse one: a first gates file is not loose."""
    first = redgen("ci", scored, "--rules", "rules", "--write-gates", "first.yml", "-q", cwd=place)
    assert first.returncode == 0
    assert yaml.safe_load((place / "first.yml").read_text())["version"] == 1
    assert redgen("ci", scored, "--rules", "rules", "--gates", "first.yml", "-q", cwd=place).returncode == 0
    (place / FATIGUE).write_text((place / FATIGUE).read_text().replace("gte: 4", "gte: 40"))
    assert redgen("ci", scored, "--rules", "rules", "--gates", "first.yml", "-q", cwd=place).returncode == 1
