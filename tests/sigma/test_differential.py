"""Random trials against pySigma's SQLite backend, which compiles the same rules by other means.

SQLite folds ASCII only, knows no arrays and compares numbers by the type of a column, so the trials keep to what both
can say.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule

from tests.sigma.lab import START, at, correlation, groups, rule, run, selects

sqlite = pytest.importorskip("sigma.backends.sqlite", reason="pysigma-backend-sqlite is not installed")
runtime = pytest.importorskip("sigma.backends.sqlite.runtime")


def table(events: Sequence[dict[str, Any]]) -> sqlite3.Connection:
    """The events as the oracle wants them: every value as text, NULL where a field is missing."""
    db = sqlite3.connect(":memory:")
    fields = sorted({key for event in events for key in event})
    db.execute("CREATE TABLE logs (" + ", ".join(f"`{f}` TEXT COLLATE NOCASE" for f in fields) + ")")
    for event in events:
        db.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(fields))})",
                   [None if event.get(f) is None else str(event[f]) for f in fields])
    return db


def oracle_groups(texts: Sequence[str], events: Sequence[dict[str, Any]], end: float) -> set[Any]:
    """The groups for which the last rule fires, as SQLite has it."""
    collection = SigmaCollection.from_yaml("\n---\n".join(texts))
    backend = sqlite.sqliteBackend(table="logs", timestamp_field="@timestamp", timestamp_format="unix",
                                   observation_end=end)
    backend.convert(collection)
    last = [r for r in collection.rules if isinstance(r, SigmaCorrelationRule)][-1]
    from sigma.backends.sqlite.correlation import CorrelationCompiler

    _, plan = CorrelationCompiler(backend, last).compile()
    db = table(events)
    db.create_function("REGEXP", 2, lambda p, v: False)
    rows, _ = runtime.execute_plan(db, plan, include_events=False)
    return {next(iter(row["group_keys"].values()), None) for row in rows}


KINDS = ["event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile", "temporal", "temporal_ordered", "extended", "extended_not", "extended_ordered", "chain"]


def made(kind: str, r: random.Random) -> list[str]:
    """A random correlation of a kind, with its rules."""
    span, n = f"{r.choice([5, 10, 30])}s", r.randint(1, 4)
    op = r.choice(["gte", "gt", "lte", "lt", "eq"])
    if kind == "event_count":
        return [correlation(kind, r.sample("abc", r.randint(1, 2)), span, {op: n})]
    if kind.startswith("value_"):
        more = {"percentile": r.choice([0, 50, 90, 100])} if kind == "value_percentile" else {}
        n = n if kind == "value_count" else r.randint(1, 12)
        return [correlation(kind, r.sample("abc", r.randint(1, 2)), span, {op: n, "field": "v", **more})]
    if kind.startswith("temporal"):
        rules = r.sample("abc", r.randint(2, 3))
        return [correlation(kind, rules, span, r.choice([None, {"gte": 2}]))]
    if kind == "chain":
        inner = correlation("event_count", ["a"], span, {"gte": r.randint(1, 3)}, name="inner")
        outer = r.choice([correlation("temporal_ordered", ["inner", "b"], "30s"),
                          correlation("temporal", ["inner", "c"], "10s"),
                          correlation("event_count", ["inner"], "1m", {"gte": r.randint(1, 3)})])
        return [inner, outer]
    said = {"extended": ["a and b", "a and (b or c)", "a or b and c"], "extended_not": ["a and not b", "a and not (b or c)",
            "(a or b) and not c"], "extended_ordered": ["a and b", "a and b and c", "a and b and not c"]}[kind]
    condition = r.choice(said)
    rules = [c for c in "abc" if c in condition.replace("and", "")]
    return [correlation("temporal_ordered" if "ordered" in kind else "temporal", rules, span, condition)]


def happened(r: random.Random, number: int) -> list[dict[str, Any]]:
    """Some events of three kinds in three groups, ties and gaps included."""
    events = []
    for _ in range(r.randint(3, 25)):
        event = at(r.choice([r.randint(0, 60), r.randint(0, 600) / 10]), k=r.choice("abc"), g=f"{number}-{r.choice('uvw')}")
        value = r.choice([r.randint(0, 9), r.choice("xyz"), None])
        events.append(event | ({"v": value} if value is not None else {}))
    return events


def compare(kind: str, trials: int) -> None:
    """Many trials in one run: each has groups of its own, whose names begin with its number."""
    r = random.Random(kind)
    each = [(renamed(made(kind, r), n), happened(r, n)) for n in range(trials)]
    end = max(e["@timestamp"] for _, events in each for e in events)
    base = [selects(k, k=k) for k in "abc"]
    detection = run([*base, *(t for texts, _ in each for t in texts)], [e for _, events in each for e in events])
    for n, (texts, events) in enumerate(each):
        last = json.loads(texts[-1])["name"]
        got = {g for g in groups(detection, last) if g.startswith(f"{n}-")}
        assert got == oracle_groups([*base, *texts], events, end), (n, texts, events)


def renamed(texts: Sequence[str], number: int) -> list[str]:
    """The correlations under names of their own."""
    return [t.replace('"inner"', f'"inner{number}"').replace('"corr"', f'"corr{number}"') for t in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_correlations_agree_with_sqlite(kind: str) -> None:
    """The same groups fire."""
    compare(kind, 6)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", KINDS)
def test_correlations_agree_with_sqlite_at_length(kind: str) -> None:
    """The same, many more times."""
    compare(kind, 100)


WORDS = ["a", "A", "ab", "abc", "xab", "a%", "a_b", "a\\b", "a*b", "a?b", "7", "70", "7.0", "", "it's", "true", "10.0.0.1"]
VALUES = ["a", "AB", "a*", "*b", "*a*", "a?c", "a\\*b", "a\\?b", "a%", "a_*", "*\\\\*", "7", "", "*", None, True]
MODIFIERS = ["", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|exists", "|fieldref"]


def item(r: random.Random) -> str:
    """A random detection item over two fields."""
    field, modifier = r.choice("fh"), r.choice(MODIFIERS)
    if modifier == "|exists":
        return json.dumps({field + modifier: r.choice([True, False])})
    if modifier == "|fieldref":
        return json.dumps({"f" + modifier: "h"})
    pool = [v for v in VALUES if not modifier or isinstance(v, str)]
    return json.dumps({field + modifier: r.sample(pool, r.randint(2, 3)) if "all" in modifier or r.random() < 0.4
                       else r.choice(pool)})


def condition(r: random.Random, depth: int = 3) -> str:
    """A random condition over two selections."""
    if depth == 0 or r.random() < 0.3:
        return r.choice(["s", "t"])
    shape = r.choice(["not {}", "({} and {})", "({} or {})", "not ({} and {})"])
    return shape.format(condition(r, depth - 1), condition(r, depth - 1))


def test_conditions_agree_with_sqlite() -> None:
    """One table, eighty random rules."""
    r = random.Random(1)
    events = [at(i, **{k: v for k in "fh" if (v := r.choice([*WORDS, None])) is not None}) for i in range(120)]
    texts = [rule(f"s: {item(r)}\nt: {item(r)}\ncondition: {condition(r)}", f"r{i}") for i in range(80)]
    detection = run(texts, events)
    names = detection.alerts.frame["rule_id"]
    found = {(names[a], line) for a, line in
             zip(detection.alerts.events["alert"], detection.alerts.events["line"], strict=True)}
    db = table(events)
    db.create_function("REGEXP", 2, lambda p, v: False)
    backend = sqlite.sqliteBackend(table="logs")
    for i, text in enumerate(texts):
        (query,) = backend.convert(SigmaCollection.from_yaml(text))
        wanted = {row[0] for row in db.execute(query.replace("SELECT *", "SELECT rowid"))}
        assert {line for name, line in found if name == f"r{i}"} == wanted, text


def test_the_clock_of_these_trials() -> None:
    """Seconds are exact in µs, so both engines see the same ties."""
    assert at(0.1)["@timestamp"] == (START + 100_000) / 1_000_000
