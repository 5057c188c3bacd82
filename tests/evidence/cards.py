"""Scorecards made by hand for the reports to print: a healthy run, one with losses, an empty one, a hostile one, a huge one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from scipy.stats import beta, chi2

from redgen.alert import FIELD_GAP, PLACEHOLDER, TESTED, UNSUPPORTED, Diagnostic, RuleReport
from redgen.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from redgen.scorecard import (
    CAUGHT,
    DETECTED,
    FAILED,
    INCONCLUSIVE,
    LATE,
    MISSED,
    NO_TELEMETRY,
    PARTIAL,
    PASSED,
    CampaignScore,
    Chance,
    DatasetFacts,
    Deployment,
    Estimate,
    FalseAlerts,
    GateResult,
    LostCampaign,
    Mark,
    NearMiss,
    Regression,
    RuleScore,
    Scorecard,
    Settings,
    StepScore,
    TimeToDetect,
)

START = parse_time("2026-03-02T00:00:00Z")

BOOKS = {
    "ato-credential-stuffing": ("account-takeover", "Credential stuffing to account takeover", "stuffing",
                                (("acquire", ""), ("try_list", "T1110.004"), ("verify", "T1078.004"), ("spend", "T1657"))),
    "ato-mfa-fatigue": ("account-takeover", "MFA fatigue", "mfa_push",
                        (("guess", "T1110.003"), ("push", "T1621"), ("enroll", "T1098.005"), ("read_mail", "T1114.002"))),
    "api-bola-enumeration": ("api-misuse", "Enumeration of other people's objects", "bola",
                             (("probe", "T1595"), ("enumerate", "T1087"), ("pull", "T1530"))),
    "ssh-distributed-brute-force": ("distributed", "Brute force of SSH from many addresses", "ssh_brute",
                                    (("sweep", "T1110.001"), ("enter", "T1021.004"), ("persist", "T1098.004"))),
}

TITLES = {"stuffing": "Many failed logins, then a success", "mfa_push": "Push notifications until one is accepted",
          "bola": "One token walks through object ids", "ssh_brute": "SSH brute force, then a success",
          "new_asn": "Access key used from a new network"}


def share(k: int, n: int) -> Estimate:
    """A Clopper-Pearson interval at 95%."""
    if n == 0:
        return Estimate(None, 0.0, 1.0, 0, 0, method="clopper-pearson")
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return Estimate(k / n, round(low, 6), round(high, 6), n, float(k), method="clopper-pearson")


def rate(k: int, days: float) -> Estimate:
    """A Garwood interval of a rate per day."""
    if not days:
        return Estimate(None, unit="per day")
    low = float(chi2.ppf(0.025, 2 * k)) / 2 / days if k else 0.0
    return Estimate(k / days, round(low, 6), round(float(chi2.ppf(0.975, 2 * k + 2)) / 2 / days, 6), 0, float(k),
                    method="garwood", unit="per day")


def campaign(i: int, book: str, status: str, delay: int, spread: int = 10 * MINUTE) -> CampaignScore:
    """One campaign of a playbook: its steps side by side, seen ``delay`` µs after its onset when it is caught."""
    family, title, rule, plan = BOOKS[book]
    onset = START + i * 2 * HOUR + 7 * MINUTE
    steps, marks = [], []
    det = onset + delay if status in CAUGHT else None
    for j, (step, technique) in enumerate(plan):
        t0, t1 = onset + j * spread, onset + (j + 1) * spread + spread // 4
        seen = (det is not None and t0 <= det < t1) or (status == PARTIAL and j == 0)
        steps.append(StepScore(step, technique, t0, t1, 40 * (j + 1), 25 if seen else 0, seen,
                               (det or t0 + spread // 2) if seen else None, (rule,) if seen else ()))
        if seen:
            marks.append(Mark((det or t0 + spread // 2), rule, step, "L0", 3))
    seen_by = (rule,) if marks else ()
    if det is not None and i % 3 == 0:
        marks.append(Mark(det + spread // 3, "new_asn", steps[-1].step_id, "L1", 1))
        seen_by = (rule, "new_asn")
    near = None
    if status == MISSED:
        near = NearMiss(rule, TITLES[rule], 0.75, "failed logins per address: 4 where the rule wants at least 10")
    return CampaignScore(
        f"C-{i + 1:04d}", book, family, title, status, 1.0, {"outcome": plan[-1][0], "stealth": "low" if i % 2 else "high"},
        onset, onset + (len(plan) - 1) * spread, onset + len(plan) * spread + spread // 4, det, "L0" if marks else "",
        seen_by, tuple(steps), tuple(marks), sum(s.n_events for s in steps), sum(s.events_seen for s in steps),
        min(60, delay // SECOND) if det else sum(s.n_events for s in steps), tuple(s for s, _ in plan), near)


def rules_for(campaigns: Sequence[CampaignScore], false: dict[str, tuple[int, dict[str, int]]], days: float) -> tuple[RuleScore, ...]:
    """Every rule with what it caught of these campaigns; ``false``: rule -> (background groups, kind -> groups)."""
    found = []
    for k, (rule, title) in enumerate(TITLES.items()):
        caught = tuple(c.campaign_id for c in campaigns if rule in c.rules)
        alone = tuple(c.campaign_id for c in campaigns if c.rules == (rule,))
        background, kinds = false.get(rule, (0, {}))
        cost = background + sum(kinds.values())
        found.append(RuleScore(
            RuleReport(rule, title, "high", TESTED, file=f"rules/{rule}.yml", line=3 + k, tags=("attack.t1110",),
                       logsource={"product": "okta"}, sources=("okta_system",), span=10 * MINUTE, correlation=k % 2 == 0),
            len(caught) * 3 + cost, len(caught) + cost, len(caught), cost, 0, 0, caught, alone, kinds, rate(cost, days),
            round(len(alone) / (cost / days), 3) if cost and days else None, not caught and not cost,
            bool(kinds) and not background and not caught))
    for rule, status, reason, missing in (
            ("win_logon", UNSUPPORTED, "no source of the dataset is windows/security", ()),
            ("risk_score", FIELD_GAP, "okta_system has no field debugContext.risk", ("debugContext.risk",)),
            ("admins", PLACEHOLDER, "%admin_users% is filled in by no pipeline", ())):
        found.append(RuleScore(RuleReport(rule, rule.replace("_", " ").capitalize(), "medium", status, reason,
                                          f"rules/{rule}.yml", 1, missing=missing),
                               0, 0, 0, 0, 0, 0, (), (), {}, rate(0, days)))
    return tuple(found)


def assemble(campaigns: Sequence[CampaignScore], false: dict[str, tuple[int, dict[str, int]]], days: float = 1.0,
             name: str = "demo") -> Scorecard:
    """A scorecard over these campaigns whose numbers agree with them."""
    caught = [c for c in campaigns if c.status in CAUGHT]
    by: dict[str, dict[str, Estimate]] = {}
    for what, keys in (("family", lambda c: [c.family]), ("playbook", lambda c: [c.playbook]),
                       ("outcome", lambda c: [c.stratum["outcome"]]), ("stealth", lambda c: [c.stratum["stealth"]])):
        names = sorted({k for c in campaigns for k in keys(c)})
        by[what] = {x: share(sum(x in keys(c) for c in caught), sum(x in keys(c) for c in campaigns)) for x in names}
    steps = [s for c in campaigns for s in c.steps]
    by["technique"] = {t: share(sum(s.detected for s in steps if s.technique == t), sum(s.technique == t for s in steps))
                       for t in sorted({s.technique for s in steps if s.technique})}
    rules = rules_for(campaigns, false, days)
    groups, good = sum(r.false_groups for r in rules), sum(r.true_groups for r in rules)
    kinds: dict[str, int] = {"background": sum(b for b, _ in false.values())}
    for _, these in false.values():
        for kind, count in these.items():
            kinds[kind] = kinds.get(kind, 0) + count
    recall = share(len(caught), len(campaigns))
    events = sum(c.n_events for c in campaigns)
    hourly = tuple((i * 7 + 3) % 5 * groups // 48 for i in range(24)) if days else ()
    return Scorecard(
        DatasetFacts("sha256:9d1c0f5e77", "scenarios/demo.yaml", 7, START, START + int(days * DAY),
                     {"okta_system": 120_000, "nginx_access": 145_412} if days else {}, len(campaigns), 7, 1_000, name),
        Settings(), ("sigma",), recall, recall, replace(recall, method="wilson"), by,
        {"L0": recall, "L1": share(len(caught) // 2, len(campaigns)), "campaign": recall},
        share(sum(c.events_seen for c in campaigns), events), share(good, good + groups), share(3 * good, 3 * good + groups),
        FalseAlerts(groups, groups * 2, rate(groups, days), groups / 0.265 if days else None, groups / 1.0 if days else None,
                    kinds, 1.2 if groups else None, hourly, 2, 1),
        times(campaigns), 0.71 if caught else None,
        Chance(0.04, 0.005, round((recall.value - 0.04) / 0.96, 6), 199, False) if recall.value is not None
        else Chance(0.0, 1.0, 0.0, 0, False, "no campaigns, nothing to shift"),
        tuple(Deployment(r, 0.8 * r / (r + 0.1), 1.2 / r) for r in (1.0, 1 / 7, 1 / 30)) if caught else (),
        tuple(campaigns), rules)


def times(campaigns: Sequence[CampaignScore], horizon: float = 3600.0) -> TimeToDetect:
    """Kaplan-Meier of campaigns that all share one horizon, so the curve is the plain share not yet detected."""
    delays = sorted((c.t_det - c.t_onset) / SECOND for c in campaigns if c.t_det is not None)
    n = len(campaigns)
    curve = [(0.0, 1.0)] if n else []
    for i, d in enumerate(delays, 1):
        curve.append((d, 1 - i / n))
    reach = lambda p: next((t for t, s in curve if s <= 1 - p), None)  # noqa: E731
    early = sum(c.t_det is not None and c.t_impact is not None and c.t_det <= c.t_impact for c in campaigns)
    return TimeToDetect(n, len(delays), reach(0.5), reach(0.9), horizon, 900.0 if n else 0.0,
                        {w: share(sum(d <= s for d in delays), n) for w, s in (("5m", 300), ("1h", 3600), ("24h", 86400))},
                        share(early, n), tuple(curve), Estimate(22.5, 10.0, 40.0, n, method="bootstrap") if delays else None)


def healthy() -> Scorecard:
    """Twelve campaigns, all caught, one of them late; gates pass; few false alerts."""
    books = list(BOOKS)
    runs = [campaign(i, books[i % 4], LATE if i == 5 else DETECTED, 35 * MINUTE if i == 5 else (3 + i) * MINUTE)
            for i in range(12)]
    gates = (
        GateResult("recall", "campaign_recall", PASSED, 0.735, 0.7, "lower", ">=", "lower bound 0.735 is at least 0.7"),
        GateResult("fp", "fp_groups_per_day", PASSED, 15.8, 20.0, "upper", "<=", "upper bound 15.8 is at most 20"),
    )
    return replace(assemble(runs, {"stuffing": (4, {"password-manager-retry": 3}), "bola": (1, {})}), gates=gates)


def losing() -> Scorecard:
    """Eight campaigns, three of them not caught, one without logs; gates fail and stay open; a campaign was lost."""
    plan = ((0, DETECTED, 4), (1, MISSED, 0), (2, DETECTED, 12), (3, PARTIAL, 0), (0, MISSED, 0), (1, LATE, 38),
            (2, NO_TELEMETRY, 0), (3, DETECTED, 2))
    books = list(BOOKS)
    runs = [campaign(i, books[b], status, delay * MINUTE) for i, (b, status, delay) in enumerate(plan)]
    gates = (
        GateResult("recall-ato", "campaign_recall", FAILED, 0.068, 0.85, "lower", ">=",
                   "lower bound 0.068 is under 0.85", ("C-0002", "C-0005"), ("rules/mfa_push.yml", "rules/stuffing.yml")),
        GateResult("no-loss", "lost_campaigns", FAILED, 1.0, 0.0, "point", "<=", "1 campaign lost", ("C-0005",),
                   ("rules/stuffing.yml",)),
        GateResult("fp", "fp_groups_per_day", FAILED, 41.2, 20.0, "upper", "<=", "upper bound 41.2 is over 20",
                   ("stuffing",), ("rules/stuffing.yml",)),
        GateResult("noninf", "campaign_recall_delta", INCONCLUSIVE, -0.41, -0.02, "lower", ">=",
                   "8 campaigns are too few to decide"),
        GateResult("ttd", "ttd_p90_seconds", PASSED, 600.0, 900.0, "point", "<=", "10m is at most 15m", (), (),
                   ("C-0006: until 2027-01-31, log source retired",)),
    )
    regression = Regression(
        True, (LostCampaign("C-0005", "ato-credential-stuffing", ("stuffing",), ("rules/stuffing.yml",)),), ("C-0008",), 8,
        0.75, Estimate(0.0, -0.31, 0.31, 8, method="newcombe"), INCONCLUSIVE, share(4, 8), share(4, 8),
        {"old": 20.0, "new": 29.0, "p": 0.12}, {"old_median": 240.0, "new_median": 720.0, "p": 0.4},
        ({"stratum": "ato-credential-stuffing", "lost": 1, "gained": 0, "p": 0.5},),
        ({"rule": "stuffing", "lost": 1, "gained": 0, "q": 0.5},), "")
    card = assemble(runs, {"stuffing": (18, {"password-manager-retry": 6, "office-nat-egress": 2}), "bola": (3, {})}, name="demo")
    return replace(card, gates=gates, regression=regression, diagnostics=(
        Diagnostic("DUPLICATE_ALERT", "alert ids that came twice; the first of each was kept", 3),
        Diagnostic("OUTSIDE_WINDOW", "alerts outside the dataset's window", 2, "info")))


def empty() -> Scorecard:
    """Nothing at all: no campaigns, no rules, no lines."""
    card = assemble((), {}, days=0.0, name="")
    return replace(card, rules=(), detectors=(), false_alerts=replace(card.false_alerts, by_cause={}, hourly=(), diluted=0,
                                                                      unattributable=0))


HOSTILE = '</script><script>alert(1)</script>"\'<img src=x onerror=alert(2)>\x1b[31m|`*_\n::error::x%0A\u202e, :'
"""A name that tries to break out of every format at once."""


def hostile() -> Scorecard:
    """The losing run with every name replaced by one that tries to break out."""
    card = losing()
    runs = tuple(replace(c, campaign_id=c.campaign_id + HOSTILE, playbook=c.playbook + HOSTILE, title=HOSTILE, family=HOSTILE,
                         rules=tuple(r + HOSTILE for r in c.rules), path=tuple(p + HOSTILE for p in c.path),
                         steps=tuple(replace(s, step_id=s.step_id + HOSTILE, rules=tuple(r + HOSTILE for r in s.rules))
                                     for s in c.steps),
                         marks=tuple(replace(m, rule_id=m.rule_id + HOSTILE, step_id=m.step_id + HOSTILE) for m in c.marks),
                         near=replace(c.near, rule_id=c.near.rule_id + HOSTILE, rule_name=HOSTILE, failed=HOSTILE) if c.near else None)
                 for c in card.campaigns)
    rules = tuple(replace(r, rule=replace(r.rule, rule_id=r.rule.rule_id + HOSTILE, title=HOSTILE, reason=HOSTILE, file=HOSTILE),
                          campaigns=tuple(c + HOSTILE for c in r.campaigns), hard_negatives={HOSTILE: 1}) for r in card.rules)
    by = {what: {name + HOSTILE: e for name, e in names.items()} for what, names in card.recall_by.items()}
    gates = tuple(replace(g, gate_id=g.gate_id + HOSTILE, message=HOSTILE, names=tuple(n + HOSTILE for n in g.names),
                          files=tuple(f + HOSTILE for f in g.files), allowed=(HOSTILE,)) for g in card.gates)
    assert card.regression is not None
    lost = tuple(replace(x, campaign_id=x.campaign_id + HOSTILE, rules=tuple(r + HOSTILE for r in x.rules),
                         files=tuple(f + HOSTILE for f in x.files)) for x in card.regression.lost)
    return replace(card, campaigns=runs, rules=rules, recall_by=by, gates=gates, detectors=(HOSTILE,),
                   dataset=replace(card.dataset, name=HOSTILE, scenario=HOSTILE, digest=HOSTILE, lines={HOSTILE: 1}),
                   regression=replace(card.regression, lost=lost, note=HOSTILE),
                   false_alerts=replace(card.false_alerts, by_cause={"background": 2, HOSTILE: 3}),
                   diagnostics=(Diagnostic(HOSTILE, HOSTILE, 1),))


def large(n: int, seed: int = 5) -> Scorecard:
    """Many campaigns of plausible fates; the same seed gives the same card."""
    draw = random.Random(seed)
    books = list(BOOKS)
    runs = []
    for i in range(n):
        status = draw.choices((DETECTED, LATE, MISSED, PARTIAL, NO_TELEMETRY), (70, 8, 14, 6, 2))[0]
        spread = int(draw.lognormvariate(2.3, 0.8) * MINUTE)
        delay = int(spread * (draw.uniform(3.0, 4.2) if status == LATE else draw.betavariate(1.2, 3) * 3))
        runs.append(replace(campaign(i, draw.choice(books), status, delay, spread), weight=round(draw.uniform(0.5, 2), 3)))
    days = max(1.0, n / 12)
    per = max(1, int(days))
    card = assemble(runs, {"stuffing": (5 * per, {"password-manager-retry": 4 * per, "office-nat-egress": per}),
                           "bola": (2 * per, {}), "new_asn": (per, {"travelling-user": 3 * per})}, days, f"{n} campaigns")
    gates = (GateResult("recall", "campaign_recall", PASSED, 0.74, 0.7, "lower", ">=", "lower bound 0.74 is at least 0.7"),
             GateResult("fp", "fp_groups_per_day", FAILED, 17.0, 10.0, "upper", "<=", "upper bound 17 is over 10", ("stuffing",),
                        ("rules/stuffing.yml",)))
    return replace(card, gates=gates)


CARDS = {"healthy": healthy, "losing": losing, "empty": empty}
