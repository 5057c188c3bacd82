"""What becomes of rules: no rule is lost without a word, and no broken one stops the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from redgen.detector import EventFile, Events
from redgen.detectors.sigma import Sigma
from redgen.errors import DataError, SpecError
from tests.sigma.lab import at, lines, rule, run, selects

ROOT = Path(__file__).resolve().parents[2]
JUDGES = ROOT.parent / "shared" / "judges" / "sigma"

GOOD = selects("good", f="x")
EVENTS = [at(0, f="x", g=1), at(1, f="y", g=2)]

ODD = {
    "not YAML": ("title: [", "not YAML"),
    "no condition": ("title: t\nname: odd\nlogsource: {category: test}\ndetection: {s: {f: x}}", "condition"),
    "unknown selection": (rule("s: {f: x}\ncondition: s and t", "odd"), "'t' not defined"),
    "unknown modifier": (rule("s: {f|sounds_like: x}\ncondition: s", "odd"), "sounds_like"),
    "bad pattern": (rule("s: {f|re: '('}\ncondition: s", "odd"), "invalid"),
    "bad network": (rule("s: {f|cidr: 10.0.0.0/99}\ncondition: s", "odd"), "CIDR"),
    "old aggregation": (rule("s: {f: x}\ncondition: s | count() by g > 5", "odd"), "old aggregations"),
    "timeframe alone": (rule("s: {f: x}\ntimeframe: 5m\ncondition: s", "odd"), "timeframe"),
    "no detection": ("title: t\nname: odd\nlogsource: {category: test}", "detection"),
    "a bad date in it": (GOOD.replace("good", "odd") + "date: 2024-13-45\n", "month must be")}


@pytest.mark.parametrize("name", ODD)
def test_a_broken_rule_is_reported_and_the_others_run(name: str) -> None:
    """With its file, its line and a reason."""
    text, reason = ODD[name]
    detection = run([text, GOOD], EVENTS)
    odd = next(r for r in detection.rules if r.status != "tested")
    assert odd.status == "ERROR"
    assert reason in odd.reason
    assert Path(odd.file).name == "r000.yml"
    assert lines(detection) == [1]


def test_documents_of_one_file_have_their_own_lines() -> None:
    """And a broken one ends its file."""
    detection = run(GOOD + "---\n" + selects("second", f="y") + "---\ntitle: [", EVENTS)
    assert [(r.rule_id, r.status, r.line) for r in detection.rules] == [
        ("good", "tested", 2), ("second", "tested", 10), ("r000", "ERROR", 18)]


def test_old_multi_document_rules_share_a_head() -> None:
    """``action: global`` and ``action: repeat``."""
    text = ("action: global\ntitle: shared\nlogsource: {category: test}\ndetection: {condition: s}\n---\n"
            "name: one\ndetection: {s: {f: x}}\n---\naction: repeat\nname: two\ndetection: {s: {f: y}}\n")
    detection = run(text, EVENTS)
    assert [(r.rule_id, r.title, r.status) for r in detection.rules] == [
        ("one", "shared", "tested"), ("two", "shared", "tested")]
    assert lines(detection) == [1, 2]


def test_an_id_used_twice() -> None:
    """The first one counts; the second is reported with the place of the first."""
    detection = run([GOOD, selects("good", f="y")], EVENTS)
    assert [r.status for r in detection.rules] == ["tested", "ERROR"]
    assert "r000.yml:2" in detection.rules[1].reason
    assert [d.code for d in detection.diagnostics] == ["DUPLICATE_RULE"]
    assert lines(detection) == [1]


def test_files_that_are_no_rules_are_passed_over() -> None:
    """A workflow, a list, an empty file."""
    detection = run(["on: push\njobs: {}\n", "- a\n- b\n", "", GOOD], EVENTS)
    assert [r.rule_id for r in detection.rules] == ["good"]


def test_what_a_report_says_of_a_rule() -> None:
    """Title, level, tags, log source, and what it was tuned on."""
    body = {"title": "A Rule", "id": "0b5a6f0e-7a55-4a5e-9a0c-1f1b3d3c9a11", "level": "critical", "tags": ["attack.t1110"],
            "logsource": {"product": "okta", "service": "okta", "definition": "x"}, "redgen.tuned_on": ["seed 7"],
            "detection": {"s": {"f": "x"}, "condition": "s"}}
    report = run(json.dumps(body), EVENTS).rules[0]
    assert (report.rule_id, report.title, report.level) == (body["id"], "A Rule", "critical")
    assert report.tags == ("attack.t1110",)
    assert report.logsource == {"product": "okta", "service": "okta"}
    assert report.tuned_on == ("seed 7",)
    assert report.sources == ("events.ndjson",)


def test_a_rule_for_a_log_source_that_is_not_there() -> None:
    """Silence must not look like a test."""
    report = run(GOOD, EVENTS, routing=True).rules[0]
    assert report.status == "UNSUPPORTED_LOGSOURCE"
    assert "category: test" in report.reason


GAPS = [
    ("s: {gone: x}\ncondition: s", ("gone",), "FIELD_GAP"), ("s: {f: x, gone: y}\ncondition: s", ("gone",), "FIELD_GAP"),
    ("s: {gone: null}\ncondition: s", ("gone",), "FIELD_GAP"), ("s: {f: x}\nt: {gone: y}\ncondition: s or t", ("gone",), "tested"),
    ("s: {f: x}\nt: {gone: y}\ncondition: s and not t", ("gone",), "tested"), ("s: {f: nothing}\ncondition: s", (), "tested"),
    ("s: {f|fieldref: gone}\ncondition: s", ("gone",), "FIELD_GAP")]


@pytest.mark.parametrize(("detection", "missing", "status"), GAPS)
def test_field_gaps(detection: str, missing: tuple[str, ...], status: str) -> None:
    """A rule that no event could decide was not tested; one that only lacks an alternative or a filter was."""
    report = run(rule(detection), EVENTS).rules[0]
    assert (report.status, report.missing) == (status, missing)
    assert (status == "tested") == (report.reason == "")


EXPAND = rule("s: {f|expand: '%names%'}\ncondition: s")


def test_placeholders(tmp_path: Path) -> None:
    """Without a value the rule is not tested; a file or a pipeline gives one."""
    report = run(EXPAND, EVENTS).rules[0]
    assert report.status == "UNRESOLVED_PLACEHOLDER"
    assert "%names%" in report.reason
    file = tmp_path / "values.yml"
    file.write_text("names: [x, z]\n")
    assert lines(run(EXPAND, EVENTS, placeholders=file)) == [1]
    pipeline = tmp_path / "pipe.yml"
    pipeline.write_text("vars: {names: [y]}\ntransformations: [{type: value_placeholders}]\n")
    assert lines(run(EXPAND, EVENTS, pipelines=[pipeline])) == [2]


def test_a_pipeline_renames_fields(tmp_path: Path) -> None:
    """In rules, and in what correlations group by."""
    pipeline = tmp_path / "pipe.yml"
    pipeline.write_text("transformations:\n- {type: field_name_mapping, mapping: {src: f}}\n")
    assert lines(run(selects("r", src="x"), EVENTS, pipelines=[pipeline])) == [1]


@pytest.mark.parametrize(("text", "said"), [("- 1", "no pySigma pipeline"), ("a: [", r"pipe\.yml:2: not YAML"),
                                            ("transformations: [{type: no_such}]", "no_such")])
def test_a_bad_pipeline_is_the_users_error(tmp_path: Path, text: str, said: str) -> None:
    """It is not a rule's."""
    pipeline = tmp_path / "pipe.yml"
    pipeline.write_text(text)
    with pytest.raises(SpecError, match=said):
        run(GOOD, EVENTS, pipelines=[pipeline])


