"""Two scorecards, an older and a newer one: what got lost, whether that generalises, and what else got worse.

On the same dataset campaigns pair up and engines are deterministic, so every lost campaign is a real loss. On different
datasets nothing pairs up, and the comparison says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from scipy import stats

from redgen.clock import DAY, SECOND
from redgen.errors import DataError
from redgen.scorecard import (
    CAUGHT,
    ERROR,
    NO_TELEMETRY,
    CampaignScore,
    LostCampaign,
    Regression,
    Scorecard,
    Settings,
    StepScore,
)
from redgen.statistics.differences import (
    HALF_A_PAIR,
    MARGIN,
    Times,
    false_alert_change,
    mcnemar,
    recall_change,
    time_change,
    unpaired_change,
    verdict,
)
from redgen.statistics.intervals import tango
from redgen.statistics.multiplicity import benjamini_hochberg, holm

Pair = tuple[CampaignScore, CampaignScore]


def compare(old: Scorecard, new: Scorecard, *, margin: float = MARGIN, confidence: float | None = None) -> Regression:
    """The newer run against the older; paired when both digests are equal and known.

    DataError when equal digests hold different campaigns.
    """
    level = confidence or new.settings.confidence
    if not new.dataset.digest or old.dataset.digest != new.dataset.digest:
        return _unpaired(old, new, margin, level)
    pairs = _pairs(old, new)
    lost = [(a, b) for a, b in pairs if caught(a) and not caught(b)]
    gained = [b for a, b in pairs if caught(b) and not caught(a)]
    change = recall_change(
        [caught(a) for a, _ in pairs], [caught(b) for _, b in pairs], [b.weight for _, b in pairs], level,
        seed=new.settings.seed)
    p = mcnemar(len(lost), len(gained))
    return Regression(
        paired=True, lost=tuple(_lost(a, old, new) for a, _ in lost), gained=tuple(b.campaign_id for b in gained),
        n=len(pairs), mcnemar_p=p, delta=change,
        verdict=verdict(change, p, len(lost) + len(gained), margin, 1 - level), old_recall=old.recall,
        new_recall=new.recall, false_alerts=_false_alerts(old, new, level, paired=True),
        time_to_detect=time_change(times([a for a, _ in pairs], old.settings.horizon_seconds),
                                   times([b for _, b in pairs], new.settings.horizon_seconds), paired=True),
        strata=_strata(pairs, level), rules=_listing(pairs, new), note="; ".join(_notes(old, new, lost)))


def caught(campaign: CampaignScore) -> bool:
    """Whether it counts as detected."""
    return campaign.status in CAUGHT


def times(campaigns: Iterable[CampaignScore], horizon_seconds: float = 0.0) -> Times:
    """Seconds from onset to detection, or to the campaign's end (and the horizon) where it was missed."""
    seconds, detected = [], []
    for c in campaigns:
        seen = caught(c) and c.t_det is not None
        stop = c.t_det if seen and c.t_det is not None else c.t_end + round(horizon_seconds * SECOND)
        seconds.append(max(0.0, (stop - c.t_onset) / SECOND))
        detected.append(seen)
    return Times(seconds, detected)


def _pairs(old: Scorecard, new: Scorecard) -> list[Pair]:
    known = {c.campaign_id: c for c in old.campaigns}
    odd = sorted(known.keys() ^ {c.campaign_id for c in new.campaigns})
    if odd:
        raise DataError(
            f"the scorecards name the same dataset ({new.dataset.digest}), but {odd[0]} is in one of them only; "
            "score the older run again")
    return [(known[c.campaign_id], c) for c in new.campaigns]


def _lost(before: CampaignScore, old: Scorecard, new: Scorecard) -> LostCampaign:
    """A lost campaign with the titles of the rules that saw it and the files where they live now, or lived."""
    titles = {r.rule.rule_id: r.rule.title for card in (new, old) for r in card.rules if r.rule.title}
    files = {r.rule.rule_id: r.rule.file for card in (old, new) for r in card.rules if r.rule.file}
    found = (files.get(rule, "") for rule in before.rules)
    names = dict.fromkeys(titles.get(rule, rule) for rule in before.rules)
    return LostCampaign(
        before.campaign_id, before.playbook, tuple(names), tuple(dict.fromkeys(f for f in found if f)))


def _false_alerts(old: Scorecard, new: Scorecard, confidence: float, *, paired: bool) -> Mapping[str, float | None]:
    return false_alert_change(
        old.false_alerts.groups, days(old), new.false_alerts.groups, days(new),
        old_hourly=old.false_alerts.hourly if paired else (), new_hourly=new.false_alerts.hourly if paired else (),
        confidence=confidence, seed=new.settings.seed)


def days(card: Scorecard) -> float:
    """How long the dataset's window is."""
    return (card.dataset.stop - card.dataset.start) / DAY


