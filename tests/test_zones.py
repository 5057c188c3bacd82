"""Civil time is what the time zone database says, for any mix of zones and times."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from redgen import zones
from redgen.clock import SECOND, parse_time
from redgen.spec.baseline import Season
from tests.worlds import small_world

PLACES = ("America/New_York", "Europe/Dublin", "Australia/Adelaide", "Asia/Kolkata", "America/Santiago", "Africa/Cairo")


def test_offsets_are_those_of_the_database() -> None:
    drawn = random.Random(7)
    t = np.array([drawn.randrange(1_577_836_800, 1_893_456_000) for _ in range(3000)], dtype=np.int64)
    zone = np.array([drawn.randrange(len(PLACES)) for _ in t])
    found = zones.offsets(PLACES, zone, t * SECOND)
    for minutes, second, code in zip(found.tolist(), t.tolist(), zone.tolist(), strict=True):
        there = datetime.fromtimestamp(second, UTC).astimezone(zones._zone(PLACES[code])).utcoffset()
        assert there is not None and minutes * 60 == there.total_seconds()


def test_clocks_change_at_the_minute_they_change() -> None:
    change = parse_time("2026-03-29T01:00:00Z")
    assert zones.offsets(["Europe/Dublin"], 0, np.array([change - 1, change])).tolist() == [0, 60]
    assert zones.offsets(["Europe/Dublin"], 0, np.zeros(0, dtype=np.int64)).tolist() == []


def test_a_year_that_ends_within_the_times_changes_nothing() -> None:
    t = parse_time("2025-12-31T23:00:00Z") + np.arange(5) * 1800 * SECOND
    assert zones.offsets(["Europe/Berlin"], 0, t).tolist() == [60] * 5


def test_every_city_lies_in_a_zone_and_zones_of_one_rule_are_one() -> None:
    cities = small_world().plan.cities
    assert set(cities.zones) <= zones.known()
    assert zones.rules("Europe/Berlin") == zones.rules("Europe/Paris") != zones.rules("Africa/Lagos")
    assert zones.standard("Australia/Sydney") == 600 and zones.standard("Europe/Dublin") == 0


def test_a_season_may_name_a_zone_that_exists() -> None:
    assert Season(timezone="Europe/Dublin").zones == {"Europe/Dublin": 1.0}
    with pytest.raises(ValidationError, match="did you mean"):
        Season(timezone="Europe/Dubln")
