"""Agents: the user-agent strings of browsers, apps, crawlers and tools, each with what else gives it away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redgen.errors import DataError, did_you_mean
from redgen.seed import F64
from redgen.vocabulary import Vocabulary
from redgen.world.plan import I32, Bools

AGENT_KINDS = (
    "desktop", "mobile",   # people's browsers (tablets count as mobile)
    "app",                 # the shop's own mobile app
    "crawler",             # declared crawlers
    "monitor",             # availability probes
    "library",             # HTTP libraries of programs: partners' API clients, and scripts
    "cli",                 # curl, wget and their kind
    "scanner",             # vulnerability scanners, which say what they are
    "survey",              # internet-wide surveys and worms, whoever they say they are
    "okta_mobile",         # Okta Verify and Okta Mobile
    "aws_cli", "aws_sdk", "aws_tool",   # what CloudTrail shows: AWS CLI, SDKs, Terraform and its kind
    "aws_service",         # AWS calling itself: "lambda.amazonaws.com", "AWS Internal"
    "none",                # says nothing: no such header
)
BOT_KINDS = ("person", "crawler", "monitor", "library", "cli")
"""``Agents.bot`` is a position in this tuple."""


@dataclass(frozen=True)
class Agents:
    """One row per user-agent string; columns of length n; weights are shares within a kind."""

    ua: Vocabulary             # aws_cli's hold @{command}, some aws_sdk's @{service}: the call fills them
    kind: NDArray[np.int8]     # AGENT_KINDS
    bot: NDArray[np.int8]      # BOT_KINDS
    os: NDArray[np.int8]       # code in os_words: Okta's client.userAgent.os
    browser: NDArray[np.int8]  # code in browser_words: Okta's client.userAgent.browser
    device: NDArray[np.int8]   # code in device_words: Okta's client.device
    os_words: Vocabulary
    browser_words: Vocabulary
    device_words: Vocabulary
    padded: Bools              # contains Chrome or MSIE: nginx pads its error pages by 402 bytes
    http2: Bools               # speaks HTTP/2 when the site offers it
    weight: F64
    tls: NDArray[np.int16]     # code in tls_words
    tls_words: Vocabulary      # JA4-like fingerprint of the TLS client hello
    assets: Bools              # fetches a page's scripts, styles and images
    port_low: I32              # ephemeral port range of the operating system
    port_high: I32

    def __len__(self) -> int:
        return len(self.kind)

    def agents_of(self, kind: str) -> tuple[I32, F64]:
        """The rows of one of AGENT_KINDS (or 'browser' = desktop and mobile) and their weights, summing to 1."""
        if kind == "browser":
            rows = np.flatnonzero(self.kind <= AGENT_KINDS.index("mobile"))
        elif kind in AGENT_KINDS:
            rows = np.flatnonzero(self.kind == AGENT_KINDS.index(kind))
        else:
            raise DataError(f"unknown kind of agent {kind!r}{did_you_mean(kind, (*AGENT_KINDS, 'browser'))}")
        return rows.astype(np.int32), self.weight[rows] / self.weight[rows].sum()

    def draw(self, kind: str, u: F64) -> I32:
        """One row of ``kind`` per uniform, by weight."""
        rows, weights = self.agents_of(kind)
        at = np.searchsorted(np.cumsum(weights), u, side="right")
        return rows[np.minimum(at, len(rows) - 1)]
