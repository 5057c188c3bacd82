"""The scorecard's campaigns, and alerts against steps, as flat tables for a notebook or a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from redgen.clock import SECOND, iso
from redgen.evidence import facts
from redgen.scorecard import CampaignScore, Scorecard

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, str | float | None]

MATCHES: Mapping[str, str] = {
    "campaign_id": "string", "playbook": "string", "step_id": "string", "technique": "string", "rule_id": "string",
    "rule_name": "string", "level": "string", "t": "time", "alerts": "int64", "seconds_after_onset": "float64"}
"""An alert group on a step, one a row."""

CAMPAIGNS: Mapping[str, str] = {
    "campaign_id": "string", "playbook": "string", "family": "string", "status": "string", "weight": "float64",
    "t_onset": "time", "t_impact": "time", "t_end": "time", "t_det": "time", "seconds_to_detect": "float64",
    "level": "string", "rules": "string", "n_events": "int64", "events_seen": "int64", "lost_events": "int64",
    "path": "string", "nearest_rule": "string", "nearest_share": "float64", "nearest_failed": "string", "lost": "int64"}
"""A campaign, one a row; lists are joined with ``|``; ``lost``: 1 when only the older run caught it."""


def render(card: Scorecard) -> tuple[str, str]:
    """``matches.csv`` and ``campaigns.csv``."""
    return matches_csv(card), campaigns_csv(card)


def matches_csv(card: Scorecard) -> str:
    """Alert groups against steps as CSV; times are ISO 8601."""
    return _csv(MATCHES, _matches(card))


def campaigns_csv(card: Scorecard) -> str:
    """Campaigns as CSV; times are ISO 8601."""
    return _csv(CAMPAIGNS, _campaigns(card))


def matches_parquet(card: Scorecard) -> bytes:
    """Alert groups against steps as Parquet; times are timestamps of microseconds UTC."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(_matches(card))
    types = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "time": pa.timestamp("us", tz="UTC")}
    fields = [(name, types[kind]) for name, kind in MATCHES.items()]
    table: pa.Table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in fields})
    out = BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _csv(columns: Mapping[str, str], rows: Iterator[Row]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name], kind) for name, kind in columns.items()] for row in rows)
    return out.getvalue()


def _cell(value: str | float | None, kind: str) -> str | float:
    if value is None:
        return ""
    return iso(int(value)) if kind == "time" else value


def _matches(card: Scorecard) -> Iterator[Row]:
    names = facts.names(card)
    for c in card.campaigns:
        techniques = {s.step_id: s.technique for s in c.steps}
        for m in sorted(c.marks, key=lambda m: (m.t, m.rule_id, m.step_id)):
            yield {"campaign_id": c.campaign_id, "playbook": c.playbook, "step_id": m.step_id,
                   "technique": techniques.get(m.step_id, ""), "rule_id": m.rule_id,
                   "rule_name": names.get(m.rule_id, ""),
                   "level": m.level, "t": m.t, "alerts": m.alerts, "seconds_after_onset": (m.t - c.t_onset) / SECOND}


def _campaigns(card: Scorecard) -> Iterator[Row]:
    gone = facts.lost(card)
    for c in card.campaigns:
        near: Row = {"nearest_rule": None, "nearest_share": None, "nearest_failed": None}
        if c.near is not None:
            near = {"nearest_rule": c.near.rule_id, "nearest_share": c.near.share, "nearest_failed": c.near.failed}
        yield {"campaign_id": c.campaign_id, "playbook": c.playbook, "family": c.family, "status": c.status,
               "weight": c.weight, "t_onset": c.t_onset, "t_impact": c.t_impact, "t_end": c.t_end, "t_det": c.t_det,
               "seconds_to_detect": _delay(c), "level": c.level, "rules": _joined(c.rules), "n_events": c.n_events,
               "events_seen": c.events_seen, "lost_events": c.lost_events, "path": _joined(c.path), **near,
               "lost": int(c.campaign_id in gone)}


def _delay(c: CampaignScore) -> float | None:
    return None if c.t_det is None else (c.t_det - c.t_onset) / SECOND


def _joined(names: Sequence[str]) -> str:
    return "|".join(names)
