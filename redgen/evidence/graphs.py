"""The graph of a playbook as an SVG, each step colored by how often it was seen by a detection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
from markupsafe import Markup

from redgen.evidence import words
from redgen.scorecard import CampaignScore, Scorecard

Edge = tuple[str, str, float]
"""From a step, to a step, and how likely or frequent (a weight)."""

Point = tuple[float, float]
Node = str | tuple[str, str, int]
"""A step, or the waypoint of the arrow (from, to) in a layer between."""

_BOX, _TALL, _GAP, _DOWN, _EDGE, _TOP, _WAY = 158.0, 58.0, 22.0, 104.0, 26.0, 22.0, 10.0
_LETTERS = 21
"""How many letters of a step's name fit its box."""

_WIDE = 420.0
"""Wider drawings get a row of their own."""

END = "end"
"""Where a playbook's walk stops; not drawn."""

SHADES = 5


@dataclass(frozen=True)
class Sight:
    """One step over all campaigns of a playbook: how many walked it, left logs, were seen there, seen there first."""

    step: str
    technique: str
    walked: int
    reached: int
    seen: int
    first: int

    @property
    def note(self) -> str:
        """What is told of it in its box."""
        if self.reached:
            return f"seen in {self.seen} of {self.reached}"
        return "leaves no logs" if self.walked else "not walked"

    @property
    def shade(self) -> str:
        """The class of its box: ``d0`` never seen to ``d4`` always, ``dn`` without logs, ``dn off`` not walked."""
        if self.reached:
            return f"d{min(int(self.seen / self.reached * SHADES), SHADES - 1)}"
        return "dn" if self.walked else "dn off"


@dataclass(frozen=True)
class Drawing:
    """A playbook's graph ready for the page: its SVG and the same as rows."""

    playbook: str
    title: str
    svg: Markup
    sights: tuple[Sight, ...]
    campaigns: int
    wide: bool


def drawings(card: Scorecard, graphs: Mapping[str, Sequence[Edge]] | None = None) -> list[Drawing]:
    """One drawing per playbook; without its ``graphs`` the transitions are those that the campaigns walked."""
    books: dict[str, list[CampaignScore]] = {}
    for c in card.campaigns:
        books.setdefault(c.playbook, []).append(c)
    found = []
    for book, campaigns in sorted(books.items()):
        walked = _walked(campaigns)
        edges = [e for e in (graphs or {}).get(book) or walked if END not in e[:2]]
        sights = _sights(campaigns, edges)
        svg, width = _svg(book, sights, edges, frozenset(e[:2] for e in walked))
        found.append(Drawing(book, campaigns[0].title, svg, tuple(sights.values()), len(campaigns), width > _WIDE))
    return found


def _walked(campaigns: Sequence[CampaignScore]) -> list[Edge]:
    count: dict[tuple[str, str], int] = {}
    for c in campaigns:
        for pair in pairwise(_path(c)):
            count[pair] = count.get(pair, 0) + 1
    return [(a, b, n / len(campaigns)) for (a, b), n in count.items()]


def _path(c: CampaignScore) -> tuple[str, ...]:
    return c.path or tuple(s.step_id for s in c.steps)


def _sights(campaigns: Sequence[CampaignScore], edges: Sequence[Edge]) -> dict[str, Sight]:
    """Steps in the order in which they are met, in the graph first."""
    names = dict.fromkeys([n for a, b, _ in edges for n in (a, b)] + [s.step_id for c in campaigns for s in c.steps])
    walked, reached, seen, first = (dict.fromkeys(names, 0) for _ in range(4))
    technique = dict.fromkeys(names, "")
    for c in campaigns:
        here = {s.step_id for s in c.steps}
        for name in here:
            reached[name] += 1
        for name in names.keys() & (here | set(_path(c))):
            walked[name] += 1
        technique |= {s.step_id: s.technique for s in c.steps}
        hits = sorted((s.t_det if s.t_det is not None else s.t0, s.step_id) for s in c.steps if s.detected)
        for name in {name for _, name in hits}:
            seen[name] += 1
        if hits:
            first[hits[0][1]] += 1
    return {n: Sight(n, technique[n], walked[n], reached[n], seen[n], first[n]) for n in names}


def _places(sights: Mapping[str, Sight], edges: Sequence[Edge]) -> tuple[dict[Node, Point], set[Edge]]:
    """Places by layer (longest path from the start) of boxes and waypoints, and the edges that lead back up."""
    forward: nx.DiGraph[Node] = nx.DiGraph()
    forward.add_nodes_from(sights)
    back = set()
    for edge in edges:
        if edge[0] == edge[1] or nx.has_path(forward, edge[1], edge[0]):
            back.add(edge)
        else:
            forward.add_edge(*edge[:2])
    depth = {n: i for i, layer in enumerate(nx.topological_generations(forward)) for n in layer}
    for a, b in list(forward.edges):
        if depth[b] - depth[a] > 1:
            forward.remove_edge(a, b)
            nx.add_path(forward, _course(a, b, depth[b] - depth[a]))
    layers = [list(layer) for layer in nx.topological_generations(forward)]
    widest = max((sum(map(_room, layer)) for layer in layers), default=0) - _GAP
    at: dict[Node, Point] = {}
    for i, layer in enumerate(layers):
        wish = {n: _mean([at[p][0] for p in forward.predecessors(n)], widest / 2) for n in layer}
        left = _EDGE + (widest + _GAP - sum(map(_room, layer))) / 2
        for name in sorted(layer, key=lambda n, wish=wish: wish[n]):  # type: ignore[misc]
            at[name] = (left + (_room(name) - _GAP) / 2, _TOP + i * _DOWN)
            left += _room(name)
    return at, back


