"""Lost and missed campaigns and rules over their budget as SARIF 2.1.0, on the rule files that must be mended.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from urllib.parse import quote

from redgen.evidence import facts, words
from redgen.scorecard import FAILED, Scorecard
from redgen.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

LOST, REQUIRED, GATE, UNTESTED = "campaign-lost", "campaign-missed", "gate-failed", "rule-not-tested"
CHECKS: Mapping[str, tuple[str, str, str]] = {
    LOST: ("error", "A campaign is no longer detected", "An older run detected it; this rule saw it then."),
    REQUIRED: ("error", "A required campaign is missed",
               "A failed gate names this campaign; this rule came nearest to it."),
    GATE: ("error", "A rule breaks a gate", "A failed gate names this rule, for example for its false alerts."),
    UNTESTED: ("warning", "A rule was not tested", "It cannot run on this dataset, so nothing is known about it."),
}
"""Check -> level, short and full description."""

Result = Mapping[str, object]


def render(card: Scorecard) -> bytes:
    """One run with a result per campaign or rule and file; what has no file is a notification of the run."""
    results = [*_lost(card), *_missed(card), *_gates(card), *_untested(card)]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "redgen", "version": VERSION, "rules": [_descriptor(name) for name in CHECKS]}},
            "invocations": [{"executionSuccessful": not card.failed, "toolExecutionNotifications": list(_notes(card))}],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    }
    return json.dumps(log, ensure_ascii=False, indent=2).encode() + b"\n"


def _descriptor(name: str) -> Result:
    level, short, full = CHECKS[name]
    return {"id": name, "name": "".join(w.capitalize() for w in name.split("-")), "shortDescription": {"text": short},
            "fullDescription": {"text": full}, "defaultConfiguration": {"level": level}}


def _result(check: str, message: str, file: str, line: int, *who: str) -> Result:
    """One finding; its fingerprint is made of the check and of whom it concerns, not of lines, which move."""
    place: dict[str, object] = {"artifactLocation": {"uri": _uri(file)}}
    place["region"] = {"startLine": max(line, 1)}
    print_of = hashlib.sha256("\0".join((check, *who)).encode("utf-8", "replace")).hexdigest()[:32]
    return {"ruleId": check, "ruleIndex": list(CHECKS).index(check), "level": CHECKS[check][0],
            "message": {"text": words.clean(message)}, "locations": [{"physicalLocation": place}],
            "partialFingerprints": {"redgen/v1": print_of}}


def _uri(file: str) -> str:
    """A relative path as a relative reference, an absolute one as a ``file:`` URI."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), safe="/-._~")


def _lost(card: Scorecard) -> Iterator[Result]:
    places = facts.where(card)
    for gone in facts.lost(card).values():
        message = f"Campaign {gone.campaign_id} ({gone.playbook}) is no longer detected."
        at = [(rule, *places[rule]) for rule in gone.rules if rule in places]
        at = at or [(file, file, 0) for file in gone.files]
        for rule, file, line in at:
            yield _result(LOST, message, file, line, gone.campaign_id, rule)


def _missed(card: Scorecard) -> Iterator[Result]:
    places, gone, needed = facts.where(card), facts.lost(card), facts.required(card)
    for c in facts.uncaught(card):
        if c.campaign_id in needed and c.campaign_id not in gone and c.near is not None and c.near.rule_id in places:
            message = (f"Campaign {c.campaign_id} ({c.playbook}) is missed, required by gate "
                       f"{', '.join(needed[c.campaign_id])}. Of this rule's conditions "
                       f"{words.percent(c.near.share)} held; failed: {c.near.failed}")
            yield _result(REQUIRED, message, *places[c.near.rule_id], c.campaign_id, c.near.rule_id)


def _gates(card: Scorecard) -> Iterator[Result]:
    places = facts.where(card)
    for gate in card.gates:
        if gate.status == FAILED:
            for rule in gate.names:
                if rule in places:
                    yield _result(GATE, f"Gate {gate.gate_id}: {gate.message}", *places[rule], gate.gate_id, rule)


def _untested(card: Scorecard) -> Iterator[Result]:
    for status, rules in facts.untested(card).items():
        for r in rules:
            if r.rule.file:
                reason = r.rule.reason or facts.UNTESTED_WORDS.get(status, status)
                yield _result(UNTESTED, f"{facts.name_of(r)}: {reason} ({status})", r.rule.file, r.rule.line, status,
                              r.rule.rule_id)


def _notes(card: Scorecard) -> Iterator[Result]:
    for failed in card.failed:
        yield {"level": "error", "message": {"text": words.clean(failed)}}
    for gate in card.gates:
        if gate.status != "passed":
            yield {"level": "error" if gate.status == FAILED else "warning",
                   "message": {"text": words.clean(f"Gate {gate.gate_id} {gate.status}: {gate.message}")}}
    for d in card.diagnostics:
        yield {"level": {"error": "error", "warning": "warning"}.get(d.level, "note"),
               "message": {"text": words.clean(f"{d.code}: {d.message} ({d.count}x)")}}
