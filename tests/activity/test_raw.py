"""Raw requests: what nginx answers them, and what their connections look like to Zeek."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from redgen.activity import raw
from redgen.activity.terms import SERVICES
from redgen.clock import DAY, SECOND, parse_time
from redgen.seed import Seed
from redgen.table import Table
from tests.shops import NOTHING, shop

MONDAY = parse_time("2026-01-05T00:00:00Z")


@cache
def month() -> dict[str, Table]:
    """What a shop's raw probes did in four weeks, and their flows in the same order."""
    _, model = shop()
    (probes,) = (p for p in model.populations if p.id == "raw-probes")
    made = probes.play({"http": (MONDAY, MONDAY + 28 * DAY), "flow": (MONDAY - DAY, MONDAY + 30 * DAY)}, NOTHING)
    flows = {key: k for k, key in enumerate(zip(made["flow"]["orig"].tolist(), made["flow"]["oport"].tolist(),
                                                made["flow"]["cause"].tolist(), strict=True))}
    keys = zip(made["http"]["client"].tolist(), made["http"]["cport"].tolist(), made["http"]["cause"].tolist(), strict=True)
    return {"http": made["http"], "flow": made["flow"].take(np.array([flows[key] for key in keys]))}


def kinds() -> np.ndarray:
    return np.array([raw.RAW[k].kind for k in month()["http"]["raw"]])


def test_every_kind_comes_where_it_makes_sense() -> None:
    http, plain = month()["http"], shop()[0].sites.plain[month()["http"]["site"]]
    assert set(kinds()) == set(raw.KINDS)
    assert plain[kinds() == "tls"].all()
    assert not plain[kinds() == "plain"].any()
    assert 0.02 < len(http) / 28 / 4_500 < 0.1  # of what an 800-customer shop answers a day


def test_pages_have_the_sizes_of_nginx() -> None:
    """150 and 248 bytes, the banner's on top (built-in page texts); absolute targets and HTTP/0.9 are redirected."""
    http, world = month()["http"], shop()[0]
    plain = world.sites.plain[http["site"]]
    banners = [{int(b) for b in http["bytes"][(http["site"] == s) & (http["method"] < 0)]} - {0} for s in range(len(world.sites))]
    assert all(len(sizes) <= 1 and sizes <= {150, 157, 166} for sizes in banners)
    banner = np.array([max(sizes, default=150) - 150 for sizes in banners])[http["site"]]
    asked = (http["method"] == 0) & ~plain
    padded = world.agents.padded[http["agent"]] & (http["proto"] >= 0)
    assert (http["bytes"][asked] == (248 + banner + 402 * padded)[asked]).all()
    assert (http["status"][asked] == 400).all()
    sent_on = (http["method"] >= 0) & plain
    assert sent_on.any()
    assert set(zip(http["status"][sent_on].tolist(), (http["bytes"] - banner)[sent_on].tolist(), strict=True)) == {(301, 162)}


def test_empty_requests_get_no_page() -> None:
    """400 when the client went, 408 after client_header_timeout's minute."""
    http = month()["http"]
    empty = kinds() == "empty"
    assert (http["bytes"][empty] == 0).all()
    assert set(http["status"][empty].tolist()) == {400, 408}
    assert (http["dur"][http["status"] == 408] >= 60 * SECOND).all()
    assert (http["bytes"][~empty & (http["method"] < 0)] > 0).all()


def test_connections_carry_what_was_sent() -> None:
    http, flow = month()["http"], month()["flow"]
    sent = np.array([raw.RAW[k].sent for k in http["raw"]])
    unread = http["method"] < 0
    survey = kinds() == "survey"
    names = np.array([len(f"MGLNDD_{name}\n") for name in raw.servers(shop()[0])])
    assert (flow["orig_bytes"][unread] == np.where(survey, names[http["site"]], sent)[unread]).all()
    assert (flow["resp_bytes"] >= http["bytes"]).all()
    assert ((flow["resp_bytes"] == 0) == (kinds() == "empty")).all()
    assert (flow["t"] < http["t"]).all()
    assert (flow["t"] + flow["dur"] >= http["t"] + http["dur"]).all()
    assert (flow["rport"] == shop()[0].sites.port[http["site"]]).all()


@pytest.mark.parametrize(("kind", "at_plain", "elsewhere"), [
    ("tls", {-1}, set()), ("rdp", {-1}, {-1}), ("empty", {-1}, {-1}), ("survey", {-1}, {-1}),
    ("proxy", {0}, {0}), ("absolute", {0}, {0}), ("old", {0}, {-1}), ("preface", {0}, {-1}), ("plain", set(), {0}),
])
def test_zeek_names_a_service_where_both_sides_spoke_it(kind: str, at_plain: set[int], elsewhere: set[int]) -> None:
    """Port 80 has the HTTP analyzer from the start, which takes any method; elsewhere a signature must match first."""
    http, flow = month()["http"], month()["flow"]
    plain = shop()[0].sites.plain[http["site"]]
    names = {-1: -1, 0: SERVICES.index("http")}
    assert set(flow["service"][(kinds() == kind) & plain].tolist()) == {names[k] for k in at_plain}
    assert set(flow["service"][(kinds() == kind) & ~plain].tolist()) == {names[k] for k in elsewhere}


def test_hellos_are_cut_as_often_as_random_bytes_end_a_line() -> None:
    """32 random bytes end a line in 1 - (254/256)^32 = 22 % of hellos, 64 in 39 %."""
    u = Seed(5).uniform(np.arange(40_000, dtype=np.uint64), "line")
    drawn = raw.drawn(u, np.full(len(u), raw.KINDS.index("tls")))
    whole = np.array([raw.RAW[k].line.endswith("\xc0") or len(raw.RAW[k].line) > 110 for k in drawn])
    share = np.array([raw.RAW[k].line.startswith(("\x16\x03\x01\x00{", "\x16\x03\x01\x00\x8c")) for k in drawn])
    assert abs(1 - whole[share].mean() - 0.222) < 0.015
    assert abs(1 - whole[~share].mean() - 0.395) < 0.015
