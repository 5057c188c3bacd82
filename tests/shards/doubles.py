"""Stand-ins for the wings: a tiny benign model, three tiny sources, and plans over them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from redgen.activity.effects import Effects
from redgen.activity.schema import done_between, rows
from redgen.clock import DAY, HOUR, MINUTE, SECOND, Window, parse_time
from redgen.render.holes import Hex, Int, Time
from redgen.render.template import Template
from redgen.seed import Seed
from redgen.shards.happenings import Expansion, Happenings
from redgen.shards.layout import Rotation, make_layout
from redgen.shards.logs import Outlet
from redgen.shards.sensors import Sensor
from redgen.shards.shard import ShardPlan
from redgen.source import RECORD, Source
from redgen.table import Table

START = parse_time("2026-01-12T00:00:00Z")
CELL = 5 * MINUTE
SCHEMA = RECORD | {"obj": "i8", "part": "i1"}


class Crowd:
    """About ``per_cell`` http rows a cell, each a pure function of cell and number; some last minutes."""

    def __init__(self, seed: Seed, per_cell: int = 40) -> None:
        self.seed, self.per_cell = seed.child("benign"), per_cell

    def parts(self, a: int, b: int, kinds: dict[str, int], effects: Effects) -> list[dict[str, Table]]:
        low = a - kinds.get("http", 0)
        cells = np.arange((low - HOUR) // CELL, b // CELL + 1)
        ids = self.seed.noise((cells[:, None] * 2**24 + np.arange(self.per_cell)).astype(np.uint64).ravel(), "id")
        t = np.repeat(cells, self.per_cell) * CELL + (self.seed.uniform(ids, "t") * CELL).astype(np.int64)
        dur = (self.seed.uniform(ids, "dur") ** 8 * 50 * MINUTE).astype(np.int64)
        obj = self.seed.noise(ids, "obj") >> np.uint64(40)
        table = rows("http", len(ids), id=ids, cause=ids, t=t, dur=dur, obj=obj)
        return [done_between({"http": table}, low, b)]

    def expected_rows(self, a: int, b: int) -> float:
        return (b - a) / CELL * self.per_cell

    @property
    def populations(self) -> list[Any]:
        def play(windows: dict[str, tuple[int, int]], effects: Effects) -> dict[str, Table]:
            low, high = windows["http"]
            return self.parts(low, high, {"http": 0}, effects)[0]

        return [SimpleNamespace(play=play, behavior=SimpleNamespace(tiers=[SimpleNamespace(reach=HOUR)]))]


class Volley:
    """A volumetric step: one row every 100 ms of [start, stop), with truth 2."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop

    def __call__(self, a: int, b: int) -> dict[str, Table]:
        first, last = -(-max(a, self.start) // 100_000), -(-min(b, self.stop) // 100_000)
        t = np.arange(first, last) * 100_000
        ids = Seed(99).noise(t.astype(np.uint64), "volley")
        return {"http": rows("http", len(t), id=ids, cause=1, t=t, truth=2, obj=7)}


class Quick(Source):
    """One line per row at once."""

    name, title, sigma = "quick", "Quick", {"product": "test"}
    kinds, formats, fields, schema = {"http": 1}, {"line": "log"}, (), SCHEMA

    def __init__(self, world: Any = None, seed: Seed | None = None, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed or Seed(1), format)
        self.template = Template(["@{t} obj=@{obj}\n"], {"t": Time("w", "iso_us_z"), "obj": Int("obj")})

    def observe(self, activity: Any) -> Table:
        http = activity.get("http")
        if http is None:
            return self.nothing()
        done = http["t"] + http["dur"]
        return Table(SCHEMA, id=http["id"], t=done, w=done, obj=http["obj"], part=0)

    def time_of_line(self, line: str) -> int:
        return parse_time(line.split()[0])


class Slow(Quick):
    """Two records for odd objects; written up to seven minutes late; headers, footers and native ids."""

    name, title = "slow", "Slow"
    kinds: ClassVar = {"http": 7 * MINUTE}

    def __init__(self, world: Any = None, seed: Seed | None = None, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        holes = {"w": Time("w", "iso_us_z"), "t": Time("t", "iso_us_z"), "id": Hex("id", 20), "part": Int("part")}
        self.template = Template(["@{w} @{t} @{id}.@{part}\n"], holes)
        self.event_ids = Template(["@{id}.@{part}"], holes)

    def observe(self, activity: Any) -> Table:
        http = activity.get("http")
        if http is None:
            return self.nothing()
        done = http["t"] + http["dur"]
        w = done + (self.seed.uniform(http["id"], "delay") * (6 * MINUTE)).astype(np.int64)
        first = Table(SCHEMA, id=http["id"], t=http["t"], w=w, obj=http["obj"], part=0)
        odd = np.flatnonzero(http["obj"] % 2)
        second = first.take(odd).replace(part=1, w=w[odd] + 30 * SECOND * (first["obj"][odd] % 3))
        return Table(SCHEMA, **{k: np.concatenate([first[k], second[k]]) for k in SCHEMA})

    def fanout(self, kind: str, table: Table) -> Any:
        return (1 + table["obj"] % 2).astype(np.int32)

    def header(self, opened: int) -> bytes:
        return b"#opened\n#fields\tw\tt\tid\n"

    def footer(self, closed: int) -> bytes:
        return b"#closed\n"

    def time_of_line(self, line: str) -> int:
        return parse_time(line.split()[1])


class Wrapped(Quick):
    """One JSON document per file."""

    name, title = "wrapped", "Wrapped"
    formats: ClassVar = {"json": "json"}
    lead = b","

    def __init__(self, world: Any = None, seed: Seed | None = None, format: str = "") -> None:  # noqa: A002
        super().__init__(world, seed, format)
        self.template = Template([',{"t":@{t},"obj":@{obj}}\n'], {"t": Int("t"), "obj": Int("obj")})

    def header(self, opened: int) -> bytes:
        return b'{"Records":['

    def footer(self, closed: int) -> bytes:
        return b"]}"


def outlets(rotation: Rotation, compression: str = "", sensor: Sensor | None = None, **more: Any) -> tuple[Outlet, ...]:
    sensor = sensor or Sensor()
    return tuple(
        Outlet(s.name, s(None, Seed(5).child(s.name)), sensor, Seed(6).child(s.name), rotation, compression, **more)
        for s in (Quick, Slow, Wrapped))


def staged(seed: Seed, count: int = 300) -> dict[str, Table]:
    ids = seed.child("staged").noise(np.arange(count, dtype=np.uint64), "id")
    t = START + 5 * HOUR + np.arange(count) * 20 * SECOND
    return {"http": rows("http", count, id=ids, cause=2, t=t, dur=SECOND, truth=1, obj=np.arange(count))}


def tiny_plan(*, shard: int | None = None, duration: int = DAY, rotate: int = 7 * HOUR, compression: str = "",
              attack: bool = True, seed: int = 3, sensor: Sensor | None = None, per_cell: int = 40,
              by_event_time: bool = False, **more: Any) -> ShardPlan:
    window = Window(START, START + duration)
    crowd = Crowd(Seed(seed), per_cell)
    volley = Volley(START + 9 * HOUR, START + 9 * HOUR + 10 * MINUTE)
    happenings = Happenings.of(
        window, crowd, Effects.of(), [staged(Seed(seed))] if attack else [],  # type: ignore[arg-type]
        [Expansion(volley.start, volley.stop, volley)] if attack else [])
    layout = make_layout(window, CELL, crowd.expected_rows, crowd.expected_rows,
                         framed=bool(compression or more.get("parquet")), shard=shard, rows_per_shard=4000)
    made = outlets(Rotation(window, rotate), compression, sensor, **more)
    return ShardPlan(layout, happenings, made, 3, by_event_time)
