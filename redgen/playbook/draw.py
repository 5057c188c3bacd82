"""Pictures of a playbook's graph: an outline for the terminal, and a self-contained SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from redgen.playbook.graph import Graph, Way
from redgen.playbook.layout import Layout, Point, Sizes, layered
from redgen.spec.playbook import END

_TALL, _GAP, _EDGE, _HEAD = 56.0, 34.0, 36.0, 92.0
_INK, _SOFT, _LINE, _PAPER, _BOX = "#1c2733", "#5b6875", "#8a97a5", "#ffffff", "#f5f8fb"
_IMPACT, _IMPACT_BOX, _LOOP = "#b3261e", "#fdf1f0", "#7a5ea8"
_CHARACTER = 6.1
"""Width of a letter at size 11, about."""
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Twig:
    """One line of the outline: ``stem`` draws the branches before it, ``label`` what must hold, then the step.

    ``again``: drawn in full elsewhere. ``note``: its action and technique. ``objective``: it is the attack's impact.
    """

    stem: str
    label: str
    step: str
    again: bool
    note: str
    objective: bool


def outline(graph: Graph) -> list[Twig]:
    """The graph as a tree from its start: each step is drawn out once, later mentions point back to it."""
    return list(_twigs(graph, graph.playbook.start, "", "", "", set()))


def _twigs(graph: Graph, step: str, stem: str, below: str, label: str, drawn: set[str]) -> Iterator[Twig]:
    again = step in drawn
    note = "" if again else _note(graph, step)
    yield Twig(stem, label, step, again and step != END, note, step in graph.playbook.objectives)
    if again or step not in graph.playbook.steps:
        return
    drawn.add(step)
    ways = [w for w in graph.ways if w.source == step]
    for k, way in enumerate(ways):
        last = k == len(ways) - 1
        branch, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _twigs(graph, way.target, below + branch, below + under, way.label, drawn)


def _note(graph: Graph, step: str) -> str:
    known = graph.playbook.steps.get(step)
    return " · ".join(word for word in (known.action, known.technique) if word) if known else ""


def svg(graph: Graph) -> str:
    """The graph as SVG, dark on light: start at the top, the objective in red, loops dashed, ends as dots."""
    book = graph.playbook
    longest = max(max(len(s) * 8.0, len(_note(graph, s)) * 6.2) for s in book.steps)
    sizes = Sizes(box=max(150.0, longest + 28), tall=_TALL, gap=_GAP, down=_TALL + 74)
    layout = layered(graph, sizes)
    shift = _EDGE + (26.0 if layout.back else 0.0)
    right = max(x for course in (layout.centers.values(), *layout.courses.values()) for x, _ in course)
    width = max(right + sizes.box / 2 + shift + 40, len(book.title) * 10 + 2 * _EDGE)
    height = max(y for _, y in layout.centers.values()) + _TALL + _HEAD + _EDGE + 34
    body = [
        (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
         f'height="{height:.0f}" font-family="{_FONT}" fill="{_INK}">'),
        f"<title>{escape(book.title)}</title>", _defs(),
        f'<rect width="100%" height="100%" fill="{_PAPER}"/>',
        _text(_EDGE, 34, book.title, size=19, weight=600),
        _text(_EDGE, 55, f"{book.id} · {book.family}", size=12, color=_SOFT),
        f'<g transform="translate({shift:.1f} {_HEAD:.0f})">', _start(layout.centers[book.start]),
        *_arrows(graph, layout, sizes), *_ends(graph, layout, sizes),
        *(_box(graph, step, at, sizes) for step, at in layout.centers.items()), *_labels(graph, layout, sizes),
        "</g></svg>",
    ]
    return "\n".join(body) + "\n"


def _defs() -> str:
    tips = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="8" markerHeight="8" orient="auto" '
        f'markerUnits="userSpaceOnUse"><path d="M0 .6 8 4 0 7.4z" fill="{color}"/></marker>'
        for name, color in (("tip", _LINE), ("loop", _LOOP))
    )
    return f"<defs>{tips}</defs>"


def _text(x: float, y: float, words: str, *, size: int, color: str = _INK, weight: int = 400,
          anchor: str = "start", halo: bool = False) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    told = f'<text {place} fill="{color}">{escape(words)}</text>'
    if not halo:
        return told
    edge = f'stroke="{_PAPER}" stroke-width="4" stroke-linejoin="round" aria-hidden="true"'
    return f'<text {place} {edge} fill="{_PAPER}">{escape(words)}</text>{told}'


def _start(at: Point) -> str:
    x, y = at
    return (f'<circle cx="{x:.1f}" cy="{y - 22:.1f}" r="5" fill="{_INK}"/><path d="M{x:.1f} {y - 17:.1f}V{y - 1:.1f}" '
            f'stroke="{_LINE}" stroke-width="1.4" marker-end="url(#tip)"/>')


def _box(graph: Graph, step: str, at: Point, sizes: Sizes) -> str:
    known = graph.playbook.steps[step]
    impact = step in graph.playbook.objectives
    x, y = at[0] - sizes.box / 2, at[1]
    color, fill = (_IMPACT, _IMPACT_BOX) if impact else (_LINE, _BOX)
    parts = [
        (f'<rect x="{x:.1f}" y="{y:.1f}" width="{sizes.box:.1f}" height="{sizes.tall:.0f}" rx="8" fill="{fill}" '
         f'stroke="{color}" stroke-width="{1.8 if impact else 1.1}"/>'),
        _text(at[0], y + 24, step, size=14, weight=600, anchor="middle", color=_IMPACT if impact else _INK),
        _text(at[0], y + 42, _note(graph, step), size=11, color=_SOFT, anchor="middle"),
    ]
    if impact:
        parts.append(_text(x + 8, y - 5, "objective", size=10, color=_IMPACT, weight=600, halo=True))
    if known.at_most:
        parts.append(_text(x + sizes.box - 8, y - 5, f"at most {known.at_most}×", size=10, color=_LOOP, anchor="end",
                           halo=True))
    return f"<g><title>{escape(known.title or step)}</title>{''.join(parts)}</g>"


def _arrows(graph: Graph, layout: Layout, sizes: Sizes) -> Iterator[str]:
    for (source, target), course in layout.courses.items():
        fork = any(w.branching.fork for w in _between(graph, source, target))
        yield (f'<path d="{_curve(course, sizes)}" fill="none" stroke="{_INK if fork else _LINE}" '
               f'stroke-width="{2.2 if fork else 1.4}" marker-end="url(#tip)"/>')
    for source, target in sorted(layout.back):
        yield (f'<path d="{_bow(layout.centers[source], layout.centers[target], sizes)}" fill="none" stroke="{_LOOP}" '
               f'stroke-width="1.4" stroke-dasharray="5 4" marker-end="url(#loop)"/>')


def _curve(course: tuple[Point, ...], sizes: Sizes) -> str:
    """A smooth line from the lower edge of the first box through the waypoints to the upper edge of the last."""
    points = [(course[0][0], course[0][1] + sizes.tall), *((x, y + sizes.tall / 2) for x, y in course[1:-1]),
              (course[-1][0], course[-1][1] - 1)]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (y1 - y0) * 0.5
        path += f"C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
    return path


def _bow(source: Point, target: Point, sizes: Sizes) -> str:
    """A line that leaves a box on its left, goes around, and comes in on the left of one above (or the same)."""
    x0, x1 = source[0] - sizes.box / 2, target[0] - sizes.box / 2
    y0, y1 = source[1] + sizes.tall * 0.6, target[1] + sizes.tall * 0.4
    out = min(x0, x1) - (44 if source == target else 26 + (y0 - y1) * 0.06)
    y1 = y1 - 8 if source == target else y1
    return f"M{x0:.1f} {y0:.1f}C{out:.1f} {y0:.1f} {out:.1f} {y1:.1f} {x1 - 1:.1f} {y1:.1f}"


def _ends(graph: Graph, layout: Layout, sizes: Sizes) -> Iterator[str]:
    """A dot under the right of every box from which a walk may end."""
    for step, (x, y) in layout.centers.items():
        ways = _between(graph, step, END)
        if not ways:
            continue
        at, low = x + sizes.box / 2 - 20, y + sizes.tall
        yield (f'<path d="M{at:.1f} {low:.1f}v15" stroke="{_LINE}" stroke-width="1.4"/>'
               f'<circle cx="{at:.1f}" cy="{low + 20:.1f}" r="5" fill="{_PAPER}" stroke="{_LINE}" stroke-width="1.4"/>'
               f'<circle cx="{at:.1f}" cy="{low + 20:.1f}" r="2" fill="{_SOFT}"/>')
        yield _text(at + 10, low + 24, _told(ways), size=11, color=_SOFT, halo=True)


def _labels(graph: Graph, layout: Layout, sizes: Sizes) -> Iterator[str]:
    """Weights and facts on the first piece of their arrows, moved along it where they would hide each other."""
    taken = [(x, y + sizes.tall / 2, sizes.box, sizes.tall) for x, y in layout.centers.values()]
    for step, (x, y) in layout.centers.items():
        if words := _told(_between(graph, step, END)):
            long = len(words) * _CHARACTER
            taken.append((x + sizes.box / 2 - 10 + long / 2, y + sizes.tall + 20, long, 14))
    for (source, target), course in layout.courses.items():
        words = _told(_between(graph, source, target))
        if words:
            spots = list(_along(course, sizes))
            size = (len(words) * _CHARACTER, 14.0)
            x, y = next((at for at in spots if not any(_hides((*at, *size), other) for other in taken)), spots[0])
            taken.append((x, y, *size))
            yield _text(x, y + 4, words, size=11, anchor="middle", halo=True)
    for source, target in sorted(layout.back):
        words = _told(_between(graph, source, target))
        if words:
            (x0, y0), (x1, y1) = layout.centers[source], layout.centers[target]
            x = min(x0, x1) - sizes.box / 2 - (36 if source == target else 22 + (y0 - y1) * 0.045)
            yield _text(x, (y0 + y1 + sizes.tall) / 2 + 4, words, size=11, color=_LOOP, anchor="middle", halo=True)


def _along(course: tuple[Point, ...], sizes: Sizes) -> Iterator[Point]:
    """Points on the first piece of an arrow, the best place for words first."""
    (x0, y0), (x1, y1) = course[0], course[1]
    low, high = y0 + sizes.tall, y1 if len(course) == 2 else y1 + sizes.tall / 2
    for share in (0.54, 0.42, 0.66, 0.3, 0.78, 0.2):
        yield x0 + (x1 - x0) * share * share * (3 - 2 * share), low + (high - low) * share


def _hides(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two rectangles (center, width, height) overlap."""
    return abs(a[0] - b[0]) * 2 < a[2] + b[2] and abs(a[1] - b[1]) * 2 < a[3] + b[3]


def _between(graph: Graph, source: str, target: str) -> list[Way]:
    return [w for w in graph.ways if w.source == source and w.target == target]


def _told(ways: list[Way]) -> str:
    return " or ".join(dict.fromkeys(w.label for w in ways if w.label))
