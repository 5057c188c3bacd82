"""Detectors named in one line of text: what is understood, and what is said when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from redgen.detectors._spec import detector_of
from redgen.detectors.alerts import ExportedAlerts
from redgen.detectors.command import Command
from redgen.detectors.fail2ban import Fail2Ban
from redgen.errors import DataError


def test_a_command_keeps_its_colons_and_quotes() -> None:
    """Everything behind the first colon is the command."""
    found = detector_of("command[timeout=2m,format=zircolite]:./engine --out '{output}' http://x:1 {logs:okta_system}")
    assert isinstance(found, Command)
    assert found.words == ("./engine", "--out", "{output}", "http://x:1", "{logs:okta_system}")
    assert (found.timeout, found.form) == (120.0, "zircolite")


def test_filters_and_options_of_a_jail() -> None:
    """Filters by comma, durations with units."""
    found = detector_of("fail2ban[maxretry=3,findtime=1h]:sshd,nginx-botsearch")
    assert isinstance(found, Fail2Ban)
    assert found.filters == ("sshd", "nginx-botsearch")
    assert (found.jail.maxretry, found.jail.findtime) == (3, 3_600_000_000)


def test_a_file_of_alerts_with_a_mapping() -> None:
    """Reading options are those of every reader."""
    found = detector_of("alerts[mapping=m.yaml,zone=Europe/Berlin]:out.csv")
    assert isinstance(found, ExportedAlerts)
    assert found.given is not None
    assert (found.file, found.given.mapping, found.given.zone) == (Path("out.csv"), Path("m.yaml"), "Europe/Berlin")


@pytest.mark.parametrize(("spec", "said"), [
    ("", "write name, name:argument"), ("fail2bann", "did you mean 'fail2ban'"), ("command", "it needs a command"),
    ("command[timeout]:x", "write timeout=VALUE"), ("command[time=3]:x", "unknown option 'time'; did you mean 'timeout'"),
    ("command[timeout=soon]:x", "timeout=soon: write a duration"), ("command[shell=maybe]:x", "it is yes or no"),
    ("command:'x", "No closing quotation"), ("crowdsec:all", "it takes no argument"), ("alerts:", "it needs a file"),
    ("fail2ban[maxretry=0]", "1 or more"), ("fail2ban[mode=fun]", "bans or matches"), ("sigma", "--rules PATH"),
    ("fail2ban[maxretry=1,maxretry=2]", "given twice"), ("python:os", "write python:package.module:function"),
    ("python:no_such_module_here:f", "does not load: ModuleNotFoundError"), ("python:os:getcwdd", "did you mean 'getcwd"),
    ("python:tests.detectors.finders:number", "not a function")])
def test_what_is_wrong_is_said_in_one_line(spec: str, said: str) -> None:
    """Before anything runs."""
    with pytest.raises(DataError) as caught:
        detector_of(spec)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
