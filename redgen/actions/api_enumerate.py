"""Walk through other people's objects with a valid token."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._pace import pauses, rounds, too_fast
from redgen.actions._requests import Clients, Requests, ask, routes_of
from redgen.activity.objects import OWNED, own_objects, popular_objects
from redgen.clock import HOUR
from redgen.playbook.stage import Network, People, Stage, Staged, action
from redgen.seed import I64, U64
from redgen.spec.distributions import Delay, Distribution
from redgen.spec.model import Share

GAP = Distribution.of({"lognormal": {"median": "700ms", "sigma": 0.6}})
"""Between two requests of a script below a rate limit. Source: unverified (0.2-5 a second)."""
NONE = Distribution.of("0s")
_REVOKED_FOR = 12 * HOUR
_MANY_REFUSED = 0.2


@action(facts={
    "harvested": "number of objects that were handed out",
    "any_success": "at least one object was handed out",
    "hardened": "the service began to refuse objects of others",
    "blocked": "more than a fifth of the requests hit the rate limit",
    "hit_share": "share of the requests that were answered with an object",
})
def api_enumerate(
    stage: Stage, *, token: People, source: Network, route: str, count: Annotated[float, Field(ge=1, le=2e6)],
    order: Literal["sequential", "backwards", "sampled", "own"] = "sequential", gap: Delay = GAP,
    dense: Share = 0.9, hardens: Share = 0.0, detail: str = "", detail_share: Share = 1.0,
    batch: Annotated[float, Field(ge=1)] = 500.0, rest: Delay = NONE, allowed: Annotated[float, Field(gt=0)] = 600.0,
    revoke: bool = False,
) -> Staged:
    """Ask ``route`` for ``count`` objects one after the other, with the tokens of ``token``, from ``source``.

    ``order``: neighbouring ids upwards or backwards, ids by chance, or only the own ones. A share ``dense`` of the ids
    in reach belongs to an object (others: 404); each object handed out is followed by ``detail`` in a share of cases.
    With ``hardens`` above 0 the service is mended when that share of the run is left, and answers 403 to what is not
    the caller's own. Every ``batch`` requests the script takes a ``rest`` and its next address. Above ``allowed``
    requests a minute and address the answer is 429. ``revoke``: in the end the tokens are revoked, so the owner fails.
    """
    world, seed, n = stage.world, stage.seed, round(count)
    main, ids, turn = int(routes_of(world, [route])[0]), stage.ids(n), np.arange(n) // round(batch)
    person, hand = token.members[turn % len(token)], rounds(seed, int(turn[-1]) + 1, len(source))[turn]
    obj, own = _objects(stage, main, order, person, ids)
    t = _times(stage, n, gap, round(batch), rest)
    there = world.seed.child("assigned", route).uniform(obj.astype(np.uint64), "id") < dense
    late = ~own & (np.arange(n) >= (1.0 - hardens) * n)
    slow = too_fast(hand, t, allowed)
    status = np.select([slow, own, late, ~there], [429, 0, 403, 404], 0)
    who = Clients(source.addr[hand], source.agent[hand], source.device[hand], person)
    asked = Requests.of(ids, t, hand, np.full(n, main), obj=obj, status=status)
    hit = np.flatnonzero(status == 0)
    some = hit[seed.uniform(ids[hit], "detail") < detail_share] if detail else hit[:0]
    after = t[some] + (120_000 + 300_000 * seed.uniform(ids[some], "after")).astype(np.int64)
    second = np.full(len(some), int(routes_of(world, [detail])[0]) if detail else main)
    more = Requests.of(seed.noise(ids[some], "second"), after, hand[some], second, obj=obj[some])
    last = int(t[-1])
    return Staged(
        activity=ask(stage, Clients.concat([who, who.take(some)]), Requests.concat([asked, more])), ended=last,
        facts={
            "harvested": len(hit), "any_success": len(hit) > 0, "hardened": bool((late & ~slow).any()),
            "blocked": bool(slow.mean() > _MANY_REFUSED), "hit_share": len(hit) / n,
        },
        effects=tuple(
            stage.effect("token_revoked", p, last, last + _REVOKED_FOR) for p in token.members.tolist()
        ) if revoke else (),
    )


def _objects(stage: Stage, route: int, order: str, person: I64, ids: U64) -> tuple[I64, NDArray[np.bool_]]:
    """The object of each request, and whether it is the caller's own."""
    world, seed, n = stage.world, stage.seed, len(ids)
    size = max(int(world.routes.objects[route]), 1)
    own = own_objects(world, person, route, (seed.noise(ids, "own") % np.uint64(OWNED)).astype(np.int64))
    if order == "own":
        return own, np.ones(n, dtype=np.bool_)
    if order == "sampled":
        obj = popular_objects(world, np.full(n, route), seed.uniform(ids, "object"))
    else:
        step = 1 if order == "sequential" else -1
        obj = (own[0] + step * (1 + np.arange(n))) % size  # scripts begin beside an id they know: their own
    return obj, obj == own


def _times(stage: Stage, n: int, gap: Distribution, batch: int, rest: Distribution) -> I64:
    """One request after the other, with a rest after every batch."""
    which = np.arange(n, dtype=np.uint64)
    pause = pauses(stage.seed, which, gap)
    pause[0] = 0
    breaks = np.arange(batch, n, batch)
    pause[breaks] += rest.quantile(stage.seed.uniform(breaks.astype(np.uint64), "rest")).astype(np.int64)
    return stage.t + np.cumsum(pause)


ACTION = api_enumerate
