"""What the HTML report shows, as rows and numbers: chosen, cut to what a page bears, and worded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from redgen.alert import TESTED
from redgen.clock import HOUR, SECOND
from redgen.evidence import facts, words
from redgen.scorecard import (
    CAUGHT,
    DETECTED,
    ERROR,
    LATE,
    MISSED,
    NO_TELEMETRY,
    PARTIAL,
    CampaignScore,
    RuleScore,
    Scorecard,
)

MOST_CAMPAIGNS, MOST_RULES, MOST_NAMES, MOST_MARKS, MOST_BARS = 300, 200, 40, 40, 240
"""What a page shows at most; the rest is counted in a note. The tables and the JSON have everything."""

TONES = {DETECTED: "good", LATE: "warn", PARTIAL: "warn", MISSED: "bad", NO_TELEMETRY: "quiet", ERROR: "bad"}
SIGNS = {DETECTED: "✓", LATE: "◷", PARTIAL: "◐", MISSED: "✗", NO_TELEMETRY: "∅", ERROR: "!"}

MIX = (13, 11)
"""Of a long list, how many campaigns that were not caught and that were caught the timeline draws first."""

RECALLS = ("family", "playbook", "technique")
"""By what recall is shown."""

Row = dict[str, Any]


def chosen(card: Scorecard) -> list[CampaignScore]:
    """The campaigns that the page lists, up to the limit: uncaught ones first, then late ones, then the rest by id."""
    late = [c for c in card.campaigns if c.status == LATE]
    rest = [c for c in card.campaigns if c.status in CAUGHT and c.status != LATE]
    troubled = [*facts.uncaught(card), *late]
    room = max(MOST_CAMPAIGNS - len(troubled), MOST_CAMPAIGNS // 4)
    return [*troubled[:MOST_CAMPAIGNS - min(room, len(rest))], *rest[:room]]


def mixed(card: Scorecard) -> list[str]:
    """The same campaigns in the order in which the timeline draws them: at first some of both, caught and not."""
    listed = chosen(card)
    caught = [c for c in listed if c.status in CAUGHT]
    first = [*[c for c in listed if c.status not in CAUGHT][:MIX[0]], *caught[:MIX[1]]]
    known = {c.campaign_id for c in first}
    return [words.clean(c.campaign_id) for c in [*first, *(c for c in listed if c.campaign_id not in known)]]


def campaigns(card: Scorecard) -> list[Row]:
    """Rows of the table of campaigns."""
    gone, names = facts.lost(card), facts.names(card)
    return [{"id": words.clean(c.campaign_id), "playbook": words.clean(c.playbook), "title": words.clean(c.title),
             "status": c.status, "word": words.STATUS_WORDS.get(c.status, c.status),
             "tone": TONES.get(c.status, "quiet"), "sign": SIGNS.get(c.status, "?"), "lost": c.campaign_id in gone,
             "onset": words.moment(c.t_onset), "delay": _delay(c),
             "rules": [{"id": words.clean(r), "name": names.get(r, words.clean(r))} for r in c.rules],
             "events": f"{c.events_seen:,} of {c.n_events:,}", "near": _near(c)} for c in chosen(card)]


def _delay(c: CampaignScore) -> str:
    if c.t_det is None or c.status not in CAUGHT:
        return words.NOTHING
    late = ""
    if c.t_impact is not None and c.t_impact < c.t_det:
        late = f", {words.seconds((c.t_det - c.t_impact) / SECOND)} after the damage"
    return words.seconds((c.t_det - c.t_onset) / SECOND) + late


def _near(c: CampaignScore) -> Row | None:
    if c.near is None:
        return None
    return {"rule": words.clean(c.near.rule_name or c.near.rule_id), "share": words.percent(c.near.share),
            "failed": words.clean(c.near.failed)}


def rules(card: Scorecard) -> list[Row]:
    """Rows of the table of rules that ran, the costliest first, then those that caught most."""
    ran = [r for r in card.rules if r.rule.status == TESTED]
    ran.sort(key=lambda r: (-r.false_groups, -len(r.campaigns), r.rule.rule_id))
    return [_rule(r) for r in ran[:MOST_RULES]]


def _rule(r: RuleScore) -> Row:
    remark = "never fired" if r.silent else "fires only on look-alikes" if r.only_hard_negatives else ""
    worth = "" if r.per_false_alert is None else words.number(r.per_false_alert)
    return {"id": words.clean(r.rule.rule_id), "name": facts.name_of(r), "level": words.clean(r.rule.level),
            "file": words.clean(r.rule.file), "line": r.rule.line, "caught": f"{len(r.campaigns):,}",
            "unique": f"{len(r.unique):,}", "false": words.rate_in_words(r.false_per_day) if r.false_groups else "none",
            "groups": f"{r.false_groups:,}", "remark": remark, "worth": worth, "kinds": _kinds(r.hard_negatives)}


def _kinds(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{words.clean(kind)} {n:,}" for kind, n in sorted(kinds.items(), key=lambda i: (-i[1], i[0])))


def recalls(card: Scorecard, by: str) -> list[Row]:
    """Rows of a recall chart, the lowest first, cut to what a page bears."""
    found = list(card.recall_by.get(by, {}).items())
    found.sort(key=lambda f: (2.0 if f[1].value is None else f[1].value, f[0]))
    return [{"id": words.clean(name), "label": words.clean(name), "value": e.value,
             "lower": e.lower if e.lower is not None else e.value, "upper": e.upper if e.upper is not None else e.value,
             "told": f"{words.percent(e.value)} · {words.counted(e)}", "percent": words.percent(e.value),
             "counted": words.counted(e), "interval": words.bounds(e)} for name, e in found[:MOST_NAMES]]


def timelines(card: Scorecard) -> dict[str, list[Row]]:
    """Rows of the timeline: campaigns, their steps, the alerts on them, the moments of detection and impact."""
    data: dict[str, list[Row]] = {"campaigns": [], "steps": [], "alerts": [], "moments": []}
    names, order = facts.names(card), {name: i for i, name in enumerate(mixed(card))}
    for c in sorted(chosen(card), key=lambda c: order[words.clean(c.campaign_id)]):
        here = words.clean(c.campaign_id)
        data["campaigns"].append({
            "id": here, "label": f"{here} · {words.clean(c.playbook)}", "a": 0, "ha": 0,
            "status": f"{SIGNS.get(c.status, '')} {words.STATUS_WORDS.get(c.status, c.status)}"})
        for s in c.steps:
            data["steps"].append({
                "id": here, **_at(c, s.t0, "a"), **_at(c, max(s.t1, s.t0 + SECOND), "b"),
                "step": words.clean(s.step_id), "technique": words.clean(s.technique) or words.NOTHING,
                "seen": "yes" if s.detected else "no", "when": _span(c, s.t0, s.t1),
                "lines": f"{s.events_seen:,} of {s.n_events:,} in alerts",
                "rules": ", ".join(names.get(r, words.clean(r)) for r in s.rules[:4]) or "no rule"})
        data["alerts"] += [{"id": here, **_at(c, m.t, "a"), "rule": names.get(m.rule_id, words.clean(m.rule_id)),
                            "step": words.clean(m.step_id), "when": _after(c, m.t), "count": m.alerts,
                            "level": {"L0": "event", "L1": "entity and time"}.get(m.level, words.clean(m.level))}
                           for m in sorted(c.marks, key=lambda m: (m.t, m.rule_id, m.step_id))[:MOST_MARKS]]
        for kind, word, t in (("impact", "The damage is done", c.t_impact), ("detected", "Detected", c.t_det)):
            if t is not None and (kind == "impact" or c.status in CAUGHT):
                data["moments"].append({"id": here, **_at(c, t, "a"), "kind": kind, "word": word, "when": _after(c, t)})
    return data


def reach(lines: Mapping[str, list[Row]]) -> dict[str, list[float]]:
    """Where each campaign's row ends, as a share of the campaign and in hours."""
    ends: dict[str, list[float]] = {row["id"]: [1.0, 0.0] for row in lines["campaigns"]}
    for share, hour, kind in (("b", "hb", "steps"), ("a", "ha", "alerts"), ("a", "ha", "moments")):
        for row in lines[kind]:
            end = ends[row["id"]]
            end[:] = max(end[0], row[share]), max(end[1], row[hour])
    return ends


