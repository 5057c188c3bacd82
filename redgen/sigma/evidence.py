"""Alerts from fires, and the events behind them.

An alert is an episode: fires of one group, each at most a span after the one before. Its evidence are the members of
its group between the oldest window's start and the last fire; the events of an inner correlation stand for its fires.
Of long evidence an even sample with both ends is kept, so that the share of attack events in it stays true.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redgen.sigma.columns import text
from redgen.sigma.members import PLACES, Inner
from redgen.sigma.shapes import Shape
from redgen.sigma.store import Store


def episodes(store: Store, number: int, shape: Shape, rule: int, *, raw: bool) -> None:
    """Append the alerts of ``f<number>`` to ``found``, and where their evidence lies to ``spans``.

    ``found``: ``key``, ``rule``, ``ts``, ``fires``, ``grp`` (JSON) and ``metric``; with ``raw`` every fire is an alert.
    """
    gap = f"t - lag(t) OVER (PARTITION BY g ORDER BY t, eid) > {shape.span}"
    begins = "1" if raw else f"coalesce(({gap})::INT, 1)"
    base = store.one("SELECT coalesce(max(key), -1) + 1 FROM found")
    store.db.execute(f"""
        CREATE OR REPLACE TEMP TABLE episode AS
        SELECT row_number() OVER (ORDER BY min(t), g, e) - 1 + {base} AS key, g, min(t) AS ts, count(*) AS fires,
               min(start) AS lo, max(stop) AS hi, max(metric) AS metric
        FROM (SELECT *, sum(n) OVER (PARTITION BY g ORDER BY t, eid ROWS UNBOUNDED PRECEDING) AS e
              FROM (SELECT *, {begins} AS n FROM f{number}))
        GROUP BY g, e""")
    pairs = ", ".join(f"{text(name)}, k.r{i}" for i, name in enumerate(shape.groups))
    group = f"json_object({pairs})::VARCHAR" if pairs else "'{}'"
    store.db.execute(f"INSERT INTO found SELECT key, {rule}, ts, fires, {group}, metric "
                     f"FROM episode JOIN k{number} k USING (g)")
    store.db.execute("CREATE OR REPLACE TEMP TABLE spans AS SELECT key, g, lo, hi FROM episode")


BUDGET = 5_000_000
"""Events named by all alerts of one correlation together; with ``--raw-fires`` a dense burst could name billions."""


def cap_of(store: Store, cap: int) -> int:
    """How many events each alert of ``spans`` may name: ``cap``, or less when there are very many alerts."""
    alerts: int = store.one("SELECT count(*) FROM spans")
    return max(2, min(cap, BUDGET // max(alerts, 1)))


def collect(store: Store, number: int, shape: Shape, inners: Mapping[int, Inner], cap: int) -> None:
    """Append the evidence of ``spans`` to ``found_events`` and its full size to ``found_sizes``.

    ``inners``: slot -> inner correlation. Afterwards ``spans`` is used up.
    """
    _number_members(store, number, _seen(shape))
    store.db.execute("""
        CREATE OR REPLACE TEMP TABLE ranges AS
        SELECT s.key, s.g, a.first, b.last, b.last - a.first + 1 AS n FROM spans s
        ASOF JOIN ordinals a ON s.g = a.g AND s.lo <= a.t
        ASOF JOIN ordinals b ON s.g = b.g AND s.hi >= b.t
        WHERE b.last >= a.first""")
    nth = f"CASE WHEN n <= {cap} THEN first + j ELSE first + (j * (n - 1)) // greatest({cap} - 1, 1) END"
    store.db.execute(f"""
        CREATE OR REPLACE TEMP TABLE picked AS
        SELECT p.key, o.eid, o.t FROM
          (SELECT key, g, {nth} AS ordinal FROM (SELECT *, unnest(range(least(n, {cap}))) AS j FROM ranges)) p
        JOIN ordered o ON o.g = p.g AND o.ordinal = p.ordinal""")
    store.db.execute(f"INSERT INTO found_events SELECT key, eid >> {PLACES}, eid & ((1::BIGINT << {PLACES}) - 1), t "
                     "FROM picked WHERE eid >= 0")
    if not inners:
        store.db.execute("INSERT INTO found_sizes SELECT key, n FROM ranges")
        return
    store.db.execute("INSERT INTO found_sizes SELECT key, count(*) FROM picked WHERE eid >= 0 GROUP BY key")
    store.db.execute("CREATE OR REPLACE TEMP TABLE pending AS SELECT * FROM picked WHERE eid < 0")
    held = f"pending{number}"
    store.db.execute(f"DROP TABLE IF EXISTS {held}")
    store.db.execute(f"ALTER TABLE pending RENAME TO {held}")
    for slot, inner in inners.items():
        _descend(store, held, slot, inner, cap)
    store.db.execute(f"DROP TABLE {held}")


def _seen(shape: Shape) -> Sequence[int]:
    """The slots whose events are evidence: all, or those that an extended condition wants seen."""
    if not shape.clauses:
        return range(len(shape.slots))
    return sorted(frozenset().union(*(positive for positive, _ in shape.clauses)))


def _number_members(store: Store, number: int, slots: Sequence[int]) -> None:
    """``ordered``: distinct members numbered within their group; ``ordinals``: first and last number at each time."""
    listed = ", ".join(map(str, slots))
    store.db.execute(f"""
        CREATE OR REPLACE TEMP TABLE ordered AS
        SELECT g, eid, t, row_number() OVER (PARTITION BY g ORDER BY t, eid) AS ordinal
        FROM (SELECT DISTINCT g, eid, t FROM m{number} WHERE slot IN ({listed}))""")
    store.db.execute("CREATE OR REPLACE TEMP TABLE ordinals AS "
                     "SELECT g, t, min(ordinal) AS first, max(ordinal) AS last FROM ordered GROUP BY g, t")


def _descend(store: Store, held: str, slot: int, inner: Inner, cap: int) -> None:
    """The evidence of inner fires: one span for each alert and inner group."""
    fire = f"(-eid) & ((1::BIGINT << {PLACES}) - 1)"
    mine = f"((-eid) >> {PLACES}) = {slot} + 1"
    store.db.execute(f"""
        CREATE OR REPLACE TEMP TABLE spans AS
        SELECT h.key, f.g, min(f.start) AS lo, max(f.stop) AS hi
        FROM (SELECT key, {fire} AS fire FROM {held} WHERE {mine}) h JOIN f{inner.number} f USING (fire)
        GROUP BY h.key, f.g""")
    collect(store, inner.number, inner.shape, inner.inners, cap)
