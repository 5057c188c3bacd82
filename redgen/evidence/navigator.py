"""Recall per technique as a layer for MITRE ATT&CK Navigator, layer format 4.5.

The score is 100 times the lower bound of the recall: what is certain, not what was seen. Grey: fewer than five steps.
The format: https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerv4.5.md
"""

from __future__ import annotations

import json
import re

from redgen.evidence import facts, words
from redgen.scorecard import Estimate, Scorecard

ENOUGH = 5
"""With fewer steps of a technique a color would say more than is known."""

GREY = "#bdbdbd"
COLORS = ("#f8696b", "#ffeb84", "#63be7b")

_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


def render(card: Scorecard) -> bytes:
    """The layer as JSON; techniques that are not ATT&CK ids are left out."""
    found = sorted((name, e) for name, e in card.recall_by.get("technique", {}).items() if _TECHNIQUE.fullmatch(name))
    layer = {
        "name": f"redgen: {facts.title_of(card)}",
        "versions": {"attack": "17", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"Score: 100 x lower bound ({words.percent(card.settings.confidence)} interval) of the share of "
                       f"steps detected; comment: detected of all.",
        "filters": {"platforms": []},
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "showAggregateScores": False},
        "hideDisabled": False,
        "techniques": [_technique(name, e) for name, e in found],
        "gradient": {"colors": list(COLORS), "minValue": 0, "maxValue": 100},
        "legendItems": [{"label": f"fewer than {ENOUGH} steps: not enough to say", "color": GREY}],
        "metadata": [{"name": "campaigns", "value": str(len(card.campaigns))},
                     {"name": "dataset", "value": words.clean(card.dataset.digest) or "unknown"}],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }
    return json.dumps(layer, ensure_ascii=False, indent=2).encode() + b"\n"


def _technique(name: str, e: Estimate) -> dict[str, object]:
    known = {"techniqueID": name, "score": round(100 * (e.lower or 0.0), 1), "comment": f"{words.number(e.k, 9)}/{e.n}",
             "enabled": True, "showSubtechniques": "." in name,
             "metadata": [{"name": "recall", "value": words.share_in_words(e)}]}
    return known | ({"color": GREY} if e.n < ENOUGH else {})
