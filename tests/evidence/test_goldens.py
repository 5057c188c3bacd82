"""Every report of every handmade scorecard, word for word, and twice the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

import pytest

from redgen import scorecard
from redgen.evidence import github, junit, markdown, navigator, openmetrics, sarif, tables, terminal
from redgen.scorecard import Scorecard
from tests.evidence.cards import CARDS, hostile, large

TEXTS: dict[str, Callable[[Scorecard], str | bytes]] = {
    "80.txt": partial(terminal.render, width=80, color=False),
    "120.txt": partial(terminal.render, width=120, color=False),
    "md": markdown.render,
    "github.txt": github.commands,
    "junit.xml": junit.render,
    "sarif.json": sarif.render,
    "navigator.json": navigator.render,
    "prom": openmetrics.render,
    "matches.csv": tables.matches_csv,
    "campaigns.csv": tables.campaigns_csv,
}


def as_text(content: str | bytes) -> str:
    """What a renderer gave, as text."""
    return content if isinstance(content, str) else content.decode()


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", CARDS)
def test_goldens(name: str, kind: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.{kind}", as_text(TEXTS[kind](CARDS[name]())))


@pytest.mark.parametrize("make", [*CARDS.values(), hostile, partial(large, 60)],
                         ids=[*CARDS, "hostile", "large"])
@pytest.mark.parametrize("kind", [*TEXTS, "json", "parquet"])
def test_twice_is_the_same(make: Callable[[], Scorecard], kind: str) -> None:
    render = {**TEXTS, "json": scorecard.to_json, "parquet": tables.matches_parquet}[kind]
    first, second = (hashlib.sha256(as_text(x).encode() if isinstance(x, str) else x).hexdigest()
                     for x in (render(make()), render(make())))
    assert first == second
