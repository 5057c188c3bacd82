"""What each sample says in normal form, held in files that people can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.readers.test_contract import FILES, case_of


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_golden(path: Path, golden: Callable[[str, str], None]) -> None:
    """Alerts with their events and entities, one JSON line each, then what was noted."""
    found = case_of(path).alerts
    lines = []
    for i, row in enumerate(found.frame.to_dict("records")):
        events = found.events[found.events["alert"] == i].drop(columns="alert").to_dict("records")
        pairs = found.entities[found.entities["alert"] == i]
        lines.append({**row, "events": [{k: v for k, v in e.items() if v} for e in events],
                      "entities": [f"{t}:{v}" for t, v in zip(pairs["type"], pairs["value"], strict=True)]})
    lines.append({"clock": found.clock, "notes": {d.code: d.count for d in found.diagnostics}})
    golden(f"{path.name}.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
