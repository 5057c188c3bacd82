"""The linter: every mistake at once, each with its file, line and key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redgen.playbook.lint import technique_ids
from tests.playbook.conftest import STUFFING

Lint = Callable[[str], list[str]]


def test_a_sound_playbook_has_no_problems(problems: Lint) -> None:
    assert problems(STUFFING) == []


CASES = [
    # what is changed, into what, the finding
    ("start: probe", "start: prob", "f.yaml:13: start: unknown step 'prob'; did you mean 'probe'?"),
    ("go: verify}", "go: verfy}", "f.yaml:19: steps.probe.then.0.go: unknown step 'verfy'; did you mean 'verify'?"),
    ("drain: 0.6,", "drian: 0.6,", "f.yaml:25: steps.verify.then.drian: unknown step 'drian'; did you mean 'drain'?"),
    ("drain: 0.6", "drain: 0.5", "f.yaml:25: steps.verify.then: weights sum to 0.9, not 1"),
    ("drain: 0.6", "drain: -0.6", "f.yaml:25: steps.verify.then.drain: should be greater than 0, not -0.6"),
    ("when: any_success", "when: any_sucess",
     "f.yaml:19: steps.probe.then.0.when: try_logins reports no fact 'any_sucess'; did you mean 'any_success'?"),
    ("then: {drain: 0.6, rest: 0.25, end: 0.15}", "then: {drain: 1.0}",
     "f.yaml:26: steps.rest: no walk reaches this step"),
    ("pages: 9}}", "pages: 9}, then: probe}",
     "f.yaml:19: steps.probe.then: the loop probe → verify → drain → probe never ends; give a step of it at_most"),
    ("objective: drain", "objective: drian",
     "f.yaml:28: objective: unknown step 'drian'; did you mean 'drain'?"),
    ("\nobjective: drain", "", "f.yaml:1: missing objective: the step that is the attack's impact"),
    ("action: try_logins", "action: try_login", "f.yaml:16: steps.probe.action: unknown action 'try_login'"),
    ("pace: $pace", "pase: $pace", "f.yaml:18: steps.probe.with.pase: try_logins has no such parameter; did you mean"),
    ("pace: $pace", "pace: $pase",
     "f.yaml:18: steps.probe.with.pace: unknown parameter $pase; did you mean 'pace'?"),
    ("pace: $pace", "pace: fast", "f.yaml:18: steps.probe.with.pace: should be a number, not the text 'fast'"),
    ("pace: $pace", "pace: {lognormall: 3}",
     "f.yaml:18: steps.probe.with.pace: unknown distribution 'lognormall'; did you mean 'lognormal'?"),
    ("pace: $pace", "pace: $nap", "f.yaml:18: steps.probe.with.pace: should be a number"),
    ("pace: $pace", "client: robot", "f.yaml:18: steps.probe.with.client: the text 'robot' is not allowed"),
    ("targets: victims", "targets: victim",
     "f.yaml:18: steps.probe.with.targets: unknown role 'victim'; did you mean 'victims'?"),
    ("targets: victims", "targets: bots",
     "f.yaml:18: steps.probe.with.targets: role 'bots' is of kind address; targets takes customer or"),
    ("targets: victims, ", "", "f.yaml:18: steps.probe.with.targets: missing; this key is required"),
    ("account: victims.cracked, source: bots}", "account: victims.craked, source: bots}",
     "f.yaml:23: steps.verify.with.account: no step before reports the fact 'craked'; did you mean 'cracked'?"),
    ("technique: T1657", "technique: T1658", "f.yaml:27: steps.drain.technique: 'T1658' is no technique of ATT&CK"),
    ("attack: [T1110.004]", "attack: [T1110.04]",
     "f.yaml:4: references.attack.0: 'T1110.04' is no technique of ATT&CK Enterprise v17; did you mean 'T1110.004'?"),
    ("API2:2023", "API2", "f.yaml:4: references.owasp_api.0: 'API2' is no OWASP API risk"),
    ("account-takeover", "acount-takeover",
     "f.yaml:3: family: unknown family 'acount-takeover'; did you mean 'account-takeover'?"),
    ("not: victims", "not: victms", "f.yaml:8: roles.others.not: unknown role 'victms'; did you mean 'victims'?"),
    ("not: victims", "not: bots", "f.yaml:8: roles.others.not: role 'bots' is of another kind"),
    ("not: victims", "near: victims", "f.yaml:8: roles.others.near: only roles of kind address have one"),
    ("network: residential_proxy", "network: {home: 0.5, vpn: 0.4}",
     "f.yaml:6: roles.bots.network: weights sum to 0.9, not 1"),
    ("network: residential_proxy", "network: residential",
     "f.yaml:6: roles.bots.network: the text 'residential' is not allowed"),
    ("kind: customer, not", "kind: customer, where: {exposed: true}, not",
     "f.yaml:8: roles.others.where.exposed: means nothing for customer; allowed: breached"),
    ("after: {lognormal: {median: 10m", "after: {lognormal: {median: 10",
     "f.yaml:24: steps.verify.after: is no time: write durations such as 90s or 40m, or a unit of time"),
    ("after: {lognormal: {median: 10m, sigma: 0.5}}", "after: $nep",
     "f.yaml:24: steps.verify.after: unknown parameter $nep; did you mean 'nap'?"),
    ("after: {lognormal: {median: 10m, sigma: 0.5}}", "after: $pace",
     "f.yaml:24: steps.verify.after: $pace is no time: write durations such as 90s or 40m"),
    ("median: 40m, sigma: 0.5", "median: 40m, sigma: 0", "f.yaml:12: parameters.nap: sigma should be greater than 0"),
    (", {go: end}]", "]", "f.yaml:19: steps.probe.then: nothing is left when no fact holds; end the list with {go: …}"),
    ("{go: end}]", "{go: end}, {go: drain}]", "f.yaml:19: steps.probe.then.2.go: never taken: a choice above"),
    ("then: drain}", "than: drain}", "f.yaml:26: steps.rest.than: unknown key; did you mean 'then'?"),
    ("title: Credential", "title: 5\ntitel: Credential", "f.yaml:2: title: should be text, not 5"),
]


@pytest.mark.parametrize(("old", "new", "finding"), CASES, ids=lambda v: str(v)[:40])
def test_each_mistake_is_named_with_its_place(problems: Lint, old: str, new: str, finding: str) -> None:
    assert old in STUFFING
    found = problems(STUFFING.replace(old, new, 1))
    assert any(f.startswith(finding) for f in found), "\n".join(found)


def test_all_mistakes_are_told_at_once(problems: Lint) -> None:
    """Mistakes of shape do not hide mistakes of meaning."""
    text = (STUFFING.replace("then: drain}", "than: drain}").replace("technique: T1657", "technique: T1658")
            .replace("action: try_logins", "action: try_login").replace("attack: [T1110.004]", "atack: [T1110.004]"))
    found = problems(text)
    for key in ("steps.rest.than", "steps.drain.technique", "steps.probe.action", "references.atack"):
        assert any(key in f for f in found), key


def test_a_faulty_role_hides_only_what_is_said_of_it(problems: Lint) -> None:
    text = """
