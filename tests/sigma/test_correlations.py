"""Correlations on small histories whose answers were worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from tests.sigma.lab import START, at, correlation, groups, lines, run, seconds, selects

A, B, C = (selects(k, k=k) for k in "abc")


def history(said: str, **fields: Any) -> list[dict[str, Any]]:
    """``a0 b5 c7.5:u``: kinds at seconds, of group u or g1."""
    events = []
    for word in said.split():
        kind, _, group = word.partition(":")
        events.append(at(float(kind[1:]), k=kind[0], g=group or "g1", **fields))
    return events


def fired(kind: str, rules: str, timespan: str, condition: Any, said: str, **more: Any) -> list[float]:
    """When an episode of the correlation begins."""
    options = {k: more.pop(k) for k in ("stop", "raw_fires", "window_edge") if k in more}
    return seconds(run([A, B, C, correlation(kind, list(rules), timespan, condition, **more)], history(said), **options))


Trial = tuple[str, str, Any, str]
"""Correlation type, rules, condition, history."""


def fired_all(trials: Sequence[Trial]) -> list[list[float]]:
    """When each of many correlations fires on its own history, all in one run."""
    rules, events = [A, B, C], []
    for number, (kind, names, condition, said) in enumerate(trials):
        rules.append(correlation(kind, list(names), "10s", condition, by=("trial", "g"), name=f"corr{number}"))
        events += history(said, trial=number)
    frame = run(rules, events).alerts.frame
    frame["trial"] = [json.loads(group).get("trial") for group in frame["group"]]
    mine = [frame[(frame["rule_id"] == f"corr{n}") & (frame["trial"] == str(n))] for n in range(len(trials))]
    return [[(t - START) / 1_000_000 for t in part["t_alert"]] for part in mine]


def agree(trials: Sequence[Trial], expected: Sequence[list[float]]) -> None:
    """Each fires when it should."""
    wrong = [(trial, got, want) for trial, got, want in zip(trials, fired_all(trials), expected, strict=True)
             if got != want]
    assert wrong == []


COUNTS = [
    ({"gte": 3}, "a0 a5 a10", [10]), ({"gte": 3}, "a0 a5 a10.000001", []), ({"gt": 2}, "a0 a1 a2", [2]),
    ({"eq": 2}, "a0 a1 a2", [1]), ({"neq": 1}, "a0 a1", [1]), ({"lt": 2}, "a0 a1 a30", [0, 30]),
    ({"lte": 2}, "a0 a1 a2", [0]), ({"gte": 2}, "a0:u a1:v a2:u", [2]), ({"gte": 3}, "a0 b1 a2", []),
    ({"gte": 3}, "a5 a5 a5", [5]), ({"gte": 2}, "a0 a9 a50 a55", [9, 55])]


def test_event_count() -> None:
    """Trailing windows of ten seconds, both ends in, by group."""
    agree([("event_count", "a", condition, said) for condition, said, _ in COUNTS], [when for *_, when in COUNTS])


def test_an_open_window_edge_lets_the_oldest_event_go() -> None:
    """(t - span, t] instead of [t - span, t]."""
    assert fired("event_count", "a", "10s", {"gte": 2}, "a0 a10", window_edge="inclusive") == [10]
    assert fired("event_count", "a", "10s", {"gte": 2}, "a0 a10", window_edge="exclusive") == []
    assert fired("event_count", "a", "10s", {"gte": 2}, "a0 a9.999999", window_edge="exclusive") == [9.999999]


def test_an_event_that_several_rules_find_counts_once() -> None:
    """event_count counts events, not matches."""
    again = selects("again", k="a")
    rules = [A, again, correlation("event_count", ["a", "again"], "10s", {"gte": 2})]
    assert seconds(run(rules, history("a0"))) == []
    assert seconds(run(rules, history("a0 a1"))) == [1]


def test_value_count_counts_distinct_values_whatever_their_case() -> None:
    """Sigma compares text without case; empty values are none."""
    values = ["x", "X", "y", None, "z"]
    events = [at(i, k="a", g="g1", **({"v": v} if v else {})) for i, v in enumerate(values)]
    rules = [A, correlation("value_count", ["a"], "10s", {"gte": 3, "field": "v"})]
    assert seconds(run(rules, events)) == [4]


def test_value_count_over_several_fields_counts_combinations() -> None:
    """A combination with a missing part is none."""
    pairs = [("x", "1"), ("X", "1"), ("x", "2"), ("y", None), ("y", "1")]
    events = [at(i, k="a", g="g1", v=v, **({"w": w} if w else {})) for i, (v, w) in enumerate(pairs)]
    rules = [A, correlation("value_count", ["a"], "10s", {"gte": 3, "field": ["v", "w"]})]
    assert seconds(run(rules, events)) == [4]


NUMBERS = [
    ("value_sum", {"gt": 10}, [4, "5.5", "x", 1], [3]), ("value_sum", {"gte": 100}, [50, "nan", "inf", 50], [3]),
    ("value_avg", {"gt": 5}, [1, 2, 30], [2]), ("value_median", {"gte": 5}, [1, 9, 5], [1]),
    ("value_percentile", {"gte": 9, "percentile": 90}, [1] * 9 + [10] * 3, [10]),
    ("value_percentile", {"gte": 5.5, "percentile": 50}, [1, 10], [1])]


@pytest.mark.parametrize(("kind", "condition", "values", "when"), NUMBERS, ids=str)
def test_numbers(kind: str, condition: dict[str, Any], values: list[Any], when: list[float]) -> None:
    """Sums and the like over a trailing window; what is no number is left out."""
    events = [at(i, k="a", g="g1", v=v) for i, v in enumerate(values)]
    assert seconds(run([A, correlation(kind, ["a"], "1m", {**condition, "field": "v"})], events)) == when


TEMPORAL = [
    ("abc", None, "a0 b5 c10", [10]), ("abc", None, "c0 b5 a10", [10]), ("abc", None, "a0 b5 c10.000001", []),
    ("abc", {"gte": 2}, "a0 c5", [5]), ("ab", None, "a0:u b1:v", []), ("ab", None, "a0 b20 a25", [25]),
    ("ab", {"eq": 1}, "a0 b5 a20", [0, 20])]


def test_temporal() -> None:
    """All of the rules (or so many) within the window, in any order."""
    agree([("temporal", *trial) for *trial, _ in TEMPORAL], [when for *_, when in TEMPORAL])


ORDERED = [
    ("ab", None, "a0 b5", [5]), ("ab", None, "b0 a5", []), ("ab", None, "a5 b5", []), ("ab", None, "a0 b10", [10]),
    ("ab", None, "a0 b10.000001", []), ("abc", None, "a0 b1 c2", [2]), ("abc", None, "a0 c1 b2", []),
    ("abc", None, "a0 b8 a9 c11", []), ("abc", None, "a0 b8 a9 b9.5 c11", [11]), ("abc", {"gte": 2}, "a0 c1", [1]),
    ("abc", {"gte": 2}, "c0 b1 a2", []), ("abc", {"gte": 2}, "c0 b1 c2", [2])]


def test_temporal_ordered() -> None:
    """Strictly one after the other; equal times are no order."""
    agree([("temporal_ordered", *trial) for *trial, _ in ORDERED], [when for *_, when in ORDERED])


EXTENDED = [
    ("temporal", "a and b", "b0 a5", [5]), ("temporal", "a and (b or c)", "a0 c5", [5]),
    ("temporal", "a or b", "a0 b50", [0, 50]), ("temporal", "a and not b", "a0 c30", [10]),
    ("temporal", "a and not b", "a0 b10 c30", []), ("temporal", "a and not b", "a0 b10.000001 c30", [10]),
    ("temporal", "a and not b", "b0 a1 c30", [11]),
    ("temporal", "a and not (b or c)", "a0 c5 a40 a60", [50]),
    ("temporal_ordered", "a and b", "b0 a5", []), ("temporal_ordered", "a and b", "a0 b5", [5]),
    ("temporal_ordered", "a and (b or c)", "a0 c5", [5]), ("temporal_ordered", "a and b and not c", "a0 b5 a40", [10]),
    ("temporal_ordered", "a and b and not c", "b0 a5 a40", []),
    ("temporal_ordered", "a and b and not c", "a0 b5 c6 a40", []),
    ("temporal_ordered", "a and b and not c", "b0 a5 b8 c12 a60", [10])]


def test_extended() -> None:
    """And, or, not: what must not come is known only when the window is over."""
    trials = [(kind, "".join(c for c in "abc" if c in condition.replace("(", " ").replace(")", " ").split()), condition,
               said) for kind, condition, said, _ in EXTENDED]
    agree(trials, [when for *_, when in EXTENDED])


def test_an_extended_condition_names_its_rules_itself() -> None:
    """No list of rules is needed."""
    rule = {"title": "corr", "name": "corr", "correlation": {
        "type": "temporal", "timespan": "10s", "condition": "a and b", "group-by": ["g"]}}
    assert seconds(run([A, B, json.dumps(rule)], history("a0 b3"))) == [3]


def test_a_window_that_outlasts_the_observation_is_said_not_guessed() -> None:
    """The same history, watched long enough and not."""
    rules = [A, B, correlation("temporal", ["a", "b"], "10s", "a and not b")]
    short, long = run(rules, history("a0"), stop=9), run(rules, history("a0"), stop=10)
    assert seconds(short) == []
    assert [d.code for d in short.diagnostics] == ["INCOMPLETE_WINDOW"]
    assert seconds(long) == [10]
    assert long.diagnostics == ()


def test_events_without_group_or_time_are_counted_not_used() -> None:
    """They could only be guessed into a window."""
    events = [*history("a0 a1"), at(2, k="a"), {"k": "a", "g": "g1", "@timestamp": "soon"}]
    detection = run([A, correlation("event_count", ["a"], "10s", {"gte": 3})], events)
    assert seconds(detection) == []
    assert {d.code: d.count for d in detection.diagnostics} == {"NO_TIME": 1, "NO_GROUP": 1}


def test_no_group_means_everything_together() -> None:
    """A correlation without group-by."""
    assert fired("event_count", "a", "10s", {"gte": 2}, "a0:u a1:v", by=()) == [1]


def test_groups_ignore_case_and_keep_their_spelling() -> None:
    """As Sigma compares text."""
    detection = run([A, correlation("event_count", ["a"], "10s", {"gte": 2})], history("a0:AKIAX a1:akiax"))
    assert groups(detection) == ["AKIAX"]


def test_a_field_that_is_an_array_is_a_group_for_each_element() -> None:
    """One event, two groups."""
    events = [at(0, k="a", g=["u", "v"]), at(1, k="a", g=["v", "w"])]
    assert groups(run([A, correlation("event_count", ["a"], "10s", {"gte": 2})], events)) == ["v"]


def test_aliases_give_each_rule_its_own_field() -> None:
    """The same address under two names."""
    aliases = {"who": {"a": "src", "b": "client"}}
    events = [at(0, k="a", src="1.1.1.1"), at(1, k="b", client="1.1.1.1"), at(2, k="b", client="2.2.2.2")]
    detection = run([A, B, correlation("temporal", ["a", "b"], "10s", by=["who"], aliases=aliases)], events)
    assert groups(detection) == ["1.1.1.1"]


def test_chains() -> None:
    """Three failures are a burst; a burst before a success is an alert."""
    burst = correlation("event_count", ["a"], "10s", {"gte": 3}, name="burst")
    after = correlation("temporal_ordered", ["burst", "b"], "1m", name="after")
    assert seconds(run([A, B, burst, after], history("a0 a1 a2 b10")), "after") == [10]
    assert seconds(run([A, B, burst, after], history("a0 a1 b10 a11")), "after") == []
    detection = run([A, B, burst, after], history("a0 a1 a2 b10"))
    assert lines(detection) == [1, 2, 3, 4]
    assert detection.alerts.frame[["n_events", "t_first", "t_last"]].to_numpy().tolist() == [
        [4, 1_700_000_000_000_000, 1_700_000_010_000_000]]


def test_chains_across_group_fields_go_by_alias() -> None:
    """The inner correlation's group is a field of its alerts; its metric is another."""
    burst = correlation("event_count", ["a"], "10s", {"gte": 2}, by=["src"], name="burst")
    outer = correlation("temporal", ["burst", "b"], "1m", by=["who"], name="outer",
                        aliases={"who": {"burst": "src", "b": "g"}})
    events = [at(0, k="a", src="x"), at(1, k="a", src="x"), at(2, k="b", g="x"), at(3, k="b", g="y")]
    assert groups(run([A, B, burst, outer], events), "outer") == ["x"]


