"""Session numbers of Linux hosts rise with the sessions of each host, whoever makes which part of the log."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from redgen.activity.terms import SHELL_OPS
from redgen.clock import DAY, HOUR, SECOND, parse_time
from redgen.shards.happenings import Happenings
from redgen.shards.inputs import Request
from redgen.shards.plan import make_plan
from redgen.shards.session_numbers import _fitted, _settled
from redgen.table import Table, concat

IN, OUT, CRON = (SHELL_OPS.index(op) for op in ("accepted", "disconnect", "cron_open"))
START = parse_time("2026-01-13T00:00:00Z")
BUSY = "hard_negatives:\n- {kind: ci-bot, count: 3}\ncampaigns:\n- {playbook: ssh-distributed-brute-force, count: 3}\n"


@cache
def happenings(more: str = BUSY) -> Happenings:
    """Two days of a company's hosts."""
    with TemporaryDirectory() as folder:
        return planned(Path(folder) / "s.yaml", more)


def planned(path: Path, more: str) -> Happenings:
    """The plan of a scenario's hosts."""
    path.write_text("id: s\nseed: 11\nwindow: {start: 2026-01-13T00:00:00Z, duration: 2d}\nbaseline: saas-workforce\n"
                    f"sources: [linux_auth]\n{more}")
    return make_plan(Request(str(path))).work.happenings


def shell(of: Happenings, a: int = START, b: int = START + 2 * DAY) -> Table:
    """What is done in [a, b)."""
    return of.between(a, b, {"shell": 0})["shell"]


def test_sessions_of_a_host_have_numbers_of_their_own_that_rise_with_time() -> None:
    rows = shell(happenings())
    begun = rows.take(np.flatnonzero(rows["op"] == IN))
    assert (begun["truth"] > 0).sum() > 20, "campaigns and hard negatives are among them"
    for host in np.unique(begun["host"]).tolist():
        mine = begun.take(np.flatnonzero(begun["host"] == host))
        mine = mine.take(np.argsort(mine["t"], kind="stable"))
        numbers = mine["serial"]
        benign = numbers[mine["truth"] == 0]
        assert numbers.min() > 0 and (np.diff(benign) > 0).all()
        assert not np.isin(benign, numbers[mine["truth"] != 0]).any()
        assert len(np.unique(numbers)) > 0.9 * len(numbers), "but where two campaigns come to one host at one time"
        assert (np.diff(numbers) < 0).mean() < 0.03, "but where a robot's burst left no number free between two logins"


def test_numbers_advance_with_the_logins_and_jobs_of_the_host() -> None:
    rows = shell(happenings(""))
    for host in np.unique(rows["host"]).tolist():
        mine = rows.take(np.flatnonzero(rows["host"] == host))
        logins = mine["serial"][mine["op"] == IN]
        counted = (mine["op"] == IN).sum() + (mine["op"] == CRON).sum()
        assert logins.max() - logins.min() < 2 * counted + 100, "not many more than anybody can count"


def test_a_session_keeps_its_number_whoever_writes_its_end() -> None:
    whole = shell(happenings())
    again = happenings.__wrapped__()
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


def test_a_campaign_renumbers_no_other() -> None:
    few, many = shell(happenings(BUSY.replace("force, count: 3", "force, count: 2"))), shell(happenings())
    shared = np.isin(many["id"], few["id"])
    assert len(few) == shared.sum() < len(many)
    one, other = (t.take(np.argsort(t["id"]))["serial"].tolist() for t in (few, many.take(np.flatnonzero(shared))))
    assert one == other


def test_campaigns_renumber_no_benign_session() -> None:
    attacked, clean = shell(happenings()), shell(happenings(""))
    shared = attacked.take(np.flatnonzero(np.isin(attacked["id"], clean["id"])))
    assert len(clean) == len(shared) < len(attacked)
    one, other = (t.take(np.argsort(t["id"]))["serial"].tolist() for t in (shared, clean))
    assert one == other


def test_a_user_has_one_manager_however_many_sessions_are_open() -> None:
    """The first login finds none, one that comes while another is open does; ten seconds after the last it is gone."""
    rows = shell(happenings(""))
    begun, left = (rows.take(np.flatnonzero(rows["op"] == op)) for op in (IN, OUT))
    ends = dict(zip(left["conn"].tolist(), left["t"].tolist(), strict=True))
    crowded = 0
    for k in range(len(begun)):
        same = (begun["host"] == begun["host"][k]) & (begun["name"] == begun["name"][k]) & (begun["t"] < begun["t"][k])
        open_ = [c for c in begun["conn"][same].tolist() if ends.get(c, START + 9 * DAY) + 10 * SECOND > begun["t"][k]]
        day_long = [c for c in open_ if begun["start"][begun["conn"] == c][0] // DAY == begun["start"][k] // DAY]
        crowded += len(day_long)
        assert bool(begun["fresh"][k]) == (not day_long)
    assert crowded > 10


@pytest.mark.parametrize(("least", "most", "given"), [
    ([5, 5, 5], [20, 20, 20], [5, 6, 7]),
    ([5, 5, 9], [6, 6, 20], [5, 6, 9]),
    ([8, 8, 8], [9, 9, 9], [7, 8, 9]),
])
def test_staged_sessions_take_the_first_free_numbers(least: list[int], most: list[int], given: list[int]) -> None:
    found = _fitted(np.zeros(3, dtype=np.int64), np.array(least), np.array(most))
    assert found.tolist() == given


def test_a_number_that_is_taken_is_not_given_again() -> None:
    host = np.array([0, 0, 0, 1])
    assert _settled(host, np.array([7, 8, 8, 8]), {0: {8, 10}, 1: {7}}).tolist() == [7, 9, 11, 8]
