"""Work in SSH sessions: sudo, a new account, and out again."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from redgen.actions._pace import pauses, scattered
from redgen.activity import ssh
from redgen.activity.groups import expand, running
from redgen.activity.terms import SSH_METHODS
from redgen.clock import MINUTE, SECOND
from redgen.errors import DataError
from redgen.playbook.stage import Host, Network, People, Stage, Staged, action
from redgen.seed import I64, U64
from redgen.spec.distributions import CountLaw, Delay, Distribution
from redgen.spec.model import Share
from redgen.table import Table, concat

STAY = Distribution.of({"lognormal": {"median": "9m", "sigma": 1.0}})
"""Length of a session. Source: unverified."""
GAP = Distribution.of({"lognormal": {"median": "25s", "sigma": 0.9}})
"""Between two commands. Source: unverified."""
NONE, AT_ONCE, FEW = Distribution.of(0), Distribution.of("0s"), Distribution.of(4)
TOOLS = {"useradd": "useradd", "usermod": "usermod_sudo", "passwd": "passwd_changed"}
"""The tools that make an administrator's account, and what each of them logs."""
_TOOL_RUNS = 140_000


class Work(NamedTuple):
    """Commands of all sessions: position of the session, id, time since the door opened, code in World.commands."""

    of: I64
    id: U64
    since: I64
    command: I64


@action(facts={
    "entered": "hosts on which a session took place",
    "root": "sudo let the account do what it asked for",
    "persisted": "an account was made",
})
def ssh_session(
    stage: Stage, *, host: Host, account: People, source: Network | None = None, origin: Host | None = None,
    sessions: Annotated[float, Field(ge=1, le=100_000)] = 1.0, within: Delay = AT_ONCE,
    method: Literal["password", "publickey"] = "password", own_key: bool = False, wrong: CountLaw = NONE,
    stay: Delay = STAY, commands: CountLaw = FEW, gap: Delay = GAP, choice: Literal["everyday", "unusual"] = "everyday",
    denied: Share = 0.0, adds_account: bool = False,
) -> Staged:
    """Log in to ``host`` as ``account``, ``sessions`` times within ``within``, and run ``commands`` with sudo.

    From the addresses ``source`` to the hosts' public address, or from the inner address of the host ``origin``. With
    ``method`` publickey the key is the account's own, or (``own_key``) one that an intruder put there. ``choice``:
    commands of every day or unusual ones; a share ``denied`` of accounts may not use sudo. ``adds_account`` makes an
    administrator's account.
    """
    world, seed, n = stage.world, stage.seed, round(sessions)
    if (source is None) == (origin is None):
        raise DataError("ssh_session: say either source (addresses) or origin (a host)")
    start = source if source is not None else origin
    if start is None or not len(host) or not len(account) or not len(start):
        return Staged(ended=stage.t, facts={"entered": host.members[:0], "root": False, "persisted": False})
    t = scattered(seed, n, t=stage.t, span=int(within.one(seed.stream())))
    ids, turn = stage.ids(n, "connection"), np.arange(n)
    where, who = host.members[turn % len(host)], account.members[turn % len(account)].astype(np.int32)
    client = start.addr if origin is None else world.hosts.addr[start.members]
    work = _work(stage, ids, commands, gap, choice)
    lasts = stay.quantile(seed.uniform(ids, "stay")).astype(np.int64)
    np.maximum.at(lasts, work.of, work.since + 30 * SECOND)
    made = ssh.connections(
        world, stage.root, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth, host=where,
        client=client[turn % len(client)], name=world.people.unix[who], user=who, outcome=ssh.ACCEPTED,
        method=SSH_METHODS.index(method), stay=lasts + (2 * MINUTE if adds_account else 0), public=origin is None,
        tries=np.rint(wrong.quantile(seed.uniform(ids, "wrong"))).astype(np.int64), pace=3.5 * SECOND,
        key=stage.root.child("planted").key_for(stage.campaign_id) if own_key else np.uint64(0),
    )
    refused = seed.uniform(who.astype(np.uint64), "sudo") < denied
    about: dict[str, Any] = {"host": where, "user": who, "conn": made.conn, "start": t}
    rows = [made.shell, _typed(stage, work.id, made.entered[work.of] + work.since, work.command, {
        name: column[work.of] for name, column in about.items()}, denied=refused[work.of])]
    if adds_account:
        last = np.zeros(n, dtype=np.int64)
        np.maximum.at(last, work.of, work.since)
        some = np.flatnonzero(~refused)[:1]
        rows += _new_account(stage, (made.entered + last)[some], {name: c[some] for name, c in about.items()})
    return Staged(
        activity={"shell": concat(rows), "flow": made.flow}, ended=int(made.ended.max()),
        facts={
            "entered": np.unique(where), "root": not bool(refused.all()),
            "persisted": adds_account and not bool(refused.all()),
        },
    )


def _work(stage: Stage, ids: U64, commands: Distribution, gap: Distribution, choice: str) -> Work:
    """What is run in each session, and when."""
    seed, hosts = stage.seed, stage.world.hosts
    of, rank = expand(np.rint(commands.quantile(seed.uniform(ids, "commands"))).astype(np.int64))
    own = seed.noise(ids[of] + rank.astype(np.uint64), "command")
    pause = pauses(seed, own, gap) + 3 * SECOND
    low, high = (0, hosts.ordinary) if choice == "everyday" else (hosts.ordinary, len(hosts.commands))
    u = seed.uniform(own, "which") ** (1.6 if choice == "everyday" else 1.0)
    return Work(of, own, running(pause, rank), low + ((high - low) * u).astype(np.int64))


def _typed(
    stage: Stage, ids: U64, t: I64, command: I64, about: dict[str, Any], *, denied: NDArray[np.bool_] | bool = False,
    dur: int | None = None,
) -> Table:
    """Rows of commands typed with sudo; ``about``: host, user, conn and start of each."""
    return ssh.commands(
        stage.world, stage.root, id=ids, cause=np.uint64(stage.cause), t=t, truth=stage.truth, command=command,
        name=stage.world.people.unix[about["user"]], denied=denied, dur=dur, **about,
    )


def _new_account(stage: Stage, after: I64, about: dict[str, Any]) -> list[Table]:
    """An account with an administrator's rights and a password: what was typed with sudo, and what it did."""
    hosts, n = stage.world.hosts, len(after)
    typed = [next((k for k, text in enumerate(hosts.commands) if f"/{tool} " in text), 0) for tool in TOOLS]
    names = {text: k for k, text in enumerate(hosts.unix_names)}
    newcomer = names.get(hosts.commands[typed[0]].split()[-1], min(hosts.owned, len(hosts.unix_names) - 1))
    rows: list[Table] = []
    for k, (tool, op) in enumerate(TOOLS.items()):
        t = after + (12 + 17 * k) * SECOND
        rows.append(_typed(stage, stage.ids(n, f"sudo {tool}"), t, np.full(n, typed[k]), about, dur=_TOOL_RUNS))
        rows.append(ssh.account(
            stage.world, stage.root, id=stage.ids(n, op), cause=np.uint64(stage.cause), t=t + _TOOL_RUNS,
            truth=stage.truth, name=np.full(n, newcomer), op=op, **about,
        ))
    return rows


ACTION = ssh_session
