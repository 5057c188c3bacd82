"""Three detectors that every scorer must tell apart (everything, nothing, an oracle), and what luck is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from redgen.alert import Detection, alerts_of
from redgen.ground import Ground
from redgen.matching.index import LogIndex, MemoryIndex
from redgen.scorecard import Scorecard, Settings
from redgen.scoring.score import score
from redgen.statistics.intervals import clopper_pearson
from tests.scoring.grounds import AUTH, T0, WEB, Attack, at, ground, many

MANY = many(60)
LINES = 20_000
QUICK = Settings(bootstrap=200)


def everything(truth: Ground, per_alert: int = 1, *, by_id: bool = False) -> Detection:
    """An alert for every ``per_alert`` lines of the web log, in order; by file and line or by event id."""
    n = truth.lines["web"]
    lines = np.arange(1, n + 1)
    alert = (lines - 1) // per_alert
    t = np.linspace(truth.start, truth.stop - 1, int(alert[-1]) + 1).astype(np.int64)
    events: dict[str, Sequence[object]] = {"alert": alert, "file": [WEB] * n, "line": lines}
    if by_id:
        events = {"alert": alert, "event_id": [f"id-web-{k}" for k in lines.tolist()]}
    return Detection("everything", alerts_of({"rule_id": ["e"] * len(t), "t_alert": t}, events))


def oracle(truth: Ground, extra: Sequence[int] = ()) -> Detection:
    """One alert for every malicious line, and for some benign ones."""
    lines = [*truth.labels["line"].tolist(), *extra]
    t = [*truth.labels["t"].tolist(), *[T0 + 1] * len(extra)]
    return Detection("oracle", alerts_of(
        {"rule_id": ["o"] * len(lines), "t_alert": t},
        {"alert": range(len(lines)), "file": [*truth.labels["file"].tolist(), *[WEB] * len(extra)], "line": lines}))


def by_entity(moments: Sequence[int], users: Sequence[str]) -> Detection:
    """Alerts that name a user and no event."""
    n = len(moments)
    return Detection("noise", alerts_of({"rule_id": ["n"] * n, "t_alert": moments}, None,
                                        {"alert": range(n), "type": ["user"] * n, "value": users}))


def of(truth: Ground, detection: Detection, index: LogIndex | None = None) -> Scorecard:
    """Its scorecard."""
    return score(truth, [detection], QUICK, index)


@pytest.mark.parametrize("detection", [everything(MANY), everything(MANY, 10), everything(MANY, by_id=True)],
                         ids=["each line", "ten lines each", "by event id"])
def test_everything_is_worth_nothing(detection: Detection) -> None:
    """It catches all campaigns, and so it would have had they been anywhere else."""
    card = of(MANY, detection)
    assert card.recall.value == 1.0
    assert card.chance.recall > 0.98
    assert card.chance.adjusted == 0.0
    assert card.chance.refused
    assert card.chance.p_value > 0.5
    assert "rule e" in card.chance.note


def test_one_alert_that_names_everything_is_diluted() -> None:
    """It detects nothing at all."""
    card = of(MANY, everything(MANY, LINES))
    assert (card.recall.value, card.false_alerts.by_cause) == (0.0, {"diluted": 1})


def test_nothing_is_zero_with_its_interval() -> None:
    """Sixty misses allow a recall of six percent at most."""
    card = of(MANY, Detection("nothing", alerts_of({})))
    assert (card.recall.value, card.recall.lower) == (0.0, 0.0)
    assert card.recall.upper == pytest.approx(1 - 0.025 ** (1 / 60))
    assert (card.chance.recall, card.chance.adjusted, card.chance.refused) == (0.0, 0.0, False)
    assert (card.false_alerts.groups, card.precision.value) == (0, None)
    assert [d.code for d in card.diagnostics] == ["NO_ALERTS"]
    assert card.time_to_detect.median_seconds is None


def test_an_oracle_is_as_sure_as_n_allows() -> None:
    """No benign line is named, so no shift catches anything."""
    card = of(MANY, oracle(MANY))
    assert card.recall.value == 1.0
    assert card.recall.lower == clopper_pearson(60, 60).lower == pytest.approx(0.025 ** (1 / 60))
    assert (card.chance.recall, card.chance.adjusted, card.chance.p_value) == (0.0, 1.0, 1 / 200)
    assert not card.chance.refused
    assert (card.precision.value, card.false_alerts.groups, card.event_recall.value) == (1.0, 0, 1.0)
    assert card.time_to_detect.median_seconds == 0.0


def test_an_oracle_by_entity_is_as_good() -> None:
    """Alerts about the right people at the right time; other people would not have been named."""
    moments = [c.t_onset for c in MANY.campaigns]
    users = [c.entities["victim"]["user"][0] for c in MANY.campaigns]
    card = of(MANY, by_entity(moments, users))
    assert (card.recall.value, card.chance.adjusted) == (1.0, pytest.approx(1.0))
    assert card.chance.recall < 0.02  # by 1,000 people, 60 alerts and two hours


def test_true_alerts_about_one_attack_are_no_luck_in_finding_another() -> None:
    """An address drawn from all there are may be another attacker's; that its alerts name it proves nothing."""
    moments = [c.t_onset for c in MANY.campaigns]
    addresses = [c.entities["attacker"]["ip"][0] for c in MANY.campaigns]
    told = alerts_of({"rule_id": ["r"] * 60, "t_alert": moments}, None,
                     {"alert": range(60), "type": ["ip"] * 60, "value": addresses})
    card = of(MANY, Detection("addresses", told))
    assert (card.recall.value, card.chance.recall, card.chance.adjusted) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(("extra", "low", "high"), [(20, 0.0, 0.03), (500, 0.1, 0.3), (10_000, 0.95, 1.0)])
