"""The scorecard as JUnit XML: a suite of gates per metric, and a suite of campaigns per playbook.

The form is the one that Jenkins, GitLab and others read (testsuites, testsuite, properties, testcase, failure, error,
skipped, system-out, in that order). A campaign that was missed but that no gate requires is skipped, not passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from redgen.clock import SECOND, iso
from redgen.evidence import facts, words
from redgen.scorecard import (
    CAUGHT,
    ERROR,
    FAILED,
    INCONCLUSIVE,
    NO_TELEMETRY,
    CampaignScore,
    Estimate,
    GateResult,
    Scorecard,
)

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


def render(card: Scorecard) -> bytes:
    """The document as UTF-8; no time of day in it."""
    root = ET.Element("testsuites", {"name": _plain("redgen " + facts.title_of(card))})
    for metric in dict.fromkeys(g.metric for g in card.gates):
        _gates(root, metric, [g for g in card.gates if g.metric == metric])
    for playbook in sorted({c.playbook for c in card.campaigns}):
        _campaigns(root, playbook, card)
    if card.failed:
        suite = _suite(root, "detectors", {})
        for message in card.failed:
            _say(_case(suite, "redgen.detectors", message), "error", "detector failed", message)
    for suite in root:
        _count(suite, suite.iter("testcase"))
    _count(root, root.iter("testcase"))
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode("utf-8") + b"\n"


def _plain(text: str) -> str:
    return _NOT_XML.sub("�", text)


def _suite(root: ET.Element, name: str, properties: Mapping[str, object]) -> ET.Element:
    suite = ET.SubElement(root, "testsuite", {"name": _plain(name)})
    if properties:
        holder = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(holder, "property", {
                "name": _plain(key), "value": _plain("" if value is None else str(value))})
    return suite


def _case(suite: ET.Element, group: str, name: str) -> ET.Element:
    """A case that took no time: servers add times up, and a time to detect is none of theirs."""
    return ET.SubElement(suite, "testcase", {"classname": _plain(group), "name": _plain(name), "time": "0"})


def _say(case: ET.Element, tag: str, message: str, body: str = "") -> None:
    told = ET.SubElement(case, tag, {"message": _plain(message)} | ({} if tag == "skipped" else {"type": tag}))
    if body:
        told.text = _plain(body)


def _count(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    kept = list(cases)
    element.set("tests", str(len(kept)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(c.find(tag) is not None for c in kept)))
    element.set("time", "0")


def _estimate(e: Estimate) -> dict[str, object]:
    return {"k": words.number(e.k, 12).replace(",", ""), "n": e.n, "p": e.value, "lower": e.lower, "upper": e.upper,
            "confidence": e.confidence, "method": e.method}


def _gates(root: ET.Element, metric: str, gates: list[GateResult]) -> None:
    suite = _suite(root, f"gates: {metric}", {f"{key} ({g.gate_id})": value for g in gates for key, value in (
        ("value", g.value), ("limit", g.limit), ("bound", g.bound), ("comparison", g.comparison))})
    for gate in gates:
        case = _case(suite, f"redgen.gates.{metric}", gate.gate_id)
        body = "\n".join([gate.message, *gate.names, *gate.files, *(f"allowed: {a}" for a in gate.allowed)])
        if gate.status == FAILED:
            _say(case, "failure", gate.message, body)
        elif gate.status == INCONCLUSIVE:
            _say(case, "skipped", f"inconclusive: {gate.message}", body)
        elif gate.allowed:
            ET.SubElement(case, "system-out").text = _plain(body)


def _campaigns(root: ET.Element, playbook: str, card: Scorecard) -> None:
    recall = card.recall_by.get("playbook", {}).get(playbook)
    suite = _suite(root, f"campaigns: {playbook}", _estimate(recall) if recall else {})
    gone, needed = facts.lost(card), facts.required(card)
    for c in card.campaigns:
        if c.playbook == playbook:
            case = _case(suite, f"redgen.campaigns.{playbook}", c.campaign_id)
            story = _story(c)
            if c.campaign_id in gone:
                before = gone[c.campaign_id]
                _say(case, "failure", f"lost: seen before by {', '.join(before.rules)}",
                     "\n".join([story, *before.files]))
            elif c.status == ERROR:
                _say(case, "error", words.STATUS_WORDS[ERROR], story)
            elif c.status in CAUGHT:
                ET.SubElement(case, "system-out").text = _plain(story)
            elif c.status == NO_TELEMETRY:
                _say(case, "skipped", words.STATUS_WORDS[NO_TELEMETRY], story)
            elif c.campaign_id in needed:
                _say(case, "failure", f"{words.STATUS_WORDS.get(c.status, c.status)}; required by gate "
                                      f"{', '.join(needed[c.campaign_id])}", story)
            else:
                _say(case, "skipped", f"{words.STATUS_WORDS.get(c.status, c.status)}; no gate requires it", story)


def _story(c: CampaignScore) -> str:
    lines = [f"{c.status}: {c.title}", f"onset {iso(c.t_onset)}"]
    if c.t_det is not None:
        after = max((c.t_det - c.t_onset) / SECOND, 0.0)
        lines.append(f"detected {iso(c.t_det)}, after {after:,.0f} s, by {', '.join(c.rules)}")
    if c.near is not None:
        lines.append(f"nearest: {c.near.rule_name} ({words.percent(c.near.share)} of its conditions held), "
                     f"failed: {c.near.failed}")
    return "\n".join(lines)
