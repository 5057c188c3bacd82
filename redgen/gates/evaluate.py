"""Gates: what a scorecard must reach for a build to pass, each answered with passed, failed or inconclusive.

A gate passes only on evidence. Too few campaigns, a bound out of reach, matches that luck explains, missing telemetry
or nothing to compare with give *inconclusive*; a failure stands when even the hopeful end of the interval misses the
limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from redgen.alert import TESTED
from redgen.errors import Problem, SpecError
from redgen.gates.bench import BLIND, Bench, Measured, listed
from redgen.gates.file import BASELINE, CAMPAIGNS, METRICS, RULES, STRICT_ID, AllowSpec, Gates, GateSpec, Metric
from redgen.gates.measures import MEASURES
from redgen.gates.selection import unknown_keys
from redgen.scorecard import FAILED, INCONCLUSIVE, PASSED, GateResult, Scorecard
from redgen.statistics.differences import pairs_needed
from redgen.statistics.intervals import needed

FEW = 5
"""A share of fewer campaigns is no share to judge by its point estimate, unless the gate says ``min_campaigns``."""

OK, GATE_FAILED, BAD_INPUT, NO_VERDICT, DETECTOR_ERROR = 0, 1, 2, 3, 4
"""Exit codes of ``redgen score`` and ``redgen ci``."""

STRICT = GateSpec(id=STRICT_ID, metric="lost_campaigns", max=0)
"""The gate that holds whenever there is a baseline of the same dataset, unless the file has one of its own."""

_SLACK = 1e-9
_ORDER = (FAILED, INCONCLUSIVE, PASSED)


def evaluate(
    card: Scorecard, gates: Gates | None, *, today: date, allow_chance: bool = False,
) -> tuple[GateResult, ...]:
    """Every gate answered, in the file's order; then an answer for each allowance that has expired by ``today``.

    Without gates there is only the strict one, where a baseline of the same dataset is; and where there is none, an
    inconclusive answer called ``input`` when what was read or run lets nothing be concluded. SpecError when the
    gates are for another dataset, or ask for campaigns by keys that the dataset does not have.
    """
    if gates is not None:
        _fits(card, gates)
    entries = gates.spec.allow if gates else ()
    current = tuple(a for a in entries if a.expires >= today)
    one_sided = gates is not None and gates.spec.sides == "one"
    bench = Bench(card, gates.level if gates else card.settings.confidence, current, one_sided)
    asked = list(gates.spec.gates) if gates else []
    paired = card.regression is not None and card.regression.paired
    if paired and not any(g.metric == "lost_campaigns" for g in asked):
        taken = any(g.id == STRICT_ID for g in asked)
        asked.append(STRICT.model_copy(update={"id": f"strict-{STRICT_ID}"}) if taken else STRICT)
    least = gates.spec.dataset.min_campaigns if gates else None
    results = [_answer(bench, gate, least, allow_chance) for gate in asked]
    if gates is None and not results and not card.failed and (why := "; ".join(suspicions(card))):
        results.append(GateResult("input", "input", INCONCLUSIVE, None, None, "", "", why))
    for i, entry in enumerate(entries):
        if gates is not None and entry.expires < today:
            results.append(_expired(entry, i, "{}:{}".format(*gates.allow_places[i])))
    return tuple(results)


def exit_code(results: Sequence[GateResult], failed: Sequence[str] = (), inconclusive: str | None = None) -> int:
    """0 passed, 1 a gate failed, 3 no verdict, 4 a detector failed (``failed`` names them).

    ``inconclusive``: ``pass`` or ``fail`` to count those answers so. A detector that failed outweighs all gates.
    """
    if failed:
        return DETECTOR_ERROR
    found = {r.status for r in results}
    if FAILED in found or (INCONCLUSIVE in found and inconclusive == "fail"):
        return GATE_FAILED
    return NO_VERDICT if INCONCLUSIVE in found and inconclusive != "pass" else OK


def _fits(card: Scorecard, gates: Gates) -> None:
    """SpecError when the gates are about something else than this scorecard."""
    problems = []
    wanted = gates.spec.dataset.digest
    if wanted and wanted.removeprefix("sha256:") != card.dataset.digest.removeprefix("sha256:"):
        text = f"these gates are for dataset {wanted}, this one is {card.dataset.digest or 'without a digest'}"
        problems.append(Problem(*gates.dataset_place, "dataset.digest", f"{text}; score that one, or write its digest"))
    for i, (gate, place) in enumerate(zip(gates.spec.gates, gates.gate_places, strict=True)):
        for key, text in unknown_keys(gate.where, card.campaigns):
            problems.append(Problem(*place, f"gates.{i}.where.{key}", text))
    if problems:
        raise SpecError(problems)


def _expired(entry: AllowSpec, index: int, place: str) -> GateResult:
    about = f", {entry.reason}" if entry.reason else ""
    owner = f"; ask {entry.owner}" if entry.owner else ""
    return GateResult(
        f"allow-{index + 1}", "allow", FAILED, None, None, "", "",
        f"{place}: the allowance for {entry.what}{about} expired on {entry.expires}{owner}; fix it, renew or remove it",
        names=(entry.campaign or entry.fp_kind or "",))


def _answer(bench: Bench, gate: GateSpec, least: int | None, allow_chance: bool) -> GateResult:
    """The worst answer over the parts of a gate's metric and over both its limits."""
    metric = METRICS[gate.metric]
    answers = []
    for found in MEASURES[gate.metric](bench, gate):
        full = replace(found, doubts=(*found.doubts, *_doubts(bench, gate, metric, found, least, allow_chance)))
        answers += [_judge(bench, gate, full, side, limit) for side, limit in _limits(gate)]
    worst = min(answers, key=lambda a: _ORDER.index(a.status))
    same = [a for a in answers if a.status == worst.status != PASSED]
    if len(same) < 2 or len({a.message for a in same}) < 2:
        return worst
    names = tuple(dict.fromkeys(n for a in same for n in a.names))
    return replace(worst, message="; ".join(dict.fromkeys(a.message for a in same)), names=names)


