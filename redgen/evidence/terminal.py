"""The scorecard on one screen of a terminal, readable without color and at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from redgen.evidence import facts, words
from redgen.scorecard import (
    CAUGHT,
    FAILED,
    INCONCLUSIVE,
    LATE,
    PASSED,
    CampaignScore,
    Estimate,
    Scorecard,
    together,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

STYLES = {PASSED: "green", FAILED: "bold red", INCONCLUSIVE: "yellow", facts.BROKEN_RUN: "bold red",
          facts.NO_GATES: "bold"}
SIGNS = {PASSED: "✓", FAILED: "✗", INCONCLUSIVE: "?"}
"""Told apart without color."""

_ROWS = {"family": 4, "playbook": 6, "technique": 5}
"""How many lines each of these may take; the lowest recalls are shown."""

_MISSES, _CAUSES, _RULES, _NOTES = 6, 4, 4, 4


def render(card: Scorecard, width: int = 100, color: bool = True) -> str:
    """The screen as text of ``width`` columns, with ANSI colors or without."""
    return _printed(_parts(card, width), width, color)


def comparison(card: Scorecard, width: int = 100, color: bool = True) -> str:
    """What changed against the older run, alone; ``card`` has a regression."""
    return _printed((part for parts in (_regression(card), _changes(card)) for part in parts), width, color)


def _printed(parts: Iterable[RenderableType], width: int, color: bool) -> str:
    from rich.console import Console

    out = StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="256" if color else None,
                      highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={})
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _changes(card: Scorecard) -> Iterator[RenderableType]:
    r = card.regression
    if r is None:
        return
    if r.gained:
        yield _text("  ", ("gained", "green"), f" {', '.join(r.gained[:20])}{' …' if len(r.gained) > 20 else ''}")
    was, now = r.false_alerts.get("old_per_day"), r.false_alerts.get("new_per_day")
    if was is not None or now is not None:
        yield _text(("False alerts", "bold"), f"  {words.number(was)} → {words.number(now)} a day",
                    _tested(r.false_alerts.get("p"), "that they grew"))
    was, now = (r.time_to_detect.get(f"{when}_median_seconds") for when in ("old", "new"))
    if was is not None or now is not None:
        yield _text(("Half of all campaigns detected", "bold"), f"  after {_after(was)} → {_after(now)}",
                    _tested(r.time_to_detect.get("wilcoxon_p"), "that it got slower"))


def _after(seconds: float | None) -> str:
    return "never" if seconds is None else words.seconds(seconds)


def _tested(p: float | None, what: str) -> str:
    return "" if p is None else f" (p {words.number(p)} {what})"


def _parts(card: Scorecard, width: int) -> Iterator[RenderableType]:
    yield _title(card)
    yield from _headline(card)
    if card.campaigns:
        yield from _recalls(card, width)
        yield from _missed(card)
    yield from _false_alerts(card)
    yield from _untested(card)
    yield from _gates(card)
    yield from _regression(card)
    yield from _diagnostics(card)


def _text(*pieces: str | tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*((words.clean(p), "") if isinstance(p, str) else (words.clean(p[0]), p[1]) for p in pieces))


def _grid(rows: Iterable[Sequence[RenderableType]], ratio: int = -1) -> RenderableType:
    """Rows in columns; the column ``ratio`` takes the room that is left and wraps."""
    from rich.table import Table

    kept = list(rows)
    table = Table.grid(padding=(0, 2, 0, 0), expand=ratio >= 0)
    for i in range(len(kept[0]) if kept else 0):
        table.add_column(ratio=1 if i == ratio else None, overflow="fold" if i == ratio else "ellipsis",
                         no_wrap=i != ratio)
    for row in kept:
        table.add_row(*row)
    return table


def _head(name: str, note: str = "") -> Text:
    return _text("\n", (name, "bold"), *((("  " + note, "dim"),) if note else ()))[1:]


def _title(card: Scorecard) -> RenderableType:
    lines = sum(card.dataset.lines.values())
    days = (card.dataset.stop - card.dataset.start) / 86_400e6
    facts_of = (f" · {words.plural(len(card.campaigns), 'campaign')} in {lines:,} log lines over "
                f"{words.number(days)} {'day' if days == 1 else 'days'}")
    return _text((facts.title_of(card), "bold"), (facts_of, "dim"))


def _headline(card: Scorecard) -> Iterator[RenderableType]:
    told, found = facts.verdict(card), card.time_to_detect
    rows: list[tuple[Text, Text]] = [
        (_text("Verdict"), _text((told.status.upper(), STYLES.get(told.status, "")), "  ", told.sentence)),
        *_recall(card)]
    if card.campaigns:
        rows.append((_text("By luck"), _chance(card)))
    if found.before_impact.n:
        rows.append((_text("In time"), _text(
            (words.percent(found.before_impact.value), "bold"), "  before the damage was done ",
            ("(" + _basis(found.before_impact) + ")", "dim"))))
    if found.n:
        rows.append((_text("Speed"), _speed(card)))
    rows.append((_text("False alerts"), _text((words.rate_in_words(card.false_alerts.per_day), "bold"),
                                              ("  a rule's repeats on one entity count once", "dim"))))
    if card.precision.n:
        rows.append((_text("Precision"), _text(
            (words.percent(card.precision.value), "bold"), "  of alert groups were real ",
            ("(" + _basis(card.precision) + ")", "dim"))))
    yield _grid(rows, ratio=1)


def _recall(card: Scorecard) -> Iterator[tuple[Text, Text]]:
    if card.recall.n:
        yield _text("Recall"), _text((words.percent(card.recall.value), "bold"), "  of attack campaigns were detected ",
                                     ("(" + _basis(card.recall) + ")", "dim"))
    if note := words.few(card.recall.n, card.settings.confidence):
        yield _text("" if card.recall.n else "Recall"), _text((note, "yellow"))


def _basis(estimate: Estimate) -> str:
    if estimate.value is None:
        return "nothing to count"
    return f"{words.counted(estimate)}; {words.percent(estimate.confidence)} interval {words.bounds(estimate)}"


def _chance(card: Scorecard) -> Text:
    chance = card.chance
    if not chance.shifts:
        return _text(chance.note or "not measured")
    told = (f"{words.percent(chance.recall)}  would be matched by blind luck; "
            f"corrected for it, recall is {words.percent(chance.adjusted)}")
    warn = (" – too much luck for a gate on recall", "bold red") if chance.refused else ("", "")
    return _text(told, warn)


def _speed(card: Scorecard) -> Text:
    found = card.time_to_detect
    beyond = "not within " + words.seconds(found.horizon_seconds)
    median = words.seconds(found.median_seconds) if found.median_seconds is not None else beyond
    p90 = words.seconds(found.p90_seconds) if found.p90_seconds is not None else beyond
    return _text((median, "bold"), "  until half of all campaigns are detected; nine in ten: ", (p90, "bold"))


def _recalls(card: Scorecard, width: int) -> Iterator[RenderableType]:
    bar = 15 if width < 100 else 41
    rows: list[tuple[Text, ...]] = [(_head("Recall"), _text(("  caught", "dim")), _text(("recall", "dim")),
                                     _text(("interval", "dim")), _scale(bar))]
    for what, most in _ROWS.items():
        found = sorted(card.recall_by.get(what, {}).items(),
                       key=lambda item: (2.0 if item[1].value is None else item[1].value, item[0]))
        for i, (name, estimate) in enumerate(found[:most]):
            label = f"{what:<10}" if i == 0 else " " * 10
            rows.append((_text((label, "dim"), name), _text(f"{words.counted(estimate):>8}"),
                         _text((f"{words.percent(estimate.value):>6}", "bold")),
                         _text(f"{words.bounds(estimate):>8}"), _plot(estimate, bar)))
        if len(found) > most:
            rows.append((_text((" " * 10 + f"and {len(found) - most} with a higher recall", "dim")),))
    yield _text("")
    yield _columns(rows, width, bar)


def _columns(rows: Sequence[Sequence[Text]], width: int, bar: int) -> RenderableType:
    """The recall table: the names give way when the screen is narrow."""
    from rich.table import Table

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width - bar - 26, 20), min_width=24)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, width=bar)
    for row in rows:
        table.add_row(*row)
    return table


def _scale(bar: int) -> Text:
    half = bar // 2
    return _text(("0" + " " * (half - 2) + "50" + " " * (bar - half - 5) + "100%", "dim"))


def _plot(estimate: Estimate, bar: int) -> Text:
    """The interval as a line from 0 to 100% with a dot at the value."""
    if estimate.value is None:
        return _text(("no campaigns", "dim"))
    at = round(estimate.value * (bar - 1))
    low = at if estimate.lower is None else min(round(estimate.lower * (bar - 1)), at)
    high = at if estimate.upper is None else max(round(estimate.upper * (bar - 1)), at)
    cells = ["·"] * bar
    for i in range(low, high + 1):
        cells[i] = "─"
    cells[at] = "●"
    style = "green" if estimate.value >= 0.9 else "yellow" if estimate.value >= 0.5 else "red"
    return _text(("".join(cells[:low]), "dim"), ("".join(cells[low:high + 1]), style),
                 ("".join(cells[high + 1:]), "dim"))


def _missed(card: Scorecard) -> Iterator[RenderableType]:
    found, gone = facts.uncaught(card), facts.lost(card)
    late = [c for c in card.campaigns if c.status == LATE]
    caught = sum(c.status in CAUGHT for c in card.campaigns)
    yield _text("")
    if not found:
        yield _text(("Missed", "bold"), f"  none of {words.plural(caught, 'campaign')}",
                    f"; {len(late)} detected only after the damage: {_ids(late)}" if late else "")
        return
    yield _text(("Missed", "bold"), f"  {words.plural(len(found), 'campaign')} not detected",
                f", {len(late)} detected only after the damage ({_ids(late)})" if late else "")
    rows = []
    for c in found[:_MISSES]:
        new = ("lost since the older run", "bold red") if c.campaign_id in gone else ("", "")
        rows.append((_text("  ", (c.campaign_id, "bold")),
                     _text(c.playbook, " – ", (words.STATUS_WORDS.get(c.status, c.status), "red"),
                           "; " if new[0] else "", new, *_near(c))))
    yield _grid(rows, ratio=1)
    if len(found) > _MISSES:
        yield _text((f"  and {len(found) - _MISSES} more; the HTML report and campaigns.csv list them", "dim"))


def _near(c: CampaignScore) -> tuple[str | tuple[str, str], ...]:
    if c.near is None:
        return ("; seen by " + ", ".join(c.rules[:3]),) if c.rules else ("",)
    held = f"{words.percent(c.near.share)} of its conditions held"
    return f"; nearest: {c.near.rule_name or c.near.rule_id} ({held}), failed: ", (c.near.failed, "italic")


def _ids(campaigns: Sequence[CampaignScore]) -> str:
    shown = ", ".join(c.campaign_id for c in campaigns[:5])
    return shown + (f" and {len(campaigns) - 5} more" if len(campaigns) > 5 else "")


def _false_alerts(card: Scorecard) -> Iterator[RenderableType]:
    false, found = card.false_alerts, facts.causes(card)
    if not false.groups:
        return
    shown = [f"{c.name} {words.percent(c.share)}{' (benign look-alike)' if c.look_alike else ''}"
             for c in found[:_CAUSES]]
    more = f", {len(found) - _CAUSES} more causes" if len(found) > _CAUSES else ""
    yield _text("")
    yield _text(("False alerts", "bold"), f"  {words.plural(false.groups, 'group')}, caused by: ", ", ".join(shown),
                more)
    rows = [(_text("  ", facts.name_of(r)), _text(f"{words.number(r.false_per_day.value)} a day"),
             _text(f"caught {words.plural(len(r.campaigns), 'campaign')}, {len(r.unique)} that no other rule caught"
                   if r.campaigns else "caught no campaign"))
            for r in facts.costly(card)[:_RULES]]
    yield _grid(rows, ratio=2)
    if len(facts.costly(card)) > _RULES:
        yield _text((f"  and {len(facts.costly(card)) - _RULES} rules with fewer", "dim"))


def _untested(card: Scorecard) -> Iterator[RenderableType]:
    groups = facts.untested(card)
    tested = len(card.rules) - sum(len(rules) for rules in groups.values())
    if not card.rules:
        return
    yield _text("")
    silent = sum(r.silent for r in card.rules)
    head = f"  {tested:,} tested" + (f", {silent:,} of them never fired" if silent else "")
    if not groups:
        yield _text(("Rules", "bold"), head, ", none left out")
        return
    yield _text(("Rules", "bold"), head + "; ", (f"{len(card.rules) - tested:,} not tested:", "yellow"))
    yield _grid([(_text("  ", status), _text(f"{len(rules):,}"),
                  _text(_which([facts.name_of(r) for r in rules]), " – ", facts.UNTESTED_WORDS.get(status, "")))
                 for status, rules in groups.items()], ratio=2)


def _which(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _gates(card: Scorecard) -> Iterator[RenderableType]:
    if not card.gates:
        return
    order = {FAILED: 0, INCONCLUSIVE: 1}
    gates = sorted(card.gates, key=lambda g: order.get(g.status, 2))
    yield _text("")
    yield _head("Gates")
    yield _grid([(_text("  ", (f"{SIGNS.get(g.status, ' ')} {g.status}", STYLES.get(g.status, ""))), _text(g.gate_id),
                  _text(g.message, facts.unsaid(g, 4),
                        f"; allowed: {', '.join(g.allowed)}" if g.allowed else ""))
                 for g in gates], ratio=2)


def _regression(card: Scorecard) -> Iterator[RenderableType]:
    r = card.regression
    if r is None:
        return
    yield _text("")
    yield _text(("Against the older run", "bold"),
                f"  {'the same dataset' if r.paired else 'another dataset, so unpaired'}; "
                f"lost {len(r.lost)}, gained {len(r.gained)} of {r.n:,}; recall {words.percent(r.old_recall.value)} → "
                f"{words.percent(r.new_recall.value)}; no worse in general: ",
                (r.verdict, STYLES.get(r.verdict, "")), f" (p of a loss {words.number(r.mcnemar_p)})"
                if r.mcnemar_p is not None else "")
    groups = list(together(r.lost).items())
    for (rules, files), ids in groups[:_MISSES]:
        yield _text("  ", (f"lost {', '.join(ids)}", "bold red"), f"; seen before by {', '.join(rules)}"
                    + (f" in {', '.join(files)}" if files else ""))
    if len(groups) > _MISSES:
        yield _text((f"  and {sum(len(ids) for _, ids in groups[_MISSES:])} more lost", "dim"))
    if r.note:
        yield _text("  ", r.note)


def _diagnostics(card: Scorecard) -> Iterator[RenderableType]:
    failed = [(_text("  ", ("error", "bold red")), _text(f)) for f in card.failed]
    notes = [(_text("  ", (d.level, "bold red" if d.level == "error" else "yellow" if d.level == "warning" else "dim")),
              _text(f"{d.code}: {d.message}", f" ({d.count:,}×)" if d.count > 1 else ""))
             for d in sorted(card.diagnostics, key=lambda d: {"error": 0, "warning": 1}.get(d.level, 2))]
    if not failed and not notes:
        return
    yield _text("")
    yield _head("Worth knowing")
    yield _grid([*failed, *notes[:_NOTES]], ratio=1)
    if len(notes) > _NOTES:
        yield _text((f"  and {len(notes) - _NOTES} more in the JSON", "dim"))