@pytest.mark.parametrize("text", ["- 1", "names: {a: b}", "a: ["])
def test_bad_placeholders_are_the_users_error(tmp_path: Path, text: str) -> None:
    """With the file's name."""
    file = tmp_path / "values.yml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"values\.yml"):
        run(GOOD, EVENTS, placeholders=file)


def test_no_rules_at_all(tmp_path: Path) -> None:
    """A path that is not there, a folder without rules."""
    (tmp_path / "empty").mkdir()
    for path, said in ((tmp_path / "gone", "no such"), (tmp_path / "empty", "no rule files")):
        with pytest.raises(DataError, match=said):
            Sigma([path]).detect(Events(()))


def test_strict_fails_when_a_rule_is_in_error() -> None:
    """All the same, everything else ran."""
    detection = run([GOOD, "title: ["], EVENTS, strict=True)
    assert "1 of 2 rules" in detection.failed
    assert lines(detection) == [1]
    assert run([GOOD, "title: ["], EVENTS).failed == ""


def test_a_correlation_whose_rules_were_not_tested() -> None:
    """It says why, with its rule's reason."""
    from tests.sigma.lab import correlation

    texts = [selects("lost", gone="x"), GOOD, correlation("temporal", ["lost", "good"], "1m", by=["g"]),
             correlation("event_count", ["lost", "good"], "1m", {"gte": 1}, by=["g"], name="count")]
    said = {r.rule_id: r for r in run(texts, EVENTS).rules}
    assert said["corr"].status == "FIELD_GAP"
    assert "'lost'" in said["corr"].reason
    assert said["count"].status == "tested"