def _course(a: Node, b: Node, layers: int) -> list[Node]:
    """An arrow over several layers: its ends, and a waypoint in every layer between."""
    return [a, *((str(a), str(b), i) for i in range(1, layers)), b]


def _room(node: Node) -> float:
    return (_BOX if isinstance(node, str) else _WAY) + _GAP


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _svg(book: str, sights: Mapping[str, Sight], edges: Sequence[Edge],
         walked: frozenset[tuple[str, str]]) -> tuple[Markup, float]:
    """The drawing, and how wide it is."""
    at, back = _places(sights, edges)
    width = max((x + _room(n) / 2 for n, (x, _) in at.items()), default=0) + _EDGE
    height = max((y for _, y in at.values()), default=0) + _TALL + _EDGE / 2
    told = "; ".join(f"{s.step}: seen in {s.seen} of {s.reached}" for s in sights.values())
    label = words.clean(f"Steps of {book}, by how often a detection saw them: {told}")
    tip = f"tip-{sum(book.encode()) % 9973}-{len(book)}"
    parts = [*_arrows(at, edges, back, tip, walked), *(_box(s, at[s.step]) for s in sights.values())]
    svg = Markup('<svg viewBox="0 0 {:.0f} {:.0f}" style="max-width:{:.0f}px;min-width:{:.0f}px" role="img" '
                  'aria-label="{}"><defs>'
                  '<marker id="{}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="8" markerHeight="8" '
                  'orient="auto" markerUnits="userSpaceOnUse"><path class="tip" d="M0 .6 8 4 0 7.4z"/></marker></defs>'
                  "{}</svg>").format(width, height, width, width * 0.72, label, tip, Markup("").join(parts))
    return svg, width


def _arrows(at: Mapping[Node, Point], edges: Sequence[Edge], back: set[Edge], tip: str,
            walked: frozenset[tuple[str, str]]) -> Iterator[Markup]:
    most = max((w for _, _, w in edges), default=1.0) or 1.0
    for edge in sorted(edges, key=lambda e: e[:2] in walked):  # those walked lie on top
        (x0, y0), (x1, y1) = at[edge[0]], at[edge[1]]
        thick = 1.1 + 2.4 * max(edge[2], 0.0) / most
        if edge in back:
            high = y1 + _TALL * (0.4 if y0 > y1 else 0.2)
            side = 1 if x0 > x1 + 1 else -1
            path = _around((x0 + side * _BOX / 2, y0 + _TALL * 0.6), (x1 + side * (_BOX / 2 + 1), high), side)
        else:
            stops = [at[n] for n in _course(edge[0], edge[1], round((y1 - y0) / _DOWN))[1:-1]]
            path = _down([(x0, y0 + _TALL), *((x, y + _TALL / 2) for x, y in stops), (x1, y1 - 1)])
        kind = f"{'back' if edge in back else 'way'}{'' if edge[:2] in walked else ' off'}"
        yield Markup('<path class="{}" d="{}" stroke-width="{:.1f}" marker-end="url(#{})"><title>{} → {}: {}</title>'
                     "</path>").format(kind, path, thick, tip, words.clean(edge[0]),
                                       words.clean(edge[1]), words.number(edge[2]))


def _down(points: Sequence[Point]) -> str:
    """A smooth line from point to point, upright in each."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    return path


def _around(a: Point, b: Point, side: int) -> str:
    """Out on the left (-1) or right (1) of a box and back in on that side of one above, or of the same."""
    out = side * (max(side * a[0], side * b[0]) + 24)
    return f"M{a[0]:.1f} {a[1]:.1f}C{out:.1f} {a[1]:.1f} {out:.1f} {b[1]:.1f} {b[0]:.1f} {b[1]:.1f}"


def _box(s: Sight, at: Point) -> Markup:
    x, y = at[0] - _BOX / 2, at[1]
    name = words.clean(s.step)
    short = name if len(name) <= _LETTERS else name[:_LETTERS - 1] + "…"
    first = Markup('<text class="first" x="{:.1f}" y="{:.1f}">first {}×</text>').format(
        x + _BOX - 6, y - 5, s.first) if s.first else Markup("")
    return Markup('<g class="step {}"><title>{}</title>'
                  '<rect x="{:.1f}" y="{:.1f}" width="{:.0f}" height="{:.0f}" rx="9"/>'
                  '<text class="name" x="{:.1f}" y="{:.1f}">{}</text><text class="note" x="{:.1f}" y="{:.1f}">{}</text>'
                  "{}</g>").format(s.shade, " · ".join(t for t in (name, s.technique) if t), x, y, _BOX, _TALL, at[0],
                                   y + 24, short, at[0], y + 44, s.note, first)
