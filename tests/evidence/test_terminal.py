"""The terminal's scorecard fits its width, needs no color, and says what a newcomer must know."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import pytest
from rich.cells import cell_len

from redgen.evidence import terminal
from tests.evidence.cards import empty, healthy, hostile, large, losing

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("make", [healthy, losing, empty, hostile, partial(large, 300)],
                         ids=["healthy", "losing", "empty", "hostile", "large"])
def test_no_line_is_wider_than_the_screen(make, width: int) -> None:
    for line in terminal.render(make(), width, color=False).splitlines():
        assert cell_len(line) <= width, line


def test_one_screen_even_for_many() -> None:
    assert len(terminal.render(large(2000), 120, color=False).splitlines()) <= 60


def test_color_adds_nothing_but_color() -> None:
    plain = ANSI.sub("", terminal.render(losing(), 100))
    assert [line.rstrip() for line in plain.splitlines()] == terminal.render(losing(), 100, color=False).splitlines()
    assert "\x1b[" in terminal.render(losing(), 100)


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = terminal.render(losing(), 90)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    assert terminal.render(losing(), 90) == before


def test_it_says_what_was_missed_and_how_nearly() -> None:
    shown = " ".join(terminal.render(losing(), 120, color=False).split())
    assert "C-0005 ato-credential-stuffing – missed; lost since the older run" in shown
    assert "nearest: Many failed logins, then a success (75% of its conditions held), failed: failed logins per address" in shown
    assert "8 campaigns: the interval is wide; 29 with no miss certify 0.90" in shown
    assert "background 72%, password-manager-retry 21% (benign look-alike)" in shown
    assert "UNSUPPORTED_LOGSOURCE 1 Win logon" in shown


def test_nothing_measured_is_never_a_pass() -> None:
    shown = terminal.render(empty(), 80, color=False)
    assert "these are measurements, not a pass" in shown
    assert "nothing can be said about recall" in shown


def test_too_much_luck_is_said() -> None:
    card = losing()
    card = replace(card, chance=replace(card.chance, recall=0.9, refused=True))
    assert "too much luck for a gate on recall" in terminal.render(card, 120, color=False)


def test_a_failed_detector_comes_first() -> None:
    assert "ERROR" in terminal.render(replace(healthy(), failed=("sigma: out of memory",)), 80, color=False).splitlines()[1]


def test_names_cannot_move_the_cursor() -> None:
    assert set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", terminal.render(hostile(), 80, color=False))) == set()
