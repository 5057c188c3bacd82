"""Which object a request is about: popular ones, a person's own, the next of a crawl; for kernels and for columns.

Routes with the same number of objects are about the same things: product 17 of the page is product 17 of the API, and
a person's orders have the same numbers wherever they are asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redgen.compiled import kernel
from redgen.seed import mix, normal_quantile, to_normal, to_uniform
from redgen.world.world import World

OBJECTS = ("none", "popular", "same", "own", "any", "next")
"""Ways to choose: by popularity, that of the page before, one of the person's own, any with equal chance, or the one
after the last (a crawl, a sync)."""
NONE, POPULAR, SAME, OWN, ANY, NEXT = range(len(OBJECTS))

OWNED = 4
"""A person owns up to this many objects of a route (orders, addresses, …)."""


def popular_objects(world: World, route: NDArray[np.integer], u: NDArray[np.float64]) -> NDArray[np.int64]:
    """An object of each route by its popularity law, for uniforms ``u``; -1 where the route has none."""
    found = np.full(len(route), -1, dtype=np.int64)
    _popular(route.astype(np.int64), u, world.routes.objects, world.routes.zipf, found)
    return found


def zipf_laws(n: NDArray[np.int64], s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The laws of many (n, s), float64[len(n), 3]; see ``zipf_law``."""
    return np.array([zipf_law(int(k), float(e)) for k, e in zip(n, s, strict=True)]).reshape(-1, 3)


def zipf_ranks(u: NDArray[np.float64], n: int, s: float) -> NDArray[np.int64]:
    """Ranks in [0, n) with P(rank) ~ 1/(rank + 1)^s, one per uniform."""
    found = np.empty(len(u), dtype=np.int64)
    _ranks(np.asarray(u, dtype=np.float64), np.int64(n), np.float64(s), found)
    return found


def own_objects(
    world: World, person: NDArray[np.integer], route: int, k: NDArray[np.integer] | int
) -> NDArray[np.int64]:
    """The k-th object (k < ``OWNED``) that each person owns at a route, such as their orders: a keyed fact."""
    which = np.broadcast_to(np.asarray(k, dtype=np.int64), person.shape).copy()
    n = int(world.routes.objects[route])
    found = np.empty(len(which), dtype=np.int64)
    _owned_rows(owned_key(world), person.astype(np.int64), which, n, found)
    return found


def owned_key(world: World) -> np.uint64:
    """The key of the stream that says who owns what."""
    return world.seed.key_for("owned objects")


@kernel("uint64(uint64, uint64)")
def hashed(h, salt):  # type: ignore[no-untyped-def]
    """``seed.mix`` as a call of its own, which keeps large kernels quick to compile."""
    return mix(h, salt)


@kernel("float64(uint64, uint64)")
def uniform(h, salt):  # type: ignore[no-untyped-def]
    """One float in (0, 1) of a hash, by a number of its own."""
    return to_uniform(mix(h, salt))


_CELLS = 2048
_OUTER = _CELLS // 64
_CORNERS = normal_quantile(np.arange(_CELLS + 1) / _CELLS)
_CELL_SHIFT, _PART_MASK = np.uint64(64 - 11), np.uint64((1 << 53) - 1)


@kernel("float64(uint64, uint64)")
def normal(h, salt):  # type: ignore[no-untyped-def]
    """One standard normal of a hash, by a number of its own.

    Between the 1/64 and the 63/64 quantile straight lines between 2048 corners of the quantile function, less than
    5e-5 from it (h^2/8 times its second derivative z/phi(z)^2, largest at 1/64); in the tails the function itself.
    """
    z = mix(h, salt)
    cell = np.int64(z >> _CELL_SHIFT)
    if cell < _OUTER or cell >= _CELLS - _OUTER:
        return to_normal(to_uniform(z))
    low = _CORNERS[cell]
    return low + (_CORNERS[cell + 1] - low) * (np.float64(z & _PART_MASK) * 2.0**-53)


@kernel()
def chosen(upto, u):  # type: ignore[no-untyped-def]
    """The first position whose running total exceeds u, -1 when the totals are zeros."""
    n = upto.shape[0]
    if n == 0 or upto[n - 1] <= 0.0:
        return -1
    for k in range(n):
        if u < upto[k]:
            return k
    return n - 1


@kernel()
def zipf(u, n, s):  # type: ignore[no-untyped-def]
    """Rank in [0, n) with P(rank) ~ 1/(rank + 1)^s, by inversion of the continuous law on [1/2, n + 1/2]."""
    low, span, power = zipf_law(n, s)
    return zipf_rank(u, n, low, span, power)


@kernel()
def zipf_law(n, s):  # type: ignore[no-untyped-def]
    """What ``zipf_rank`` needs to know of n and s: (low, span, power); power 0 stands for s = 1."""
    if abs(s - 1.0) < 1e-9:
        return 0.0, np.log(2.0 * n + 1.0), 0.0
    low = 0.5 ** (1.0 - s)
    return low, (n + 0.5) ** (1.0 - s) - low, 1.0 / (1.0 - s)


@kernel()
def zipf_rank(u, n, low, span, power):  # type: ignore[no-untyped-def]
    """``zipf`` for a law that is known."""
    if n <= 1:
        return np.int64(0)
    x = (low + u * span) ** power if power != 0.0 else 0.5 * np.exp(u * span)
    return min(np.int64(x - 0.5), np.int64(n - 1))


@kernel()
def scattered(rank, n):  # type: ignore[no-untyped-def]
    """A permutation of [0, n) (of hashes for huge n), so that popular objects do not have the lowest numbers."""
    if n < 2_000_000_000:
        return (rank * np.int64(2_147_483_647) + 12_345) % n  # a prime; far from a multiple of common sizes
    return np.int64(hashed(np.uint64(n), np.uint64(rank)) % np.uint64(n))


@kernel()
def owned(key, person, k, n):  # type: ignore[no-untyped-def]
    """The k-th object of a person among ``n``."""
    return np.int64(hashed(hashed(key, np.uint64(person)), np.uint64(n) * np.uint64(64) + np.uint64(k)) % np.uint64(n))


@kernel()
def object_of(mode, h, n, law, person, last, key, position):  # type: ignore[no-untyped-def]
    """The object a step is about; see ``OBJECTS``. ``law``: that of the n objects' popularity."""
    if mode == NONE or n <= 1:
        return np.int64(-1)
    if mode == POPULAR:
        return scattered(zipf_rank(uniform(h, 1), n, law[0], law[1], law[2]), n)
    if mode == SAME and last >= 0:
        return last % n
    if mode == OWN and person >= 0:
        return owned(key, person, np.int64(OWNED * uniform(h, 1) ** 2), n)
    if mode == NEXT:
        return position % n
    return min(np.int64(uniform(h, 1) * n), n - 1)


@kernel()
def _popular(route, u, objects, exponents, found):  # type: ignore[no-untyped-def]
    for i in range(route.shape[0]):
        n = objects[route[i]]
        if n > 1:
            found[i] = scattered(zipf(u[i], n, exponents[route[i]]), n)


@kernel()
def _ranks(u, n, s, found):  # type: ignore[no-untyped-def]
    law = zipf_law(n, s)
    for i in range(u.shape[0]):
        found[i] = zipf_rank(u[i], n, law[0], law[1], law[2])


@kernel()
def _owned_rows(key, person, k, n, found):  # type: ignore[no-untyped-def]
    for i in range(person.shape[0]):
        found[i] = owned(key, person[i], k[i], n)
