"""Session numbers of Linux hosts rise with the sessions of each host, whoever makes which part of the log."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from redgen.activity.terms import SHELL_OPS
from redgen.clock import DAY, HOUR, parse_time
from redgen.pipeline.happenings import Happenings
from redgen.pipeline.inputs import Request
from redgen.pipeline.plan import make_plan
from redgen.pipeline.session_numbers import _fitted
from redgen.table import Table, concat

IN, OUT, CRON = (SHELL_OPS.index(op) for op in ("accepted", "disconnect", "cron_open"))
START = parse_time("2026-01-13T00:00:00Z")
BOTS = "hard_negatives:\n- {kind: ci-bot, count: 3}\n"
BUSY = BOTS + "campaigns:\n- {playbook: ssh-distributed-brute-force, count: 3}\n"


def happenings(folder: Path, more: str = BUSY) -> Happenings:
    """Two days of a company's hosts."""
    path = folder / "s.yaml"
    path.write_text("id: s\nseed: 11\nwindow: {start: 2026-01-13T00:00:00Z, duration: 2d}\nbaseline: saas-workforce\n"
                    f"sources: [linux_auth]\n{more}")
    return make_plan(Request(str(path))).work.happenings


def shell(of: Happenings, a: int = START, b: int = START + 2 * DAY) -> Table:
    """What is done in [a, b)."""
    return of.between(a, b, {"shell": 0})["shell"]


def test_no_two_sessions_of_a_host_share_a_number_and_numbers_rise_with_time(tmp_path: Path) -> None:
    rows = shell(happenings(tmp_path))
    begun = rows.take(np.flatnonzero(rows["op"] == IN))
    assert (begun["truth"] > 0).sum() > 20, "campaigns and hard negatives are among them"
    for host in np.unique(begun["host"]).tolist():
        mine = begun.take(np.flatnonzero(begun["host"] == host))
        numbers = mine["serial"][np.argsort(mine["t"], kind="stable")]
        assert numbers[0] > 0
        assert (np.diff(numbers) > 0).all()


def test_numbers_advance_with_the_logins_and_jobs_of_the_host(tmp_path: Path) -> None:
    rows = shell(happenings(tmp_path, ""))
    for host in np.unique(rows["host"]).tolist():
        mine = rows.take(np.flatnonzero(rows["host"] == host))
        logins = mine["serial"][mine["op"] == IN]
        counted = (mine["op"] == IN).sum() + (mine["op"] == CRON).sum()
        assert logins.max() - logins.min() < 2 * counted + 100, "not many more than anybody can count"


def test_a_session_keeps_its_number_whoever_writes_its_end(tmp_path: Path) -> None:
    whole = shell(happenings(tmp_path))
    again = happenings(tmp_path)
    cuts = [*range(START, START + 2 * DAY, 5 * HOUR), START + 2 * DAY]
    spans = [*pairwise(cuts)]
    pieces = concat([shell(again, a, b) for a, b in reversed(spans)])
    for rows in (whole, pieces):
        assert len(rows) == len(whole)
    by_id = [t.take(np.argsort(t["id"]))["serial"].tolist() for t in (whole, pieces)]
    assert by_id[0] == by_id[1]
    ends = whole.take(np.flatnonzero((whole["op"] == IN) | (whole["op"] == OUT)))
    numbers: dict[int, set[int]] = {}
    for conn, serial in zip(ends["conn"].tolist(), ends["serial"].tolist(), strict=True):
        numbers.setdefault(conn, set()).add(serial)
    assert all(len(found) == 1 and found != {0} for found in numbers.values())


def test_campaigns_renumber_no_benign_session(tmp_path: Path) -> None:
    attacked, clean = shell(happenings(tmp_path)), shell(happenings(tmp_path, BOTS))
    shared = attacked.take(np.flatnonzero(np.isin(attacked["id"], clean["id"])))
    assert len(clean) == len(shared) < len(attacked)
    one, other = (t.take(np.argsort(t["id"]))["serial"].tolist() for t in (shared, clean))
    assert one == other


@pytest.mark.parametrize(("least", "most", "given"), [
    ([5, 5, 5], [20, 20, 20], [5, 6, 7]),
    ([5, 5, 9], [6, 6, 20], [5, 6, 9]),
    ([8, 8, 8], [9, 9, 9], [7, 8, 9]),
])
def test_staged_sessions_take_the_first_free_numbers(least: list[int], most: list[int], given: list[int]) -> None:
    found = _fitted(np.zeros(3, dtype=np.int64), np.array(least), np.array(most))
    assert found.tolist() == given
