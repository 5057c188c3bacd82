"""Arrivals: counts follow their law, seasons keep their means, clocks keep their beat."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from redgen.benign.context import Tier
from redgen.benign.seasons import CELL, Arrivals, Crowd, Timetable, cascade_at, poisson, season_at
from redgen.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from redgen.seed import Seed
from redgen.spec.baseline import Burst, Every, Season

SEED = Seed(5)
NOBODY = Crowd(0, 1.0, np.zeros(0, dtype=np.int64), np.zeros(0))
MONDAY = 288 * 20_458  # 2026-01-05
CELLS = np.arange(MONDAY, MONDAY + 288 * 28)


@given(st.floats(1e-6, 5e5), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=400)
def test_poisson_counts_are_the_quantiles_of_their_law(mean: float, u: float) -> None:
    got = int(poisson(np.array([mean]), np.array([u]))[0])
    law = stats.poisson(mean)
    assert law.cdf(got) >= u * (1 - 1e-9)
    assert got == 0 or law.cdf(got - 1) <= u * (1 + 1e-9)


def test_a_season_has_mean_one_and_the_hours_it_was_given() -> None:
    hours = (0.5,) * 6 + (1.0,) * 6 + (1.5,) * 6 + (1.0,) * 6
    season = Season(hour=hours, weekday=(1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5))
    shape = season_at(season, CELLS, 0)
    assert abs(shape.mean() - 1) < 0.01
    by_hour = shape.reshape(28, 24, 12).mean(axis=(0, 2))
    np.testing.assert_allclose(by_hour / by_hour.mean(), hours, rtol=1e-9)


def test_a_season_follows_the_local_clock() -> None:
    season = Season(hour=(0.0,) * 20 + (1.0,) * 4)
    utc, east = (season_at(season, CELLS, offset) for offset in (0, 120))
    np.testing.assert_allclose(utc[24:], east[:-24])


def test_a_season_follows_summer_time() -> None:
    """What happens at eight in Berlin happens at seven UTC in winter and at six in summer; in Phoenix nothing moves."""
    season = Season(hour=(0.0,) * 8 + (1.0,) + (0.0,) * 15)
    days = [parse_time(f"2026-{month}-14T00:00:00Z") // CELL for month in ("01", "07")]

    def at(zone: str) -> list[int]:
        return [int(np.argmax(season_at(season, np.arange(day, day + 288), zone))) // 12 for day in days]

    assert at("Europe/Berlin") == [7, 6]
    assert at("America/Phoenix") == [15, 15]
    assert at("Australia/Sydney") == [21, 22]


def test_bursts_keep_the_mean_and_their_memory() -> None:
    burst = Burst(variance=0.6, hurst=0.7, levels=5)
    m = cascade_at(burst, SEED, np.arange(6_000_000, 6_400_000))
    assert abs(m.mean() - 1) < 0.03
    assert abs(np.log(m).var() - 0.6) < 0.06
    levels = np.array([1, 4, 16, 64])
    var = [m.reshape(-1, k).mean(axis=1).var() for k in levels]
    slope = np.polyfit(np.log(levels), np.log(var), 1)[0]
    assert abs(1 + slope / 2 - 0.7) < 0.1


def test_no_burst_is_plain_poisson() -> None:
    assert (cascade_at(Burst(), SEED, CELLS) == 1).all()
    arrivals = Arrivals(SEED, SEED, 288 * 20.0, Season(), Burst(), (NOBODY,), (Tier(MINUTE),))
    cells = arrivals.sessions(10 * DAY, 30 * DAY).t // CELL - 10 * 288
    counts = np.bincount(cells[cells >= 0], minlength=5760)
    assert abs(counts.mean() - 20) < 0.3
    assert 0.9 < counts.var() / counts.mean() < 1.1


def test_tiers_split_the_sizes_and_reach_as_far_as_they_say() -> None:
    tiers = (Tier(15 * MINUTE, 0.9), Tier(HOUR, 0.1))
    arrivals = Arrivals(SEED, SEED, 50_000.0, Season(), Burst(), (NOBODY,), tiers)
    sessions = arrivals.sessions(5 * DAY, 6 * DAY)
    short = sessions.stop - sessions.t == 15 * MINUTE
    assert abs(short.mean() - 0.9) < 0.01
    assert sessions.size[short].max() < 0.9 < sessions.size[~short].min()
    assert (sessions.stop > 5 * DAY).all()
    assert (sessions.t < 6 * DAY).all()
    assert (sessions.who == -1).all()
    assert len(np.unique(sessions.id)) == len(sessions)


def test_the_active_start_more_sessions() -> None:
    crowd = Crowd(0, 1.0, np.array([40, 50]), np.cumsum([1.0, 3.0]))
    who = Arrivals(SEED, SEED, 5000.0, Season(), Burst(), (crowd,), (Tier(MINUTE),)).sessions(0, DAY).who
    assert set(who.tolist()) == {40, 50}
    assert abs((who == 50).mean() - 0.75) < 0.03


def test_a_timetable_beats_once_a_period() -> None:
    every = Every.model_validate({"period": "30s", "jitter": "1s"})
    table = Timetable(SEED, every, np.arange(3), MINUTE)
    sessions = table.sessions(DAY, DAY + HOUR)
    for who in range(3):
        t = np.sort(sessions.t[sessions.who == who])
        assert 119 <= len(t) <= 123
        assert np.abs(np.diff(t) - 30 * SECOND).max() <= SECOND
    half = table.sessions(DAY, DAY + HOUR // 2), table.sessions(DAY + HOUR // 2, DAY + HOUR)
    assert set(sessions.id.tolist()) == {*half[0].id.tolist(), *half[1].id.tolist()}


def test_all_together_or_each_at_a_phase() -> None:
    every = Every.model_validate({"period": "1h", "offset": "7m", "together": True})
    t = Timetable(SEED, every, np.arange(20), MINUTE).sessions(DAY, DAY + HOUR).t
    assert set(t.tolist()) == {DAY + 7 * MINUTE}
