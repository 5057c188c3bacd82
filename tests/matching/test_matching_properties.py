"""Matching against a brute-force reading of its rules, and what must hold for any alerts whatever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redgen.alert import Alerts, Detection
from redgen.matching.entities import SLACK
from redgen.matching.joins import equal, nth, overlapping, ranges, within
from redgen.scorecard import Settings, to_json
from redgen.scoring.score import judge, score
from tests.scoring.grounds import WEB, Attack, Lookalike, Said, alerts, at, ground, index_of

QUICK = Settings(shifts=9, bootstrap=100)
PEOPLE = ("ann", "bob", "cy")
ADDRESSES = ("10.0.0.1", "10.0.0.2")

minutes = st.integers(0, 600)
places = st.lists(st.tuples(minutes, st.integers(1, 40)), min_size=1, max_size=4, unique_by=lambda p: p[1])


@st.composite
def truths(draw):
    """Up to three campaigns of up to two steps on distinct lines, and perhaps a hard negative."""
    free = draw(st.permutations(range(1, 41)))
    attacks, used = [], 0
    for k in range(draw(st.integers(1, 3))):
        steps = {}
        for s in range(draw(st.integers(1, 2))):
            n = draw(st.integers(1, 4))
            steps[f"s{s}"] = sorted((draw(minutes), line) for line in free[used:used + n])
            used += n
        attacks.append(Attack(f"C-{k}", steps, ip=draw(st.sets(st.sampled_from(ADDRESSES))),
                              user=sorted(draw(st.sets(st.sampled_from(PEOPLE)))),
                              weight=draw(st.sampled_from([0.5, 1.0, 2.0])), impact=draw(st.none() | minutes)))
    noise = [Lookalike("N-1", "noise", [(draw(minutes), free[used])], user=["cy"])] if draw(st.booleans()) else []
    return ground(attacks, noise, lines=60)


def said():
    """An alert that names lines, people, both or neither."""
    who = st.lists(st.sampled_from([*(("user", p) for p in PEOPLE), *(("ip", a) for a in ADDRESSES), ("host", "h")]),
                   max_size=2, unique=True)
    return st.builds(
        lambda rule, t, length, lines, who, severity: Said(rule, t, lines, (), who, max(0, t - length), t, severity),
        st.sampled_from(["a", "b", "c"]), minutes, st.integers(0, 90), st.lists(st.integers(1, 62), max_size=14, unique=True),
        who, st.sampled_from([10, 50, 90]))


some_alerts = st.lists(said(), max_size=8)
asked = st.builds(lambda k, steps, severity, lenient: replace(QUICK, k=k, min_steps=steps, min_severity=severity,
                                                              lenient=lenient),
                  st.integers(1, 2), st.integers(1, 2), st.sampled_from([0, 50]), st.booleans())
easy = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def by_hand(truth, told, chosen):
    """The pairs (alert, campaign, step, time) that match, read off the rules one by one."""
    line_of = {int(r.line): r for r in truth.labels.itertuples()}
    found = []
    for n, one in enumerate(told):
        if one.severity < chosen.min_severity:
            continue
        named = {line for line in one.lines if line <= 60}
        evil = {line for line in named if line in line_of and line_of[line].label == "malicious"}
        for campaign in truth.campaigns:
            for step in campaign.steps:
                if named:
                    own = [line_of[x].t for x in evil if (line_of[x].campaign_id, line_of[x].step_id) == (
                        campaign.campaign_id, step.step_id)]
                    pure = len(named) <= 10 or len(evil) >= 0.1 * len(named)
                    if own and (pure or chosen.lenient):
                        found.append((n, campaign.campaign_id, step.step_id, max(at(one.t), min(own))))
                    continue
                mine = {("ip", v) for v in campaign.entities["attacker"].get("ip", ())} | {
                    ("user", v) for v in campaign.entities["victim"].get("user", ())}
                inside = at(one.first) - SLACK <= step.t1 + 3_600_000_000 and at(one.last) + SLACK >= step.t0
                if mine & set(one.who) and inside:
                    found.append((n, campaign.campaign_id, step.step_id, max(at(one.t), step.t0)))
    return found


def detected_by_hand(truth, told, chosen):
    """Campaign -> time of detection."""
    found = by_hand(truth, told, chosen)
    times = {}
    for campaign in truth.campaigns:
        own = [f for f in found if f[1] == campaign.campaign_id]
        alerts_ = sorted(min(t for n, _, _, t in own if n == a) for a in {n for n, *_ in own})
        steps = sorted(min(t for _, _, s, t in own if s == x) for x in {s for _, _, s, _ in own})
        wanted = min(chosen.min_steps, len(campaign.steps))
        if len(alerts_) >= chosen.k and len(steps) >= wanted:
            times[campaign.campaign_id] = max(alerts_[chosen.k - 1], steps[wanted - 1])
    return times


@easy
@given(truths(), some_alerts, asked)
def test_matching_is_what_its_rules_say(truth, told, chosen) -> None:
    """The columns find what a loop over everything finds."""
    case = judge(truth, [Detection("d", alerts(told))], chosen)
    table = case.match_table()
    pairs = {(n, c, s, t) for n, c, s, t in zip((int(a[2:]) for a in table["alert_id"]), table["campaign_id"],
                                                table["step_id"], table["t"], strict=True)}
    assert pairs == set(by_hand(truth, told, chosen))
    times = {c.campaign_id: int(t) for c, t, hit in zip(truth.campaigns, case.outcome.t_det, case.outcome.caught,
                                                        strict=True) if hit}
    assert times == detected_by_hand(truth, told, chosen)


@easy
@given(truths(), some_alerts, said(), asked)
def test_one_more_alert_never_lowers_recall(truth, told, more, chosen) -> None:
    """Nor does it make any campaign's detection later."""
    before = judge(truth, [Detection("d", alerts(told))], chosen).outcome
    after = judge(truth, [Detection("d", alerts([*told, more]))], chosen).outcome
    assert np.all(after.caught | ~before.caught)
    assert np.all(after.t_det <= before.t_det)


