"""Every modifier of Sigma on events whose answers were worked out by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.sigma.lab import at, lines, rule, run


@dataclass(frozen=True)
class Case:
    """Values of the field ``f`` (or whole events), a detection item, and which of them it finds (from 1)."""

    name: str
    item: str
    events: list[Any]
    found: set[int]


def utf16(text: str) -> str:
    return text.encode("utf-16-le").decode("latin-1")


B64 = [base64.b64encode(p + b"foobar").decode() for p in (b"", b"x", b"xy")]

CASES = [
    Case("equal ignores case", "f: ABC", ["abc", "ABC", "abcd", None, ""], {1, 2}),
    Case("list is any", "f: [a, B]", ["A", "b", "c"], {1, 2}),
    Case("cased", "f|cased: ABC", ["abc", "ABC"], {2}),
    Case("cased contains", "f|contains|cased: Bc", ["aBcd", "abcd"], {1}),
    Case("contains", "f|contains: b%_\\d", ["AB%_\\DE", "abXYd", "ab%_d"], {1}),
    Case("startswith", "f|startswith: a.b", ["A.bc", "aXbc", "xa.b"], {1}),
    Case("endswith", "f|endswith: _x", ["A_X", "abx"], {1}),
    Case("all", "f|contains|all: [a, b]", ["xaxbx", "a", "ba"], {1, 3}),
    Case("wildcards", "f: 'a*c?e'", ["abcde", "acde", "ace", "aXXcde", "ab\ncde"], {1, 2, 4, 5}),
    Case("literal star", "f: 'a\\*b'", ["a*b", "aXb"], {1}),
    Case("literal question mark", "f: 'a\\?b'", ["a?b", "aXb"], {1}),
    Case("literal percent and underscore between wildcards", "f: 'a%*_b'", ["a%x_b", "aXx_b", "a%_b"], {1, 3}),
    Case("backslashes", r"f|endswith: '\cmd.exe'", ["C:\\x\\cmd.exe", "cmd.exe"], {1}),
    Case("single quotes", '"f": "it\'s"', ["it's", "its"], {1}),
    Case("star is any value", "f: '*'", ["", "x", None], {1, 2}),
    Case("empty string", "f: ''", ["", "x", None], {1}),
    Case("re", "f|re: '^a.c$'", ["abc", "ABC", "xabc", "a\nc"], {1}),
    Case("re i", "f|re|i: '^a.c$'", ["abc", "ABC"], {1, 2}),
    Case("re s", "f|re|s: 'a.c'", ["a\nc", "ab"], {1}),
    Case("re m", "f|re|m: '^b$'", ["a\nb\nc", "ab"], {1}),
    Case("re quote", "f|re: \"it's\"", ["it's"], {1}),
    Case("re look-ahead", "f|re: 'a(?!b)'", ["ab", "ac"], {2}),
    Case("re back-reference", "f|re: '(.)\\1'", ["abba", "abab", None], {1}),
    Case("cidr v4", "f|cidr: 10.0.0.0/8", ["10.1.2.3", "11.1.2.3", "::ffff:10.9.9.9", "10.1.2", "x", None], {1, 3}),
    Case("cidr v6", "f|cidr: 'fe80::/10'", ["fe80::1%eth0", "[FE80:0:0::2]", "2001:db8::1", "10.0.0.1"], {1, 2}),
    Case("cidr list", "f|cidr: [192.168.0.0/16, '2001:db8::/32']", ["192.168.4.4", "2001:0DB8::9", "8.8.8.8"], {1, 2}),
    Case("base64", "f|base64: foobar", [B64[0], B64[1], B64[0].lower()], {1, 3}),
    Case("base64offset", "f|base64offset|contains: foobar", ["x" + B64[0], B64[1], B64[2], "zz"], {1, 2, 3}),
    Case("wide", "f|wide: ab", [utf16("ab"), "ab"], {1}),
    Case("windash", "f|windash|contains: ' -f'", ["x -f", "x /f", "x –f", "x f"], {1, 2, 3}),
    Case("exists", "f|exists: true", ["x", "", None], {1, 2}),
    Case("not exists", "f|exists: false", ["x", None], {2}),
    Case("null", "f: null", ["x", None, ""], {2}),
    Case("null or text", "f: [null, x]", ["x", None, "y"], {1, 2}),
    Case("lt", "f|lt: 10", [9, "9.5", 10, "x", None, "nan", "inf"], {1, 2}),
    Case("lte", "f|lte: 10", [10, 11], {1}),
    Case("gt", "f|gt: 10", [9, 11, "1e2", "nan", "inf"], {2, 3}),
    Case("gte", "f|gte: 10", ["10", 9.99], {1}),
    Case("neq number", "f|neq: 10", [9, 10, "10.0"], {1}),
    Case("neq text", "f|neq: x", ["x", "X", "y"], {3}),
    Case("number is text", "f: 401", ["401", 401, 401.0, "0401x", "4010"], {1, 2, 3}),
    Case("text is number", "f: '401'", ["401", 401], {1, 2}),
    Case("bool", "f: true", [True, "true", "True", 1, False], {1, 2, 3, 4}),
    Case("bool false", "f: false", [False, "false", 0, True], {1, 2, 3}),
    Case("minute", "f|minute: 5", ["2024-05-06T07:05:09Z", "2024-05-06T07:06:09Z"], {1}),
    Case("hour in UTC", "f|hour: 7", ["2024-05-06T07:05:09Z", "2024-05-06T09:05:09+02:00", "2024-05-06T09:00:00Z"],
         {1, 2}),
    Case("day", "f|day: 6", ["2024-05-06 07:05:09", "2024-06-05"], {1}),
    Case("week", "f|week: 19", ["2024-05-06T00:00:00Z", "2024-05-13T00:00:00Z"], {1}),
    Case("month", "f|month: 5", ["2024-05-06T07:05:09Z", "2024-06-05T00:00:00Z"], {1}),
    Case("year", "f|year: 2024", ["2024-05-06T07:05:09Z", "2023-05-05T00:00:00Z", "x", 1714979109], {1, 4}),
    Case("Unicode case", "f: 'ÉLAN'", ["élan", "elan"], {1}),
    Case("Unicode contains", "f|contains: 'ÜB'", ["grüber", "gruber"], {1}),
    Case("yes stays a word", "f: 'yes'", ["yes", "true"], {1}),
    Case("nested", "a.b.c: x", [{"a": {"b": {"c": "X"}}}, {"a": {"b": {"d": "x"}}}], {1}),
    Case("dotted key", "a.b: x", [{"a.b": "x"}, {"a": {"b": "x"}}], {1, 2}),
    Case("field name ignores case", "Image: x", [{"image": "x"}, {"IMAGE": "x"}, {"other": "x"}], {1, 2}),
    Case("array", "f: b", [["a", "B"], ["c"], [], None], {1}),
    Case("array contains", "f|contains: z", [["az", "B"], ["c"]], {1}),
    Case("array number", "f|gt: 5", [[1, 9], [1, 2]], {1}),
    Case("array cidr", "f|cidr: 10.0.0.0/8", [["8.8.8.8", "10.0.0.1"], ["8.8.8.8"]], {1}),
    Case("array re", "f|re: '^b+$'", [["a", "bb"], ["a"]], {1}),
    Case("objects in a list", "o.n: x", [{"o": [{"n": "w"}, {"n": "X"}]}, {"o": [{"n": "w"}]}], {1}),
    Case("names that SQL would mind", "{order: x, group: y, ts: z}", [{"order": "x", "group": "y", "ts": "z"}], {1}),
    Case("a name with quotes", "'a\"b': x", [{'a"b': "x"}, {"a": "x"}], {1}),
]

PAIRS = [("fieldref", "a|fieldref: b", [("x", "X"), ("x", "y"), (None, None), ("%", "x")], {1}),
         ("fieldref startswith", "a|fieldref|startswith: b", [("abc", "AB"), ("abc", "bc"), ("a_c", "a%")], {1}),
         ("fieldref endswith", "a|fieldref|endswith: b", [("abc", "BC"), ("abc", "ab")], {1}),
         ("fieldref contains", "a|fieldref|contains: b", [("xabcx", "ABC"), ("xabcx", "%")], {1}),
         ("fieldref neq", "a|fieldref|neq: b", [("x", "y"), ("x", "X")], {1}),
         ("fieldref arrays", "a|fieldref: b", [(["p", "q"], ["Q", "r"]), (["p"], ["q"])], {1})]
CASES += [Case(name, item, [{"a": a, "b": b} for a, b in pairs], found) for name, item, pairs, found in PAIRS]


OPEN = {"f|exists: true", "f: '*'", "f|neq: x", "f|neq: 10", "a|fieldref|neq: b"}
"""Items that also find the last event of each trial, whose fields say "other"."""

SCALAR = [c for c in CASES if not any(isinstance(e, dict | list) for e in c.events)]
OTHERS = [c for c in CASES if c not in SCALAR]


def trial(case: Case) -> list[dict[str, Any]]:
    """The events of a case, each with its name and number."""
    events = [e if isinstance(e, dict) else {} if e is None else {"f": e} for e in case.events]
    last: Any = ["other"] if "array" in case.name else "other"
    events.append({"f": last, "a": last})  # so that no field is absent altogether
    return [at(i, case=case.name, number=i + 1, **e) for i, e in enumerate(events)]


def probe(case: Case) -> str:
    """The rule of a case, over its own events."""
    item = case.item if case.item.startswith("{") else "{" + case.item + "}"
    here = json.dumps({"case|cased": case.name})
    return rule(f"selection: {item}\nhere: {here}\ncondition: here and selection", case.name)


def found(cases: Sequence[Case]) -> dict[str, set[int]]:
    """Case -> the numbers of the events that its rule found, all in one run."""
    events = [event for case in cases for event in trial(case)]
    detection = run([probe(case) for case in cases], events)
    assert [r.reason for r in detection.rules] == [""] * len(cases)
    by_rule: dict[str, set[int]] = {case.name: set() for case in cases}
    names = detection.alerts.frame["rule_id"]
    for alert, line in zip(detection.alerts.events["alert"], detection.alerts.events["line"], strict=True):
        assert events[line - 1]["case"] == names[alert]
        by_rule[names[alert]].add(events[line - 1]["number"])
    return by_rule


@cache
def scalars() -> dict[str, set[int]]:
    """One run for all cases on plain values."""
    return found(SCALAR)


def expected(case: Case) -> set[int]:
    """What it should find."""
    return case.found | ({len(case.events) + 1} if case.item in OPEN else set())


@pytest.mark.parametrize("case", SCALAR, ids=lambda c: c.name)
def test_modifier(case: Case) -> None:
    """Each finds what it says and nothing else."""
    assert scalars()[case.name] == expected(case)


@pytest.mark.parametrize("case", OTHERS, ids=lambda c: c.name)
def test_fields(case: Case) -> None:
    """Nested, dotted, in arrays, in any case, compared with each other."""
    assert found([case])[case.name] == expected(case)


EVENTS = [at(0, a="x", b="y"), at(1, a="x"), at(2, b="y"), at(3, c=1)]

CONDITIONS = [
    ("s and t", {1}), ("s or t", {1, 2, 3}), ("not s", {3, 4}), ("s and not t", {2}), ("not (s and t)", {2, 3, 4}),
    ("not (s or t)", {4}), ("not not s", {1, 2}), ("1 of s*", {1, 2}), ("all of them", {1}),
    ("not 1 of them", {4}), ("s and not (t and not t)", {1, 2})]


def test_a_missing_field_neither_holds_nor_hides_an_event() -> None:
    """NOT over absent fields is true at every level."""
    rules = [rule(f"s: {{a: x}}\nt: {{b: y}}\ncondition: {condition}", condition) for condition, _ in CONDITIONS]
    detection = run(rules, EVENTS)
    names = detection.alerts.frame["rule_id"]
    for condition, wanted in CONDITIONS:
        mine = detection.alerts.events["alert"].map(names) == condition
        assert set(detection.alerts.events.loc[mine, "line"]) == wanted, condition


KEYWORDS = [
    ("keywords: [Needle]", {1, 2, 4}), ("keywords: ['nee*dle']", {1, 2, 3, 4}),
    ("keywords: {'|all': [needle, hay]}", {2}), ("keywords: {'|re': 'n[e]{2}dle'}", {1, 2}),
    ("keywords: [77]", {4}), ("keywords: {'|cased': [NEEDLE]}", {4})]


def test_keywords_search_the_whole_record() -> None:
    """Whatever field the word is in."""
    events = [at(0, m="a needle"), at(1, x={"y": ["needle", "hay"]}), at(2, m="nee dle"), at(3, m="NEEDLE", n=77)]
    detection = run([rule(f"{words}\ncondition: keywords", words) for words, _ in KEYWORDS], events)
    names = detection.alerts.frame["rule_name"]
    for words, wanted in KEYWORDS:
        mine = detection.alerts.events["alert"].map(names) == words
        assert set(detection.alerts.events.loc[mine, "line"]) == wanted, words


def test_a_time_is_told_from_the_field_that_the_user_names() -> None:
    """The alert's time is the event's."""
    detection = run(rule("s: {f: x}\ncondition: s"), [at(12.5, f="x")])
    assert detection.alerts.frame["t_alert"].tolist() == [1_700_000_012_500_000]


def test_thousands_of_alternatives() -> None:
    """Long lists plan in reasonable depth, plain and with wildcards."""
    many = json.dumps([f"v{i}" for i in range(20_000)])
    wild = json.dumps([f"*w{i}x*y" for i in range(500)])
    events = [at(0, f="V19999"), at(1, f="v20000"), at(2, f="aw499x__y")]
    assert lines(run(rule(f"s: {{f: {many}}}\ncondition: s"), events)) == [1]
    assert lines(run(rule(f"s: {{f: {wild}}}\ncondition: s"), events)) == [3]


def test_a_pattern_that_runs_away_is_an_error_of_its_rule() -> None:
    """The run goes on, and says which rule."""
    rules = [rule("s: {f|re: '(a|aa)+(?!x)$'}\ncondition: s", "runaway"), rule("s: {f|startswith: a}\ncondition: s", "fine")]
    detection = run(rules, [at(0, f="a" * 60 + "!")])
    said = {r.rule_id: r for r in detection.rules}
    assert said["runaway"].status == "ERROR"
    assert "backtracks too long" in said["runaway"].reason
    assert detection.alerts.frame["rule_id"].tolist() == ["fine"]
