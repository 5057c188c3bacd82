"""The scorecard as one HTML file that needs no network: figures, charts, timelines, graphs, tables and a filter.

Its scripts are inside, and its content security policy allows those alone, by their digests: no name in the data can
become code, and nothing can be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redgen.evidence import facts, graphs, page, words
from redgen.evidence.graphs import Edge
from redgen.scorecard import Scorecard
from redgen.version import VERSION

if TYPE_CHECKING:
    from markupsafe import Markup


def render(card: Scorecard, playbooks: Mapping[str, Sequence[Edge]] | None = None) -> bytes:
    """The page as UTF-8. ``playbooks``: the transitions of each playbook; without them, those that campaigns walked."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                              keep_trailing_newline=True)
    environment.globals.update(words=words, version=VERSION)
    template = environment.from_string(_file("report.html.j2"))
    scripts = [_library(), _file("report.js")]
    return template.render(
        card=card, title=facts.title_of(card), verdict=facts.verdict(card), scripts=[_literal(s) for s in scripts],
        digests=" ".join(f"'sha256-{_digest(s)}'" for s in scripts), style=_literal(_file("report.css")),
        data=_json(data(card)), drawings=graphs.drawings(card, playbooks)[:page.MOST_NAMES], causes=facts.causes(card),
        few=words.few(card.recall.n, card.settings.confidence), tiles=page.tiles(card), cut=page.cut(card),
        campaigns=page.campaigns(card), rules=page.rules(card), untested=page.untested(card),
        untested_count=sum(len(found) for found in facts.untested(card).values()),
        recalls={by: page.recalls(card, by) for by in page.RECALLS},
        burden=page.burden(card), curve=page.survival(card)[0], hours=page.hours(card),
    ).encode("utf-8", "replace")


def data(card: Scorecard) -> dict[str, Any]:
    """What the script of the page works with: charts, and of charts that can be filtered their rows and heights."""
    from redgen.evidence import charts

    lines = page.timelines(card)
    return {"charts": specs(card),
            "rows": {"timeline": page.mixed(card), "burden": [row["id"] for row in page.burden(card)]},
            "steps": {"timeline": charts.TALL, "burden": charts.STEP}, "reach": page.reach(lines)}


def specs(card: Scorecard) -> dict[str, dict[str, Any]]:
    """The charts that there is something to show for, by the id of their place on the page."""
    from redgen.evidence import charts

    curve, median = page.survival(card)
    burden, hours = page.burden(card), page.hours(card)
    found: dict[str, dict[str, Any]] = {}
    for by in page.RECALLS:
        if rows := page.recalls(card, by):
            found[f"recall-{by}"] = charts.recall(f"recall-{by}", rows, f"Recall by {by}, with intervals")
    if card.campaigns:
        lines = page.timelines(card)
        found["timeline"] = charts.timeline("timeline", lines, "Campaigns as rows, steps as bars, alerts as marks")
    if burden:
        found["burden"] = charts.burden("burden", burden, page.most(burden), "False alert groups a day by rule")
    if any(row["count"] for row in hours):
        found["hours"] = charts.hours("hours", hours, "False alert groups by hour")
    if curve:
        found["survival"] = charts.survival("survival", curve, median, "Share of campaigns not yet detected over time")
    return found


def _file(name: str) -> str:
    return (files("redgen.evidence") / "templates" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed (BSD-3-Clause) as one script, in the version that Altair writes for."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _literal(text: str) -> Markup:
    """Our own scripts and styles, which are not escaped; never anything from a scorecard."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _json(value: object) -> Markup:
    """Data for a script element: no character in it can end the element or begin markup."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return _literal(text)