def _at(c: CampaignScore, t: int, name: str) -> Row:
    """A time as a share of the campaign (``a``) and in hours since its onset (``ha``), never before it."""
    length = max(c.t_end - c.t_onset, SECOND)
    since = max(t - c.t_onset, 0)
    return {name: round(since / length, 4), "h" + name: round(since / HOUR, 4)}


def _after(c: CampaignScore, t: int) -> str:
    return f"{words.moment(t)} UTC, {words.seconds((t - c.t_onset) / SECOND)} after onset"


def _span(c: CampaignScore, t0: int, t1: int) -> str:
    return f"{_after(c, t0)}, lasting {words.seconds((t1 - t0) / SECOND)}"


def burden(card: Scorecard) -> list[Row]:
    """Rows of the chart of what rules cost."""
    return [{"id": words.clean(r.rule.rule_id), "label": facts.name_of(r), "value": r.false_per_day.value or 0.0,
             "lower": r.false_per_day.lower, "upper": r.false_per_day.upper,
             "told": f"{words.number(r.false_per_day.value)} a day · catches {len(r.campaigns):,}",
             "caught": f"{words.plural(len(r.campaigns), 'campaign')}, {len(r.unique):,} alone",
             "kinds": _kinds(r.hard_negatives) or "none"} for r in facts.costly(card)[:MOST_NAMES]]


