"""Where correlations fire: one row per qualifying event in ``f<c>``.

Columns: ``fire`` (its number), ``eid``, ``g``, ``t`` (when it fires), ``start`` and ``stop`` (its evidence lies between
them) and ``metric``. Windows are of event time, trailing and closed: [t - span, t]. Everything is one sort per group,
whatever the density of events.
"""

# ruff: noqa: S608  (identifiers are ours, literals are quoted)

from __future__ import annotations

from redgen.alert import Diagnostic
from redgen.sigma.shapes import Clause, Shape
from redgen.sigma.store import Store

PAST, FUTURE = "UNBOUNDED PRECEDING AND CURRENT ROW", "CURRENT ROW AND UNBOUNDED FOLLOWING"
EARLIER, LATER = "UNBOUNDED PRECEDING AND 1 PRECEDING", "1 FOLLOWING AND UNBOUNDED FOLLOWING"
"""Frames of growing size, from which what lies beyond the window is told by its time; the latter are strict."""

METRICS = {
    "event_count": "count(*)", "value_count": "count(DISTINCT v)", "value_sum": "sum(v)", "value_avg": "avg(v)",
    "value_median": "median(v)", "value_percentile": "quantile_cont(v, {share})"}
"""Correlation type -> aggregate over the window, over distinct events."""


def fires(store: Store, number: int, shape: Shape, title: str, edge: int, end: int) -> list[Diagnostic]:
    """Make ``f<number>`` from ``m<number>``.

    ``edge``: µs by which the window is shorter than the span (0: closed, 1: open at its old end). ``end``: where the
    observation ends, µs; what would have to be seen after it is counted as incomplete.
    """
    reach = shape.span - edge
    found: list[Diagnostic] = []
    if shape.kind in METRICS:
        parts = [_metric(number, shape, reach)]
    elif shape.clauses:
        parts = [_clause(number, shape, clause, reach, end) for clause in shape.clauses]
        late = sum(store.one(_late(number, clause, reach, end)) for clause in shape.clauses if clause[1])
        if late:
            found.append(Diagnostic("INCOMPLETE_WINDOW", f"{title}: windows that the observation ends before", late))
    elif shape.kind == "temporal_ordered":
        parts = [_ordered(number, shape, reach)]
    else:
        parts = [_temporal(number, shape, reach)]
    once = "SELECT eid, g, t, min(start) AS start, max(stop) AS stop, max(metric) AS metric"
    store.db.execute(
        f"CREATE TEMP TABLE f{number} AS SELECT row_number() OVER (ORDER BY t, g, eid) AS fire, * "
        f"FROM ({once} FROM ({' UNION ALL '.join(parts)}) GROUP BY eid, g, t)")
    return found


def _window(frame: str) -> str:
    return f"(PARTITION BY g ORDER BY t RANGE BETWEEN {frame})"


def _metric(number: int, shape: Shape, reach: int) -> str:
    metric = METRICS[shape.kind].format(share=shape.percentile / 100)
    return (f"SELECT eid, g, t, t - {reach} AS start, t AS stop, ({metric} OVER w)::DOUBLE AS metric "
            f"FROM (SELECT DISTINCT eid, g, t, v FROM m{number}) "
            f"WINDOW w AS {_window(f'{reach} PRECEDING AND CURRENT ROW')} QUALIFY metric {shape.test}")


def _temporal(number: int, shape: Shape, reach: int) -> str:
    seen = " + ".join(f"({_seen(i, reach, ahead=False)})::INT" for i in range(len(shape.slots)))
    return (f"SELECT eid, g, t, t - {reach} AS start, t AS stop, ({seen})::DOUBLE AS metric FROM m{number} "
            f"WINDOW w AS {_window(PAST)} QUALIFY metric {shape.test}")


def _seen(slot: int, reach: int, *, ahead: bool) -> str:
    """Whether a slot is seen in the window: its last event so far (or its next one) is near enough.

    The same as counting inside a sliding frame, but the frame only grows: a hundred times faster in dense groups.
    """
    own = f"(CASE WHEN slot = {slot} THEN t END)"
    near = f"min{own} OVER w <= t + {reach}" if ahead else f"max{own} OVER w >= t - {reach}"
    return f"coalesce({near}, false)"


