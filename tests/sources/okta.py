"""Sign-ins for the tests of Okta's System Log, and the events that come of them."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redgen.activity import signin, terms
from redgen.activity.effects import Effects
from redgen.activity.schema import rows
from redgen.clock import HOUR, MINUTE, SECOND, iso, parse_time
from redgen.seed import Seed
from redgen.sources import _okta_forms, _okta_words
from redgen.sources.okta_system import OktaSystem
from redgen.table import Table, concat
from redgen.world.world import World
from tests.sources.stories import NOON, ids
from tests.worlds import ROOT, small_world

SHARED = Path(__file__).resolve().parents[3] / "shared"
KEYS = ["actor", "client", "device", "authenticationContext", "displayMessage", "eventType", "outcome", "published",
        "securityContext", "severity", "debugContext", "legacyEventType", "transaction", "uuid", "version", "request",
        "target"]
OP, RESULT, FACTOR = terms.AUTH_OPS.index, terms.AUTH_RESULTS.index, terms.FACTORS.index
CUSTOMERS, WORKFORCE = range(2)


@cache
def source() -> OktaSystem:
    return OktaSystem(small_world(), Seed(3).child("okta"))


def logged(table: Table) -> list[dict[str, Any]]:
    """The events of some rows, in the order they can be read."""
    records = source().observe({"auth": table.without("truth")})
    order = np.lexsort((records["id"], records["w"]))
    return [json.loads(text) for text in source().template.texts(records.take(order))]


def people(world: World, kind: str, n: int) -> Any:
    start, _ = world.people.span(kind)
    return np.arange(start, start + n, dtype=np.int32)


def logins(world: World, n: int = 400) -> Table:
    """Logins of both orgs in every way they can go, from home, office and from where nobody is at home."""
    name, t = ids("login", n), NOON + np.arange(n) * 7 * SECOND
    org = np.arange(n) % 2
    user = np.where(org == CUSTOMERS, people(world, "customer", n), people(world, "employee", 60)[np.arange(n) % 60])
    nobody = np.arange(n) % 11 == 0
    strange = np.arange(n) % 5 == 0
    home = world.people.address(user.astype(np.int32), (np.arange(n) % 3 * (org > 0)).astype(np.int8), t)
    client = np.where(strange, world.plan.draw("hosting", name, ROOT, "strange"), home)
    return signin.web_login(
        world, ROOT, Effects.of([]), id=name, cause=name, t=t, truth=0, org=org, user=np.where(nobody, -1, user),
        typed=np.where(nobody, np.arange(n) % len(world.typos), -1), client=client, agent=world.people.agent[user, 0],
        device=np.where(strange, name, world.people.device[user, 0]), wrong=np.arange(n) % 13,
        knows=np.arange(n) % 7 > 0, factor=np.where(org == WORKFORCE, world.people.factor[user], -1),
        answer=np.array([0, 0, 0, RESULT("denied"), RESULT("timeout")])[np.arange(n) % 5], prompts=1 + np.arange(n) % 3,
        app=np.where(org == WORKFORCE, np.arange(n) % len(world.apps), -1),
    ).rows


def acts(world: World) -> Table:
    """Everything that is done after a login, by its user and by an administrator, in both orgs."""
    told = [(op, org, admin) for op in range(len(terms.AUTH_OPS)) for org in range(2) for admin in range(2)
            if terms.AUTH_OPS[op] not in ("password", "session_start", "lock", "push_sent", "push_answer")]
    op, org, by_admin = (np.array(part) for part in zip(*told, strict=True))
    n = len(told)
    start = int(world.people.span("admin")[0])
    user = np.where(org == CUSTOMERS, people(world, "customer", n), people(world, "employee", n))
    actor = np.where(by_admin == 1, start, user)
    return signin.rows(
        world, ROOT, id=ids("act", n), cause=9, t=NOON + np.arange(n) * MINUTE, truth=0, op=op, org=org, user=actor,
        client=world.people.home[actor], agent=world.people.agent[actor, 0], device=world.people.device[actor, 0],
        session=ids("session of act", n), flow=ids("flow of act", n), factor=FACTOR("webauthn"), app=3,
        target=np.where(by_admin == 1, user, -1),
    )


@cache
def events() -> tuple[dict[str, Any], ...]:
    world = small_world()
    return tuple(logged(concat([logins(world), acts(world)])))


def debug(event: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = event["debugContext"]["debugData"]
    return found


def grouped(found: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> list[list[dict[str, Any]]]:
    groups = defaultdict(list)
    for event in found:
        groups[key(event)].append(event)
    return list(groups.values())


def web() -> list[dict[str, Any]]:
    return [e for e in events() if e["transaction"]["type"] == "WEB"]
