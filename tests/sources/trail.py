"""Calls for CloudTrail's tests, and the records that come of them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redgen.activity import calls, terms
from redgen.activity.schema import rows
from redgen.clock import HOUR, MINUTE, SECOND, parse_time
from redgen.seed import Seed
from redgen.sources import _cloudtrail_forms as forms
from redgen.sources._cloudtrail_words import split_agent
from redgen.sources.aws_cloudtrail import AwsCloudTrail
from redgen.table import Table, concat
from redgen.world.cloud import account_of, key_id
from redgen.world.world import World
from tests.sources.stories import NOON, ids
from tests.worlds import ROOT, small_world

HUMAN = 0xF1020304
DENIED = terms.CLOUD_ERRORS.index("AccessDenied")


@cache
def source(form: str = "json") -> AwsCloudTrail:
    return AwsCloudTrail(small_world(), Seed(3).child("cloudtrail"), form)


def recorded(table: Table) -> list[dict[str, Any]]:
    return [json.loads(text) for text in source().template.texts(source().observe({"cloud": table.without("truth")}))]


def named(name: str) -> int:
    return list(small_world().cloud.principals.name).index(name)


def agents(world: World, kind: str, n: int) -> Any:
    return world.agents.draw(kind, (np.arange(n) + 0.5) / n)


def every_call(world: World) -> Table:
    """Every operation by a user with a key, by a session of a role, on behalf by a service, denied, failing."""
    n_ops, ways = len(world.cloud.ops), 6
    n = n_ops * ways
    way, op = np.arange(n) // n_ops, np.arange(n) % n_ops
    users = world.cloud.principals_of("IAMUser")
    roles = world.cloud.principals_of("AssumedRole")
    is_user = (way == 0) | (way == 3)
    principal = np.where(is_user, users[np.arange(n) % len(users)], roles[np.arange(n) % len(roles)])
    principal = np.where(way == 5, world.cloud.principals_of("AWSService")[0], principal)
    turn = (op + way) % 3
    agent = np.choose(turn, [agents(world, kind, n) for kind in ("aws_cli", "aws_sdk", "aws_tool")])
    error = np.where(way == 3, DENIED, np.where(way == 4, 2 + np.arange(n) % (len(terms.CLOUD_ERRORS) - 2), -1))
    return calls.rows(
        world, ROOT, id=ids("call", n), cause=4, t=NOON + np.arange(n) * SECOND, truth=0, op=op, principal=principal,
        client=HUMAN, agent=agent, key=np.where(is_user, 0, ids("session", n)), error=error,
        session_t=np.where(is_user, 0, NOON - HOUR), service=np.where(way == 2, 3, -1), mfa=np.arange(n) % 2,
        console=np.where((way == 1) & (op % 5 == 0), 1, 0),
    )


@cache
def records() -> tuple[dict[str, Any], ...]:
    return tuple(recorded(every_call(small_world())))


def api_calls() -> list[dict[str, Any]]:
    return [r for r in records() if r["eventType"] == "AwsApiCall"]
