"""CloudTrail records beside those that AWS itself wrote."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redgen.activity import calls, terms
from redgen.activity.schema import rows
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.seed import Seed
from redgen.sources import _cloudtrail_forms as forms
from redgen.sources._cloudtrail_words import split_agent
from redgen.sources.aws_cloudtrail import AwsCloudTrail
from redgen.table import Table, concat
from redgen.world.cloud import account_of, key_id
from redgen.world.world import World
from tests.sources.stories import NOON, ids
from tests.sources.trail import DENIED, HUMAN, agents, api_calls, every_call, named, recorded, records, source
from tests.worlds import ROOT, small_world

STRATUS = Path(__file__).resolve().parents[3] / "shared/judges/logs/cloudtrail/stratus_detonation_logs.jsonl"


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Every path of a value with its kind; what is null says nothing."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= shape(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            found |= shape(inner, f"{path}[]")
    elif value is not None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        found[path] = "number" if number else type(value).__name__
    return found


@pytest.mark.skipif(not STRATUS.exists(), reason="no judges here")
def test_shapes_agree_with_real_detonations() -> None:
    """For operations that real attack runs recorded too: the same keys at the top, and values of the same kinds.

    What a call asks may differ (other parameters), what AWS adds may not: identity, response, TLS, resources.
    """
    real: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in STRATUS.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)["event"]
        if event.get("eventName"):
            real[event["eventName"]].append(event)
    ours: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records():
        ours[record["eventName"]].append(record)
    both, anywhere = real.keys() & ours.keys(), {path for record in records() for path in shape(record)}
    assert len(both) > 35
    for name in both:
        known: dict[str, str] = {}
        for record in ours[name]:
            known |= shape(record)
        for event in real[name]:
            assert set(event) <= {key for record in ours[name] for key in record}, (name, set(event))
            assert event["readOnly"] == ours[name][0]["readOnly"], name
            for path, kind in shape(event).items():
                assert known.get(path, kind) == kind, (name, path, kind, known[path])
            for part in ("userIdentity", "tlsDetails"):
                missing = {f".{part}{p}" for p in shape(event.get(part))} - anywhere
                assert not missing, (name, missing)


@pytest.mark.skipif(not STRATUS.exists(), reason="no judges here")
def test_responses_have_the_fields_real_ones_have() -> None:
    """Operations whose response real runs recorded: ours has all of its fields, save what their tags and code add."""
    allowed = re.compile(r"tags|permissionsBoundary|layers|\.stateReason|publish|networkInterface|metadata")
    gaps: dict[str, set[str]] = {}
    for line in STRATUS.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)["event"]
        if not event.get("responseElements"):
            continue
        mine = [r for r in records() if r["eventName"] == event["eventName"] and r["responseElements"]]
        if mine:
            known = {path for record in mine for path in shape(record["responseElements"])}
            lacking = {p for p in shape(event["responseElements"]) if p not in known and not allowed.search(p)}
            if lacking:
                gaps[event["eventName"]] = lacking
    assert not gaps