id: x y
title: t
family: distributed
roles:
  a: {kind: adress}
  b: {kind: address, near: nobody}
parameters:
  p: {log_uniform: [0, 5]}
start: begin
steps:
  one: {action: try_login, then: two}
  two: {action: rest, with: {lasting: $q}, after: 5, then: three}
  four: {action: rest, with: {lasting: $p}, then: end}
  end: {action: rest}
objective: five
"""
    keys = [f.split(": ")[1] for f in problems(text)]
    assert keys == ["id", "roles.a.kind", "roles.b.near", "parameters.p", "start", "steps.one.action", "steps.two.after",
                    "steps.two.then", "steps.two.with.lasting", "steps.end", "objective"]


def test_a_loop_with_a_limit_ends(problems: Lint) -> None:
    assert problems(STUFFING.replace("pages: 9}}", "pages: 9}, at_most: 3, then: {probe: 0.5, end: 0.5}}")) == []


def test_a_walk_that_cannot_end_is_found_behind_a_choice(problems: Lint) -> None:
    text = STUFFING.replace("rest: {action: rest, with: {lasting: $nap}, then: drain}",
                            "rest: {action: rest, then: more}\n  more: {action: rest, then: rest}")
    assert "f.yaml:26: steps.rest.then: no walk from here ends" in problems(text)


def test_hard_negatives_name_no_technique_and_no_objective(problems: Lint) -> None:
    found = problems(STUFFING.replace("account-takeover", "hard-negative"))
    assert "f.yaml:28: objective: a hard negative has no objective: it is no attack" in found
    assert "f.yaml:17: steps.probe.technique: a hard negative uses no technique: it is no attack" in found


def test_technique_ids_are_those_of_attack() -> None:
    ids = technique_ids()
    assert len(ids) == 665
    assert {"T1110.004", "T1078", "T1562.008"} <= ids


def test_the_example_in_the_documentation_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    from redgen.playbook import lint
    from redgen.registry import ACTIONS
    from redgen.spec.loader import load_yaml

    monkeypatch.setattr(lint, "ACTIONS", ACTIONS)
    page = Path(__file__).parents[2] / "docs" / "playbooks.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    assert [str(p) for p in lint.lint(load_yaml(example, "example"))] == []