def _limits(gate: GateSpec) -> Iterator[tuple[str, float]]:
    if gate.min is not None:
        yield ">=", gate.min
    if gate.max is not None:
        yield "<=", gate.max


def _doubts(
    bench: Bench, gate: GateSpec, metric: Metric, found: Measured, least: int | None, allow_chance: bool,
) -> Iterator[str]:
    """Why a gate must not pass, whatever its number."""
    yield from suspicions(bench.card, of_rules=metric.about == RULES)
    if metric.credit and bench.card.chance.refused and not allow_chance:
        chance = bench.card.chance.recall
        yield f"chance alone would detect {chance:.0%} of campaigns, so their detection proves little (--allow-chance)"
    if metric.about not in (CAMPAIGNS, BASELINE) or gate.metric == STRICT.metric:
        return
    told = sum(c.status not in BLIND for c in bench.card.campaigns)
    if least is not None and told < least:
        yield f"the dataset has {told} campaigns, the gates want {least}"
    if not found.n:
        return
    if gate.min_campaigns is not None and found.n < gate.min_campaigns:
        yield f"{found.n} campaigns match, the gate wants {gate.min_campaigns}"
    elif gate.min_campaigns is None and gate.bound == "point" and found.n < FEW:
        yield f"only {found.n} campaigns match (write min_campaigns to judge so few)"


SUSPICIOUS: Mapping[str, str] = {
    "WRONG_TIME_ZONE": "the alerts' times look as if they were in another time zone (--zone says which)",
    "WRONG_CLOCK": "the alerts' times are far from those of the events that they name",
    "TRUNCATED_FILE": "a file of alerts is incomplete",
    "UNKNOWN_RULE": "some alerts are of rules that are not among those said to be behind them (--rules)",
}
"""Diagnostics that let nothing pass, and what a gate says of them."""


def suspicions(card: Scorecard, *, of_rules: bool = False) -> Iterator[str]:
    """Why nothing in a scorecard may be counted as a pass; ``of_rules``: rules that are silent are what is asked."""
    if not of_rules and _silent(card):
        yield "no alert was read and no rule is known to have run"
    codes = {d.code for d in card.diagnostics}
    yield from (text for code, text in SUSPICIOUS.items() if code in codes)


def _silent(card: Scorecard) -> bool:
    """Whether nothing shows that any detection ran: an empty file of alerts looks like a perfect record."""
    if card.false_alerts.alerts or any(r.alerts for r in card.rules):
        return False
    return any(d.code == "EMPTY_FILE" for d in card.diagnostics) or all(r.rule.status != TESTED for r in card.rules)


def _judge(bench: Bench, gate: GateSpec, found: Measured, side: str, limit: float) -> GateResult:
    """One number against one limit."""
    value = {"point": found.value, "lower": found.lower, "upper": found.upper}[gate.bound]
    answer = GateResult(
        gate.id, gate.metric, INCONCLUSIVE, _told(value), limit, gate.bound, side, "", found.names, found.files,
        found.allowed)
    label = f"{found.label}: " if found.label else ""
    if found.broken:
        return replace(answer, status=FAILED, message=label + found.broken)
    if found.missing or value is None:
        why = found.missing or f"{found.text}: nothing to measure"
        return replace(answer, message="; ".join([label + why, *found.doubts]))
    sign = 1 if side == ">=" else -1
    met = sign * (value - limit) >= -_SLACK
    hopeful = found.upper if side == ">=" else found.lower
    hopeless = sign * ((value if hopeful is None else hopeful) - limit) < -_SLACK
    doubts = [*found.doubts, *_out_of_reach(gate, found, side, limit, bench.level)]
    word = {">=": "below" if not met else "at least", "<=": "above" if not met else "at most"}[side]
    number = f"{gate.metric} {_number(value)}" if gate.bound == "point" else \
        f"{gate.bound} bound of {gate.metric} {_number(value)} at {bench.said}"
    message = f"{label}{found.text}: {number}, {word} {_number(limit)}"
    if doubts and not hopeless:
        return replace(answer, message="; ".join([message, *doubts]))
    named = "" if met or not found.names or gate.metric == "lost_campaigns" else f": {listed(found.names)}"
    return replace(answer, status=PASSED if met else FAILED, message=message + named)


def _out_of_reach(gate: GateSpec, found: Measured, side: str, limit: float, level: float) -> Iterator[str]:
    """Says so when not even a flawless run could have met the limit, and what it takes."""
    if gate.bound == "lower" and side == ">=" and found.best_lower is not None and found.best_lower < limit - _SLACK:
        takes = ""
        if gate.metric != "campaign_recall_delta" and limit < 1:
            takes = f"; {needed(limit, (1 + level) / 2)} campaigns could"
        elif gate.metric == "campaign_recall_delta" and limit < 0:
            takes = f"; {pairs_needed(-limit, level)} campaigns could"
        yield f"{found.n} campaigns cannot show {_number(limit)} even without a miss{takes}"
    if gate.bound == "upper" and side == "<=" and found.best_upper is not None and found.best_upper > limit + _SLACK:
        yield f"this much data cannot show {_number(limit)} even without any (at best {_number(found.best_upper)})"


def _told(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else float(value)


def _number(value: float) -> str:
    if math.isinf(value):
        return "beyond what was watched"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