def most(rows: Sequence[Row]) -> float:
    """Where the axis of a chart of rates ends."""
    return max((float(row["upper"] if row["upper"] is not None else row["value"]) for row in rows), default=1.0)


def survival(card: Scorecard) -> tuple[list[Row], list[Row]]:
    """The curve of campaigns not yet detected, thinned where it has too many steps, and a mark at its median."""
    found = card.time_to_detect
    curve = [(t, s) for t, s in found.curve if math.isfinite(t)]
    if not curve:
        return [], []
    if curve[0][0] > 0:
        curve.insert(0, (0.0, 1.0))
    pace = max(1, math.ceil(len(curve) / MOST_BARS))
    kept = curve[:-1:pace] + curve[-1:]
    end = max(found.horizon_seconds, kept[-1][0])
    if end > kept[-1][0]:
        kept.append((end, kept[-1][1]))
    rows = [{"seconds": t, "share": s, "when": words.seconds(t), "told": words.percent(s)} for t, s in kept]
    median = [] if found.median_seconds is None else [
        {"seconds": found.median_seconds, "label": f"half by {words.seconds(found.median_seconds)}"}]
    return rows, median


def hours(card: Scorecard) -> list[Row]:
    """False alert groups per hour, several hours together when the window is long."""
    counts = card.false_alerts.hourly
    wide = max(1, math.ceil(len(counts) / MOST_BARS))
    return [{"from": i, "to": min(i + wide, len(counts)), "count": sum(counts[i:i + wide]),
             "when": words.moment(card.dataset.start + i * HOUR)} for i in range(0, len(counts), wide)]


def untested(card: Scorecard) -> list[Row]:
    """Rows of the table of rules that were not tested, cut to what a page bears."""
    rows = [{"id": words.clean(r.rule.rule_id), "name": facts.name_of(r), "status": words.clean(status),
             "file": words.clean(r.rule.file), "why": facts.UNTESTED_WORDS.get(status, ""),
             "reason": words.clean(r.rule.reason), "missing": ", ".join(words.clean(m) for m in r.rule.missing[:6])}
            for status, found in facts.untested(card).items() for r in found]
    return rows[:MOST_RULES]


def tiles(card: Scorecard) -> list[Row]:
    """The numbers at the top: what it is, the number, what it rests on."""
    found, false = card.time_to_detect, card.false_alerts
    beyond = f"> {words.seconds(found.horizon_seconds)}"
    median = words.seconds(found.median_seconds) if found.median_seconds is not None else beyond
    p90 = words.seconds(found.p90_seconds) if found.p90_seconds is not None else beyond
    luck = (f"{words.percent(card.chance.adjusted)} once corrected for luck, which alone would match "
            f"{words.percent(card.chance.recall)}") if card.chance.shifts else ""
    real = f"{words.percent(card.precision.value)} of all alert groups were real" if card.precision.n else ""
    return [
        {"name": "Campaigns detected", "value": words.percent(card.recall.value), "estimate": card.recall,
         "note": luck},
        {"name": "Before the damage", "value": words.percent(found.before_impact.value),
         "estimate": found.before_impact, "note": "detected before the attack reached its objective"},
        {"name": "Time to detect", "value": median if found.n else words.NOTHING, "estimate": None,
         "note": f"until half of all campaigns are detected; nine in ten: {p90}" if found.n else "no campaigns"},
        {"name": "False alerts a day", "value": words.number(false.per_day.value), "estimate": None,
         "note": "; ".join(t for t in (_range(card), real) if t)},
    ]


def _range(card: Scorecard) -> str:
    rate = card.false_alerts.per_day
    if rate.lower is None or rate.upper is None:
        return ""
    return f"{words.percent(rate.confidence)} interval {words.number(rate.lower)} to {words.number(rate.upper)}"


def cut(card: Scorecard) -> list[str]:
    """What the page leaves out, one sentence each."""
    ran = sum(r.rule.status == TESTED for r in card.rules)
    left = [(len(card.campaigns), MOST_CAMPAIGNS, "campaigns"), (ran, MOST_RULES, "tested rules"),
            (len(card.rules) - ran, MOST_RULES, "rules that were not tested"),
            *((len(card.recall_by.get(by, {})), MOST_NAMES, f"{by}s in the chart") for by in ("playbook", "technique")),
            (len(facts.costly(card)), MOST_NAMES, "rules in the chart of false alerts")]
    return [f"This page shows {most:,} of {n:,} {what}." for n, most, what in left if n > most]