def test_generate_lets_inner_rules_speak_too() -> None:
    """By default only the outermost correlation raises alerts."""
    for generate, heard in ((False, {"corr"}), (True, {"a", "corr"})):
        detection = run([A, correlation("event_count", ["a"], "10s", {"gte": 2}, generate=generate)], history("a0 a1"))
        assert set(detection.alerts.frame["rule_id"]) == heard


def test_episodes_and_raw_fires() -> None:
    """Fires less than a span apart are one alert; raw, each is its own."""
    rules = [A, correlation("event_count", ["a"], "10s", {"gte": 3})]
    events = history("a0 a1 a2 a3 a4 a30 a31 a32")
    frame = run(rules, events).alerts.frame
    assert frame["fires"].tolist() == [3, 1]
    assert frame["n_events"].tolist() == [5, 3]
    assert seconds(run(rules, events)) == [2, 32]
    raw = run(rules, events, raw_fires=True)
    assert seconds(raw) == [2, 3, 4, 32]
    assert raw.alerts.frame["n_events"].tolist() == [3, 4, 5, 3]


def test_evidence_is_capped_evenly_and_counted() -> None:
    """Both ends stay, and the number of all."""
    events = [at(i / 10, k="a", g="g1") for i in range(100)]
    detection = run([A, correlation("event_count", ["a"], "1m", {"gte": 50})], events, evidence=10)
    assert detection.alerts.frame["n_events"].tolist() == [100]
    kept = lines(detection)
    assert len(kept) == 10
    assert (kept[0], kept[-1]) == (1, 100)
    assert {b - a for a, b in pairwise(kept)} == {11}


