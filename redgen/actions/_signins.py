"""Sign-ins on a site's own pages: what a posted login means to the identity provider."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redgen.activity import signin
from redgen.activity.schema import Activity
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, FACTORS, ORGS
from redgen.errors import DataError
from redgen.playbook.stage import Role, Stage
from redgen.seed import I64, U64
from redgen.table import Table, concat
from redgen.world.world import World

OP = {word: k for k, word in enumerate(AUTH_OPS)}
RESULT = {word: k for k, word in enumerate(AUTH_RESULTS)}
CUSTOMERS, WORKFORCE = range(len(ORGS))
PASSWORD = FACTORS.index("password")
_ITS_OWN = ("Okta Dashboard", "Okta Admin Console")
"""Apps of the identity provider itself."""


def org_of(world: World, persons: NDArray[np.integer]) -> I64:
    """The identity provider's tenant of each person: customers' or the workforce's."""
    return np.where(persons < world.people.span("employee")[0], CUSTOMERS, WORKFORCE)


def apps_of(world: World) -> I64:
    """The apps that people open through the identity provider."""
    found = [k for k, name in enumerate(world.apps) if name not in _ITS_OWN]
    return np.array(found or [0], dtype=np.int64)


def login_site(world: World, site: Role | None) -> int:
    """The site whose login is tried: ``site``, else the first that customers sign in to; DataError without one."""
    if site is not None:
        return int(site.members[0])
    for s in np.flatnonzero(world.sites.org == CUSTOMERS).tolist():
        if len(world.routes.of_kind("login_post", s)):
            return int(s)
    raise DataError("customers sign in nowhere in this world: give a site `login: customers` and a login_post route")


def login_routes(world: World, site: int) -> tuple[int, int]:
    """The routes of a site's login form (-1 when there is none) and of the posted login."""
    form = world.routes.of_kind("login_form", site)
    post = world.routes.of_kind("login_post", site)
    if not len(post):
        raise DataError(f"site {world.sites.host[site]!r} has no login_post route")
    return (int(form[0]) if len(form) else -1), int(post[0])


def acts(stage: Stage, posted: Table, ids: U64, name: str, columns: dict[str, Any], step: int = 0) -> Table:
    """Auth rows for the posted requests ``ids``, one each, from the same client; ``columns`` are those of schema.AUTH.

    They fall inside the time the application took to answer, the ``step``-th of them later than those before;
    ``name`` keeps the ids of several acts behind one request apart.
    """
    order = np.argsort(posted["id"], kind="stable")
    at = order[np.searchsorted(posted["id"][order], ids)]
    took = posted["up_dur"][at]
    given = {c: posted[c][at] for c in ("client", "cport", "agent", "device")} | columns
    return signin.rows(
        stage.world, stage.root, id=stage.seed.noise(ids, f"auth/{name}"), cause=np.uint64(stage.cause),
        t=posted["t"][at] + (took * (0.45 + 0.3 * step)).astype(np.int64), dur=took // 8, truth=stage.truth, **given,
    )


def opened(
    stage: Stage, posted: Table, ids: U64, person: I64, session: U64, flow: U64, code: U64 | None = None
) -> Table:
    """A right password and the session it opens, behind each of the posted logins ``ids``.

    ``code``: the requests that answered for a second factor, one per login; the session then begins behind those.
    """
    about: dict[str, Any] = {"org": org_of(stage.world, person), "user": person, "flow": flow}
    first = about | {"op": OP["password"], "factor": PASSWORD}
    start = about | {"op": OP["session_start"], "session": session}
    if code is None:
        return concat([
            acts(stage, posted, ids, "password", first), acts(stage, posted, ids, "start", start, step=1),
        ])
    factor = stage.world.people.factor[person].astype(np.int64)
    pushed = factor == FACTORS.index("push")
    sent = about | {"op": OP["push_sent"], "factor": factor}
    answer = np.where(pushed, OP["push_answer"], OP["factor_check"])
    some = {name: column[pushed] if isinstance(column, np.ndarray) else column for name, column in sent.items()}
    return concat([
        acts(stage, posted, ids, "password", first | {"factor": factor}),
        acts(stage, posted, ids[pushed], "sent", some, step=1),
        acts(stage, posted, code, "code", about | {"op": answer, "factor": factor}),
        acts(stage, posted, code, "start", start | {"factor": factor}),
    ])


def merged(*parts: Activity) -> dict[str, Table]:
    """Activities joined kind by kind, empty tables left out unless a kind has no other."""
    found: dict[str, list[Table]] = {}
    for part in parts:
        for kind, table in part.items():
            found.setdefault(kind, []).append(table)
    return {kind: concat([t for t in tables if len(t)] or tables[:1]) for kind, tables in found.items()}
