"""Let time pass: sit still, or wait for the hour at which somebody sleeps or works."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from redgen.activity import whereabouts
from redgen.clock import DAY, HOUR, MINUTE
from redgen.playbook.stage import People, Stage, Staged, action
from redgen.spec.distributions import Delay, Distribution

Hour = Annotated[float, Field(ge=0, lt=24)]


@action()
def wait(
    stage: Stage, *, lasting: Delay = Distribution.of(0), clock: People | None = None, from_hour: Hour | None = None,
    to_hour: Annotated[float, Field(gt=0, le=48)] | None = None,
) -> Staged:
    """Do nothing for ``lasting``, then until the clock of ``clock`` (UTC without one) stands in [from_hour, to_hour).

    ``to_hour`` above 24 is on the next day. The time inside the hours is drawn evenly; what is already inside them only
    waits for the rest of its draw.
    """
    stream = stage.seed.stream()
    t = stage.t + int(lasting.one(stream))
    if from_hour is None:
        return Staged(ended=t)
    span = (to_hour if to_hour is not None else from_hour + 1.0) - from_hour
    local = np.mod(t, DAY)
    if clock is not None and len(clock):
        here = whereabouts.local_minute(stage.world, clock.members[:1].astype(np.int32), np.array([t]))
        local = np.mod(int(here[0]) * MINUTE + t % MINUTE, DAY)
    begins = t - local + int(from_hour * HOUR)
    if begins + span * HOUR <= t:
        begins += DAY
    elif begins - DAY + span * HOUR > t:
        begins -= DAY
    low, high = max(begins, t), begins + int(span * HOUR)
    return Staged(ended=int(low + stream.uniform() * (high - low)))


ACTION = wait
