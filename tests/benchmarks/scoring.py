"""Measure ``score``: a million alerts against ten thousand campaigns, by events, by entities, and both.

Run with ``python -m tests.benchmarks.scoring``. Nothing here asserts a time; the contract is 30 s.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

from redgen.alert import Alerts, Detection, RuleReport, alerts_of
from redgen.clock import DAY, HOUR, MINUTE
from redgen.ground import Campaign, Extent, Ground, Step
from redgen.scorecard import Settings, to_json
from redgen.scoring.score import score

START = 1_768_176_000_000_000
RULES = 200
SOURCES = ("okta_system", "nginx_access", "zeek_conn", "aws_cloudtrail")


def ground_of(campaigns: int, people: int, lines: int, days: int, rng: np.random.Generator) -> Ground:
    """Campaigns of five steps with five lines each, on people's accounts and from three addresses each."""
    steps, each = 5, 5
    span = days * DAY
    onset = np.sort(rng.integers(0, span - 6 * HOUR, campaigns)) + START
    t = onset[:, None, None] + np.arange(steps)[None, :, None] * HOUR + rng.integers(0, 20 * MINUTE,
                                                                                     (campaigns, steps, each))
    t.sort(axis=2)
    source = rng.integers(0, len(SOURCES), campaigns)
    n = campaigns * steps * each
    of = np.repeat(source, steps * each)
    place = np.empty(n, dtype=np.int64)
    for s in range(len(SOURCES)):
        here = np.flatnonzero(of == s)
        place[here] = np.sort(rng.choice(lines // len(SOURCES), len(here), replace=False))
    names = np.array([f"C-{k:05d}" for k in range(campaigns)])
    labels = pd.DataFrame({
        "source": np.array(SOURCES)[of], "file": np.array([f"logs/{s}/{s}.0.log" for s in SOURCES])[of],
        "line": place + 1, "event_id": [f"e{k}" for k in range(n)], "t": t.ravel(), "label": "malicious",
        "campaign_id": np.repeat(names, steps * each),
        "step_id": np.tile(np.repeat([f"s{k}" for k in range(steps)], each), campaigns),
        "technique": np.tile(np.repeat([f"T{1000 + k}" for k in range(steps)], each), campaigns), "noise_id": ""})
    made = tuple(
        Campaign(str(names[k]), f"playbook-{k % 20}", f"family-{k % 3}", int(t[k, 0, 0]), int(t[k, -1, 0]),
                 int(t[k, -1, -1]), float(1 + k % 3), {"outcome": f"o{k % 4}"},
                 tuple(Step(f"s{s}", f"T{1000 + s}", int(t[k, s, 0]), int(t[k, s, -1]), each,
                            {SOURCES[source[k]]: each}) for s in range(steps)),
                 {"attacker": {"ip": tuple(f"10.{v >> 16}.{v >> 8 & 255}.{v & 255}" for v in
                                           rng.integers(0, 200_000, 3).tolist())},
                  "victim": {"user": (f"user{int(rng.integers(people))}@corp.example",)}},
                 {SOURCES[source[k]]: steps * each}, steps * each)
        for k in range(campaigns))
    extents = tuple(Extent(f"logs/{s}/{s}.0.log", s, lines // len(SOURCES)) for s in SOURCES)
    return Ground(labels, made, (), START, START + span, {e.source: e.lines for e in extents}, "sha256:bench", "bench",
                  1, people, extents)


def alerts_by_event(ground: Ground, n: int, rng: np.random.Generator) -> Alerts:
    """A third names malicious lines, the rest benign ones; every alert names one to three events and a user."""
    sizes = rng.integers(1, 4, n)
    alert = np.repeat(np.arange(n), sizes)
    rows = rng.integers(0, len(ground.labels), len(alert))
    evil = (rng.random(n) < 1 / 3)[alert]
    line = rng.integers(1, ground.files[0].lines, len(alert))
    file = rng.integers(0, len(ground.files), len(alert))
    names = np.array([f.name for f in ground.files])
    t = START + rng.integers(0, ground.stop - START, n)
    evil_file, evil_line = ground.labels["file"].to_numpy(), ground.labels["line"].to_numpy()
    return alerts_of(
        {"rule_id": rule_names(rng, n), "t_alert": t, "alert_id": [f"A{k}" for k in range(n)]},
        {"alert": alert, "file": np.where(evil, evil_file[rows], names[file]),
         "line": np.where(evil, evil_line[rows], line)},
        {"alert": np.arange(n), "type": ["user"] * n,
         "value": [f"user{k}@corp.example" for k in rng.integers(0, ground.people, n).tolist()]})


def alerts_by_entity(ground: Ground, n: int, rng: np.random.Generator) -> Alerts:
    """Each alert names a user and an address at random, over an hour."""
    t = START + rng.integers(0, ground.stop - START, n)
    users = [f"user{k}@corp.example" for k in rng.integers(0, ground.people, n).tolist()]
    addresses = [f"10.{v >> 16}.{v >> 8 & 255}.{v & 255}" for v in rng.integers(0, 200_000, n).tolist()]
    return alerts_of(
        {"rule_id": rule_names(rng, n), "t_alert": t, "t_first": t - HOUR, "t_last": t,
         "alert_id": [f"A{k}" for k in range(n)]}, None,
        {"alert": np.repeat(np.arange(n), 2), "type": ["user", "ip"] * n,
         "value": [v for pair in zip(users, addresses, strict=True) for v in pair]})


def rule_names(rng: np.random.Generator, n: int) -> list[str]:
    """Rules, some of them much busier than others."""
    return [f"rule-{k:03d}" for k in np.minimum(rng.geometric(0.03, n), RULES).tolist()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=10_000)
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    ground = ground_of(given.campaigns, 100_000, 20_000_000, 30, rng)
    half = given.alerts // 2
    rules = tuple(RuleReport(f"rule-{k:03d}", f"rule {k}") for k in range(1, RULES + 1))
    cases = {
        "by events": [Detection("e", alerts_by_event(ground, given.alerts, rng), rules)],
        "by entities": [Detection("n", alerts_by_entity(ground, given.alerts, rng), rules)],
        "half and half": [Detection("e", alerts_by_event(ground, half, rng), rules),
                          Detection("n", alerts_by_entity(ground, half, rng), rules)],
    }
    print("| alerts | campaigns | matched | s | CPU s | recall | R0 | false groups/day | JSON MB |\n"
          "|--:|--:|---|--:|--:|--:|--:|--:|--:|")
    for name, detections in cases.items():
        begun, busy = time.perf_counter(), time.process_time()
        card = score(ground, detections, Settings())
        took, busy = time.perf_counter() - begun, time.process_time() - busy
        print(f"| {given.alerts:,} | {given.campaigns:,} | {name} | {took:.1f} | {busy:.1f} | {card.recall.value:.3f} | "
              f"{card.chance.recall:.3f} | {card.false_alerts.per_day.value:,.0f} | {len(to_json(card)) / 1e6:.0f} |",
              flush=True)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
