"""Alerts, gates and a rule that are good as they stand, for tests of what happens when something is not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import redgen as library
from redgen.assess.rulepack import rules_folder
from tests.holds.command import card, redgen, tree

Alerts = list[dict[str, Any]]
EVE = '{"event_type":"alert","timestamp":"2026-03-02T00:00:00Z","alert":{"signature_id":1,"signature":"x"}}\n'
RECALL = "- {id: recall, metric: campaign_recall, bound: lower, min: 0.2}\n"
GATES = f"version: 1\ngates:\n{RECALL}- {{id: fp, metric: fp_groups_per_day, bound: upper, max: 500}}\n"
PUSH = """\
title: Push sent
id: 0b8a3fd2-7d5c-4c1e-9a55-1f6a3f0c0201
logsource: {product: okta}
detection: {selection: {eventType: system.push.send_factor_verify_push}, condition: selection}
"""


def lines(found: list[dict[str, Any]]) -> str:
    """Alerts as NDJSON."""
    return "".join(json.dumps(a) + "\n" for a in found)


def shifted(found: list[dict[str, Any]], hours: float, zone: bool = True, bare: bool = False) -> str:
    """Alerts whose clock is off by some hours, times without a zone unless ``zone``, without events when ``bare``."""
    out = []
    for alert in found:
        times = {k: datetime.fromisoformat(alert[k]) + timedelta(hours=hours) for k in ("ts", "first_ts", "last_ts")}
        said = {k: t.isoformat().removesuffix("+00:00") + ("Z" if zone else "") for k, t in times.items()}
        out.append({**alert, **said, **({"events": []} if bare else {})})
    return lines(out)


def gates(text: str) -> str:
    """A gates file."""
    return f"version: 1\n{text}"
