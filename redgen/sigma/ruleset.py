"""Rules read from files and folders: what can be used, and for each that cannot, why.

One broken rule never stops the others. A rule is known by its ``id``, else its ``name``, else its file.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaRuleLocation
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from redgen.alert import BROKEN, LEVELS, Diagnostic, RuleReport
from redgen.sigma.documents import Document, documents, rule_files
from redgen.sigma.patterns import POLICY

Rule = SigmaRule | SigmaCorrelationRule


@dataclass
class Loaded:
    """One rule with the report on it, which grows as the run learns more."""

    rule: Rule
    report: RuleReport

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against running it yet."""
        return self.report.reason == ""

    @property
    def alerts(self) -> bool:
        """Whether it raises alerts of its own (a rule that only feeds a correlation does not)."""
        return self.rule._output

    def reject(self, status: str, reason: str, missing: Sequence[str] = ()) -> None:
        """Say why it is not tested; the first reason stays."""
        if self.usable:
            self.report = replace(self.report, status=status, reason=reason,
                                  missing=tuple(missing) or self.report.missing)


@dataclass
class Ruleset:
    """All rules of a run: ``loaded`` in file order, ``broken`` for documents that are no rules at all."""

    loaded: list[Loaded] = field(default_factory=list)
    broken: list[RuleReport] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def of(self, rule: Rule) -> Loaded:
        """The entry of a rule."""
        return next(entry for entry in self.loaded if entry.rule is rule)

    def plain(self) -> list[Loaded]:
        """Rules over single events."""
        return [entry for entry in self.loaded if isinstance(entry.rule, SigmaRule)]

    def correlations(self) -> list[Loaded]:
        """Rules over other rules."""
        return [entry for entry in self.loaded if isinstance(entry.rule, SigmaCorrelationRule)]

    def reports(self) -> tuple[RuleReport, ...]:
        """What became of every rule, in the order of files and lines."""
        found = [replace(e.report, feeds=not e.alerts) for e in self.loaded] + self.broken
        return tuple(sorted(found, key=lambda r: (r.file, r.line, r.rule_id)))


def load_rules(paths: Sequence[Path]) -> Ruleset:
    """Every rule under the paths; DataError when a path does not exist or holds no rule files."""
    ruleset, filters = Ruleset(), list[SigmaFilter]()
    for file in rule_files(paths):
        for document in _merged(list(documents(file))):
            _add(ruleset, filters, document)
    _refuse_repeats(ruleset)
    _filter(ruleset, filters)
    _resolve(ruleset)
    return ruleset


def _merged(found: list[Document]) -> list[Document]:
    """Documents with Sigma's old ``action: global`` and ``repeat`` spelled out."""
    shared: dict[str, Any] = {}
    before: dict[str, Any] = {}
    out = []
    for document in found:
        body = dict(document.body)
        action = body.pop("action", None)
        if action == "global":
            shared = before = body
        elif action == "reset":
            shared = {}
        elif action == "repeat":
            before = _over(before, body)
            out.append(replace(document, body=before))
        elif action is not None:
            out.append(replace(document, body=body, error=f"unknown action {action!r}"))
        elif document.error or "correlation" in body or "filter" in body:
            out.append(replace(document, body=body))
        else:
            before = _over(shared, body)
            out.append(replace(document, body=before))
    return out


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _add(ruleset: Ruleset, filters: list[SigmaFilter], document: Document) -> None:
    report = _report(document)
    if document.error:
        ruleset.broken.append(replace(report, status=BROKEN, reason=document.error))
        return
    kind = ("correlation" if "correlation" in document.body else "filter" if "filter" in document.body else "rule")
    reader: type[SigmaCorrelationRule | SigmaFilter | SigmaRule] = {
        "correlation": SigmaCorrelationRule, "filter": SigmaFilter, "rule": SigmaRule}[kind]
    where = SigmaRuleLocation(document.file, document.line)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = reader.from_dict(document.body, collect_errors=True, source=where, policy=POLICY)
            error = plainly(made.errors[0]) if made.errors else _parse(made)
    except Exception as failure:  # noqa: BLE001  (a rule may be malformed in any way; it is reported, never fatal)
        ruleset.broken.append(replace(report, status=BROKEN, reason=plainly(failure)))
        return
    if error:
        ruleset.broken.append(replace(report, status=BROKEN, reason=error))
    elif isinstance(made, SigmaFilter):
        filters.append(made)
    else:
        ruleset.loaded.append(Loaded(made, report))


