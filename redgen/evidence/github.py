"""Annotations and a step summary for GitHub Actions: failures at the rule's file and line, the rest as a page.

The workflow command syntax: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator

from redgen.evidence import facts, markdown, words
from redgen.scorecard import FAILED, INCONCLUSIVE, Scorecard

MOST = 10
"""GitHub shows ten annotations of each kind per step; the last one then says how many more there are."""


def render(card: Scorecard) -> tuple[str, str]:
    """What to print for GitHub to annotate, and the Markdown for ``$GITHUB_STEP_SUMMARY``."""
    return commands(card), markdown.render(card)


def commands(card: Scorecard) -> str:
    """Workflow commands, one a line: errors for what fails the build, warnings for what is open."""
    lines = [*_capped("error", list(_errors(card))), *_capped("warning", list(_warnings(card)))]
    return "".join(line + "\n" for line in lines)


def command(kind: str, message: str, *, title: str = "", file: str = "", line: int = 0) -> str:
    """One workflow command, escaped.

    >>> command("error", "50% lost", title="a,b", file="r/x.yml", line=3)
    '::error file=r/x.yml,line=3,title=a%2Cb::50%25 lost'
    """
    given = {"file": file, "line": str(line) if file and line else "", "title": title}
    properties = ",".join(f"{key}={_property(value)}" for key, value in given.items() if value)
    return f"::{kind}{' ' + properties if properties else ''}::{_data(message)}"


def _data(text: str) -> str:
    return words.clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _capped(kind: str, lines: list[str]) -> list[str]:
    if len(lines) <= MOST:
        return lines
    return [*lines[:MOST - 1], command(kind, f"{len(lines) - MOST + 1} more; see the step summary", title="redgen")]


def _errors(card: Scorecard) -> Iterator[str]:
    lines_of = dict(facts.where(card).values())
    for failed in card.failed:
        yield command("error", failed, title="redgen: detector failed")
    for gone in facts.lost(card).values():
        message = (f"campaign {gone.campaign_id} ({gone.playbook}) is no longer detected; seen before by "
                   f"{', '.join(gone.rules)}")
        for file in gone.files or ("",):
            yield command("error", message, title="redgen: campaign lost", file=file, line=lines_of.get(file, 0))
    for gate in card.gates:
        if gate.status == FAILED:
            file = gate.files[0] if gate.files else ""
            yield command("error", gate.message + facts.unsaid(gate, 8), title=f"redgen: gate {gate.gate_id} failed",
                          file=file, line=lines_of.get(file, 0))


def _warnings(card: Scorecard) -> Iterator[str]:
    for gate in card.gates:
        if gate.status == INCONCLUSIVE:
            yield command("warning", gate.message, title=f"redgen: gate {gate.gate_id} is inconclusive")
    for status, rules in facts.untested(card).items():
        for rule in rules:
            reason = rule.rule.reason or facts.UNTESTED_WORDS.get(status, status)
            yield command("warning", f"{facts.name_of(rule)}: {reason}",
                          title=f"redgen: rule not tested ({status})", file=rule.rule.file, line=rule.rule.line)