def _ordered(number: int, shape: Shape, reach: int) -> str:
    """The longest chain of ever later slots that ends at an event, by the latest possible start of each length.

    ``c1`` is the event itself; ``c<k>`` the latest start of a chain of k. Strictly later: equal times are no order.
    """
    count = len(shape.slots)
    source = f"SELECT *, t AS c1 FROM m{number}"
    for k in range(2, count + 1):
        before = (f"max(CASE WHEN slot < {i} THEN c{k - 1} END) OVER w" for i in range(k - 1, count))
        cases = " ".join(f"WHEN {i} THEN {latest}" for i, latest in enumerate(before, k - 1))
        kept = f"CASE WHEN t - c <= {reach} THEN c END"
        source = (f"SELECT * EXCLUDE (c), {kept} AS c{k} FROM (SELECT *, CASE slot {cases} END AS c FROM ({source}) "
                  f"WINDOW w AS {_window(EARLIER)})")
    lengths = " ".join(f"WHEN c{k} IS NOT NULL THEN {k}" for k in range(count, 0, -1))
    begins = f"coalesce({', '.join(f'c{k}' for k in range(count, 0, -1))})"
    return (f"SELECT eid, g, t, start, stop, metric FROM (SELECT eid, g, t, {begins} AS start, t AS stop, "
            f"(CASE {lengths} END)::DOUBLE AS metric FROM ({source})) WHERE metric {shape.test}")


def _clause(number: int, shape: Shape, clause: Clause, reach: int, end: int) -> str:
    """One alternative of an extended condition: what must be seen (in order, for ordered ones), what must not.

    Without a negation it fires at its last event. With one, nobody knows before the window is over: it looks forward
    from each of its events and fires a span later, if the observation lasts that long.
    """
    positive, negative = sorted(clause[0]), sorted(clause[1])
    if not negative:
        inner = _sequence(number, positive, reach) if shape.kind == "temporal_ordered" else _together(
            number, positive, [], reach, ahead=False)
        return f"SELECT eid, g, t, start, t AS stop, {len(positive)}::DOUBLE AS metric FROM ({inner})"
    absent = " AND ".join(f"NOT n{i}" for i in range(len(negative)))
    if shape.kind == "temporal_ordered":
        inner = _sequence_ahead(number, positive, negative, reach)
    else:
        inner = _together(number, positive, negative, reach, ahead=True)
    return (f"SELECT eid, g, t + {reach} AS t, t AS start, t + {reach} AS stop, {len(positive)}::DOUBLE AS metric "
            f"FROM ({inner}) WHERE {absent} AND t + {reach} <= {end}")


def _sights(slots: list[int], letter: str, reach: int, *, ahead: bool) -> str:
    return "".join(f", {_seen(s, reach, ahead=ahead)} AS {letter}{i}" for i, s in enumerate(slots))


def _together(number: int, positive: list[int], negative: list[int], reach: int, *, ahead: bool) -> str:
    seen = " AND ".join(f"p{i}" for i in range(len(positive)))
    listed = ", ".join(map(str, positive))
    sights = _sights(positive, "p", reach, ahead=ahead) + _sights(negative, "n", reach, ahead=ahead)
    return (f"SELECT * FROM (SELECT *, t - {reach} AS start{sights} FROM m{number} "
            f"WINDOW w AS {_window(FUTURE if ahead else PAST)}) WHERE {seen} AND slot IN ({listed})")


def _sequence(number: int, positive: list[int], reach: int) -> str:
    """Events that end a chain of all these slots in their order; ``start`` is its latest possible beginning."""
    source = f"SELECT *, CASE WHEN slot = {positive[0]} THEN t END AS c0 FROM m{number}"
    for k, slot in enumerate(positive[1:], 1):
        source = (f"SELECT *, CASE WHEN slot = {slot} THEN max(c{k - 1}) OVER w END AS c{k} FROM ({source}) "
                  f"WINDOW w AS {_window(EARLIER)}")
    last = f"c{len(positive) - 1}"
    return f"SELECT *, {last} AS start FROM ({source}) WHERE {last} IS NOT NULL AND t - {last} <= {reach}"


def _sequence_ahead(number: int, positive: list[int], negative: list[int], reach: int) -> str:
    """Wanted events after which such a chain is completed within the window, and whether a forbidden one follows.

    Any wanted event opens a window, as without an order; the chain may begin with it or later.
    """
    source = f"SELECT *, CASE WHEN slot = {positive[-1]} THEN t END AS c0 FROM m{number}"
    for k, slot in enumerate(reversed(positive[:-1]), 1):
        source = (f"SELECT *, CASE WHEN slot = {slot} THEN min(c{k - 1}) OVER w END AS c{k} FROM ({source}) "
                  f"WINDOW w AS {_window(LATER)}")
    first, listed = f"c{len(positive) - 1}", ", ".join(map(str, positive))
    return (f"SELECT * FROM (SELECT *, min({first}) OVER w AS done{_sights(negative, 'n', reach, ahead=True)} "
            f"FROM ({source}) WINDOW w AS {_window(FUTURE)}) WHERE done <= t + {reach} AND slot IN ({listed})")


def _late(number: int, clause: Clause, reach: int, end: int) -> str:
    listed = ", ".join(map(str, sorted(clause[0])))
    return f"SELECT count(DISTINCT (g, t)) FROM m{number} WHERE slot IN ({listed}) AND t + {reach} > {end}"
