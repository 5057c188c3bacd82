"""A dataset is opened only when its manifest says all that is read later."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redgen.dataset.dataset import load
from redgen.errors import DataError

SOURCE = {"title": "Okta", "sigma": {"product": "okta"}, "format": "json", "envelope": False, "inline_labels": False,
          "lines": 1, "bytes": 3, "labels": {"malicious": 0}}
MANIFEST: dict[str, Any] = {
    "redgen": "0.1.0", "format": 1, "scenario": {"id": "x"}, "organization": {"name": "X"},
    "address_plan": {"name": "reserved"}, "timeline": {"start": 0, "step": 1},
    "window": {"start": 0, "stop": 1, "start_iso": "1970", "stop_iso": "1970"}, "sources": {"okta_system": SOURCE},
    "files": [{"path": "logs/a", "bytes": 3, "source": "okta_system", "number": 0, "lines": 1, "head_lines": 0}],
    "campaigns": [{"campaign_id": "C-0001", "playbook": "p", "path": ["a"], "n_events": 1}],
}

DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no window": lambda m: m.pop("window"),
    "a window without its end": lambda m: m["window"].pop("stop"),
    "times that are texts": lambda m: m["window"].update(start="1970"),
    "sources as a list": lambda m: m.update(sources=[1]),
    "a source without sigma": lambda m: m["sources"]["okta_system"].pop("sigma"),
    "a file without a path": lambda m: m["files"][0].pop("path"),
    "a file of another source": lambda m: m["files"][0].update(source="zeek"),
    "files as a mapping": lambda m: m.update(files={"a": 1}),
    "campaigns as numbers": lambda m: m.update(campaigns=[1]),
    "another format": lambda m: m.update(format=2),
    "no campaigns": lambda m: m.pop("campaigns"),
}


def test_a_sound_manifest_opens(tmp_path: Path) -> None:
    """As above."""
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert load(tmp_path).sources == ["okta_system"]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_one_says_so(tmp_path: Path, damage: Callable[[dict[str, Any]], Any]) -> None:
    """One message that names the file and what to do."""
    manifest = copy.deepcopy(MANIFEST)
    damage(manifest)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"manifest\.json cannot be read: .*generate it again"):
        load(tmp_path)
