"""``manifest.json``: what made the dataset, what is in it, how every line is accounted for; not when it was run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from redgen.clock import human, iso
from redgen.pipeline.columnar import column_names
from redgen.pipeline.digests import Digests, sha256_of
from redgen.pipeline.ledger import Ledger
from redgen.shards.plan import Plan
from redgen.shards.shard import COUNTS
from redgen.truth import LABELS, Cause
from redgen.version import VERSION
from redgen.world.plan import AddressPlan, dotted

FORMAT = 1


def manifest(plan: Plan, ledger: Ledger, digests: Digests, root: Path,
             campaigns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The manifest of the finished staging directory ``root``; ``campaigns`` are the records of campaigns.jsonl."""
    scenario, layout = plan.scenario, plan.work.layout
    return {
        "redgen": VERSION,
        "format": FORMAT,
        "identity": plan.identity,
        "scenario": {"id": scenario.id, "title": scenario.title, "clean": plan.request.clean},
        "seed": scenario.seed,
        "window": {"start": layout.window.start, "stop": layout.window.stop,
                   "start_iso": iso(layout.window.start), "stop_iso": iso(layout.window.stop)},
        "baselines": [Path(name).stem for name in scenario.baselines],
        "organization": {"name": plan.world.org.name, "domain": plan.world.org.domain,
                         "people": len(plan.world.people)},
        "address_plan": _address_plan(plan.world.plan),
        "sources": {o.name: _source(plan, ledger, k) for k, o in enumerate(ledger.outlets)},
        "accounting": _accounting(plan.causes, ledger),
        "labels": _labels(plan.causes, ledger),
        "campaigns": [{k: c[k] for k in _SUMMARY} for c in campaigns],
        "timeline": {
            "start": layout.window.start, "step": layout.bin,
            "lines": {o.name: t.tolist() for o, t in zip(ledger.outlets, ledger.timelines, strict=True)},
        },
        "files": sorted([*_logs(ledger, digests), *_parquet(ledger), *_others(root, ledger)], key=lambda f: f["path"]),
    }


_SUMMARY = ("campaign_id", "playbook", "path", "weight", "t_onset", "t_impact", "t_end", "n_events", "sources")


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Indented two levels deep, so that it reads well and diffs by entry."""
    lines = ["{"]
    for k, (key, value) in enumerate(content.items()):
        comma = "," if k < len(content) - 1 else ""
        if isinstance(value, list) and value:
            inner = ",\n".join(f"    {_compact(v)}" for v in value)
            lines.append(f"  {_compact(key)}: [\n{inner}\n  ]{comma}")
        elif isinstance(value, dict) and value:
            inner = ",\n".join(f"    {_compact(a)}: {_compact(b)}" for a, b in value.items())
            lines.append(f"  {_compact(key)}: {{\n{inner}\n  }}{comma}")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}{comma}")
    path.write_text("\n".join([*lines, "}"]) + "\n", encoding="utf-8")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _source(plan: Plan, ledger: Ledger, k: int) -> dict[str, Any]:
    outlet, states, tally = ledger.outlets[k], ledger.files[k], ledger.tallies[k]
    sensor = outlet.sensor
    found: dict[str, Any] = {
        "title": outlet.source.title, "sigma": dict(outlet.source.sigma), "format": outlet.source.format,
        "envelope": bool(outlet.source.lead),
        "order": plan.scenario.output.order, "compress": outlet.compression or "none",
        "inline_labels": outlet.inline is not None,
        "files": len(states), "lines": sum(s.records for s in states.values()),
        "bytes": sum(s.size for s in states.values()),
        "labels": {label: int(sum(tally.counts[c, 4] for c, cause in enumerate(plan.causes) if cause.label == label))
                   for label in LABELS},
    }
    if outlet.parquet:
        found["columns"] = column_names(outlet.source.columns)
    if sensor.on:
        found["sensor"] = {"latency": human(sensor.latency), "loss": sensor.loss, "duplicates": sensor.duplicates,
                           "skew_us": sensor.skew}
    return found


def _address_plan(plan: AddressPlan) -> dict[str, Any]:
    kinds = {"reserved": "240.0.0.0/4", "benchmark": "198.18.0.0/15, 100.64.0.0/10", "public": "globally routable"}
    return {
        "name": plan.name, "space": kinds[plan.name], "globally_routable": plan.name == "public",
        "prefixes": len(plan), "operators": len(plan.asns), "first": dotted(int(plan.starts[0])),
        "last": dotted(int(plan.ends[-1])),
    }


def _accounting(causes: Sequence[Cause], ledger: Ledger) -> dict[str, Any]:
    """Counts per source, as a whole and by campaign or hard negative (benign rows under ``benign``)."""
    owners = [c.campaign_id or c.noise_id or "benign" for c in causes]
    found: dict[str, Any] = {}
    for outlet, tally in zip(ledger.outlets, ledger.tallies, strict=True):
        by_owner: dict[str, Any] = {}
        for owner in sorted(set(owners)):
            rows = [k for k, name in enumerate(owners) if name == owner]
            counts = tally.counts[rows].sum(axis=0)
            if counts.any():
                by_owner[owner] = dict(zip(COUNTS, counts.tolist(), strict=True))
        whole = dict(zip(COUNTS, tally.counts.sum(axis=0).tolist(), strict=True))
        found[outlet.name] = {**whole, "by": by_owner}
    return found


def _labels(causes: Sequence[Cause], ledger: Ledger) -> dict[str, int]:
    counts = np.sum([t.counts[:, 4] for t in ledger.tallies], axis=0)
    return {label: int(sum(counts[k] for k, c in enumerate(causes) if c.label == label)) for label in LABELS}


def _logs(ledger: Ledger, digests: Digests) -> Iterator[dict[str, Any]]:
    for outlet, states in zip(ledger.outlets, ledger.files, strict=True):
        for n, state in states.in_order:
            yield {
                "path": state.path, "sha256": digests.digest(state.path), "bytes": state.stored, "size": state.size,
                "lines": state.records, "head_lines": state.head_lines, "source": outlet.name, "number": n,
            }


def _parquet(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for path, rows, size, sha in ledger.parquet:
        yield {"path": path, "sha256": sha, "bytes": size, "rows": rows}


def _others(root: Path, ledger: Ledger) -> Iterator[dict[str, Any]]:
    known = {s.path for states in ledger.files for s in states.values()} | {p[0] for p in ledger.parquet}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in known and name != "journal.jsonl":
            yield {"path": name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
