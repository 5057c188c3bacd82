"""A bench for rules: events as dicts, rules as YAML, what fires as lines and groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redgen.alert import Detection
from redgen.detector import EventFile, Events
from redgen.detectors.sigma import Sigma

START = 1_700_000_000 * 1_000_000
"""µs UTC of second 0 in ``at``."""

RULE = """
title: {quoted}
name: {quoted}
logsource: {{category: test}}
detection:
{detection}
"""


def at(seconds: float, **fields: Any) -> dict[str, Any]:
    """An event so many seconds after the start."""
    return {"@timestamp": (START + round(seconds * 1_000_000)) / 1_000_000, **fields}


def rule(detection: str, name: str = "probe") -> str:
    """A rule with a detection, given as indented YAML."""
    return RULE.format(quoted=json.dumps(name), detection="\n".join("  " + line for line in detection.strip("\n").split("\n")))


def selects(name: str, **fields: Any) -> str:
    """A rule that wants some fields equal."""
    return rule(f"selection: {json.dumps(fields)}\ncondition: selection", name)


def correlation(kind: str, rules: Sequence[str], timespan: str, condition: Any = None, *, by: Sequence[str] = ("g",),
                name: str = "corr", **more: Any) -> str:
    """A correlation rule."""
    body: dict[str, Any] = {"type": kind, "rules": list(rules), "timespan": timespan, **more}
    if by:
        body["group-by"] = list(by)
    if condition is not None:
        body["condition"] = condition
    return json.dumps({"title": name, "name": name, "correlation": body})


def run(rules: Sequence[str] | str, events: Sequence[Mapping[str, Any]] | str, *, stop: float = 0, routing: bool = False,
        folder: Path | None = None, **options: Any) -> Detection:
    """What the engine makes of rules and events; ``stop``: seconds at which the observation ends."""
    with TemporaryDirectory() as made:
        root = folder or Path(made)
        texts = [rules] if isinstance(rules, str) else rules
        (root / "rules").mkdir()
        for number, text in enumerate(texts):
            (root / "rules" / f"r{number:03}.yml").write_text(text, encoding="utf-8")
        log = root / "events.ndjson"
        log.write_text(events if isinstance(events, str) else "".join(
            json.dumps(e, ensure_ascii=False) + "\n" for e in events), encoding="utf-8")
        end = START + round(stop * 1_000_000) if stop else 0
        given = Events((EventFile(log, "events.ndjson", format="ndjson"),), stop=end, time_field="@timestamp", routing=routing)
        return Sigma([root / "rules"], **options).detect(given)


def lines(detection: Detection) -> list[int]:
    """The lines of the events named by alerts, sorted."""
    return sorted(detection.alerts.events["line"].tolist())


def groups(detection: Detection, rule_id: str = "corr") -> list[Any]:
    """The value of the first group-by field of each alert of a rule."""
    frame = detection.alerts.frame
    said = [json.loads(g) for g in frame.loc[frame["rule_id"] == rule_id, "group"]]
    return [next(iter(g.values()), None) for g in said]


def seconds(detection: Detection, rule_id: str = "corr") -> list[float]:
    """When the alerts of a rule were raised, in seconds after the start."""
    frame = detection.alerts.frame
    return [(t - START) / 1_000_000 for t in frame.loc[frame["rule_id"] == rule_id, "t_alert"]]
