"""The charts of the HTML report as Vega-Lite specifications: recall, timelines, burden of rules, time to detect.

Colors are parameters (``ink``, ``good``, …) that the page sets from its style sheet, so charts follow dark mode. Names
of rows stand above their bars: a phone has no room beside them. ``shown`` is the filter: null, or the names to keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

Rows = Sequence[Mapping[str, object]]

COLORS = ("ink", "soft", "line", "accent", "good", "bad", "warn", "quiet")
"""Custom properties of the style sheet that charts take their colors from."""

STEP, TALL = 40, 50
"""Height of a row of names and bars, and of one of the timeline, in pixels."""

_KEEP = "shown === null || indexof(shown, datum.id) >= 0"
_SECONDS = ("datum.value == 0 ? '0' : datum.value < 60 ? datum.value + ' s' : "
            "datum.value < 3600 ? datum.value / 60 + ' min' : "
            "datum.value < 86400 ? datum.value / 3600 + ' h' : datum.value / 86400 + ' d'")
"""Axis labels for seconds, as a Vega expression."""


def recall(name: str, rows: Rows, about: str) -> dict[str, Any]:
    """Recall with its interval. Rows: id, label, told, value, lower, upper, told as text, ``few``: 1 when n < 5."""
    import altair as alt

    x = alt.X("lower:Q").scale(domain=[0, 1]).axis(format="%", tickCount=5, title=None, orient="top")
    base = _base(name).encode(y=_row())
    tips = _tips(label="Name", told="Recall")
    return _whole(alt.layer(
        base.mark_rule(strokeWidth=5, opacity=0.35, strokeCap="round", color=_color("accent"), yOffset=8).encode(
            x=x, x2="upper:Q", tooltip=tips),
        base.mark_point(filled=True, size=90, opacity=1, color=_color("accent"), yOffset=8).encode(
            x="value:Q", tooltip=tips),
        _names(base, "label"), _names(base, "told", right=True)), name, about, {name: rows}, rows=len(rows))


def timeline(name: str, data: Mapping[str, Rows], about: str) -> dict[str, Any]:
    """Campaigns as rows: steps as bars, alerts as marks, onset and impact. ``mode``: share of the campaign, or hours.

    The page sets ``reach``, where the axis ends, to what the rows shown need.

    ``data``: campaigns (id, label, status), steps (a, b in shares; ha, hb in hours), alerts and moments (a; ha).
    """
    import altair as alt

    labels = ("mode == 'share' ? format(datum.value, '.0%') : reach < 2 ? format(datum.value * 60, '~r') + ' min' : "
              "reach < 72 ? format(datum.value, '~r') + ' h' : format(datum.value / 24, '.2~r') + ' d'")
    domain: list[Any] = [0, alt.ExprRef("reach")]
    x = alt.X("from:Q").axis(title=None, orient="top", tickCount=5, labelExpr=labels).scale(nice=False, domain=domain)
    rows, steps, alerts, moments = (_base(k).transform_calculate(
        **{"from": "mode == 'share' ? datum.a : datum.ha", "to": "mode == 'share' ? datum.b : datum.hb"}).encode(
            y=_row())
        for k in ("campaigns", "steps", "alerts", "moments"))
    bar = steps.mark_bar(height=13, cornerRadius=3, yOffset=9, stroke=_color("ink"), strokeWidth=0.6)
    seen = alt.Color("seen:N").scale(domain=["yes", "no"], range=[_color("accent"), _color("quiet")]).legend(None)
    kind = alt.Color("kind:N").scale(domain=["detected", "impact"], range=[_color("good"), _color("bad")]).legend(None)
    return _whole(alt.layer(
        bar.encode(x=x, x2="to:Q", color=seen, opacity=alt.value(0.8),
                   tooltip=_tips(step="Step", technique="Technique", when="When", lines="Log lines", rules="Seen by")),
        moments.mark_tick(thickness=3, height=25, yOffset=9).encode(
            x="from:Q", color=kind, tooltip=_tips(word="What", when="When")),
        alerts.mark_point(filled=True, shape="triangle-down", size=75, opacity=1, yOffset=-1, color=_color("warn"),
                          stroke=_color("ink"), strokeWidth=0.7).encode(
            x="from:Q", tooltip=_tips(rule="Alert by", step="On step", when="When", count="Alerts", level="Match by")),
        _names(rows, "label"), _names(rows, "status", right=True, bold=True)).resolve_scale(color="independent"),
        name, about, data, rows=len(data["campaigns"]), step=TALL,
        params=[alt.param(name="mode", value="share"), alt.param(name="reach", value=1)])


def burden(name: str, rows: Rows, most: float, about: str) -> dict[str, Any]:
    """False alerts per day and rule. Rows: id, label, told, value, lower, upper; ``most``: where the axis ends."""
    import altair as alt

    base = _base(name).encode(y=_row())
    tips = _tips(label="Rule", told="Burden", caught="Catches", kinds="Look-alikes")
    x = alt.X("value:Q").axis(title="false alert groups a day", orient="top", tickCount=4).scale(
        domain=[0, most or 1.0])
    return _whole(alt.layer(
        base.mark_bar(height=9, cornerRadius=3, yOffset=9, color=_color("bad"), opacity=0.75).encode(x=x, tooltip=tips),
        base.mark_rule(strokeWidth=1.5, yOffset=9, color=_color("ink")).encode(x="lower:Q", x2="upper:Q", tooltip=tips),
        _names(base, "label"), _names(base, "told", right=True)), name, about, {name: rows}, rows=len(rows))


def survival(name: str, rows: Rows, marks: Rows, about: str) -> dict[str, Any]:
    """Share of campaigns not yet detected over time since onset, on a scale that widens the first minutes."""
    import altair as alt

    ticks = [0, 60, 300, 900, 3600, 14_400, 86_400, 604_800]
    x = alt.X("seconds:Q").axis(title="time since the first log line of the attack", values=ticks, labelExpr=_SECONDS,
                                labelOverlap=True).scale(type="symlog", constant=60, domainMin=0, nice=False)
    y = alt.Y("share:Q").axis(format="%", title="not yet detected", tickCount=5).scale(domain=[0, 1])
    base, lines = alt.Chart(alt.NamedData(name)), alt.Chart(alt.NamedData("marks"))
    tips = _tips(when="After", told="Not yet detected")
    return _whole(alt.layer(
        base.mark_area(interpolate="step-after", opacity=0.14, color=_color("accent")).encode(x=x, y=y),
        base.mark_line(interpolate="step-after", strokeWidth=2.5, color=_color("accent")).encode(x=x, y=y),
        base.mark_point(filled=True, size=36 if len(rows) <= 40 else 8, opacity=1, color=_color("accent")).encode(
            x=x, y=y, tooltip=tips),
        lines.mark_rule(strokeDash=[4, 3], color=_color("soft")).encode(x=x),
        lines.mark_text(align="left", dx=5, dy=8, baseline="top", color=_color("ink")).encode(
            x=x, y=alt.value(0), text="label:N")), name, about, {name: rows, "marks": marks}, height=240)


def hours(name: str, rows: Rows, about: str) -> dict[str, Any]:
    """False alert groups by hour of the window, so that bursts show. Rows: from, to (hours), count, when."""
    import altair as alt

    base = alt.Chart(alt.NamedData(name))
    return _whole(alt.layer(base.mark_bar(color=_color("bad"), opacity=0.75, binSpacing=1).encode(
        x=alt.X("from:Q").axis(title="hours since the start", tickCount=6).scale(nice=False), x2="to:Q",
        y2=alt.Y2Datum(0), y=alt.Y("count:Q").axis(title="false alert groups", tickCount=4,
                                labelExpr="datum.value % 1 ? '' : datum.label"),
        tooltip=_tips(when="From", count="False alert groups"))), name, about, {name: rows}, height=150)


def _color(name: str) -> alt.ExprRef:
    import altair as alt

    return alt.ExprRef(name)


def _base(name: str) -> alt.Chart:
    import altair as alt

    return alt.Chart(alt.NamedData(name)).transform_filter(_KEEP)


def _row() -> alt.Y:
    import altair as alt

    return alt.Y("id:N").sort(None).axis(None).scale(paddingInner=0, paddingOuter=0.25)


def _tips(**fields: str) -> list[alt.Tooltip]:
    import altair as alt

    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]


def _names(base: alt.Chart, field: str, right: bool = False, bold: bool = False) -> alt.Chart:
    """Text above the row: the name from the left edge, or what is told of it up to the right edge."""
    import altair as alt

    told: alt.Chart = base.mark_text(align="right" if right else "left", baseline="middle", dy=-13, fontSize=12,
                          limit=alt.ExprRef("width * 0.46" if right else "width * 0.52"),
                          fontWeight="bold" if bold else "normal", color=_color("soft" if right else "ink"))
    return told.encode(x=alt.value("width") if right else alt.value(0), text=f"{field}:N")


def _whole(chart: alt.LayerChart | alt.FacetChart, name: str, about: str, data: Mapping[str, Rows],
           rows: int = 0, step: int = STEP, height: int = 0, params: Sequence[alt.Parameter] = ()) -> dict[str, Any]:
    """The finished specification: as wide as the page allows, with the color parameters and the filter.

    The rows are put in at the end, so that Altair checks the chart and not thousands of them.
    """
    import altair as alt

    fit = alt.AutoSizeParams(type="fit" if height else "fit-x", contains="padding")
    made = chart.properties(name=name.replace("-", "_"), description=about, width="container",
                            height=height or (rows + 0.5) * step, autosize=fit).add_params(
        *(alt.param(name=color, value="#777777") for color in COLORS), alt.param(name="shown", value=None), *params)
    spec: dict[str, Any] = made.to_dict()
    spec.pop("config", None)
    return {**spec, "datasets": {key: list(found) for key, found in data.items()}}
