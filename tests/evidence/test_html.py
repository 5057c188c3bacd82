"""The HTML report as a file: one piece, nothing fetched, nothing a name can break out of, sane sizes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from redgen.evidence import graphs, html, page
from tests.evidence.cards import CARDS, hostile, large, losing

ROOT = Path(__file__).resolve().parents[2]
MAKERS = {**CARDS, "hostile": hostile, "large": partial(large, 60)}


@cache
def rendered(name: str) -> bytes:
    """A card's page, made once."""
    return html.render(MAKERS[name]())


class Outline(HTMLParser):
    """Tags with their attributes, text by the tag around it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(content: bytes) -> Outline:
    """The page as a parser sees it."""
    parser = Outline()
    parser.feed(content.decode())
    parser.close()
    return parser


@pytest.mark.parametrize("name", CARDS)
def test_golden_markup(name: str, golden: Callable[[str, str], None]) -> None:
    """The page without its scripts, styles and data, which are tested by what they do."""
    bare = re.sub(r"(<(script|style)[^>]*>).*?(</\2>)", r"\1\3", rendered(name).decode(), flags=re.DOTALL)
    golden(f"{name}.html", re.sub(r"<meta http-equiv.*\n", "", bare))


def test_another_process_gives_the_same_bytes() -> None:
    script = ("import hashlib; from redgen.evidence import html, sarif, junit; from tests.evidence.cards import losing; "
              "print(hashlib.sha256(html.render(losing()) + sarif.render(losing()) + junit.render(losing())).hexdigest())")
    digests = {subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True,
                              env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}).stdout
               for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))}
    assert len(digests) == 1


@pytest.mark.parametrize("name", MAKERS)
def test_twice_is_the_same_and_nothing_is_fetched(name: str) -> None:
    content = rendered(name)
    assert content == html.render(MAKERS[name]())
    found = outline(content)
    for tag, attributes in found.tags:
        assert tag not in {"iframe", "object", "embed", "base", "img"}
        assert not str(attributes.get("src", "")), (tag, attributes)
        assert str(attributes.get("href", "#")).startswith(("#", "data:,")), (tag, attributes)
        assert not [a for a in attributes if a.startswith("on")], (tag, attributes)
    assert [tag for tag, _ in found.tags].count("script") == 3
    assert len(content) < 2_500_000


def test_the_policy_allows_its_own_scripts_alone() -> None:
    content = rendered("empty").decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', content)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src &#39;sha256-") or "script-src 'sha256-" in policy[1]
    assert "unsafe-eval" not in policy[1] and "http" not in policy[1]


def test_a_name_stays_a_name() -> None:
    content = rendered("hostile")
    found = outline(content)
    assert "<img src=x" not in content.decode()
    assert any("<script>alert(1)</script>" in text for text in found.text), "shown as text"
    data = content.decode().split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert "alert(1)" in json.dumps(json.loads(data))


def test_every_table_and_figure_is_named() -> None:
    found = outline(rendered("losing"))
    tags = [tag for tag, _ in found.tags]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("figure") == tags.count("figcaption")
    assert {"main", "nav", "header"} <= set(tags)
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in found.tags:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    assert dict(found.tags)["html"] == {"lang": "en"}


def test_ten_thousand_campaigns_are_cut_with_a_note() -> None:
    content = html.render(large(10_000)).decode()
    assert len(content) < 2_500_000
    assert f"This page shows {page.MOST_CAMPAIGNS} of 10,000 campaigns." in content
    assert content.count('data-kind="campaign"') == page.MOST_CAMPAIGNS


def test_what_is_listed_has_some_of_both() -> None:
    listed = page.chosen(large(10_000))
    caught = sum(c.status in {"DETECTED", "LATE"} for c in listed)
    assert len(listed) == page.MOST_CAMPAIGNS and 0 < caught < len(listed)
    assert page.chosen(losing())[0].campaign_id == "C-0005", "the lost one comes first"


def test_a_playbook_is_drawn_with_its_branches_and_loops() -> None:
    edges = [("guess", "push", 0.7), ("guess", "enroll", 0.3), ("push", "push", 0.2), ("push", "enroll", 0.8),
             ("enroll", "guess", 0.1), ("enroll", "read_mail", 0.9), ("read_mail", "end", 1.0)]
    drawn = {d.playbook: d for d in graphs.drawings(losing(), {"ato-mfa-fatigue": edges})}
    book = drawn["ato-mfa-fatigue"]
    assert [s.step for s in book.sights] == ["guess", "push", "enroll", "read_mail"]
    assert book.svg.count('class="way') == 4 and book.svg.count('class="back') == 2
    assert book.svg.count('class="way off"') == 1, "no campaign went from guess to enroll"
    assert {s.step: (s.reached, s.seen, s.first) for s in book.sights}["read_mail"] == (2, 1, 1)
    assert "end" not in {s.step for s in book.sights}
    assert drawn["api-bola-enumeration"].svg.count('class="way"') == 2, "without its graph: the way that campaigns took"


def test_charts_compile() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    for spec in html.specs(losing()).values():
        svg = vl_convert.vegalite_to_svg({**spec, "width": 400})
        assert svg.count("<path") > 5