def test_a_correlation_that_groups_by_a_field_nobody_has() -> None:
    """A gap of the correlation, not of its rules."""
    from tests.sigma.lab import correlation

    inner = correlation("event_count", ["good"], "1m", {"gte": 1}, by=["g"], name="inner")
    outer = correlation("event_count", ["inner"], "1m", {"gte": 1}, by=["f"], name="outer")
    texts = [GOOD, correlation("event_count", ["good"], "1m", {"gte": 1}, by=["gone"]), inner, outer]
    said = {r.rule_id: r for r in run(texts, EVENTS).rules}
    assert (said["good"].status, said["corr"].status, said["corr"].missing) == ("tested", "FIELD_GAP", ("gone",))
    assert (said["outer"].status, "does not group by f" in said["outer"].reason) == ("ERROR", True)


@pytest.mark.skipif(not JUDGES.is_dir(), reason="the judges' rules are not here")
def test_every_rule_of_the_judges_is_used_or_says_why() -> None:
    """On events that have every field, only placeholders and old aggregations stay out."""
    from redgen.sigma.backend import Predicates
    from redgen.sigma.columns import Columns
    from redgen.sigma.prepare import pipeline_of, prepare
    from redgen.sigma.ruleset import load_rules

    ruleset = load_rules([JUDGES])
    prepare(ruleset, pipeline_of(()), Predicates(Columns()))
    assert len(ruleset.reports()) == len(list(JUDGES.rglob("*.yml")))
    for report in ruleset.reports():
        allowed = {"ERROR": "unsupported_aggregation", "UNRESOLVED_PLACEHOLDER": "placeholder"}
        assert report.status == "tested" or Path(report.file).parent.name == allowed[report.status], report
        assert (report.status == "tested") == (report.reason == "")


def test_sigma_filters_change_the_rules_they_name() -> None:
    """A filter document beside the rules."""
    text = ("title: not g2\nlogsource: {category: test}\nfilter:\n  rules: [wide]\n  s: {g: 2}\n  condition: not s\n")
    detection = run([rule("s: {f: [x, y]}\ncondition: s", "wide"), text], EVENTS)
    assert lines(detection) == [1]


def test_rules_are_found_once_and_only_with_their_suffixes(tmp_path: Path) -> None:
    """A folder and a file in it name the rule twice."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(GOOD)
    (tmp_path / "rules" / "readme.md").write_text("title: [")
    log = tmp_path / "x.ndjson"
    log.write_text(json.dumps(EVENTS[0]) + "\n")
    events = Events((EventFile(log, "x.ndjson", format="ndjson"),), time_field="@timestamp", routing=False)
    detection = Sigma([tmp_path / "rules", tmp_path / "rules" / "a.yaml"]).detect(events)
    assert [r.rule_id for r in detection.rules] == ["good"]
