"""Send push prompts to somebody's phone until they give in, refuse for good, or report it."""

from __future__ import annotations

from typing import Any

import numpy as np

from redgen.actions._hands import hands, hands_of
from redgen.actions._pace import arrivals
from redgen.actions._signins import OP, PASSWORD, RESULT, WORKFORCE, merged
from redgen.activity import signin
from redgen.activity.signin import PUSH_TIMEOUT
from redgen.activity.terms import FACTORS
from redgen.clock import MINUTE, SECOND
from redgen.playbook.stage import Network, People, Stage, Staged, action
from redgen.seed import I64
from redgen.spec.distributions import CountLaw, Delay, Distribution
from redgen.spec.model import Share
from redgen.table import Table

PROMPTS = Distribution.of({"log_uniform": [3, 30]})
GAP = Distribution.of({"lognormal": {"median": "55s", "sigma": 0.7}})
"""3 to 30 prompts in less than an hour. Source: unverified."""
AGAIN = 3
"""Prompts of one sign-in page; for more the password is given anew. Source: unverified."""


@action(facts={
    "accepted": "a prompt was approved: a session began",
    "denied": "at least one prompt was refused",
    "reported": "the owner reported the prompts",
    "ignored": "no prompt was answered",
    "prompts": "number of prompts sent",
    "session": "id of the session that began, 0 without one",
})
def push_bomb(
    stage: Stage, *, victim: People, source: Network, prompts: CountLaw = PROMPTS, gap: Delay = GAP,
    accepts: Share = 0.02, denies: Share = 0.25, reports: Share = 0.05,
) -> Staged:
    """Sign in with the right password again and again so that ``victim``'s phone is prompted, ``gap`` apart.

    Each prompt is approved with chance ``accepts``, refused with ``denies`` and left to time out otherwise; each
    refusal is reported with chance ``reports``. An approval or a report ends it, ``prompts`` are sent at most.
    """
    seed, most = stage.seed, max(round(prompts.one(stage.seed.child("prompts").stream())), 1)
    which = np.arange(most, dtype=np.uint64)
    u = seed.uniform(which, "answer")
    answer = np.select([u < accepts, u < accepts + denies], [RESULT["ok"], RESULT["denied"]], RESULT["timeout"])
    told = (answer == RESULT["denied"]) & (seed.uniform(which, "report") < reports)
    over = np.flatnonzero((answer == RESULT["ok"]) | told)
    n = int(over[0]) + 1 if len(over) else most
    answer = answer[:n]
    person, accepted = int(victim.members[0]), bool(answer[-1] == RESULT["ok"])
    flow = seed.noise(which[:n] // np.uint64(AGAIN), "flow")
    hand = hands(stage.world, source, np.zeros(1, dtype=np.int64), victim.members[:1], "given", np.array([stage.t]))
    about = {"cause": np.uint64(stage.cause), "truth": stage.truth, "user": person,
             **{name: column[0] for name, column in hand._asdict().items()}}
    tables = _prompts(stage, arrivals(seed, n, t=stage.t, gap=gap), answer, flow, about)
    last = int((tables[-1]["t"] + tables[-1]["dur"]).max())
    session = int(seed.key_for("session")) if accepted else 0
    if accepted:
        tables.append(signin.rows(
            stage.world, stage.root, id=stage.ids(1, "start"), t=np.array([last]), dur=0, op=OP["session_start"],
            flow=flow[-1:], factor=FACTORS.index("push"), session=np.uint64(session), org=WORKFORCE, **about,
        ))
    if told[:n].any():
        tables.append(_report(stage, person, last))
    return Staged(
        activity=merged(*({"auth": table} for table in tables)),
        ended=int((tables[-1]["t"] + tables[-1]["dur"]).max()),
        facts={
            "accepted": accepted, "denied": bool((answer == RESULT["denied"]).any()), "prompts": n, "session": session,
            "reported": bool(told[:n].any()), "ignored": bool((answer == RESULT["timeout"]).all()),
        },
    )


def _prompts(stage: Stage, t: I64, answer: I64, flow: np.ndarray[Any, Any], about: dict[str, Any]) -> list[Table]:
    """Logins, passwords (all right), prompts and their answers; a new prompt takes the place of one nobody answered."""
    seed, n = stage.seed, len(t)
    which = np.arange(n, dtype=np.uint64)
    fresh = np.flatnonzero(which % np.uint64(AGAIN) == 0)
    typed = (2_500_000 * np.exp(0.5 * seed.normal(which[fresh], "typed"))).astype(np.int64)
    named = typed + (2_200_000 * np.exp(0.5 * seed.normal(which[fresh], "named"))).astype(np.int64)
    begun = [signin.rows(
        stage.world, stage.root, id=stage.ids(len(fresh), op), t=t[fresh] - before, op=OP[op], flow=flow[fresh],
        factor=factor, org=WORKFORCE, **about,
    ) for op, before, factor in (("identify", named, -1), ("password", typed, PASSWORD))]
    thumb = (7 * SECOND * np.exp(0.5 * seed.normal(which, "thumb"))).astype(np.int64)
    until_next = np.append(np.diff(t) - SECOND // 2, PUSH_TIMEOUT)
    ignored = np.clip(until_next, 0, PUSH_TIMEOUT)
    wait = np.where(answer == RESULT["timeout"], ignored, np.minimum(thumb, 40 * SECOND))
    prompts = signin.push_prompts(
        stage.world, stage.root, id=stage.ids(n, "push"), t=t, flow=flow, answer=answer, wait=wait, **about,
    )
    return [*begun, prompts]


def _report(stage: Stage, person: int, t: int) -> Table:
    """The owner says so, from where they are."""
    who = np.array([person], dtype=np.int64)
    late = float(np.exp(0.8 * stage.seed.normal(who.astype(np.uint64), "report")[0]))
    when = np.array([t + int(2 * MINUTE * late)])
    own = hands_of(stage.world, who, "mobile", when)
    return signin.rows(
        stage.world, stage.root, id=stage.ids(1, "report"), cause=np.uint64(stage.cause), t=when, truth=stage.truth,
        op=OP["report_suspicious"], org=WORKFORCE, user=who, flow=stage.ids(1, "report flow"), **own._asdict(),
    )


ACTION = push_bomb
