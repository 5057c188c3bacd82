"""Pictures of a playbook's graph: an outline for the terminal, and SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import networkx as nx

from redgen.playbook.graph import Graph, Way
from redgen.spec.playbook import END

_BOX, _TALL, _ACROSS, _DOWN, _EDGE = 190, 46, 250, 92, 24
_BADGE = "#b3261e"
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>'
)


@dataclass(frozen=True)
class Twig:
    """One line of the outline: ``stem`` draws the branches before it, ``label`` what must hold, then the step."""

    stem: str
    label: str
    step: str
    again: bool         # drawn in full elsewhere
    note: str           # action and technique
    objective: bool


def outline(graph: Graph) -> list[Twig]:
    """The graph as a tree from its start: each step is drawn out once, later mentions point back to it."""
    drawn: set[str] = set()
    return list(_twigs(graph, graph.playbook.start, "", "", "", drawn))


def _twigs(graph: Graph, step: str, stem: str, below: str, label: str, drawn: set[str]) -> Iterator[Twig]:
    book = graph.playbook
    again = step in drawn
    known = book.steps.get(step)
    note = "" if known is None or again else " · ".join(x for x in (known.action, known.technique) if x)
    yield Twig(stem, label, step, again and step != END, note, step in book.objectives)
    if again or known is None:
        return
    drawn.add(step)
    ways = [w for w in graph.ways if w.source == step]
    for k, way in enumerate(ways):
        last = k == len(ways) - 1
        yield from _twigs(graph, way.target, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "),
                          way.label, drawn)


def svg(graph: Graph) -> str:
    """The graph as a self-contained SVG: steps in layers by their distance from the start, objectives in red."""
    places = _places(graph)
    width = max(x for x, _ in places.values()) + _BOX + _EDGE
    height = max(y for _, y in places.values()) + _TALL + _EDGE
    book = graph.playbook
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 40}" font-family="sans-serif">',
        _TIP,
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_EDGE}" y="28" font-size="17" font-weight="600">{escape(book.title)}</text>',
        '<g transform="translate(0 40)">',
        *(_arrow(way, places) for way in graph.ways if way.target in places),
        *(_box(graph, step, *at) for step, at in places.items()), "</g></svg>",
    ]
    return "\n".join(body) + "\n"


def _places(graph: Graph) -> dict[str, tuple[int, int]]:
    """Upper left corner of each reachable step: one row per distance from the start, ``end`` in the last row."""
    distance = nx.single_source_shortest_path_length(graph.digraph, graph.playbook.start)
    deepest = max((d for s, d in distance.items() if s != END), default=0) + 1
    rows: dict[int, list[str]] = {}
    for step in (*graph.playbook.steps, END):
        if step in distance:
            rows.setdefault(deepest if step == END else distance[step], []).append(step)
    widest = max(len(r) for r in rows.values())
    places = {}
    for row, steps in sorted(rows.items()):
        indent = (widest - len(steps)) * _ACROSS // 2
        for k, step in enumerate(steps):
            places[step] = (_EDGE + indent + k * _ACROSS, row * _DOWN)
    return places


def _box(graph: Graph, step: str, x: int, y: int) -> str:
    known = graph.playbook.steps.get(step)
    if known is None:
        return (f'<rect x="{x + _BOX // 2 - 30}" y="{y}" width="60" height="26" rx="13" fill="#eee" stroke="#999"/>'
                f'<text x="{x + _BOX // 2}" y="{y + 18}" text-anchor="middle" font-size="12">end</text>')
    color = _BADGE if step in graph.playbook.objectives else "#345"
    note = " · ".join(x for x in (known.action, known.technique) if x)
    return (f'<rect x="{x}" y="{y}" width="{_BOX}" height="{_TALL}" rx="7" fill="#f7f9fb" stroke="{color}"/>'
            f'<text x="{x + _BOX // 2}" y="{y + 19}" text-anchor="middle" font-size="14" fill="{color}">{escape(step)}'
            f'</text><text x="{x + _BOX // 2}" y="{y + 36}" text-anchor="middle" font-size="10" fill="#667">'
            f"{escape(note)}</text>")


def _arrow(way: Way, places: dict[str, tuple[int, int]]) -> str:
    (x0, y0), (x1, y1) = places[way.source], places[way.target]
    if y1 > y0:
        a, b = (x0 + _BOX // 2, y0 + _TALL), (x1 + _BOX // 2, y1)
        path = f"M{a[0]} {a[1]} C{a[0]} {a[1] + 26} {b[0]} {b[1] - 26} {b[0]} {b[1] - 2}"
    else:  # backwards or within a row: around the right side
        a, b = (x0 + _BOX, y0 + _TALL // 2), (x1 + _BOX, y1 + _TALL // 2)
        path = f"M{a[0]} {a[1]} C{a[0] + 50} {a[1]} {b[0] + 50} {b[1]} {b[0] + 2} {b[1]}"
    middle = ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2)
    label = (f'<text x="{middle[0]}" y="{middle[1]}" text-anchor="middle" font-size="10" fill="#333" stroke="#fff" '
             f'stroke-width="3" paint-order="stroke">{escape(way.label)}</text>') if way.label else ""
    return f'<path d="{path}" fill="none" stroke="#888" marker-end="url(#tip)"/>{label}'