def _parse(made: object) -> str:
    """Parse the conditions now, so that a bad one is an error of its rule; also what pySigma lets pass."""
    if not isinstance(made, SigmaRule):
        return ""
    for condition in made.detection.parsed_condition:
        if condition.parsed is None:
            return "its condition selects nothing"
    if "timeframe" in made.detection.detections:
        return "a timeframe without a correlation: Sigma's old aggregations are not supported; write a correlation rule"
    return ""


def plainly(error: BaseException) -> str:
    """An error in one sentence without pySigma's file names, which the report has already.

    >>> plainly(ValueError("Bad pipe in /a/b.yml:3"))
    'Bad pipe in /a/b.yml:3'
    """
    said = str(error.args[0]) if isinstance(error, SigmaError) and error.args else str(error)
    if "pipe syntax" in said.lower() or "aggregation" in said.lower():
        return "Sigma's old aggregations (| count() …) are not supported; write a correlation rule"
    return " ".join(said.split()) or type(error).__name__


def _report(document: Document) -> RuleReport:
    body = document.body

    def words(value: object) -> str:
        return " ".join(str(value).split()) if value is not None and not isinstance(value, dict | list) else ""

    rule_id = words(body.get("id")) or words(body.get("name")) or document.file.stem
    level = words(body.get("level")).lower()
    tags = body.get("tags")
    source = body.get("logsource")
    return RuleReport(
        rule_id=rule_id, title=words(body.get("title")) or rule_id, level=level if level in LEVELS else "medium",
        file=str(document.file), line=document.line, correlation="correlation" in body,
        tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
        logsource={k: str(v) for k, v in source.items() if k in {"product", "service", "category"} and v is not None}
        if isinstance(source, dict) else {},
        tuned_on=_tuned(body))


def _tuned(body: dict[str, Any]) -> tuple[str, ...]:
    """What the custom key ``redgen.tuned_on`` says, written flat or nested."""
    nested = body.get("redgen")
    said = body.get("redgen.tuned_on", nested.get("tuned_on") if isinstance(nested, dict) else None)
    if said is None:
        return ()
    return tuple(map(str, said)) if isinstance(said, list) else (str(said),)


def _refuse_repeats(ruleset: Ruleset) -> None:
    """Of several rules with one id, the first counts."""
    seen: dict[str, RuleReport] = {}
    kept = []
    for entry in ruleset.loaded:
        report = entry.report
        first = seen.setdefault(report.rule_id, report)
        if first is report:
            kept.append(entry)
            continue
        reason = f"its id {report.rule_id} is already that of {first.file}:{first.line}"
        ruleset.broken.append(replace(report, status=BROKEN, reason=reason))
        ruleset.diagnostics.append(Diagnostic("DUPLICATE_RULE", f"{report.file}:{report.line}: {reason}"))
    ruleset.loaded = kept


def _filter(ruleset: Ruleset, filters: Sequence[SigmaFilter]) -> None:
    """Sigma filters change the rules they name."""
    for entry in ruleset.loaded:
        for each in filters:
            if isinstance(entry.rule, SigmaRule):
                try:
                    entry.rule = each.apply_on_rule(entry.rule)
                except SigmaError as error:
                    entry.reject(BROKEN, f"filter {each.title!r} does not apply: {plainly(error)}")


def _resolve(ruleset: Ruleset) -> None:
    """Connect correlations with the rules they name, in whatever file those are."""
    rules = [entry.rule for entry in ruleset.loaded]
    names: dict[str, int] = {}
    for rule in rules:
        if rule.name:
            names[rule.name] = names.get(rule.name, 0) + 1
    known = SigmaCollection(list(rules), resolve_references=False)
    for entry in ruleset.correlations():
        rule = entry.rule
        assert isinstance(rule, SigmaCorrelationRule)
        try:
            rule.resolve_rule_references(known)
        except SigmaError as error:
            entry.reject(BROKEN, f"it refers to a rule that is not there or not readable: {plainly(error)}")
            continue
        twice = [r.reference for r in rule.referenced_rules if names.get(r.reference, 0) > 1]
        if twice:
            entry.reject(BROKEN, f"several rules are named {twice[0]!r}")
        elif _circular(rule):
            entry.reject(BROKEN, "it refers to itself, directly or through others")


def _circular(rule: SigmaCorrelationRule, above: tuple[int, ...] = ()) -> bool:
    if id(rule) in above:
        return True
    below = (r.rule for r in rule.referenced_rules if hasattr(r, "rule"))
    return any(_circular(b, (*above, id(rule))) for b in below if isinstance(b, SigmaCorrelationRule))