def test_chance_grows_with_false_alerts(extra: int, low: float, high: float) -> None:
    """Eight lines of a campaign among 20,000: 1 - (1 - f)^8 with f false alerts per benign line."""
    taken = set(MANY.labels["line"].tolist())
    rng = np.random.default_rng(5)
    benign = [k for k in rng.permutation(np.arange(1, LINES + 1)).tolist() if k not in taken][:extra]
    card = of(MANY, oracle(MANY, benign))
    assert low <= card.chance.recall <= high
    assert card.chance.recall == pytest.approx(1 - (1 - extra / LINES) ** 8, abs=0.03)


def test_a_coin_that_hits_many_is_not_praised() -> None:
    """An alert on every third line at random catches nearly all, and nearly all by luck."""
    rng = np.random.default_rng(8)
    lines = np.flatnonzero(rng.random(LINES) < 1 / 3) + 1
    card = of(MANY, Detection("coin", alerts_of(
        {"rule_id": ["coin"] * len(lines), "t_alert": [T0] * len(lines)},
        {"alert": range(len(lines)), "file": [WEB] * len(lines), "line": lines})))
    assert card.recall.value > 0.9
    assert card.chance.recall == pytest.approx(1 - (2 / 3) ** 8, abs=0.03)
    assert (card.chance.refused, card.chance.adjusted) == (True, 0.0)


@pytest.mark.parametrize(("people", "per_day"), [(1000, 500), (20, 500)])
def test_luck_by_entity_is_what_theory_says(people: int, per_day: int) -> None:
    """Noise of λ alerts an hour about K people: a window of W hours is hit with 1 - exp(-λW/K) (docs/scoring.md)."""
    users = [f"user{k}" for k in range(people)]
    rng = np.random.default_rng(11)
    attacks = [Attack(f"C-{k:03d}", {"s": [(m, k + 1), (m + 180, k + 501)]}, user=[users[int(rng.integers(people))]])
               for k, m in enumerate(np.linspace(0, 1200, 100).round().tolist())]
    truth = ground(attacks, people=people, lines=5000)
    import pandas as pd

    index = MemoryIndex(pd.DataFrame({"file": AUTH, "line": range(1, people + 1), "t": at(5000), "user": users}),
                        {"user": "user"})
    noise = by_entity((T0 + rng.integers(0, truth.stop - T0, per_day)).tolist(),
                      [users[k] for k in rng.integers(0, people, per_day).tolist()])
    card = of(truth, noise, index)
    expected = 1 - math.exp(-per_day / 24 * 4 / people)  # three hours of attack and one of horizon
    assert card.chance.recall == pytest.approx(expected, abs=0.02)
    assert card.recall.value == pytest.approx(expected, abs=0.12)
    assert card.chance.refused == (people == 20)
    assert "WRONG_TIME_ZONE" not in {d.code for d in card.diagnostics}  # noise has a best hour, too


def test_every_person_every_hour_is_worth_nothing() -> None:
    """Everything again, at the level of entities."""
    moments = [T0 + h * 3_600_000_000 for h in range(24) for _ in range(100)]
    users = [f"user{k}@corp.example" for _ in range(24) for k in range(100)]
    truth = many(60)
    card = of(ground_with_people(truth, 100), by_entity(moments, users))
    assert card.recall.value == 1.0
    assert card.chance.recall > 0.95
    assert (card.chance.adjusted, card.chance.refused) == (0.0, True)
    assert "export alerts with their events" in card.chance.note


def test_everybody_active_named_is_worth_nothing() -> None:
    """An alert about whoever has a line, which is most people at hardly any moment: only their activity tells."""
    import pandas as pd

    truth = ground_with_people(MANY, 1000)
    rng = np.random.default_rng(3)
    t = np.sort(rng.integers(truth.start, truth.stop, LINES))
    users = [f"user{k}@corp.example" for k in rng.integers(0, 1000, LINES).tolist()]
    for row in truth.labels.itertuples():
        if str(row.label) == "malicious" and str(row.file) == WEB:
            attacked = next(c for c in truth.campaigns if c.campaign_id == row.campaign_id)
            users[row.line - 1], t[row.line - 1] = attacked.entities["victim"]["user"][0], row.t
    index = MemoryIndex(pd.DataFrame({"file": WEB, "line": range(1, LINES + 1), "t": t, "user": users}), {"user": "user"})
    card = of(truth, by_entity(t.tolist(), users), index)
    assert card.recall.value == 1.0
    assert card.chance.recall > 0.98
    assert (card.chance.adjusted, card.chance.refused) == (0.0, True)


def ground_with_people(truth: Ground, people: int) -> Ground:
    """The same truth in a smaller organization."""
    from dataclasses import replace

    return replace(truth, people=people)


def test_requirements_hold_for_the_shifted_too() -> None:
    """Two alerts on two steps are rarer by luck than one on any."""
    rng = np.random.default_rng(5)
    found = oracle(MANY, (rng.permutation(LINES)[:2000] + 1).tolist())
    loose = score(MANY, [found], QUICK).chance.recall
    strict = score(MANY, [found], Settings(bootstrap=200, k=2, min_steps=2)).chance.recall
    assert strict < loose - 0.1
