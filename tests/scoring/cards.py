"""Scorecards written by hand: campaigns and what became of them, rules, false alerts; all else is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from redgen.alert import TESTED, RuleReport
from redgen.clock import DAY, HOUR, SECOND
from redgen.scorecard import (
    DETECTED,
    MISSED,
    CampaignScore,
    Chance,
    DatasetFacts,
    Estimate,
    FalseAlerts,
    RuleScore,
    Scorecard,
    Settings,
    StepScore,
    TimeToDetect,
)
from redgen.statistics.intervals import clopper_pearson, garwood

START = 1_768_176_000_000_000
EMPTY = Estimate(None)


def campaign(number: int, *, caught: bool = True, playbook: str = "ato-credential-stuffing",
             family: str = "account-takeover", after: int = 60, rules: Sequence[str] = ("r1",), weight: float = 1.0,
             status: str = "", impact: int | None = 1800, stratum: Mapping[str, object] | None = None,
             techniques: Sequence[str] = ("T1110.004", "T1078")) -> CampaignScore:
    """A campaign of an hour, detected ``after`` seconds, with its impact after half an hour."""
    onset = START + number * HOUR
    status = status or (DETECTED if caught else MISSED)
    caught = status in ("DETECTED", "LATE")
    t_det = onset + after * SECOND if caught else None
    steps = tuple(
        StepScore(f"s{i}", technique, onset, onset + HOUR, 10, 5 if caught and i == 0 else 0, caught and i == 0, t_det,
                  tuple(rules) if caught and i == 0 else ())
        for i, technique in enumerate(techniques))
    return CampaignScore(
        f"C-{number:04d}", playbook, family, playbook, status, weight, stratum or {"outcome": "spend"}, onset,
        None if impact is None else onset + impact * SECOND, onset + HOUR, t_det, "L0" if caught else "",
        tuple(rules) if caught else (), steps, n_events=20, events_seen=5 if caught else 0)


def campaigns(caught: int, missed: int = 0, **said: object) -> tuple[CampaignScore, ...]:
    """So many caught, then so many missed."""
    first = int(str(said.pop("first", 0)))
    return tuple(
        campaign(first + i, caught=i < caught, **said) for i in range(caught + missed))  # type: ignore[arg-type]


def rule(rule_id: str = "r1", title: str = "Many logins fail", *, file: str = "rules/r1.yml", status: str = TESTED,
         seen: Sequence[str] = (), false_groups: int = 0, hard: Mapping[str, int] | None = None, days: float = 10.0,
         alerts: int = 0) -> RuleScore:
    """A rule, with what it caught and what it cost."""
    return RuleScore(
        RuleReport(rule_id, title, status=status, file=file, reason="" if status == TESTED else "needs field user"),
        alerts, alerts, len(seen), false_groups, 0, 0, tuple(seen), (), hard or {}, garwood(false_groups, days),
        silent=not alerts)


def card(found: Sequence[CampaignScore], *, rules: Sequence[RuleScore] | None = None, false_groups: int = 10,
         days: int = 10, digest: str = "sha256:abc", refused: bool = False, r0: float = 0.01,
         hourly: Sequence[int] = (), by_cause: Mapping[str, int] | None = None, **settings: object) -> Scorecard:
    """A scorecard of these campaigns."""
    scored = replace(Settings(), **settings)  # type: ignore[arg-type]
    k = sum(c.status in ("DETECTED", "LATE") for c in found)
    recall = clopper_pearson(k, len(found), scored.confidence)
    if rules is None:
        rules = (rule(seen=[c.campaign_id for c in found if "r1" in c.rules], alerts=k),)
    return Scorecard(
        DatasetFacts(digest, "demo", 7, START, START + days * DAY, {"okta_system": 2_000_000}, len(found), 3, 1000),
        scored, ("sigma",), recall, recall, recall, {}, {}, EMPTY, clopper_pearson(k, k + false_groups), EMPTY,
        FalseAlerts(false_groups, false_groups, garwood(false_groups, days, scored.confidence), 5.0, 1.0,
                    by_cause or {"background": false_groups}, None, tuple(hourly)),
        TimeToDetect(len(found), k, None, None, 3600.0, 0.0, {}, EMPTY), None,
        Chance(r0, 0.005, 0.9, 199, refused), (), tuple(found), tuple(rules))
