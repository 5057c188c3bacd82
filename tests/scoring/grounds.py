"""Small worlds for scorers: a truth in memory, an index of its logs, and alerts about it. Times are minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from redgen.alert import Alerts, Detection, alerts_of
from redgen.clock import DAY, MINUTE
from redgen.ground import LABEL_COLUMNS, Campaign, Extent, Ground, HardNegative, Step
from redgen.matching.index import MemoryIndex

T0 = 1_768_176_000_000_000
WEB, AUTH = "logs/web/web.0.log", "logs/auth/auth.0.log"
SOURCE_OF = {WEB: "web", AUTH: "auth"}


def at(minutes: float) -> int:
    """A moment, minutes after the dataset's start."""
    return T0 + round(minutes * MINUTE)


@dataclass
class Attack:
    """A campaign to be: steps with the (minute, line) of each of its lines, and who is in it."""

    name: str
    steps: Mapping[str, Sequence[tuple[float, int]]]
    ip: Sequence[str] = ()
    user: Sequence[str] = ()
    host: Sequence[str] = ()
    impact: float | None = None
    weight: float = 1.0
    playbook: str = "playbook"
    family: str = "family"
    roles: Mapping[str, str] = field(default_factory=dict)
    stratum: Mapping[str, object] = field(default_factory=dict)
    file: str = WEB
    ids: bool = True


@dataclass
class Lookalike:
    """A hard negative to be."""

    name: str
    kind: str
    lines: Sequence[tuple[float, int]]
    user: Sequence[str] = ()
    file: str = WEB


def ground(attacks: Sequence[Attack], noise: Sequence[Lookalike] = (), *, lines: int = 1000, days: float = 1,
           people: int = 100, seed: int = 7) -> Ground:
    """The truth of one dataset with two sources of ``lines`` lines each."""
    rows = []
    for a in attacks:
        for step, places in a.steps.items():
            rows += [(SOURCE_OF[a.file], a.file, line, f"id-{SOURCE_OF[a.file]}-{line}" if a.ids else "", at(m),
                      "malicious", a.name, step, f"T-{step}", "") for m, line in places]
    for n in noise:
        rows += [(SOURCE_OF[n.file], n.file, line, f"id-{SOURCE_OF[n.file]}-{line}", at(m), "hard_negative", "", "", "",
                  n.name) for m, line in n.lines]
    labels = pd.DataFrame(rows, columns=list(LABEL_COLUMNS)).astype(
        {c: "str" for c in LABEL_COLUMNS if c not in ("line", "t")} | {"line": "int64", "t": "int64"})
    hard = tuple(HardNegative(n.name, n.kind, at(n.lines[0][0]), at(n.lines[-1][0]), {"user": tuple(n.user)})
                 for n in noise)
    extents = tuple(Extent(f, s, lines) for f, s in SOURCE_OF.items())
    return Ground(labels, tuple(_campaign(a) for a in attacks), hard, T0, T0 + round(days * DAY),
                  dict.fromkeys(SOURCE_OF.values(), lines), "sha256:small", "small", seed, people, extents)


def _campaign(a: Attack) -> Campaign:
    steps = tuple(Step(name, f"T-{name}", at(min(p)[0]), at(max(p)[0]), len(p), {SOURCE_OF[a.file]: len(p)},
                       a.roles.get(name, "")) for name, p in a.steps.items())
    n = sum(s.n_events for s in steps)
    victim = {k: tuple(v) for k, v in (("user", a.user), ("host", a.host)) if v}
    return Campaign(a.name, a.playbook, a.family, min(s.t0 for s in steps), None if a.impact is None else at(a.impact),
                    max(s.t1 for s in steps), a.weight, a.stratum, steps, {"attacker": {"ip": tuple(a.ip)} if a.ip else {},
                    "victim": victim}, {SOURCE_OF[a.file]: n}, n)


@dataclass
class Said:
    """One alert to be: lines are numbers in the web log, or (file, line); ids are event ids."""

    rule: str = "r"
    t: float = 0.0
    lines: Sequence[int | tuple[str, int]] = ()
    ids: Sequence[str] = ()
    who: Sequence[tuple[str, str]] = ()
    first: float | None = None
    last: float | None = None
    severity: int = 50
    name: str = ""


def alerts(said: Sequence[Said], clock: str = "event") -> Alerts:
    """The alerts, in normal form."""
    events = [(k, "", *((WEB, line) if isinstance(line, int) else line)) for k, s in enumerate(said) for line in s.lines]
    events += [(k, i, "", 0) for k, s in enumerate(said) for i in s.ids]
    people = [(k, kind, value) for k, s in enumerate(said) for kind, value in s.who]
    return alerts_of(
        {"alert_id": [s.name or f"A-{k:06d}" for k, s in enumerate(said)], "rule_id": [s.rule for s in said],
         "severity": [s.severity for s in said], "t_alert": [at(s.t) for s in said],
         "t_first": [at(s.t if s.first is None else s.first) for s in said],
         "t_last": [at(s.t if s.last is None else s.last) for s in said]},
        dict(zip(("alert", "event_id", "file", "line"), zip(*events, strict=True), strict=True)) if events else None,
        dict(zip(("alert", "type", "value"), zip(*people, strict=True), strict=True)) if people else None, clock)


def detection(said: Sequence[Said], **more: object) -> Detection:
    """A detector that said this."""
    return Detection("test", alerts(said), **more)  # type: ignore[arg-type]


def index_of(rows: Sequence[tuple[str, int, float, str, str]]) -> MemoryIndex:
    """An index of lines (file, line, minute, ip, user)."""
    frame = pd.DataFrame(rows, columns=["file", "line", "t", "ip", "user"])
    frame["t"] = [at(m) for m in frame["t"]]
    return MemoryIndex(frame, {"ip": "ip", "user": "user"})


def many(n: int, *, lines: int = 20_000, seed: int = 3, per_step: int = 4) -> Ground:
    """``n`` campaigns of two steps each over a day, each line of them somewhere else in the web log."""
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.uniform(0, 1300, n))
    places = np.sort(rng.choice(lines, n * 2 * per_step, replace=False) + 1).reshape(n, 2, per_step)
    return ground([
        Attack(f"C-{k:03d}", {"try": [(m + i, int(p[0, i])) for i in range(per_step)],
                              "take": [(m + 30 + i, int(p[1, i])) for i in range(per_step)]},
               ip=[f"10.9.{k // 256}.{k % 256}"], user=[f"user{k}@corp.example"], impact=m + 30,
               playbook=f"playbook-{k % 3}", weight=1.0)
        for k, (m, p) in enumerate(zip(minutes, places, strict=True))], lines=lines, people=1000)
