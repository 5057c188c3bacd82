"""Pictures: every step and every weight is there, whatever the graph looks like."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from redgen.playbook.draw import outline, svg
from redgen.playbook.graph import Graph
from redgen.playbook.layout import Sizes, layered
from redgen.spec.loader import load_yaml
from redgen.spec.playbook import Playbook
from tests.playbook.conftest import STUFFING
from tests.playbook.test_sampler import TREE

SVG = "{http://www.w3.org/2000/svg}"


def graph(text: str) -> Graph:
    """The graph of a playbook text."""
    return Graph.of(load_yaml(text, "f").validate(Playbook))


def test_the_outline_draws_each_step_once_and_points_back() -> None:
    lines = [f"{t.stem}{t.label}>{t.step}{' again' if t.again else ''}{' !' if t.objective else ''}"
             for t in outline(graph(STUFFING))]
    assert lines == [
        ">probe",
        "├─ any_success>verify",
        "│  ├─ 0.6>drain !",
        "│  │  └─ >end",
        "│  ├─ 0.25>rest",
        "│  │  └─ >drain again !",
        "│  └─ 0.15>end",
        "└─ >end",
    ]


def test_the_picture_is_sound_svg_with_everything_in_it() -> None:
    text = svg(graph(TREE.replace("title: t", "title: Ampersand & <angle>")))
    root = ET.fromstring(text)
    words = [node.text for node in root.iter(f"{SVG}text")]
    for step in "abcdefg":
        assert step in words
    for label in ("0.9", "0.1", "hit", "all", "at most 3×", "not hit · 0.5", "Ampersand & <angle>"):
        assert label in words
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for box in list(root.iter(f"{SVG}rect"))[1:]:
        assert 0 <= float(box.get("x", -1)) <= width - float(box.get("width", 0))
        assert 0 <= float(box.get("y", -1)) <= height - float(box.get("height", 0))
    assert text == svg(graph(TREE.replace("title: t", "title: Ampersand & <angle>")))


@st.composite
def any_graph(draw: st.DrawFn) -> Graph:
    """A graph of up to 12 steps with transitions wherever, some loops included."""
    n = draw(st.integers(1, 12))
    steps = {}
    for i in range(n):
        targets = draw(st.lists(st.sampled_from([*(f"s{k}" for k in range(n)), "end"]), min_size=1, max_size=4,
                                unique=True))
        steps[f"s{i}"] = {"action": "rest", "at_most": 2, "then": dict.fromkeys(targets, 1 / len(targets))}
    return Graph.of(Playbook.model_validate(
        {"id": "x", "title": "t", "family": "distributed", "start": "s0", "steps": steps}))


@given(any_graph())
@settings(max_examples=80, deadline=None)
def test_boxes_never_overlap_and_arrows_lead_downwards(found: Graph) -> None:
    sizes = Sizes(box=150, tall=50, gap=30, down=110)
    layout = layered(found, sizes)
    assert {*layout.centers} == found.reachable - {"end"}
    rows: dict[float, list[float]] = {}
    for x, y in layout.centers.values():
        rows.setdefault(y, []).append(x)
    for places in rows.values():
        assert all(b - a >= sizes.box for a, b in pairwise(sorted(places)))
    for course in layout.courses.values():
        assert all(b[1] - a[1] == sizes.down for a, b in pairwise(course))
    ET.fromstring(svg(found))
    assert {t.step for t in outline(found)} >= found.reachable - {"end"}
