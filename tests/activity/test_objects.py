"""Objects: popularity by Zipf's law, numbers that do not tell it, and things that people own."""

from __future__ import annotations

import numpy as np

from redgen.activity.objects import OWNED, own_objects, popular_objects
from redgen.seed import Seed
from tests.shops import shop


def test_popularity_falls_with_rank_as_the_route_says() -> None:
    world, _ = shop()
    route = np.full(200_000, world.routes.code("shop.product"))
    objects = popular_objects(world, route, Seed(1).uniform(np.arange(200_000, dtype=np.uint64), "u"))
    counts = np.sort(np.unique(objects, return_counts=True)[1])[::-1][:200]
    slope = -np.polyfit(np.log(np.arange(1, 201)), np.log(counts), 1)[0]
    assert abs(slope - 1.03) < 0.05
    assert objects.min() >= 0
    assert objects.max() < 8000


def test_popular_numbers_are_scattered() -> None:
    world, _ = shop()
    u = Seed(1).uniform(np.arange(50_000, dtype=np.uint64), "u")
    objects = popular_objects(world, np.full(50_000, world.routes.code("shop.product")), u)
    numbers, counts = np.unique(objects, return_counts=True)
    top = numbers[np.argsort(counts)[::-1][:20]]
    assert np.median(top) > 1000


def test_what_is_owned_is_the_same_everywhere() -> None:
    world, _ = shop()
    people = np.arange(50)
    page, call = (own_objects(world, people, world.routes.code(r), 1) for r in ("shop.order", "api.order"))
    assert (page == call).all()
    every = np.concatenate([own_objects(world, people, world.routes.code("api.order"), k) for k in range(OWNED)])
    assert len(np.unique(every)) > 195


def test_routes_without_objects_have_none() -> None:
    world, _ = shop()
    assert popular_objects(world, np.array([world.routes.code("shop.home")]), np.array([0.3])).tolist() == [-1]