def test_ordered_evidence_begins_with_the_sequence() -> None:
    """What came before its latest start is not part of it."""
    detection = run([A, B, correlation("temporal_ordered", ["a", "b"], "10s")], history("a0 a5 b6"))
    assert lines(detection) == [2, 3]


def test_entities_come_from_groups_and_events() -> None:
    """With the types that truth uses."""
    events = [at(0, k="a", src_ip="9.9.9.9", user="ann"), at(1, k="a", src_ip="9.9.9.9", user="bob")]
    rules = [A, correlation("event_count", ["a"], "10s", {"gte": 2}, by=["src_ip", "k"])]
    found = run(rules, events).alerts.entities
    assert found.to_numpy().tolist() == [[0, "ip", "9.9.9.9"], [0, "k", "a"], [0, "user", "ann"], [0, "user", "bob"]]


BROKEN = [
    (correlation("event_count", ["nobody"], "10s", {"gte": 2}), "refers to a rule that is not there"),
    (correlation("event_count", ["corr"], "10s", {"gte": 2}), "refers to itself"),
    (correlation("temporal", ["a", "b"], "10s", "not a and not b"), "without any event"),
    (correlation("temporal", ["a"], "10s", "a and not a"), "never hold"),
    (correlation("value_sum", ["a"], "10s", {"gte": 2, "field": ["x", "y"]}), "exactly one field"),
    (correlation("value_percentile", ["a"], "10s", {"gte": 2, "field": "x", "percentile": 101}), "between 0 and 100"),
    (correlation("event_count", ["a"], "0s", {"gte": 2}), "greater than zero"),
    (correlation("event_sum", ["a"], "10s", {"gte": 2}), "no valid Sigma correlation type")]


@pytest.mark.parametrize(("text", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_a_correlation_without_meaning_is_reported(text: str, reason: str) -> None:
    """And the other rules run."""
    detection = run([A, B, text], history("a0 b1"))
    said = {r.rule_id: r for r in detection.rules}["corr"]
    assert (said.status, said.correlation) == ("ERROR", True)
    assert reason in said.reason
    assert said.file.endswith("r002.yml")
    assert said.line == 1