@settings(easy, max_examples=15)
@given(truths(), some_alerts, st.randoms(use_true_random=False))
def test_the_order_of_alerts_changes_nothing(truth, told, rnd) -> None:
    """Not a byte of the scorecard."""
    whole = alerts(told)
    order = list(range(len(told)))
    rnd.shuffle(order)
    place = {row: k for k, row in enumerate(order)}
    moved = Alerts(whole.frame.iloc[order].reset_index(drop=True),
                   whole.events.assign(alert=[place[a] for a in whole.events["alert"]]).sample(frac=1, random_state=1),
                   whole.entities.assign(alert=[place[a] for a in whole.entities["alert"]]))
    assert to_json(score(truth, [Detection("d", whole)], QUICK)) == to_json(score(truth, [Detection("d", moved)], QUICK))


@easy
@given(truths(), some_alerts)
def test_groups_part_the_alerts(truth, told) -> None:
    """Every alert is in one group, every group is true or false as a whole, and the counts add up."""
    card = score(truth, [Detection("d", alerts(told))], QUICK)
    assert sum(r.alerts for r in card.rules) == len(told)
    assert sum(r.false_groups for r in card.rules) == card.false_alerts.groups == sum(card.false_alerts.by_cause.values())
    assert all(r.true_groups + r.false_groups == r.groups <= r.alerts for r in card.rules)
    assert {x for r in card.rules for x in r.unique} <= {c.campaign_id for c in card.campaigns if c.t_det is not None}


@easy
@given(truths(), some_alerts, st.lists(st.tuples(st.integers(1, 60), minutes, st.sampled_from(["", *ADDRESSES]),
                                                 st.sampled_from(["", *PEOPLE])), max_size=30, unique_by=lambda r: r[0]))
def test_an_index_only_takes_away(truth, told, rows) -> None:
    """What the logs show to be shared no longer matches; nothing else appears, hosts apart."""
    index = index_of([(WEB, line, t, ip, user) for line, t, ip, user in rows])
    free = judge(truth, [Detection("d", alerts(told))], QUICK).outcome.caught
    seen = judge(truth, [Detection("d", alerts(told))], QUICK, index).outcome.caught
    assert np.all(free | ~seen)


intervals = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 300)), max_size=12)


@given(intervals, intervals, st.sampled_from([2**62, 1, 700]))
def test_overlaps(left, right, room) -> None:
    """All pairs of equal keys that share a moment, each once; also when keys must be taken in turns."""
    def columns(rows):
        table = np.array([(k, a, a + n) for k, a, n in rows], dtype=np.int64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    one, two = columns(left), columns(right)
    found = sorted(zip(*(x.tolist() for x in overlapping(*one, *two, room)), strict=True))
    counted = within(*one, two[0], two[1], room)
    assert counted.tolist() == [sum(k == kk and a <= t <= b for kk, t in zip(two[0], two[1], strict=True))
                                for k, a, b in zip(*one, strict=True)]
    assert found == [(i, j) for i in range(len(left)) for j in range(len(right))
                     if one[0][i] == two[0][j] and one[1][i] <= two[2][j] and two[1][j] <= one[2][i]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9))), st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_nth_values(rows, wanted) -> None:
    """The n-th least of each owner."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    found = nth(table[:, 0], table[:, 1], np.array(wanted), -1).tolist()
    for owner, n in enumerate(wanted):
        own = sorted(v for o, v in rows if o == owner)
        assert found[owner] == (own[n - 1] if len(own) >= n else -1)


@given(st.lists(st.integers(-1, 4)), st.lists(st.integers(-1, 4)))
def test_equal_values(left, right) -> None:
    """All pairs of equal values but blanks; and ranges unroll."""
    one, two = equal(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64))
    assert sorted(zip(one.tolist(), two.tolist(), strict=True)) == [
        (i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a == b and a >= 0]
    starts = np.array(left, dtype=np.int64)
    flat, owner = ranges(starts, starts + 2)
    assert flat.tolist() == [s + d for s in left for d in (0, 1)]
    assert owner.tolist() == [k for k in range(len(left)) for _ in (0, 1)]
