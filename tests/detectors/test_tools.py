"""fail2ban and CrowdSec as they are installed, on two small logs; without them, these tests say why they skip."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redgen.alert import Detection
from redgen.checks.detector import Case
from redgen.detector import EventFile, Events
from redgen.detectors._ordered import AUTH, copied
from redgen.detectors._spec import detector_of
from redgen.detectors.crowdsec import CrowdSec
from redgen.detectors.fail2ban import Failure, Jail, bans
from tests.detectors.logs import GUESSER, NEAR, OFFICE, PROBER, auth_lines

fail2ban = pytest.mark.skipif(shutil.which("fail2ban-regex") is None, reason="fail2ban is not installed")
crowdsec = pytest.mark.skipif(shutil.which("crowdsec") is None or not Path("/etc/crowdsec/scenarios").is_dir(),
                              reason="crowdsec is not installed with its scenarios")


@fail2ban
def test_a_guesser_is_banned_with_the_lines_that_led_to_it(events: Events) -> None:
    """Five failures of a minute, named line by line in the dataset's own files."""
    found = detector_of("fail2ban").detect(events)
    assert not found.failed
    assert {r.rule_id: r.status for r in found.rules}["sshd"] == "tested"
    sshd = found.alerts.frame[found.alerts.frame["rule_id"] == "sshd"]
    assert len(sshd) == 1
    first = found.alerts.events[found.alerts.events["alert"] == sshd.index[0]]
    lines = auth_lines()
    assert set(first["file"]) == {"logs/linux_auth/auth.0.log.gz"}
    assert all(GUESSER in lines[n - 1] for n in first["line"])
    pairs = set(zip(found.alerts.entities["type"], found.alerts.entities["value"], strict=True))
    assert ("ip", GUESSER) in pairs
    assert ("ip", OFFICE) not in pairs
    assert sshd["t_first"].iloc[0] == NEAR + 60_000_000


@fail2ban
def test_a_higher_limit_bans_nobody_and_matches_are_all_there(events: Events) -> None:
    """The jail's terms are the user's."""
    assert len(detector_of("fail2ban[maxretry=100]:sshd").detect(events).alerts) == 0
    assert len(detector_of("fail2ban[mode=matches]:sshd").detect(events).alerts) >= 12


@fail2ban
def test_unusable_filters_and_missing_logs_are_told(events: Events) -> None:
    """A filter that does not exist fails; one whose logs are not there was not tested."""
    assert "filter no-such-filter" in detector_of("fail2ban:no-such-filter").detect(events).failed
    only_web = Events(events.files[1:], year_from=NEAR)
    assert [(r.status, r.reason) for r in detector_of("fail2ban:sshd").detect(only_web).rules] == [
        ("UNSUPPORTED_LOGSOURCE", "no auth logs")]


@pytest.fixture
def judged(events: Events, cases: dict[str, Case]) -> Detection:
    """What CrowdSec says of both logs."""
    return cases.setdefault("crowdsec", Case(CrowdSec(), events, steady=False)).detection


@crowdsec
def test_crowdsec_sees_the_guesser_and_the_prober(judged: Detection) -> None:
    """Its own scenarios, in event time, with the private address left alone."""
    assert not judged.failed
    said = set(zip(judged.alerts.frame["rule_id"].take(judged.alerts.entities["alert"]),
                   judged.alerts.entities["value"], strict=True))
    assert ("crowdsecurity/ssh-bf", GUESSER) in said
    assert ("crowdsecurity/http-probing", PROBER) in said
    assert not any(value == OFFICE for _, value in said)
    assert judged.alerts.frame["t_first"].min() >= NEAR
    assert judged.alerts.frame["t_last"].max() < NEAR + 3_600_000_000
    assert {"crowdsecurity/ssh-bf", "crowdsecurity/ssh-slow-bf"} <= {r.rule_id for r in judged.rules}


@crowdsec
def test_crowdsec_says_what_it_cannot_use(tmp_path: Path, events: Events) -> None:
    """A configuration that is none."""
    assert "cannot read CrowdSec's" in CrowdSec(tmp_path).detect(events).failed


def test_absent_programs_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, events: Events) -> None:
    """A failed detection, with the package's name."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install fail2ban" in detector_of("fail2ban").detect(events).failed
    assert "apt-get install crowdsec" in detector_of("crowdsec").detect(events).failed


def test_copies_are_in_order_dated_and_know_their_lines(tmp_path: Path) -> None:
    """Over a new year, with an OpenSSH that logs under another name."""
    path = tmp_path / "a.log"
    path.write_text("Jan  1 00:00:02 h sshd-session[5]: b\nno time\n\nDec 31 23:59:59 h sshd[4]: a\n"
                    "2027-01-01T00:00:01.5+00:00 h x: c\n")
    copy = copied([EventFile(path, "logs/a.log")], AUTH, 1_798_761_600_000_000, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == (
        "2026-12-31T23:59:59Z h sshd[4]: a\n2027-01-01T00:00:01.5+00:00 h x: c\n2027-01-01T00:00:02Z h sshd[5]: b\n")
    assert [copy.place(row) for row in range(3)] == [("logs/a.log", 4), ("logs/a.log", 5), ("logs/a.log", 1)]
    assert copy.dropped == 1


failures = st.lists(st.builds(Failure, st.integers(0, 100), st.sampled_from(["a", "b"]), st.just(""), st.just(())))


@given(failures, st.integers(1, 4), st.integers(1, 30), st.integers(1, 30))
def test_bans_follow_the_jails_terms(found: list[Failure], maxretry: int, findtime: int, bantime: int) -> None:
    """Each ban has enough failures of one address in time, and none while that address is banned."""
    free: dict[str, int] = {}
    for group in bans(found, Jail(maxretry, findtime, bantime)):
        assert len(group) == maxretry
        assert len({f.ip for f in group}) == 1
        assert group[-1].t - group[0].t < findtime
        assert group[0].t >= free.get(group[0].ip, 0)
        free[group[0].ip] = group[-1].t + bantime
