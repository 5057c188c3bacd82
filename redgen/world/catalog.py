"""The catalogue of agents: families of user-agent strings times their versions, from ``data/agents.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from redgen.spec.loader import load_yaml
from redgen.vocabulary import Vocabulary
from redgen.world import bundled
from redgen.world.agents import AGENT_KINDS, BOT_KINDS, Agents

BOTS = {"crawler": "crawler", "monitor": "monitor", "library": "library", "app": "library", "scanner": "cli",
        "survey": "cli", "cli": "cli", "aws_cli": "cli", "aws_sdk": "cli", "aws_tool": "cli", "aws_service": "cli",
        "none": "cli"}
"""The bot class of a kind; others are persons' browsers and apps."""


@dataclass(frozen=True)
class _Row:
    ua: str
    kind: str
    weight: float
    os: str
    browser: str
    device: str
    tls: str
    http2: bool
    assets: bool
    ports: tuple[int, int]


@lru_cache(maxsize=1)
def build_agents() -> Agents:
    """Every agent, grouped by kind in the order of AGENT_KINDS, heaviest first within a kind."""
    rows = sorted(_rows(), key=lambda row: (AGENT_KINDS.index(row.kind), -row.weight))
    oses, os = _coded([row.os for row in rows])
    browsers, browser = _coded([row.browser for row in rows])
    devices, device = _coded([row.device for row in rows])
    prints, tls = _coded([row.tls for row in rows])
    return Agents(
        ua=Vocabulary.of(row.ua for row in rows),
        kind=np.array([AGENT_KINDS.index(row.kind) for row in rows], dtype=np.int8),
        bot=np.array([BOT_KINDS.index(BOTS.get(row.kind, "person")) for row in rows], dtype=np.int8),
        os=os.astype(np.int8), browser=browser.astype(np.int8), device=device.astype(np.int8),
        os_words=oses, browser_words=browsers, device_words=devices,
        padded=np.array(["Chrome/" in row.ua or "MSIE" in row.ua for row in rows]),
        http2=np.array([row.http2 for row in rows]), weight=np.array([row.weight for row in rows]),
        tls=tls.astype(np.int16), tls_words=prints, assets=np.array([row.assets for row in rows]),
        port_low=np.array([row.ports[0] for row in rows], dtype=np.int32),
        port_high=np.array([row.ports[1] for row in rows], dtype=np.int32),
    )


def _rows() -> Iterator[_Row]:
    data: dict[str, Any] = load_yaml(bundled.text("agents.yaml"), "agents.yaml").data
    for family in data["families"]:
        system = data["systems"][family["system"]]
        versions = family.get("versions", {"": 1.0})
        if isinstance(versions, str):
            versions = data["versions"][versions]
        person = family["kind"] in {"desktop", "mobile"}
        for version, share in versions.items():
            ua = family["ua"].replace("{v}", version).replace("{c}", family.get("chrome", {}).get(version, ""))
            yield _Row(
                ua=ua.replace("{u}", version.replace(".", "_")), kind=family["kind"],
                weight=family["weight"] * share / sum(versions.values()), os=system["os"],
                browser=family.get("browser", "UNKNOWN"), device=system["device"], tls=family.get("tls", ""),
                http2=family.get("h2", True), assets=family.get("assets", person), ports=tuple(system["ports"]),
            )


def _coded(words: list[str]) -> tuple[Vocabulary, np.ndarray[Any, np.dtype[np.int64]]]:
    vocabulary = Vocabulary.of(dict.fromkeys(words))
    return vocabulary, vocabulary.codes(words)
