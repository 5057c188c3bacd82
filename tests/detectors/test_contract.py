"""Every registered detector keeps its contract, configured as simply as it can be."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from redgen.checks.detector import CHECKS, Case
from redgen.detector import Events
from redgen.detectors._spec import detector_of
from redgen.registry import DETECTORS

RULE = """
title: A page that is not there
id: 2f0c8f4e-9d5b-4a7c-8b1e-5d2a7c9e4f10
logsource: {category: webserver}
detection: {selection: {sc-status: 404}, condition: selection}
level: low
"""
CODE = "import json; print(json.dumps({'redgen_alert': 1, 'rule_id': 'r', 'ts': 1768201200}))"
SAMPLE = Path(__file__).parent.parent / "readers" / "samples" / "splunk.notable.ndjson"
SPECS = {"command": f'command:{sys.executable} -c "{CODE}"', "python": "python:tests.detectors.finders:not_found",
         "alerts": f"alerts:{SAMPLE}", "fail2ban": "fail2ban", "crowdsec": "crowdsec", "sigma": "sigma:{rule}"}
NEEDS = {"fail2ban": "fail2ban-regex", "crowdsec": "crowdsec"}
SLOW = {"crowdsec": ("check_same", "check_nothing")}
"""Checks that would run an engine of many seconds once more; its own tests see to them."""


def test_every_detector_is_tried() -> None:
    """A new one needs a line in ``SPECS``."""
    assert set(SPECS) == set(DETECTORS.names())


@pytest.mark.parametrize(("name", "check"), [(n, c) for n in SPECS for c in CHECKS if c.__name__ not in SLOW.get(n, ())],
                         ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_contract(name: str, check: Callable[[Case], None], events: Events, cases: dict[str, Case],
                  tmp_path_factory: pytest.TempPathFactory) -> None:
    """One promise of one detector."""
    program = NEEDS.get(name)
    if program and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if name not in cases:
        rule = tmp_path_factory.mktemp("rules") / "rule.yml"
        rule.write_text(RULE)
        cases[name] = Case(detector_of(SPECS[name].replace("{rule}", str(rule))), events, name != "crowdsec")
    assert not cases[name].detection.failed
    check(cases[name])