def _strata(pairs: Sequence[Pair], confidence: float) -> tuple[Mapping[str, object], ...]:
    """Playbook by playbook: what changed, its exact p and Holm's, worst first."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair[1].playbook].append(pair)
    names = sorted(groups)
    counts = [_changed(groups[name], caught) for name in names]
    adjusted = holm([mcnemar(len(b), len(c)) for b, c in counts])
    rows: list[tuple[float, str, Mapping[str, object]]] = []
    for name, (b, c), p in zip(names, counts, adjusted, strict=True):
        change = tango(len(b), len(c), len(groups[name]), confidence, continuity=HALF_A_PAIR)
        rows.append((p, name, {
            "stratum": f"playbook={name}", "n": len(groups[name]), "lost": len(b), "gained": len(c),
            "p": mcnemar(len(b), len(c)), "p_holm": p, "delta": change.value, "lower": change.lower,
            "upper": change.upper}))
    return tuple(row for *_, row in sorted(rows, key=lambda r: r[:2]))


def _listing(pairs: Sequence[Pair], new: Scorecard) -> tuple[Mapping[str, object], ...]:
    """Each rule and technique of which a campaign got lost or gained, with Benjamini and Hochberg's q; informational.

    The q values account for every rule and technique, listed or not.
    """
    about = {r.rule.rule_id: r.rule for r in new.rules}
    rules = sorted({rule for a, b in pairs for rule in (*a.rules, *b.rules)})
    techniques = sorted({s.technique for _, b in pairs for s in b.steps if s.technique})
    tests: list[tuple[str, str, Callable[[CampaignScore], bool]]] = [
        *(("rule", rule, lambda c, rule=rule: rule in c.rules) for rule in rules),
        *(("technique", t, lambda c, t=t: any(_seen(s, t) for s in c.steps)) for t in techniques)]
    counts = [_changed(pairs, hit) for _, _, hit in tests]
    adjusted = benjamini_hochberg([mcnemar(len(b), len(c)) for b, c in counts])
    rows: list[tuple[float, int, str, str, Mapping[str, object]]] = []
    for (kind, name, _), (b, c), q in zip(tests, counts, adjusted, strict=True):
        if not b and not c:
            continue
        rule = about.get(name) if kind == "rule" else None
        rows.append((q, -len(b), kind, name, {
            "kind": kind, "id": name, "title": rule.title if rule else "", "file": rule.file if rule else "",
            "lost": len(b), "gained": len(c), "p": mcnemar(len(b), len(c)), "q": q, "lost_campaigns": " ".join(b)}))
    return tuple(row for *_, row in sorted(rows, key=lambda r: r[:4]))


def _seen(step: StepScore, technique: str) -> bool:
    return step.detected and step.technique == technique


def _changed(pairs: Sequence[Pair], hit: Callable[[CampaignScore], bool]) -> tuple[list[str], list[str]]:
    """The campaigns that were hit before only, and those that are hit now only."""
    states = [(b.campaign_id, hit(a), hit(b)) for a, b in pairs]
    return [i for i, was, now in states if was and not now], [i for i, was, now in states if now and not was]


def _notes(old: Scorecard, new: Scorecard, lost: Sequence[Pair]) -> list[str]:
    notes = []
    blind = [b.campaign_id for _, b in lost if b.status in (NO_TELEMETRY, ERROR)]
    if blind:
        notes.append(f"{', '.join(blind)}: no telemetry or an error now, so their loss says nothing about the rules")
    ignored = ("attempt", "seed", "shifts", "bootstrap", "confidence")
    odd = [f for f in Settings.__dataclass_fields__
           if f not in ignored and getattr(old.settings, f) != getattr(new.settings, f)]
    if odd:
        notes.append(f"scored with other settings than before: {', '.join(odd)}")
    return notes


def _unpaired(old: Scorecard, new: Scorecard, margin: float, confidence: float) -> Regression:
    """The comparison of different datasets: independent proportions, no list of losses."""
    k1, n1 = sum(map(caught, old.campaigns)), len(old.campaigns)
    k2, n2 = sum(map(caught, new.campaigns)), len(new.campaigns)
    change = unpaired_change(k1, n1, k2, n2, confidence)
    table = [[k2, n2 - k2], [k1, n1 - k1]]
    p = float(stats.fisher_exact(table, alternative="less").pvalue) if n1 and n2 else None
    names = [card.dataset.digest or "no digest" for card in (old, new)]
    note = f"different datasets ({names[0]} before, {names[1]} now): unpaired, campaigns cannot be named"
    if len({c.weight for c in (*old.campaigns, *new.campaigns)}) > 1:
        note += "; campaigns counted alike, whatever their weights"
    if p is not None:
        note += f"; Fisher's exact one-sided p {p:.3g}"
    return Regression(
        paired=False, lost=(), gained=(), n=n1 + n2, mcnemar_p=None, delta=change,
        verdict=verdict(change, p, n1 + n2, margin, 1 - confidence), old_recall=old.recall, new_recall=new.recall,
        false_alerts=_false_alerts(old, new, confidence, paired=False),
        time_to_detect=time_change(times(old.campaigns, old.settings.horizon_seconds),
                                   times(new.campaigns, new.settings.horizon_seconds), paired=False),
        note="; ".join([note, *_notes(old, new, ())]))
