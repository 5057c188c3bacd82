"""The scorecard as GitHub-flavored Markdown: a step summary, a comment on a pull request, a page in a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from redgen.evidence import facts, words
from redgen.scorecard import FAILED, INCONCLUSIVE, PASSED, CampaignScore, Estimate, Scorecard

SIGNS = {PASSED: "✅", FAILED: "❌", INCONCLUSIVE: "❔", facts.BROKEN_RUN: "💥", facts.NO_GATES: "➖"}

_MOST = 50
"""Rows a table may have; a step summary is cut at 1 MiB and nobody reads further."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!@$&])")


def render(card: Scorecard) -> str:
    """The whole page; names are escaped, long tables are cut with a note."""
    told = facts.verdict(card)
    parts = [f"## {SIGNS[told.status]} {text(facts.title_of(card))}: {told.status}", told.sentence, _figures(card)]
    if note := words.few(card.recall.n, card.settings.confidence):
        parts.append(f"> {note}")
    for section in (_gates, _regression, _missed, _recalls, _false_alerts, _untested, _notes):
        parts += section(card)
    return "\n\n".join(part for part in parts if part) + "\n"


def text(name: str) -> str:
    r"""A name that Markdown and HTML take literally.

    >>> text("a|b <i> C_1")
    'a\\|b \\<i\\> C\\_1'
    """
    return _SPECIAL.sub(r"\\\1", words.clean(name))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; rows beyond the limit are counted, not shown."""
    kept = list(rows)
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(" --- " for _ in head) + "|",
             *("| " + " | ".join(row) + " |" for row in kept[:_MOST])]
    more = [f"\n… and {len(kept) - _MOST:,} more rows."] if len(kept) > _MOST else []
    return "\n".join([*lines, *more])


def _figures(card: Scorecard) -> str:
    found = card.time_to_detect
    beyond = f"not within {words.seconds(found.horizon_seconds)}"
    median = words.seconds(found.median_seconds) if found.median_seconds is not None else beyond
    luck = f"{words.percent(card.chance.adjusted)} (blind luck would match {words.percent(card.chance.recall)})"
    rows = [("Campaigns detected", words.share_in_words(card.recall)),
            ("… corrected for chance", luck if card.chance.shifts else words.NOTHING),
            ("Detected before the damage", words.share_in_words(found.before_impact)),
            ("Time until half are detected", median if found.n else words.NOTHING),
            ("False alerts", words.rate_in_words(card.false_alerts.per_day)),
            ("Alert groups that were real", words.share_in_words(card.precision))]
    return table(("What", "Found"), rows)


def _gates(card: Scorecard) -> Iterator[str]:
    if card.gates:
        yield "### Gates"
        yield table(("", "Gate", "Outcome"), (
            (f"{SIGNS.get(g.status, '')} {g.status}", text(g.gate_id),
             text(g.message + facts.unsaid(g, 8)
                  + (f" (allowed: {', '.join(g.allowed)})" if g.allowed else ""))) for g in card.gates))


def _regression(card: Scorecard) -> Iterator[str]:
    r = card.regression
    if r is None:
        return
    yield "### Against the older run"
    yield (f"Recall {words.percent(r.old_recall.value)} → {words.percent(r.new_recall.value)} over "
           f"{words.plural(r.n, 'campaign')} ({'paired' if r.paired else 'another dataset, so unpaired'}): "
           f"lost {len(r.lost)}, gained {len(r.gained)}. No worse in general: **{r.verdict}**"
           + (f" (p of a loss {words.number(r.mcnemar_p)})." if r.mcnemar_p is not None else "."))
    if r.lost:
        yield table(("Lost campaign", "Playbook", "Rules that saw it", "Files"), (
            (text(c.campaign_id), text(c.playbook), text(", ".join(c.rules)), text(", ".join(c.files)))
            for c in r.lost))
    if r.note:
        yield text(r.note)


def _missed(card: Scorecard) -> Iterator[str]:
    found = facts.uncaught(card)
    if found:
        yield f"### Not detected: {words.plural(len(found), 'campaign')}"
        yield table(("Campaign", "Playbook", "Outcome", "Nearest miss"),
                    ((text(c.campaign_id), text(c.playbook), words.STATUS_WORDS.get(c.status, text(c.status)), _near(c))
                     for c in found))


def _near(c: CampaignScore) -> str:
    if c.near is None:
        return f"seen by {text(', '.join(c.rules[:3]))}" if c.rules else words.NOTHING
    return (f"{text(c.near.rule_name or c.near.rule_id)}: {words.percent(c.near.share)} of its conditions held, "
            f"failed: {text(c.near.failed)}")


def _recalls(card: Scorecard) -> Iterator[str]:
    rows: list[tuple[str, ...]] = []
    for what in ("family", "playbook", "technique"):
        found: list[tuple[str, Estimate]] = sorted(card.recall_by.get(what, {}).items())
        rows += [(what, text(name), words.counted(e), words.percent(e.value), words.bounds(e)) for name, e in found]
    if rows:
        yield "### Recall"
        yield table(("By", "Name", "Detected", "Recall", "Interval"), rows)


def _false_alerts(card: Scorecard) -> Iterator[str]:
    costly = facts.costly(card)
    if not costly:
        return
    yield "### False alerts"
    yield "Caused by " + ", ".join(f"{text(c.name)} {words.percent(c.share)}" for c in facts.causes(card)[:8]) + "."
    yield table(("Rule", "False alerts", "Campaigns caught", "… by it alone"),
                ((text(facts.name_of(r)), words.rate_in_words(r.false_per_day), str(len(r.campaigns)),
                  str(len(r.unique))) for r in costly))


def _untested(card: Scorecard) -> Iterator[str]:
    groups = facts.untested(card)
    if groups:
        yield f"### Rules not tested: {sum(len(rules) for rules in groups.values())} of {len(card.rules)}"
        yield table(("Rule", "Why", "Reason"), ((text(facts.name_of(r)), text(status), text(r.rule.reason))
                                                for status, rules in groups.items() for r in rules))


def _notes(card: Scorecard) -> Iterator[str]:
    lines = [f"- **error** {text(f)}" for f in card.failed]
    lines += [f"- **{text(d.level)}** {text(d.code)}: {text(d.message)}" + (f" ({d.count:,}×)" if d.count > 1 else "")
              for d in card.diagnostics]
    if lines:
        yield "### Worth knowing"
        yield "\n".join(lines[:_MOST])
    if card.dataset.digest:
        yield f"<sub>Dataset {text(card.dataset.digest)}</sub>"
